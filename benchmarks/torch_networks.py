"""The same networks in PyTorch, which only the benchmark uses."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.work import CLIP_NORM, LEARNING_RATE, Work, rows, weights

LAYERS = {"simple_rnn": nn.RNN, "lstm": nn.LSTM}


class Classifier(nn.Module):
    """Embedding, recurrent layer, last state, one logit."""

    def __init__(self, work: Work) -> None:
        """Builds the layers with the common weights."""
        super().__init__()
        self.embedding = nn.Embedding(work.words, work.embedding)
        self.recurrent = LAYERS[work.cell](work.embedding, work.units, batch_first=True)
        self.head = nn.Linear(work.units, 1)
        words, kernel, recurrent, bias, head, offset = (torch.from_numpy(array.T.copy()) for array in weights(work))
        state = {
            "embedding.weight": words.T,
            "recurrent.weight_ih_l0": kernel,
            "recurrent.weight_hh_l0": recurrent,
            "recurrent.bias_ih_l0": bias,
            "recurrent.bias_hh_l0": torch.zeros_like(bias),
            "head.weight": head,
            "head.bias": offset,
        }
        self.load_state_dict(state)
        # PyTorch adds two biases where Keras has one: the second would learn the same as the first.
        self.recurrent.bias_hh_l0.requires_grad = False

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        """Returns logits, (rows, 1); rows with lengths are padded at the end."""
        sequences = self.embedding(tokens)
        if lengths is not None:
            sequences = pack_padded_sequence(sequences, lengths, batch_first=True, enforce_sorted=False)
        state = self.recurrent(sequences)[1]
        logits: torch.Tensor = self.head((state[0] if isinstance(state, tuple) else state)[-1])
        return logits


def packed(work: Work) -> Callable[[], float]:
    """Trains PyTorch's own layers; rows with padding are packed, so that they give the same outputs."""
    return _training(work, pack=work.padded)


def unmasked(work: Work) -> Callable[[], float]:
    """Trains PyTorch's own layers straight through the padding in front: faster than packing, other outputs."""
    return _training(work, pack=False)


def _training(work: Work, pack: bool) -> Callable[[], float]:
    """Returns a function that trains on all batches once and returns their mean loss."""
    tokens, labels = rows(work)
    lengths = torch.from_numpy(np.count_nonzero(tokens, axis=1)) if pack else None
    if lengths is not None:
        tokens = np.stack([np.roll(row, int(length)) for row, length in zip(tokens, lengths, strict=True)])
    inputs, targets = torch.from_numpy(tokens), torch.from_numpy(labels)
    model = Classifier(work)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(learned, LEARNING_RATE, eps=1e-7, fused=True)  # Keras' epsilon
    loss_of = nn.BCEWithLogitsLoss()

    def repeat() -> float:
        order = torch.randperm(len(inputs)) if work.padded else torch.arange(len(inputs))
        losses = []
        for chosen in torch.split(order, work.batch):
            optimizer.zero_grad()
            logits = model(inputs[chosen], None if lengths is None else lengths[chosen])
            loss = loss_of(logits, targets[chosen])
            loss.backward()
            nn.utils.clip_grad_norm_(learned, CLIP_NORM)
            optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    return repeat

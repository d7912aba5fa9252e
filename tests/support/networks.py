"""Parameters of networks that are small and plain."""

from rnnlab.project.sections.networks import Model

PLAIN = {
    "cell": "lstm",
    "mask": True,
    "word_dropout": 0.0,
    "embedding_dropout": 0.0,
    "layers": 1,
    "bidirectional": False,
    "input_dropout": 0.0,
    "recurrent_dropout": 0.0,
    "pooling": "last",
    "dense": 0,
    "dropout": 0.0,
    "output": "sigmoid",
}


def plain(embedding_dim: int, units: int, **changes: object) -> Model:
    """One LSTM of this size, its last state read by one sigmoid, without dropout; ``changes`` on top."""
    return Model.model_validate({**PLAIN, "embedding_dim": embedding_dim, "units": units, **changes})

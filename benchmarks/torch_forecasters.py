"""The LSTMs of NeuralForecast and Darts, with the options of ours; only the benchmark uses them."""

import logging
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import torch

from benchmarks.forecasting import MODEL, Answer, Task, Work, answer, now, task
from benchmarks.timing import Sample

ADAM = {"eps": 1e-7}  # Keras' default


class Clock(lightning.Callback):
    """Notes when it is made, and when each step of a training ends."""

    def __init__(self) -> None:
        super().__init__()
        self._times = [now()]

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Notes the end of a step."""
        self._times.append(now())

    def times(self, steps: int) -> list[Sample]:
        """Returns when it was made, and when each epoch of so many steps ended."""
        return self._times[::steps]


def neuralforecast(work: Work) -> Callable[[], Answer]:
    """Trains NeuralForecast's LSTM with one linear layer behind it."""
    return _neuralforecast(work, recurrent=False)


def neuralforecast_recurrent(work: Work) -> Callable[[], Answer]:
    """Trains NeuralForecast's LSTM one step ahead, which then reads its own predictions."""
    return _neuralforecast(work, recurrent=True)


def _neuralforecast(work: Work, recurrent: bool) -> Callable[[], Answer]:
    from neuralforecast import NeuralForecast

    given = _begin(work)
    validation = given.values["validation"]
    # Those before the validation rows are the training rows.
    learned = _frame(np.concatenate([given.values["train"], validation])[None])

    def repeat() -> Answer:
        forecaster = NeuralForecast([_neuralforecast_model(given, work.seed, recurrent, Clock())], freq=1)
        forecaster.fit(learned, val_size=len(validation))
        forecasts = forecaster.predict(_frame(given.cut["test"].inputs[:, :, 0]))
        model = forecaster.models[0]  # a copy, as is its clock
        clock = model.trainer_kwargs["callbacks"][0]
        error = given.error(forecasts["LSTM"].to_numpy().reshape(-1, work.horizon))
        return answer(error, _size(model), clock.times(_steps(given)))

    return repeat


def _neuralforecast_model(given: Task, seed: int, recurrent: bool, clock: Clock) -> Any:
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import LSTM

    training, model, steps = given.settings.train, given.settings.models[MODEL], _steps(given)
    return LSTM(
        h=given.settings.series.horizon,
        input_size=given.settings.series.window - recurrent,  # to which a recurrent model adds one
        encoder_n_layers=model.layers,
        encoder_hidden_size=model.units,
        decoder_layers=1,
        recurrent=recurrent,
        loss=MSE(),
        max_steps=training.epochs * steps,
        val_check_steps=steps,
        learning_rate=training.learning_rate,
        batch_size=1,  # series
        valid_batch_size=given.settings.evaluate.batch_size,
        windows_batch_size=training.batch_size,
        training_data_availability_threshold=1.0,  # no window reaches beyond the training rows
        scaler_type="identity",
        random_seed=seed,
        optimizer=torch.optim.Adam,
        optimizer_kwargs=ADAM,
        lr_scheduler=torch.optim.lr_scheduler.CosineAnnealingLR,
        lr_scheduler_kwargs={"T_max": training.epochs * steps},
        **_trainer(given, clock),
    )


def _frame(rows: Any) -> pd.DataFrame:
    """Returns what NeuralForecast reads: each row, of shape (rows, steps), as a series of its own."""
    count, steps = rows.shape
    names, times = np.repeat(np.arange(count), steps), np.tile(np.arange(steps), count)
    return pd.DataFrame({"unique_id": names, "ds": times, "y": rows.ravel().astype(np.float32)})


def darts_block(work: Work) -> Callable[[], Answer]:
    """Trains Darts' BlockRNNModel, which predicts all steps at once."""
    from darts.models import BlockRNNModel

    return _darts(work, BlockRNNModel, output_chunk_length=work.horizon)


def darts_recurrent(work: Work) -> Callable[[], Answer]:
    """Trains Darts' RNNModel one step ahead at each row of a window, which then reads its own predictions."""
    from darts.models import RNNModel

    return _darts(work, RNNModel, training_length=task(work).settings.series.window + work.horizon - 1)


def _darts(work: Work, kind: Any, **lengths: int) -> Callable[[], Answer]:
    from darts import TimeSeries

    given = _begin(work)
    training, model, steps = given.settings.train, given.settings.models[MODEL], _steps(given)
    train, validation = (
        TimeSeries.from_values(given.values[split].astype(np.float32)) for split in ("train", "validation")
    )
    shown = [TimeSeries.from_values(window) for window in given.cut["test"].inputs]

    def repeat() -> Answer:
        clock = Clock()
        forecaster = kind(
            model="LSTM",
            input_chunk_length=given.settings.series.window,
            hidden_dim=model.units,
            n_rnn_layers=model.layers,
            batch_size=training.batch_size,
            n_epochs=training.epochs,
            optimizer_kwargs={"lr": training.learning_rate, **ADAM},
            lr_scheduler_cls=torch.optim.lr_scheduler.CosineAnnealingLR,
            lr_scheduler_kwargs={"interval": "step", "T_max": training.epochs * steps},
            random_state=work.seed,
            pl_trainer_kwargs=_trainer(given, clock),
            **lengths,
        )
        forecaster.fit(train, val_series=validation, verbose=False)
        forecasts = forecaster.predict(work.horizon, shown, verbose=False)
        error = given.error(np.stack([forecast.values()[:, 0] for forecast in forecasts]))
        return answer(error, _size(forecaster.model), clock.times(steps))

    return repeat


def _begin(work: Work) -> Task:
    """Returns the task, once the libraries are quiet."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    return task(work)


def _steps(given: Task) -> int:
    """Returns the number of batches in an epoch."""
    return math.ceil(len(given.cut["train"].targets) / given.settings.train.batch_size)


def _trainer(given: Task, clock: Clock) -> dict[str, Any]:
    """Returns the options of PyTorch Lightning, by which both libraries train."""
    silent = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return {
        "accelerator": "cpu",
        "devices": 1,
        "gradient_clip_val": given.settings.train.clip_norm,
        "callbacks": [clock],
        **silent,
    }


def _size(network: Any) -> int:
    return sum(weight.numel() for weight in network.parameters())

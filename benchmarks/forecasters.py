"""Forecasts: our LSTM against those of NeuralForecast and Darts, on the same windows and with the same budget."""

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from benchmarks import forecasting, report, timing
from benchmarks.forecasting import Answer, Work
from benchmarks.report import Section, Table
from benchmarks.timing import Race, Rival

TITLE = "Forecasts"
RIVALS = {
    "ours": Rival("benchmarks.forecasting:ours"),
    "NeuralForecast LSTM": Rival("benchmarks.torch_forecasters:neuralforecast", needs="neuralforecast"),
    "NeuralForecast LSTM, `recurrent`": Rival(
        "benchmarks.torch_forecasters:neuralforecast_recurrent", needs="neuralforecast"
    ),
    "Darts BlockRNNModel": Rival("benchmarks.torch_forecasters:darts_block", needs="darts"),
    "Darts RNNModel": Rival("benchmarks.torch_forecasters:darts_recurrent", needs="darts"),
}
HORIZONS = (1, 5)
SEEDS = (1, 2, 3)
HEADER = ("horizon", "forecaster", "weights", "test MSE", "first epoch", "median epoch", "all epochs")

# By forecaster, an answer a seed.
Answers = dict[str, list[Answer]]


def measure(quick: bool) -> Section:
    """Trains every forecaster with each seed, in turn, with one core."""
    if not any(rival.installed for rival in RIVALS.values() if rival.needs):
        missing = "**Not measured**: neither NeuralForecast nor Darts is installed (the extra `bench`)."
        return Section(TITLE, [Table(missing, HEADER, [])], {"forecasts": []})
    horizons, seeds, epochs = (HORIZONS[:1], SEEDS[:2], 2) if quick else (HORIZONS, SEEDS, None)
    works = [[Work(horizon, seed, epochs) for seed in seeds] for horizon in horizons]
    with timing.workers(RIVALS, cores=1) as pools:
        answers = [
            # No rounds: the first repetition is a whole training, which tells the seconds of its epochs.
            [timing.race(pools, RIVALS, work, rounds=0).answers for work in tqdm(each, desc="forecasts", disable=None)]
            for each in works
        ]
    by_horizon = {
        horizon: {name: [one[name] for one in each if name in one] for name in RIVALS}
        for horizon, each in zip(horizons, answers, strict=True)
    }
    rows = [row for horizon, found in by_horizon.items() for row in table_rows(horizon, found)]
    raw = [
        {"horizon": horizon, "answers": {name: [one._asdict() for one in each] for name, each in found.items()}}
        for horizon, found in by_horizon.items()
    ]
    return Section(TITLE, [Table(_sentence(works[0]), HEADER, rows)], {"forecasts": raw})


def _sentence(works: Sequence[Work]) -> str:
    settings = forecasting.task(works[0]).settings
    training, model = settings.train, settings.models[forecasting.MODEL]
    return (
        f"**The embedded series, forecast by LSTMs** of {model.layers} layers of {model.units} units from windows of "
        f"{settings.series.window} rows: errors on test windows in the unit of the data, mean and standard deviation "
        f"over {len(works)} seeds; and processor seconds on one core, those of the fastest seed. With each seed, all "
        "train one after the other. The first epoch includes building, tracing and compiling. All have the same "
        "windows to learn from and to be tested on, the same standardised values, mean squared error, batches of "
        f"{training.batch_size}, Adam with a rate that falls from {training.learning_rate} along a cosine, gradients "
        f"clipped to norm {training.clip_norm:g}, and {training.epochs} epochs, of which the last counts: options of "
        f"the experiment `{forecasting.EXPERIMENT}`. "
        "All score the validation rows after each epoch; ours also writes a checkpoint. NeuralForecast draws each "
        "batch anew from all windows. Weights begin as each library draws them, and PyTorch's layers have a second "
        "bias. Of several steps, ours reads all from the state after the window; NeuralForecast's LSTM and Darts' "
        "BlockRNNModel read the first of h from the state h - 1 rows before the window's end. The other two predict "
        "one step, and then read it: Darts' RNNModel learns at all rows of a window, NeuralForecast's `recurrent` at "
        "its last, with an output of one number a layer."
    )


def table_rows(horizon: int, answers: Answers) -> list[list[str]]:
    """Returns a row for each forecaster; processor seconds are compared with those of the first, ours."""
    costs = [_costs(answers, what) for what in ("first", "median", "whole")]
    rows = []
    for name, *seconds in zip(RIVALS, *costs, strict=True):
        if not (found := answers[name]):
            rows.append([str(horizon), name, *[report.NOT_INSTALLED] * (len(HEADER) - 2)])
            continue
        errors = np.array([answer.error for answer in found])
        error = f"{errors.mean():.5f} ± {errors.std(ddof=1):.5f}"
        rows.append([str(horizon), name, f"{found[0].parameters:,}", error, *seconds])
    return rows


def _costs(answers: Answers, what: str) -> list[str]:
    """Compares the processor seconds of a part of the trainings."""
    parts = {name: [getattr(answer, what) for answer in each] for name, each in answers.items()}
    in_cpu = {name: [part._replace(seconds=part.cpu) for part in each] for name, each in parts.items()}
    return report.comparison(RIVALS, Race(in_cpu, {}, {}))

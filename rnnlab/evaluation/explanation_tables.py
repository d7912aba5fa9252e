"""Tables on why networks differ and where they go wrong."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from rnnlab.evaluation import explanations, gradients, states
from rnnlab.features import arrays
from rnnlab.features.clean_rows import read_sequence_names, read_texts
from rnnlab.features.series_encoding import Encoding
from rnnlab.networks import models
from rnnlab.project import layout
from rnnlab.project.dataframes import defused
from rnnlab.project.files import read_json
from rnnlab.project.params import Params, Run
from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import SERIES, STEP, TaskName, forecasts, in_units

FORECASTS = ["label", "predicted", "probability"]
STATES = ("text_id", "model", "quantity", "word")  # columns before those of the units
Thresholds = Mapping[tuple[str, int], Sequence[float]]  # by model and seed, of each label


def look_inside(
    settings: Params, test: arrays.Features, texts: dict[str, str], chosen: Thresholds = NOTHING
) -> dict[str, pd.DataFrame]:
    """Measures gradients of every network before, early in and after its training, and follows each through some texts.

    Returns:
        By name: ``gradient_norms`` with the columns model, seed, moment, distance, norm; ``traces`` with text_id,
        model, seed, position, word, predicted, probability; and ``states``, of the first seed's networks alone, with
        text_id, model, quantity, word, and a column per unit, of cells that `rnnlab.evaluation.states` can follow.
    """
    norms, traces, held = [], [], []
    tokens = np.asarray(test.tokens[: settings.explain.gradient_rows])
    vocabulary, options = read_json(layout.VOCABULARY), settings.tokenize_pad
    networks = models.load_each(map(layout.network, settings.runs))
    early = (network.get_weights() for network in models.load_each(map(layout.early, settings.runs)))
    runs = tqdm(settings.runs, desc="explain", unit="model", disable=None)
    for run, model, weights in zip(runs, networks, early, strict=True):
        norms.append(gradients_of(model, weights, run, tokens))
        for key, text in texts.items():
            limits = chosen.get((run.model, run.seed))
            steps = explanations.trace(model, text, vocabulary, options, settings.evaluate.batch_size, limits)
            row = {"text_id": key, "model": run.model, "seed": run.seed}
            traces += [
                {**row, "position": position, "word": word, "predicted": label, "probability": probability}
                for position, (word, label, probability) in enumerate(steps, start=1)
            ]
            if run.seed == settings.train.seeds[0] and states.can_follow(model):
                held.append(states_of(key, run.model, states.read(model, text, vocabulary, options)))
    return {
        "gradient_norms": pd.concat(norms, ignore_index=True),
        "traces": pd.DataFrame(traces),
        "states": pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=STATES),
    }


def gradients_of(
    model: keras.Model, early: Sequence[npt.NDArray[np.float32]], run: Run, tokens: npt.NDArray[np.int32]
) -> pd.DataFrame:
    """Measures gradient norms with a run's weights before its training, early in it, and in the end."""
    moments = {
        "before": gradients.fresh_weights(model, run.seed),
        "early": early,
        "after": model.get_weights(),
    }
    tables = []
    for moment, weights in moments.items():  # the last are the model's own, which it keeps
        model.set_weights(weights)
        norms = gradients.norms_by_distance(gradients.gradient_norms(model, tokens, batch_size=100), tokens)
        table = pd.DataFrame({"distance": np.arange(len(norms)), "norm": norms}).dropna()
        tables.append(table.assign(model=run.model, seed=run.seed, moment=moment))
    return pd.concat(tables)


def states_of(text_id: str, model: str, read: states.States) -> pd.DataFrame:
    """Returns a row per quantity and word, with a column per unit; three decimals are more than a colour can show."""
    units = [f"unit_{number}" for number in range(1, read.values["hidden"].shape[1] + 1)]
    facts = pd.DataFrame(dict(zip(STATES, (text_id, model, "", list(read.words)), strict=True)))
    tables = [
        facts.assign(quantity=name).join(pd.DataFrame(values.round(3), columns=units))
        for name, values in read.values.items()
    ]
    return pd.concat(tables)


def explain(settings: Params, predictions: pd.DataFrame, chosen: Thresholds = NOTHING) -> dict[str, pd.DataFrame]:
    """Makes the tables of a task with labels by name, from the predictions of `rnnlab.evaluation.scoring`."""
    # Of the rows of one model or run at a time: those of all networks once more would be most of the stage's memory.
    count, of_model = settings.explain.mistakes, {name: predictions["model"] == name for name in settings.compare}
    wrong = [explanations.mistakes(predictions[rows], count).assign(model=name) for name, rows in of_model.items()]
    calibration = [
        bins(predictions.loc[of_model[run.model] & (predictions["seed"] == run.seed), FORECASTS]).assign(
            **run._asdict()
        )
        for run in settings.runs
    ]
    mistakes = pd.concat(wrong, ignore_index=True)
    return EXPLAINERS[settings.task](settings, predictions, mistakes, pd.concat(calibration), chosen)


def _explain_texts(
    settings: Params, predictions: pd.DataFrame, mistakes: pd.DataFrame, calibration: pd.DataFrame, chosen: Thresholds
) -> dict[str, pd.DataFrame]:
    """Adds texts to mistakes, and what goes on inside the networks."""
    shown = predictions.loc[predictions["seed"] == settings.train.seeds[0], ["id", "model", "words", *FORECASTS]]
    traced = explanations.choose_traced(shown, settings.compare[0], settings.compare[-1], settings.explain.traced_rows)
    texts = read_texts(layout.ROWS, [*traced, *mistakes["id"]])
    pa.default_memory_pool().release_unused()  # or Arrow keeps the room that it read all other texts into
    tables = look_inside(settings, arrays.load(layout.TEST), {key: texts[key] for key in traced}, chosen)
    labels = shown[shown["id"].isin(traced)].drop_duplicates("id").set_index("id")["label"]
    return {
        **tables,
        "traces": tables["traces"].assign(label=tables["traces"]["text_id"].map(labels)),
        "calibration": calibration,
        "mistakes": mistakes.assign(text=mistakes["id"].map(texts).map(defused)),
    }


def _explain_sequences(
    settings: Params, predictions: pd.DataFrame, mistakes: pd.DataFrame, calibration: pd.DataFrame, chosen: Thresholds
) -> dict[str, pd.DataFrame]:
    """Adds names to mistakes."""
    names = read_sequence_names(layout.ROWS, mistakes["id"].tolist())
    return {"calibration": calibration, "mistakes": mistakes.assign(text=mistakes["id"].map(names).map(defused))}


EXPLAINERS: dict[TaskName, Callable[..., dict[str, pd.DataFrame]]] = {
    "text": _explain_texts,
    "sequences": _explain_sequences,
}


def bins(predictions: pd.DataFrame) -> pd.DataFrame:
    """Groups one network's probabilities for a reliability curve: the columns forecast, observed, rows."""
    is_so, probabilities = forecasts(predictions)
    groups = explanations.calibration(is_so.to_numpy(), probabilities.to_numpy(np.float32))
    return pd.DataFrame(groups, columns=["forecast", "observed", "rows"])


def explain_series(
    settings: Params,
    predictions: pd.DataFrame,
    test: arrays.Windows,
    encoding: Encoding,
    widths: Mapping[tuple[str, int], npt.NDArray[np.float64]],
) -> dict[str, pd.DataFrame]:
    """Makes the tables of the series task, of each model's network of the first seed, in the data's unit.

    Args:
        settings: names the networks.
        predictions: of `rnnlab.evaluation.scoring`.
        test: the windows of the test rows.
        encoding: of the series.
        widths: half-widths of prediction intervals by model and seed, each of shape (horizon,), as multiples of the
            standard deviation of a series.

    Returns:
        By name: ``mistakes``, the largest errors, with the columns of the predictions and ``error``, each value of the
        series once; and ``windows``, the test windows that each network forecasts best, worst, and as well as half of
        them, with the columns model, window, row, value, predicted, half_width, where the last two are empty for the
        past. Of series that have names, errors are ranked as multiples of their unit.
    """
    seed = settings.train.seeds[0]
    shown = predictions["model"].isin(settings.compare) & (predictions["seed"] == seed)
    errors = predictions[shown].assign(error=(predictions["predicted"] - predictions["target"]).abs())
    sizes = errors.assign(size=in_units(errors, errors["error"]))
    ranked = sizes.sort_values(["size", "row", STEP], ascending=[False, True, True]).drop(columns="size")
    # Neighbouring windows miss the same value: it is shown once, at the step that misses it most.
    once = ranked.loc[~ranked.assign(at=ranked["row"] + ranked[STEP]).duplicated(["model", "at"])]
    mistakes = once.groupby("model").head(settings.explain.mistakes).reset_index(drop=True)
    tables = [
        forecast_table(rows, index, test, encoding, widths[name, seed]).assign(model=name, window=title)
        for name, rows in sizes.groupby("model", sort=False)
        for title, index in chosen_windows(rows).items()
    ]
    return {"mistakes": mistakes, "windows": pd.concat(tables, ignore_index=True)}


def attributions_of(settings: Params, test: arrays.Windows, encoding: Encoding) -> pd.DataFrame:
    """Measures on test windows, spread over all of them, how much each lag and channel moves a network's forecasts.

    Returns:
        The columns model, seed, lag (steps before the first forecast, from 1), channel, attribution (in the data's
        unit, of series that have names in their standard deviations); see `rnnlab.evaluation.gradients.attributions`.
    """
    count = min(settings.explain.gradient_rows, len(test.inputs))
    inputs = np.asarray(test.inputs[np.linspace(0, len(test.inputs) - 1, count).astype(int)])
    names, window = encoding.channel_names(settings.data.value_column), inputs.shape[1]
    scale = 1.0 if encoding.has_names else float(encoding.scales(test.series[:1])[0, 0])
    networks, tables = models.load_each(map(layout.network, settings.runs)), []
    for run, model in zip(tqdm(settings.runs, desc="explain", unit="model", disable=None), networks, strict=True):
        moved = gradients.attributions(model, inputs, batch_size=100) * scale
        wide = pd.DataFrame(moved, columns=names).assign(lag=np.arange(window, 0, -1))
        long = wide.melt(id_vars="lag", var_name="channel", value_name="attribution")
        tables.append(long.assign(model=run.model, seed=run.seed))
    return pd.concat(tables, ignore_index=True)


def chosen_windows(errors: pd.DataFrame) -> dict[str, int]:
    """Returns the index among the windows of that with the least, the median, and the largest mean squared size."""
    order = (errors["size"] ** 2).groupby(errors["row"]).mean().to_numpy().argsort(kind="stable")
    return {"best": int(order[0]), "median": int(order[len(order) // 2]), "worst": int(order[-1])}


def forecast_table(
    rows: pd.DataFrame, index: int, test: arrays.Windows, encoding: Encoding, half_width: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Returns a window's past values and its forecast: a row per step, with row, value, predicted and half_width."""
    first, series = int(test.rows[index]), np.asarray(test.series[index : index + 1])
    [past] = encoding.undo(np.asarray(test.inputs[index : index + 1, :, 0]), series)
    future = rows[rows["row"] == first].sort_values(STEP)
    nothing = np.full(len(past), np.nan)
    return pd.DataFrame(
        {
            "row": np.arange(first - len(past), first + len(future)),
            "value": np.concatenate([past, future["target"]]),
            "predicted": np.concatenate([nothing, future["predicted"]]),
            "half_width": np.concatenate([nothing, half_width * float(encoding.scales(series)[0, 0])]),
            **({SERIES: list(encoding.series)[series[0]]} if encoding.has_names else {}),
        }
    )

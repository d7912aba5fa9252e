"""The networks of the last run of the pipeline in this workspace."""

from pathlib import Path

from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.params import Params


def best_networks(settings: Params, folder: Path = Path()) -> dict[str, Path]:
    """Returns the file of each model's best seed by validation loss, by model; models without files are absent."""
    best = {}
    for model in settings.compare:
        runs = [run for run in settings.runs if run.model == model and (folder / layout.network(run)).is_file()]
        losses = {run: read_table(folder / layout.history(run))["val_loss"].min() for run in runs}
        if losses:
            best[model] = folder / layout.network(min(losses, key=losses.__getitem__))
    return best

"""What MLflow keeps of a finished result beside the result itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rnnlab.project import layout
from rnnlab.project.params import Params, Run
from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import TaskName

PREDICTIONS = "predictions.parquet"  # in MLflow: the answers of one model, with one seed, to the test rows

# What turns inputs into numbers, which a served model needs.
ENCODINGS: dict[TaskName, Path] = {"text": layout.VOCABULARY, "series": layout.SCALER, "sequences": layout.SCALER}


class Record(NamedTuple):
    """What MLflow keeps of a result beside its figures.

    Attributes:
        key: names the result, from `rnnlab.project.dvc_lock.result_key`.
        tags: of parent and children.
        note: Markdown shown on top of the parent.
        datasets: DVC's hash and the rows of each split.
        converged: whether each training, and the pipeline as a whole (None), had; empty where that is not known.
        folder: that the files of `rnnlab.project.layout` are in.
    """

    key: str
    settings: Params
    tags: Mapping[str, str]
    note: str
    artifacts: Sequence[Path]
    datasets: Mapping[str, tuple[str, int]]
    converged: Mapping[Run | None, str] = NOTHING
    folder: Path = Path()

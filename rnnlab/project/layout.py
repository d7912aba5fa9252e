"""Every path of the pipeline, relative to the project's root."""

from pathlib import Path

from rnnlab.project.params import Run
from rnnlab.project.sections.data import CLASSIC_CSV

PACKAGE = Path(__file__).parents[1]  # the code of rnnlab
CODE = ("dvc.yaml", "rnnlab", "stages", "cells", "extensions")  # what makes a result, as paths for Git

PARAMS = Path("params.yaml")
LOCK = Path("dvc.lock")

SAMPLE_REVIEWS = Path("data/sample/reviews.csv")
SAMPLE_SERIES = Path("data/sample/series.csv")
SAMPLE_CLASSIC = Path(CLASSIC_CSV)
RAW = Path("data/raw")  # what users bring
IMDB_REVIEWS = RAW / "imdb.csv"

ROWS = Path("data/interim/rows.parquet")  # a folder of these if the data have several files
REJECTED = Path("data/interim/rejected.csv")
SUMMARY = Path("reports/data.json")

VALIDATION = Path("reports/validation.json")
VALIDATION_PAGE = Path("reports/validation.md")
FAILED_VALIDATION = Path("reports/validation-failed.html")  # no output: DVC deletes those of a stage that fails

FEATURES = Path("data/features")
VOCABULARY = FEATURES / "vocabulary.json"
TRAIN, VALIDATION_ROWS, TEST = (FEATURES / split for split in ("train", "validation", "test"))
SCALER = TRAIN / "scaler.json"
FEATURE_FIGURES = Path("reports/features.json")

MODELS = Path("models")
EARLY = MODELS / "early"  # the networks as they were after their first epoch
BASELINES = MODELS / "baselines"
HISTORY = Path("reports/history")
LAYERS = Path("reports/layers")
TIMINGS = Path("reports/timings")  # differ in every run, so that no stage may depend on them
BASELINE_TIMINGS = TIMINGS / "baselines.json"
CHECKPOINTS = Path("data/checkpoints")
SIZES = Path("reports/sizes")  # in Git: those found by timing would be others elsewhere

PREDICTIONS = Path("data/predictions.parquet")
METRICS = Path("reports/metrics.json")
THRESHOLDS = Path("reports/thresholds.json")  # by run, of each label; of a series, of the error at each step
EXPLANATIONS = Path("reports/explanations")

COMPARISON = Path("reports/comparison.json")
COMPARISON_PAGE = Path("reports/comparison.md")
GLANCE = Path("reports/summary.json")  # the only metrics that DVC shows

FIGURES = Path("reports/figures")
HISTORY_TABLE = Path("reports/tables/history.csv")
LENGTHS_TABLE = Path("reports/tables/accuracy_by_length.csv")

PAGE = Path("reports/index.html")
COMPARED_PAGE = Path("reports/compare.html")
DRIFT_PAGE = Path("reports/drift.md")

EXPERIMENTS = Path("experiments")
EXPERIMENTS_REPORT = Path("reports/experiments.md")
EXPERIMENTS_CURVES = Path("reports/experiments")

FINISHED_TRIALS = Path("data/sweeps")
SWEEP_PAGES = Path("reports/sweeps")

TUNING = Path("reports/tuning")  # studies of `rnnlab tune`: a page, and its trials, each

STORE = Path("mlflow")  # the project's own MLflow


def size(model: str) -> Path:
    """Returns the file that says how many units a model has."""
    return SIZES / f"{model}.json"


def network(run: Run) -> Path:
    """Returns the file of a run's trained network."""
    return MODELS / f"{run.name}.keras"


def early(run: Run) -> Path:
    """Returns the file of a run's network as it was after its first epoch."""
    return EARLY / f"{run.name}.keras"


def history(run: Run) -> Path:
    """Returns the file of a run's epochs."""
    return HISTORY / f"{run.name}.csv"


def layers(run: Run) -> Path:
    """Returns the file that describes the layers of a run's network."""
    return LAYERS / f"{run.name}.json"


def timings(run: Run) -> Path:
    """Returns the file of how long a run took."""
    return TIMINGS / f"{run.name}.json"

"""Every path of the pipeline, relative to the project's root."""

from pathlib import Path

from rnnlab.project.params import Run

PACKAGE = Path(__file__).parents[1]  # this code
CODE = ("dvc.yaml", "rnnlab", "stages")  # what a result is made by, as Git names it

PARAMS = Path("params.yaml")
LOCK = Path("dvc.lock")

SAMPLE_REVIEWS = Path("data/sample/reviews.csv")
SAMPLE_SERIES = Path("data/sample/series.csv")
IMDB_REVIEWS = Path("data/raw/imdb.csv")

ROWS = Path("data/interim/rows.parquet")  # a folder of such files where the data have several files
REJECTED = Path("data/interim/rejected.csv")
SUMMARY = Path("reports/data.json")

VALIDATION = Path("reports/validation.json")
VALIDATION_PAGE = Path("reports/validation.md")
FAILED_VALIDATION = Path("reports/validation-failed.html")  # no output: DVC drops those of a stage that fails

FEATURES = Path("data/features")
VOCABULARY = FEATURES / "vocabulary.json"
TRAIN, VALIDATION_ROWS, TEST = (FEATURES / split for split in ("train", "validation", "test"))
SCALER = TRAIN / "scaler.json"
FEATURE_FIGURES = Path("reports/features.json")

MODELS = Path("models")
BASELINES = MODELS / "baselines"
HISTORY = Path("reports/history")
LAYERS = Path("reports/layers")
TIMINGS = Path("reports/timings")  # differ every time, so no stage depends on them
BASELINE_TIMINGS = TIMINGS / "baselines.json"
CHECKPOINTS = Path("data/checkpoints")

PREDICTIONS = Path("data/predictions.parquet")
METRICS = Path("reports/metrics.json")
EXPLANATIONS = Path("reports/explanations")

COMPARISON = Path("reports/comparison.json")
COMPARISON_PAGE = Path("reports/comparison.md")

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

STORE = Path("mlflow")  # the project's own MLflow


def network(run: Run) -> Path:
    """The trained network of a run."""
    return MODELS / f"{run.name}.keras"


def history(run: Run) -> Path:
    """The epochs of a run."""
    return HISTORY / f"{run.name}.csv"


def layers(run: Run) -> Path:
    """The layers of a run's network."""
    return LAYERS / f"{run.name}.json"


def timings(run: Run) -> Path:
    """How long a run took."""
    return TIMINGS / f"{run.name}.json"

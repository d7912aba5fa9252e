"""Training rows → models without recurrence, which a network should beat."""

from rnnlab.project import layout, params
from rnnlab.project.errors import exit_status
from rnnlab.project.files import replacing, write_json


def main() -> None:
    """Fits the baselines of the task."""
    settings = params.read()
    from rnnlab.evaluation import rivals  # takes seconds to import: mistakes in params are reported first

    with replacing(layout.BASELINES) as folder:
        seconds = rivals.fit_all(settings, layout.ROWS, layout.FEATURES, folder)
    write_json(layout.BASELINE_TIMINGS, seconds)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))

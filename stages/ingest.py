"""The user's labelled texts or series → clean rows with splits, and the rejected rows."""

from pathlib import Path

from rnnlab.data.ingestion import ingest
from rnnlab.project import engines, layout, params
from rnnlab.project.errors import exit_status


def main() -> None:
    """Ingests the file or folder that ``data.csv`` names."""
    settings = params.read()
    with engines.started(settings.data.engine):
        ingest(settings, Path(settings.data.csv), layout.ROWS, layout.REJECTED, layout.SUMMARY)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))

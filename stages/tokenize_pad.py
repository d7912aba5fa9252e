"""Clean rows → vocabulary or scaler, fitted on the training rows, and one folder of arrays per split."""

from rnnlab.features import encoding
from rnnlab.project import engines, layout, params
from rnnlab.project.errors import exit_status
from rnnlab.project.files import write_json


def main() -> None:
    """Encodes the rows that ingest wrote."""
    settings = params.read()
    with engines.started(settings.data.engine):
        figures = encoding.encode(settings, layout.ROWS, layout.VOCABULARY, layout.FEATURES)
    write_json(layout.FEATURE_FIGURES, figures)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))

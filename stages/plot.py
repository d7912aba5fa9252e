"""Histories and predictions → figures, and the tables for `dvc plots`."""

import matplotlib

from rnnlab.project import layout, params
from rnnlab.project.errors import exit_status
from rnnlab.project.files import drop_leftovers, replacing, write_text
from rnnlab.report.figures import common
from rnnlab.report.figures import result as result_figures


def main() -> None:
    """Draws all figures."""
    settings = params.read()
    drop_leftovers(layout.HISTORY, [layout.history(run).name for run in settings.runs])
    tables = result_figures.read_tables(settings)
    with matplotlib.rc_context(common.STYLE), replacing(layout.FIGURES) as folder:
        folder.mkdir()
        for name, figure in result_figures.pictures(settings, tables).items():
            figure.savefig(folder / name, dpi=120, metadata={"Software": None})
            common.close(figure)
    write_text(layout.HISTORY_TABLE, tables.histories.to_csv(index=False, lineterminator="\n"))
    write_text(layout.LENGTHS_TABLE, tables.lengths.round(6).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))

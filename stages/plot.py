"""Histories and predictions → figures that people look at and the tables behind `dvc plots`."""

import argparse
import sys
from pathlib import Path

import matplotlib

from rnnlab import figures, params, result_figures
from rnnlab.errors import exit_status
from rnnlab.files import read_json, replacing, write_text
from rnnlab.runs import drop_leftovers
from rnnlab.tables import read_parquet


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=Path, required=True, help="folder of <model>-<seed>.csv")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--explanations", type=Path, required=True)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--tables", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    drop_leftovers(flags.history, [f"{run.name}.csv" for run in settings.runs])
    predictions = read_parquet(flags.predictions)
    tables = result_figures.Tables(
        histories=result_figures.read_histories(settings, flags.history),
        metrics=read_json(flags.metrics),
        predictions=predictions,
        lengths=result_figures.length_table(settings, predictions),
        explanations=flags.explanations,
    )
    with matplotlib.rc_context(figures.STYLE), replacing(flags.figures) as folder:
        folder.mkdir()
        for name, figure in result_figures.pictures(settings, tables).items():
            figure.savefig(folder / name, dpi=120, metadata={"Software": None})
            figures.close(figure)
    write_text(flags.tables / "history.csv", tables.histories.to_csv(index=False, lineterminator="\n"))
    write_text(
        flags.tables / "accuracy_by_length.csv", tables.lengths.round(6).to_csv(index=False, lineterminator="\n")
    )


if __name__ == "__main__":
    sys.exit(exit_status(main))

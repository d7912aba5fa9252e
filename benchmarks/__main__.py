"""Measures the project against what people use instead; writes reports/benchmarks.md and .json.

With ``IMDB_CSV`` set, or imdb.csv in the folder ``SHARED_DATA``, texts are the 50,000 reviews, otherwise the embedded
corpus. PyTorch, NeuralForecast, Darts and Hugging Face's tokenizers take part if they are installed (extra ``bench``).
"""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    accuracy,
    distribution,
    forecasters,
    lengths,
    on_ray,
    parts,
    report,
    stages,
    tokenization,
    training,
    whole,
)
from rnnlab.project.errors import exit_status
from rnnlab.project.files import read_json, write_json, write_text

SECTIONS = {
    "training": training.measure,
    "parts": parts.measure,
    "lengths": lengths.measure,
    "accuracy": accuracy.measure,
    "forecasts": forecasters.measure,
    "tokenization": tokenization.measure,
    "stages": stages.measure,
    "notebook": whole.measure,
    "distribution": distribution.measure,
    "ray": on_ray.measure,
}


def main() -> None:
    """Measures the requested sections; the others stay in the report as they were."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder of the report")
    options = parser.parse_args()
    raw = options.out / "benchmarks.json"
    entries = read_json(raw) if raw.exists() else {}
    for name in [options.only] if options.only else SECTIONS:
        entries[name] = report.entry(SECTIONS[name](options.quick), options.quick)
        # After each section, so that a run that is stopped keeps its measurements.
        write_json(raw, entries)
        ordered = {name: entries[name] for name in SECTIONS if name in entries}
        write_text(options.out / "benchmarks.md", report.markdown(ordered))
    print(report.markdown(ordered))


if __name__ == "__main__":
    sys.exit(exit_status(main))

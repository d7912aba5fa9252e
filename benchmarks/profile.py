"""Times the pipeline in a throw-away clone and writes reports/profile/*.md.

With ``IMDB_CSV`` set, the data stages are measured on that file too, and on ten times its rows. Compare the figures of
one run with each other: machines differ, and one machine differs from hour to hour.
"""

import argparse
import csv
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML
from tabulate import tabulate
from tqdm import tqdm

from rnnlab.errors import UserError, exit_status
from rnnlab.files import write_text

DATA_STAGES = ("ingest", "validate", "tokenize_pad")
COPIES = 10


class Cost(NamedTuple):
    """What a command cost: wall seconds, and the peak memory of its largest process in MB."""

    seconds: float
    megabytes: float
    output: str


def measure(command: Sequence[str], folder: Path) -> Cost:
    """Runs a command to its end.

    Raises:
        CalledProcessError: it failed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))}
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command, text)
    return Cost(seconds, usage.ru_maxrss / 1024, text)


def clone(place: Path) -> Path:
    """Clones what is committed."""
    folder = place / "project"
    subprocess.run(("git", "clone", "--quiet", ".", str(folder)), check=True)
    return folder


def set_params(folder: Path, values: dict[str, dict[str, object]]) -> None:
    """Changes sections of a clone's params.yaml."""
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    for section, changes in values.items():
        params[section].update(changes)
    yaml.dump(params, folder / "params.yaml")


def time_pipeline(folder: Path) -> list[tuple[str, str, str]]:
    """Runs the embedded comparison cold, unchanged, with one LSTM knob changed, and reverted."""
    rows = []
    knob: dict[str, dict[str, object]] = {"models": {}}
    yaml = YAML(typ="safe")
    lstm = yaml.load(folder / "params.yaml")["models"]["lstm"]
    steps = [("from scratch", None), ("nothing changed", None), ("LSTM dropout changed", 0.2), ("reverted", None)]
    for name, dropout in tqdm(steps, desc="pipeline", disable=None):
        knob["models"]["lstm"] = lstm if dropout is None else lstm | {"dropout": dropout}
        set_params(folder, knob)
        # The clone holds the small reports: without --force, stages that only made those would be skipped.
        cost = measure(("dvc", "repro", *(("--force",) if name == steps[0][0] else ())), folder)
        ran = [line.split("'")[1] for line in cost.output.splitlines() if line.startswith("Running stage")]
        rows.append((name, f"{cost.seconds:.1f}", f"{len(ran)}: {', '.join(ran)}" if len(ran) < 9 else str(len(ran))))
    return rows


def time_data_stages(folder: Path, source: Path, rows_read: int) -> list[tuple[str, int, str, str]]:
    """Runs the stages before training on one CSV."""
    data: dict[str, object] = {"csv": str(source)}
    set_params(folder, {"data": data, "split": {"method": "column"}, "tokenize_pad": {"vocabulary_size": 20000}})
    stages = YAML(typ="safe").load(folder / "dvc.yaml")["stages"]
    rows = []
    for name in tqdm(DATA_STAGES, desc=f"{rows_read} rows", disable=None):
        cost = measure((sys.executable, *stages[name]["cmd"].split()[1:]), folder)
        rows.append((name, rows_read, f"{cost.seconds:.1f}", f"{cost.megabytes:.0f}"))
    return rows


def multiply(source: Path, target: Path) -> int:
    """Writes `COPIES` copies of a CSV, each text marked so that it is no duplicate; returns the rows of one copy."""
    count = 0
    with target.open("w", newline="", encoding="utf-8") as output:
        writer = csv.writer(output, lineterminator="\n")
        for copy in range(COPIES):
            with source.open(newline="", encoding="utf-8") as stream:
                header, *rows = csv.reader(stream)
            if copy == 0:
                writer.writerow(header)
                count = len(rows)
            writer.writerows([f"{text} copy{copy}", *others] for text, *others in rows)
    return count


def profile_pipeline(place: Path) -> str:
    """Tables the runs of `dvc repro`."""
    header = ("what", "seconds", "stages run")
    table = tabulate(time_pipeline(clone(place)), header, "github", disable_numparse=True)
    return f"## `dvc repro` on the embedded corpus\n\n{table}\n"


def profile_data(place: Path) -> str:
    """Tables the stages before training.

    Raises:
        UserError: ``IMDB_CSV`` names no file.
    """
    source = Path(os.environ.get("IMDB_CSV", ""))
    if not source.is_file():
        raise UserError("IMDB_CSV names no file; set it to the reviews, or leave the part data out")
    folder, large = clone(place), place / "large.csv"
    rows = multiply(source, large)
    costs = [*time_data_stages(folder, source.resolve(), rows), *time_data_stages(folder, large, rows * COPIES)]
    table = tabulate(costs, ("stage", "rows", "seconds", "peak MB"), "github")
    return f"## The stages before training on the IMDB reviews, once and ten times over\n\n{table}\n"


PARTS = {"pipeline": profile_pipeline, "data": profile_data}


def main() -> None:
    """Measures the parts that are named, by default all that can be, and writes a report of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="pipeline, data")
    named = parser.parse_args().parts or (list(PARTS) if "IMDB_CSV" in os.environ else ["pipeline"])
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    for part in named:
        with tempfile.TemporaryDirectory() as place:
            text = f"{PARTS[part](Path(place))}\n{date.today().isoformat()}, {machine}. Made by `make bench`.\n"
        write_text(Path(f"reports/profile/{part}.md"), text)
        print(text)


if __name__ == "__main__":
    sys.exit(exit_status(main))

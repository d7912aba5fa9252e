"""The pipeline's stages at one to ten times the rows, `dvc repro` after a change, and classifying texts."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import report, texts, timing
from benchmarks.report import Section, Table
from benchmarks.timing import Rival, Sample
from reliability import clones
from rnnlab.project import yaml_files

STAGES = ("ingest", "validate", "tokenize_pad", "evaluate")
SCALES = (1, 2, 4, 10)
ROWS = 20_000  # at scale 1
# A network of one epoch is enough to measure its evaluation.
BRIEF = {"train": {"epochs": 1, "seeds": [1]}, "baselines": []}
CLASSIFIERS = {
    "ours": Rival("benchmarks.classifiers:ours"),
    "Keras, TextVectorization and predict": Rival("benchmarks.classifiers:stock"),
}


def measure(quick: bool) -> Section:
    """Measures all three."""
    with tempfile.TemporaryDirectory() as place:
        rows = min(ROWS, len(texts.frame()))
        base, scales, rounds = (rows // 10, SCALES[::3], 1) if quick else (rows, SCALES, 2)
        stages = stage_costs(Path(place), base, scales, rounds)
    with tempfile.TemporaryDirectory() as place:
        steps = repro_costs(Path(place), quick)
    with timing.workers(CLASSIFIERS) as pools:
        inference = {str(count): timing.race(pools, CLASSIFIERS, count, 5 if quick else 20) for count in (1, 1000)}
    tables = [_stages(stages), _repro(steps, quick), _inference(inference)]
    raw = {"stages": stages, "repro": steps, "inference": {count: race._asdict() for count, race in inference.items()}}
    return Section("Stages", tables, raw)


def stage_costs(place: Path, base: int, scales: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Runs stages on more and more rows; returns ``stage``, ``rows`` and ``samples`` of each."""
    folder = clones.clone(place)
    commands = stage_commands(folder)
    sources = {scale: place / f"{scale}.csv" for scale in scales}
    for scale, source in sources.items():
        texts.write(source, base, scale)
    clones.set_params(folder, {**BRIEF, **texts.read_from(sources[1])})
    for name in ("ingest", "validate", "tokenize_pad", "size", "train@rnn", "train@lstm"):
        timing.run(commands[name], folder)
    costs: dict[tuple[str, int], list[Sample]] = {(name, scale): [] for scale in scales for name in STAGES}
    for _ in range(rounds):
        for name, scale in tqdm(costs, desc="stages", disable=None):
            clones.set_params(folder, {"data": {"csv": str(sources[scale])}})
            costs[name, scale].append(timing.run(commands[name], folder)[0])
    return [{"stage": name, "rows": base * scale, "samples": samples} for (name, scale), samples in costs.items()]


def stage_commands(folder: Path) -> dict[str, list[str]]:
    """Reads the commands of the stages, and of training each cell."""
    stages = yaml_files.read(folder / "dvc.yaml")["stages"]
    lines = {name: stages[name]["cmd"] for name in (*STAGES, "size")}
    for model in ("rnn", "lstm"):
        lines[f"train@{model}"] = stages["train"]["cmd"].replace("${item}", f"--model {model} --seed 1")
    return {name: [sys.executable, *line.split()[1:]] for name, line in lines.items()}


def repro_costs(place: Path, quick: bool) -> list[dict[str, Any]]:
    """Runs the embedded comparison cold, unchanged, with one LSTM knob changed, and reverted."""
    folder = clones.clone(place)
    clones.set_params(folder, BRIEF if quick else {})
    before = yaml_files.read(folder / "params.yaml")["models"]["lstm"]["dropout"]
    # The clone holds the small reports: without --force, stages that make nothing else would be skipped.
    plan = [("from scratch", before, ["--force"]), ("nothing changed", before, [])]
    plan += [("LSTM dropout changed", 0.2, []), *([] if quick else [("reverted", before, [])])]
    steps = []
    for name, dropout, flags in tqdm(plan, desc="dvc repro", disable=None):
        clones.set_params(folder, {"models": {"lstm": {"dropout": dropout}}})
        sample, output = timing.run([sys.executable, "-m", "dvc", "repro", *flags], folder)
        ran = [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]
        steps.append({"what": name, "sample": sample, "ran": ran})
    return steps


def _stages(costs: list[dict[str, Any]]) -> Table:
    rows = []
    for name in STAGES:
        sizes = [cost for cost in costs if cost["stage"] == name]
        for cost in sizes:
            seconds, peak = timing.least(cost["samples"]), timing.median(cost["samples"], "megabytes")
            growth = seconds / timing.least(sizes[0]["samples"])
            rows.append((name, f"{cost['rows']:,}", f"{seconds:.1f}", f"{growth:.1f}×", f"{peak:.0f}"))
    sentence = (
        f"**Stages by rows** of {texts.name()}, each text made distinct: seconds with the start of Python, how many "
        "times those of the fewest rows, and peak memory; `evaluate` scores a SimpleRNN and an LSTM and looks "
        "inside them."
    )
    return Table(sentence, ("stage", "rows", "seconds", "growth", "peak MB"), rows)


def _repro(steps: list[dict[str, Any]], quick: bool) -> Table:
    def ran(step: dict[str, Any]) -> str:
        return f"{len(step['ran'])}: {', '.join(step['ran'])}" if 0 < len(step["ran"]) < 9 else str(len(step["ran"]))

    rows = [(step["what"], f"{step['sample'].seconds:.1f}", ran(step)) for step in steps]
    brief = ", with one seed and one epoch" if quick else ""
    return Table(f"**`dvc repro` on the embedded corpus**{brief}.", ("what", "seconds", "stages run"), rows)


def _inference(races: dict[str, timing.Race]) -> Table:
    rows = [[count, *report.comparison(CLASSIFIERS, race, digits=1)] for count, race in races.items()]
    sentence = (
        "**From raw texts to labels**, with an LSTM of 128 units that reads 200 words: in one call, in a process that "
        "has the network loaded."
    )
    return Table(sentence, ("texts", *CLASSIFIERS), rows)

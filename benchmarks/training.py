"""Training: a step and an epoch, ours against stock Keras and PyTorch."""

import os
from typing import Any

from tqdm import tqdm

from benchmarks import report, timing
from benchmarks.report import Section, Table
from benchmarks.timing import Race, Rival
from benchmarks.work import Work

RIVALS = {
    "ours": Rival("benchmarks.networks:ours"),
    "Keras": Rival("benchmarks.networks:stock"),
    "Keras, jit_compile": Rival("benchmarks.networks:stock_jit"),
    "PyTorch": Rival("benchmarks.torch_networks:packed", needs="torch"),
}
EPOCH_RIVALS = {**RIVALS, "PyTorch, no mask": Rival("benchmarks.torch_networks:unmasked", needs="torch")}
# Batch, length, units. The first are those of the Keras notebook.
SIZES = ((64, 200, 128), (32, 200, 128), (128, 100, 64), (64, 400, 64))
CELLS = ("simple_rnn", "lstm")


def measure(quick: bool) -> Section:
    """Measures steps and epochs with one core each, and steps with all cores."""
    sizes, rounds, batches, epoch = (SIZES[:1], 3, 4, 8) if quick else (SIZES, 15, 4, 30)
    steps = [Work(cell, *size, batches) for size in sizes for cell in CELLS]
    epochs = [Work(cell, *SIZES[0], epoch, padded=True) for cell in CELLS]
    # Compiling Keras' step again, with a mask, takes longest.
    rivals = {name: rival for name, rival in EPOCH_RIVALS.items() if not quick or "jit" not in name}
    with timing.workers(EPOCH_RIVALS, cores=1) as pools:
        stepped = [timing.race(pools, RIVALS, work, rounds) for work in tqdm(steps, desc="steps", disable=None)]
        through = [timing.race(pools, rivals, work, 3) for work in tqdm(epochs, desc="epochs", disable=None)]
    wide = [work._replace(threads=os.cpu_count() or 1) for work in steps[: len(CELLS)]]
    with timing.workers(RIVALS) as pools:
        widely = [timing.race(pools, RIVALS, work, rounds) for work in tqdm(wide, desc="all cores", disable=None)]
    tables = [
        _table(_one_core(stepped, batches), steps, stepped, per=batches),
        _table(ALL_CORES, wide, widely, per=batches),
        _first(steps, stepped),
        _table(_epoch(epochs[0]), epochs, [_of_processor(race) for race in through], rivals),
    ]
    raw = {"steps": _raw(steps, stepped), "all cores": _raw(wide, widely), "epochs": _raw(epochs, through)}
    return Section("Training", tables, raw)


def _one_core(races: list[Race], batches: int) -> str:
    difference = max(max(race.answers.values()) - min(race.answers.values()) for race in races)
    return (
        "**One training step, one core each**: as the pipeline trains, with one thread (`train.threads`) and as many "
        "trainings side by side as there are cores. Embedding of 128 channels and 10,000 words, recurrent layer, last "
        "state, sigmoid, Adam, gradients clipped to norm 1; rows without padding, word ids as rare as Zipf's law has "
        f"them; a repetition is {batches} batches. All rivals begin with the same weights and see the same batches: "
        f"their losses after these differ by {difference:.1g} at most."
    )


ALL_CORES = (
    "**The same with all cores for one training.** Ours, with as many `train.threads` as there are cores, reads parts "
    "of a batch side by side; the others split single products as they see fit."
)


def _epoch(work: Work) -> str:
    return (
        f"**One epoch of {work.batch * work.batches:,} rows, one core each**, by `fit`, as long as IMDB's reviews are "
        "(half have 174 words at least) and padded in front, with a mask, in a new order: ours in batches of like "
        "lengths, Keras through all padding, PyTorch with packed sequences, its way to skip padding; `no mask` runs "
        "through the padding, which is less work than packing and gives other outputs. All without validation. In "
        "processor seconds: on a busy core Keras' `fit` waits besides, for as long again at worst, until the thread "
        "that tunes tf.data's buffers wakes; ours has no such thread."
    )


def _of_processor(race: Race) -> Race:
    """Replaces seconds by processor seconds."""
    in_cpu = {name: [sample._replace(seconds=sample.cpu) for sample in each] for name, each in race.samples.items()}
    return race._replace(samples=in_cpu)


def _table(
    sentence: str, works: list[Work], races: list[Race], rivals: dict[str, Rival] = RIVALS, per: float = 1.0
) -> Table:
    rows = [[*_names(work), *report.comparison(rivals, race, per)] for work, race in zip(works, races, strict=True)]
    return Table(sentence, ("cell", "batch", "length", "units", *rivals), rows)


def _names(work: Work) -> list[str]:
    return [work.cell, str(work.batch), str(work.length), str(work.units)]


def _first(steps: list[Work], races: list[Race]) -> Table:
    def seconds(race: Race, name: str) -> str:
        return f"{race.first[name]:.1f} s" if name in race.first else report.NOT_INSTALLED

    rows = [[*_names(work), *(seconds(race, name) for name in RIVALS)] for work, race in zip(steps, races, strict=True)]
    sentence = (
        "**Before the first figure above**: building, tracing, compiling and the first repetition, once a training; in "
        "the first row also the import of the library."
    )
    return Table(sentence, ("cell", "batch", "length", "units", *RIVALS), rows)


def _raw(works: list[Work], races: list[Race]) -> list[dict[str, Any]]:
    return [{"work": work._asdict(), **race._asdict()} for work, race in zip(works, races, strict=True)]

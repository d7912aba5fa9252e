"""Growth with the length of texts: one training step with one to ten times as many words."""

from tqdm import tqdm

from benchmarks import report, timing
from benchmarks.report import Section, Table
from benchmarks.timing import Race, Rival
from benchmarks.work import Work

RIVALS = {"ours": Rival("benchmarks.networks:ours"), "Keras": Rival("benchmarks.networks:stock")}
SCALES = (1, 2, 4, 10)
LENGTH = 50  # at scale 1
CELLS = ("simple_rnn", "lstm")


def measure(quick: bool) -> Section:
    """Measures a step of both cells at each length."""
    scales, rounds = (SCALES[:2], 3) if quick else (SCALES, 5)
    works = [Work(cell, batch=64, length=LENGTH * scale, units=64, batches=8) for cell in CELLS for scale in scales]
    with timing.workers(RIVALS, cores=1) as pools:
        races = [timing.race(pools, RIVALS, work, rounds) for work in tqdm(works, desc="lengths", disable=None)]
    raw = [{"work": work._asdict(), **race._asdict()} for work, race in zip(works, races, strict=True)]
    return Section("Growth with length", [_table(works, races)], {"lengths": raw})


def _table(works: list[Work], races: list[Race]) -> Table:
    shortest = {work.cell: race for work, race in zip(works, races, strict=True) if work.length == LENGTH}
    rows = []
    for work, race in zip(works, races, strict=True):
        cells = report.comparison(RIVALS, race, work.batches)
        grown = [_growth(race, shortest[work.cell], name) for name in RIVALS]
        rows.append(
            [work.cell, str(work.length), *(f"{cell}; {times}" for cell, times in zip(cells, grown, strict=True))]
        )
    sentence = (
        "**One training step by length** (batch 64, 64 units, otherwise as above); the last figure of each cell is how "
        "many times the milliseconds of the shortest."
    )
    return Table(sentence, ("cell", "length", *RIVALS), rows)


def _growth(race: Race, shortest: Race, name: str) -> str:
    return f"{timing.least(race.samples[name]) / timing.least(shortest.samples[name]):.1f}×"

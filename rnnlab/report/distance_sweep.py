"""How far a model remembers: its accuracy by distance, from a sweep."""

from functools import partial

from rnnlab.report import solving
from rnnlab.report.parameter_sweeps import Sweep

VERDICT = solving.Task(
    column="distance",
    bar=0.95,
    chance=0.5,
    every="hold a verdict over {}",
    never="holds a verdict over any distance",
    none="none over {}",
    some="some over each distance",
    # How many words follow a far verdict, see `rnnlab.data.corpus`.
    span=lambda distance: f"{distance // 2} to {distance} words",
    axis="words after a far verdict, at most (at least half)",
)
# Of the longest third of the rows, nearly all have a far verdict from a distance of 25 words on, three in four at 10.
SWEEP = Sweep(
    key="sample.distance",
    column=VERDICT.column,
    rows=solving.rows,
    cell=partial(solving.cell, task=VERDICT),
    sentence=partial(solving.sentence, task=VERDICT),
    draw=partial(solving.draw, task=VERDICT),
    about=(
        "Accuracy on the longest third of the test rows by `sample.distance`: a far verdict is followed by at most so"
        " many words, and at least half as many. Where these are few, some of the rows have a near verdict:"
    ),
    caption="accuracy on the longest third of the test rows by the most words that follow a far verdict",
    label="Line chart: accuracy over distance",
    section="why",
)

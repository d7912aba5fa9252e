"""Kill -9 at random moments: no incomplete file under a final name, and the same bytes after a plain rerun."""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from reliability import projects
from reliability.projects import Stage
from reliability.report import Section


class Kill(NamedTuple):
    """The effect of one attempt to kill a command.

    Attributes:
        what: the stage or command.
        killed: whether it was still running when its moment came.
        torn: files under a final name that were neither the old nor the new ones.
        wrong: outputs that differ after a plain rerun.
    """

    what: str
    killed: bool
    torn: list[str]
    wrong: list[str]


def measure(quick: bool) -> Section:
    """Kills each stage alone, then DVC with whatever it runs."""
    rounds, runs = (1, 1) if quick else (9, 4)
    seed = random.randrange(2**32)
    generator = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        folder = projects.make(Path(place))
        began = time.monotonic()
        projects.must(folder, "dvc", "repro")
        duration = time.monotonic() - began
        expected = projects.digests(folder)
        kills = []
        for stage in tqdm(projects.stages(folder), desc="kills", disable=None):
            began = time.monotonic()
            projects.must(folder, *stage.command)
            longest = time.monotonic() - began
            moments = (generator.uniform(0, longest) for _ in range(3 * rounds))
            kills += _enough((kill_stage(folder, stage, moment, expected) for moment in moments), rounds)
        moments = (generator.uniform(0, duration) for _ in range(3 * runs))
        kills += _enough((kill_dvc(folder, moment, expected) for moment in moments), runs)
        finished, unfinished = projects.counted_runs(f"sqlite:///{folder / 'mlflow/mlflow.db'}")
    shown = f"MLflow then showed {finished} finished results of this state, and {unfinished} that looked unfinished."
    sentence = f"**Kill -9 at a random moment** (seed {seed}), outputs deleted first every other time. {shown}"
    header = ("killed", "times", "torn files", "wrong after a plain rerun")
    raw = {"seed": seed, "kills": [kill._asdict() for kill in kills]}
    sound = not any(kill.torn or kill.wrong for kill in kills) and (finished, unfinished) == (1, 0)
    return Section("Kills", sentence, header, _rows(kills), raw, sound)


def _enough(attempts: Iterable[Kill], wanted: int) -> list[Kill]:
    """Takes attempts until so many of them killed something that was still running."""
    taken: list[Kill] = []
    for attempt in attempts:
        taken.append(attempt)
        if sum(kill.killed for kill in taken) == wanted:
            break
    return taken


def kill_stage(folder: Path, stage: Stage, after: float, expected: dict[str, str | None]) -> Kill:
    """Kills a stage that writes its outputs from scratch, or over existing ones, and runs it again."""
    if int(after * 1000) % 2:
        for output in stage.outputs:
            projects.remove(folder / output)
    killed = kill(folder, stage.command, after)
    outputs = [path for path in stage.outputs if path in expected]
    torn = [path for path in outputs if projects.digest(folder / path) not in (None, expected[path])]
    again = projects.run(folder, *stage.command)
    wrong = [path for path in outputs if projects.digest(folder / path) != expected[path]]
    return Kill(stage.name, killed, torn, wrong + ([again.stderr] if again.returncode else []))


def kill_dvc(folder: Path, after: float, expected: dict[str, str | None]) -> Kill:
    """Kills a `dvc repro` that runs every stage, and runs it again."""
    killed = kill(folder, ["dvc", "repro", "--force"], after)
    torn = [path for path, value in expected.items() if projects.digest(folder / path) not in (None, value)]
    again = projects.run(folder, "dvc", "repro")
    if "RWLock-file" in again.stderr:  # DVC writes it in place; a kill at that moment leaves it incomplete
        (folder / ".dvc/tmp/rwlock").unlink()  # as the documentation says
        again = projects.run(folder, "dvc", "repro")
    wrong = [path for path, value in expected.items() if projects.digest(folder / path) != value]
    clean = "up to date" in projects.run(folder, "dvc", "status").stdout
    return Kill("dvc repro", killed, torn, wrong + ([] if clean else [again.stderr or "not up to date"]))


def kill(folder: Path, command: Sequence[str], after: float) -> bool:
    """Starts a command and kills it with all that it started; returns False if it had ended before."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=projects.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        try:
            running.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return True
    return False


def _rows(kills: Sequence[Kill]) -> list[list[str]]:
    names = dict.fromkeys(kill.what for kill in kills)
    groups = {name: [kill for kill in kills if kill.what == name] for name in names}
    return [
        [
            name,
            str(sum(kill.killed for kill in group)),
            str(sum(len(kill.torn) for kill in group)),
            str(sum(len(kill.wrong) for kill in group)),
        ]
        for name, group in (*groups.items(), ("together", kills))
    ]

"""`rnnlab drift`: a model that became worse is an error, and told in a page in any case."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnlab.project import yaml_files
from rnnlab.project.params import Params
from tests.support.builders import summary
from tests.support.repository import Repository, lay_out


@pytest.fixture
def committed(project: Path, settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with a result in its last commit."""
    made = Repository(tmp_path / "mine")
    lay_out(made, settings, {"1": "oxo", "2": "oxx"})
    lock = yaml_files.load((made.folder / "dvc.lock").read_text())
    for stage, path in {"ingest": "data/interim/rows.parquet", "tokenize_pad": "data/features/train"}.items():
        lock["stages"][stage] = {"cmd": stage, "outs": [{"path": path, "md5": "a" * 32}]}
    made.write("dvc.lock", lock)
    made.write("reports/data.json", {"rows_kept": 20})
    made.write("reports/features.json", {"test": {"rows": 3}})
    made.write("reports/tables/history.csv", "model,seed,epoch,val_loss\nrnn,1,1,0.5\n")
    made.commit("result")
    monkeypatch.chdir(made.folder)
    return made


@pytest.mark.parametrize(("now", "status"), [((0.6, 0.7), 0), ((0.9, 1.0), 0), ((0.3, 0.4), 1)])
def test_only_a_result_that_is_worse_is_an_error(
    rnnlab: Callable[..., int],
    committed: Repository,
    capsys: pytest.CaptureFixture[str],
    now: tuple[float, float],
    status: int,
) -> None:
    committed.write("reports/metrics.json", {"rnn": summary(*now), "tfidf": summary(0.8)})
    assert rnnlab("drift", "--out", "reports/mine.md") == status
    told = capsys.readouterr()
    sentence = "error: worse than HEAD: rnn; reports/mine.md says by how much, and what changed\n"
    assert told.err == (sentence if status else "")
    assert told.out.strip() == Path("reports/mine.md").read_text().strip()

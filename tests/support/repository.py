"""A repository with DVC experiments in it that nobody ran."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from rnnlab.experiments.dvc_experiments import Recorded
from rnnlab.project.params import Params
from tests.support.builders import history, lengths, predictions, summary


class Repository:
    """A small project in Git, with experiments made by plumbing and a cache like DVC's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / ".dvc" / "cache"
        folder.mkdir()
        self.git("init", "--quiet")
        (folder / ".git/info/exclude").write_text(".dvc/cache\n")

    def git(self, *words: str) -> str:
        author = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
        done = subprocess.run(("git", *author, *words), cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, path: str, value: Any) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, str):
            target.write_text(value)
            return
        with target.open("w") as stream:  # JSON is YAML, but not the other way round
            json.dump(value, stream) if path.endswith(".json") else YAML(typ="safe").dump(value, stream)

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def store(self, content: bytes) -> str:
        digest = hashlib.md5(content).hexdigest()
        file = self.cache / "files" / "md5" / digest[:2] / digest[2:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return digest

    def record(self, name: str, baseline: str) -> Recorded:
        """Makes the working tree a DVC experiment and goes back to where it started."""
        found = self.commit(name)
        self.git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", found)
        self.git("reset", "--quiet", "--hard", baseline)
        return Recorded(found, baseline)


def lay_out(repository: Repository, settings: Params, hits: Mapping[str, str]) -> None:
    """Writes what a run of rnn with seeds 1 and 2 leaves behind; the timings of seed 2 are not in the cache."""
    values = settings.model_dump(mode="json", by_alias=True)
    values["compare"], values["baselines"], values["train"]["seeds"] = ["rnn"], ["tfidf"], [1, 2]
    parquet = repository.folder / "p.parquet"
    predictions(hits).to_parquet(parquet)
    timings = repository.store(json.dumps({"epoch_seconds": [30.0, 60.0]}).encode())
    outs = {
        "evaluate": {"data/predictions.parquet": repository.store(parquet.read_bytes())},
        "train@rnn-1": {"models/rnn-1.keras": "0" * 32, "reports/timings/rnn-1.json": timings},
        "train@rnn-2": {"reports/timings/rnn-2.json": "1" * 32},
        "train@rnn-9": {"reports/timings/rnn-9.json": timings},
        "left-over": {"data/predictions.parquet": timings},
    }
    parquet.unlink()
    stages = {
        name: {"cmd": name, "outs": [{"path": path, "md5": md5} for path, md5 in files.items()]}
        for name, files in outs.items()
    }
    repository.write("dvc.lock", {"schema": "2.0", "stages": stages})
    repository.write("params.yaml", values)
    repository.write("reports/metrics.json", {"rnn": summary(0.6, 0.7), "tfidf": summary(0.8)})
    repository.write("reports/history/rnn-1.csv", history(0.3, 0.2).to_csv(index=False))
    table = lengths(("rnn", 1, 9, 0.9, 10), ("rnn", 2, 9, 0.7, 10)).assign(run="x")
    repository.write("reports/tables/accuracy_by_length.csv", table.to_csv(index=False))

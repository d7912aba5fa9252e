"""What the parts of a transfer share: its state, the tags of copies, and addresses for people."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.entities import Experiment, LoggedModel
from mlflow.entities import Run as MlflowRun

# Tags of copies: the id in the source, what the source is for people, and that nothing is missing.
FROM, STORE, COMPLETE = "transferred_from", "transferred_store", "transfer_complete"
# Written by the server itself, with the target's own numbers.
VERSIONS = "mlflow.modelVersions"


@dataclass
class Copying:
    """One transfer; parents come before their children.

    Attributes:
        experiment: of the target.
        say: called with each run, model and version as it begins.
        copies: from the id of each run and model in the source to that of its copy, old and new.
    """

    source: MlflowClient
    target: MlflowClient
    experiment: Experiment
    runs: Sequence[MlflowRun]
    models: Sequence[LoggedModel]
    say: Callable[[str], object]
    copies: dict[str, str]

    def marks(self, tags: dict[str, str], origin: str) -> dict[str, str]:
        """Makes the tags of a copy from those of its original and its id; `COMPLETE` is none of them."""
        # The source may hold copies itself: their marks are not of this transfer.
        kept = {key: value for key, value in tags.items() if key not in (COMPLETE, VERSIONS)}
        store = shown(self.source.tracking_uri)
        # For people: ids alone decide, for they are unique and a folder may be moved.
        return {**kept, FROM: origin, STORE: f"{store} on {platform.node()}" if store.startswith("sqlite:") else store}


def shown(uri: str) -> str:
    """An address without a password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else uri

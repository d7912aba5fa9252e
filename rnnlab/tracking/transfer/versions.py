"""Registered models copied from one MLflow store to another: their versions, aliases and tags."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.entities.model_registry import ModelVersion, RegisteredModel

from rnnlab.tracking.champion import CHAMPION, HISTORY
from rnnlab.tracking.runs import every_page
from rnnlab.tracking.transfer.copies import FROM, marks


class CopiedVersions(NamedTuple):
    """What `copy_versions` did.

    Attributes:
        copied: now.
        skipped: because they are on the target already.
        left_out: ``name/number`` of versions whose model was not copied.
        aliases_kept: ``name@alias`` that the target has on another version.
    """

    copied: int
    skipped: int
    left_out: tuple[str, ...]
    aliases_kept: tuple[str, ...]


def copy_versions(
    source: MlflowClient,
    target: MlflowClient,
    runs: Sequence[MlflowRun],
    copies: Mapping[str, str],
    say: Callable[[str], object],
) -> CopiedVersions:
    """Copies the registered versions that were made of copied runs and models.

    Args:
        source: to read.
        target: to write.
        runs: of the source.
        copies: from ids of runs and models to those of their copies.
        say: called with each version as it begins.
    """
    folders = {run.info.run_id: run.info.artifact_uri for run in runs}
    return _Copying(source, target, folders, copies, say)()


@dataclass
class _Copying:
    """One call; ``folders`` says where each run's artifacts are in the source."""

    source: MlflowClient
    target: MlflowClient
    folders: Mapping[str, str]
    copies: Mapping[str, str]
    say: Callable[[str], object]

    def __call__(self) -> CopiedVersions:
        copied, skipped = 0, 0
        left: list[str] = []
        kept: list[str] = []
        for model in every_page(self.source.search_registered_models):
            numbers: dict[str, str] = {}
            present = self._present(model.name)
            versions = every_page(self.source.search_model_versions, f"name = '{model.name}'")
            for version in sorted(versions, key=lambda version: int(version.version)):
                key = f"{model.name}/{version.version}/{version.creation_timestamp}"
                source = self._source_of(version)
                if key in present:
                    numbers[str(version.version)] = present[key]
                    skipped += source is not None
                elif source is None:
                    left.append(f"{model.name}/{version.version}")
                else:
                    numbers[str(version.version)] = self._copy_version(model, version, source, key)
                    copied += 1
            if numbers:
                kept += self._point_aliases(model, numbers)
        return CopiedVersions(copied, skipped, tuple(left), tuple(kept))

    def _present(self, name: str) -> dict[str, str]:
        """The numbers of copies that the target has, by what they came from."""
        versions = every_page(self.target.search_model_versions, f"name = '{name}'")
        return {version.tags[FROM]: str(version.version) for version in versions if FROM in version.tags}

    def _source_of(self, version: ModelVersion) -> str | None:
        """Where the copy of a version's model is; None when it was not copied."""
        model_id = version.source.removeprefix("models:/")
        if model_id in self.copies:
            return f"models:/{self.copies[model_id]}"
        for prefix in (f"runs:/{version.run_id}/", f"{self.folders.get(version.run_id)}/"):
            if version.run_id in self.copies and version.source.startswith(prefix):
                return f"runs:/{self.copies[version.run_id]}/{version.source.removeprefix(prefix)}"
        return None

    def _copy_version(self, model: RegisteredModel, version: ModelVersion, source: str, key: str) -> str:
        if self._registered(model.name) is None:
            self.target.create_registered_model(model.name, description=model.description)
        self.say(f"  version {model.name}/{version.version}")
        copy = self.target.create_model_version(
            model.name,
            source,
            self.copies.get(version.run_id),
            marks(version.tags, key, self.source.tracking_uri),
            version.run_link or None,
            version.description,
            await_creation_for=0,  # a server's registry is ready at once
            model_id=source.removeprefix("models:/") if source.startswith("models:/") else None,
        )
        return str(copy.version)

    def _registered(self, name: str) -> RegisteredModel | None:
        return next(iter(self.target.search_registered_models(f"name = '{name}'")), None)

    def _point_aliases(self, model: RegisteredModel, numbers: dict[str, str]) -> list[str]:
        """Adds the aliases and tags that the target lacks; returns aliases that it has on other versions."""
        theirs = self._registered(model.name)
        assert theirs is not None  # it has versions
        kept = []
        for alias, number in model.aliases.items():
            wanted = numbers.get(str(number))
            if alias not in theirs.aliases and wanted:
                self.target.set_registered_model_alias(model.name, alias, wanted)
            elif alias in theirs.aliases and str(theirs.aliases[alias]) != wanted:
                kept.append(f"{model.name}@{alias}")
        for name, value in model.tags.items():
            if name == HISTORY:  # numbers of versions, and those of the target differ
                value = " ".join(numbers[number] for number in value.split() if number in numbers)
            if name not in theirs.tags and not (name == HISTORY and f"{model.name}@{CHAMPION}" in kept):
                self.target.set_registered_model_tag(model.name, name, value)
        return kept

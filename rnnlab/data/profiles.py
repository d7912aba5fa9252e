"""Counts what settings depend on: one pass over all labelled texts, as the pipeline reads them."""

import math
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.data import labels, sources, steps
from rnnlab.data.looking import Thinned
from rnnlab.data.reviews import rows_of
from rnnlab.data.steps import Columns
from rnnlab.features import clean_rows, text
from rnnlab.project.sections.data import Data

SAMPLE = 10_000  # texts that words are counted in
FREQUENT = 2  # times that a word is seen, from which on a network can learn something of it
MOST_WORDS = 20_000  # as in most work on such texts
MOST_RARE = 0.1  # share of the rows whose labels may be left out


class Lengths(NamedTuple):
    """Words of a text."""

    median: int
    most: int  # of 95 % of the texts
    longest: int
    mean: float  # of texts cut after ``most`` words


class Vocabulary(NamedTuple):
    """Words of a sample of the texts."""

    words: int  # different ones
    frequent: int  # different ones that are seen `FREQUENT` times or more
    half: int  # different ones in half of the sample
    coverage: float  # share of all words that the frequent ones make, at most `MOST_WORDS` of them


class Profile(NamedTuple):
    """What a data set of labelled texts holds."""

    rows: int
    labels: Counter[str]  # of rows that are kept: neither blank nor duplicates
    splits: Counter[tuple[str, str]]  # rows that are kept, by split and label; empty without a column of splits
    blank: int  # rows without a text or a label, or without a known split
    missing: int  # of these, rows whose label is a word for none, such as NA
    rare: Counter[str]  # rows of labels that are left out, as they cannot be in every split
    duplicates: int  # rows whose text came before, or has several labels
    lengths: Lengths
    vocabulary: Vocabulary
    groups: Set[str] = frozenset()  # of sequences

    def without_rare(self, fewest: int) -> "Profile":
        """Leaves out labels of fewer rows, where these are a small part and two or more labels are left."""
        rare = Counter({label: count for label, count in self.labels.items() if count < fewest})
        if rare.total() > MOST_RARE * self.labels.total() or len(self.labels) - len(rare) < 2:
            return self
        return self._replace(labels=self.labels - rare, rare=rare)

    @property
    def by_split(self) -> Counter[str]:
        """Rows that are kept, by split; empty without a column of splits."""
        counts: Counter[str] = Counter()
        for (split, _), rows in self.splits.items():
            counts[split] += rows
        return counts


def read(files: list[Path], data: Data, split_column: str | None) -> Profile:
    """Reads every row of some files.

    Raises:
        UserError: the pipeline cannot read a file; says why.
    """
    rows = blank = missing = duplicates = longest = 0
    counts: Counter[str] = Counter()
    splits: Counter[tuple[str, str]] = Counter()
    first: dict[int, str] = {}  # label of each text, by its hash
    sample: Thinned[str] = Thinned(SAMPLE)
    for batch in (batch for file in files for batch in sources.read_rows(file, data, split_column)):
        rows += len(batch.numbers)
        for written, raw_label, raw_split in zip(batch.texts, batch.labels, batch.splits, strict=True):
            words, label, split = len(written.split()), raw_label.strip(), raw_split.strip().lower()
            if not words or labels.is_missing(label) or (split_column and split not in clean_rows.SPLITS):
                blank += 1
                missing += bool(label) and labels.is_missing(label)
                continue
            longest = max(longest, words)
            if (key := hash(written.strip())) in first:
                duplicates += 1
                continue
            first[key] = label
            counts[label] += 1
            if split_column:
                splits[split, label] += 1
            sample.add(written, len(written))
    lengths, vocabulary = _words(sample.items, longest)
    return Profile(rows, counts, splits, blank, missing, Counter(), duplicates, lengths, vocabulary)


def read_sequences(
    files: Sequence[Path], data: Data, columns: Columns, split_column: str | None, group_column: str | None
) -> Profile:
    """Reads every sequence of some files; lengths are in steps, and there are no words.

    Raises:
        UserError: the pipeline cannot read a file; says why.
    """
    blank = missing = duplicates = 0
    lengths: list[int] = []
    seen: set[bytes] = set()
    groups: set[str] = set()
    counts: Counter[str] = Counter()
    splits: Counter[tuple[str, str]] = Counter()
    for one in steps.read_sequences(files, data, columns):
        lengths.append(len(one.values))
        label, split = one.facts[data.label_column], one.facts[split_column].lower() if split_column else ""
        if labels.is_missing(label) or (split_column and split not in clean_rows.SPLITS):
            blank, missing = blank + 1, missing + (bool(label) and labels.is_missing(label))
        elif (values := one.values.tobytes()) in seen:
            duplicates += 1
        else:
            seen.add(values)
            groups |= {one.facts[group_column]} if group_column else set()
            counts[label] += 1
            splits.update([(split, label)] if split_column else [])
    middle, most = (math.ceil(np.percentile(lengths, share)) for share in (50, 95))
    sizes = Lengths(middle, most, max(lengths), float(np.mean(lengths)))
    return Profile(
        len(lengths), counts, splits, blank, missing, Counter(), duplicates, sizes, Vocabulary(0, 0, 0, 0.0), groups
    )


def _words(sample: list[str], longest: int) -> tuple[Lengths, Vocabulary]:
    if not sample:
        return Lengths(0, 0, 0, 0.0), Vocabulary(0, 0, 0, 0.0)
    lists = text.words(text.clean(pa.array(sample, pa.string())))
    sizes = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    most = int(np.ceil(np.percentile(sizes, 95)))
    counts = _counts(lists)
    frequent = np.sort(counts[counts >= FREQUENT])[::-1]
    coverage = float(frequent[:MOST_WORDS].sum() / max(1, counts.sum()))
    half = len(_counts(lists[: len(sample) // 2 or 1]))
    lengths = Lengths(
        int(np.median(sizes)), most, max(longest, int(sizes.max())), float(np.minimum(sizes, most).mean())
    )
    return lengths, Vocabulary(len(counts), len(frequent), half, coverage)


def _counts(lists: pa.ListArray) -> Any:
    return pc.value_counts(lists.flatten()).field("counts").to_numpy()


def smallest(profile: Profile, test: float, validation: float) -> int:
    """Returns how many rows the rarest label has in the smallest split, by these fractions unless a column says."""
    if not profile.splits:
        return min(_drawn(min(profile.labels.values(), default=0), test, validation))
    has_validation = any(split == "validation" for split, _ in profile.splits)
    counts = []
    for label in profile.labels:
        train, tests = profile.splits["train", label], profile.splits["test", label]
        held_out = profile.splits["validation", label] if has_validation else rows_of(validation, train)
        counts += [train if has_validation else train - held_out, held_out, tests]
    return min(counts, default=0)


def needed(test: float, validation: float) -> int:
    """Returns how many rows a label needs at least, so that each split has one."""
    return next(rows for rows in range(1, 10**6) if min(_drawn(rows, test, validation)))


def _drawn(rows: int, test: float, validation: float) -> tuple[int, int, int]:
    """Returns the rows of a label for training, validation and test, as `rnnlab.data.reviews.assign_splits` draws."""
    tests = rows_of(test, rows)
    held_out = rows_of(validation, rows - tests)
    return rows - tests - held_out, held_out, tests

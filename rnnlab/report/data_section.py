"""The section of the page on the data, and the page of data that failed a check."""

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnnlab.evaluation.tables import cut
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.encoding import PERCENTILES
from rnnlab.features.text import RESERVED_IDS
from rnnlab.project.params import Params
from rnnlab.project.tasks import TaskName
from rnnlab.report.pages import Table, render

EXAMPLES = 3  # rejected rows shown of each reason
SHOWN = 200  # characters of a rejected row
FREQUENT = 30  # words of the vocabulary shown
SIDE_BY_SIDE = 6  # labels
LONGEST_LABEL = 60  # characters
LONGEST_NAMES = 200  # characters of a list
Encoded = tuple[list[str], list[Table]]  # facts and tables on what the networks get
STANDARDISED = "Values are standardised with the training rows' mean and deviation"


class Rejected(NamedTuple):
    """A row that ingest rejected."""

    row: str
    reason: str
    label: str
    text: str


class Checks(NamedTuple):
    """The results of the data checks."""

    verdict: str
    table: Table


class DataSection(NamedTuple):
    """The part of the page on the data; the words are the most frequent ones of the vocabulary."""

    facts: Sequence[str]
    tables: Sequence[Table]
    rejected: Sequence[Rejected]
    checks: Checks
    words: Sequence[str]


def describe(
    summary: Mapping[str, Any],
    features: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    rejected: Path,
    vocabulary: Sequence[str],
    settings: Params,
) -> DataSection:
    """Makes the section from what stages report; the vocabulary, the word of each id, is empty for numbers."""
    encoded_facts, encoded_tables = ENCODED[settings.task](summary, features, settings)
    tables, facts = [splits_table(summary), *encoded_tables], [rows_fact(summary), *encoded_facts]
    if summary["rows_rejected"]["total"]:
        tables.append(reasons_table(summary))
    frequent = vocabulary[RESERVED_IDS : RESERVED_IDS + FREQUENT]
    return DataSection(facts, tables, read_rejected(rejected), checks(findings), frequent)


def _texts(summary: Mapping[str, Any], features: Mapping[str, Any], settings: Params) -> Encoded:
    shares = {"truncated_share": "cut texts", "oov_rate": "unknown words"}
    table = lengths_table(features, "Words per text, by percentile of the texts", shares)
    return vocabulary_facts(features, settings.tokenize_pad.max_length), [table]


def _sequences(summary: Mapping[str, Any], features: Mapping[str, Any], settings: Params) -> Encoded:
    channels, cut_share = features["channels"], features["test"]["truncated_share"]
    shown = ", ".join(cut(name, LONGEST_LABEL) for name in channels[:FREQUENT])
    facts = [
        f"{STANDARDISED}, each of the {len(channels)} channels by itself: {shown}",
        f"A sequence keeps its last {settings.sequences.max_length:,} steps; {cut_share:.1%} of the test rows have more"
        " and were cut",
    ]
    table = lengths_table(features, "Steps per sequence, by percentile of the sequences", {"truncated_share": "cut"})
    return facts, [table]


ENCODED: dict[TaskName, Callable[[Mapping[str, Any], Mapping[str, Any], Params], Encoded]] = {
    "text": _texts,
    "series": lambda summary, features, settings: (series_facts(summary, features), []),
    "sequences": _sequences,
}


def failed_page(source: str, summary: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], rejected: Path) -> str:
    """Makes the page of data, the CSV ``source``, that failed a critical check."""
    reasons = [reasons_table(summary)] if summary["rows_rejected"]["total"] else []
    return render(
        "failed.html",
        title=f"{source} failed a check",
        source=source,
        checks=checks(findings),
        fact=rows_fact(summary),
        tables=[splits_table(summary), *reasons],
        rejected_rows=read_rejected(rejected),
    )


def rows_fact(summary: Mapping[str, Any]) -> str:
    """States how many rows there are, how many were rejected, and how many were left out on request, if any."""
    read, kept, rejected = summary["rows_read"], summary["rows_kept"], summary["rows_rejected"]["total"]
    left_out = summary.get("rows_left_out", 0)
    others = f", {left_out:,} left out (split.train_share or split.until)" if left_out else ""
    return f"{read:,} rows read, {kept:,} kept, {rejected:,} rejected ({rejected / max(read, 1):.1%}){others}"


def series_facts(summary: Mapping[str, Any], features: Mapping[str, Any]) -> list[str]:
    """States how a series became windows, which gaps were filled, and what season was found."""
    windows = ", ".join(f"{features[split]['windows']:,} {split}" for split in SPLITS)
    facts = [f"{STANDARDISED}, and cut into windows: {windows}"]
    if names := summary.get("series"):
        count = f"are {len(names):,}" if len(names) > 1 else "is one"
        facts.append(f"There {count} series, {cut(', '.join(names), LONGEST_NAMES)}; each has its own scaler")
    if filled := summary.get("filled"):
        counts = ", ".join(f"{count:,} in {name}" for name, count in filled.items())
        facts.append(f"Gaps were filled with the value before: {counts}; no filled value is a target")
    if early := summary.get("rows_before_first"):
        facts.append(f"The first {early:,} rows are left out, for want of a value to carry forward")
    if season := features.get("season"):
        facts.append(f"The season has {season:,} steps")
    return facts


def vocabulary_facts(features: Mapping[str, Any], max_length: int) -> list[str]:
    """States how many words the networks do not know, and how many texts they do not see completely."""
    test = features["test"]
    return [
        f"The vocabulary has {features['vocabulary_size']:,} entries, fitted on training rows alone;"
        f" {test['oov_rate']:.1%} of the words in the test rows are not in it, and all look the same to the networks",
        f"A text keeps {max_length:,} words; {test['truncated_share']:.1%} of the test rows are longer and were cut",
    ]


def splits_table(summary: Mapping[str, Any]) -> Table:
    """Counts rows by split and label; of many labels, each has a row of the table, the most frequent first."""
    classes = summary.get("labels") or list(next(iter(summary["splits"].values())))
    if len(classes) > SIDE_BY_SIDE:
        by_label = {name: [summary["splits"][split][name] for split in SPLITS] for name in classes}
        ordered = sorted(classes, key=lambda name: -sum(by_label[name]))
        rows = [[cut(name, LONGEST_LABEL), *(f"{count:,}" for count in by_label[name])] for name in ordered]
        return Table(f"Rows of {len(classes)} labels by split", ["label", *SPLITS], rows)
    rows = []
    for split in SPLITS:
        counts = [summary["splits"][split][name] for name in classes]
        shares = [f"{count:,} ({count / max(sum(counts), 1):.1%})" for count in counts]
        rows.append([split, f"{sum(counts):,}", *(shares if len(classes) > 1 else [])])
    return Table("Rows by split", ["split", "rows", *(classes if len(classes) > 1 else [])], rows)


def lengths_table(features: Mapping[str, Any], caption: str, shares: Mapping[str, str]) -> Table:
    """Shows how long rows are, and shares of what is lost in encoding, whose headings are given."""
    headings = ["split", *(f"{point} %" for point in PERCENTILES), *shares.values()]
    rows = []
    for split in SPLITS:
        lengths = [f"{features[split][f'length_p{point:02}']:,.0f}" for point in PERCENTILES]
        rows.append([split, *lengths, *(f"{features[split][share]:.1%}" for share in shares)])
    return Table(caption, headings, rows)


def reasons_table(summary: Mapping[str, Any]) -> Table:
    """Counts rejected rows by reason, the most frequent first."""
    reasons = {reason: count for reason, count in summary["rows_rejected"].items() if reason != "total"}
    ordered = sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))
    return Table("Rejected rows by reason", ["reason", "rows"], [[reason, f"{count:,}"] for reason, count in ordered])


def read_rejected(source: Path) -> list[Rejected]:
    """Reads the first rejected rows of each reason, a row at a time."""
    if not source.is_file():
        return []
    by_reason: dict[str, list[Rejected]] = {}
    csv.field_size_limit(sys.maxsize)
    with source.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            examples = by_reason.setdefault(row["reason"].partition(" (")[0], [])  # in parentheses: the row's details
            if len(examples) < EXAMPLES:
                label, text = (cut(row[column], SHOWN) for column in ("label", "text"))
                examples.append(Rejected(row["row"], row["reason"], label, text))
    return [example for examples in by_reason.values() for example in examples]


def checks(findings: Sequence[Mapping[str, Any]]) -> Checks:
    """Shows the results of the data checks, failed ones first."""
    failed = [finding for finding in findings if not finding["success"]]
    critical = sum(finding["severity"] == "critical" for finding in failed)
    rows = [
        [
            finding["check"],
            "passed" if finding["success"] else f"FAILED ({finding['severity']})",
            f"{finding['unexpected']:,}",
            ", ".join(finding["examples"]),
            finding["expectation"].removeprefix("expect_").replace("_", " "),
            finding["column"],
            ", ".join(f"{key} {value}" for key, value in finding["limits"].items()),
        ]
        for finding in sorted(findings, key=lambda finding: finding["success"])
    ]
    headings = ["check", "outcome", "rows", "first of them", "expectation", "column", "limits"]
    counts = f"{len(failed) - critical} {'warning' if len(failed) - critical == 1 else 'warnings'}"
    verdict = f"{len(findings)} checks, {critical} critical {'failure' if critical == 1 else 'failures'}, {counts}"
    return Checks(verdict, Table("What Great Expectations checked", headings, rows, text=(0, 1, 3, 4, 5, 6)))

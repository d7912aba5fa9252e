"""Clean rows → a verdict on them; a critical failure stops the pipeline here."""

import argparse
import os
import sys
from pathlib import Path

from rnnlab import data_section, params, report
from rnnlab.errors import UserError, exit_status
from rnnlab.files import read_json, write_json, write_text
from rnnlab.tables import read_parquet


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--summary", type=Path, required=True, help="the counts that ingest wrote")
    parser.add_argument("--rejected", type=Path, required=True, help="the rows that ingest refused")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    parser.add_argument("--failed", type=Path, required=True, help="page for people; DVC drops the outs of a failure")
    flags = parser.parse_args()
    settings = params.read()
    source = settings.data.csv
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # Great Expectations takes seconds to import: a mistake in params is told before that.
    from rnnlab.expectations import check_reviews
    from rnnlab.series_expectations import check_series

    table, summary = read_parquet(flags.rows), read_json(flags.summary)
    if settings.task == "series":
        checked = check_series(table, settings.validate_)
    else:
        checked = check_reviews(table, summary["rows_read"], settings.validate_)
    findings = [finding._asdict() for finding in checked]
    failed = [finding for finding in findings if not finding["success"]]
    if failed:
        print(report.findings_table(failed, "simple"), file=sys.stderr)
    if any(finding["severity"] == "critical" for finding in failed):
        write_text(flags.failed, data_section.failed_page(source, summary, findings, flags.rejected))
        raise UserError(
            f"the data failed a critical check; see {flags.failed}, mend the data,"
            " or change the limits or severities under validate in params.yaml"
        )
    flags.failed.unlink(missing_ok=True)
    write_json(flags.json, findings)
    write_text(flags.markdown, report.validation_markdown(findings))


if __name__ == "__main__":
    sys.exit(exit_status(main))

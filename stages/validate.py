"""Clean rows → the outcome of every check; a critical failure stops the pipeline here."""

import os
import sys

from rnnlab.data import check_tables
from rnnlab.project import layout, params
from rnnlab.project.errors import UserError, exit_status
from rnnlab.project.files import read_json, write_json, write_text


def main() -> None:
    """Runs the checks of the data."""
    settings = params.read()
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    from rnnlab.data import checks  # takes seconds to import: mistakes in params are reported first

    summary = read_json(layout.SUMMARY)
    findings = [finding._asdict() for finding in checks.check(settings, layout.ROWS, summary)]
    failed = [finding for finding in findings if not finding["success"]]
    if failed:
        print(check_tables.findings_table(failed, "simple"), file=sys.stderr)
    if any(finding["severity"] == "critical" for finding in failed):
        from rnnlab.report.data_section import failed_page  # not needed if the data pass

        write_text(layout.FAILED_VALIDATION, failed_page(settings.data.csv, summary, findings, layout.REJECTED))
        raise UserError(
            f"the data failed a critical check; see {layout.FAILED_VALIDATION}, fix the data,"
            " or change the limits or severities under validate in params.yaml"
        )
    layout.FAILED_VALIDATION.unlink(missing_ok=True)
    write_json(layout.VALIDATION, findings)
    write_text(layout.VALIDATION_PAGE, check_tables.validation_markdown(findings))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))

"""Quotations in the CSV files that people open."""

# How formulas begin in Excel, LibreOffice and others, wide characters included; see OWASP, "CSV Injection".
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def defused(cell: str) -> str:
    """Puts an apostrophe before what a spreadsheet would compute, and might send elsewhere, instead of showing it.

    Not for files that programs read: the cell is no longer what it was.
    """
    return f"'{cell}" if cell.startswith(FORMULA) else cell

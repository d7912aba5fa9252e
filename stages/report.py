"""All results → the page that answers the question: a single file that works offline.

It also reads params.yaml, dvc.lock, the Git commit and timings, which say where a result comes from and what it cost; a
change of these does not make the page stale.
"""

from rnnlab.project import layout, params
from rnnlab.project.errors import exit_status
from rnnlab.project.files import drop_leftovers, write_text
from rnnlab.report import result_page


def main() -> None:
    """Writes the page."""
    settings = params.read()
    page = result_page.write(settings)
    drop_leftovers(layout.LAYERS, [layout.layers(run).name for run in settings.runs])
    drop_leftovers(layout.HISTORY, [layout.history(run).name for run in settings.runs])
    write_text(layout.PAGE, page)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))

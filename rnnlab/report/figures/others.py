"""Figures of others: functions that draw the tables of a result."""

from matplotlib.figure import Figure

from rnnlab.project import plugins
from rnnlab.project.errors import UserError
from rnnlab.project.sections.kinds import FIGURES
from rnnlab.report.figures.tables import Panel, Tables


def draw(name: str, tables: Tables) -> Panel:
    """Draws a figure of ``figures``; the first line of its function's docstring tells what it shows.

    Raises:
        UserError: it cannot be drawn.
    """
    plugin = plugins.get(FIGURES, name)
    function = plugin.function()
    with plugins.blaming(plugin, function.__name__):
        figure = function(tables)
    if not isinstance(figure, Figure):
        problem = f"{function.__name__} returns {type(figure).__name__}; expected a figure of matplotlib"
        raise UserError(f"{plugin.place}: {problem}")
    with plugins.blaming(plugin, "drawing its figure"):
        figure.draw_without_rendering()
    caption = (function.__doc__ or name.replace("_", " ")).strip().partition("\n")[0]
    return Panel("results", f"own-{name}", figure, caption, caption)

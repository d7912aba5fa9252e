"""Figures of results."""

import matplotlib

matplotlib.use("Agg")  # no display is needed, on a server there is none

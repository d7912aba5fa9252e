"""Addresses of MLflow's pages that answer the usual questions."""

import json
from collections.abc import Sequence
from urllib.parse import quote

# Its pages open for generative models otherwise.
MODE = "workflowType=machine_learning"


def page_links(server: str, experiment_id: str, parent: str | None, children: Sequence[str]) -> dict[str, str]:
    """Names the pages worth opening.

    Args:
        server: the address, without a slash at its end.
        experiment_id: of the experiment that all runs belong to.
        parent: the newest pipeline's run id, None when nothing was logged yet.
        children: the run ids of its models.

    Returns:
        Addresses by what they show. Compared runs are named in the address: the table of runs folds children away.
    """
    links = {"all runs": f"{server}/#/experiments/{experiment_id}/runs?{MODE}"}
    if parent:
        runs, experiments = quote(json.dumps(list(children))), quote(json.dumps([experiment_id]))
        metric, metrics = quote('"val_accuracy"'), quote('["val_accuracy"]')
        curves = f"runs={runs}&experiments={experiments}&metric={metric}&plot_metric_keys={metrics}&x_axis=step"
        links |= {
            "last result": f"{server}/#/experiments/{experiment_id}/runs/{parent}?{MODE}",
            "its models side by side": f"{server}/#/compare-runs?runs={runs}&experiments={experiments}&{MODE}",
            "their curves overlaid": f"{server}/#/metric?{curves}&{MODE}",
        }
    return links

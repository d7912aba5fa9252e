"""Addresses of MLflow's pages that answer the usual questions."""

import json
from collections.abc import Sequence
from urllib.parse import quote

# Its pages open for generative models otherwise.
MODE = "workflowType=machine_learning"
FIGURES = ("test_accuracy", "test_log_loss", "test_mse", "seconds_per_epoch", "parameters")
# A view of the table of runs, kept in a tag of the experiment as MLflow's own "Share" does, and named in the address.
VIEWS = "mlflow.sharedViewState."
TABLE = "models"
MODELS_TABLE = {
    "searchFilter": "tags.kind != 'pipeline'",
    # Sorted by time, children would be folded away under their parents.
    "orderByKey": "metrics.`test_accuracy`",
    "orderByAsc": False,
    "startTime": "ALL",
    "lifecycleFilter": "Active",
    "modelVersionFilter": "All Runs",
    "datasetsFilter": [],
    "selectedColumns": [
        *("params.`model`", "params.`seed`"),
        *(f"metrics.`{name}`" for name in FIGURES),
        "tags.`converged`",
        "tags.`data_version`",
    ],
}


def page_links(server: str, experiment_id: str, parent: str | None, children: Sequence[str]) -> dict[str, str]:
    """Returns the addresses of pages worth opening, by what they show.

    The server's own has no slash at its end; the parent is the newest pipeline's run, the children are its networks'.
    """
    table = f"{server}/#/experiments/{experiment_id}/runs"
    networks = f"{server}/#/experiments/{experiment_id}/models?{MODE}"
    links = {
        "all models": f"{table}?viewStateShareKey={TABLE}&{MODE}",
        "all networks": networks,
        "all runs": f"{table}?{MODE}",
    }
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


def result_link(server: str, experiment_id: str, key: str) -> str:
    """Finds a result's pipeline and models in MLflow's table by the key of `rnnlab.project.dvc_lock.result_key`."""
    return f"{server}/#/experiments/{experiment_id}/runs?searchFilter={quote(result_filter(key))}&{MODE}"


def result_filter(key: str) -> str:
    """The same as what one types into MLflow's search."""
    return f"tags.pipeline_key = '{key}'"

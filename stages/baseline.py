"""Training rows → models without recurrence, which every network must beat."""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from rnnlab import features, params
from rnnlab.errors import exit_status
from rnnlab.files import reading, replacing, write_json
from rnnlab.params import Params


def fit_baselines(settings: Params, source: Path, train: Path, folder: Path) -> dict[str, float]:
    """Fits those that are asked for into a new folder; returns how many seconds each took."""
    from rnnlab import baselines, series_metrics  # scikit-learn takes seconds to import

    with reading(source):
        rows = pq.read_table(source)
    rows = rows.filter(pc.equal(rows["split"], "train"))
    folder.mkdir()
    seconds = {}
    for name in tqdm(settings.baselines, desc="baseline", unit="model", disable=None):
        started = time.perf_counter()
        if name == "linear":
            windows = features.load_windows(train)
            weights, intercept = series_metrics.fit_linear(windows.inputs, windows.targets)
            np.save(folder / "linear.npy", np.append(weights, intercept), allow_pickle=False)
        elif name != "last_value":
            fitted = baselines.fit(name, rows["text"].combine_chunks(), rows["label"].to_numpy())
            baselines.save(fitted, folder / f"{name}.npz")
        seconds[name] = round(time.perf_counter() - started, 3)
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in settings.baselines), encoding="utf-8")
    return seconds


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--train", type=Path, required=True, help="windows of a series")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets a file a baseline")
    parser.add_argument("--timings", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    with replacing(flags.out) as folder:
        seconds = fit_baselines(settings, flags.rows, flags.train, folder)
    write_json(flags.timings, seconds)


if __name__ == "__main__":
    sys.exit(exit_status(main))

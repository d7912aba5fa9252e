import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["ray_trials", pytest.param("ray_search", marks=pytest.mark.needs("ray"))])
def test_keras_is_not_imported_before_a_trial_runs(module: str) -> None:
    """A sweep's driver has no use for it, and a trial first sets the number of its threads."""
    code = f"import sys, rnnlab.sweeps.{module}; print(sorted({{'keras', 'tensorflow'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")

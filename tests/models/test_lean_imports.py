"""A process that only asks models is not made to carry what trains them."""

import subprocess
import sys

PROGRAM = """
import sys
from models.lean_imports import import_lightgbm_alone
import_lightgbm_alone()
import models.bundle, serving.app
unwanted = {"sklearn", "scipy.optimize", "scipy.stats", "authlib", "statsmodels", "matplotlib", "optuna", "dask"}
assert not unwanted & set(sys.modules), f"{unwanted & set(sys.modules)} came along"
import numpy as np, lightgbm
rows = np.arange(40.0).reshape(20, 2)
trained = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(rows, rows[:, 0] > 20), 2)
assert len(trained.predict(rows, num_threads=1)) == 20
from models.linear import fit_linear
print(fit_linear(rows, (rows[:, 0] > 20).astype(float), np.ones(20)).feature_count)
"""


def test_the_service_asks_models_without_what_trains_them_or_logs_in_and_can_import_it_later() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr

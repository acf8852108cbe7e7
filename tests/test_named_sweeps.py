"""Named sweeps: what each claims, found again on a smaller grid."""

import io
import subprocess
import sys

import pandas as pd
import pytest

from rnnviz import SWEEPS

pytestmark = pytest.mark.slow

SWEEP = """
import sys
import rnnviz as rv
config = rv.SWEEPS[sys.argv[1]].config
knobs = tuple(rv.Knob.parse(text) for text in sys.argv[3:])
config = config.model_copy(update={"knobs": knobs, "seeds": tuple(range(int(sys.argv[2])))})
print(rv.sweep(config, workers=1).to_csv(index=False))
"""


def swept(name, seeds, *knobs):
    """The table of a named sweep over other values.

    In a process of its own: here every call's array shapes are checked, which trains slowly.
    """
    command = [sys.executable, "-c", SWEEP, name, str(seeds), *knobs]
    told = subprocess.check_output(command, text=True)
    table = pd.read_csv(io.StringIO(told))
    assert table.error.isna().all()
    return table


def test_the_border_between_vanishing_and_exploding_runs_close_to_the_line():
    critical = {1.5: 0.431, 2.0: 1.279, 3.0: 3.883}
    scales = [share * sd for sd in critical.values() for share in (0.4, 1.6)]
    listed = ",".join(f"{scale:.4g}" for scale in sorted(scales))
    table = swept("tanh-phases", 2, "gain=1.5,2.0,3.0", f"input_scale={listed}")
    median = table.groupby(["gain", "input_scale"]).factor.median()
    for gain, sd in critical.items():
        by_scale = median[gain]
        assert by_scale[by_scale.index > 1.5 * sd].max() < 1
        assert by_scale[by_scale.index < 0.5 * sd].max() > 1


@pytest.mark.parametrize("seeds", [1, pytest.param(2, marks=pytest.mark.long)])
def test_clipping_learns_a_length_at_which_plain_descent_fails(seeds):
    table = swept("clipping-length", seeds, "steps=20", "clip_by=norm,none")
    success = table.groupby("clip_by").success.mean()
    assert success["norm"] == 1
    assert success["none"] == 0


def test_the_longer_lag_needs_the_larger_forget_bias():
    table = swept("forget-lag", 1, "lag=10,20", "forget_bias=0,2")
    solved = table.set_index(["lag", "forget_bias"]).success
    assert solved[10, 0] == solved[10, 2] == solved[20, 2] == 1
    assert solved[20, 0] == 0


def test_every_named_sweep_fits_on_the_page():
    from dashboard.sweeps import planned

    assert all(planned(sweep.config).runs > 8 for sweep in SWEEPS.values())

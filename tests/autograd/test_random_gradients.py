"""First and second derivatives of random calls, from every family of operations and layers: any
shape, layout in memory, broadcast, length and option. (Longer: python -m stress gradients.)"""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from .checks import FAMILIES, check

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives(family):
    count = 12 if family == "recurrence" else 25

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None,
        suppress_health_check=QUIET,
    )  # fmt: skip
    @given(FAMILIES[family](), st.sampled_from(["float64", "float64", "float32"]))
    def run(case, dtype):
        check(case, dtype)

    run()

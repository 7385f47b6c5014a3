"""The gradient of gamma draws: its two ways to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_rnn.ops.standard_gamma import _slope_by_normal, _slope_by_series


@pytest.mark.parametrize("concentration", [101.0, 150.0, 250.0, 500.0])
def test_the_expansion_for_large_concentrations_is_the_series(concentration):
    """But for the term of the expansion that is left out."""
    a = np.full(15, concentration)
    z = np.linspace(-3.5, 3.5, len(a))
    x = a + np.sqrt(a) * z + (z * z - 1) / 3
    expected = _slope_by_series(a, x, 1500)
    np.testing.assert_allclose(_slope_by_normal(a, x), expected, rtol=0.35 / concentration**3)

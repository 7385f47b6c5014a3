"""assert_close finds what differs, and says where."""

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn.testing import assert_close


def test_equal_and_nearly_equal_values_pass():
    x = torch.tensor([1.0, 2.0])
    assert_close(x, x + 1e-6)
    assert_close({"a": [x, 1.0]}, {"a": [x.clone(), 1.0]})
    assert_close(torch.tensor([float("nan")]), torch.tensor([float("nan")]), equal_nan=True)


@pytest.mark.parametrize(
    "actual, expected, message",
    [
        (torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 2.5]]), r"1 of 2 .* index \(0, 1\), 0.5"),
        (torch.tensor([1.0]), torch.tensor([1.0, 2.0]), "'shape'"),
        (torch.tensor([1.0]), torch.tensor([1]), "'dtype'"),
        (torch.tensor([3]), torch.tensor([4]), "1 of 1 elements"),
        (torch.tensor([float("nan")]), torch.tensor([float("nan")]), "1 of 1 elements"),
        ([torch.ones(1)], [torch.ones(1), torch.ones(1)], "lengths differ"),
        ({"a": torch.ones(1)}, {"b": torch.ones(1)}, "keys differ"),
        ({"a": [torch.ones(1)]}, {"a": [torch.zeros(1)]}, r"at \['a'\]\[0\]"),
    ],
)
def test_differences_are_found(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected)


def test_options():
    with pytest.raises(ValueError, match="both or neither"):
        assert_close(1.0, 1.0, rtol=1e-3)
    assert_close(torch.tensor([1.0]), torch.tensor([1]), check_dtype=False)
    assert_close(1.0, 1.1, rtol=0.2, atol=0.0)
    with pytest.raises(AssertionError, match=r"^mine$"):
        assert_close(1.0, 2.0, msg="mine")
    with pytest.raises(AssertionError, match=r"^mine: 1 of 1"):
        assert_close(1.0, 2.0, msg=lambda text: f"mine: {text}")

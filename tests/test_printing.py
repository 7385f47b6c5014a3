"""Tensors print as PyTorch's do: checked against its ``repr``, and against strings kept from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_rnn import printing
from tinygrad_rnn.printing import format_tensor, get_printoptions, set_printoptions

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

needs_torch = pytest.mark.skipif(torch is None, reason="compares with the repr of PyTorch")

NAN, INF = float("nan"), float("inf")
FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
SPECIAL = [0.0, -0.0, NAN, INF, -INF, 1.0, -1.0, 1.5, 1000.0, 1001.0, 1e8, 1.1e8, 1e-4, 9.9e-5]
SPECIAL += [0.99995, 99999.99995, 1e-40, 5e-324, 1e30, 1e308]


@contextmanager
def print_options(**changes: Any) -> Iterator[None]:
    """Set the options here, and in PyTorch where it is, then return both to their defaults."""
    setters = [set_printoptions] + ([] if torch is None else [torch.set_printoptions])
    try:
        for setter in setters:
            setter(**changes)
        yield
    finally:
        for setter in setters:
            setter(profile="default")


def show(array: Any, dtype: str = "float32", default: str = "float32", **description: Any) -> str:
    """Format `array` as a tensor of `dtype`."""
    with np.errstate(over="ignore"):
        values = np.asarray(array).astype(dtype)
    return format_tensor(values, dtype=dtype, default_dtype=default, **description)


def assert_like_torch(
    array: Any, dtype: str = "float32", default: str = "float32", requires_grad: bool = False
) -> None:
    """Format `array` as PyTorch does."""
    with np.errstate(over="ignore"):
        tensor = torch.from_numpy(np.asarray(array).astype(dtype)).requires_grad_(requires_grad)
    torch.set_default_dtype(getattr(torch, default))
    try:
        expected = repr(tensor)
    finally:
        torch.set_default_dtype(torch.float32)
    assert show(array, dtype, default, requires_grad=requires_grad) == expected


# ---- strings kept from PyTorch 2.13: no torch needed ---------------------------------------------


@pytest.mark.parametrize(
    ("array", "dtype", "expected"),
    [
        (3, "int64", "tensor(3)"),
        (3, "uint8", "tensor(3, dtype=torch.uint8)"),
        (True, "bool", "tensor(True)"),
        (1.5, "float32", "tensor(1.5000)"),
        (-0.0, "float32", "tensor(-0.)"),
        (NAN, "float64", "tensor(nan, dtype=torch.float64)"),
        (1e-5, "float32", "tensor(1.0000e-05)"),
        (0.1, "float16", "tensor(0.1000, dtype=torch.float16)"),
        (1e8, "float32", "tensor(100000000.)"),
        (1e8 + 1, "float64", "tensor(1.0000e+08, dtype=torch.float64)"),
        (1e-4, "float64", "tensor(0.0001, dtype=torch.float64)"),
        (9.9e-5, "float64", "tensor(9.9000e-05, dtype=torch.float64)"),
        ([1, 2], "float32", "tensor([1., 2.])"),
        ([-0.0, 1], "float32", "tensor([-0., 1.])"),
        ([True, False], "bool", "tensor([ True, False])"),
        ([-1, 10, 200], "int64", "tensor([ -1,  10, 200])"),
        ([NAN, INF, 1.5], "float32", "tensor([   nan,    inf, 1.5000])"),
        ([1, 1000], "float32", "tensor([   1., 1000.])"),
        ([1, 1001], "float32", "tensor([1.0000e+00, 1.0010e+03])"),
        ([[1e9, 1]], "float32", "tensor([[1.0000e+09, 1.0000e+00]])"),
        ([[1, 2], [3, 4]], "int64", "tensor([[1, 2],\n        [3, 4]])"),
        ([[[1], [2]], [[3], [4]]], "int64", "tensor([[[1],\n         [2]],\n\n        [[3],\n         [4]]])"),  # noqa: E501
        ([], "float32", "tensor([])"),
        ([], "int64", "tensor([], dtype=torch.int64)"),
        (np.zeros((0, 3)), "float32", "tensor([], size=(0, 3))"),
        (np.zeros((2, 0)), "bool", "tensor([], size=(2, 0), dtype=torch.bool)"),
    ],
)  # fmt: skip
def test_values(array: Any, dtype: str, expected: str) -> None:
    assert show(array, dtype) == expected


def test_long_tensors_are_abridged_and_broken_at_the_line_width() -> None:
    assert show(np.arange(2000.0).reshape(2, 1000)) == (
        "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.9700e+02, 9.9800e+02,\n"
        "         9.9900e+02],\n"
        "        [1.0000e+03, 1.0010e+03, 1.0020e+03,  ..., 1.9970e+03, 1.9980e+03,\n"
        "         1.9990e+03]])"
    )
    assert show(np.arange(1001), "int64") == "tensor([   0,    1,    2,  ...,  998,  999, 1000])"
    assert "..." not in show(np.arange(1000), "int64")


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ({"device": "cuda:0"}, "tensor([1., 2.], device='cuda:0')"),
        ({"requires_grad": True}, "tensor([1., 2.], requires_grad=True)"),
        ({"grad_fn": "AddBackward0"}, "tensor([1., 2.], grad_fn=<AddBackward0>)"),
        (
            {"requires_grad": True, "grad_fn": "AddBackward0"},
            "tensor([1., 2.], grad_fn=<AddBackward0>)",
        ),
        (
            {"device": "cuda:1", "default": "float64", "requires_grad": True},
            "tensor([1., 2.], device='cuda:1', dtype=torch.float32, requires_grad=True)",
        ),
        ({"name": "Parameter"}, "Parameter([1., 2.])"),
    ],
)
def test_description(description: dict[str, Any], expected: str) -> None:
    assert show([1, 2], **description) == expected


def test_description_moves_to_a_new_line_where_it_does_not_fit() -> None:
    description = {"dtype": "float64", "device": "cuda:0", "grad_fn": "MulBackward0"}
    assert show(np.full(8, 0.5), **description) == (
        "tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000],\n"
        "       device='cuda:0', dtype=torch.float64, grad_fn=<MulBackward0>)"
    )


def test_every_line_is_indented_by_the_length_of_the_name() -> None:
    text = show(np.eye(2), dtype="float64", grad_fn="X" * 50, name="Embedding")
    assert text == (
        "Embedding([[1., 0.],\n"
        "           [0., 1.]], dtype=torch.float64,\n"
        f"          grad_fn=<{'X' * 50}>)"
    )


# ---- against PyTorch -----------------------------------------------------------------------------

SHAPES: list[tuple[int, ...]] = [
    *[(), (1,), (5,), (30,), (1001,), (0,), (0, 3), (2, 0, 3), (2, 3), (1, 1), (13, 4)],
    *[(40, 30), (7, 150), (2, 3, 4), (12, 11, 10), (2, 1, 2, 3), (3, 2, 2, 1, 30)],
]
VALUES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Any]] = {
    "zero": lambda rng, shape: np.zeros(shape),
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "whole": lambda rng, shape: rng.integers(-100, 100, shape),
    "tiny": lambda rng, shape: rng.standard_normal(shape) * 1e-5,
    "huge": lambda rng, shape: rng.integers(10**8, 10**10, shape),
    "wide": lambda rng, shape: 10 ** rng.uniform(-6, 6, shape),
    "special": lambda rng, shape: rng.choice(SPECIAL, shape),
    "normal or special": lambda rng, shape: np.where(
        rng.random(shape) < 0.3, rng.choice(SPECIAL, shape), rng.standard_normal(shape)
    ),
}


@needs_torch
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_like_torch(dtype: str, values: str, shape: tuple[int, ...]) -> None:
    array = VALUES[values](np.random.default_rng(0), shape)
    assert_like_torch(array, dtype)
    assert_like_torch(array, dtype, default="float64", requires_grad=True)


@needs_torch
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
def test_integers_like_torch(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    assert_like_torch(rng.integers(0, 2, shape), dtype)
    if dtype != "bool":
        limits = np.iinfo(dtype)
        assert_like_torch(rng.integers(limits.min, limits.max, shape, dtype, True), dtype)


@needs_torch
@pytest.mark.parametrize("length", range(1, 40))
def test_suffixes_like_torch_at_every_length_of_the_last_line(length: int) -> None:
    tensor = torch.arange(length * 1.0, dtype=torch.float64, requires_grad=True)
    for each in (tensor, tensor * 1, tensor.exp().log()):
        name = each.grad_fn and each.grad_fn.name()
        assert show(each.detach(), "float64", requires_grad=True, grad_fn=name) == repr(each)


@needs_torch
@pytest.mark.parametrize("linewidth", range(20, 100))
def test_suffixes_like_torch_at_every_line_width(linewidth: int) -> None:
    with print_options(linewidth=linewidth):
        assert_like_torch(np.eye(4), "float64", requires_grad=True)
        assert_like_torch(np.zeros((3, 0)), "float64", requires_grad=True)


@needs_torch
def test_parameter_like_torch() -> None:
    values = np.random.default_rng(0).standard_normal((5, 30))
    parameter = torch.nn.Parameter(torch.from_numpy(values))
    text = show(values, "float64", requires_grad=True)
    assert f"Parameter containing:\n{text}" == repr(parameter)


@needs_torch
def test_device_like_torch() -> None:
    if not torch.cuda.is_available():
        pytest.skip("PyTorch has no CUDA device here")
    for shape in [(3,), (3, 0), (9, 9)]:
        expected = repr(torch.ones(shape, dtype=torch.float64, device="cuda"))
        assert show(np.ones(shape), "float64", device="cuda:0") == expected


def finite_or_special(dtype: str) -> st.SearchStrategy[Any]:
    """Floats of all sizes, ordinary ones, whole ones, and those that PyTorch's rules turn on."""
    bits: Any = int(dtype.removeprefix("float"))
    everyday = st.floats(-100, 100, width=bits) if bits > 16 else st.floats(-99, 99, width=16)
    with np.errstate(over="ignore"):
        special = [float(np.asarray(x).astype(dtype)) for x in SPECIAL]
    whole = st.integers(-2000, 2000).map(float)
    return st.one_of(st.floats(width=bits), everyday, whole, st.sampled_from(special))


def arrays() -> st.SearchStrategy[Any]:
    """Arrays of every data type, from no dimension to four, empty ones too."""

    def of(dtype: str) -> st.SearchStrategy[Any]:
        shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
        elements = finite_or_special(dtype) if dtype in FLOATS else None
        return hnp.arrays(dtype, shapes, elements=elements)

    return st.sampled_from([*FLOATS, *FLOATS, *INTEGERS, "bool"]).flatmap(of)


options = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.sampled_from([0, 5, 50, 1000, INF]),
        "edgeitems": st.integers(0, 4),
        "linewidth": st.integers(1, 130),
        "profile": st.sampled_from(["default", "short", "full"]),
        "sci_mode": st.booleans(),
    },
)


@needs_torch
@settings(deadline=None, max_examples=300)
@given(array=arrays(), default=st.sampled_from(["float32", "float64"]), changes=options)
def test_any_array_like_torch(array: Any, default: str, changes: dict[str, Any]) -> None:
    dtype = str(array.dtype)
    assert_like_torch(array, dtype, default, requires_grad=dtype in FLOATS)
    with print_options(**changes):
        assert_like_torch(array, dtype, default)


@needs_torch
@given(st.lists(options, min_size=1, max_size=4))
def test_options_like_torch(sequence: list[dict[str, Any]]) -> None:
    with print_options():
        for changes in sequence:
            set_printoptions(**changes)
            torch.set_printoptions(**changes)  # type: ignore[no-untyped-call]
            assert get_printoptions() == torch._tensor_str.get_printoptions()


# ---- options -------------------------------------------------------------------------------------


def test_options_change_the_text() -> None:
    with print_options(precision=2):
        assert show([0.123456, 1]) == "tensor([0.12, 1.00])"
    with print_options(sci_mode=True):
        assert show([1.5, -2]) == "tensor([ 1.5000e+00, -2.0000e+00])"
    with print_options(sci_mode=False):
        assert show([1e9, -2]) == "tensor([1000000000.,         -2.])"
    with print_options(threshold=5, edgeitems=1):
        assert show(range(6), "int64") == "tensor([0,  ..., 5])"
        assert show(np.eye(3)) == "tensor([[1.,  ..., 0.],\n        ...,\n        [0.,  ..., 1.]])"
    with print_options(threshold=5, edgeitems=0):
        assert show(np.eye(3)) == "tensor([...], size=(3, 3))"
    with print_options(linewidth=20):
        assert show(range(6), "int64") == "tensor([0, 1, 2, 3,\n        4, 5])"
    with print_options(profile="full"):
        assert "..." not in show(np.zeros(2000))
    assert show([0.123456, 1]) == "tensor([0.1235, 1.0000])"


def test_options_return_to_what_was_read() -> None:
    with print_options(profile="short", linewidth=99, sci_mode=True):
        before = get_printoptions()
        set_printoptions(profile="default")
        set_printoptions(**before)
        assert get_printoptions() == before


def test_only_the_ends_of_an_abridged_array_are_read() -> None:
    class Ends:
        """A million numbers that must not be listed whole."""

        shape = (1_000_000,)

        def __getitem__(self, index: int, /) -> Any:
            return np.asarray(index)

        def tolist(self) -> Any:
            raise AssertionError("the whole array was listed")

    text = format_tensor(Ends(), dtype="int64", default_dtype="float32")
    assert text == "tensor([     0,      1,      2,  ..., 999997, 999998, 999999])"


def test_unknown_profile_is_an_error_that_changes_nothing() -> None:
    before = get_printoptions()
    with pytest.raises(ValueError, match="default, short, full, got 'long'"):
        set_printoptions(precision=1, profile="long")
    assert printing.get_printoptions() == before

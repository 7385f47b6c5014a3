"""Comparing tensors in tests, and checking gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import dtypes
from .autograd import gradcheck as gradcheck, gradgradcheck as gradgradcheck
from .autograd.hints import told
from .backends import HostScalar, is_host
from .creation import as_tensor, empty, tensor
from .dtypes import float16, float32, float64, int64
from .ops.comparison import isclose
from .ops.shape import new_sizes
from .random import randint
from .tensor import Tensor
from .warning import warn

# (rtol, atol) that allow for the rounding of a few operations; integers must be equal
_TOLERANCES = {float16: (1e-3, 1e-5), float32: (1.3e-6, 1e-5), float64: (1e-7, 1e-7)}


@told
def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Args:
        actual, expected: both tensors or arrays, of the same shape, or both numbers, or None; or
            sequences and mappings of them.
        allow_subclasses: whether one of the two may be a subclass of the other, a Parameter.
        rtol, atol: both or neither; by default what the dtype's rounding allows.
        equal_nan: whether nan equals nan.
        check_device, check_dtype, check_layout, check_stride: whether those must agree too.
        msg: the message of the error, or a function of the one that it would have.

    Raises TypeError for what can't be compared, ValueError for one tolerance without the other.

    >>> torch.testing.assert_close(torch.ones(2), torch.tensor([1.0, 1.5]))
    Traceback (most recent call last):
    AssertionError: Tensor-likes are not close!
    ...
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            "Both 'rtol' and 'atol' must be either specified or omitted, but got no "
            f"{'rtol' if rtol is None else 'atol'}."
        )
    checks = {"layout": check_layout, "device": check_device, "dtype": check_dtype,
              "stride()": check_stride}  # fmt: skip
    comparison = _Comparison(rtol, atol, equal_nan, checks, allow_subclasses)
    try:
        comparison.compare(actual, expected, "")
    except AssertionError as error:
        text = msg(str(error)) if callable(msg) else msg or str(error)
        raise AssertionError(text) from None


@told
def make_tensor(
    *shape: int | Sequence[int],
    dtype: dtypes.dtype,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the shape with numbers at random, evenly from low to below high: by default -9
    to 9, for bool 0 to 1, for uint8 0 to 9. Limits that the dtype does not have are moved into it.

    Args:
        noncontiguous: whether elements lie apart in memory.
        exclude_zero: whether zeros become 1, or the smallest normal number.

    Raises ValueError for limits in the wrong order, nan, or outside of the dtype, and for a
    gradient of integers.

    >>> make_tensor = torch.testing.make_tensor
    >>> make_tensor(2, 3, dtype=torch.float32, device="cpu", noncontiguous=True).stride()
    (6, 2)
    """
    sizes = new_sizes(shape)
    floating = dtype.is_floating_point
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"{noncontiguous=} and {memory_format=}"
        )
    if requires_grad and not floating:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"{dtype=}"
        )
    bounds = _limits(dtype, low, high)
    apart = noncontiguous and math.prod(sizes) > 1
    full = (*sizes[:-1], 2 * sizes[-1]) if apart else sizes
    if floating:
        result = empty(full, dtype=dtype, device=device)
        # Halves, because the whole range may be wider than the largest number
        result.uniform_(bounds[0] / 2, bounds[1] / 2).mul_(2)
    else:
        first, beyond = map(math.ceil, bounds)
        result = randint(first, beyond, full, dtype=dtype, device=device)
    if apart:
        result = result[..., 1::2]
    if memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = dtypes.finfo(dtype).tiny if floating else 1
    return result.requires_grad_(requires_grad)


def _limits(dtype: dtypes.dtype, low: float | None, high: float | None) -> tuple[float, float]:
    """The limits of `make_tensor`, inside of the dtype."""
    default: tuple[float, float] = -9, 9 if dtype.is_floating_point else 10
    if dtype is dtypes.bool_:
        default = least, beyond = 0, 2
    elif dtype.is_floating_point:
        least, beyond = dtypes.finfo(dtype).min, dtypes.finfo(dtype).max
    else:
        info = dtypes.iinfo(dtype)
        least, beyond = info.min, info.max + (dtype is not int64)
    low, high = default[0] if low is None else low, default[1] if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and dtype.is_floating_point:
        warn("low == high: use torch.full(...) instead.", FutureWarning)
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= beyond:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} "
            f"only supports [{least}, {beyond})"
        )
    return min(max(low, least), beyond), min(max(high, least), beyond)


@dataclass
class _Comparison:
    """The options of one `assert_close`."""

    rtol: float | None
    atol: float | None
    equal_nan: bool
    checks: dict[str, bool]
    allow_subclasses: bool

    def compare(self, actual: Any, expected: Any, where: str) -> None:
        """Two values, or containers; `where` is Python's way to them."""
        if isinstance(actual, Mapping) and isinstance(expected, Mapping):
            if actual.keys() != expected.keys():
                missing, more = (
                    sorted(one.keys() - other.keys(), key=str)
                    for one, other in ((expected, actual), (actual, expected))
                )
                raise _differs(
                    "The keys of the mappings do not match:\n"
                    f"Missing keys in the actual mapping: {missing}\n"
                    f"Additional keys in the actual mapping: {more}",
                    where,
                )
            for key in expected:
                self.compare(actual[key], expected[key], f"{where}[{key!r}]")
        elif _is_list(actual) and _is_list(expected):
            if len(actual) != len(expected):
                lengths = f"{len(actual)} != {len(expected)}"
                raise _differs(f"The length of the sequences mismatch: {lengths}", where)
            for number, (a, e) in enumerate(zip(actual, expected, strict=True)):
                self.compare(a, e, f"{where}[{number}]")
        else:
            self._values(_plain(actual), _plain(expected), where)

    def _values(self, actual: Any, expected: Any, where: str) -> None:
        kinds = type(actual), type(expected)
        if actual is None or expected is None:
            if actual is not expected:
                raise _differs(f"None mismatch: {actual} is not {expected}", where)
        elif kinds == (bool, bool):
            if actual is not expected:
                raise _differs(f"Booleans mismatch: {actual} is not {expected}", where)
        elif all(isinstance(x, int | float) for x in (actual, expected)):
            if kinds[0] is not kinds[1] and self.checks["dtype"]:
                raise _differs(f"The (d)types do not match: {kinds[0]} != {kinds[1]}.", where)
            self._tensors(_wide(actual), _wide(expected), where)
        elif self._comparable(actual, expected):
            self._tensors(as_tensor(actual), as_tensor(expected), where)
        else:
            raise TypeError(
                f"No comparison pair was able to handle inputs of type {kinds[0]} and {kinds[1]}."
            )

    def _comparable(self, actual: Any, expected: Any) -> bool:
        """Whether both are tensors, or arrays, one of the other's class."""
        if not all(isinstance(x, Tensor) or is_host(x) for x in (actual, expected)):
            return False
        if self.allow_subclasses:
            return isinstance(actual, type(expected)) or isinstance(expected, type(actual))
        return type(actual) is type(expected)

    def _tensors(self, actual: Tensor, expected: Tensor, where: str) -> None:
        for name, wanted in {"shape": True, **self.checks}.items():
            a, e = (x.stride() if "(" in name else getattr(x, name) for x in (actual, expected))
            if wanted and a != e:
                raise _differs(
                    f"The values for attribute '{name}' do not match: {a} != {e}.", where
                )
        kinds = [x.dtype for x in (actual, expected)]
        defaults = [_TOLERANCES.get(kind, (0.0, 0.0)) for kind in kinds]
        rtol = max(d[0] for d in defaults) if self.rtol is None else self.rtol
        atol = max(d[1] for d in defaults) if self.atol is None else self.atol
        common = dtypes.promote_types(*kinds)
        common = common if common.is_floating_point else int64
        a, e = (x.detach().cpu().to(common) for x in (actual, expected))
        close = isclose(a, e, rtol, atol, self.equal_nan)
        if not bool(close.all()):
            raise _differs(_report(a, e, close, rtol, atol), where)


def _report(a: Tensor, e: Tensor, close: Tensor, rtol: float, atol: float) -> str:
    """What differs, and where most."""
    exact = rtol == atol == 0
    absolute = (a - e).abs().masked_fill(close, 0)
    relative = (absolute / e.abs()).masked_fill(close, 0)
    limits = ["" if exact else f" (up to {limit} allowed)" for limit in (atol, rtol)]
    how = "equal" if exact else "close"
    if not a.dim():
        return (
            f"Scalars are not {how}!\n\nExpected {e.item()} but got {a.item()}.\n"
            f"Absolute difference: {absolute.item()}{limits[0]}\n"
            f"Relative difference: {relative.item()}{limits[1]}"
        )
    count, total = a.numel() - int(close.sum()), a.numel()
    lines = [
        f"Tensor-likes are not {how}!\n",
        f"Mismatched elements: {count} / {total} ({count / total:.1%})",
    ]
    for name, difference, limit in zip(
        ("absolute", "relative"), (absolute, relative), limits, strict=True
    ):
        worst = int(difference.argmax())
        value, index = difference.flatten()[worst].item(), _unravel(worst, tuple(a.shape))
        lines.append(f"Greatest {name} difference: {value} at index {index}{limit}")
    return "\n".join(lines)


def _differs(text: str, where: str) -> AssertionError:
    return AssertionError(f"{text}\n\nThe failure occurred for item {where}" if where else text)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    return value.item() if isinstance(value, HostScalar) else value


def _wide(number: float) -> Tensor:
    return tensor(number, dtype=float64 if isinstance(number, float) else int64, device="cpu")


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an element from its place in the flattened tensor."""
    index = []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        index.append(place)
    return tuple(reversed(index))

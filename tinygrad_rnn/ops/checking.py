"""Questions about the values of tensors that nobody waits for on a GPU, and about their dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd import Variable
from ..backends import Array, backend_of
from ..dtypes import int64, of_array


def check_all(holds: Array, error: type[Exception], message: str) -> None:
    """Raise the error unless a mask is true everywhere: at once on the CPU, on a GPU when the host
    reads values next."""
    xp: Any = backend_of(holds)
    xp.check_range((~holds).reshape(-1).astype(int64.array), 0, 1, error, message)


def check_same_dtype(name: str, *tensors: Any) -> None:
    """Raise RuntimeError unless all tensors have one dtype."""
    kinds = [of_array(x._array.dtype) for x in tensors if isinstance(x, Variable)]
    if len({*kinds}) > 1:
        got = " and ".join(map(str, kinds))
        raise RuntimeError(f"{name}: expected tensors of one dtype, but got {got}; convert one")


def refusing(
    name: str,
    kinds: str = "b",
    prepare: Callable[[tuple[Any, ...]], tuple[Any, ...]] = lambda args: args,
) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """What prepares the inputs of an operation, after `prepare`, that is not there for these kinds
    of dtypes: b, i, u. It raises NotImplementedError, with PyTorch's name of the operation."""

    def check(args: tuple[Any, ...]) -> tuple[Any, ...]:
        args = prepare(args)
        for arg in args:
            if isinstance(arg, Variable) and arg._array.dtype.kind in kinds:
                kind = of_array(arg._array.dtype).scalar_name
                raise NotImplementedError(
                    f"\"{name}\" not implemented for '{kind}': convert with .float()"
                )
        return args

    return check

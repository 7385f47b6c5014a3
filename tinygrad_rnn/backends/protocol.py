"""What a backend offers: the array functions that operations are written in.

A backend is a module. Most names are the array library's own functions, which NumPy and CuPy
spell alike; the rest, below the ruler, is what they do differently. An operation receives its
backend as `xp` and touches arrays only through it, their operators and their methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

Array = Any  # numpy.ndarray or cupy.ndarray; never a Tensor
_Function = Callable[..., Any]


class FusedCell(NamedTuple):
    """A recurrent cell over a whole sequence: `backends.fused.lstm` has the arguments.

    forward: (outputs, last states, what backward reads).
    backward: (gradient of x, of the first states, of the weights).
    step: the new states, of one step for itself, bit for bit as forward's at this batch size.
    """

    forward: _Function
    backward: _Function
    step: _Function


class Backend(Protocol):
    # ----- the shared array functions -----
    # elementwise
    absolute: _Function
    add: _Function
    arccos: _Function
    arccosh: _Function
    arcsin: _Function
    arcsinh: _Function
    arctan: _Function
    arctan2: _Function
    arctanh: _Function
    bitwise_and: _Function
    bitwise_or: _Function
    bitwise_xor: _Function
    ceil: _Function
    clip: _Function
    copysign: _Function
    cos: _Function
    cosh: _Function
    equal: _Function
    exp: _Function
    exp2: _Function
    expm1: _Function
    floor: _Function
    floor_divide: _Function
    fmod: _Function
    frexp: _Function
    gcd: _Function
    greater: _Function
    greater_equal: _Function
    hypot: _Function
    invert: _Function
    isfinite: _Function
    isinf: _Function
    isnan: _Function
    lcm: _Function
    less: _Function
    less_equal: _Function
    log: _Function
    log10: _Function
    log1p: _Function
    log2: _Function
    logical_and: _Function
    logical_not: _Function
    logical_or: _Function
    logical_xor: _Function
    maximum: _Function
    minimum: _Function
    multiply: _Function
    nan_to_num: _Function
    negative: _Function
    nextafter: _Function
    not_equal: _Function
    power: _Function
    remainder: _Function
    rint: _Function
    sign: _Function
    signbit: _Function
    sin: _Function
    sinh: _Function
    sqrt: _Function
    square: _Function
    subtract: _Function
    tan: _Function
    tanh: _Function
    true_divide: _Function
    trunc: _Function
    where: _Function
    # creation
    arange: _Function
    empty: _Function
    empty_like: _Function
    eye: _Function
    full: _Function
    full_like: _Function
    linspace: _Function
    ones: _Function
    ones_like: _Function
    zeros: _Function
    zeros_like: _Function
    # reduction and order
    all: _Function
    amax: _Function
    amin: _Function
    any: _Function
    argmax: _Function
    argmin: _Function
    argsort: _Function
    bincount: _Function
    count_nonzero: _Function
    cumprod: _Function
    cumsum: _Function
    median: _Function
    prod: _Function
    result_type: _Function
    searchsorted: _Function
    sum: _Function
    unique: _Function
    # shape and place
    array_split: _Function
    ascontiguousarray: _Function
    broadcast_arrays: _Function
    broadcast_to: _Function
    concatenate: _Function
    diagonal: _Function
    expand_dims: _Function
    flip: _Function
    moveaxis: _Function
    nonzero: _Function
    repeat: _Function
    roll: _Function
    stack: _Function
    take: _Function
    take_along_axis: _Function
    tile: _Function
    transpose: _Function
    tril: _Function
    triu: _Function
    # linear algebra
    einsum: _Function
    matmul: _Function

    # ----- what the array libraries do differently -----
    ndarray: type

    def as_strided(self, x: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
        """A view of the memory of `x` with any shape and strides in bytes."""
        ...

    # Of stacks of matrices in float32 or float64, as numpy.linalg has them. Where a matrix has no
    # answer they raise numpy.linalg.LinAlgError, which is a ValueError.
    def cholesky(self, a: Array) -> Array: ...
    def det(self, a: Array) -> Array: ...
    def eigh(self, a: Array, UPLO: str = "L") -> tuple[Array, Array]: ...
    def inv(self, a: Array) -> Array: ...
    def qr(self, a: Array, mode: str = "reduced") -> tuple[Array, Array]: ...
    def slogdet(self, a: Array) -> tuple[Array, Array]: ...
    def solve(self, a: Array, b: Array) -> Array: ...
    def svd(self, a: Array, full_matrices: bool = True) -> tuple[Array, Array, Array]: ...

    def asarray(self, value: Any, dtype: np.dtype | None = None) -> Array:
        """`value` as this backend's array; a 0-d result of a ufunc becomes an array again."""
        ...

    def from_dlpack(self, source: Any) -> Array:
        """An array on the memory of any object with `__dlpack__` on this backend's device."""
        ...

    def from_host(self, array: np.ndarray, index: int | None, non_blocking: bool = False) -> Array:
        """A host array on device number `index` (None: the current one). With `non_blocking`
        pinned memory is read later, and must stay as it is until then."""
        ...

    def to_host(self, array: Array) -> np.ndarray:
        """The values as a NumPy array; memory is shared where it is host memory already."""
        ...

    def device_index(self, array: Array) -> int | None:
        """The number of the device that holds `array`, None for the host."""
        ...

    def scatter_add(self, target: Array, index: Any, values: Array) -> None:
        """target[index] += values in place, with repeated positions adding up."""
        ...

    def scatter_combine(self, target: Array, index: Any, values: Array, operation: str) -> None:
        """target[index] = operation(target[index], values) in place, for one value after the other
        where positions repeat; "add", "multiply", "maximum" or "minimum"."""
        ...

    def assign(self, target: Array, index: Any, values: Any) -> None:
        """target[index] = values in place. Of values for one place the last one stays; on a GPU,
        any of them, unless `determinism.setting` says otherwise."""
        ...

    def check_range(
        self,
        index: Array,
        low: int,
        high: int,
        error: type[Exception],
        message: str,
        below: str = "",
    ) -> None:
        """Raise an error unless every integer of `index` is in [low, high), low <= 0 < high: with
        the message, or with `below` for negative ones, in which {} stands for the number. A GPU's
        numbers are looked at without waiting: the error comes when the host next reads values."""
        ...

    def check_index(
        self, index: Array, size: int, what: str, error: type[Exception] = IndexError
    ) -> None:
        """`check_range` for [-size, size), with a message that says of what."""
        ...

    def on_device(self, index: int | None) -> Any:
        """A context manager: arrays created inside live on device `index`."""
        ...

    # Recurrent cells over whole sequences, by mode ("RNN_TANH", "RNN_RELU", "GRU", "LSTM"); those
    # that are missing run step by step.
    fused_cells: Mapping[str, FusedCell]

    def program(self, batch: int, dtype: Any) -> Any:
        """An empty `compiled.program.Program`; None where there are no kernels that run it."""
        ...

    def synchronize(self) -> None:
        """Wait until all work given to the device is done."""
        ...

"""New tensors: from data, of one value, in sequence. Those at random are in `random`."""

from __future__ import annotations

import math
from typing import Any

from . import backends, dtypes
from .autograd import Variable
from .backends import Array
from .dtypes import dtype as DType
from .layout import pop_memory_options
from .ops.conversion import filling
from .ops.data import copied, evenly, on_gpu, whole
from .ops.shape import new_sizes
from .tensor import Tensor

Device = backends.device | str | int | None


def new(array: Array, requires_grad: bool = False) -> Tensor:
    tensor: Tensor = Tensor.__new__(Tensor)
    tensor._array = array
    return tensor.requires_grad_() if requires_grad else tensor


def _place(device: Device) -> tuple[Any, int | None]:
    where = backends.as_device(device)
    return backends.backend_for(where), where.index


def _make(
    name: str, device: Device, *args: Any, dtype: DType | None, requires_grad: bool = False
) -> Tensor:
    """A tensor by the array library's function of that name."""
    xp, index = _place(device)
    target = dtype or dtypes.get_default_dtype()
    with xp.on_device(index):
        return new(getattr(xp, name)(*args, dtype=target.array), requires_grad)


# ----- from data -----


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of the data, of its shape: a number, lists, an array, or a tensor.

    Python floats get the default dtype, integers int64, bools bool; arrays keep theirs. Raises
    ValueError for ragged lists, TypeError for what is not made of numbers.

    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> torch.tensor([1.0, 2.0], requires_grad=True)
    tensor([1., 2.], requires_grad=True)
    """
    array = copied(data, dtype)
    where = device
    if where is None and (isinstance(data, Variable) or not backends.is_host(array)):
        where = backends.device_of(array)
    return new(backends.move(array, backends.as_device(where)), requires_grad)


def as_tensor(data: Any, dtype: DType | None = None, device: Device = None) -> Tensor:
    """The data as a tensor of its shape, without a copy where possible: a tensor as it is, an
    array of NumPy or CuPy on the same memory.

    >>> x = torch.ones(2)
    >>> torch.as_tensor(x) is x
    True
    """
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    if backends.is_host(data):
        return from_numpy(data).to(device=backends.as_device(device), dtype=dtype)
    if hasattr(data, "__cuda_array_interface__"):
        return new(on_gpu(data)).to(device=device, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor on the memory of a NumPy array, in its shape: changes to one show in the other.

    Raises TypeError for anything else, and for dtypes that tensors do not have.

    >>> import numpy
    >>> array = numpy.zeros(2)
    >>> torch.from_numpy(array).add_(1)
    tensor([1., 1.], dtype=torch.float64)
    """
    if not backends.is_host(ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_array(ndarray.dtype)
    # Of a memory map, or another subclass, the plain array
    return new(backends.backend_for(backends.CPU).asarray(ndarray))


def frombuffer(
    buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-D tensor on the memory of a buffer, such as bytes, a bytearray or a memory map.

    Args:
        buffer: an object with Python's buffer protocol. Where it may not be written to, changing
            the tensor in place is an error.
        count: how many elements; all if it is negative.
        offset: how many bytes to leave out at the beginning.

    Raises ValueError for other objects, and for counts and offsets that do not fit.

    >>> torch.frombuffer(bytearray(b"abc"), dtype=torch.uint8, offset=1)
    tensor([98, 99], dtype=torch.uint8)
    """
    try:
        length = memoryview(buffer).nbytes
    except TypeError:
        raise ValueError(
            f"object does not implement Python buffer protocol: got {type(buffer).__name__}"
        ) from None
    size = dtype.itemsize
    if not length or not count:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({length} bytes) minus 1"
        )
    if count < 0 and (length - offset) % size:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({size})"
        )
    if count * size > length - offset:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must "
            f"not be greater than actual buffer length ({length} bytes)"
        )
    xp, _ = _place(backends.CPU)
    return new(xp.frombuffer(buffer, dtype.array, max(count, -1), offset), requires_grad)


def from_dlpack(ext_tensor: Any, *, device: Device = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of an object with `__dlpack__`, in its shape; or a copy on a `device`.

    >>> x = torch.zeros(2)
    >>> _ = torch.from_dlpack(x).add_(1)
    >>> x
    tensor([1., 1.])
    """
    kind, index = ext_tensor.__dlpack_device__()
    xp, _ = _place("cpu" if int(kind) in (1, 3) else backends.device("cuda", int(index)))
    tensor = new(xp.from_dlpack(ext_tensor))
    moved = tensor if device is None else tensor.to(device)
    return moved.clone() if copy and moved is tensor else moved


# ----- of one value -----


def zeros(
    *size: Any, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of a shape: ``zeros(2, 3)`` or ``zeros((2, 3))``.

    >>> torch.zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    return _make("zeros", device, new_sizes(size), dtype=dtype, requires_grad=requires_grad)


def ones(
    *size: Any, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """Ones of a shape: ``ones(2, 3)`` or ``ones((2, 3))``.

    >>> torch.ones(2, dtype=torch.int64)
    tensor([1, 1])
    """
    return _make("ones", device, new_sizes(size), dtype=dtype, requires_grad=requires_grad)


def empty(
    *size: Any, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
    memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Whatever was in memory, in a shape: ``empty(2, 3)`` or ``empty((2, 3))``.

    >>> torch.empty(2, 3).shape
    torch.Size([2, 3])
    """
    return _make("empty", device, new_sizes(size), dtype=dtype, requires_grad=requires_grad)


def full(
    size: Any, fill_value: Any, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """One value everywhere in a shape, in the value's own dtype unless another is given.

    >>> torch.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    value, target = filling(fill_value, dtype)
    sizes = new_sizes((size,))
    return _make("full", device, sizes, value, dtype=target, requires_grad=requires_grad)


def scalar_tensor(
    s: Any, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor (shape ``()``) in the default dtype.

    >>> torch.scalar_tensor(3)
    tensor(3.)
    """
    return full(
        (), s, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad
    )


def eye(
    n: int, m: int | None = None, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The identity matrix, (n, n) or (n, m).

    >>> torch.eye(1, 2)
    tensor([[1., 0.]])
    """
    if n < 0 or (m or 0) < 0:
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {m}")
    sizes = [+size for size in (n, m) if size is not None]  # ints, where bools came
    return _make("eye", device, *sizes, dtype=dtype, requires_grad=requires_grad)


def like(input: Tensor, options: dict[str, Any]) -> dict[str, Any]:
    """Options for a new tensor with those of the input where they are not given."""
    given = {key: value for key, value in options.items() if value is not None}
    pop_memory_options(given)
    return {"dtype": input.dtype, "device": input.device, **given}


def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros of input's shape, dtype and device, unless options say otherwise.

    >>> torch.zeros_like(torch.tensor([3, 4]), dtype=torch.float64)
    tensor([0., 0.], dtype=torch.float64)
    """
    return zeros(input.shape, **like(input, options))


def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones of input's shape, dtype and device.

    >>> torch.ones_like(torch.tensor([3, 4]))
    tensor([1, 1])
    """
    return ones(input.shape, **like(input, options))


def empty_like(input: Tensor, **options: Any) -> Tensor:
    """Uninitialised memory of input's shape, dtype and device.

    >>> torch.empty_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    return empty(input.shape, **like(input, options))


def full_like(input: Tensor, fill_value: Any, **options: Any) -> Tensor:
    """One value in input's shape, dtype and device.

    >>> torch.full_like(torch.ones(2), 7)
    tensor([7., 7.])
    """
    return full(input.shape, fill_value, **like(input, options))


# ----- in sequence -----


def arange(
    start: Any = 0, end: Any = None, step: Any = 1, *, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The vector ``arange(end)``, ``arange(start, end, step=1)``: int64, or floats' default dtype.

    Raises RuntimeError if step is 0 or leads away from end, or if an end is infinite.

    >>> torch.arange(3), torch.arange(0, 1, 0.25)
    (tensor([0, 1, 2]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (x.item() if isinstance(x, Tensor) else x for x in (start, end, step))
    floats = any(isinstance(x, float) for x in (start, end, step))
    target = dtype or (dtypes.get_default_dtype() if floats else dtypes.int64)
    finite = all(map(math.isfinite, (start, end, step)))
    if target is dtypes.int64 and finite:
        start, end, step = int(start), int(end), int(step)
        if not -(2**63) <= end - start + step < 2**63:
            raise RuntimeError(f"arange: steps of {step} from {start} to {end} are out of range")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not all(map(math.isfinite, (start, end))):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: start={start}, end={end}, "
            f"step={step}"
        )
    # PyTorch computes each element as start + i * step, floats in double precision
    xp, index = _place(device)
    with xp.on_device(index):
        count = math.ceil((end - start) / step)
        if count >= 2**60:  # more than there are addresses
            raise RuntimeError(f"arange: steps of {step} from {start} to {end} are out of range")
        steps = xp.arange(count)
        if target.is_floating_point:
            steps = steps.astype(dtypes.float64.array)
        else:
            start, step = int(start), int(step)
        return new((start + steps * step).astype(target.array), requires_grad)


def _evenly(start: Any, end: Any, steps: int, target: DType, device: Device) -> Array:
    """The numbers of `linspace` before they are cast to the target."""
    for x in (start, end):
        if isinstance(x, Tensor) and x.dim():
            got = f"but got one with {x.dim()} dimension(s)."
            raise RuntimeError(f"linspace only supports 0-dimensional start and end tensors, {got}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    start, end = (x.item() if isinstance(x, Tensor) else x for x in (start, end))
    if isinstance(start, complex) or isinstance(end, complex):
        raise TypeError(f"start and end must be real numbers, but got {start} and {end}")
    if not target.is_floating_point:
        start, end = whole("start", start), whole("end", end)
    xp, index = _place(device)
    with xp.on_device(index):
        return evenly(xp, start, end, steps, target)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers from start to end, both included, as a vector (steps).

    >>> torch.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    target = dtype or dtypes.get_default_dtype()
    return new(_evenly(start, end, steps, target, device).astype(target.array), requires_grad)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """base ** linspace(start, end, steps), a vector (steps).

    >>> torch.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    target = dtype or dtypes.get_default_dtype()
    powers = float(base) ** _evenly(start, end, steps, target, device)
    return new(powers.astype(target.array), requires_grad)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Device = None
) -> Tensor:
    """The positions (2, n) of the lower triangle of a (row, col) matrix, row by row.

    >>> torch.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return ones(row, col, device=device).tril(offset).nonzero().t().to(dtype or dtypes.int64)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Device = None
) -> Tensor:
    """The positions (2, n) of the upper triangle of a (row, col) matrix, row by row.

    >>> torch.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return ones(row, col, device=device).triu(offset).nonzero().t().to(dtype or dtypes.int64)

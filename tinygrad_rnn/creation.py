"""New tensors: from data, of one value, in sequence, at random."""

from __future__ import annotations

import math
from typing import Any

from . import backends, dtypes
from .autograd import Variable
from .backends import Array
from .backends.generator import Generator, default_generator
from .dtypes import dtype as DType
from .ops.data import array_of
from .ops.shape import sizes
from .tensor import Tensor

Device = backends.device | str | int | None


def _new(array: Array, requires_grad: bool = False) -> Tensor:
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
        return _new(getattr(xp, name)(*args, dtype=target.array), requires_grad)


# ----- from data -----


def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of the data: a number, nested lists, an array, or a tensor.

    Python floats get the default dtype, integers int64, bools bool; arrays keep theirs. Raises
    ValueError for ragged lists, TypeError for what is not made of numbers.
    """
    array = array_of(data, dtype)
    where = device
    if where is None and isinstance(data, Variable):
        where = backends.device_of(data._array)
    return _new(backends.move(array, backends.as_device(where)), requires_grad)


def as_tensor(data: Any, dtype: DType | None = None, device: Device = None) -> Tensor:
    """The data as a tensor, without a copy where possible: a tensor as it is, a NumPy array on
    the same memory."""
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    if backends.is_host(data):
        return from_numpy(data).to(device=device, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor on the memory of a NumPy array: changes to one show in the other.

    Raises TypeError for anything else, and for dtypes that tensors do not have.
    """
    if not backends.is_host(ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_array(ndarray.dtype)
    return _new(ndarray)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of any object with `__dlpack__`: a PyTorch tensor, a CuPy array."""
    kind, index = ext_tensor.__dlpack_device__()
    xp, _ = _place("cpu" if int(kind) in (1, 3) else backends.device("cuda", int(index)))
    return _new(xp.from_dlpack(ext_tensor))


# ----- of one value -----


def zeros(
    *size: Any, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """Zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return _make("zeros", device, sizes(size), dtype=dtype, requires_grad=requires_grad)


def ones(
    *size: Any, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """Ones."""
    return _make("ones", device, sizes(size), dtype=dtype, requires_grad=requires_grad)


def empty(
    *size: Any, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
    memory_format: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Whatever was in memory."""
    return _make("empty", device, sizes(size), dtype=dtype, requires_grad=requires_grad)


def full(
    size: Any, fill_value: Any, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """One value everywhere, in the value's own dtype unless another is given."""
    if isinstance(fill_value, Variable):
        fill_value = fill_value._array.item()
    shape = sizes((size,))
    target = dtype or dtypes.of_number(fill_value)
    return _make("full", device, shape, fill_value, dtype=target, requires_grad=requires_grad)


def scalar_tensor(
    s: Any, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor in the default dtype."""
    return full(
        (), s, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad
    )


def eye(
    n: int, m: int | None = None, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The identity matrix, (n, n) or (n, m)."""
    if n < 0 or (m or 0) < 0:
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {m}")
    return _make("eye", device, n, m, dtype=dtype, requires_grad=requires_grad)


def _like(name: str, input: Tensor, args: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    options.pop("memory_format", None)
    options["dtype"] = options.get("dtype") or input.dtype
    if options.get("device") is None:
        options["device"] = input.device
    maker = globals()[name]
    return maker(tuple(input._array.shape), *args, **options)


def zeros_like(input: Tensor, **options: Any) -> Tensor:
    """Zeros of input's shape, dtype and device, unless options say otherwise."""
    return _like("zeros", input, (), options)


def ones_like(input: Tensor, **options: Any) -> Tensor:
    """Ones of input's shape, dtype and device."""
    return _like("ones", input, (), options)


def empty_like(input: Tensor, **options: Any) -> Tensor:
    """Uninitialised memory of input's shape, dtype and device."""
    return _like("empty", input, (), options)


def full_like(input: Tensor, fill_value: Any, **options: Any) -> Tensor:
    """One value in input's shape, dtype and device."""
    return _like("full", input, (fill_value,), options)


# ----- in sequence -----


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``arange(end)``, ``arange(start, end, step=1)``: integers give int64, else the default dtype.

    Raises RuntimeError if step is 0 or leads away from end, or if an end is infinite.
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (x.item() if isinstance(x, Variable) else x for x in (start, end, step))
    floats = any(isinstance(x, float) for x in (start, end, step))
    target = dtype or (dtypes.get_default_dtype() if floats else dtypes.int64)
    if not target.is_floating_point and all(map(math.isfinite, (start, end, step))):
        start, end, step = int(start), int(end), int(step)
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
        steps = xp.arange(math.ceil((end - start) / step))
        if target.is_floating_point:
            steps = steps.astype(dtypes.float64.array)
        return _new((start + steps * step).astype(target.array), requires_grad)


def _evenly(start: Any, end: Any, steps: int, target: DType, device: Device) -> Array:
    """`steps` numbers from start to end in double precision, each counted from the nearer end."""
    for x in (start, end):
        if isinstance(x, Variable) and x._array.ndim:
            raise RuntimeError(
                "linspace only supports 0-dimensional start and end tensors, but got one with "
                f"{x._array.ndim} dimension(s)."
            )
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    start, end = (x.item() if isinstance(x, Variable) else x for x in (start, end))
    if not target.is_floating_point:
        start, end = int(start), int(end)
    xp, index = _place(device)
    step = (end - start) / max(steps - 1, 1)
    with xp.on_device(index):
        i = xp.arange(steps).astype(dtypes.float64.array)
        return xp.where(i < steps / 2, start + step * i, end - step * (steps - 1 - i))


def linspace(
    start: Any, end: Any, steps: int, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` numbers from start to end, both included."""
    target = dtype or dtypes.get_default_dtype()
    return _new(_evenly(start, end, steps, target, device).astype(target.array), requires_grad)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """base ** linspace(start, end, steps)."""
    target = dtype or dtypes.get_default_dtype()
    powers = base ** _evenly(start, end, steps, target, device)
    return _new(powers.astype(target.array), requires_grad)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Device = None
) -> Tensor:
    """The positions (2, n) of the lower triangle of a (row, col) matrix, row by row."""
    return ones(row, col, device=device).tril(offset).nonzero().t().to(dtype or dtypes.int64)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType | None = None, device: Device = None
) -> Tensor:
    """The positions (2, n) of the upper triangle of a (row, col) matrix, row by row."""
    return ones(row, col, device=device).triu(offset).nonzero().t().to(dtype or dtypes.int64)


# ----- at random -----


def _random(draw: Any, device: Device, requires_grad: bool) -> Tensor:
    """Numbers always come from the host's generator, so that a seed gives the same everywhere."""
    return _new(backends.move(draw, backends.as_device(device)), requires_grad)


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, and return it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the system's entropy, and return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The last seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, as uint8."""
    return _new(default_generator.get_state())


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state that `get_rng_state` returned."""
    default_generator.set_state(new_state.numpy())


def rand(
    *size: Any, generator: Generator | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform on [0, 1)."""
    target = dtype or dtypes.get_default_dtype()
    draw = (generator or default_generator).uniform(sizes(size), 0.0, 1.0, target.array)
    return _random(draw, device, requires_grad)


def randn(
    *size: Any, generator: Generator | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal with mean 0 and standard deviation 1."""
    target = dtype or dtypes.get_default_dtype()
    draw = (generator or default_generator).normal(sizes(size), 0.0, 1.0, target.array)
    return _random(draw, device, requires_grad)


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Integers in [low, high): ``randint(high, size)`` or ``randint(low, high, size)``."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    target = dtype or dtypes.int64
    draw = (generator or default_generator).integers(sizes((tuple(size),)), low, high, target.array)
    return _random(draw, device, requires_grad)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: DType | None = None,
    device: Device = None,
) -> Tensor:  # fmt: skip
    """The integers 0 to n - 1 in random order."""
    draw = (generator or default_generator).permutation(n)
    return _random(draw.astype((dtype or dtypes.int64).array), device, False)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None,
    dtype: DType | None = None, device: Device = None,
) -> Tensor:  # fmt: skip
    """Normal numbers with the given mean and standard deviation: numbers with `size`, or tensors,
    one draw per element."""
    mean, std = (x.detach() if isinstance(x, Tensor) else x for x in (mean, std))
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        like = mean + std
        draw = randn(*like.shape, generator=generator, dtype=like.dtype, device=like.device)
        return draw * std + mean
    target = dtype or dtypes.get_default_dtype()
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    shape = sizes((tuple(size),))
    draw = (generator or default_generator).normal(shape, mean, std, target.array)
    return _random(draw, device, False)


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element of input says, else 0."""
    draw = rand(*input.shape, generator=generator, dtype=input.dtype, device=input.device)
    return (draw < input).to(input.dtype)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Indices drawn with the probabilities that the rows of input are proportional to."""
    if not input.is_floating_point():
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {input.dtype}"
        )
    weights = input if input.dim() == 2 else input.unsqueeze(0)
    if bool((weights < 0).any()) or not bool(weights.isfinite().all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if bool((weights.sum(1) <= 0).any()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > weights.shape[1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
        )
    if replacement:
        edges = weights.double().cumsum(1)
        draw = rand(len(weights), num_samples, generator=generator, dtype=dtypes.float64)
        places = draw.to(weights.device) * edges[:, -1:]
        found = (places.unsqueeze(2) >= edges.unsqueeze(1)).sum(2)
    else:
        # The largest of p / exponential are a draw without replacement
        draw = rand(*weights.shape, generator=generator, dtype=dtypes.float64).to(weights.device)
        found = (weights.double() / -(1 - draw).log()).topk(num_samples, 1).indices
    return found if input.dim() == 2 else found[0]


def rand_like(input: Tensor, **options: Any) -> Tensor:
    """Uniform on [0, 1) in input's shape, dtype and device."""
    return _like("rand", input, (), options)


def randn_like(input: Tensor, **options: Any) -> Tensor:
    """Standard normal in input's shape, dtype and device."""
    return _like("randn", input, (), options)


def randint_like(input: Tensor, low: int, high: int | None = None, **options: Any) -> Tensor:
    """Integers in [low, high) (or [0, low)) in input's shape, dtype and device."""
    low, high = (0, low) if high is None else (low, high)
    options = {"dtype": input.dtype, "device": input.device} | options
    return randint(low, high, tuple(input._array.shape), **options)

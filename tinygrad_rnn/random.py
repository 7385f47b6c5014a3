"""New tensors at random, and the default generator.

Numbers always come from the host's generator and are moved then, so that a seed gives the same
numbers on every device: for most draws those of PyTorch's CPU generator.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from operator import index
from typing import Any

from . import backends, dtypes
from .backends.capture import host_array
from .backends.generator import Generator, default_generator
from .creation import Device, empty as _empty, like, new
from .dtypes import dtype as DType
from .layout import contiguous_format
from .ops.random import (
    bernoulli as bernoulli,
    memory_order as _memory_order,
    multinomial as multinomial,
)
from .ops.shape import new_sizes
from .tensor import Tensor


def _tensor(
    draw: Callable[[tuple[int, ...]], Any], size: tuple[int, ...], dtype: DType, device: Device,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """What `draw` returns for a size, which is an array of that size and dtype."""
    where = backends.as_device(device)
    return new(host_array(lambda: draw(size), size, dtype.array, where), requires_grad)


# ----- the generator -----


def _as_seed(seed: int | float | str) -> int:
    """int(seed). Raises the same kind of error, which names it."""
    try:
        return int(seed)
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"manual_seed(): argument 'seed' must be int, got {seed!r}") from error


def manual_seed(seed: int | float | str) -> Generator:
    """Seed the default generator with int(seed), and return it.

    >>> torch.manual_seed(0).initial_seed()
    0
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(_as_seed(seed))


def seed() -> int:
    """Seed the default generator from the system's entropy, and return the seed.

    >>> seed = torch.seed()
    >>> torch.initial_seed() == seed
    True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The last seed of the default generator.

    >>> torch.manual_seed(7).initial_seed(), torch.initial_seed()
    (7, 7)
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, a uint8 vector.

    >>> state = torch.get_rng_state()
    >>> first = torch.rand(3)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(3), first)
    True
    """
    return new(default_generator.get_state())


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state, the uint8 vector that `get_rng_state` returned.

    >>> state = torch.get_rng_state()
    >>> first = torch.randn(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.randn(2), first)
    True
    """
    if not isinstance(new_state, Tensor):
        raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
    default_generator.set_state(new_state.numpy())


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None, enabled: bool = True, device_type: str | None = None
) -> Iterator[None]:
    """A block after which the default generator is in the state in which it was before.

    Args:
        devices, device_type: for PyTorch's signature; there is one generator for all devices.
        enabled: False does nothing.

    >>> _ = torch.manual_seed(0)
    >>> with torch.random.fork_rng():
    ...     first = torch.rand(3)
    >>> torch.equal(torch.rand(3), first)
    True
    """
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)


# ----- numbers -----


def rand(
    *size: Any, generator: Generator | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform on [0, 1), in a shape: ``rand(2, 3)`` or ``rand((2, 3))``.

    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    target = dtype or dtypes.get_default_dtype()
    source = generator or default_generator
    return _tensor(
        lambda shape: source.uniform(shape, 0.0, 1.0, target.array), new_sizes(size), target,
        device, requires_grad,
    )  # fmt: skip


def randn(
    *size: Any, generator: Generator | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal with mean 0 and standard deviation 1, in a shape: ``randn(2, 3)``.

    >>> _ = torch.manual_seed(0)
    >>> torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    target = dtype or dtypes.get_default_dtype()
    source = generator or default_generator
    return _tensor(
        lambda shape: source.normal(shape, 0.0, 1.0, target.array), new_sizes(size), target,
        device, requires_grad,
    )  # fmt: skip


def randint(
    low: int = 0, high: Any = None, size: Any = None, *, generator: Generator | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Integers in [low, high), in the shape size: ``randint(high, size)`` or
    ``randint(low, high, size)``.

    >>> _ = torch.manual_seed(0)
    >>> torch.randint(10, (4,))
    tensor([4, 9, 3, 0])
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    shape = _listed("randint", size)
    try:
        low, high = index(low), index(high)
    except TypeError:
        kinds = f"{type(low).__name__} and {type(high).__name__}"
        raise TypeError(f"randint(): 'low' and 'high' must be int, but got {kinds}") from None
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    target = dtype or dtypes.int64
    source = generator or default_generator
    return _tensor(
        lambda shape: source.integers(shape, low, high, target.array), shape,
        target, device, requires_grad,
    )  # fmt: skip


def _listed(name: str, size: Any) -> tuple[int, ...]:
    """A shape given as one argument. Raises TypeError unless it is a list or a tuple of ints."""
    if not isinstance(size, tuple | list):
        kind = type(size).__name__
        raise TypeError(f"{name}(): argument 'size' must be tuple of ints, not {kind}")
    return new_sizes((size,))


def randperm(
    n: int, *, generator: Generator | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The integers 0 to n - 1 in random order, as a vector (n).

    >>> _ = torch.manual_seed(0)
    >>> torch.randperm(4)
    tensor([0, 1, 3, 2])
    """
    source, target = generator or default_generator, dtype or dtypes.int64
    return _tensor(
        lambda shape: source.permutation(n).astype(target.array), (max(n, 0),), target, device,
        requires_grad,
    )  # fmt: skip


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal numbers with the given mean and standard deviation: numbers with `size`, or tensors,
    one draw per element. Raises TypeError for numbers without a size.

    >>> _ = torch.manual_seed(0)
    >>> torch.normal(torch.tensor([0.0, 100.0]), torch.tensor([1.0, 0.1]))
    tensor([ 1.5410, 99.9707])
    """
    mean, std = (x.detach() if isinstance(x, Tensor) else x for x in (mean, std))
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        like = mean + std
        kind = (mean if isinstance(mean, Tensor) else std).dtype
        draw = randn(*like.shape, generator=generator, dtype=kind, device=like.device)
        return (draw * std + mean).to(kind)
    if size is None:
        raise TypeError(
            "normal(): with two numbers it needs the size, for example normal(0.0, 1.0, (2, 3))"
        )
    target = dtype or dtypes.get_default_dtype()
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    source = generator or default_generator
    return _tensor(
        lambda shape: source.normal(shape, mean, std, target.array), _listed("normal", size),
        target, device, requires_grad,
    )  # fmt: skip


# ----- like another tensor -----


def _as(
    input: Tensor, options: dict[str, Any], draw: Callable[..., Tensor], fill: Callable[..., Any]
) -> Tensor:
    """Random numbers like the input: with its layout in memory, too, in whose order they are
    drawn, unless options ask for a contiguous tensor."""
    order = _memory_order(input._array)
    rest = like(input, options)
    if options.get("memory_format") is contiguous_format or list(order) == sorted(order):
        return draw(*input.shape, **rest)
    generator, wanted = rest.pop("generator", None), rest.pop("requires_grad", False)
    result = _empty(*(input.shape[dim] for dim in order), **rest)
    result = result.permute(*map(order.index, range(input.dim())))
    fill(result, generator=generator)
    return new(result._array, wanted)


def rand_like(input: Tensor, **options: Any) -> Tensor:
    """Uniform on [0, 1) in input's shape, dtype and device, unless options say otherwise.

    >>> _ = torch.manual_seed(0)
    >>> torch.rand_like(torch.ones(2))
    tensor([0.4963, 0.7682])
    """
    return _as(input, options, rand, Tensor.uniform_)


def randn_like(input: Tensor, **options: Any) -> Tensor:
    """Standard normal in input's shape, dtype and device.

    >>> _ = torch.manual_seed(0)
    >>> torch.randn_like(torch.ones(2))
    tensor([ 1.5410, -0.2934])
    """
    return _as(input, options, randn, Tensor.normal_)


def randint_like(input: Tensor, low: int = 0, high: int | None = None, **options: Any) -> Tensor:
    """Integers in [low, high) (or [0, low)) in input's shape, dtype and device.

    >>> _ = torch.manual_seed(0)
    >>> torch.randint_like(torch.ones(4), 10)
    tensor([4., 9., 3., 0.])
    """
    low, high = (0, low) if high is None else (low, high)
    return _as(
        input, options, lambda *shape, **rest: randint(low, high, shape, **rest),
        lambda x, generator: x.random_(low, high, generator=generator),
    )  # fmt: skip

"""Random numbers in the shape of a tensor. They are drawn on the host and then moved, so that a
seed gives the same numbers on every device."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..autograd import Variable
from ..backends import CPU, Array, backend_of, device_of, move
from ..backends.capture import host_array
from ..backends.generator import Generator, default_generator
from ..dtypes import float32, int8, of_array, promote_types
from .shape import broadcast_shapes, expand, shape_of


def memory_order(array: Array) -> tuple[int, ...]:
    """The dimensions from the outermost in memory to the innermost, as PyTorch sorts them: those
    that are expanded stay where they are."""
    if array.flags.c_contiguous:
        return tuple(range(array.ndim))
    order = list(range(array.ndim))
    for i in range(array.ndim - 2, -1, -1):  # sorts by insertion from the end
        here = i
        for other in range(i + 1, array.ndim):
            a, b = array.strides[order[here]], array.strides[order[other]]
            if not a or not b:
                continue
            if a > b or (a == b and array.shape[order[here]] <= array.shape[order[other]]):
                break
            order[here], order[other] = order[other], order[here]
            here = other
    return tuple(order)


def in_memory_order(array: Array, draw: Callable[[tuple[int, ...]], Array], kind: Any) -> Array:
    """What `draw` returns for a shape, in the host's memory: of an array's shape and layout, and
    drawn as its elements lie in memory."""
    order = memory_order(array)
    drawn = draw(tuple(array.shape[dim] for dim in order)).astype(kind, copy=False)
    return drawn.transpose(tuple(map(order.index, range(array.ndim))))


def _like(input: Any, draw: Callable[[tuple[int, ...]], Array]) -> Any:
    """What `draw` returns for the input's shape, in its dtype and place."""
    array = input._array
    return input._wrap(
        host_array(
            lambda: in_memory_order(array, draw, array.dtype),
            array.shape, array.dtype, device_of(array),
        )
    )  # fmt: skip


def _number(value: Any) -> Any:
    """A number, which a 0-d tensor may stand for. Raises TypeError for other tensors."""
    if not isinstance(value, Variable):
        return value
    if value._array.ndim:
        shape = list(value._array.shape)
        raise TypeError(f"a number of a distribution must be float, not Tensor of shape {shape}")
    return value.item()  # type: ignore[attr-defined]


def uniform(
    input: Any,
    from_: float = 0.0,
    to: float = 1.0,
    *,
    generator: Generator | None = None,
    **names: Any,
) -> Any:
    """Uniform on [from, to)."""
    low, high, array = _number(names.get("from", from_)), _number(to), input._array
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )
    source = generator or default_generator
    return _like(input, lambda shape: source.uniform(shape, low, high, array.dtype))


def normal(
    input: Any, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Any:
    """Normal with the given mean and standard deviation."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    array = input._array
    source = generator or default_generator
    return _like(
        input,
        lambda shape: source.normal(
            shape, _number(mean), _number(std), array.dtype, array.flags.c_contiguous
        ),
    )


def random(
    input: Any, from_: int | None = None, to: int | None = None, *,
    generator: Generator | None = None, **names: Any,
) -> Any:  # fmt: skip
    """Integers in [from, to), or [0, to), or over the whole range of the dtype."""
    source, array = generator or default_generator, input._array
    low, high = names.get("from", from_), to
    if low is None and high is None:
        return _like(input, lambda shape: source.random(shape, array.dtype))
    if high is None:
        low, high = 0, low
    return _like(input, lambda shape: source.integers(shape, low or 0, high, array.dtype))


def exponential(input: Any, lambd: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Exponential with rate lambd."""
    array = input._array
    source = generator or default_generator
    return _like(input, lambda shape: source.exponential(shape, _number(lambd), array.dtype))


def log_normal(
    input: Any, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Any:
    """exp of normal numbers with the given mean and standard deviation."""
    if std <= 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    array = input._array
    source = generator or default_generator
    return _like(
        input, lambda shape: source.log_normal(shape, _number(mean), _number(std), array.dtype)
    )


def cauchy(
    input: Any, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Any:
    """Cauchy's distribution with the given median and half width at half height."""
    if sigma <= 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    array = input._array
    source = generator or default_generator
    return _like(
        input, lambda shape: source.cauchy(shape, _number(median), _number(sigma), array.dtype)
    )


def geometric(input: Any, p: float, *, generator: Generator | None = None) -> Any:
    """How many trials it takes to the first success, each with probability p."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    array = input._array
    source = generator or default_generator
    return _like(input, lambda shape: source.geometric(shape, p, array.dtype))


# ----- by the parameters in a tensor -----


def bernoulli(
    input: Any, p: float | Variable | None = None, *, generator: Generator | None = None
) -> Any:
    """In input's shape, 1 with probability p (a number, or a tensor: one per element; None: what
    each element of input says), else 0. Raises RuntimeError for a p outside [0, 1], and where it is
    a tensor of integers.

    >>> torch.bernoulli(torch.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    source, shape = generator or default_generator, shape_of(input)
    layout = input.new_empty(shape) if p is None else input  # without p the result is contiguous
    p = input if p is None else p
    if not isinstance(p, Variable):
        return _like(input, lambda shape: source.bernoulli(shape, p))
    if p._array.dtype.kind != "f" and (p is input or p._array.ndim):
        raise NotImplementedError(
            f"bernoulli: the probabilities must be floating numbers, not {of_array(p._array.dtype)}"
        )
    chances = expand(p, shape)._array
    xp: Any = backend_of(chances)
    wrong = ~((chances >= 0) & (chances <= 1))
    message = "bernoulli expects all probabilities to be in [0, 1]"
    xp.check_range(wrong.view(int8.array), 0, 1, RuntimeError, message)
    wide = promote_types(of_array(chances.dtype), float32).array
    draw = host_array(
        lambda: in_memory_order(
            layout._array, lambda shape: source.uniform(shape, 0.0, 1.0, wide), wide
        ),
        shape, wide, device_of(chances),
    )  # fmt: skip
    return input._wrap((draw < chances).astype(input._array.dtype))


def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Any:
    """Indices (n, num_samples) drawn with the probabilities that the rows of input (n, columns)
    are proportional to, or (num_samples) of one row (columns).

    Raises RuntimeError for rows of anything but finite numbers from 0 up with a positive sum, and
    without replacement for more samples than columns.

    >>> torch.multinomial(torch.tensor([0.0, 1.0, 0.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    weights = input.detach()
    if not weights.is_floating_point():
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {input.dtype}"
        )
    if weights.dim() not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, but got {weights.dim()}")
    weights = (weights if weights.dim() == 2 else weights.unsqueeze(0)).double()
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
    source, array = generator or default_generator, weights._array
    if not len(weights):
        found = weights.new_empty((0, num_samples)).long()
    elif replacement and num_samples > 1:
        size = (len(weights), num_samples)
        draw = _like(
            weights.new_empty(size), lambda shape: source.uniform(shape, 0.0, 1.0, array.dtype)
        )
        edges = weights.cumsum(1)
        draw = draw * edges[:, -1:]
        xp: Any = backend_of(array)
        rows = zip(edges._array, draw._array, strict=True)
        found = input._wrap(xp.stack([xp.searchsorted(e, d, "right") for e, d in rows]))
    else:
        # The largest of p / exponential are a draw without replacement
        draw = _like(weights, lambda shape: source.uniform(shape, 0.0, 1.0, array.dtype))
        found = (weights / -(1 - draw).log()).topk(num_samples, 1).indices
    return found if input.dim() == 2 else found[0]


def poisson(input: Any, generator: Generator | None = None) -> Any:
    """Numbers of events, in input's shape, with the rates that the elements of a floating tensor
    are. The numbers are not those of PyTorch's generator.

    >>> torch.poisson(torch.zeros(2))
    tensor([0., 0.])
    """
    if input._array.dtype.kind != "f":
        raise NotImplementedError(
            f'"poisson_cpu" not implemented for {of_array(input._array.dtype)}'
        )
    rates = move(input._array, CPU)
    if not bool((rates >= 0).all()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if not bool((rates < 9e18).all()):
        raise RuntimeError("invalid Poisson rate, expected rate to be below 9e18: int64 counts")
    like = input.new_empty(shape_of(input))
    return _like(like, lambda _: (generator or default_generator).poisson(rates))


def binomial(count: Any, prob: Any, generator: Generator | None = None) -> Any:
    """Numbers of successes in count trials, each with probability prob, elementwise; the shapes
    broadcast. The numbers are not those of PyTorch's generator.

    >>> torch.binomial(torch.tensor([5.0, 5.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 5.])
    """
    for x in (count, prob):
        if x._array.dtype.kind != "f":
            raise ValueError(
                f"binomial only supports floating-point dtypes, got {of_array(x._array.dtype)}"
            )
    if count._array.dtype != prob._array.dtype:
        raise RuntimeError(
            f"Found dtype {of_array(prob._array.dtype)} but expected {of_array(count._array.dtype)}"
        )
    broadcast_shapes(shape_of(count), shape_of(prob))
    trials, chances = move(count._array, CPU), move(prob._array, CPU)
    if not bool(((trials >= 0) & (trials < math.inf)).all()):
        raise RuntimeError("binomial: count must be finite and not negative")
    if not bool(((chances >= 0) & (chances <= 1)).all()):
        raise RuntimeError("binomial: prob must be in [0, 1]")
    drawn = (generator or default_generator).binomial(trials, chances)
    return _like(count.new_empty(drawn.shape), lambda _: drawn)

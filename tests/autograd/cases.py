"""Random calls for gradient checks: Hypothesis draws functions, shapes, layouts in memory and
options, family by family."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Case:
    """call(library, *tensors), and the arrays of its inputs: float64 and, as constants, others."""

    name: str
    call: Callable[..., Any]
    arrays: list[np.ndarray]

    def __repr__(self) -> str:
        inputs = ", ".join(f"{a.dtype}{list(a.shape)} {a.strides}" for a in self.arrays)
        return f"{self.name}({inputs})"


# ----- arrays -----


def _laid_out(draw: Draw, array: np.ndarray) -> np.ndarray:
    """The same numbers in another place of memory: in another order, with gaps, backwards."""
    layout = draw(st.sampled_from(["C", "F", "gaps", "backwards", "part"]))
    if layout == "F":
        return np.asfortranarray(array)
    if not array.ndim or layout == "C":
        return array
    axis = draw(st.integers(0, array.ndim - 1))
    there = [slice(None)] * array.ndim
    if layout == "backwards":
        there[axis] = slice(None, None, -1)
        return array[tuple(there)].copy()[tuple(there)]
    room = list(array.shape)
    room[axis] = 2 * room[axis] + 1
    there[axis] = slice(1, None, 2) if layout == "gaps" else slice(1, 1 + array.shape[axis])
    larger = np.full(room, 1e9)
    larger[tuple(there)] = array
    return larger[tuple(there)]


def numbers(draw: Draw, shape: tuple[int, ...], low: float = -1.5, high: float = 1.5) -> np.ndarray:
    """Numbers between the limits, no two of them close together, none close to 0."""
    count = math.prod(shape)
    places = (np.arange(count) + 0.5) / max(count, 1) + 0.0371 / max(count, 1)
    seed = draw(st.integers(0, 99))
    array = low + (high - low) * np.random.default_rng(seed).permutation(places)
    return _laid_out(draw, array.reshape(shape))


def shapes(low: int = 0, dims: tuple[int, int] = (0, 3)) -> st.SearchStrategy[tuple[int, ...]]:
    return hnp.array_shapes(min_dims=dims[0], max_dims=dims[1], min_side=low, max_side=4)


def indices(draw: Draw, shape: Any, size: int) -> np.ndarray:
    return draw(hnp.arrays(np.int64, shape, elements=st.integers(0, size - 1)))


# ----- elementwise -----

REAL = [
    "exp",
    "expm1",
    "exp2",
    "sin",
    "cos",
    "tan",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "erf",
    "sigmoid",
    "relu",
    "square",
    "abs",
    "neg",
    "sign",
    "floor",
    "frac",
    "softplus",
    "gelu",
    "silu",
    "mish",
    "elu",
    "selu",
    "celu",
    "logsigmoid",
    "softsign",
    "tanhshrink",
    "hardtanh",
    "leaky_relu",
    "hardswish",
    "softshrink",
    "relu6",
]
POSITIVE = ["log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "lgamma", "digamma"]
UNIT = ["asin", "acos", "atanh", "erfinv"]


def named(t: Any, name: str) -> Any:
    return getattr(t, name, None) or getattr(t.nn.functional, name)


@st.composite
def of_one(draw: Draw) -> Case:
    name = draw(st.sampled_from([*REAL, *POSITIVE, *UNIT]))
    low, high = (0.3, 2.0) if name in POSITIVE else (-0.8, 0.8) if name in UNIT else (-2.5, 2.5)
    array = numbers(draw, draw(shapes()), low, high)
    return Case(name, lambda t, x: named(t, name)(x), [array])


TWO = "add sub mul div pow atan2 hypot logaddexp maximum minimum fmax fmin xlogy fmod remainder"


@st.composite
def of_two(draw: Draw) -> Case:
    name = draw(st.sampled_from(TWO.split()))
    drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3))
    a, b = (numbers(draw, shape, 0.4, 2.2) for shape in drawn.input_shapes)
    b = b + 0.011  # no ties
    expanded = draw(st.booleans())

    def call(t: Any, x: Any, y: Any) -> Any:
        if expanded:
            x = x.expand(tuple(np.broadcast_shapes(x.shape, y.shape)))
        return getattr(t, name)(x, y)

    return Case(name, call, [a, b])


@st.composite
def of_three(draw: Draw) -> Case:
    name = draw(st.sampled_from(["where", "lerp", "addcmul", "addcdiv", "clamp"]))
    drawn = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=2, max_side=3))
    drawn_shapes = enumerate(drawn.input_shapes)
    a, b, c = (numbers(draw, shape, 0.4, 2.2) + i / 77 for i, shape in drawn_shapes)  # no ties
    if name == "where":
        return Case(name, lambda t, x, y, z: t.where(x > 1.2, y, z * x), [a, b, c])
    if name == "clamp":
        # (of a number among vectors PyTorch's has no second derivative)
        return Case(name, lambda t, x, y, z: t.clamp(x + 0 * (y + z), y - 1, z), [a, b, c])
    return Case(name, lambda t, x, y, z: getattr(t, name)(x, y, z), [a, b, c])


# ----- reductions -----

REDUCED = "sum mean var std logsumexp amax amin norm prod softmax log_softmax cumsum cumprod"


@st.composite
def reductions(draw: Draw) -> Case:
    name = draw(st.sampled_from([*REDUCED.split(), "sort", "median", "logcumsumexp", "normalize"]))
    shape = draw(shapes(low=2, dims=(1, 3)))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    keepdim = draw(st.booleans())
    if name in ("sum", "mean", "var", "std", "logsumexp", "amax", "amin"):
        several = st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True).map(tuple)
        dims = draw(st.one_of(st.just(dim), several))
        call: Callable[..., Any] = lambda t, x: getattr(t, name)(x, dims, keepdim)  # noqa: E731
    elif name == "norm":
        p = draw(st.sampled_from([1, 2, 3, 1.5, math.inf, -math.inf]))
        call = lambda t, x: x.norm(p, dim, keepdim)  # noqa: E731
    elif name == "prod":
        call = lambda t, x: x.prod(dim, keepdim)  # noqa: E731
    elif name in ("sort", "median"):
        call = lambda t, x: getattr(x, name)(dim).values  # noqa: E731
    else:
        call = lambda t, x: named(t, name)(x, dim=dim)  # noqa: E731
    return Case(f"{name} {dim}", call, [numbers(draw, shape)])


# ----- products of matrices -----


@st.composite
def products(draw: Draw) -> Case:
    name = draw(
        st.sampled_from(
            ["matmul", "bmm", "mm", "mv", "dot", "outer", "addmm", "linear", "einsum", "bilinear"]
        )
    )
    b, m, k, n = (draw(st.integers(1, 3)) for _ in range(4))
    sizes: Any = {
        "bmm": [(b, m, k), (b, k, n)], "mm": [(m, k), (k, n)], "mv": [(m, k), (k,)],
        "dot": [(k,), (k,)], "outer": [(m,), (n,)], "addmm": [(n,), (m, k), (k, n)],
        "linear": [(b, m, k), (n, k), (n,)], "einsum": [(b, m, k), (k, n, b)],
        "bilinear": [(m, k), (m, b), (n, k, b)],
    }  # fmt: skip
    if name == "matmul":
        batches = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=2))
        left, right = batches.input_shapes
        sizes["matmul"] = draw(st.sampled_from([
            [(*left, m, k), (*right, k, n)], [(k,), (*right, k, n)], [(*left, m, k), (k,)],
        ]))  # fmt: skip

    def call(t: Any, *x: Any) -> Any:
        if name == "einsum":
            return t.einsum("bmk,knb->nm", *x)
        return named(t, name)(*x)

    return Case(name, call, [numbers(draw, shape) for shape in sizes[name]])


# ----- shapes and places -----


@st.composite
def places(draw: Draw) -> Case:
    shape = draw(shapes(low=1, dims=(2, 3)))
    rank, (rows, columns) = len(shape), shape[:2]
    dim = draw(st.integers(0, rank - 1))
    order = draw(st.permutations(range(rank)))
    basic = draw(hnp.basic_indices(shape, allow_newaxis=False).filter(_rises))
    listed = indices(draw, draw(st.integers(1, 4)), rows)
    spread = indices(draw, shape, columns)
    order_in_rows = np.argsort(numbers(draw, shape), 1)
    begin = draw(st.integers(0, shape[dim] - 1))
    pads = tuple(draw(st.lists(st.integers(0, 2), min_size=2 * rank, max_size=2 * rank)))
    table: dict[str, Callable[..., Any]] = {
        "permute": lambda t, x: x.permute(order),
        "reshape": lambda t, x: x.permute(order).reshape(-1),
        "expand": lambda t, x: x.unsqueeze(0).expand(2, *x.shape),
        "[basic]": lambda t, x: x[basic],
        "[list]": lambda t, x: x[t.as_tensor(listed)],
        "[list, slice]": lambda t, x: x[t.as_tensor(listed), :1],
        "[:, list]": lambda t, x: x[:, t.as_tensor(listed) % columns],
        "[mask]": lambda t, x: x[x > 0],
        "narrow": lambda t, x: x.narrow(dim, begin, shape[dim] - begin),
        "flip": lambda t, x: x.flip(dim),
        "roll": lambda t, x: x.roll(begin + 1, dim),
        "cat": lambda t, x: t.cat([x, x * 2, x.narrow(dim, 0, 1)], dim),
        "stack": lambda t, x: t.stack([x, x.exp()], dim),
        "gather": lambda t, x: x.gather(1, t.as_tensor(spread)),
        "scatter_add": lambda t, x: x.scatter_add(1, t.as_tensor(spread), x * 2),
        "scatter": lambda t, x: x.scatter(1, t.as_tensor(order_in_rows), x * 2),
        **{
            f"scatter_reduce {how}": lambda t, x, how=how: x.scatter_reduce(
                1, t.as_tensor(spread), x * x + 0.5, how
            )
            for how in ("prod", "mean", "amax")
        },
        "diagonal_scatter": lambda t, x: x.diagonal_scatter(x.diagonal() * 2),
        "as_strided": lambda t, x: (x.contiguous() * 1).as_strided(
            (2, rows), (0, 1), begin % (x.numel() - rows + 1)
        ),
        "index_select": lambda t, x: x.index_select(0, t.as_tensor(listed)),
        "index_add": lambda t, x: x.index_add(0, t.as_tensor(listed), x[t.as_tensor(listed)]),
        "tril": lambda t, x: x.tril(begin - 1),
        "diagonal": lambda t, x: x.diagonal(begin - 1),
        "repeat": lambda t, x: x.repeat(*([2] + [1] * (rank - 1))),
        "repeat_interleave": lambda t, x: x.repeat_interleave(2, dim),
        "unfold": lambda t, x: x.unfold(dim, 1 + shape[dim] // 2, 1),
        "pad": lambda t, x: t.nn.functional.pad(x, pads, value=1.0),
        "split": lambda t, x: t.cat([p * p for p in x.split(1 + begin, dim)], dim),
        "chunk of a view": lambda t, x: x.transpose(0, 1).chunk(2, 1)[0],
        "masked_fill": lambda t, x: x.masked_fill(x > 0.5, 2.0),
        "copied over": lambda t, x: (x * 1).copy_(x * x),
        "in place": lambda t, x: _in_place(x, basic),
    }
    name = draw(st.sampled_from([*table]))
    squared = lambda t, x: table[name](t, x) ** 2  # noqa: E731
    return Case(name, squared, [numbers(draw, shape)])


def _rises(index: Any) -> bool:
    """Whether PyTorch has it, too: it knows no negative steps."""
    parts = index if isinstance(index, tuple) else (index,)
    return not any(isinstance(p, slice) and (p.step or 1) < 0 for p in parts)


def _in_place(x: Any, where: Any) -> Any:
    y = x * 1
    y[where] = x[where] * x[where]
    y[0].mul_(3)
    return y

"""A function of one example as a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..backends.generator import default_generator
from ..ops.joining import stack
from ..tensor import Tensor
from .trees import leaves, rebuilt, spread


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """func mapped over a dimension of its arguments: a function that calls it for each slice, and
    stacks what it returns.

    This is a loop in Python, which gives PyTorch's results, but not its speed: write what can be
    written with batches so. (In a loop func may do what it likes, also branch on values.)

    Args:
        in_dims: which dimension of each argument to map over, None for an argument that is the same
            for all: one number, or a tuple of one for each argument; of an argument that is made of
            dicts, lists and tuples one, or the same made of numbers.
        out_dims: where the mapped dimension comes in the results, likewise.
        randomness: "different" random numbers for each slice, the "same" for all, or "error":
            drawing any raises RuntimeError.
        chunk_size: for PyTorch's signature, without an effect.

    Raises ValueError for dimensions that do not fit, or an empty batch (whose results nobody
    knows).

    >>> torch.func.vmap(torch.dot)(torch.ones(3, 2), torch.ones(3, 2))
    tensor([2., 2., 2.])
    >>> torch.func.vmap(torch.func.grad(lambda w, x: (w * x).sum()), in_dims=(None, 0))(
    ...     torch.ones(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 2.],
            [3., 4.]])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        values = leaves(args)
        dims = _in_dims(name, in_dims, args, values)
        count = _count(values, dims)
        start, results = default_generator.get_state(), []
        for i in range(count):
            if randomness == "same":
                default_generator.set_state(start)
            parts = (x if d is None else x.select(d, i) for x, d in zip(values, dims, strict=True))
            with_i = {k: rebuilt(v, (_select(x, i) for x in leaves(v))) for k, v in kwargs.items()}
            results.append(func(*rebuilt(args, parts), **with_i))
            if randomness == "error" and (default_generator.get_state() != start).any():
                raise RuntimeError(
                    "vmap: called random operation while in randomness error mode. Please either "
                    "use the 'same' or 'different' randomness flags on vmap or perform the "
                    "randomness operation out of vmap"
                )
        return _stacked(name, results, out_dims)

    return functools.wraps(func)(wrapped) if hasattr(func, "__name__") else wrapped


def _select(x: Any, i: int) -> Any:
    """Keyword arguments are mapped over their first dimension."""
    return x.select(0, i) if isinstance(x, Tensor) else x


def _in_dims(name: str, in_dims: Any, args: tuple[Any, ...], values: list[Any]) -> list[Any]:
    where = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, int | tuple | list):
        raise ValueError(
            f"{where}expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(f"vmap({name})(<inputs>): got no inputs to map over")
    dims = spread(in_dims if isinstance(in_dims, int) else tuple(in_dims), args)
    if dims is None:
        raise ValueError(f"{where}in_dims is not compatible with the structure of `inputs`.")
    for x, d in zip(values, dims, strict=True):
        if d is None:
            continue
        if not isinstance(d, int):
            raise ValueError(
                f"{where}Got in_dim={d} for an input but in_dim must be either an integer "
                "dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{where}Got in_dim={d} for an input but the input is of type {type(x)}. We cannot "
                "vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.dim() <= d < x.dim():
            raise ValueError(
                f"{where}Got in_dim={d} for some input, but that input is a Tensor of "
                f"dimensionality {x.dim()} so expected in_dim to satisfy "
                f"-{x.dim()} <= in_dim < {x.dim()}."
            )
    return dims


def _count(values: list[Any], dims: list[Any]) -> int:
    sizes = [x.shape[d] for x, d in zip(values, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    if not sizes[0]:
        raise ValueError("vmap: cannot map over a dimension of size 0: nothing would be called")
    return int(sizes[0])


def _stacked(name: str, results: list[Any], out_dims: Any) -> Any:
    columns = list(zip(*map(leaves, results), strict=True))
    dims = spread(out_dims, results[0])
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            "the structure of `outputs`."
        )
    stacked = []
    for column, dim in zip(columns, dims, strict=True):
        for x in column:
            if not isinstance(x, Tensor):
                raise ValueError(
                    f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(x)}."
                )
        if not (dim is None or isinstance(dim, int)):
            raise ValueError(
                f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a "
                "python collection of ints representing where in the outputs the vmapped dimension "
                "should appear."
            )
        stacked.append(column[0] if dim is None else stack(column, dim))
    return rebuilt(results[0], iter(stacked))

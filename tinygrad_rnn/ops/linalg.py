"""Matrix products."""

from __future__ import annotations

import functools
import math
from typing import Any

from ..autograd import Products, Variable, primitive
from ..backends import Array, Backend
from ..dtypes import bool_, of_array, promote_types
from .arithmetic import add, mul
from .checking import check_same_dtype, refusing
from .conversion import cast
from .joining import stack
from .reduction import sum
from .shape import (
    _view,
    broadcast_tensors,
    permute,
    reshape,
    shape_of,
    unsqueeze,
    wrap_dim,
)
from .splitting import unbind


def _same_dtype(args: tuple[Any, ...]) -> tuple[Any, ...]:
    first, *rest = (a for a in args if isinstance(a, Variable))
    for other in rest:
        if other._array.dtype != first._array.dtype:
            raise RuntimeError(
                "expected m1 and m2 to have the same dtype, but got: "
                f"{of_array(first._array.dtype)} != {of_array(other._array.dtype)}"
            )
    for arg in args:
        if not isinstance(arg, Variable):
            raise TypeError(f"matmul(): argument must be Tensor, not {type(arg).__name__}")
    return args


_multipliable = refusing("addmm_impl_cpu_", "b", _same_dtype)


def _product_name(node: Any) -> str:
    return ("Dot", "Mv", "Mm", "Bmm")[min(len(node._shapes[0]), 3)] + "Backward0"


@primitive(broadcasts=True, prepare=_multipliable, name=_product_name)
def _matmul(xp: Backend, input: Array, other: Array) -> Array:
    return xp.matmul(input, other)


def _turned(x: Any) -> Any:
    """The matrices transposed."""
    return x.swapaxes(-1, -2)


def _as_one(x: Any) -> Any:
    """A batch of matrices as one tall matrix."""
    shape = shape_of(x)
    return x.reshape((math.prod(shape[:-1]), shape[-1]))


def _left(g: Any, a_shape: tuple[int, ...], b: Any) -> Any:
    if len(a_shape) > 2 and len(shape_of(b)) == 2 and g.shape[:-1] == a_shape[:-1]:
        # One large product instead of a batch of small ones
        return _matmul(_as_one(g), _turned(b)).reshape(a_shape)
    return _matmul(g, _turned(b))


def _right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    if len(b_shape) == 2 and len(shape_of(a)) > 2:
        return _matmul(_turned(_as_one(a)), _as_one(g))
    if len(b_shape) == len(a.shape) == 2 and not isinstance(g, Variable):
        return Products(a, g)
    return _matmul(_turned(a), g)


_matmul.gradients(
    lambda g, _y, a, b: _left(g, shape_of(a), b), lambda g, _y, a, b: _right(g, a, shape_of(b))
)


def matmul(input: Any, other: Any) -> Any:
    """The matrix product; vectors count as a row on the left, a column on the right, and
    dimensions in front of the last two are batches, which broadcast.

    Raises RuntimeError if inner sizes, batches or dtypes do not fit, or for 0-d tensors.

    >>> torch.matmul(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1]))
    tensor([3, 7])
    >>> torch.matmul(torch.ones(7, 1, 2, 3), torch.ones(5, 3, 4)).shape
    torch.Size([7, 5, 2, 4])
    """
    if not isinstance(other, Variable) or not isinstance(input, Variable):
        wrong = other if isinstance(input, Variable) else input
        raise TypeError(f"matmul(): argument 'other' must be Tensor, not {type(wrong).__name__}")
    a, b = input._array.shape, other._array.shape
    if len(a) > 1 and len(b) > 1 and a[-1] == b[-2]:
        return _matmul(input, other)
    if not a or not b:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D"
        )
    if a[-1] != b[-2 if len(b) > 1 else -1]:
        if len(a) == len(b) == 2:
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})"
            )
        raise RuntimeError(f"size mismatch in matmul: got shapes {list(a)} and {list(b)}")
    left = unsqueeze(input, 0) if len(a) == 1 else input
    right = unsqueeze(other, 1) if len(b) == 1 else other
    product = _matmul(left, right)
    if len(b) > 1:
        return product.squeeze(-2)
    name = ("DotBackward0", "MvBackward0", "ViewBackward0")[min(len(a), 3) - 1]
    return _view(product, shape=a[:-1], name=name)


def _expect(name: str, label: str, operand: Any, ndim: int) -> None:
    if not isinstance(operand, Variable):
        raise TypeError(
            f"{name}(): argument '{label}' must be Tensor, not {type(operand).__name__}"
        )
    if operand._array.ndim != ndim:
        raise RuntimeError(
            f"{name}: expected '{label}' to be a {ndim}-D tensor, got {operand._array.ndim}-D"
        )


def mm(input: Any, mat2: Any) -> Any:
    """The product (n, p) of two matrices (n, m) and (m, p).

    >>> torch.mm(torch.tensor([[1, 2], [3, 4]]), torch.tensor([[0, 1], [1, 0]]))
    tensor([[2, 1],
            [4, 3]])
    """
    _expect("mm", "input", input, 2)
    _expect("mm", "mat2", mat2, 2)
    return matmul(input, mat2)


def bmm(input: Any, mat2: Any) -> Any:
    """The products (b, n, p) of two batches of matrices (b, n, m) and (b, m, p).

    >>> torch.bmm(torch.ones(10, 2, 3), torch.ones(10, 3, 4)).shape
    torch.Size([10, 2, 4])
    """
    _expect("bmm", "input", input, 3)
    _expect("bmm", "mat2", mat2, 3)
    a, b = shape_of(input), shape_of(mat2)
    if a[0] != b[0] or a[2] != b[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] "
            f"but got: [{b[0]}, {b[1]}]."
        )
    return matmul(input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """The product (n) of a matrix (n, m) and a vector (m).

    >>> torch.mv(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1]))
    tensor([3, 7])
    """
    _expect("mv", "input", input, 2)
    _expect("mv", "vec", vec, 1)
    return matmul(input, vec)


def dot(input: Any, tensor: Any) -> Any:
    """The inner product of two vectors of equal length, a scalar.

    >>> torch.dot(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor(11)
    """
    _expect("dot", "input", input, 1)
    _expect("dot", "tensor", tensor, 1)
    if shape_of(input) != shape_of(tensor):
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor {list(shape_of(input))} and src "
            f"{list(shape_of(tensor))} to have the same number of elements"
        )
    return matmul(input, tensor)


def outer(input: Any, vec2: Any) -> Any:
    """The outer product (n, m) of vectors (n) and (m).

    >>> torch.outer(torch.tensor([1, 2]), torch.tensor([1, 10, 100]))
    tensor([[  1,  10, 100],
            [  2,  20, 200]])
    """
    _expect("outer", "input", input, 1)
    _expect("outer", "vec2", vec2, 1)
    return mul(reshape(input, (-1, 1)), vec2)


ger = outer


def inner(input: Any, other: Any) -> Any:
    """The inner products over the last dimensions, which are of one size; the others follow each
    other: (..., n) and (m, n) give (..., m).

    >>> torch.inner(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1]))
    tensor([3, 7])
    """
    if not shape_of(input) or not shape_of(other):
        return mul(input, other)
    return tensordot(input, other, ([-1], [-1]))


def vdot(input: Any, other: Any) -> Any:
    """As `dot`, of two vectors of equal length a scalar: there are no complex tensors.

    >>> torch.vdot(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor(11)
    """
    return dot(input, other)


def chain_matmul(*matrices: Any) -> Any:
    """The product (n, p) of several matrices (n, m), ..., (k, p), from left to right.

    >>> torch.chain_matmul(torch.ones(2, 3), torch.ones(3, 4), torch.ones(4, 1))
    tensor([[12.],
            [12.]])
    """
    if len(matrices) == 1 and isinstance(matrices[0], tuple | list):
        matrices = tuple(matrices[0])
    return functools.reduce(matmul, matrices)


# ----- sums with products -----


def _plus(input: Any, product: Any, beta: float, alpha: float) -> Any:
    """beta * input + alpha * product, in their dtype."""
    _same_dtype((input, product))
    kind = of_array(product._array.dtype)
    if not kind.is_floating_point:
        beta, alpha = (bool(x) if kind is bool_ else int(x) for x in (beta, alpha))
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product  # nan in the input must not count
    return add(input if beta == 1 else input * beta, product)


def addmv(input: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * mat @ vec, for (n, m) and (m); input broadcasts to the result (n).

    >>> torch.addmv(torch.ones(2), torch.eye(2), torch.tensor([1.0, 2.0]))
    tensor([2., 3.])
    """
    return _plus(input, mv(mat, vec), beta, alpha)


def addr(input: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * outer(vec1, vec2), for (n) and (m); input broadcasts to the result
    (n, m), in the dtype that holds all three.

    >>> torch.addr(torch.ones(2, 2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    tensor([[4., 5.],
            [7., 9.]])
    """
    kinds = (of_array(x._array.dtype) for x in (input, vec1, vec2))
    kind = functools.reduce(promote_types, kinds)
    input, vec1, vec2 = (cast(x, kind) for x in (input, vec1, vec2))
    return _plus(input, outer(vec1, vec2), beta, alpha)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * batch1 @ batch2, for batches of matrices (b, n, m) and (b, m, p);
    input broadcasts to the result (b, n, p).

    >>> torch.baddbmm(torch.ones(10, 2, 4), torch.ones(10, 2, 3), torch.ones(10, 3, 4))[0, 0]
    tensor([4., 4., 4., 4.])
    """
    return _plus(input, bmm(batch1, batch2), beta, alpha)


def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * the sum of batch1 @ batch2, (b, n, m) and (b, m, p), over the batch;
    input broadcasts to the result (n, p).

    >>> torch.addbmm(torch.ones(2, 4), torch.ones(10, 2, 3), torch.ones(10, 3, 4))[0]
    tensor([31., 31., 31., 31.])
    """
    products = bmm(batch1, batch2)
    return _plus(input, sum(products, 0, dtype=of_array(products._array.dtype)), beta, alpha)


# ----- general products -----


def _contracted(dims: Any, na: int, nb: int) -> tuple[list[int], list[int]]:
    """Two lists of dimensions, of as many, counted from the front. Raises TypeError for what is no
    pair of lists, RuntimeError for different lengths, IndexError for dimensions that are not
    there."""
    dims = dims.tolist() if isinstance(dims, Variable) else dims  # type: ignore[attr-defined]
    lists = [[ds] if isinstance(ds, int) else ds for ds in dims]
    whole = len(lists) == 2 and all(isinstance(ds, list | tuple) for ds in lists)
    if not whole or len(lists[0]) != len(lists[1]):
        kind = RuntimeError if whole else TypeError
        raise kind(
            "tensordot expects dims as a number, or as two lists of dimensions of the same length, "
            f"but got {dims}"
        )
    if lists[0] and not na * nb:
        raise IndexError(f"dims has dimensions {dims}, but one of the tensors has none")
    first, second = ([wrap_dim(d, n) for d in ds] for ds, n in zip(lists, (na, nb), strict=True))
    return first, second


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """The sum of products over pairs of dimensions: the last `dims` of a with the first of b, or
    two lists of dimensions. What is left of a's shape, then of b's.

    >>> torch.tensordot(torch.ones(2, 3, 4), torch.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    torch.Size([2, 5])
    """
    na, nb = len(shape_of(a)), len(shape_of(b))
    if isinstance(dims, Variable) and math.prod(shape_of(dims)) == 1:
        dims = int(dims.item())  # type: ignore[attr-defined]
    if isinstance(dims, int):
        if not 0 <= dims <= min(na, nb):
            raise RuntimeError(
                f"tensordot expects dims between 0 and {min(na, nb)}, for tensors of {na} and {nb} "
                f"dimensions, but got dims={dims}"
            )
        pairs = list(range(na - dims, na)), list(range(dims))
    else:
        pairs = _contracted(dims, na, nb)
    free_a = [d for d in range(na) if d not in pairs[0]]
    free_b = [d for d in range(nb) if d not in pairs[1]]
    for p, q in zip(*pairs, strict=True):
        m, n = shape_of(a)[p], shape_of(b)[q]
        if m != n and 1 in (m, n):  # the one stands beside every element of the other
            kind = of_array((a if n == 1 else b)._array.dtype)
            a, b = (sum(a, p, True, dtype=kind), b) if n == 1 else (a, sum(b, q, True, dtype=kind))
        elif m != n:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {m} in dim {p} and "
                f"second has size {n} in dim {q}"
            )
    size = math.prod(shape_of(a)[p] for p in pairs[0])
    rows, columns = [shape_of(a)[d] for d in free_a], [shape_of(b)[d] for d in free_b]
    left = reshape(permute(a, (*free_a, *pairs[0])), (math.prod(rows), size))
    right = reshape(permute(b, (*pairs[1], *free_b)), (size, math.prod(columns)))
    return reshape(matmul(left, right), (*rows, *columns))


def kron(input: Any, other: Variable) -> Any:
    """The Kronecker product: each element of input times the whole of other; sizes multiply.

    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([1, 2, 3]))
    tensor([ 1,  2,  3, 10, 20, 30])
    """
    ndim = max(len(shape_of(input)), len(shape_of(other)))
    a, b = ((1,) * (ndim - len(shape_of(x))) + tuple(shape_of(x)) for x in (input, other))
    outer = mul(
        reshape(input, [n for size in a for n in (size, 1)]),
        reshape(other, [n for size in b for n in (1, size)]),
    )
    return reshape(outer, [m * n for m, n in zip(a, b, strict=True)])


def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The cross products of vectors of 3 elements along dim (the first of size 3 if None).

    >>> torch.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0]), dim=0)
    tensor([0, 0, 1])
    """
    a, b = shape_of(input), shape_of(other)
    if len(a) != len(b):
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if dim is None:
        if 3 not in a:
            raise RuntimeError("no dimension of size 3 in input")
        dim = a.index(3)
    dim = wrap_dim(dim, len(a))
    if not a[dim] == b[dim] == 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {list(a)} and {list(b)}"
        )
    check_same_dtype("linalg.cross", input, other)
    input, other = broadcast_tensors(input, other)
    a, b, c = unbind(input, dim)
    x, y, z = unbind(other, dim)
    return stack([b * z - c * y, c * x - a * z, a * y - b * x], dim)

"""Matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable, primitive
from ..backends import Array, Backend
from ..dtypes import of_array
from .arithmetic import add, mul
from .shape import permute, reshape, shape_of, transpose


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


@primitive(broadcasts=True, prepare=_same_dtype)
def _matmul(xp: Backend, input: Array, other: Array) -> Array:
    return xp.matmul(input, other)


def _turned(x: Any) -> Any:
    """The matrices transposed."""
    return x.swapaxes(-1, -2)


def _left(g: Any, a_shape: tuple[int, ...], b: Any) -> Any:
    if len(a_shape) > 2 and len(shape_of(b)) == 2 and g.shape[:-1] == a_shape[:-1]:
        # One large product instead of a batch of small ones
        flat = _matmul(g.reshape((-1, g.shape[-1])), _turned(b))
        return flat.reshape(a_shape)
    return _matmul(g, _turned(b))


def _right(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    if len(b_shape) == 2 and len(shape_of(a)) > 2:
        return _matmul(_turned(a.reshape((-1, shape_of(a)[-1]))), g.reshape((-1, shape_of(g)[-1])))
    return _matmul(_turned(a), g)


_matmul.gradients(
    lambda g, _y, a, b: _left(g, shape_of(a), b), lambda g, _y, a, b: _right(g, a, shape_of(b))
)


def matmul(input: Any, other: Any) -> Any:
    """The matrix product; vectors count as a row on the left, a column on the right, and
    dimensions in front of the last two are batches, which broadcast.

    Raises RuntimeError if inner sizes, batches or dtypes do not fit, or for 0-d tensors.
    """
    if not isinstance(other, Variable) or not isinstance(input, Variable):
        wrong = other if isinstance(input, Variable) else input
        raise TypeError(f"matmul(): argument 'other' must be Tensor, not {type(wrong).__name__}")
    a, b = input._array.shape, other._array.shape
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
    if len(a) > 1 and len(b) > 1:
        return _matmul(input, other)
    left = reshape(input, (1, -1)) if len(a) == 1 else input
    right = reshape(other, (-1, 1)) if len(b) == 1 else other
    product = _matmul(left, right)
    if len(b) == 1:
        product = product.squeeze(-1)
    return product.squeeze(-1 if len(b) == 1 else -2) if len(a) == 1 else product


def _expect(name: str, *operands: tuple[str, Any, int]) -> None:
    for label, operand, ndim in operands:
        if not isinstance(operand, Variable):
            raise TypeError(
                f"{name}(): argument '{label}' must be Tensor, not {type(operand).__name__}"
            )
        if operand._array.ndim != ndim:
            raise RuntimeError(
                f"{name}: expected '{label}' to be a {ndim}-D tensor, got {operand._array.ndim}-D"
            )


def mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices (n, m) and (m, p)."""
    _expect("mm", ("input", input, 2), ("mat2", mat2, 2))
    return matmul(input, mat2)


def bmm(input: Any, mat2: Any) -> Any:
    """The products of two batches of matrices (b, n, m) and (b, m, p)."""
    _expect("bmm", ("input", input, 3), ("mat2", mat2, 3))
    a, b = shape_of(input), shape_of(mat2)
    if a[0] != b[0] or a[2] != b[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] "
            f"but got: [{b[0]}, {b[1]}]."
        )
    return matmul(input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """The product of a matrix (n, m) and a vector (m)."""
    _expect("mv", ("input", input, 2), ("vec", vec, 1))
    return matmul(input, vec)


def dot(input: Any, tensor: Any) -> Any:
    """The inner product of two vectors of equal length."""
    _expect("dot", ("input", input, 1), ("tensor", tensor, 1))
    if shape_of(input) != shape_of(tensor):
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor {list(shape_of(input))} and src "
            f"{list(shape_of(tensor))} to have the same number of elements"
        )
    return matmul(input, tensor)


def outer(input: Any, vec2: Any) -> Any:
    """The outer product (n, m) of vectors (n) and (m)."""
    _expect("outer", ("input", input, 1), ("vec2", vec2, 1))
    return mul(reshape(input, (-1, 1)), vec2)


ger = outer


def inner(input: Any, other: Any) -> Any:
    """The inner products over the last dimensions."""
    if not shape_of(input) or not shape_of(other):
        return mul(input, other)
    return tensordot(input, other, ([-1], [-1]))


def _plus(input: Any, product: Any, beta: float, alpha: float) -> Any:
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product  # nan in the input must not count
    return add(input if beta == 1 else input * beta, product)


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * mat1 @ mat2."""
    return _plus(input, mm(mat1, mat2), beta, alpha)


def addmv(input: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * mat @ vec."""
    return _plus(input, mv(mat, vec), beta, alpha)


def addr(input: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * outer(vec1, vec2)."""
    return _plus(input, outer(vec1, vec2), beta, alpha)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * input + alpha * batch1 @ batch2, for batches of matrices."""
    return _plus(input, bmm(batch1, batch2), beta, alpha)


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias, for input (..., in), weight (out, in) or (in), bias (out).

    Raises RuntimeError if the last size of input is not weight's.
    """
    result = matmul(input, transpose(weight, 0, 1) if len(shape_of(weight)) == 2 else weight)
    return result if bias is None else add(result, bias)


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """The sum of products over pairs of dimensions: the last `dims` of a with the first of b, or
    two lists of dimensions."""
    na, nb = len(shape_of(a)), len(shape_of(b))
    if isinstance(dims, int):
        pairs = list(range(na - dims, na)), list(range(dims))
    else:
        pairs = tuple([d % n for d in ds] for ds, n in zip(dims, (na, nb), strict=True))  # type: ignore[assignment]
    free_a = [d for d in range(na) if d not in pairs[0]]
    free_b = [d for d in range(nb) if d not in pairs[1]]
    for p, q in zip(*pairs, strict=True):
        if shape_of(a)[p] != shape_of(b)[q]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {shape_of(a)[p]} in dim "
                f"{p} and second has size {shape_of(b)[q]} in dim {q}"
            )
    size = 1
    for p in pairs[0]:
        size *= shape_of(a)[p]
    left = reshape(permute(a, *free_a, *pairs[0]), (-1, size)) if na else reshape(a, (1, 1))
    right = reshape(permute(b, *pairs[1], *free_b), (size, -1)) if nb else reshape(b, (1, 1))
    shape = [shape_of(a)[d] for d in free_a] + [shape_of(b)[d] for d in free_b]
    return reshape(matmul(left, right), shape)


# ----- einsum -----


@primitive
def _einsum(xp: Backend, *operands: Array, inputs: tuple[str, ...], output: str) -> Array:
    equation = f"{','.join(inputs)}->{output}"
    return xp.einsum(equation, *operands, optimize=len(operands) > 1)


def _einsum_rule(
    g: Any, _y: Any, number: int, xs: Sequence[Any], *, inputs: tuple[str, ...], output: str
) -> Any:
    """The gradient of one operand is the einsum of g and the others onto its letters; letters that
    only it has were summed over, so g is spread along them."""
    letters = inputs[number]
    others = [x for i, x in enumerate(xs) if i != number]
    labels = [s for i, s in enumerate(inputs) if i != number]
    known = set(output).union(*labels)
    reached = "".join(c for c in letters if c in known)
    found = _einsum(g, *others, inputs=(output, *labels), output=reached)
    shape = shape_of(xs[number])
    kept = tuple(n if c in known else 1 for c, n in zip(letters, shape, strict=True))
    return found.reshape(kept) + _zeros_like(xs[number])


@primitive
def _zeros_like(xp: Backend, input: Array) -> Array:
    return xp.zeros_like(input)


_einsum.gradients(_einsum_rule)


def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products by Einstein's convention, ``einsum("bij,bjk->bik", a, b)``; ``...`` stands
    for dimensions that broadcast, a repeated letter within an operand takes the diagonal.

    Raises RuntimeError if equation and operands do not fit.
    """
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = tuple(operands[0])
    left, arrow, right = equation.replace(" ", "").partition("->")
    labels = left.split(",")
    if len(labels) != len(operands):
        raise RuntimeError(
            f"einsum(): {len(labels)} subscripts for {len(operands)} operands in '{equation}'"
        )
    unused = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in equation]
    ellipsis = ""
    expanded = []
    for label, operand in zip(labels, operands, strict=True):
        named = len(label.replace("...", ""))
        extra = len(shape_of(operand)) - named
        if extra < 0 or (extra and "..." not in label):
            raise RuntimeError(
                f"einsum(): the number of subscripts in '{label}' does not match the number of "
                f"dimensions ({len(shape_of(operand))}) of its operand"
            )
        dots = "".join(unused[:extra][::-1])
        ellipsis = max(ellipsis, dots, key=len)
        expanded.append(label.replace("...", dots))
    letters = "".join(expanded)
    if arrow:
        output = right.replace("...", ellipsis)
        for c in output:
            if c not in letters:
                raise RuntimeError(
                    f"einsum(): output subscript {c} does not appear in the equation for any input"
                )
    else:
        output = ellipsis + "".join(
            sorted(c for c in set(letters) if letters.count(c) == 1 and c not in ellipsis)
        )
    sizes: dict[str, int] = {}
    ready = []
    for i, (label, operand) in enumerate(zip(expanded, operands, strict=True)):
        label, operand = _without_repeats(label, operand)
        for c, n in zip(label, shape_of(operand), strict=True):
            if sizes.get(c, 1) not in (1, n) and n != 1:
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {i} which does not "
                    f"broadcast with previously seen size {sizes[c]}"
                )
            sizes[c] = max(sizes.get(c, 1), n) if n else 0
        ready.append((label, operand))
    stretched = [(label, x.expand([sizes[c] for c in label]) if label else x) for label, x in ready]
    return _einsum(*(x for _, x in stretched), inputs=tuple(s for s, _ in stretched), output=output)


def _without_repeats(label: str, operand: Any) -> tuple[str, Any]:
    """Diagonals taken for letters that an operand repeats."""
    for c in dict.fromkeys(label):
        while label.count(c) > 1:
            i, j = label.index(c), label.rindex(c)
            operand = operand.diagonal(0, i, j)
            label = label[:i] + label[i + 1 : j] + label[j + 1 :] + c
    return label, operand

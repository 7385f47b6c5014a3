"""Einstein's sums on GPUs as products of `cublas`: CuPy's own may not be in a CUDA graph."""

from __future__ import annotations

import functools
import math
from typing import Any

import cupy

from .cublas import matmul


def einsum(subscripts: str, *operands: cupy.ndarray, optimize: Any = False) -> cupy.ndarray:
    """As numpy.einsum, for letters of one size in all operands, each once in an operand."""
    if len(operands) == 1:
        return cupy.einsum(subscripts, operands[0])
    inputs, _, output = subscripts.partition("->")
    labels = inputs.split(",")
    result = labels[0], operands[0]
    for number in range(1, len(operands)):
        later = set(output).union(*labels[number + 1 :])
        result = _contracted(result, (labels[number], operands[number]), later)
    return _arranged(*result, output)


def _contracted(
    a: tuple[str, cupy.ndarray], b: tuple[str, cupy.ndarray], later: set[str]
) -> tuple[str, cupy.ndarray]:
    """The sum over the letters of two operands that nobody needs later, as a stack of products."""
    a, b = (_summed(*part, later.union(other[0])) for part, other in ((a, b), (b, a)))
    both = [c for c in a[0] if c in b[0]]
    stack = [c for c in both if c in later]
    inner = [c for c in both if c not in later]
    rows, columns = ([c for c in part[0] if c not in both] for part in (a, b))
    sizes = {c: n for label, array in (a, b) for c, n in zip(label, array.shape, strict=True)}
    count = functools.partial(_count, sizes)
    left = _arranged(*a, "".join(stack + rows + inner))
    right = _arranged(*b, "".join(stack + inner + columns))
    product = matmul(
        left.reshape(count(stack), count(rows), count(inner)),
        right.reshape(count(stack), count(inner), count(columns)),
    )
    letters = "".join(stack + rows + columns)
    return letters, product.reshape([sizes[c] for c in letters])


def _count(sizes: dict[str, int], letters: list[str]) -> int:
    return math.prod(sizes[c] for c in letters)


def _summed(label: str, array: cupy.ndarray, wanted: set[str]) -> tuple[str, cupy.ndarray]:
    """The sum over the letters that are not wanted."""
    alone = tuple(i for i, c in enumerate(label) if c not in wanted)
    if not alone:
        return label, array
    return "".join(c for c in label if c in wanted), array.sum(alone, dtype=array.dtype)


def _arranged(label: str, array: cupy.ndarray, order: str) -> cupy.ndarray:
    return array.transpose([label.index(c) for c in order])

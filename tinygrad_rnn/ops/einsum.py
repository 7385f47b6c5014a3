"""Sums of products by Einstein's convention."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from ..autograd import primitive
from ..backends import Array, Backend, packed
from ..dtypes import float16, float32, of_array
from .arithmetic import zeros_like
from .checking import refusing
from .conversion import promote
from .diagonals import diagonal
from .reduction import accumulated
from .shape import expand, shape_of

_check_bmm = refusing("bmm")
_ALPHABET = string.ascii_uppercase + string.ascii_lowercase


@primitive(view=True, prepare=promote)  # NumPy's and CuPy's may only permute the one operand
def _einsum(xp: Backend, *operands: Array, inputs: tuple[str, ...], output: str) -> Array:
    equation = f"{','.join(inputs)}->{output}"
    half = operands[0].dtype == float16.array and set(output) != set().union(*inputs)
    if half:  # summed in float32, rounded once
        operands = tuple(x.astype(float32.array) for x in operands)
    result = xp.einsum(equation, *operands, optimize=len(operands) > 1)
    if len(operands) > 1:
        result = packed(result)
    return result.astype(float16.array) if half else result


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
    return found.reshape(kept) + zeros_like(xs[number])


_einsum.gradients(_einsum_rule)


def einsum(equation: Any, *operands: Any) -> Any:
    """Sums of products by Einstein's convention, ``einsum("bij,bjk->bik", a, b)``; ``...`` stands
    for dimensions that broadcast, a repeated letter within an operand takes the diagonal.

    Instead of letters a list of numbers from 0 to 51 may follow each operand, and the output's
    stand at the end: ``einsum(a, [0, 1, 2], b, [0, 2, 3], [0, 1, 3])``, with Ellipsis for ``...``.

    Raises RuntimeError if equation and operands do not fit.

    >>> torch.einsum("ij,kj->ik", torch.tensor([[1, 2]]), torch.tensor([[3, 4], [5, 6]]))
    tensor([[11, 17]])
    """
    if not isinstance(equation, str):
        equation, operands = _from_lists((equation, *operands))
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
    ready = _summed_as_integers(ready, output)
    _check_dtypes(ready, output)
    stretched = [
        (label, expand(x, [sizes[c] for c in label]) if label else x) for label, x in ready
    ]
    return _einsum(*(x for _, x in stretched), inputs=tuple(s for s, _ in stretched), output=output)


def _from_lists(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The equation and the operands of a call with lists of numbers."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list"
        )
    labels = [_letters(numbers) for numbers in args[1::2]]
    equation = ",".join(labels)
    if len(args) % 2:
        equation += f"->{_letters(args[-1])}"
    return equation, args[: len(args) // 2 * 2 : 2]


def _letters(numbers: Any) -> str:
    """A list of subscripts as letters: capitals come first."""
    if not isinstance(numbers, list | tuple):
        raise TypeError(
            f"einsum(): expected a list of subscripts behind each operand, got {numbers!r}"
        )
    found = []
    for number in numbers:
        if number is not ... and not (isinstance(number, int) and 0 <= number < len(_ALPHABET)):
            raise ValueError(
                f"einsum(): expected subscripts in the list to be within the range [0, 52), got "
                f"{number!r}"
            )
        found.append("..." if number is ... else _ALPHABET[number])
    return "".join(found)


def _summed_as_integers(ready: list[tuple[str, Any]], output: str) -> list[tuple[str, Any]]:
    """The operands, of integers as int64 if a letter is summed over that only one of them has: as
    in PyTorch that is a sum, while what two of them share is a product of matrices."""
    letters = "".join(label for label, _ in ready)
    sums = any(letters.count(c) == 1 and c not in output for c in letters)
    return [(label, accumulated(x, None) if sums else x) for label, x in ready]


def _check_dtypes(ready: list[tuple[str, Any]], output: str) -> None:
    """That operands which share a letter that is summed over, products of matrices, are of one
    dtype: other products promote."""
    for c in {c for label, _ in ready for c in label if c not in output}:
        kinds = [of_array(x._array.dtype) for label, x in ready if c in label]
        if len(kinds) > 1:
            for kind in kinds[1:]:
                if kind is not kinds[0]:
                    raise RuntimeError(
                        f"einsum(): expected scalar type {kinds[0].scalar_name} but found "
                        f"{kind.scalar_name}: convert one with .to(dtype)"
                    )
            _check_bmm(tuple(x for label, x in ready if c in label))


def _without_repeats(label: str, operand: Any) -> tuple[str, Any]:
    """Diagonals taken for letters that an operand repeats."""
    for c in dict.fromkeys(label):
        while label.count(c) > 1:
            i, j = label.index(c), label.rindex(c)
            operand = diagonal(operand, 0, i, j)
            label = label[:i] + label[i + 1 : j] + label[j + 1 :] + c
    return label, operand

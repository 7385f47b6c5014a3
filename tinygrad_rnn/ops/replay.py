"""Second derivatives of operations with a hand-written backward pass: from their plain form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import grad
from .shape import _view, shape_of


def replayed(
    g: Sequence[Any], inputs: Sequence[Any], needs: Sequence[bool], plain: Callable[..., Any]
) -> list[Any]:
    """Gradients that can be differentiated again: those of ``plain(*inputs)``, the same operation
    in ordinary ones, which is run anew.

    g has the gradient of each of its outputs, None for those without; needs says which inputs
    want one.
    """
    # Views, which no other input was made of: gradients flow to each from this operation alone
    own = [
        _view(x, shape=shape_of(x)) if need else x for x, need in zip(inputs, needs, strict=True)
    ]
    known = [(y, part) for y, part in zip(plain(*own), g, strict=True) if part is not None]
    wanted = [x for x, need in zip(own, needs, strict=True) if need]
    ends, parts = zip(*known, strict=True)
    found = iter(grad(ends, wanted, parts, create_graph=True, allow_unused=True))
    return [next(found) if need else None for need in needs]

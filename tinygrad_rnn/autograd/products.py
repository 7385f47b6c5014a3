"""Matrix products as gradients, put off until all that belong together are there.

A weight that is used at every step of a loop gets a gradient a.T @ b from each, with few rows in a
and b. The sum of these products is one product of all rows: one pass over the weight's gradient
in place of one per step, at the speed of large products.
"""

from __future__ import annotations

from typing import Any

from ..backends import Array, backend_of

ROWS = 2048  # after so many rows the product is formed, and memory given back


class Products:
    """The sum of a.T @ b over pairs of arrays (rows, n), (rows, m): a gradient (n, m).

    It adds up as an array does; other products are taken over.
    """

    __slots__ = ("base", "pairs", "rows", "shape", "total")

    def __init__(self, a: Array, b: Array) -> None:
        self.pairs = [(a, b)]
        self.rows = a.shape[0]
        self.shape = (a.shape[1], b.shape[1])
        self.base = self.total = None

    def __iadd__(self, other: Any) -> Any:
        if type(other) is not Products:
            return self + other
        self.pairs += other.pairs
        self.rows += other.rows
        if self.rows >= ROWS:
            self.total, self.pairs, self.rows = self.value(), [], 0
        return self

    def __add__(self, other: Any) -> Array:
        return self.value() + formed(other)

    def value(self) -> Array:
        """The sum as an array of its own."""
        if not self.pairs:
            return self.total
        a, b = self.pairs[0]
        xp: Any = backend_of(a)
        if len(self.pairs) > 1:
            a, b = (xp.concatenate(parts) for parts in zip(*self.pairs, strict=True))
        product = xp.matmul(a.T, b)
        return product if self.total is None else product + self.total


def formed(gradient: Any) -> Any:
    """The gradient itself, with no products left to form."""
    return gradient.value() if type(gradient) is Products else gradient

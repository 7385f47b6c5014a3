"""Nested dicts, lists and tuples: their leaves, and the same with other leaves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """All that is no container, in order; None is a leaf."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, list | tuple):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


def rebuilt(tree: Any, values: Iterator[Any]) -> Any:
    """The same containers with the next values as leaves."""
    if isinstance(tree, dict):
        return type(tree)((key, rebuilt(value, values)) for key, value in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(rebuilt(value, values) for value in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(rebuilt(value, values) for value in tree)
    return next(values)


def form(tree: Any) -> Any:
    """The containers alone, with an ellipsis for each leaf."""
    return rebuilt(tree, itertools.repeat(...))


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """For each leaf of the tree the leaf of a smaller tree that is over it; None if they do not
    have one form."""
    if not isinstance(prefix, dict | list | tuple):
        return [prefix] * len(leaves(tree))
    if isinstance(prefix, dict):
        if not isinstance(tree, dict) or prefix.keys() != tree.keys():
            return None
        parts = [spread(value, tree[key]) for key, value in prefix.items()]
        pairs: Any = zip(prefix, parts, strict=True)
        by_key = dict(pairs)
        parts = [by_key[key] for key in tree]
    else:
        if not isinstance(tree, list | tuple) or len(prefix) != len(tree):
            return None
        parts = [spread(a, b) for a, b in zip(prefix, tree, strict=True)]
    found: list[Any] = []
    for part in parts:
        if part is None:
            return None
        found += part
    return found

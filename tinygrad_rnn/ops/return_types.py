"""What operations with several results return: tuples with named parts, which print as PyTorch's
``torch.return_types`` do."""

from __future__ import annotations

from typing import Any, NamedTuple


class _Printed:
    """The text of a tuple with the name of its operation, one part a line."""

    __slots__ = ()

    def __repr__(self) -> str:
        parts = [f"{name}={getattr(self, name)!r}" for name in self._fields]  # type: ignore[attr-defined]
        return f"torch.return_types.{type(self).__name__}(\n" + ",\n".join(parts) + ")"


class ValuesIndices(NamedTuple):
    """Elements along a dimension, and where they were: what max, sort, topk and others return."""

    values: Any
    indices: Any


class MinMax(NamedTuple):
    """What aminmax returns."""

    min: Any
    max: Any


# fmt: off
class aminmax(_Printed, MinMax): __slots__ = ()  # noqa: E701
class cummax(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class cummin(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class kthvalue(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class max(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class median(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class min(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class mode(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class nanmedian(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class sort(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class topk(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
# fmt: on

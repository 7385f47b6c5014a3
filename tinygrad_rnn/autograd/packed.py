"""Saved values that hooks keep in a form of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backends import backend_of
from .grad_mode import Setting
from .graph import Edge, Kept, Record, Variable
from .saved import Pair


class Packed:
    """What a hook returned for a saved tensor.

    Raises RuntimeError if it changed the tensor in place.
    """

    __slots__ = ("_unpack", "_value")

    def __init__(self, tensor: Variable, hooks: Pair) -> None:
        pack, self._unpack = hooks
        version = tensor._changes[0]
        with Setting(False):
            self._value = pack(tensor)
        if tensor._changes[0] != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                "input to pack hook cannot be modified by in-place operations; change a clone()."
            )

    def tensor(self) -> Variable:
        """The tensor, as the other hook returns it."""
        with Setting(False):
            tensor = self._unpack(self._value)
        if not isinstance(tensor, Variable):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(tensor).__name__}"
            )
        return tensor


class PackedRecord(Record):
    """A node of a primitive whose saved values were given to hooks, which nothing guards."""

    __slots__ = ()

    def pack(self, args: Sequence[Any], hooks: Pair) -> None:
        """Give the values to hooks, which see the inputs as they are."""
        self.guards = []
        owner = next(arg for arg in args if isinstance(arg, Variable))

        def packed(value: Any, tensor: Any = None) -> Any:
            if type(value) in (tuple, Kept):
                return type(value)(map(packed, value))
            if backend_of(value) is None:
                return value
            known = isinstance(tensor, Variable)
            return Packed(tensor if known else owner._wrap(value), hooks)

        self.saved = list(map(packed, self.saved or (), args))
        self.output = packed(self.output)

    def _run(
        self, g: Any, edges: Sequence[Edge | None], owner: Variable, recorded: bool
    ) -> list[tuple[Edge, Any]]:
        saved, output = self.saved, self.output

        def unpacked(value: Any) -> Any:
            if type(value) in (tuple, Kept):
                return type(value)(map(unpacked, value))
            return value.tensor()._array if type(value) is Packed else value

        try:
            if saved is not None:
                self.saved, self.output = list(map(unpacked, saved)), unpacked(output)
            return super()._run(g, edges, owner, recorded)
        finally:
            self.saved, self.output = saved, output

    def _free(self) -> None:
        self.saved = self.output = None

"""What every register_hook returns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any


class RemovableHandle:
    """Returned by every register_hook: ``handle.remove()`` takes the hook out again."""

    _number = itertools.count().__next__  # unlike id(self), never given to another handle

    def __init__(self, hooks: dict[int, Any]) -> None:
        self._hooks = hooks
        self.id = self._number()

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class _MultiHandle(RemovableHandle):
    """Removes several hooks."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        super().__init__({})
        self.handles = tuple(handles)

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


def add_hook(hooks: dict[int, Any], hook: Any) -> RemovableHandle:
    """Store `hook` behind the others and return the handle that removes it."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle

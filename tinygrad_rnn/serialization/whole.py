"""Objects of every kind, modules and arrays among them, as Python pickles them.

Such a pickle calls what its writer chose: it is only read where the caller says that it is trusted.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

from ..backends import Array
from ..creation import new
from ..tensor import Tensor, _rebuild

MAGIC = b"\x80"  # of every pickle since protocol 2


def write(obj: Any) -> bytes:
    """The pickle of an object. Raises what `pickle.dumps` raises."""
    return pickle.dumps(obj)


def read(content: bytes, restore: Callable[[Tensor, str], Tensor]) -> Any:
    """The object. `restore` gets each tensor's values as a 1-D tensor on the CPU, and the device it
    was on. Raises whatever the pickle raises."""

    def rebuilt(cls: type[Tensor], array: Array, where: str, requires_grad: bool) -> Tensor:
        flat = restore(new(array.reshape(-1)), where)
        return _rebuild(cls, flat._array.reshape(array.shape), None, requires_grad)

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) == (_rebuild.__module__, _rebuild.__name__):
                return rebuilt
            return super().find_class(module, name)

    return Unpickler(io.BytesIO(content)).load()

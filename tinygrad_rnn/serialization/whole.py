"""Objects of every kind, modules and arrays among them, as Python pickles them, in an archive.

Such a pickle calls what its writer chose: it is only read where the caller says that it is trusted,
and after the archive's checksums were found right.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from collections.abc import Callable
from typing import Any

from ..backends import Array
from ..creation import new
from ..tensor import Tensor, _rebuild
from .archive import pack
from .errors import Damaged

MAIN = "object.pkl"
MAGIC = b"\x80"  # of every pickle since protocol 2: older files are one, without an archive


def write(obj: Any) -> bytes:
    """The file of an object. Raises what `pickle.dumps` raises."""
    return pack([(MAIN, pickle.dumps(obj))])


def read(content: bytes, restore: Callable[[Tensor, str], Tensor]) -> Any:
    """The object of a pickle. `restore` gets each tensor's values as a 1-D tensor on the CPU, and
    the device it was on. Raises whatever the pickle raises."""

    def rebuilt(cls: type[Tensor], array: Array, where: str, requires_grad: bool) -> Tensor:
        flat = restore(new(array.reshape(-1)), where)
        return _rebuild(cls, flat._array.reshape(array.shape), None, requires_grad)

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) == (_rebuild.__module__, _rebuild.__name__):
                return rebuilt
            return super().find_class(module, name)

    return Unpickler(io.BytesIO(content)).load()


def check_bare(content: bytes) -> None:
    """That an older file, without a checksum, is a pickle from its first byte to its last. Raises
    Damaged."""
    end = -1
    try:
        for _, _, place in pickletools.genops(content):
            end = place or 0
    except (ValueError, LookupError, struct.error) as error:
        raise Damaged(f"its pickle makes no sense ({error!s:.200})") from error
    if end != len(content) - 1:
        raise Damaged(f"its pickle ends at byte {end + 1} of {len(content)}")

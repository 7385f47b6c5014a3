"""Objects of every kind, modules and arrays among them, as Python pickles them, in an archive.

Such a pickle calls what its writer chose: all of it is only read where the caller says that it is
trusted, and after the archive's checksums were found right; elsewhere, what was allowed by name.
"""

from __future__ import annotations

import functools
import io
import pickle
import pickletools
import struct
from collections.abc import Callable, Mapping
from typing import Any

from .. import dtypes
from ..backends import Array
from ..creation import new
from ..nn.parameter import Buffer, Parameter
from ..tensor import Tensor, _rebuild
from .allowed import named
from .archive import pack
from .errors import Damaged
from .pt_read import BUILDERS, CONSTANTS, elements
from .unpickle import Name, Unpickler, elsewhere

Restore = Callable[[Tensor, str], Tensor]

MAIN = "object.pkl"
MAGIC = b"\x80"  # of every pickle since protocol 2: older files are one, without an archive
_CLASSES = {f"{c.__module__}.{c.__qualname__}": c for c in (Tensor, Parameter, Buffer)}


def write(obj: Any) -> bytes:
    """The file of an object. Raises what Python's pickle raises."""
    stream = io.BytesIO()
    _Pickler(stream).dump(obj)
    return pack([(MAIN, stream.getvalue())])


class _Pickler(pickle.Pickler):
    """Writes tensors without their arrays, whose pickles call functions of NumPy's."""

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, Tensor) or type(obj).__reduce__ is not Tensor.__reduce__:
            return NotImplemented
        array, kind = obj._host(), dtypes.of_array(obj._array.dtype)
        content = array.astype(kind.array.newbyteorder("<"), copy=False).tobytes()
        place = str(obj.device), obj.requires_grad
        return rebuild, (type(obj), content, str(kind), array.shape, *place, dict(obj.__dict__))


def rebuild(
    cls: Any, content: bytes, kind: str, shape: tuple[int, ...], where: str, requires_grad: bool,
    attributes: Mapping[str, Any], restore: Restore | None = None,
) -> Tensor:  # fmt: skip
    """A tensor from its bytes, in C order and little-endian."""
    dtype = {str(d): d for d in dtypes.ALL}[kind]
    cls = _CLASSES[cls.text] if isinstance(cls, Name) else cls
    flat = new(elements(content, dtype))
    flat = flat if restore is None else restore(flat, where)
    tensor = _rebuild(cls, flat._array.reshape(shape), None, requires_grad)
    tensor.__dict__.update(attributes)
    return tensor


def read(content: bytes, restore: Restore) -> Any:
    """The object of a pickle. `restore` gets each tensor's values as a 1-D tensor on the CPU, and
    the device it was on. Raises whatever the pickle raises."""

    def rebuilt(cls: type[Tensor], array: Array, where: str, requires_grad: bool) -> Tensor:
        flat = restore(new(array.reshape(-1)), where)
        return _rebuild(cls, flat._array.reshape(array.shape), None, requires_grad)

    class Trusting(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) == (_rebuild.__module__, _rebuild.__name__):
                return rebuilt  # of older files
            if (module, name) == (rebuild.__module__, rebuild.__name__):
                return functools.partial(rebuild, restore=restore)
            return super().find_class(module, name)

    return Trusting(io.BytesIO(content)).load()


def read_allowed(content: bytes, restore: Restore) -> Any:
    """As `read`, of data and of what `add_safe_globals` lists alone. Raises Damaged for all else,
    which is not looked up."""
    move = functools.partial(elsewhere, restore)
    name = f"{rebuild.__module__}.{rebuild.__name__}"
    builders: dict[str, Callable[..., Any]] = {
        **BUILDERS,
        name: functools.partial(rebuild, restore=move),
    }
    constants = {**CONSTANTS, **{name: Name(name) for name in _CLASSES}}
    try:
        return Unpickler(content, constants, builders, _no_storage, named()).load()
    except Damaged as error:
        raise Damaged(
            f"{error}. It is a pickle, which may run anything, and not all of it is loaded with "
            "weights_only=True. If you trust its source: load(f, weights_only=False)"
        ) from error


def _no_storage(reference: Any) -> Any:
    raise ValueError("a storage outside of the pickle")


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

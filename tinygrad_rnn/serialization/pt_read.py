"""PyTorch's files (.pt, .pth; those of its versions since 1.6), read without PyTorch.

Such a file is a zip archive: `data.pkl` is a pickle of the object, in which each tensor refers by
number to a storage, the file `data/<number>` with the bytes; `byteorder` says in which order.
Tensors that share memory refer to one storage. All names are inside one folder of any name.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Literal

from .. import backends, dtypes
from ..creation import new
from ..dtypes import dtype as DType
from ..layout import strided
from ..nn.parameter import Buffer, Parameter
from ..tensor import Size, Tensor
from .allowed import named
from .archive import Archive
from .errors import Damaged
from .unpickle import Name, Part, Unpickler, checked_key, checked_value, elsewhere

Order = Literal["<", ">"]
Restore = Callable[[Tensor, str], Tensor]  # moves a storage, as a tensor, from where it was saved

MAIN = "data.pkl"
STORAGES = {f"torch.{d.scalar_name}Storage": d for d in dtypes.ALL}
_BFLOAT16, _UNTYPED = "torch.BFloat16Storage", "torch.storage.UntypedStorage"
_host: Any = backends.backend_for(backends.CPU)


def read(archive: Archive, restore: Restore) -> Any:
    """The object in a file of PyTorch's. `restore` gets each storage as a 1-D tensor on the CPU,
    and the device it was on. Raises Damaged."""
    if "constants.pkl" in archive:
        raise Damaged(
            "it is a program that torch.jit.save wrote; save the model's state in PyTorch: "
            "torch.save(model.state_dict(), path)"
        )
    result = _Reader(archive, restore).load()
    archive.check_others()
    return result


class _Storage(Part):
    """The memory of one or more tensors.

    Attributes:
        dtype: of its elements; None if the tensors say it.
    """

    def __init__(self, content: bytearray, kind: str, order: Order, move: Callable[..., Tensor]):
        self.dtype = STORAGES.get(kind) or (dtypes.float32 if kind == _BFLOAT16 else None)
        self._content, self._kind, self._order, self._move = content, kind, order, move
        self._flat: dict[DType, Tensor] = {}

    def flat(self, dtype: DType) -> Tensor:
        """All elements, where they are to be."""
        if dtype not in self._flat:
            if self._kind == _BFLOAT16:  # the upper half of a float32
                halves = _host.frombuffer(self._content, f"{self._order}u2")
                array = (halves.astype("u4") << 16).view("f4")
                flat = new(array.astype(dtype.array, copy=False))
            else:
                flat = new(elements(self._content, dtype, self._order))
            self._flat[dtype] = self._move(flat)
        return self._flat[dtype]


def elements(content: bytes | bytearray, dtype: DType, order: Order = "<") -> backends.Array:
    """An array of the elements whose bytes these are; of a bytearray on its memory, if it can."""
    if dtype is dtypes.bool_:
        array = _host.frombuffer(content, "u1") != 0  # no third value
    else:
        array = _host.frombuffer(content, dtype.array.newbyteorder(order))
    return array.astype(dtype.array, copy=not isinstance(content, bytearray))


class _Reader:
    """Builds the object of one file."""

    def __init__(self, archive: Archive, restore: Restore) -> None:
        self._archive, self._restore = archive, restore
        self._storages: dict[str, _Storage] = {}
        order = bytes(archive.read("byteorder")) if "byteorder" in archive else b"little"
        if order not in (b"little", b"big"):
            raise Damaged(f"its byte order is neither little nor big, but {order[:20]!r}")
        self._order: Order = "<" if order == b"little" else ">"

    def load(self) -> Any:
        pickle = bytes(self._archive.read(MAIN))
        return Unpickler(pickle, CONSTANTS, BUILDERS, self._storage, named()).load()

    def _storage(self, reference: Any) -> _Storage:
        """The storage of a reference ("storage", type, number, device, elements)."""
        what, kind, key, location, count = reference
        types = [type(part) for part in reference]
        if what != "storage" or types != [str, Name, str, str, int]:
            raise ValueError(f"a reference to ({', '.join(t.__name__ for t in types)})")
        name = kind.text.replace(".cuda.", ".")
        if name not in STORAGES and name not in (_BFLOAT16, _UNTYPED):
            raise Damaged(f"it has tensors of a dtype that tensors do not have here ({kind.text})")
        if key not in self._storages:
            content = self._archive.read(f"data/{key}")
            move = lambda flat: elsewhere(self._restore, flat, location)  # noqa: E731
            self._storages[key] = _Storage(content, name, self._order, move)
        storage = self._storages[key]
        itemsize = 2 if name == _BFLOAT16 else 1 if name == _UNTYPED else STORAGES[name].itemsize
        if count * itemsize != len(storage._content) or storage._kind != name:
            raise Damaged(
                f"data/{key} has {len(storage._content)} bytes, instead of {count} elements of "
                f"{name}"
            )
        return storage


# ----- what takes the place of PyTorch's functions and classes -----


def _sizes(values: Any, what: str) -> tuple[int, ...]:
    if not isinstance(values, tuple) or not all(type(n) is int and n >= 0 for n in values):
        raise ValueError(f"a {what} of other things than numbers")
    return values


def _tensor(
    storage: _Storage, offset: int, size: Any, stride: Any, requires_grad: bool = False,
    hooks: Any = None, metadata: Any = None, dtype: DType | None = None,
) -> Tensor:  # fmt: skip
    """A view of a storage. Sizes and strides count elements."""
    shape, strides = _sizes(size, "size"), _sizes(stride, "stride")
    (start,) = _sizes((offset,), "storage offset")
    if not isinstance(storage, _Storage) or len(shape) != len(strides):
        raise ValueError("a tensor whose parts do not fit")
    if metadata:
        names = ", ".join(metadata)
        raise Damaged(f"it has a tensor with {names:.80}, which tensors have not here")
    target = dtype or storage.dtype
    if target is None:
        raise ValueError("a tensor without a dtype")
    flat = storage.flat(target)._array
    last = start + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if math.prod(shape) and last >= flat.size:
        raise Damaged(
            f"it has a tensor of size {list(shape)} and stride {list(strides)} at {start}, which "
            f"reaches beyond its storage of {flat.size} elements"
        )
    xp: Any = backends.backend_of(flat)
    with xp.on_device(xp.device_index(flat)):
        array = xp.as_strided(flat[start:], shape, tuple(n * flat.itemsize for n in strides))
    return new(array).requires_grad_(_bool(requires_grad))


def _tensor_of(
    storage: _Storage, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any,
    dtype: DType, metadata: Any = None,
) -> Tensor:  # fmt: skip
    return _tensor(storage, offset, size, stride, requires_grad, hooks, metadata, dtype)


def _parameter(
    data: Tensor, requires_grad: bool = True, hooks: Any = None, state: Any = None
) -> Parameter:
    if not isinstance(data, Tensor):
        raise ValueError(f"a parameter of a {type(data).__name__}")
    return Parameter(data, _bool(requires_grad))


def _of_type(function: Name, kind: Name, arguments: Any, state: dict[str, Any]) -> Tensor:
    """A tensor that has attributes in PyTorch: they are left out, but a buffer is one."""
    tensor = BUILDERS[function.text](*arguments)
    if kind.text not in ("torch.Tensor", _PARAMETER) or not isinstance(tensor, Tensor):
        raise Damaged(f"it has a tensor of the class {kind.text}, which is not loaded")
    if state.get("_is_buffer"):
        return Buffer(tensor, persistent=_bool(state["persistent"]))
    return tensor


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"a {type(value).__name__} instead of a bool")
    return value


def _encoded(text: str, encoding: str) -> bytes:
    """How the bytes of protocol 2 are written."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes as text that is not in latin-1")
    return text.encode("latin-1")


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict((checked_key(key), checked_value(value)) for key, value in pairs)


def _counter(counts: dict[Any, Any] = {}) -> Counter[Any]:  # noqa: B006, it stays empty
    if not isinstance(counts, dict):
        raise ValueError(f"counts in a {type(counts).__name__}")
    counter: Counter[Any] = Counter()
    dict.update(counter, counts)
    return counter


def _set(elements: list[Any] = []) -> set[Any]:  # noqa: B006, it stays empty
    if not isinstance(elements, list):
        raise ValueError(f"elements of a set in a {type(elements).__name__}")
    return set(map(checked_key, elements))


def _device(kind: str, index: int | None = None) -> backends.device:
    if type(kind) is not str or type(index) not in (int, type(None)):
        raise ValueError("a device of other things than a name and a number")
    return backends.device(kind, index)


def _layout(name: str) -> Any:
    if not isinstance(name, str) or name != str(strided):
        raise Damaged("it refers to a layout: tensors here are all strided")
    return strided


def _buffer_of(kind: Any) -> Callable[..., Any]:
    """bytes() and bytearray(), of bytes only: of a number they would allocate."""

    def build(value: bytes = b"") -> Any:
        if not isinstance(value, bytes):
            raise ValueError(f"{kind.__name__} of a {type(value).__name__}")
        return kind(value)

    return build


_PARAMETER = "torch.nn.parameter.Parameter"
CONSTANTS: dict[str, Any] = {
    **{str(d): d for d in dtypes.ALL},
    **{
        name: Name(name)
        for plain in (*STORAGES, _BFLOAT16, _UNTYPED)
        for name in (plain, plain.replace("torch.", "torch.cuda.", 1))
    },
    "torch.Tensor": Name("torch.Tensor"),
}
BUILDERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    _PARAMETER: _parameter,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch.Size": lambda sizes=(): Size(_sizes(sizes, "size")),
    "torch.device": _device,
    "torch.serialization._get_layout": _layout,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "builtins.set": _set,
    "builtins.complex": lambda real, imag: complex(real, imag),
    "builtins.bytes": _buffer_of(bytes),
    "builtins.bytearray": _buffer_of(bytearray),
    "_codecs.encode": _encoded,
}

"""PyTorch's files, written without PyTorch: see `pt_read` for what is in them.

Only what `torch.load` reads with weights_only=True is written, so no file needs to be trusted.
"""

from __future__ import annotations

import pickle
import struct
import sys
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from .. import backends
from ..autograd.primitive import address
from ..backends import Array
from ..dtypes import dtype
from ..layout import layout
from ..nn.parameter import Parameter
from ..tensor import Size, Tensor
from .archive import pack
from .errors import NotData, cannot_save
from .unpickle import checked_key


def write(obj: Any) -> bytes:
    """The file of an object. Raises NotData for what files do not hold, with its place in obj,
    and ValueError for what contains itself."""
    pickler = _Pickler()
    pickler.save(obj, "obj")
    return pack(_files(pickler))


def _files(pickler: _Pickler) -> Iterator[tuple[str, bytes | memoryview]]:
    yield "data.pkl", pickle.PROTO + b"\2" + bytes(pickler.out) + pickle.STOP
    yield "byteorder", sys.byteorder.encode()
    for number, owner in pickler.storages.values():
        yield f"data/{number}", memoryview(_flat(owner))
    yield "version", b"3\n"  # of PyTorch's layout


def _owner(array: Array) -> tuple[Array, Array]:
    """The array that owns the memory, and the given one, which looks into it. If offset and strides
    do not tell how, both are a contiguous copy."""
    owner = array
    while type(owner.base) is type(array):
        owner = owner.base
    steps = [step for n, step in zip(array.shape, array.strides, strict=True) if n > 1]
    regular = all(step >= 0 and step % array.itemsize == 0 for step in steps)
    whole = owner.flags.c_contiguous or owner.flags.f_contiguous
    if regular and whole and owner.dtype == array.dtype:
        return owner, array
    copy = array.copy("C")
    return copy, copy


def _flat(owner: Array) -> Array:
    """The elements as they lie in memory, as bytes on the host."""
    host = backends.move(owner, backends.CPU)
    return (host if host.flags.c_contiguous else host.T).reshape(-1).view("u1")


class _Pickler:
    """Writes instructions of protocol 2, those that PyTorch writes.

    Attributes:
        out: the instructions.
        storages: by the identity of an array that owns memory, its number and the array itself.
    """

    def __init__(self) -> None:
        self.out = bytearray()
        self.storages: dict[int, tuple[int, Array]] = {}
        self._memo: dict[int, int] = {}  # by identity, the number of what was written
        self._open: set[int] = set()  # the containers that are being written
        self._alive: list[Any] = []  # or identities would be given to others

    def save(self, value: Any, place: str) -> None:
        """Write any object; `place` is Python's way to it, for messages."""
        if isinstance(value, backends.HostScalar):
            value = value.item()
        if value is None or isinstance(value, bool):
            self.out += _SINGLE[value]
        elif isinstance(value, int):
            self._integer(int(value), place)
        elif isinstance(value, float):
            self.out += pickle.BINFLOAT + struct.pack(">d", value)
        elif isinstance(value, str):
            text = value.encode("utf-8", "surrogatepass")
            self.out += pickle.BINUNICODE + struct.pack("<I", len(text)) + text
        elif isinstance(value, dtype):
            self._name("torch", value.name)
        elif id(value) in self._memo:
            self.out += pickle.LONG_BINGET + struct.pack("<I", self._memo[id(value)])
        elif id(value) in self._open:
            raise ValueError(f"save(): {place} contains itself")
        else:
            self._open.add(id(value))
            self._object(value, place)
            self._open.discard(id(value))
            self._memo[id(value)] = len(self._memo)
            self._alive.append(value)
            self.out += pickle.LONG_BINPUT + struct.pack("<I", self._memo[id(value)])

    def _object(self, value: Any, place: str) -> None:
        if isinstance(value, Tensor):
            self._tensor(value)
        elif isinstance(value, Size):
            self._call("torch", "Size", tuple(value), place=place)
        elif isinstance(value, tuple):
            self.out += pickle.MARK
            self._items(value, place)
            self.out += pickle.TUPLE
        elif isinstance(value, list):
            self.out += pickle.EMPTY_LIST + pickle.MARK
            self._items(value, place)
            self.out += pickle.APPENDS
        elif isinstance(value, dict):
            self._dict(value, place)
        elif isinstance(value, set):
            for element in value:
                self._check_key(element, f"the elements of {place}")
            self._call("__builtin__", "set", list(value), place=place)
        elif isinstance(value, complex):
            self._call("__builtin__", "complex", value.real, value.imag)
        elif isinstance(value, bytes):
            self._call("_codecs", "encode", value.decode("latin-1"), "latin1")
        elif isinstance(value, bytearray):
            self._call("__builtin__", "bytearray", bytes(value))
        elif isinstance(value, backends.device):
            index = () if value.index is None else (value.index,)
            self._call("torch", "device", value.type, *index)
        elif isinstance(value, layout):
            self._call("torch.serialization", "_get_layout", str(value))
        else:
            raise cannot_save(value, place)

    # ----- numbers and containers -----

    def _integer(self, value: int, place: str) -> None:
        if 0 <= value < 256:
            self.out += pickle.BININT1 + struct.pack("<B", value)
        elif -(2**31) <= value < 2**31:
            self.out += pickle.BININT + struct.pack("<i", value)
        else:
            size = value.bit_length() // 8 + 1
            if size > 255:
                raise ValueError(f"save(): {place} is an int of {size} bytes, more than 255")
            self.out += pickle.LONG1 + bytes([size]) + value.to_bytes(size, "little", signed=True)

    def _items(self, items: Iterable[Any], place: str) -> None:
        for number, item in enumerate(items):
            self.save(item, f"{place}[{number}]")

    def _dict(self, value: dict[Any, Any], place: str) -> None:
        if isinstance(value, OrderedDict):
            self._call("collections", "OrderedDict")
        elif isinstance(value, Counter):
            self._call("collections", "Counter")
        else:
            self.out += pickle.EMPTY_DICT
        self.out += pickle.MARK
        for key, item in value.items():
            self._check_key(key, f"the keys of {place}")
            self.save(key, place)
            self.save(item, f"{place}[{key!r}]")
        self.out += pickle.SETITEMS
        metadata = getattr(value, "_metadata", None)  # of a module's state dict
        if isinstance(value, OrderedDict) and metadata is not None:
            self.save({"_metadata": metadata}, f"{place}._metadata")
            self.out += pickle.BUILD

    @staticmethod
    def _check_key(key: Any, what: str) -> None:
        try:
            checked_key(key)
        except ValueError:
            raise NotData(
                f"save(): {what} must be strings, numbers, None or tuples of them, got {key!r}"
            ) from None

    # ----- calls -----

    def _name(self, module: str, name: str) -> None:
        self.out += pickle.GLOBAL + f"{module}\n{name}\n".encode()

    def _call(self, module: str, name: str, *arguments: Any, place: str = "") -> None:
        self._name(module, name)
        self.out += pickle.MARK
        for argument in arguments:
            self.save(argument, place)
        self.out += pickle.TUPLE + pickle.REDUCE

    def _tensor(self, tensor: Tensor) -> None:
        parameter = isinstance(tensor, Parameter)
        if parameter:
            self._name("torch._utils", "_rebuild_parameter")
            self.out += pickle.MARK
        owner, array = _owner(tensor._array)
        self.storages.setdefault(id(owner), (len(self.storages), owner))
        self._name("torch._utils", "_rebuild_tensor_v2")
        self.out += pickle.MARK + pickle.MARK
        self.save("storage", "")
        self._name("torch", f"{tensor.dtype.scalar_name}Storage")
        self.save(str(self.storages[id(owner)][0]), "")
        self.save(str(tensor.device), "")
        self.save(owner.size, "")
        self.out += pickle.TUPLE + pickle.BINPERSID
        self.save((address(array) - address(owner)) // array.itemsize, "")
        steps = zip(array.shape, array.strides, strict=True)
        self.save(tuple(array.shape), "")
        self.save(tuple(step // array.itemsize if n > 1 else 1 for n, step in steps), "")
        self.save(tensor.requires_grad and not parameter, "")
        self._end_of_tensor()
        if parameter:
            self.save(tensor.requires_grad, "")
            self._end_of_tensor()

    def _end_of_tensor(self) -> None:
        self._call("collections", "OrderedDict")  # the hooks of old
        self.out += pickle.TUPLE + pickle.REDUCE


_SINGLE = {None: pickle.NONE, True: pickle.NEWTRUE, False: pickle.NEWFALSE}

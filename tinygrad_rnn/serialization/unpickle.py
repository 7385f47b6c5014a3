"""A pickle machine for data alone: it builds numbers, strings and containers by itself.

Everything else goes to the functions that its user hands it, by name. No name is ever looked up
in a module, nothing from the file is called but what its user allowed, and nothing is allocated
that is not in the file.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from ..backends import device
from ..dtypes import dtype
from .errors import Damaged

# Of dicts and sets: what has a hash at once, not after a walk through nested tuples
_KEYS = (str, bytes, int, float, complex, type(None), dtype, device)
_STATE = {"_metadata"}  # what a module's state dict has besides its items
_MARK = object()
_COPIES = 10  # times its own length, that a pickle may have its values copied by calls
# What pickles without sense make of the code below, and of builders
_SENSELESS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)


class Part:
    """What calls take as an argument, and the loaded object never holds."""


class Name(Part):
    """The name of a class or function that the pickle refers to: no more than that."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Parts(tuple[Any, ...], Part):
    """A tuple in which there is one."""


class _Elsewhere(Exception):
    """Wraps an error that says nothing of the file."""


def elsewhere(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function that builders use: what it raises, `Unpickler.load` does, as it is."""
    try:
        return function(*args)
    except Exception as error:
        raise _Elsewhere from error


class Unpickler:
    """Runs one pickle, of protocols 2 to 5 as far as data needs them.

    Args:
        data: the pickle.
        constants: values that names stand for.
        builders: what is called instead of the function or class of a name.
        persistent: which Part a persistent id, anything at all, stands for.
        allowed: classes that may be made and given attributes, and functions that may be called.

    `load` raises Damaged if the pickle is damaged, or asks for what is not among these.
    """

    def __init__(
        self,
        data: bytes,
        constants: Mapping[str, Any],
        builders: Mapping[str, Callable[..., Any]],
        persistent: Callable[[Any], Any],
        allowed: Mapping[str, Callable[..., Any]],
    ) -> None:
        self._data, self._at = data, 0
        self._allowed = allowed
        self._constants, self._builders, self._persistent = constants, builders, persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._copies = _COPIES * len(data) + 1000  # that are left

    def load(self) -> Any:
        """The object that was pickled."""
        try:
            while True:
                code = self._read(1)
                if code == pickle.STOP:
                    return checked_value(self._pop())
                step = _STEPS.get(code)
                if step is None:
                    raise Damaged(f"its pickle has the instruction {code!r}, which data need not")
                step(self)
        except Damaged:
            raise
        except _Elsewhere as error:
            assert error.__cause__ is not None
            raise error.__cause__ from None
        except _SENSELESS as error:
            what = f"{type(error).__name__}: {error}"
            raise Damaged(f"its pickle makes no sense ({what:.200})") from error

    # ----- reading, and the stack -----

    def _read(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) < count:
            raise Damaged("its pickle ends too early")
        self._at += count
        return part

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._read(struct.calcsize(form)))[0]

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise Damaged("its pickle ends too early")
        line = self._read(end - self._at).decode()
        self._at += 1
        return line

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a mark instead of a value")
        return value

    def _last(self, count: int) -> list[Any]:
        return [self._pop() for _ in range(count)][::-1]

    def _since_mark(self) -> list[Any]:
        start = len(self._stack) - 1
        while self._stack[start] is not _MARK:
            start -= 1
            if start < 0:
                raise ValueError("no mark")
        items = self._stack[start + 1 :]
        del self._stack[start:]
        return items

    # ----- instructions -----

    def _tuple(self, items: Sequence[Any]) -> None:
        self._push((_Parts if any(isinstance(item, Part) for item in items) else tuple)(items))

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise ValueError(f"items are appended to a {type(target).__name__}")
        target.extend(map(checked_value, items))

    def _set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) not in (dict, OrderedDict, Counter):
            raise ValueError(f"items are set in a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[checked_key(key)] = checked_value(value)

    def _add(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not set:
            raise ValueError(f"elements are added to a {type(target).__name__}")
        target.update(map(checked_key, items))

    def _name(self, module: str, name: str) -> None:
        # Protocol 2 has the names of Python 2
        text = f"{module}.{name}".replace("__builtin__.", "builtins.")
        if text in self._allowed:
            self._push(self._allowed[text])
        elif text in self._constants:
            self._push(self._constants[text])
        elif text in self._builders:
            self._push(Name(text))
        else:
            raise _refused(text)

    def _is_allowed(self, value: Any) -> bool:
        return any(value is known for known in self._allowed.values())

    def _reduce(self, make: bool = False) -> None:
        """Call a function or class; or `make` an object of the class, without its __init__."""
        arguments, function = self._pop(), self._pop()
        if isinstance(arguments, tuple) and self._is_allowed(function):
            checked_value(arguments)
            self._push(function.__new__(function, *arguments) if make else function(*arguments))
            return
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise ValueError("a call of what is no function")
        if function.text not in self._builders:
            raise _refused(function.text)
        # Or a short pickle could have a long list copied time and again
        self._copies -= sum(len(a) for a in arguments if isinstance(a, Sequence | Mapping | Set))
        if self._copies < 0:
            raise Damaged("its pickle copies the same values time and again")
        self._push(self._builders[function.text](*arguments))

    def _build(self) -> None:
        state, target = self._pop(), self._stack[-1]
        if self._is_allowed(type(target)):
            _set_state(target, checked_value(state))
            return
        if type(target) is not OrderedDict or type(state) is not dict or set(state) != _STATE:
            raise Damaged(f"it sets attributes of a {type(target).__name__}, which are not loaded")
        target._metadata = state["_metadata"]  # type: ignore[attr-defined]

    def _remember(self, place: int) -> None:
        self._memo[place] = self._stack[-1]


def _set_state(target: Any, state: Any) -> None:
    """Give an object its attributes, as Python's pickle does."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    pair = isinstance(state, tuple) and len(state) == 2
    attributes, slots = state if pair else (state, None)
    if attributes:
        target.__dict__.update(attributes)
    for name, value in (slots or {}).items():
        setattr(target, name, value)


def checked_key(key: Any) -> Any:
    """The key of a dict or element of a set. Raises ValueError for what is none."""
    for part in key if type(key) is tuple else (key,):
        if not isinstance(part, _KEYS):
            raise ValueError(f"a key with a {type(part).__name__} in it")
    return key


def checked_value(value: Any) -> Any:
    """What may stand in a container. Raises Damaged for a class, a function, or a storage."""
    while isinstance(value, _Parts):
        value = next(part for part in value if isinstance(part, Part))
    if isinstance(value, Part):
        raise _refused(value.text if isinstance(value, Name) else "a storage without a tensor")
    return value


def _refused(name: str) -> Damaged:
    return Damaged(
        f"it refers to {name:.200}, and only tensors, numbers, strings and containers are loaded. "
        "Of a model, save the state in PyTorch: torch.save(model.state_dict(), path). A class of "
        f"your own: torch.serialization.add_safe_globals([{name.rpartition('.')[2]:.200}])"
    )


def _text(form: str) -> Callable[[Unpickler], None]:
    return lambda m: m._push(str(m._read(m._number(form)), "utf-8", "surrogatepass"))


def _bytes(form: str, kind: Any = bytes) -> Callable[[Unpickler], None]:
    return lambda m: m._push(kind(m._read(m._number(form))))


_STEPS: dict[bytes, Callable[[Unpickler], Any]] = {
    pickle.PROTO: lambda m: m._read(1),
    pickle.FRAME: lambda m: m._read(8),
    # numbers and strings
    pickle.NONE: lambda m: m._push(None),
    pickle.NEWTRUE: lambda m: m._push(True),
    pickle.NEWFALSE: lambda m: m._push(False),
    pickle.BININT: lambda m: m._push(m._number("<i")),
    pickle.BININT1: lambda m: m._push(m._number("<B")),
    pickle.BININT2: lambda m: m._push(m._number("<H")),
    pickle.LONG1: lambda m: m._push(
        int.from_bytes(m._read(m._number("<B")), "little", signed=True)
    ),
    pickle.BINFLOAT: lambda m: m._push(m._number(">d")),
    pickle.BINUNICODE: _text("<I"),
    pickle.SHORT_BINUNICODE: _text("<B"),
    pickle.BINUNICODE8: _text("<Q"),
    pickle.SHORT_BINSTRING: _text("<B"),  # Python 2's strings
    pickle.BINSTRING: _text("<I"),
    pickle.BINBYTES: _bytes("<I"),
    pickle.SHORT_BINBYTES: _bytes("<B"),
    pickle.BINBYTES8: _bytes("<Q"),
    pickle.BYTEARRAY8: _bytes("<Q", bytearray),
    # containers
    pickle.EMPTY_TUPLE: lambda m: m._push(()),
    pickle.EMPTY_LIST: lambda m: m._push([]),
    pickle.EMPTY_DICT: lambda m: m._push({}),
    pickle.EMPTY_SET: lambda m: m._push(set()),
    pickle.MARK: lambda m: m._push(_MARK),
    pickle.TUPLE: lambda m: m._tuple(m._since_mark()),
    pickle.TUPLE1: lambda m: m._tuple(m._last(1)),
    pickle.TUPLE2: lambda m: m._tuple(m._last(2)),
    pickle.TUPLE3: lambda m: m._tuple(m._last(3)),
    pickle.APPEND: lambda m: m._append([m._pop()]),
    pickle.APPENDS: lambda m: m._append(m._since_mark()),
    pickle.SETITEM: lambda m: m._set_items([m._pop(), m._pop()][::-1]),
    pickle.SETITEMS: lambda m: m._set_items(m._since_mark()),
    pickle.ADDITEMS: lambda m: m._add(m._since_mark()),
    # the memo
    pickle.BINPUT: lambda m: m._remember(m._number("<B")),
    pickle.LONG_BINPUT: lambda m: m._remember(m._number("<I")),
    pickle.MEMOIZE: lambda m: m._remember(len(m._memo)),
    pickle.BINGET: lambda m: m._push(m._memo[m._number("<B")]),
    pickle.LONG_BINGET: lambda m: m._push(m._memo[m._number("<I")]),
    # everything else
    pickle.GLOBAL: lambda m: m._name(m._line(), m._line()),
    pickle.STACK_GLOBAL: lambda m: m._name(*[m._pop(), m._pop()][::-1]),
    pickle.REDUCE: Unpickler._reduce,
    pickle.NEWOBJ: lambda m: m._reduce(make=True),  # cls.__new__(cls, *arguments)
    pickle.BUILD: Unpickler._build,
    pickle.BINPERSID: lambda m: m._push(m._persistent(m._pop())),
}

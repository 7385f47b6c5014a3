"""Modules that hold modules or parameters by number or by name."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import groupby
from typing import Any, Self, overload

from ..tensor import Tensor
from .module import Module
from .parameter import Parameter
from .printing import block


def _position(index: Any, length: int) -> int:
    """The index counted from the front. Raises IndexError for one outside of the length."""
    if not hasattr(type(index), "__index__"):
        raise TypeError(f"'{type(index).__name__}' object cannot be interpreted as an integer")
    position = operator.index(index)
    if not -length <= position < length:
        raise IndexError(f"index {position} is out of range")
    return position % length


def _check_iterable(owner: object, method: str, given: object, expected: str) -> None:
    if not isinstance(given, Iterable) or isinstance(given, Tensor):
        called, got = f"{type(owner).__name__}.{method}", type(given).__name__
        raise TypeError(f"{called} should be called with {expected}, but got {got}")


class _Numbered(Module):
    """Modules in a row, named "0", "1", ... (a `Sequential` may have other names)."""

    def _name(self, index: int) -> str:
        return list(self._modules)[_position(index, len(self))]

    def _renumber(self, modules: Iterable[Module]) -> None:
        self._modules.clear()
        self.extend(modules)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        """One module, or a container of the same kind with those of a slice."""
        if isinstance(index, slice):
            return self._part(index)
        return self._modules[self._name(index)]

    def _part(self, index: slice) -> Self:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        """Take modules out; those that stay are numbered anew."""
        modules = list(self)
        del modules[index if isinstance(index, slice) else _position(index, len(self))]
        self._renumber(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def append(self, module: Module) -> Self:
        """Add a module at the end. Raises TypeError for anything else."""
        number = len(self)
        while str(number) in self._modules:  # a slice of a Sequential keeps its names
            number += 1
        self.add_module(str(number), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        _check_iterable(self, "extend", modules, "an iterable")
        for module in list(modules):  # which may be this very container
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before the one at index; all are numbered anew. Raises IndexError beyond."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        if not hasattr(type(index), "__index__"):
            raise TypeError(f"insert(): index must be an int, got {type(index).__name__}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def pop(self, index: Any = -1) -> Any:
        """Take the module at index out and return it."""
        module = self[index]
        del self[index]
        return module


class Sequential(_Numbered):
    """Modules that are called one after another, each with what the one before returned.

    ``Sequential(first, second, ...)``, or a dict from names to modules.

    >>> net = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    >>> net(torch.ones(2, 4)).shape, [name for name, _ in net.named_parameters()]
    (torch.Size([2, 3]), ['0.weight', '0.bias'])
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def forward(self, input: Any) -> Any:
        """The last module's result."""
        try:
            for module in self:
                input = module(input)
        except TypeError:
            if None not in self._modules.values():
                raise
            raise TypeError("Sequential: one of the modules is None") from None
        return input

    def insert(self, index: int, module: Module) -> Self:
        """As `ModuleList.insert`; returns itself."""
        return super().insert(index, module) or self

    def _part(self, index: slice) -> Self:
        return type(self)(OrderedDict(list(self._modules.items())[index]))

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *self._sequential(other))

    def __iadd__(self, other: Sequential) -> Self:
        return self.extend(self._sequential(other))

    def _sequential(self, other: object) -> Sequential:
        if not isinstance(other, Sequential):
            given = f"{type(other)} is given."
            raise ValueError(f"add operator supports only objects of Sequential class, but {given}")
        return other

    def __mul__(self, times: int) -> Sequential:
        """The same modules, over and over."""
        return Sequential(*self._repeated(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(self._repeated(times)[len(self) :])

    def _repeated(self, times: int) -> list[Module]:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return list(self) * times


class ModuleList(_Numbered):
    """A list of modules whose parameters are the list's own.

    >>> layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
    >>> len(layers), len(list(layers.parameters()))
    (2, 4)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, index: slice) -> Self:
        return type(self)(list(self)[index])

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def __repr__(self) -> str:
        """Neighbours that look alike share a line: ``(0-2): 3 x Linear(...)``."""
        children = []
        for text, run in groupby(enumerate(map(repr, self)), key=lambda pair: pair[1]):
            numbers = [number for number, _ in run]
            first, last = numbers[0], numbers[-1]
            children.append(
                f"({first}): {text}"
                if first == last
                else f"({first}-{last}): {len(numbers)} x {text}"
            )
        return block(self, children)


class _Named(Module, MutableMapping[str, Any]):
    """A module that is a dict, too."""

    # Modules are compared by identity; dicts are not
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def update(self, other: Any = (), /, **named: Any) -> None:
        """Add the items of a mapping, or of an iterable of pairs."""
        _check_iterable(self, "update", other, "an iterable of key/value pairs")
        if not isinstance(other, Mapping):
            for i, pair in enumerate(other := list(other)):
                _check_iterable(self, f"update: element {i}", pair, "a pair")
                other[i] = pair = tuple(pair)
                if len(pair) != 2:
                    raise ValueError(f"update sequence element #{i} has length {len(pair)}, not 2")
        super().update(other, **named)


class ModuleDict(_Named):
    """A dict of modules whose parameters are the dict's own. Names are strings without a dot.

    >>> layers = nn.ModuleDict({"rnn": nn.RNN(4, 3), "head": nn.Linear(3, 2)})
    >>> list(layers), layers["head"].weight.shape
    (['rnn', 'head'], torch.Size([2, 3]))
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update(() if modules is None else modules)

    def __getitem__(self, key: str) -> Any:
        if not isinstance(key, str) or key not in self._modules:
            raise KeyError(key)
        return self._modules[key]

    def __setitem__(self, key: str, module: Module | None) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)


def _as_parameter(value: Any) -> Any:
    """Tensors become parameters; parameters and all other objects stay as they are."""
    plain = isinstance(value, Tensor) and not isinstance(value, Parameter)
    return Parameter(value) if plain else value


def _described(key: object, value: Any, kind: str) -> str:
    """A line for one entry of a `ParameterList` or `ParameterDict`, indented as PyTorch's."""
    if not isinstance(value, Parameter):
        return f"  ({key}): Object of type: {type(value).__name__}"
    size = "x".join(map(str, value.shape))
    place = f" (GPU {value.get_device()})" if value.is_cuda else ""
    return f"  ({key}): Parameter containing: [{kind} of size {size}{place}]"


class ParameterList(Module):
    """A list of parameters. Tensors of any shape become parameters; other objects stay as they are.

    >>> weights = nn.ParameterList([torch.ones(2), torch.zeros(3)])
    >>> len(weights), weights[0].requires_grad
    (2, True)
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, str(_position(index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(_position(index, len(self))), _as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, str(i)) for i in range(self._size))

    def append(self, value: Any) -> Self:
        """Add one at the end."""
        setattr(self, str(self._size), _as_parameter(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several at the end."""
        _check_iterable(self, "extend", values, "an iterable")
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")

    def extra_repr(self) -> str:
        return "\n".join(
            _described(i, v, str(v.dtype) if isinstance(v, Parameter) else "")
            for i, v in enumerate(self)
        )


class ParameterDict(_Named):
    """A dict of parameters. Tensors of any shape become parameters; other objects are kept as they
    are. Keys are strings without a dot.

    >>> weights = nn.ParameterDict({"w": torch.ones(2)})
    >>> weights["w"].requires_grad, list(weights.state_dict())
    (True, ['w'])
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        self.update(() if parameters is None else parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"ParameterDict keys must be strings, got {type(key).__name__}")
        if key not in self._keys and hasattr(self, key):
            raise KeyError(f"attribute '{key}' already exists")
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __or__(self, other: Any) -> ParameterDict:
        copy = self.copy()
        copy.update(other)
        return copy

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def update(self, other: Any = (), /, **named: Any) -> None:
        """Add the items of a mapping, or of an iterable of pairs."""
        if isinstance(other, Mapping) and not isinstance(other, OrderedDict | ParameterDict):
            other = sorted(other.items())  # as PyTorch: parameters() has this order
        super().update(other, **named)

    def popitem(self) -> tuple[str, Any]:
        """Take the newest pair of key and parameter out and return it."""
        key = next(reversed(self), None)
        if key is None:
            raise KeyError("popitem(): the ParameterDict is empty")
        return key, self.pop(key)

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        return ParameterDict(self)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A new dict with one value for all of the keys."""
        return ParameterDict((key, default) for key in keys)

    def extra_repr(self) -> str:
        return "\n".join(
            _described(k, v, v.type() if isinstance(v, Parameter) else "") for k, v in self.items()
        )

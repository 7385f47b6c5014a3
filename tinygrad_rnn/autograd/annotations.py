"""What type hints say about values: whether one fits, and in which words PyTorch would say so."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ..backends import HostScalar, is_host
from ..dtypes import dtype
from .graph import Variable

# What is a tensor for certain, although the hint is Any: raw arrays are served inside, too.
_TENSORS = frozenset(
    """input self tensor target targets mask query key input1 input2 input3 x1 x2 anchor positive
    negative mat mat1 mat2 vec vec1 vec2 batch1 batch2 tensor1 tensor2 weight bias log_probs LU_data
    LU_pivots boundaries sorted_sequence test_elements running_mean running_var grid theta offsets
    pos_weight log_input condition A B L LD x y a b values source src count prob fweights aweights
    index the_template attn_mask projection_weight logits weights""".split()  # noqa: SIM905
)
_NUMBERS = frozenset("start end step low high fill_value rtol atol negative_slope".split())  # noqa: SIM905
_OPERANDS = frozenset("other exponent mean std".split())  # noqa: SIM905, tensors or numbers
_PLAIN = (int, float, list, tuple, dict, Iterable, Any, inspect.Parameter.empty)
_LISTS = frozenset(["tensors", "operands", "matrices"])


def hint_of(function: Callable[..., Any], about: inspect.Parameter) -> Any:
    """The hint of a parameter; Any if it cannot be evaluated here."""
    hint = about.annotation
    if isinstance(hint, str):
        known = {**function.__globals__, "Tensor": Variable}
        try:
            hint = eval(hint, known)
        except (NameError, TypeError, AttributeError):
            return Any  # it was imported for the type checker alone
    if hint is not Any:
        return hint
    if about.name in _TENSORS:
        return Variable
    if about.name in _OPERANDS:
        return Variable | float
    if about.name in _NUMBERS:
        return float
    if about.name in ("size", "shape"):
        return int | Sequence[int]
    if about.name == "dtype":
        return dtype | None
    if about.name in _LISTS:
        return Variable if about.kind is about.VAR_POSITIONAL else Sequence[Variable]
    return Any


def _parts(hint: Any) -> set[Any]:
    """Of a union its members, but for None."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return set(typing.get_args(hint) if union else (hint,)) - {types.NoneType}


def is_of_numbers(hint: Any) -> bool:
    """Whether a hint is of a number, and of nothing else (but None)."""
    return _parts(hint) in ({int}, {float}, {int, float})


def is_of_several_numbers(hint: Any) -> bool:
    """Whether a hint is of a given count of numbers."""
    return typing.get_origin(hint) is tuple and all(map(is_of_numbers, typing.get_args(hint)))


def is_of_objects(hint: Any) -> bool:
    """Whether a hint is of functions or instances of a class, and not of numbers or lists."""
    parts = _parts(hint) - {str}
    kinds = [typing.get_origin(part) or part for part in parts]
    return bool(kinds) and all(
        kind is Callable or (isinstance(kind, type) and not issubclass(kind, _PLAIN))
        for kind in kinds
    )


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is what a hint says; True where nobody can tell."""
    if isinstance(hint, TypeVar):
        hint = hint.__bound__
    if hint is Any or hint is inspect.Parameter.empty or isinstance(hint, str):
        return True
    if hint is None or hint is type(None):
        return value is None
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in inside)
    if origin is typing.Literal:
        return any(isinstance(value, type(part)) and value == part for part in inside)
    if origin is not None:
        return _fits_generic(value, origin, inside)
    if hint is bool:
        return isinstance(value, bool) or (isinstance(value, HostScalar) and value.dtype == bool)
    if hint is int:
        return _whole(value)
    if hint is float:
        return isinstance(value, float | int | HostScalar) or _single(value)
    if hint is Callable:
        return callable(value)
    known = isinstance(hint, type) and not getattr(hint, "_is_protocol", False)
    return isinstance(value, hint) if known else True


def _fits_generic(value: Any, origin: Any, inside: tuple[Any, ...]) -> bool:
    if origin is type and isinstance(value, type):
        return issubclass(value, inside)
    if origin in (Callable, type):  # a function may make what a class does
        return callable(value)
    if origin in (Sequence, list, tuple):
        if isinstance(value, str | bytes | Variable) or not isinstance(value, Sequence):
            return False
        if origin is tuple and inside[-1] is not ...:
            return len(value) == len(inside) and all(map(fits, value, inside))
        return not inside or all(fits(item, inside[0]) for item in value)
    if origin is Iterable:
        if isinstance(value, Variable):  # of tensors
            return not inside or fits(value, inside[0])
        if isinstance(value, list | tuple | range | dict) and inside:
            return all(fits(item, inside[0]) for item in value)
        return isinstance(value, Iterable) and not isinstance(value, str | bytes)
    return isinstance(value, origin) or getattr(origin, "_is_protocol", False)


def _whole(value: Any) -> bool:
    if isinstance(value, int):
        return True
    if isinstance(value, Variable):
        return _single(value) and value._array.dtype.kind in "iub"
    return hasattr(type(value), "__index__") and not is_host(value)


def _single(value: Any) -> bool:
    """Whether it is a tensor of one number."""
    return isinstance(value, Variable) and value._array.size == 1


def in_words(hint: Any) -> str:
    """A hint as PyTorch names it."""
    if hint is None or hint is type(None):
        return "None"
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(in_words, inside)))
    if origin is typing.Literal:
        return " or ".join(map(repr, inside))
    if origin in (Sequence, list, tuple, Iterable):
        if origin is tuple and inside and inside[-1] is not ...:
            return f"tuple ({', '.join(map(in_words, inside))})"
        first, space, rest = (in_words(inside[0]) if inside else "object").partition(" ")
        return f"tuple of {first}s{space}{rest}"
    if origin is Callable or hint is Callable:
        return "callable"
    if hint is Variable:
        return "Tensor"
    if origin is type:
        return f"class derived from {in_words(inside[0])}"
    return "number" if hint is float else getattr(hint, "__name__", str(hint))


def kind_of(value: Any, hint: Any) -> str:
    """What came instead; of a list that may be one, what is in it."""
    name = type(value).__name__
    if isinstance(value, list | tuple) and "tuple of" in in_words(hint):
        kinds = dict.fromkeys(type(item).__name__ for item in value)
        return f"{name} of ({', '.join(kinds)})"
    if isinstance(value, Variable):
        return f"Tensor of shape {list(value._array.shape)}, {value._array.dtype}"
    if typing.get_origin(hint) is type and isinstance(value, type):
        return f"class {value.__name__}"
    return name

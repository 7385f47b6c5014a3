"""Type hints as what arguments must be: a call that failed is looked at again, and the first
argument that does not fit its hint is named, in PyTorch's words."""

from __future__ import annotations

import functools
import inspect
import opcode
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..backends import HostScalar, is_host
from ..dtypes import dtype
from .graph import Variable

F = TypeVar("F", bound=Callable[..., Any])
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
_OTHERS = frozenset(["numpy", "cupy", *sys.stdlib_module_names])  # who knows no argument of ours
_RAISE = opcode.opmap["RAISE_VARARGS"]
_LISTS = frozenset(["tensors", "operands", "matrices"])


def wrong_argument(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    error: Exception,
    name: str = "",
) -> TypeError | None:
    """The error of a failed call anew, naming the first argument that is not what `function` says
    of it. None if all are, or if the error says itself what is wrong."""
    if not _accidental(error):
        return None
    method = getattr(function, "__func__", None)
    if method is not None:
        owner = function.__self__  # type: ignore[attr-defined]
        function, args, name = method, (owner, *args), type(owner).__name__
    function = inspect.unwrap(function)
    if isinstance(function, functools.partial):  # a primitive's forward, without its backend
        function, args = function.func, (None, *args)
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None  # Python has said it
    first = next(iter(bound.arguments), "")
    hidden = first in ("self", "xp")
    for position, (parameter, value) in enumerate(bound.arguments.items(), 1 - hidden):
        about = bound.signature.parameters[parameter]
        if about.kind is about.VAR_KEYWORD or (value is None and about.default is None):
            continue
        hint = _hint(function, about)
        if first == "xp" and hint is Variable:
            hint = Variable | float  # numbers are tensors to a primitive
        for item in value if about.kind is about.VAR_POSITIONAL else (value,):
            if item is not about.default and not _fits(item, hint):
                place = f" (position {position})" if parameter not in kwargs else ""
                wrong = TypeError(
                    f"{name or _name(function)}(): argument '{parameter}'{place} must be "
                    f"{_words(hint)}, not {_kind(item, hint)}"
                )
                wrong.__dict__["inner"] = True  # for callers further out, who know other names
                return wrong
    return None


def _accidental(error: Exception) -> bool:
    """Whether an error came up by itself in our code or in the array library: what is raised on
    purpose says what is wrong, and errors of the user's functions are the user's."""
    place = error.__traceback__
    if "inner" in error.__dict__:
        return True
    if place is None or isinstance(error, MemoryError):
        return False
    while place.tb_next is not None:
        place = place.tb_next
    frame = place.tb_frame
    module = frame.f_globals.get("__name__") or ""
    if module.startswith("tinygrad_rnn"):
        return frame.f_code.co_code[place.tb_lasti] != _RAISE
    return module.partition(".")[0] in _OTHERS


def _name(function: Callable[..., Any]) -> str:
    made, _, name = function.__qualname__.rpartition(".")
    return (made.rpartition(".")[2] if name == "__init__" else function.__name__).strip("_")


def told(function: F) -> F:
    """The function, whose errors name an argument that does not fit its hint."""
    if getattr(function, "__tells__", False):
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs) if kwargs else function(*args)
        except Exception as error:
            wrong = wrong_argument(function, args, kwargs, error)
            if wrong is None:
                raise
            raise wrong from error

    call.__tells__ = True  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


_told = functools.cache(told)  # one function under two names stays one


def telling(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The public functions of a module or class, whose errors name wrong arguments. Primitives are
    not among them: they do so themselves."""
    found = {}
    for name, value in namespace.items():
        if (
            isinstance(value, types.FunctionType)
            and (not name.startswith("_") or name == "__init__")
            and (value.__module__ or "").startswith("tinygrad_rnn")
            and not hasattr(value, "operation")
            and _takes_arguments(value)
        ):
            found[name] = _told(value)
            if found[name].__module__ == value.__module__ and "__name__" in namespace:
                # Where pickle finds it
                found[name].__module__, found[name].__qualname__ = namespace["__name__"], name
    return found


def _takes_arguments(function: Any) -> bool:
    code = inspect.unwrap(function).__code__
    return bool(code.co_argcount or code.co_kwonlyargcount or code.co_flags & inspect.CO_VARARGS)


def tells(cls: type) -> type:
    """A class decorator: the errors of its public methods name wrong arguments."""
    for name, method in telling(vars(cls)).items():
        setattr(cls, name, method)
    return cls


class Telling:
    """The base of classes of which this library's have constructors that name wrong arguments."""

    _own = False  # whether the class is one of this library's

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own = cls.__module__.startswith("tinygrad_rnn.")
        if cls._own and "__init__" in vars(cls):
            cls.__init__ = told(cls.__init__)  # type: ignore[method-assign]


# ----- hints -----


def _hint(function: Callable[..., Any], about: inspect.Parameter) -> Any:
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


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is what a hint says; True where nobody can tell."""
    if isinstance(hint, TypeVar):
        hint = hint.__bound__
    if hint is Any or hint is inspect.Parameter.empty or isinstance(hint, str):
        return True
    if hint is None or hint is type(None):
        return value is None
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in inside)
    if origin is typing.Literal:
        return any(value is part or value == part for part in inside)
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
    if origin is Callable or origin is type:
        return callable(value)
    if origin in (Sequence, list, tuple):
        if isinstance(value, str | bytes | Variable) or not isinstance(value, Sequence):
            return False
        if origin is tuple and inside[-1] is not ...:
            return len(value) == len(inside) and all(map(_fits, value, inside))
        return not inside or all(_fits(item, inside[0]) for item in value)
    if origin is Iterable:
        if isinstance(value, list | tuple) and inside:
            return all(_fits(item, inside[0]) for item in value)
        return isinstance(value, Iterable) and not isinstance(value, str | bytes)
    return isinstance(value, origin) or getattr(origin, "_is_protocol", False)


def _whole(value: Any) -> bool:
    if isinstance(value, int):
        return True
    if isinstance(value, Variable):
        return _single(value) and value._array.dtype.kind in "iub"
    return hasattr(value, "__index__") and not isinstance(value, type) and not is_host(value)


def _single(value: Any) -> bool:
    """Whether it is a tensor of one number."""
    return isinstance(value, Variable) and value._array.size == 1


def _words(hint: Any) -> str:
    """A hint as PyTorch names it."""
    if hint is None or hint is type(None):
        return "None"
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_words, inside)))
    if origin is typing.Literal:
        return " or ".join(map(repr, inside))
    if origin in (Sequence, list, tuple, Iterable):
        if origin is tuple and inside and inside[-1] is not ...:
            return f"tuple ({', '.join(map(_words, inside))})"
        first, space, rest = (_words(inside[0]) if inside else "object").partition(" ")
        return f"tuple of {first}s{space}{rest}"
    if origin is Callable or hint is Callable:
        return "callable"
    if hint is Variable:
        return "Tensor"
    return "number" if hint is float else getattr(hint, "__name__", str(hint))


def _kind(value: Any, hint: Any) -> str:
    """What came instead; of a list that may be one, what is in it."""
    name = type(value).__name__
    if isinstance(value, list | tuple) and "tuple of" in _words(hint):
        kinds = dict.fromkeys(type(item).__name__ for item in value)
        return f"{name} of ({', '.join(kinds)})"
    if isinstance(value, Variable):
        return f"Tensor of shape {list(value._array.shape)}, {value._array.dtype}"
    return name

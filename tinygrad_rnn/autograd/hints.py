"""Type hints as what arguments must be: a call that failed is looked at again, and the first
argument that does not fit its hint is named, in PyTorch's words."""

from __future__ import annotations

import functools
import inspect
import opcode
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from ..backends import is_host
from ..dtypes import as_dtype
from .annotations import (
    fits,
    hint_of,
    in_words,
    is_of_numbers,
    is_of_objects,
    is_of_several_numbers,
    kind_of,
)
from .graph import Variable
from .synonyms import meant

F = TypeVar("F", bound=Callable[..., Any])
_OTHERS = frozenset(["numpy", "cupy", *sys.stdlib_module_names])  # who knows no argument of ours
_ABSENT = object()  # what was not given
_RAISE = opcode.opmap["RAISE_VARARGS"]
_BINDING = re.compile(r"[\w.<>]+\(\) (missing|takes|got) ")
_TOO_LARGE = re.compile(r"array is too big|Maximum allowed|convert float \w+ to integer")
_NAMED = re.compile(r"(?:'|not )(\w+)(?:'|$)")
_BY_ATTRIBUTE = {  # what has it
    **dict.fromkeys("shape dtype ndim dim size device numel _array _wrap _edge".split(), "Tensor"),  # noqa: SIM905
    **dict.fromkeys(["array", "is_floating_point", "category"], "dtype"),
    **dict.fromkeys(["permutation", "integers", "uniform", "normal"], "Generator"),
}


def wrong_argument(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    error: Exception,
    name: str = "",
) -> Exception | None:
    """The error of a failed call anew, naming the argument that is not what `function` says of it,
    or that the error is about. None if there is none, or if the error says itself what is wrong."""
    if not is_accidental(error):
        return None
    method = getattr(function, "__func__", None)
    if method is not None:
        owner = function.__self__  # type: ignore[attr-defined]
        function, args, name = method, (owner, *args), type(owner).__name__
    name = name or _name(function)
    function = inspect.unwrap(function)
    if isinstance(function, functools.partial):  # a primitive's forward, without its backend
        function, args = function.func, (None, *args)
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError) as mismatch:  # which Python often has said already
        return None if _BINDING.match(str(error)) else TypeError(f"{name}(): {mismatch}")
    found = _explained(error, list(_given(function, bound)))
    if found is None:
        return None
    wrong, what, kind = found
    place = f" (position {wrong.place})" if wrong.name not in kwargs else ""
    told = kind(f"{name}(): argument '{wrong.name}'{place} {what}")
    told.__dict__["inner"] = True  # for callers further out, who know other names
    return told


class _Argument(NamedTuple):
    name: str
    place: int
    hint: Any
    value: Any


def _explained(
    error: Exception, given: Sequence[_Argument]
) -> tuple[_Argument, str, type[Exception]] | None:
    """The argument that an error is about, what is wrong with it, and the error's right kind."""
    for each in given:
        if not fits(each.value, each.hint):
            words = f"must be {in_words(each.hint)}, not {kind_of(each.value, each.hint)}"
            return each, words, TypeError
    if "inner" in error.__dict__:
        return None  # it names an argument of a function further in
    for each in given:
        if isinstance(error, AttributeError) and error.name and each.value is error.obj:
            words = _BY_ATTRIBUTE.get(error.name, f"an object with {error.name}")
            return each, f"must be {words}, not {kind_of(each.value, each.hint)}", TypeError
    for each in given:
        if _is_of_size(error) and _is_huge(each.value):
            return each, f"is out of range: {each.value}", RuntimeError
        if isinstance(error, ZeroDivisionError) and _is_zero(each.value):
            return each, f"must not be {each.value}", ValueError
    for kind in _named_kinds(error):
        for each in given:
            anything = each.hint is Any or getattr(each.hint, "_is_protocol", False)
            if anything and type(each.value).__name__ == kind:
                return each, f"cannot be {kind}: {error}", TypeError
    for each in given:
        if is_host(each.value) and "array" in str(error):
            return each, f"cannot be {type(each.value).__name__}: {error}", TypeError
        if _is_builtin(each.value) and f"{each.value.__name__}()" in str(error):
            return each, f"cannot be {each.value.__name__}: {error}", TypeError
    return None


def _named_kinds(error: Exception) -> list[str]:
    """The types that Python can do nothing with, as it says."""
    if isinstance(error, TypeError):
        return _NAMED.findall(str(error))
    text = str(error)
    return ["str", "bytes"] if "convert string to" in text or "invalid literal" in text else []


def _is_builtin(value: Any) -> bool:
    """Whether it is a function or a class of Python's, which has no line that could fail."""
    return isinstance(value, types.BuiltinFunctionType | type) and value.__module__ == "builtins"


def _is_of_size(error: Exception) -> bool:
    """Whether a number was too large for Python or for the array library."""
    return isinstance(error, OverflowError) or (
        isinstance(error, ValueError) and _TOO_LARGE.search(str(error)) is not None
    )


def _is_huge(value: Any) -> bool:
    """Whether a number, or one in a list, does not fit the integers that arrays have."""
    if isinstance(value, list | tuple):
        return any(map(_is_huge, value))
    return isinstance(value, int | float) and not -(2**31) < value < 2**31


def _is_zero(value: Any) -> bool:
    """Whether it is a number that nothing can be divided by, or there is one in a list."""
    if isinstance(value, list | tuple):
        return any(map(_is_zero, value))
    return isinstance(value, int | float) and value == 0


def _given(function: Callable[..., Any], bound: inspect.BoundArguments) -> Iterator[_Argument]:
    """The arguments of a call that are not the defaults."""
    first = next(iter(bound.arguments), "")
    hidden = first in ("self", "cls", "xp")
    for place, (name, value) in enumerate(bound.arguments.items(), 1 - hidden):
        about = bound.signature.parameters[name]
        if about.kind is about.VAR_KEYWORD:
            for key, item in value.items():
                hint = hint_of(function, inspect.Parameter(key, about.KEYWORD_ONLY, annotation=Any))
                yield _Argument(key, place, hint, item)
            continue
        hint = hint_of(function, about)
        if first == "xp" and hint in (Variable, float):
            hint = Variable | float  # numbers are tensors to a primitive
        for item in value if about.kind is about.VAR_POSITIONAL else (value,):
            if item is not about.default:
                yield _Argument(name, place, hint, item)


def is_accidental(error: Exception) -> bool:
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
    if name == "__init__":
        return made.rpartition(".")[2].lstrip("_")
    return function.__name__.strip("_") if name.endswith("__") else function.__name__.lstrip("_")


def told(function: F, at_once: bool = False) -> F:
    """The function, whose errors name an argument that does not fit its hint. With at_once, it
    looks at its functions, objects and numbers before it keeps them for later."""
    if getattr(function, "__tells__", False):
        return function
    code = inspect.unwrap(function).__code__
    takes_dtype = "dtype" in code.co_varnames or code.co_flags & inspect.CO_VARKEYWORDS
    checked = _checked(function, 0) if at_once else []

    @functools.wraps(function)
    def gives(*args: Any, **kwargs: Any) -> Any:
        try:
            yield from function(*args, **kwargs)
        except Exception as error:
            wrong = wrong_argument(function, args, kwargs, error)
            if wrong is None:
                raise
            raise wrong from error

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if takes_dtype and "dtype" in kwargs:
            name_dtype(kwargs)
        if checked:
            _refuse(_name(function), checked, args, kwargs)
        try:
            return function(*args, **kwargs) if kwargs else function(*args)
        except Exception as error:
            if isinstance(error, TypeError) and (now := meant(function, args, kwargs)) is not None:
                return call(*now[0], **now[1])
            wrong = wrong_argument(function, args, kwargs, error)
            if wrong is None:
                raise
            raise wrong from error

    new = gives if inspect.isgeneratorfunction(function) else call
    new.__tells__ = True  # type: ignore[attr-defined]
    return new  # type: ignore[return-value]


def name_dtype(kwargs: dict[str, Any]) -> None:
    """Replace ``dtype=float``, int or bool by the dtype it stands for."""
    if isinstance(kwargs["dtype"], type):
        kwargs["dtype"] = as_dtype(kwargs["dtype"])


_told = functools.cache(told)  # one function under two names stays one


def tell(*owners: types.ModuleType | type, at_once: bool = False) -> None:
    """Let the errors of the public functions of modules and classes name wrong arguments.
    Primitives are not among them: they do so themselves."""
    for owner in owners:
        for name, function in list(vars(owner).items()):
            if isinstance(function, classmethod):
                setattr(owner, name, classmethod(_told(function.__func__)))
            elif (
                isinstance(function, types.FunctionType)
                and (not name.startswith("_") or name in ("__init__", "__call__"))
                and (function.__module__ or "").startswith("tinygrad_rnn")
                and not hasattr(function, "operation")
                and _takes_arguments(function)
            ):
                new = _told(function, at_once)
                if new.__module__ == function.__module__ and isinstance(owner, types.ModuleType):
                    # Where pickle finds it
                    new.__module__, new.__qualname__ = owner.__name__, name
                setattr(owner, name, new)


def _takes_arguments(function: Any) -> bool:
    code = inspect.unwrap(function).__code__
    return bool(code.co_argcount or code.co_kwonlyargcount or code.co_flags & inspect.CO_VARARGS)


def tells(cls: type) -> type:
    """A class decorator: the errors of its public methods name wrong arguments."""
    tell(cls)
    return cls


class Telling:
    """The base of classes of which this library's have constructors that name wrong arguments,
    also those that would only be used later: numbers, functions, modules, generators."""

    _own = False  # whether the class is one of this library's
    _may_be_none = True  # numbers: many of PyTorch's modules never look at some of theirs

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own = cls.__module__.startswith("tinygrad_rnn.")
        if cls._own and "__init__" in vars(cls):
            cls.__init__ = _constructor(cls.__init__)  # type: ignore[method-assign]


class TellingAll(Telling):
    """As `Telling`, for classes whose public methods do so, too."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls._own:
            tell(cls)


def _constructor(init: F) -> F:
    checked: list[tuple[int, str, Any, bool]] | None = None

    @functools.wraps(init)
    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal checked
        if "dtype" in kwargs:
            name_dtype(kwargs)
        try:
            init(self, *args, **kwargs)
        except Exception as error:
            wrong = wrong_argument(init, (self, *args), kwargs, error, _made(self, init))
            if wrong is None:
                raise
            raise wrong from error
        if checked is None:
            checked = _checked(init)
        _refuse(_made(self, init), checked, args, kwargs, self._may_be_none)

    call.__tells__ = True  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _made(new: Telling, init: Callable[..., Any]) -> str:
    """The class that a constructor was called for, or of the user's classes the one it is of."""
    return type(new).__name__ if type(new)._own else _name(init)


def _refuse(
    name: str,
    checked: list[tuple[int, str, Any, bool]],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    may_be_none: bool = False,
) -> None:
    """Raise TypeError for the first of these arguments that does not fit its hint."""
    for place, argument, hint, optional in checked:
        value = args[place] if place < len(args) else kwargs.get(argument, _ABSENT)
        if value is _ABSENT or (hint is float and type(value) in (int, float)):
            continue
        if hint is bool and not is_host(value):  # anything else is true or false
            continue
        if value is None and (optional or (may_be_none and not is_of_objects(hint))):
            continue
        if not fits(value, hint):
            words = f"must be {in_words(hint)}, not {kind_of(value, hint)}"
            raise TypeError(f"{name}(): argument '{argument}' {words}")


def _checked(init: Callable[..., Any], first: int = -1) -> list[tuple[int, str, Any, bool]]:
    """The parameters of a constructor that are checked in any case: position (a large one for those
    that have none), name, hint and whether None will do. One that says int takes any number, as it
    does in PyTorch."""
    found = []
    for place, about in enumerate(inspect.signature(init).parameters.values(), first):
        hint = hint_of(init, about)
        optional = about.default is None or fits(None, hint)
        hint = float if is_of_numbers(hint) else hint
        if not (hint in (bool, float) or is_of_several_numbers(hint) or is_of_objects(hint)):
            continue
        if about.kind is about.POSITIONAL_OR_KEYWORD and place >= 0:
            found.append((place, about.name, hint, optional))
        elif about.kind is about.KEYWORD_ONLY:
            found.append((sys.maxsize, about.name, hint, optional))
    return found

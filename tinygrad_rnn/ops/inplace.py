"""Operations in place: the result of an ordinary operation is written into the tensor's memory,
and the tensor takes the result's place in the graph.

A change through a view also changes the tensor that owns the memory. In the graph the owner then
becomes the old owner with the view's region replaced (`paste`), and the view looks into it anew.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..autograd import Record, Variable, current_edge, is_grad_enabled, primitive
from ..autograd.hints import wrong_argument
from ..autograd.primitive import attach, rebase
from ..autograd.synonyms import meant
from ..autograd.trace import CHANGED, refuse
from ..backends import Array, Backend, HostScalar, backend_of, device_of, is_host
from ..dtypes import of_array
from .conversion import cast, to_device, without_overflow
from .indexing import _getitem, _put, in_words, prepare_index
from .shape import reshape


def _recorded(*operands: Any) -> bool:
    """Whether an operation on these is recorded: whether one of them requires a gradient."""
    if is_grad_enabled():
        for operand in operands:
            if isinstance(operand, Variable) and (
                operand._edge is not None or current_edge(operand) is not None
            ):
                return True
    return False


def _in_graph(target: Variable) -> bool:
    """Whether the memory's owner is in the graph, even if the target itself is not."""
    view = target._view
    return is_grad_enabled() and view is not None and view.base._edge is not None


def _check_target(target: Any, part: bool = False) -> None:
    """Raise RuntimeError where autograd can't follow a change in place of a tensor (or of a part
    of it)."""
    leaf, view = target, target._view
    if view is not None:
        if view.fixed:
            raise view.error(target._edge, "is being")
        if target._edge is None or not target.is_leaf:
            leaf, part = view.base, True
    if leaf._edge is not None and leaf.is_leaf:
        raise RuntimeError(
            f"a {'view of a ' * part}leaf Variable that requires grad is being used in an in-place "
            "operation. Work on its .data, or inside torch.no_grad()."
        )


def _check_memory(array: Array) -> None:
    """Raise RuntimeError for memory that elements share: NumPy does not write to it, CuPy would."""
    steps = array.strides
    if (
        array.size
        and 0 in steps
        and any(not step and n > 1 for step, n in zip(steps, array.shape, strict=True))
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )


def write(target: Any, value: Variable) -> Any:
    """Make the target hold `value` (same shape, castable dtype), in memory and in the graph."""
    own, new = of_array(target._array.dtype), of_array(value._array.dtype)
    if new is not own:
        if new.category > own.category:
            raise RuntimeError(
                f"result type {new.scalar_name} can't be cast to the desired output type "
                f"{own.scalar_name}"
            )
        value = cast(value, own)
    if value._array.shape != target._array.shape:
        raise RuntimeError(
            f"output with shape {list(target._array.shape)} doesn't match the broadcast shape "
            f"{list(value._array.shape)}"
        )
    _check_memory(target._array)
    refuse(CHANGED)
    target._array[...] = value._array
    target._changes[0] += 1
    if is_grad_enabled():
        edge = value._edge
        if edge is not None:
            _share_output(edge[0], target)
        elif target._edge is not None:
            edge = _forget(target)._edge
        rebase(target, edge)
    return target


def _share_output(node: Any, target: Variable) -> None:
    """Let a node that saved its output save the target's memory instead of another copy."""
    if isinstance(node, Record) and node.output is not None and type(node.output) is not tuple:
        node.output = target._array
        node.guards[-1] = target._changes, target._changes[0]


@primitive(name="ZeroBackward0")
def _forget(xp: Backend, input: Array) -> Array:
    """What takes the place of a tensor that is overwritten: its gradient is zero."""
    return xp.zeros_like(input)


@primitive(broadcasts=True, name="torch::autograd::CopyBackwards")
def _replace(xp: Backend, input: Array, value: Array) -> Array:
    """The value in place of the input."""
    return xp.broadcast_to(value, input.shape)


_forget.gradients(lambda g, _y, _x: _forget(g))
_replace.gradients(lambda g, _y, _x, _v: _forget(g), lambda g, _y, _x, _v: g)


def inplace(
    operation: Callable[..., Any], start: str = "", arguments: str = ""
) -> Callable[..., Any]:
    """The in-place form of an operation: ``add_ = inplace(add)``. It returns its first argument.
    Its docstring has an example if this is given the numbers to start from.

    Raises RuntimeError for a leaf that requires a gradient, a result that does not fit the
    tensor's shape or dtype, and memory that several elements share.
    """

    @functools.wraps(operation)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        source = self
        try:
            if _recorded(self, *args, *kwargs.values()) or _in_graph(self):
                _check_target(self)
                # What the operation saves of its input must outlive the change
                source = self._wrap(self._array.copy(), current_edge(self))
            return write(self, operation(source, *args, **kwargs))
        except Exception as error:
            now = meant(operation, (self, *args), kwargs) if isinstance(error, TypeError) else None
            if now is not None:
                return method(*now[0], **now[1])
            wrong = wrong_argument(operation, (self, *args), kwargs, error, method.__name__)
            if wrong is None:
                raise
            raise wrong from error

    method.__name__ = method.__qualname__ = operation.__name__.strip("_") + "_"
    method.__tells__ = True  # type: ignore[attr-defined]
    method.__doc__ = f"`{operation.__name__.strip('_')}` in place. {inplace_doc}, in its own shape."
    if start:
        method.__doc__ += _example(method.__name__, start, arguments)
    return method


def _example(name: str, start: str, arguments: str) -> str:
    return f"\n\n    >>> x = torch.tensor({start})\n    >>> x.{name}({arguments}) is x\n    True\n"


def reshaped(operation: Callable[..., Any], arguments: str = "") -> Callable[..., Any]:
    """The in-place form of an operation that makes a view: the tensor itself takes the shape. The
    arguments are those of the example in its docstring."""

    @functools.wraps(operation)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _recorded(self) and not _in_graph(self):
            self.data = operation(self, *args, **kwargs)
            return self
        _check_target(self)
        view = operation(self, *args, **kwargs)
        self._array, self._edge = view._array, view._edge
        return self

    method.__name__ = method.__qualname__ = operation.__name__ + "_"
    method.__doc__ = f"`{operation.__name__}` in place. {inplace_doc}, in the new shape."
    method.__doc__ += _example(method.__name__, "[[1, 2]]", arguments)
    return method


inplace_doc = "Returns the tensor"


def fill(input: Any, value: Variable | float) -> Any:
    """A tensor like the input with one value (a number or 0-d tensor) everywhere."""
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                "fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value._array.ndim} dimensions."
            )
        return copy(input, value)
    if isinstance(value, str | bytes):  # which NumPy would read
        raise TypeError(f"fill_(): argument 'value' must be Number, not {type(value).__name__}")
    if isinstance(value, complex):  # of which it would take the real part
        kind = of_array(input._array.dtype)
        raise RuntimeError(f"fill_(): value {value} cannot be converted to type {kind}")
    value = without_overflow(value, of_array(input._array.dtype))
    xp: Any = backend_of(input._array)
    return input._wrap(xp.full_like(input._array, value))


def zero(input: Any) -> Any:
    """Zeros like the input."""
    return fill(input, 0)


def copy(input: Any, src: Any, non_blocking: bool = False) -> Any:
    """src, broadcast to the input's shape and in its dtype."""
    if not isinstance(src, Variable):
        raise TypeError(f"copy_(): argument 'other' must be Tensor, not {type(src).__name__}")
    if type(src._array) is not type(input._array):
        src = to_device(src, device_of(input._array), non_blocking)
    return _replace(input, cast(src, of_array(input._array.dtype)))


def setitem(input: Any, index: Any, value: Any) -> None:
    """``input[index] = value``, with a number or a tensor that broadcasts to the place.

    Raises IndexError for bad positions, RuntimeError for values that do not fit, TypeError for
    those that are no numbers.
    """
    first, then = prepare_index(index, input._array)
    if _recorded(input, value) or _in_graph(input):
        _check_target(input, part=True)
    _check_memory(input._array)
    if then is None:
        _assign(input, first, value)
    else:
        _assign(_getitem(input, index=first) if first else input, then, value)


def _assign(input: Any, place: Any, value: Any) -> None:
    array = input._array
    value = _assignable(value, array, place)
    raw = value._array if isinstance(value, Variable) else value
    recorded = array.dtype.kind == "f" and _recorded(input, value)
    before = input._wrap(array, current_edge(input) if recorded else None)
    xp: Any = backend_of(array)
    try:
        xp.assign(array, place, raw)
    except (TypeError, ValueError) as error:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(getattr(raw, 'shape', ()))} cannot be "
            f"broadcast to indexing result of shape {list(array[place].shape)} ({error})"
        ) from None
    except IndexError as error:
        raise in_words(error, place, array) from None
    except OverflowError as error:
        raise RuntimeError(f"value cannot be converted without overflow: {error}") from None
    refuse(CHANGED)
    input._changes[0] += 1
    if recorded:
        after = input._wrap(array)
        attach(after, _put, (before, value), index=place, accumulate=False)
        rebase(input, after._edge)


def _assignable(value: Any, array: Array, place: Any) -> Any:
    """The value as something that array[place] can be set to: a number, a tensor, an array."""
    if isinstance(value, float | int | HostScalar):
        return value
    if isinstance(value, list | tuple) or (is_host(value) and not isinstance(value, Variable)):
        xp: Any = backend_of(array)
        try:
            return xp.asarray(value, array.dtype)
        except (TypeError, ValueError) as error:
            kind = of_array(array.dtype)
            raise TypeError(f"can't assign {value!r:.100} to a tensor of {kind}: {error}") from None
    if not isinstance(value, Variable):
        raise TypeError(
            f"can't assign a {type(value).__name__} to a tensor of {of_array(array.dtype)}"
        )
    if type(value._array) is not type(array):
        value = to_device(value, device_of(array))
    value = cast(value, of_array(array.dtype))
    shape = value._array.shape
    if shape[:1] == (1,):  # as in PyTorch, leading 1s that the place does not have do not count
        lead = len(shape) - array[place].ndim
        if lead > 0 and set(shape[:lead]) == {1}:
            return reshape(value, shape[lead:])
    return value

"""`Function`: operations that users write, with a forward and a backward of their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..backends import backend_of
from ..dtypes import of_array
from .anomaly import anomaly, trace
from .broadcast import sum_to
from .grad_mode import Setting, state
from .graph import FREED, Edge, Guard, Node, Variable, View, changed_error, next_sequence
from .packed import Packed
from .primitive import current_edge, link_view, rebase
from .saved import innermost


class FunctionCtx(Node):
    """What `forward` leaves for `backward`: saved tensors, and anything set as an attribute.

    It is the node in the graph, too: the `grad_fn` of what forward returns.

    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * grad
    >>> torch.autograd.gradcheck(Square.apply, torch.tensor(3.0, requires_grad=True).double())
    True
    """

    _function: type[Function]

    def __init__(self, args: Sequence[Any], edges: Sequence[Edge | None]) -> None:
        self._edges = edges
        self._extras = None
        self._sequence = next_sequence()
        self._arguments = [
            (a._array.dtype, a._array.shape) if isinstance(a, Variable) else None for a in args
        ]
        self.needs_input_grad = tuple(edge is not None for edge in edges)
        self._to_save: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._constant: tuple[Any, ...] = ()
        self._materialize = True
        self._outputs: list[Any] = []  # backend, shape and dtype; None if it is no tensor
        # tensors (or None), the number of one that is an output, what guards against changes
        self._saved: list[tuple[Any, int | None, Guard | None]] | None = []

    # ----- for forward and backward to call -----

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs (or None) for backward, where `saved_tensors` returns them."""
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, Variable | None):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type "
                    f"{type(tensor).__name__}; set it as an attribute of ctx"
                )
        self._to_save = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs forward changed in place (and returns as outputs)."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs have no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) or None for outputs that were not used."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors of save_for_backward. Raises RuntimeError if they were freed, or changed
        in place since."""
        if self._saved is None:
            raise RuntimeError(FREED)
        tensors = []
        for tensor, number, guard in self._saved:
            if guard is not None and guard[0][0] != guard[1]:
                edge = tensor._edge if number is None else (self, number)
                raise changed_error(guard, tensor._array, edge)
            if type(tensor) is Packed:
                tensor = tensor.tensor()
            if number is not None:
                tensor = tensor._wrap(tensor._array, (self, number))
            tensors.append(tensor)
        return tuple(tensors)

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{self._name()} object at {id(self):#x}>"

    # ----- for apply and the engine -----

    def _finish(self, args: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
        """Make the outputs of forward the outputs of this node, and save what was to be saved."""
        for tensor in self._dirty:
            if not any(tensor is output for output in outputs):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as "
                    "output. The inputs that are modified inplace must all be outputs of the "
                    "Function."
                )
        self._shapes = [o._array.shape if isinstance(o, Variable) else () for o in outputs]
        sources = [a for a in args if isinstance(a, Variable)]
        for tensor in self._dirty:
            if tensor._edge is not None and tensor.is_leaf:
                raise RuntimeError(
                    "a leaf Variable that requires grad has been used in an in-place operation."
                )
        results = [self._result(i, output, sources) for i, output in enumerate(outputs)]
        self._saved, hooks = [], innermost()
        for tensor in self._to_save:
            number = next((i for i, output in enumerate(outputs) if output is tensor), None)
            guard = None
            if tensor is not None:
                counter = (tensor if number is None else results[number])._changes
                guard = counter, counter[0]
            if number is not None:  # the node must not hold its own output: that is a cycle
                tensor = tensor._wrap(tensor._array)
            if tensor is not None and hooks is not None:
                tensor, guard = Packed(tensor, hooks), None
            self._saved.append((tensor, number, guard))
        self._to_save = self._dirty = self._constant = ()
        return results

    def _result(self, number: int, output: Any, sources: Sequence[Variable]) -> Any:
        if not isinstance(output, Variable):
            self._outputs.append(None)
            return output
        array = output._array
        self._outputs.append((backend_of(array), array.shape, array.dtype))
        constant = any(output is c for c in self._constant) or array.dtype.kind != "f"
        edge = None if constant else (self, number)
        if any(output is d for d in self._dirty):
            output._changes[0] += 1
            rebase(output, edge)
            return output
        result = output._wrap(array, edge)
        for source in sources:
            base = source if source._view is None else source._view.base
            if output is source or (output._view is not None and output._view.base is base):
                link_view(result, base, View.OF_FUNCTION)
        return result

    def _run(
        self, g: Any, edges: Sequence[Edge | None], owner: Variable, recorded: bool
    ) -> list[tuple[Edge, Any]]:
        tensors = []
        for grad, output in zip(g if isinstance(g, tuple) else (g,), self._outputs, strict=True):
            if grad is None and output is not None and self._materialize:
                xp, shape, dtype = output
                grad = xp.zeros(shape, dtype)
            wrapped = grad is None or isinstance(grad, Variable)
            tensors.append(grad if wrapped else owner._wrap(grad))
        results = self._function.backward(self, *tensors)
        results = results if isinstance(results, tuple | list) else (results,)
        count = len(self._edges)
        if len(results) < count or any(r is not None for r in results[count:]):
            raise RuntimeError(
                f"function {self._name()} returned an incorrect number of gradients (expected "
                f"{count}, got {len(results)})"
            )
        found = []
        for i, (edge, result) in enumerate(zip(edges, results, strict=False)):
            if result is not None:
                result = self._checked(i, result)
                if edge is not None:
                    found.append((edge, result if recorded else result._array))
        return found

    def _checked(self, place: int, grad: Any) -> Any:
        """A gradient that backward returned, in the shape and dtype of the argument."""
        kind = self._arguments[place]
        if kind is None:
            raise RuntimeError(
                f"function {self._name()} returned a gradient different than None at position "
                f"{place + 1}, but the corresponding forward input was not a Variable"
            )
        if not isinstance(grad, Variable):
            raise RuntimeError(f"expected Variable or None (got {type(grad).__name__})")
        dtype, shape = kind
        found = grad._array.shape
        if found != shape:
            fits = len(found) >= len(shape) and all(
                n in (1, m) for m, n in zip(found[::-1], shape[::-1], strict=False)
            )
            if not fits:
                raise RuntimeError(
                    f"Function {self._name()} returned an invalid gradient at index {place} - got "
                    f"{list(found)} but expected shape compatible with {list(shape)}"
                )
            grad = sum_to(grad, shape=shape)
        return grad if grad._array.dtype == dtype else grad.to(of_array(dtype))

    def _free(self) -> None:
        if self._saved:
            self._saved = None


class Function:
    """Derive from it, write static `forward(ctx, *args)` and `backward(ctx, *grad_outputs)`, and
    call ``YourFunction.apply(*args)``.

    backward gets a gradient per output and returns one per argument of forward, of its shape (None
    for those without). If it is written in differentiable operations, so is its result
    (create_graph). Alternatively `forward(*args)` without ctx, and
    `setup_context(ctx, inputs, output)`.

    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return 2 * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         return 2 * grad
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> Double.apply(x).backward()
    >>> x.grad
    tensor(2.)
    """

    _context: type[FunctionCtx] = FunctionCtx

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._context = type(f"{cls.__name__}Backward", (FunctionCtx,), {"_function": cls})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = type(self).__name__
        raise RuntimeError(f"a Function is not called: use {name}.apply(...), without making one")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function: a static method "
            "forward(ctx, ...)"
        )

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the backward function for custom autograd.Function: a static "
            "method backward(ctx, *grad_outputs)"
        )

    setup_context: Callable[..., None] | None = None

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on the arguments, and record it if an argument requires a gradient."""
        if cls.setup_context is not None:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        edges = [
            current_edge(a) if state.enabled and isinstance(a, Variable) else None for a in args
        ]
        ctx = cls._context(args, edges)
        if anomaly.traced:
            trace(ctx)
        with Setting(False):
            if cls.setup_context is None:
                returned = cls.forward(ctx, *args, **kwargs)
            else:
                returned = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, returned)
        if not any(edges):
            return returned
        if isinstance(returned, tuple):
            return tuple(ctx._finish(args, returned))
        return ctx._finish(args, [returned])[0]


class _Once(Function):
    """The identity on the first `count` arguments, which must not be differentiated."""

    @staticmethod
    def forward(ctx: Any, count: int, *args: Any) -> Any:
        return args[:count]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a `backward` that is not itself differentiable: to differentiate its results
    is an error.

    >>> class Double(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return 2 * x
    ...     @staticmethod
    ...     @torch.autograd.function.once_differentiable
    ...     def backward(ctx, grad):
    ...         return 2 * grad
    >>> Double.apply(torch.tensor(3.0, requires_grad=True)).item()
    6.0
    """

    @functools.wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        with Setting(False):
            results = backward(ctx, *grads)
        several = isinstance(results, tuple)
        results = results if several else (results,)
        results = _Once.apply(len(results), *results, *grads)
        return results if several else results[0]

    return wrapped

"""Functions that compute derivatives of a function: they can be nested.

Each runs the function once on inputs that are leaves of a graph of their own, and differentiates
by `autograd.grad`. The results are in the graph themselves where somebody may differentiate them:
inside another of these functions, or where a tensor that is used requires a gradient.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import autograd
from ..ops.joining import stack
from ..tensor import Tensor
from .trees import form, leaves, rebuilt

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


class _Level(threading.local):
    depth = 0


_level = _Level()


class _Run:
    """One run of a function: its output, and its gradients by some of its arguments."""

    def __init__(
        self, name: str, func: Function, args: Sequence[Any], kwargs: Any, argnums: Argnums,
        has_aux: bool,
    ) -> None:  # fmt: skip
        self.name, self.single = name, isinstance(argnums, int)
        chosen = _places(name, argnums, len(args))
        inside = tuple(args[i] for i in chosen)
        self.form: Any = inside[0] if self.single else inside
        outer = autograd.is_grad_enabled()
        given = leaves(inside)
        for x in given:
            if not isinstance(x, Tensor):
                raise RuntimeError(
                    f"{name}: expected the arguments to differentiate by to contain only Tensors, "
                    f"got {type(x).__name__}"
                )
        with autograd.enable_grad():
            self.inputs = [x.view_as(x) if x.requires_grad else x.detach() for x in given]
            self.inputs = [x if x.requires_grad else x.requires_grad_() for x in self.inputs]
            values = rebuilt(inside, iter(self.inputs))
            called = list(args)
            for place, value in zip(chosen, values, strict=True):
                called[place] = value
            _level.depth += 1
            try:
                result = func(*called, **kwargs)
            finally:
                _level.depth -= 1
        self.aux: Any = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise RuntimeError(
                    f"{name}: output of function f should be a tuple: (output, aux) if has_aux is "
                    "True"
                )
            result, self.aux = result
        self.output = result
        self.outputs = leaves(result)
        for y in self.outputs:
            if not isinstance(y, Tensor):
                raise RuntimeError(
                    f"{name}: Expected f(*args) to return a Tensor or Tensors, got "
                    f"{type(y).__name__}"
                )
        own = {id(x) for x in self.inputs if x.is_leaf}
        self.keep = outer and (_level.depth > 0 or _reaches_others(self.outputs, own))

    def gradients(self, ys: Sequence[Tensor], vs: Sequence[Any]) -> list[Tensor]:
        """v J as a list, with zeros where nothing depends."""
        pairs = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
        found: Sequence[Any] = [None] * len(self.inputs)
        if pairs:
            outputs, vectors = zip(*pairs, strict=True)
            with autograd.enable_grad():
                found = autograd.grad(
                    outputs, self.inputs, vectors, retain_graph=True, create_graph=self.keep,
                    allow_unused=True,
                )  # fmt: skip
        return [
            x.new_zeros(x.shape) if g is None else g
            for x, g in zip(self.inputs, found, strict=True)
        ]

    def formed(self, values: Sequence[Tensor]) -> Any:
        """One value for each input, in the form of the arguments."""
        return rebuilt(self.form, iter(values))

    def freed(self, tree: Any) -> Any:
        """Results for the caller: outside of the graph, unless somebody may differentiate them."""
        return rebuilt(tree, (_freed(x, self.keep) for x in leaves(tree)))


def _freed(x: Any, keep: bool) -> Any:
    return x.detach() if isinstance(x, Tensor) and not keep else x


def _places(name: str, argnums: Argnums, count: int) -> tuple[int, ...]:
    chosen = tuple(argnums) if isinstance(argnums, tuple | list) else (argnums,)
    for i in chosen:
        if not isinstance(i, int):
            raise RuntimeError(f"argnum must be int, got: {type(i)}")
        if not -count <= i < count:
            raise RuntimeError(f"{name}: Got argnum={i}, but only {count} positional inputs")
    places = tuple(i % count for i in chosen)
    if not places or len(set(places)) != len(places):
        raise RuntimeError(f"argnums must be non-empty and unique, got: {argnums}")
    return places


def _reaches_others(outputs: Sequence[Tensor], own: set[int]) -> bool:
    """Whether the graph has leaves that are not the run's own."""
    stack = [y.grad_fn for y in outputs if y.grad_fn is not None]
    if any(y.grad_fn is None and y.requires_grad and id(y) not in own for y in outputs):
        return True
    seen: set[int] = set()
    while stack:
        node: Any = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        variable = getattr(node, "variable", None)
        if variable is not None and id(variable) not in own:
            return True
        stack += [parent for parent, _ in node.next_functions if parent is not None]
    return False


# ----- gradients of one number -----


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of func, which returns a scalar tensor, by its argument
    number `argnums`: a tensor of its shape, or dicts, lists and tuples of these as the argument is;
    of several numbers, a tuple.

    Args:
        has_aux: whether func returns (scalar, other); the new function then returns (gradient,
            other).

    >>> torch.func.grad(lambda x: x ** 3)(torch.tensor(2.0))
    tensor(12.)
    >>> torch.func.grad(torch.func.grad(lambda x: x ** 3))(torch.tensor(2.0))
    tensor(12.)
    """
    found = grad_and_value(func, argnums, has_aux)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = found(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """As `grad`, a function that returns (gradient, scalar), or (gradient, (scalar, other)).

    >>> torch.func.grad_and_value(lambda x: x ** 3)(torch.tensor(2.0))
    (tensor(12.), tensor(8.))
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = _Run("grad_and_value(f)(*args)", func, args, kwargs, argnums, has_aux)
        y = run.output
        if not isinstance(y, Tensor):
            raise RuntimeError(
                f"Expected f(*args) to return a Tensor, got tensor of type {type(y).__name__}"
            )
        if y.dim():
            raise RuntimeError(
                "Expected f(*args) to return a scalar tensor, got tensor with "
                f"{y.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        gradient = run.freed(run.formed(run.gradients([y], [None])))
        value = run.freed(y)
        return gradient, (value, run.freed(run.aux)) if has_aux else value

    return wrapper


# ----- products with the Jacobian -----


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), f) where f(v) is v J, a tuple of one for each primal, for v of the output's
    form and shapes; with has_aux, func returns (output, other), and `other` comes third.

    >>> y, f = torch.func.vjp(lambda x: x * x, torch.tensor([1.0, 3.0]))
    >>> f(torch.ones(2))
    (tensor([2., 6.]),)
    """
    run = _Run("vjp(f, *primals)", func, primals, {}, tuple(range(len(primals))), has_aux)

    def pulled(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        vs = leaves(cotangents)
        if form(cotangents) != form(run.output):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function: {form(run.output)}, got {form(cotangents)}"
            )
        return run.freed(run.formed(run.gradients(run.outputs, vs)))

    output = run.freed(run.output)
    return (output, pulled, run.freed(run.aux)) if has_aux else (output, pulled)


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """(func(*primals), J v) where v are the tangents, of the primals' form and shapes, and J v is
    of the output's; with has_aux, func returns (output, other), and `other` comes third. By
    differentiating v J, which is linear in v, by v.

    >>> torch.func.jvp(lambda x: x * x, (torch.tensor([1.0, 3.0]),), (torch.ones(2),))
    (tensor([1., 9.]), tensor([2., 6.]))
    """
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple) or not value:
            raise RuntimeError(
                f"jvp(f, primals, tangents): Expected {name} to be a non-empty tuple. E.g. it "
                f"should be valid to call f(*primals). Got {type(value).__name__}"
            )
    output, push, *aux = _linearized("jvp", func, primals, has_aux)
    return (output, push(*tangents), *aux)


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """(func(*primals), f) where f(*v) is J v of the output's shape, as `jvp`, for any tangents.

    >>> y, f = torch.func.linearize(lambda x: x * x, torch.tensor([1.0, 3.0]))
    >>> f(torch.ones(2))
    tensor([2., 6.])
    """
    output, push = _linearized("linearize", func, primals, False)
    return output, push


def _linearized(name: str, func: Function, primals: Any, has_aux: bool) -> Any:
    run = _Run(f"{name}(f, ...)", func, primals, {}, tuple(range(len(primals))), has_aux)
    keep, run.keep = run.keep, True
    with autograd.enable_grad():
        duals = [y.new_zeros(y.shape).requires_grad_() for y in run.outputs]
    backward = run.gradients(run.outputs, duals)

    def push(*tangents: Any) -> Any:
        vs = leaves(tangents)
        _check_tangents(f"{name}(f, primals, tangents)", tangents, primals)
        pairs = [(g, v) for g, v in zip(backward, vs, strict=True) if g.requires_grad]
        found: Sequence[Any] = [None] * len(duals)
        if pairs:
            gradients, vectors = zip(*pairs, strict=True)
            with autograd.enable_grad():
                found = autograd.grad(
                    gradients, duals, vectors, retain_graph=True, create_graph=keep,
                    allow_unused=True,
                )  # fmt: skip
        values = [
            y.new_zeros(y.shape) if t is None else t
            for y, t in zip(run.outputs, found, strict=True)
        ]
        return rebuilt(run.output, (_freed(v, keep) for v in values))

    output = rebuilt(run.output, (_freed(y, keep) for y in run.outputs))
    return (output, push, run.freed(run.aux)) if has_aux else (output, push)


def _check_tangents(name: str, tangents: tuple[Any, ...], primals: tuple[Any, ...]) -> None:
    """Raise RuntimeError unless they are tensors like the primals, in the same containers."""
    for v in leaves(tangents):
        if not isinstance(v, Tensor):
            raise RuntimeError(
                f"{name}: Expected tangents to only contain Tensors, got {type(v).__name__}"
            )
    if form(tangents) != form(primals):
        raise RuntimeError(
            f"{name}: Expected primals and tangents to have the same python structure, got "
            f"{form(primals)} and {form(tangents)}"
        )
    for v, x in zip(leaves(tangents), leaves(primals), strict=True):
        if (v.shape, v.dtype) != (x.shape, x.dtype):
            raise RuntimeError(
                f"{name}: Expected a tangent of shape {list(x.shape)} and dtype {x.dtype}, as its "
                f"primal's, got {list(v.shape)} and {v.dtype}"
            )


# ----- Jacobians -----


def jacrev(
    func: Function,
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """A function that returns the Jacobian of func by its argument number `argnums`: of one output
    y and one input x a tensor of shape (*y.shape, *x.shape). It has the form of the output, and in
    that the form of the argument (a tuple of several). With has_aux func returns (output, other),
    and the new function (Jacobian, other). One gradient is computed for each element of the
    output; chunk_size is for PyTorch's signature, without an effect.

    >>> torch.func.jacrev(lambda x: x * x)(torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = _Run("jacrev(f)(*args)", func, args, kwargs, argnums, has_aux)
        blocks: Iterator[Any] = (run.freed(run.formed(_rows(run, y))) for y in run.outputs)
        jacobian = rebuilt(run.output, blocks)
        return (jacobian, run.freed(run.aux)) if has_aux else jacobian

    return wrapper


def _rows(run: _Run, y: Tensor) -> list[Tensor]:
    rows = [run.gradients([element], [None]) for element in y.reshape(-1).unbind(0)]
    if not rows:
        return [x.new_zeros((*y.shape, *x.shape)) for x in run.inputs]
    return [
        stack(column).reshape((*y.shape, *x.shape))
        for column, x in zip(zip(*rows, strict=True), run.inputs, strict=True)
    ]


def jacfwd(
    func: Function, argnums: Argnums = 0, has_aux: bool = False, *, chunk_size: int | None = None,
    randomness: str = "error",
) -> Function:  # fmt: skip
    """As `jacrev`, whose values and shapes it has, and by which it is computed: there is no forward
    mode here.

    >>> torch.func.jacfwd(lambda x: x * x)(torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the second derivatives of func by its argument number `argnums`: the
    Jacobian of its `jacrev`, of a scalar and one input x a tensor of shape (*x.shape, *x.shape).

    >>> torch.func.hessian(lambda x: (x ** 3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)

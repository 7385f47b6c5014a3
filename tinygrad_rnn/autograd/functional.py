"""Derivatives of functions: Jacobians, Hessians, and their products with vectors.

A function takes one tensor or several, each argument an input. All are built on `grad`: J v is the
derivative of v J, which is linear in v.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api import grad
from .grad_mode import enable_grad
from .graph import Variable

Tensors = Any  # a tensor, or a tuple of them
Function = Callable[..., Tensors]


def vjp(
    func: Function, inputs: Tensors, v: Tensors = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensors, Tensors]:  # fmt: skip
    """(func(*inputs), v J), where J is func's Jacobian and v has the outputs' shapes; v may be left
    away for an output of one element.

    Args:
        create_graph: whether the results are part of a graph, for further derivatives.
        strict: whether an output that does not depend on an input is an error, instead of 0.

    Raises TypeError for what is no tensor, and RuntimeError for a v that does not fit.

    >>> torch.autograd.functional.vjp(lambda x: x * x, torch.tensor([1.0, 3.0]), torch.ones(2))
    (tensor([1., 9.]), tensor([2., 6.]))
    """
    with enable_grad():
        xs = _inputs(inputs, "vjp", create_graph)
        result = func(*xs)
        ys = _tensors(result, "outputs of the user-provided function", "vjp")
        vs = _vector(v, ys, "function returns", "vjp")
        products = _gradients(ys, xs, vs, create_graph, strict)
    return _like(result, ys, create_graph), _like(inputs, products, create_graph)


def jvp(
    func: Function, inputs: Tensors, v: Tensors = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensors, Tensors]:  # fmt: skip
    """(func(*inputs), J v), where J is func's Jacobian and v has the inputs' shapes; v may be left
    away for an input of one element. Arguments and errors are those of `vjp`.

    >>> torch.autograd.functional.jvp(lambda x: x.sum() * x, torch.ones(2), torch.ones(2))[1]
    tensor([4., 4.])
    """
    with enable_grad():
        xs = _inputs(inputs, "jvp", create_graph)
        vs = _vector(v, xs, "input to the user-provided function is", "jvp")
        result = func(*xs)
        ys = _tensors(result, "outputs of the user-provided function", "jvp")
        duals = tuple(y.new_zeros(y.shape).requires_grad_() for y in ys)
        backward = _gradients(ys, xs, duals, True, strict)
        products = _gradients(backward, duals, vs, create_graph, False)
    return _like(result, ys, create_graph), _like(result, products, create_graph)


def jacobian(
    func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",
) -> Tensors:  # fmt: skip
    """The Jacobian of func at inputs: of one output y and one input x a tensor of shape (*y.shape,
    *x.shape). With a tuple of inputs a tuple of these, one for each input; with a tuple of outputs
    a tuple of that for each output. vectorize and strategy are for PyTorch's signature, without an
    effect. The rest is as for `vjp`.

    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    with enable_grad():
        xs = _inputs(inputs, "jacobian", create_graph)
        result = func(*xs)
        ys = _tensors(result, "outputs of the user-provided function", "jacobian")
        rows = tuple(_like(inputs, _rows(y, xs, create_graph, strict), create_graph) for y in ys)
    return rows if isinstance(result, tuple) else rows[0]


def hessian(
    func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Tensors:  # fmt: skip
    """The second derivatives of func, which returns one element: the `jacobian` of its gradient,
    of one input x a tensor of shape (*x.shape, *x.shape), of a tuple a tuple of tuples. Raises
    RuntimeError for a func that returns more. The rest is as for `jacobian`.

    >>> torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def gradient(*xs: Any) -> Tensors:
        y = _number(func(*xs), "hessian")
        found = _gradients((y,), xs, (None,), True, strict)
        return found if isinstance(inputs, tuple) else found[0]

    return jacobian(gradient, inputs, create_graph, strict)


def vhp(
    func: Function, inputs: Tensors, v: Tensors = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Tensors]:  # fmt: skip
    """(func(*inputs), v H), where H is func's `hessian` and v has the inputs' shapes; v may be left
    away for an input of one element. Arguments and errors are those of `vjp`.

    >>> torch.autograd.functional.vhp(lambda x: (x ** 3).sum(), torch.ones(2), torch.ones(2))
    (tensor(2.), tensor([6., 6.]))
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "vhp")


def hvp(
    func: Function, inputs: Tensors, v: Tensors = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Tensors]:  # fmt: skip
    """(func(*inputs), H v): as `vhp`, for H is symmetric; v and H v have the inputs' shapes.

    >>> torch.autograd.functional.hvp(lambda x: x.prod(), torch.ones(2), torch.tensor([1.0, 0.0]))
    (tensor(1.), tensor([0., 1.]))
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "hvp")


def _hessian_product(
    func: Function, inputs: Tensors, v: Tensors, create_graph: bool, strict: bool, name: str
) -> tuple[Any, Tensors]:
    with enable_grad():
        xs = _inputs(inputs, name, create_graph)
        vs = _vector(v, xs, "input to the user-provided function is", name)
        y = _number(func(*xs), name)
        first = _gradients((y,), xs, (None,), True, strict)
        products = _gradients(first, xs, vs, create_graph, strict)
    return y if create_graph else y.detach(), _like(inputs, products, create_graph)


# ----- what these share -----


def _tensors(value: Tensors, what: str, name: str) -> tuple[Any, ...]:
    values = value if isinstance(value, tuple) else (value,)
    for part in values:
        if not isinstance(part, Variable):
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the "
                f"given {what} has type {type(part)}."
            )
    return values


def _inputs(inputs: Tensors, name: str, create_graph: bool) -> tuple[Any, ...]:
    """The inputs as leaves of a new graph; with create_graph in that which they are in."""
    values = _tensors(inputs, "inputs", name)
    if not create_graph:
        return tuple(x.detach().requires_grad_() for x in values)
    views = [x.view_as(x) for x in values]
    return tuple(x if x.requires_grad else x.requires_grad_() for x in views)


def _vector(v: Tensors, like: tuple[Any, ...], what: str, name: str) -> tuple[Any, ...]:
    if v is None:
        if len(like) > 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {what} a single Tensor with a single "
                f"element, as for {name} of shape {list(like[0].shape)}."
            )
        return (like[0].new_ones(like[0].shape),)
    vs = _tensors(v, "vector v", name)
    if len(vs) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}."
        )
    for part, x in zip(vs, like, strict=True):
        if part.shape != x.shape:
            raise RuntimeError(f"v has invalid size: should be {x.shape} but got {part.shape}.")
    return vs


def _number(y: Any, name: str) -> Any:
    (y,) = _tensors(y, "outputs of the user-provided function", name)[:1]
    if y.numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {name} should contain a single element"
        )
    return y.reshape(())


def _gradients(
    ys: tuple[Any, ...], xs: tuple[Any, ...], vs: tuple[Any, ...], create_graph: bool, strict: bool
) -> tuple[Any, ...]:
    """v J, with zeros for inputs that no output depends on. Raises RuntimeError for these if
    strict."""
    pairs = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    if strict and len(pairs) < len(ys):
        raise RuntimeError(
            "An output of the user-provided function does not require gradients. The outputs must "
            "be computed in a differentiable manner from the input when running in strict mode."
        )
    found: tuple[Any, ...] = (None,) * len(xs)
    if pairs:
        outputs, vectors = zip(*pairs, strict=True)
        found = grad(outputs, xs, vectors, True, create_graph, allow_unused=True)
    for number, part in enumerate(found):
        if strict and part is None:
            raise RuntimeError(
                "The output of the user-provided function is independent of input "
                f"{number}. This is not allowed in strict mode."
            )
    return tuple(
        x.new_zeros(x.shape) if part is None else part for x, part in zip(xs, found, strict=True)
    )


def _rows(y: Any, xs: tuple[Any, ...], create_graph: bool, strict: bool) -> tuple[Any, ...]:
    """The Jacobian of one output, one of its elements after the other."""
    rows = [x.new_zeros((y.numel(), *x.shape)) for x in xs]
    for number, element in enumerate(y.reshape(-1).unbind(0)):
        for row, part in zip(
            rows, _gradients((element,), xs, (None,), create_graph, strict), strict=True
        ):
            row[number] = part
    return tuple(row.reshape((*y.shape, *x.shape)) for row, x in zip(rows, xs, strict=True))


def _like(form: Tensors, values: tuple[Any, ...], create_graph: bool) -> Tensors:
    """A tuple where `form` is one, else the only value; outside the graph unless it is wanted."""
    values = values if create_graph else tuple(value.detach() for value in values)
    return values if isinstance(form, tuple) else values[0]

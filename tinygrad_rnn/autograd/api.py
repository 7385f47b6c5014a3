"""`backward` and `grad`: what users call, checked, and handed to the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..backends import backend_of, device_of
from . import engine
from .edges import GradientEdge, Pass
from .graph import Variable
from .primitive import current_edge

if TYPE_CHECKING:
    from ..tensor import Tensor


def _sequence(value: Any) -> list[Any]:
    single = value is None or isinstance(value, Variable | GradientEdge)
    return [value] if single else list(value)


def _at(edge: GradientEdge, like: Any, shape: Sequence[int] = ()) -> Any:
    """A tensor in the place of the edge, with the dtype and device of `like`."""
    if not isinstance(like, Variable):
        raise RuntimeError(
            "grad can be implicitly created only for scalar outputs, and for edges of "
            "get_gradient_edge(): give a gradient for this one"
        )
    tensor: Any = like.new_zeros(shape)  # type: ignore[attr-defined]
    tensor._edge = edge.node, edge.output_nr
    return tensor


def _places(targets: Sequence[Any], roots: Sequence[Any]) -> list[Any]:
    """The targets, with tensors in the place of edges."""
    return [
        _at(x, roots[0] if roots else x.ownership_token) if isinstance(x, GradientEdge) else x
        for x in targets
    ]


def _roots(outputs: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
    """The outputs, with tensors in the place of edges."""
    roots = list(outputs)
    for i, output in enumerate(outputs):
        if isinstance(output, GradientEdge):
            like = output.ownership_token
            if like is None and i < len(grads):
                like = grads[i]
            roots[i] = _at(output, like, output.node._shapes[output.output_nr])
    return roots


def _start(outputs: Sequence[Variable], grads: Sequence[Any], create_graph: bool) -> list[Any]:
    """The gradients to start from: those given, or one for a scalar output."""
    if len(grads) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    start = []
    for i, (output, grad) in enumerate(zip(outputs, grads, strict=True)):
        if current_edge(output) is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        array = output._array
        if grad is None:
            if array.size != 1:
                raise RuntimeError(
                    "grad can be implicitly created only for scalar outputs; this one has shape "
                    f"{list(array.shape)}: reduce it, or give gradient="
                )
            xp: Any = backend_of(array)
            grad = output._wrap(xp.ones_like(array))
        elif not isinstance(grad, Variable):
            raise TypeError(
                f"gradients can be either Tensors or None, but got {type(grad).__name__}"
            )
        elif grad._array.shape != array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {list(grad._array.shape)} and "
                f"output[{i}] has a shape of {list(array.shape)}."
            )
        elif device_of(grad._array) != device_of(array):
            raise RuntimeError(
                f"invalid gradient at index {i} - expected device {device_of(array)} but got "
                f"{device_of(grad._array)}"
            )
        elif grad._array.dtype != array.dtype:
            grad = grad.type_as(output)  # type: ignore[attr-defined]
        start.append(grad if create_graph else grad._array)
    return start


def _run(
    roots: Sequence[Variable], grads: Sequence[Any], targets: Sequence[Any] | None,
    retain_graph: bool | None, create_graph: bool, accumulate: bool,
) -> Any:  # fmt: skip
    """One pass of the engine, from these gradients of the roots."""
    start = _start(roots, grads, create_graph)
    with Pass(roots, targets):
        return engine.run(
            roots,
            start,
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
            targets=targets,
            accumulate=accumulate,
        )


def backward(
    tensors: Tensor | GradientEdge | Sequence[Tensor | GradientEdge],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | GradientEdge | Iterable[Tensor | GradientEdge] | None = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves they depend on.

    Args:
        tensors: one or several, or edges of the graph (`graph.get_gradient_edge`); scalars, unless
            `grad_tensors` has a gradient for each.
        grad_tensors: gradients with respect to each of `tensors`, of the same shapes.
        retain_graph: keep saved values for another pass (default: the value of create_graph).
        create_graph: record the pass itself, for derivatives of higher order.
        inputs: add only to the `.grad` of these.

    Raises RuntimeError for a tensor without a graph, a non-scalar without a gradient, a graph
    that was freed, or a saved value that was changed in place.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    outputs = _sequence(tensors)
    grads = [None] * len(outputs) if grad_tensors is None else _sequence(grad_tensors)
    outputs = _roots(outputs, grads)
    targets = None if inputs is None else _sequence(inputs)
    if targets is not None and not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    for target in targets or ():
        if not isinstance(target, GradientEdge):
            target.retain_grad()
    if targets is not None:
        targets = _places(targets, outputs)
    _run(outputs, grads, targets, retain_graph, create_graph, accumulate=True)


def grad(
    outputs: Tensor | GradientEdge | Sequence[Tensor | GradientEdge],
    inputs: Tensor | GradientEdge | Sequence[Tensor | GradientEdge],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of (the sum of) `outputs` with respect to each of `inputs`, of the inputs'
    shapes, as a tuple.

    Arguments as for `backward`. An input that the outputs do not depend on raises RuntimeError;
    with allow_unused its gradient is None, with materialize_grads zeros. only_inputs has no effect:
    no other gradients are ever collected.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (gradient,) = torch.autograd.grad((x * x).sum(), x)
    >>> gradient, x.grad
    (tensor([2., 4.]), None)
    """
    if is_grads_batched:
        raise ValueError("is_grads_batched=True is not supported: call grad once for each")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    roots, targets = _sequence(outputs), _sequence(inputs)
    starts = [None] * len(roots) if grad_outputs is None else _sequence(grad_outputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    roots = _roots(roots, starts)
    edges = [isinstance(target, GradientEdge) for target in targets]
    targets = _places(targets, roots)
    for target in targets:
        if current_edge(target) is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    found = _run(roots, starts, targets, retain_graph, create_graph, accumulate=False)
    results = []
    for i, (target, value) in enumerate(zip(targets, found, strict=True)):
        if value is None and materialize_grads:
            if edges[i]:
                raise RuntimeError(
                    "materialize_grads cannot be used when the given input is a GradientEdge"
                )
            xp: Any = backend_of(target._array)
            value = xp.zeros_like(target._array)
        elif value is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the "
                "graph. Set allow_unused=True if this is the desired behavior."
            )
        if value is not None and not isinstance(value, Variable):
            value = target._wrap(value)
        results.append(value)
    return tuple(results)

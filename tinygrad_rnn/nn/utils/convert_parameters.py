"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ...ops.joining import cat
from ...tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after the other, as one vector (n), in the graph.

    Raises ValueError if there are none.

    >>> nn.utils.parameters_to_vector(nn.Linear(2, 3).parameters()).shape
    torch.Size([9])
    """
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parts of a vector (n) the values of the parameters: they share its memory.

    Raises TypeError if vec is no tensor, RuntimeError if it is too short.

    >>> layer = nn.Linear(2, 1)
    >>> nn.utils.vector_to_parameters(torch.arange(3.0), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[0.0, 1.0]], [2.0])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for p in parameters:
        part = vec[start : start + p.numel()]
        if part.numel() < p.numel():
            raise RuntimeError(
                f"shape '{list(p.shape)}' is invalid for input of size {part.numel()}: the vector "
                f"of {vec.numel()} elements is too short for the parameters"
            )
        p.data = part.view(p.shape).detach()
        start += p.numel()

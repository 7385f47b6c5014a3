"""`checkpoint`: memory for time, under PyTorch's name. `autograd.checkpoint` does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.checkpoint import (
    CheckpointError as CheckpointError,
    checkpoint as checkpoint,
    noop_context_fn as noop_context_fn,
)
from ..autograd.hints import told
from ..nn.containers import Sequential


@told
def checkpoint_sequential(
    functions: Sequential | Sequence[Callable[[Any], Any]],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """Functions, or the modules of a Sequential, one on the result of the other, in as many
    segments. Each but the last is a `checkpoint`: only what goes into it is kept. input has the
    shape that the first takes, the result that of the last.

    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    >>> torch.utils.checkpoint.checkpoint_sequential(net, 2, torch.ones(3, 2)).shape
    torch.Size([3, 1])
    """
    parts = list(functions)
    if not 1 <= segments <= max(len(parts), 1):
        raise ValueError(
            f"checkpoint_sequential: segments must be from 1 to the number of functions "
            f"({len(parts)}), but got {segments}"
        )
    for number, part in enumerate(parts):
        if not callable(part):
            kind = type(part).__name__
            raise TypeError(f"checkpoint_sequential: function {number} is {kind}, not callable")
    size = len(parts) // segments

    def run(some: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        def forward(x: Any) -> Any:
            for part in some:
                x = part(x)
            return x

        return forward

    for i in range(segments - 1):
        some = run(parts[i * size : (i + 1) * size])
        input = checkpoint(some, input, preserve_rng_state=preserve_rng_state)
    return run(parts[(segments - 1) * size :])(input)

"""Hooks for what operations save for the backward pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .grad_mode import Mode

Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class _Here(threading.local):
    pairs: tuple[Pair, ...] = ()
    refusal = ""  # the message of disable_saved_tensors_hooks


class _Packing:
    """How many pairs of hooks are set, in any thread: what each recorded operation asks first."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


_here = _Here()
packing = _Packing()


def innermost() -> Pair | None:
    """The hooks that this thread set last."""
    return _here.pairs[-1] if _here.pairs else None


class saved_tensors_hooks(Mode):
    """A pair of hooks for each tensor, of any shape, that operations inside the block save for
    backward: ``pack_hook(tensor)`` is called when it is saved, and what it returned is given to
    ``unpack_hook`` when backward needs the tensor again.

    The hooks run without recording. Changes in place of a packed tensor are not noticed. Only the
    innermost pair is called. Raises RuntimeError inside of `disable_saved_tensors_hooks`.

    >>> sizes = []
    >>> hooks = (lambda t: (sizes.append(t.numel()), t)[1], lambda t: t)
    >>> with torch.autograd.graph.saved_tensors_hooks(*hooks):
    ...     y = torch.ones(3, requires_grad=True) ** 2
    >>> sizes
    [3]
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        super().__init__()
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def _switch(self) -> tuple[Pair, ...]:
        if _here.refusal:
            raise RuntimeError(_here.refusal)
        before = _here.pairs
        _here.pairs = (*before, (self.pack_hook, self.unpack_hook))
        packing.count += 1
        return before

    def _restore(self, before: tuple[Pair, ...]) -> None:
        _here.pairs = before
        packing.count -= 1


class save_on_cpu(saved_tensors_hooks):
    """Keep what operations inside the block save, tensors of any shape, in the host's memory, and
    bring it back for backward: it takes less of a GPU's memory, and longer.

    Args:
        pin_memory: whether GPUs are to read that memory by themselves.
        device_type: for PyTorch's signature, without an effect.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.save_on_cpu():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 2.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Any) -> tuple[Any, Any]:
            copy = tensor.detach().to("cpu", copy=True)
            return tensor.device, copy.pin_memory() if pin_memory and tensor.is_cuda else copy

        super().__init__(pack, lambda packed: packed[1].to(packed[0]))


class disable_saved_tensors_hooks(Mode):
    """Inside the block, to set hooks is a RuntimeError with this message.

    >>> with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     with torch.autograd.graph.save_on_cpu(): pass
    Traceback (most recent call last):
    RuntimeError: not here
    """

    def __init__(self, error_message: str) -> None:
        super().__init__()
        self.error_message = error_message

    def _switch(self) -> str:
        if _here.pairs:
            raise RuntimeError(self.error_message)
        before, _here.refusal = _here.refusal, self.error_message
        return before

    def _restore(self, before: str) -> None:
        _here.refusal = before

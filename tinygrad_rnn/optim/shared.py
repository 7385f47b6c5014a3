"""What optimizers share: the checks of their options, and parts of their steps."""

from __future__ import annotations

from typing import Any

from ..backends import Array
from ..backends.capture import host_numbers
from ..creation import full
from ..dtypes import float32, float64, get_default_dtype
from ..tensor import Tensor
from .optimizer import Group, State

# ----- options -----


def at_least_zero(label: str, value: Any) -> None:
    """Raise ValueError for a number below 0, TypeError for what is no number."""
    if not isinstance(value, int | float | Tensor):
        raise TypeError(f"Invalid {label}: expected a number, got {type(value).__name__}")
    if not value >= 0:
        raise ValueError(f"Invalid {label}: {value}, expected a number >= 0")


def check_common(
    lr: Any,
    weight_decay: Any,
    differentiable: bool,
    foreach: bool | None = None,
    fused: bool | None = None,
) -> None:
    """The checks of options that all optimizers share."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError(f"Tensor lr must be 1-element, got shape {list(lr.shape)}")
    at_least_zero("learning rate", lr)
    at_least_zero("weight_decay value", weight_decay)
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        raise NotImplementedError(
            "differentiable=True is not supported: to differentiate through a step, write it in "
            "tensor operations"
        )


def check_betas(betas: Any) -> None:
    """Raise unless betas are a pair of numbers in [0, 1)."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise TypeError(f"Invalid betas: expected a pair of numbers, got {betas!r}")
    for place, beta in enumerate(betas):
        if not 0 <= beta < 1:
            raise ValueError(
                f"Invalid beta parameter at index {place}: {beta}, expected 0 <= beta < 1"
            )


# ----- steps -----


def directed(grad: Array, x: Array, group: Group) -> Array:
    """The gradient of what is to be minimised: turned round for `maximize`, plus weight decay.

    It is the given array if there is neither.
    """
    decay = float(group["weight_decay"])
    if group["maximize"]:
        grad = -grad
    if not decay:
        return grad
    result = x * decay
    result += grad
    return result


def decayed(grad: Array, x: Array, group: Group) -> Array:
    """`directed`; where decoupled_weight_decay is set without the decay, see `shrink`."""
    if not group["decoupled_weight_decay"]:
        return directed(grad, x, group)
    return -grad if group["maximize"] else grad


def shrink(x: Array, group: Group) -> None:
    """Weight decay in place, where decoupled_weight_decay is set. Right before x makes its step:
    if memory runs out before, x is as it was."""
    if group["decoupled_weight_decay"] and group["weight_decay"]:
        decay = float(group["weight_decay"])
        (kept,) = host_numbers(lambda: (1 - float(group["lr"]) * decay,), 1, x)
        x *= kept


def scalar(value: float) -> Tensor:
    """A number of the state as a tensor on the CPU: float32 unless float64 is the default."""
    wide = get_default_dtype() is float64
    return full((), value, dtype=float64 if wide else float32, device="cpu")


def count_step(state: State) -> int:
    """Add 1 to the state's "step", which is a tensor as in PyTorch, and return it."""
    step = state["step"] if "step" in state else scalar(0.0)
    state["step"] = step + 1
    return int(state["step"])


def average_in(average: Array, new: Array, kept: float) -> None:
    """Make a running average kept * average + (1 - kept) * new, in place."""
    average *= kept
    average += new * (1 - kept)

"""Gradients kept from exploding: clipping works on `.grad` in place and outside of autograd.

Parameters without a gradient are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from ...backends import Array, backend_of, is_host, move
from ...creation import zeros
from ...dtypes import float32
from ...tensor import Tensor
from ...warning import warn

Tensors = Tensor | Iterable[Tensor]


def _listed(parameters: Tensors) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _gradients(parameters: Tensors) -> list[Tensor]:
    """The gradients that there are."""
    found = _listed(parameters)
    if not found and isinstance(parameters, Iterator):
        warn(
            "`parameters` is an empty generator, no gradient clipping will occur: was it used up "
            "before? model.parameters() is good for one loop"
        )
    return [p.grad for p in found if p.grad is not None]


# ----- norms -----


def _norm(array: Array, order: float) -> Array:
    """The norm of all elements, 0-d."""
    xp: Any = backend_of(array)
    x = array.astype(float32.array) if array.dtype.itemsize == 2 else array
    if order == 2:
        flat = x.ravel("A")  # no copy of what is contiguous, in either order
        norm = xp.sqrt(xp.matmul(flat, flat))
    elif order == math.inf:
        norm = xp.absolute(x).max()
    elif order == -math.inf:
        norm = xp.absolute(x).min()
    elif order == 0:
        norm = (x != 0).sum()
    else:
        norm = (xp.absolute(x) ** order).sum() ** (1 / order)
    return norm.astype(array.dtype)


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of all tensors, as a scalar tensor; 0 if there are none.

    Args:
        norm_type: p for (sum |x| ** p) ** (1 / p), inf for the largest magnitude.
        error_if_nonfinite: raise RuntimeError if the norm is infinite or nan.
        foreach: accepted for PyTorch's sake; there is one way to compute it.

    Raises RuntimeError for integer tensors.

    >>> nn.utils.get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])])
    tensor(5.)
    """
    norm_type = float(norm_type)
    found = [t for t in _listed(tensors) if t._array.size]
    for t in found:
        if not t.is_floating_point():
            raise RuntimeError(
                f"get_total_norm: expected floating tensors, got one of {t.dtype}; convert with "
                ".float()"
            )
    if not found:
        return zeros(())
    first = found[0]
    xp: Any = backend_of(first._array)
    norms = [move(_norm(t._array, norm_type), first.device) for t in found]
    total = _norm(xp.stack(norms), norm_type)
    if error_if_nonfinite and not bool(xp.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. To disable this error and scale the gradients by the "
            "non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return first._wrap(total)


# ----- clipping -----


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients, of any shape, by max_norm / (total_norm + 1e-6), if that is below 1.

    A nan or infinite total_norm, a scalar, makes gradients nan or 0. max_norm=inf changes nothing.

    >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> nn.utils.clip_grads_with_norm_(x, 5.0, nn.utils.get_total_norm(x.grad))
    >>> x.grad
    tensor([3.0000, 4.0000])
    """
    _scale(_gradients(parameters), float(max_norm), total_norm)


def _scale(grads: list[Tensor], max_norm: float, total_norm: Tensor) -> None:
    if max_norm == math.inf:  # no norm is larger; inf / inf would make nan of all gradients
        return
    total = total_norm._array
    if total.size != 1:
        raise RuntimeError(f"total_norm must be a scalar, but has shape {list(total.shape)}")
    xp: Any = backend_of(total)
    factor = xp.asarray(xp.minimum(max_norm / (total + 1e-6), 1))
    if is_host(factor) and factor >= 1:  # on a GPU, to look would be to wait for it
        return
    for grad in grads:
        array = grad._array
        array *= move(factor, grad.device).astype(array.dtype, copy=False)
        grad._changes[0] += 1


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients so that the norm of all their elements is at most max_norm (Pascanu et
    al., 2013).

    Args:
        parameters: a tensor or several, whose `.grad` are changed in place.
        max_norm: the largest norm; inf only measures, and leaves the gradients as they are.
        norm_type: p for (sum |g| ** p) ** (1 / p), inf for the largest magnitude.
        error_if_nonfinite: raise RuntimeError if the norm is infinite or nan; otherwise all
            gradients become 0 or nan.
        foreach: accepted for PyTorch's sake; there is one way to compute it.

    Returns the norm before, as a 0-d tensor.

    >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> nn.utils.clip_grad_norm_(x, max_norm=5.0), x.grad
    (tensor(10.), tensor([3.0000, 4.0000]))
    """
    grads = _gradients(parameters)
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    _scale(grads, float(max_norm), total)
    return total


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of `clip_grad_norm_`, with its scalar as result; warns.

    >>> import warnings
    >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> with warnings.catch_warnings(action="ignore"):
    ...     print(nn.utils.clip_grad_norm([x], 1.0))
    tensor(10.)
    """
    warn(
        "`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.",
        FutureWarning,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Move each element of all gradients into [-clip_value, clip_value].

    >>> x = torch.tensor([3.0, -4.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> nn.utils.clip_grad_value_(x, 7.0)
    >>> x.grad
    tensor([ 6., -7.])
    """
    limit = float(clip_value)
    for grad in _gradients(parameters):
        xp: Any = backend_of(grad._array)
        xp.clip(grad._array, -limit, limit, out=grad._array)
        grad._changes[0] += 1

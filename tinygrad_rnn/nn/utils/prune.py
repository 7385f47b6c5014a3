"""Pruning: parameters of which a mask keeps some elements at zero.

A pruned parameter `weight` is kept as the parameter weight_orig and the buffer weight_mask; before
each call of the module the attribute weight is made anew, their product. Pruned once more, more of
its elements become zero.

    prune.l1_unstructured(model.fc, "weight", amount=0.3)
    prune.remove(model.fc, "weight")  # an ordinary parameter again, with zeros
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ...autograd.hints import told
from ...creation import ones_like
from ...tensor import Tensor
from ..module import Module
from .convert_parameters import parameters_to_vector
from .pruning import (
    BasePruningMethod as BasePruningMethod,
    CustomFromMask as CustomFromMask,
    Identity as Identity,
    L1Unstructured as L1Unstructured,
    LnStructured as LnStructured,
    PruningContainer as PruningContainer,
    RandomStructured as RandomStructured,
    RandomUnstructured as RandomUnstructured,
    hook_number,
)

M = TypeVar("M", bound=Module)

for _class in (
    BasePruningMethod, CustomFromMask, Identity, L1Unstructured, LnStructured, PruningContainer,
    RandomStructured, RandomUnstructured,
):  # fmt: skip
    _class.__module__ = __name__  # as it is printed


@told
def identity(module: M, name: str) -> M:
    """Give a parameter, of any shape, a mask of ones. Returns the module.

    >>> layer = nn.utils.prune.identity(nn.Linear(2, 3), "bias")
    >>> [name for name, _ in layer.named_buffers()]
    ['bias_mask']
    """
    Identity.apply(module, name)
    return module


@told
def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune elements of a parameter, of any shape, at random. Returns the module.

    Args:
        amount: how many, or which fraction, of what is not pruned yet.

    Raises ValueError for an amount below 0 or above all, AttributeError without the parameter.

    >>> layer = nn.utils.prune.random_unstructured(nn.Linear(2, 3), "weight", amount=2)
    >>> layer.weight_mask.sum()
    tensor(4.)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


@told
def l1_unstructured(
    module: M, name: str, amount: float, importance_scores: Tensor | None = None
) -> M:
    """Prune the elements of a parameter, of any shape, with the smallest magnitude. Returns the
    module.

    Args:
        amount: how many, or which fraction, of what is not pruned yet.
        importance_scores: of the parameter's shape: what to go by instead of it.

    Raises ValueError for an amount below 0 or above all, AttributeError without the parameter.

    >>> layer = nn.Linear(3, 1)
    >>> layer.weight.data = torch.tensor([[3.0, -1.0, 2.0]])
    >>> nn.utils.prune.l1_unstructured(layer, "weight", amount=1).weight_mask
    tensor([[1., 0., 1.]])
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


@told
def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune slices of a parameter, of two dimensions or more, along dim at random. Returns the
    module.

    Args:
        amount: how many, or which fraction, of what is not pruned yet.

    Raises ValueError for an amount below 0 or above all and for a vector, IndexError for a wrong
    dim, AttributeError without the parameter.

    >>> layer = nn.utils.prune.random_structured(nn.Linear(2, 3), "weight", amount=1, dim=0)
    >>> layer.weight_mask.sum()
    tensor(4.)
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


@told
def ln_structured(
    module: M, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> M:
    """Prune the slices of a parameter, of two dimensions or more, along dim with the smallest
    n-norm. Returns the module.

    Args:
        amount: how many, or which fraction, of what is not pruned yet.
        n: as the p of `torch.norm`.
        importance_scores: of the parameter's shape: what to go by instead of it.

    Raises ValueError for an amount below 0 or above all and for a vector, IndexError for a wrong
    dim, AttributeError without the parameter.

    >>> layer = nn.Linear(2, 2)
    >>> layer.weight.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> nn.utils.prune.ln_structured(layer, "weight", amount=0.5, n=2, dim=0).weight_mask
    tensor([[0., 0.],
            [1., 1.]])
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


@told
def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune the elements of several parameters, of any shapes, as if they were one vector.

    Args:
        parameters: pairs of a module and the name of its parameter.
        pruning_method: a class of the PRUNING_TYPE "unstructured".
        importance_scores: what to go by instead of the parameters, for pairs of which it differs.
        kwargs: for the method: ``amount=0.2``.

    Raises TypeError for parameters that are not iterable and for a method of another type,
    AttributeError for a parameter that a module does not have.

    >>> layer = nn.Linear(3, 3)
    >>> pairs = [(layer, "weight"), (layer, "bias")]
    >>> nn.utils.prune.global_unstructured(pairs, nn.utils.prune.L1Unstructured, amount=0.5)
    >>> int((layer.weight == 0).sum() + (layer.bias == 0).sum())
    6
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, Mapping):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = [_pair(given) for given in parameters]
    tensors = [getattr(module, name) for module, name in pairs]
    for (module, name), tensor in zip(pairs, tensors, strict=True):
        if not isinstance(tensor, Tensor):
            raise AttributeError(
                f"global_unstructured(): {type(module).__name__}.{name} must be Tensor, not "
                f"{type(tensor).__name__}"
            )
    masks = [
        getattr(module, f"{name}_mask", ones_like(tensor))
        for (module, name), tensor in zip(pairs, tensors, strict=True)
    ]
    method: Any = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    method._tensor_name = "all"
    rated = [scores.get(pair, tensor) for pair, tensor in zip(pairs, tensors, strict=True)]
    mask = PruningContainer(method).compute_mask(
        parameters_to_vector(rated), parameters_to_vector(masks)
    )
    parts = mask.split([tensor.numel() for tensor in tensors])
    for (module, name), tensor, part in zip(pairs, tensors, parts, strict=True):
        custom_from_mask(module, name, part.view(tensor.shape))


def _pair(given: Any) -> tuple[Module, str]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        kind = TypeError if not isinstance(given, tuple | list) else ValueError
        raise kind(
            "global_unstructured(): expected parameters to be pairs of a module and the name of "
            f"its parameter, got {given!r}"
        )
    module, name = given
    return module, name


@told
def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune a parameter where a mask of its shape is 0. Returns the module.

    >>> layer = nn.Linear(2, 3)
    >>> nn.utils.prune.custom_from_mask(layer, "bias", torch.tensor([0, 1, 0])).bias_mask
    tensor([0., 1., 0.])
    """
    CustomFromMask.apply(module, name, mask)
    return module


@told
def remove(module: M, name: str) -> M:
    """Make a pruned parameter an ordinary one, with zeros in it. Returns the module.

    Raises ValueError if it is not pruned.

    >>> layer = nn.utils.prune.l1_unstructured(nn.Linear(2, 3), "weight", amount=2)
    >>> [name for name, _ in nn.utils.prune.remove(layer, "weight").named_parameters()]
    ['bias', 'weight']
    """
    number = hook_number(module, name)
    if number is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    method: Any = module._forward_pre_hooks.pop(number)
    method.remove(module)
    return module


@told
def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one below it, is pruned.

    >>> nn.utils.prune.is_pruned(nn.Linear(2, 3))
    False
    """
    return any(hook_number(below) is not None for below in module.modules())

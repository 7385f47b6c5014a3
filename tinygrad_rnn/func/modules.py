"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..nn.batchnorm import _BatchNorm
from ..nn.module import Module
from ..nn.utils.stateless import Tensors, functional_call as functional_call
from ..ops.joining import stack


def stack_module_state(models: Sequence[Module] | Any) -> tuple[Tensors, Tensors]:
    """(parameters, buffers) of models of one class, by name, stacked along a new first dimension:
    for `functional_call` under `vmap`. The stacked parameters are leaves.

    Raises RuntimeError for no models, for different classes, or where some are in training and
    some are not.

    >>> parameters, buffers = torch.func.stack_module_state([nn.Linear(2, 3) for _ in range(4)])
    >>> parameters["weight"].shape
    torch.Size([4, 3, 2])
    """
    if not isinstance(models, Iterable):
        raise TypeError(f"stack_module_state: models must be Modules, not {type(models).__name__}")
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    for model in models:
        if not isinstance(model, Module):
            kind = type(model).__name__
            raise TypeError(f"stack_module_state: models must be Modules, but one is {kind}")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = {
        name: stack([dict(m.named_parameters())[name].detach() for m in models]).requires_grad_(
            p.requires_grad
        )
        for name, p in models[0].named_parameters()
    }
    buffers = {
        name: stack([dict(m.named_buffers())[name] for m in models]).detach()
        for name, _ in models[0].named_buffers()
    }
    return parameters, buffers


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """The module with its batch normalizations changed in place to those of no running statistics
    (no shape changes): so that nothing is changed when it is called under `vmap`.

    >>> net = torch.func.replace_all_batch_norm_modules_(nn.Sequential(nn.BatchNorm1d(2)))
    >>> net[0].running_mean is None
    True
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root

"""Optimizers with options, and gradients for them: shared by the tests here."""

from __future__ import annotations

from typing import Any

import numpy as np

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {}),
    "SGD-decay": ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    "SGD-maximize": ("SGD", {"lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    "SGD-momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "SGD-dampening": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    "SGD-nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    "Adam": ("Adam", {}),
    "Adam-options": ("Adam", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2, "weight_decay": 0.2}),
    "Adam-amsgrad": ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    "Adam-decoupled": ("Adam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    "AdamW": ("AdamW", {"lr": 0.1}),
    "AdamW-options": ("AdamW", {"lr": 0.1, "weight_decay": 0.3, "amsgrad": True, "maximize": True}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop-options": ("RMSprop", {"lr": 0.1, "alpha": 0.5, "eps": 1e-3, "weight_decay": 0.2}),
    "RMSprop-momentum": ("RMSprop", {"momentum": 0.9, "maximize": True}),
    "RMSprop-centered": ("RMSprop", {"centered": True, "momentum": 0.5}),
    "Adagrad": ("Adagrad", {}),
    "Adagrad-options": (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.2, "initial_accumulator_value": 0.3,
         "eps": 1e-3, "maximize": True},
    ),
    "Adadelta": ("Adadelta", {}),
    "Adadelta-options": (
        "Adadelta",
        {"lr": 0.3, "rho": 0.6, "eps": 1e-2, "weight_decay": 0.2, "maximize": True},
    ),
    "Adamax": ("Adamax", {}),
    "Adamax-options": (
        "Adamax",
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2, "weight_decay": 0.2, "maximize": True},
    ),
    "NAdam": ("NAdam", {}),
    "NAdam-options": (
        "NAdam",
        {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2, "weight_decay": 0.2, "momentum_decay": 0.3},
    ),
    "NAdam-decoupled": (
        "NAdam",
        {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True, "maximize": True},
    ),
    "RAdam": ("RAdam", {}),
    "RAdam-rectified": ("RAdam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-2}),
    "RAdam-short": ("RAdam", {"lr": 0.1, "betas": (0.5, 0.6)}),
    "RAdam-options": ("RAdam", {"lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    "RAdam-decoupled": (
        "RAdam", {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True},
    ),
    "ASGD": ("ASGD", {}),
    "ASGD-options": (
        "ASGD",
        {"lr": 0.1, "lambd": 0.1, "alpha": 0.6, "weight_decay": 0.2, "maximize": True},
    ),
    "ASGD-averaging": ("ASGD", {"lr": 0.1, "t0": 1}),
    "Rprop": ("Rprop", {}),
    "Rprop-options": (
        "Rprop", {"lr": 0.1, "etas": (0.3, 1.7), "step_sizes": (0.05, 0.3), "maximize": True},
    ),
}  # fmt: skip

SHAPES = [(3, 4), (), (5,)]


def start(lib: Any, dtype: str = "float64", device: str | None = None) -> list[Any]:
    """The same parameters in either library."""
    made = []
    for number, shape in enumerate(SHAPES):
        values = np.random.default_rng(number).standard_normal(shape)
        made.append(lib.tensor(values, dtype=getattr(lib, dtype), device=device).requires_grad_())
    return made


def give_gradients(lib: Any, params: list[Any], step: int) -> None:
    """The same gradients in either library, none for the last parameter in every second step."""
    for number, param in enumerate(params):
        values = np.random.default_rng([step, number]).standard_normal(tuple(param.shape))
        param.grad = lib.tensor(values, dtype=param.dtype, device=param.device)
    if step % 2:
        params[-1].grad = None


def run(lib: Any, optimizer: Any, params: list[Any], steps: range) -> list[np.ndarray]:
    """The parameters after some steps."""
    for step in steps:
        give_gradients(lib, params, step)
        optimizer.step()
    return [p.detach().cpu().numpy() for p in params]

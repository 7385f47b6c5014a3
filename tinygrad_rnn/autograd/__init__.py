"""Reverse-mode differentiation: the graph, the engine, and how operations are declared."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import functional as functional, variable as variable
from .anomaly import (
    detect_anomaly as detect_anomaly,
    is_anomaly_enabled as is_anomaly_enabled,
    set_detect_anomaly as set_detect_anomaly,
)
from .api import backward as backward, grad as grad
from .function import (
    Function as Function,
    FunctionCtx as FunctionCtx,
    once_differentiable as once_differentiable,
)
from .grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .gradcheck import (
    GradcheckError as GradcheckError,
    gradcheck as gradcheck,
    gradgradcheck as gradgradcheck,
)
from .graph import (
    Kept as Kept,
    Leaf as Leaf,
    Node as Node,
    Record as Record,
    Variable as Variable,
    View as View,
)
from .primitive import (
    Primitive as Primitive,
    current_edge as current_edge,
    named as named,
    primitive as primitive,
)
from .products import Products as Products

if TYPE_CHECKING:
    from . import profiler as profiler


def __getattr__(name: str) -> Any:
    if name == "profiler":  # imported when it is first asked for: most programs do without
        return importlib.import_module(".profiler", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

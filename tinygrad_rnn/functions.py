"""Small functions of tensors that are not operations, and PyTorch's constants."""

from __future__ import annotations

import math
from typing import Any

from .autograd import Variable

pi, e, inf, nan = math.pi, math.e, math.inf, math.nan


def is_tensor(obj: object) -> bool:
    """Whether this is a tensor."""
    return isinstance(obj, Variable)


def is_floating_point(input: Any) -> bool:
    """Whether the tensor's dtype is a floating one."""
    return input.is_floating_point()


def numel(input: Any) -> int:
    """The number of elements."""
    return input.numel()

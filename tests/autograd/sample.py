"""What a gradient sample is; the samples themselves are in `samples.py` and beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Sample:
    name: str
    call: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    low: float = -1.0
    high: float = 1.0
    half: bool = True  # whether it is for float16, too


def S(name: str, call: Callable[..., Any], *shapes: tuple[int, ...], **limits: float) -> Sample:
    return Sample(name, call, shapes, **limits)


def on(like: Any, constant: Any) -> Any:
    """A constant on the device of an input."""
    return constant.to(like.device)


POSITIVE = {"low": 0.2, "high": 2.0}

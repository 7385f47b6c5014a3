"""Modules as text, and how messages call what was given in place of one."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from ..tensor import Tensor

if TYPE_CHECKING:
    from .module import Module


def block(module: Module, children: list[str]) -> str:
    """The text of a module: its name, and in parentheses its own part and its children's."""
    own = module.extra_repr().splitlines()
    text = "\n".join(own + children)
    if children or len(own) > 1:
        text = f"\n{indent(text, '  ')}\n"
    return f"{type(module).__name__}({text})"


def kind_of(value: object) -> str:
    """The name of a value's type for messages, as PyTorch writes it: torch.FloatTensor, int."""
    if isinstance(value, Tensor):
        return value.type()
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")

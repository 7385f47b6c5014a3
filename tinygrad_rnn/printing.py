"""How a tensor looks in the terminal: PyTorch's ``repr``, character for character.

This room knows values, not tensors: the caller hands over a host array and says what it stands for.
The rules were read off PyTorch 2.13's output; each is named where it is applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, TypeAlias

Tree: TypeAlias = Any
"""What is shown, as nested lists: numbers at the leaves, ``...`` where entries are left out."""


class HostArray(Protocol):
    """What is asked of an array: a shape, its rows, and its numbers as Python's own."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __getitem__(self, index: int, /) -> Any: ...
    def tolist(self) -> Any: ...


# ---- options ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PrintOptions:
    """The options of ``torch.set_printoptions``, with its defaults."""

    precision: int = 4  # digits after the point
    threshold: float = 1000  # tensors with more elements than this are abridged
    edgeitems: int = 3  # entries kept at either end of an abridged dimension
    linewidth: int = 80
    sci_mode: bool | None = None  # None: decided by the values


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
_options = _PROFILES["default"]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors are printed; what is None stays, or is taken from `profile` if given.

    As in PyTorch, `sci_mode` alone does not stay: every call sets it anew, None meaning automatic.

    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1 / 3])
    tensor([0.33])
    >>> torch.set_printoptions(profile="default")
    """
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
    asked: dict[str, Any] = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    changes = {option: value for option, value in asked.items() if value is not None}
    base = _options if profile is None else _PROFILES[profile]
    _options = replace(base, **changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force; ``set_printoptions(**get_printoptions())`` changes nothing.

    >>> torch.get_printoptions()["precision"]
    4
    """
    return asdict(_options)


# ---- the whole ----------------------------------------------------------------------------------


def format_tensor(
    values: HostArray,
    *,
    dtype: str,
    default_dtype: str,
    device: str = "cpu",
    requires_grad: bool = False,
    grad_fn: str | None = None,
    name: str = "tensor",
) -> str:
    """The text of a tensor: ``name(values, device=..., size=..., dtype=..., grad_fn=...)``.

    Later lines are indented to stand under the first value, whatever the length of `name`.

    Args:
        values: the numbers, in host memory.
        dtype: the tensor's data type, such as ``"float32"``.
        default_dtype: the floating-point type that goes without saying.
        device: shown unless it is ``"cpu"``.
        requires_grad: shown for a leaf, that is where there is no `grad_fn`.
        grad_fn: the name of the graph node that made the tensor, such as ``"AddBackward0"``.
        name: what stands before the parenthesis.
    """
    shape, indent = values.shape, len(name) + 1
    empty = math.prod(shape) == 0
    # Integers and booleans go without saying too, but only where there are values to tell by.
    implied = {default_dtype} if empty else {default_dtype, "int64", "bool"}
    suffixes = []
    if device != "cpu":
        suffixes.append(f"device='{device}'")
    # The shape, where the brackets cannot tell it: "[]" alone means (0,), "[...]" may be anything.
    if (len(shape) != 1) if empty else (_options.edgeitems == 0):
        suffixes.append(f"size={tuple(shape)}")
    if dtype not in implied:
        suffixes.append(f"dtype=torch.{dtype}")
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    body = "[]" if empty else _format_values(values, indent, _options)
    return _append_suffixes(f"{name}({body}", suffixes, indent, _options.linewidth) + ")"


def _append_suffixes(text: str, suffixes: list[str], indent: int, linewidth: int) -> str:
    """Add each suffix to the last line of `text`, or below it where it would not fit."""
    # PyTorch keeps room for two characters after the values, none after a suffix it moved down.
    used = len(text) - (text.rfind("\n") + 1) + 2
    for suffix in suffixes:
        if used + 2 + len(suffix) > linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += 2 + len(suffix)
    return text


def _format_values(values: HostArray, indent: int, options: PrintOptions) -> str:
    """The numbers in brackets, abridged above `threshold`, one format and width for all shown."""
    ndim = len(values.shape)
    abridged = math.prod(values.shape) > options.threshold
    tree = _abridge(values, options.edgeitems) if abridged else values.tolist()
    spec, width = _choose_format(list(_leaves(tree)), options)
    # A gap is as wide as its dots; the space that sets it off is missing where it stands alone.
    gap = " ..." if options.edgeitems else "..."

    def cell(value: Tree) -> str:
        return gap if value is ... else format(value, spec).rjust(width)

    room = options.linewidth - (indent + ndim - 1)  # every dimension but the last opens a bracket
    per_line = max(1, room // (width + len(", ")))
    return _nest(tree, ndim, indent, cell, per_line) if ndim else cell(tree)


# ---- numbers ------------------------------------------------------------------------------------


def _choose_format(shown: list[Any], options: PrintOptions) -> tuple[str, int]:
    """The format specification for the numbers `shown`, and the width they are padded to.

    Floats are judged by the finite ones that are not zero: scientific if they lie far apart, or any
    is huge or tiny; else ``1.`` if all are whole; else fixed. Only these set the width, so
    zeros, infinities and NaN may stick out, as they do in PyTorch.
    """
    if not (shown and isinstance(shown[0], float)):
        return "", max((len(str(x)) for x in shown), default=1)
    judged = [x for x in shown if math.isfinite(x) and x != 0]
    if not judged:
        return "#.0f", 1  # even where sci_mode asks for more; "#" keeps the point of "1."
    low, high = min(map(abs, judged)), max(map(abs, judged))
    scientific = options.sci_mode
    if scientific is None:
        scientific = high / low > 1000 or high > 1e8 or low < 1e-4
    if scientific:
        spec = f".{options.precision}e"
    else:
        spec = "#.0f" if all(x.is_integer() for x in judged) else f".{options.precision}f"
    return spec, max(len(format(x, spec)) for x in judged)


# ---- layout -------------------------------------------------------------------------------------


def _abridge(values: HostArray, edge: int) -> Tree:
    """The numbers as nested lists, dimensions longer than ``2 * edge`` cut to their two ends."""
    if not values.shape:
        return values.tolist()
    size = values.shape[0]
    if size <= 2 * edge:
        return [_abridge(values[i], edge) for i in range(size)]
    head = [_abridge(values[i], edge) for i in range(edge)]
    tail = [_abridge(values[i], edge) for i in range(size - edge, size)]
    return [*head, ..., *tail]


def _leaves(tree: Tree) -> Iterator[Any]:
    """The numbers of `tree`, without its gaps."""
    if isinstance(tree, list):
        for branch in tree:
            yield from _leaves(branch)
    elif tree is not ...:
        yield tree


def _nest(tree: Tree, ndim: int, indent: int, cell: Callable[[Tree], str], per_line: int) -> str:
    """`tree` in brackets: `per_line` numbers to a line, ``ndim - 2`` blank lines between blocks."""
    if ndim == 1:
        cells = [cell(value) for value in tree]
        parts = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    else:
        parts = [
            "..." if part is ... else _nest(part, ndim - 1, indent + 1, cell, per_line)
            for part in tree
        ]
    newlines = "\n" * max(1, ndim - 1)
    return "[" + ("," + newlines + " " * (indent + 1)).join(parts) + "]"

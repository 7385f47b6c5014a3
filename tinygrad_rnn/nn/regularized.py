"""What RNN, GRU, LSTM and their cells can do beyond PyTorch's: options, and the random masks that
some of them need. The masks are drawn once per call, never inside a step."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

from ..dtypes import bool_
from ..ops import random
from ..tensor import Tensor
from . import init
from .functional import dropout
from .module import Module
from .steps import Activation


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_probability(name: str, p: Any, of: str) -> None:
    """Raise ValueError unless p is a number from 0 to 1; `of` says what it is the probability of
    an element to do."""
    if not _is_number(p) or not 0 <= p <= 1:
        raise ValueError(
            f"{name} should be a number in range [0, 1] representing the probability of an element "
            f"{of}, got {p!r}"
        )


@dataclass(frozen=True)
class Options:
    """The options of a recurrent layer or cell, all off by default; `LSTM` and `GRU` say what they
    mean. Raises TypeError and ValueError for values that make no sense."""

    layer_norm: bool = False
    recurrent_dropout: float = 0.0
    zoneout: float | tuple[float, float] = 0.0
    weight_drop: float = 0.0
    reset_after: bool = True
    forget_bias: float | None = None

    def __post_init__(self) -> None:
        for name in ("layer_norm", "reset_after"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
        check_probability("recurrent_dropout", self.recurrent_dropout, "being zeroed")
        check_probability("weight_drop", self.weight_drop, "being zeroed")
        for p in self.zoneout if isinstance(self.zoneout, tuple | list) else (self.zoneout,):
            check_probability("zoneout", p, "keeping its old value")
        if self.forget_bias is not None and not _is_number(self.forget_bias):
            raise TypeError(
                f"forget_bias should be a number or None, got: {type(self.forget_bias).__name__}"
            )

    def stock(self, training: bool) -> bool:
        """Whether a step is PyTorch's own, and nothing in it random."""
        return self._stock[training]

    @cached_property
    def _stock(self) -> tuple[bool, bool]:
        trained = replace(self, forget_bias=None)
        return replace(trained, recurrent_dropout=0.0, weight_drop=0.0) == STOCK, trained == STOCK

    def check(self, name: str, gates: int, bias: bool) -> None:
        """Raise ValueError for what does not apply to a layer or cell of that name."""
        if isinstance(self.zoneout, tuple | list):
            if gates != 4:
                raise ValueError(
                    f"zoneout: a pair (cell, hidden) is for an LSTM; {name} has one state: give "
                    f"one number, got {self.zoneout!r}"
                )
            if len(self.zoneout) != 2:
                raise ValueError(
                    f"zoneout should be a number or a pair (cell, hidden), got {self.zoneout!r}"
                )
        if self.forget_bias is not None and not bias:
            raise ValueError("forget_bias is a value for a bias, but with bias=False there is none")

    def kept(self, parts: int) -> tuple[float, ...]:
        """Zoneout's probability for each part of the state: h, and c of an LSTM."""
        if isinstance(self.zoneout, tuple | list):
            return tuple(reversed(self.zoneout))
        return (self.zoneout,) * parts


STOCK = Options()


def options_repr(options: Options, activation: Activation | None) -> str:
    """Those that are on, as arguments: ", layer_norm=True"."""
    parts = {field.name: getattr(options, field.name) for field in fields(options)}
    if activation is not None and not isinstance(activation, Module):  # which is shown as a child
        parts["activation"] = getattr(activation, "__name__", activation)
    return "".join(
        f", {name}={value}" for name, value in parts.items() if value != getattr(STOCK, name, None)
    )


def check_activation(activation: Any, nonlinearity: str = "tanh") -> Activation | None:
    """The activation itself. Raises TypeError unless it is a function or None, ValueError if the
    nonlinearity asks for another one."""
    if activation is not None and not callable(activation):
        raise TypeError(
            "activation should be a function of a Tensor, such as F.silu, got: "
            f"{type(activation).__name__}"
        )
    if activation is not None and nonlinearity != "tanh":
        raise ValueError(
            f"nonlinearity='{nonlinearity}' and activation: give one of the two, as activation "
            "takes the nonlinearity's place"
        )
    return activation


# ----- masks -----


class Masks(NamedTuple):
    """What is random in one pass of a cell over a sequence.

    Attributes:
        hidden: factors of h on its way into the recurrent product, (batch, size of h), the same
            at all steps: 0 or 1 / (1 - p).
        weight: factors of weight_hh, in its shape: 0 or 1 / (1 - p).
        zoneout: for each part of the state, h first, bool (steps, batch, size): where it keeps
            its old value; or a number, the share of the old value in the new one.
    """

    hidden: Tensor | None = None
    weight: Tensor | None = None
    zoneout: tuple[Tensor | float, ...] = ()

    def at(self, step: int) -> Masks:
        """Those of one step, for a cell that is called step by step."""
        parts = (z[step] if isinstance(z, Tensor) else z for z in self.zoneout)
        return self._replace(zoneout=tuple(parts))


NO_MASKS = Masks()


def draw_masks(
    options: Options,
    weight_hh: Tensor,
    sizes: tuple[int, ...],
    lead: tuple[int, ...],
    training: bool,
) -> Masks:
    """New masks for a state of the given sizes; lead is (steps, batch), or (batch,) for one step.

    They come from the library's generator, in the order of the fields of `Masks`. Outside of
    training there are none; zoneout then has its expectation.
    """
    kept = options.kept(len(sizes))
    if not training:
        return Masks(zoneout=kept if any(kept) else ())

    def factors(p: float, *shape: int) -> Tensor | None:
        return dropout(weight_hh.new_ones(shape), p) if p else None

    hidden = factors(options.recurrent_dropout, lead[-1], sizes[0])
    weight = factors(options.weight_drop, *weight_hh.shape)
    if not any(kept):
        return Masks(hidden, weight)
    zoneout = tuple(
        random.bernoulli(weight_hh.new_empty((*lead, size), dtype=bool_), p)
        for size, p in zip(sizes, kept, strict=True)
    )
    return Masks(hidden, weight, zoneout)


# ----- parameters -----


def parameter_shapes(
    gates: int, input_size: int, hidden_size: int, bias: bool, layer_norm: bool, proj_size: int = 0
) -> dict[str, tuple[int, ...] | None]:
    """The parameters of one layer and direction in the order of the state dict; None: it has none
    of that name."""
    rows, lstm = gates * hidden_size, gates == 4
    return {
        "weight_ih": (rows, input_size),
        "weight_hh": (rows, proj_size or hidden_size),
        "bias_ih": (rows,) if bias else None,
        "bias_hh": (rows,) if bias else None,
        "weight_hr": (proj_size, hidden_size) if proj_size else None,
        "gain_ih": (rows,) if layer_norm else None,
        "gain_hh": (rows,) if layer_norm else None,
        "gain_c": (hidden_size,) if layer_norm and lstm else None,
        "bias_c": (hidden_size,) if layer_norm and lstm and bias else None,
    }


def reset(module: Module, hidden_size: int, forget_bias: float | None) -> None:
    """Draw a module's own weights and biases from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), in
    their order; gains become 1, the bias behind them 0, and the biases of the forget gate add up
    to forget_bias, if that is given."""
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for name, parameter in module.named_parameters(recurse=False):
        if name.startswith(("gain", "bias_c")):
            init.constant_(parameter, float(name.startswith("gain")))
            continue
        init.uniform_(parameter, -bound, bound)
        if forget_bias is not None and name.startswith("bias"):
            forget = parameter.data[hidden_size : 2 * hidden_size]
            init.constant_(forget, forget_bias if name.startswith("bias_ih") else 0.0)

"""Where in a model a nan or an infinity appears first: in which layer, at which time step."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from ..autograd import no_grad
from ..autograd.hints import told
from ..nn import Module, Recurrent, RNNBase
from ..tensor import Tensor


class Nonfinite(NamedTuple):
    """A place in a model where a nan or an infinity is; as a string, in words.

    >>> str(torch.utils.Nonfinite("state", "rnn", layer=1, step=7))
    'the state of rnn, layer 1, time step 7'

    Attributes:
        what: "parameter", "input", "state" or "output".
        name: of the module or the parameter in the model; "" for the model itself.
        layer: of a recurrent layer's state: layer * directions + direction.
        step: the time step of a state or an output, if it is known.
    """

    what: str
    name: str = ""
    layer: int | None = None
    step: int | None = None

    def __str__(self) -> str:
        of = f"the {self.what} of {str(self.name) or 'the model'}"
        if str(self.what) == "parameter":
            of = f"the parameter {self.name}"
        layer = "" if self.layer is None else f", layer {self.layer}"
        return of + layer + ("" if self.step is None else f", time step {self.step}")


class _Found(Exception):
    """Ends the forward pass."""

    def __init__(self, place: Nonfinite) -> None:
        self.place = place


@told
def find_nonfinite(
    model: Module, *args: Any, time_dim: int | None = None, **kwargs: Any
) -> Nonfinite | None:
    """Where ``model(*args, **kwargs)`` first computes a nan or an infinity; None if nowhere.

    A loss has become nan: call it with what the model was called with (and for a model that draws
    numbers, in the state of `get_rng_state` that it had then). The parameters are looked at first,
    then the input, then what each module puts out, in the order of computation; of recurrent
    layers (RNN, GRU, LSTM, Recurrent) the state of each layer behind each step. Nothing is
    recorded. It takes longer than a call, as recurrent layers run step by step.

    Args:
        model: any module; the names are those of its `named_modules`.
        args, kwargs: what it is called with, tensors of any shapes, in containers too.
        time_dim: which dimension of what the other modules put out is the time, if one is.

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    >>> _ = nn.init.constant_(model[0].weight, 1e38)
    >>> x = torch.tensor([[1.0, 1.0], [9.0, 9.0]])
    >>> print(torch.utils.find_nonfinite(model, x, time_dim=0))
    the output of 0, time step 1
    """
    for name, parameter in model.named_parameters():
        if not _finite(parameter):
            return Nonfinite("parameter", name)
    if not all(map(_finite, _tensors([args, kwargs]))):
        return Nonfinite("input")
    handles = []
    inside: set[Module] = set()  # recurrent layers, of which the states are looked at
    for name, module in model.named_modules():
        if module in inside:
            continue
        if isinstance(module, RNNBase | Recurrent):
            handles.append(module.register_step_hook(partial(_check_state, name)))
            inside.update(module.modules())
        handles.append(module.register_forward_hook(partial(_check_output, name, time_dim)))
    try:
        with no_grad():
            model(*args, **kwargs)
    except _Found as found:
        return found.place
    finally:
        for handle in handles:
            handle.remove()
    return None


def _check_state(name: str, number: int, step: int, state: Any) -> None:
    if not all(map(_finite, _tensors(state))):
        raise _Found(Nonfinite("state", name, number, step))


def _check_output(
    name: str, time_dim: int | None, _module: Module, _args: Any, output: Any
) -> None:
    for tensor in _tensors(output):
        if not _finite(tensor):
            raise _Found(Nonfinite("output", name, step=_first_step(tensor, time_dim)))


def _first_step(tensor: Tensor, time_dim: int | None) -> int | None:
    if time_dim is None or not -tensor.dim() <= time_dim < tensor.dim():
        return None
    bad = tensor.isfinite().logical_not().movedim(time_dim, 0)
    return int(bad.reshape(bad.shape[0], -1).any(1).nonzero()[0])


def _finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in nested containers."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)

"""How far gradients reach back in time: their norms at each step of a recurrent layer, and a
picture of them."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping
from functools import partial
from os import PathLike
from pathlib import PurePath
from types import TracebackType
from typing import Any, Self

from ..autograd.hints import told
from ..dtypes import float64
from ..files import write_atomically
from ..nn import Recurrent, RNNBase
from ..ops.joining import stack
from ..tensor import Tensor


class GradientFlow:
    """Watches the gradients that reach the states of a recurrent layer, while it is open.

        with GradientFlow(model.rnn) as flow:
            criterion(model(x), y).backward()
        flow.norms  # of shape (layers * directions, steps)

    Args:
        layer: an RNN, GRU, LSTM or Recurrent, alone or anywhere in a model.

    Raises TypeError for another module.

    >>> rnn = nn.RNN(2, 3)
    >>> with torch.utils.GradientFlow(rnn) as flow:
    ...     rnn(torch.randn(5, 4, 2))[0][-1].sum().backward()
    >>> flow.norms.shape, flow.norms[0, -1]
    (torch.Size([1, 5]), tensor(3.4641, dtype=torch.float64))
    """

    def __init__(self, layer: RNNBase | Recurrent) -> None:
        if not isinstance(layer, RNNBase | Recurrent):
            raise TypeError(
                "layer: expected nn.RNN, nn.GRU, nn.LSTM or nn.Recurrent, got "
                f"{type(layer).__name__}"
            )
        self._layer = layer
        self._handles: list[Any] = []
        # Of each (layer and direction, step): the squared norms of the state's parts
        self._squares: dict[tuple[int, int], list[Tensor]] = {}

    def __enter__(self) -> Self:
        self._handles = [
            self._layer.register_forward_pre_hook(self._start),
            self._layer.register_step_hook(self._watch),
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    @property
    def norms(self) -> Tensor:
        """The norm of the gradient with respect to the state behind each step, over the batch, and
        over h and c together for an LSTM: (layers * directions, steps), 0 where none arrived; it
        is float64, as gradients that vanish are small.

        They are those of the layer's last call and the last backward pass through it. Raises
        RuntimeError before the layer was called.
        """
        if not self._squares:
            raise RuntimeError(
                "norms: the layer was not called; call it in `with GradientFlow(layer) as flow:`, "
                "and then backward()"
            )
        count, steps = (last + 1 for last in max(self._squares))
        rows = [
            stack([stack(self._squares[number, t]).sum() for t in range(steps)])
            for number in range(count)
        ]
        return stack(rows).sqrt()

    def _start(self, layer: Any, args: Any) -> None:
        self._squares.clear()

    def _watch(self, number: int, t: int, new: Any) -> None:
        parts = new if isinstance(new, tuple) else (new,)
        squares = [part.new_zeros((), dtype=float64) for part in parts]
        self._squares[number, t] = squares
        for place, part in enumerate(parts):
            if part.requires_grad:
                part.register_hook(partial(_note, squares, place))


def _note(squares: list[Tensor], place: int, gradient: Tensor) -> None:
    squares[place] = gradient.detach().double().square().sum()


@told
def plot_gradient_flow(norms: Mapping[str, Tensor], path: str | PathLike[str] | None = None) -> Any:
    """A picture of gradient norms by time step, on a logarithmic scale: the vanishing gradient.

    Args:
        norms: by the names that the curves get, (steps), or (rows, steps) as `GradientFlow.norms`.
            With more rows than one, each is a curve.
        path: where to save the picture, in the format that the name ends in (png if in none), if it
            is given; whole, or not at all.

    Returns the Matplotlib figure. Raises ModuleNotFoundError without Matplotlib, ValueError for
    norms of other numbers of dimensions.

    >>> figure = torch.utils.plot_gradient_flow({"RNN": torch.tensor([0.01, 0.1, 1.0])})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    try:
        figure = importlib.import_module("matplotlib.figure").Figure(layout="constrained")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'plot_gradient_flow needs Matplotlib: pip install "tinygrad-rnn[examples]"'
        ) from error
    axes = figure.add_subplot(
        xlabel="time step", ylabel="norm of the gradient at the state", yscale="log"
    )
    for name, values in norms.items():
        if values.dim() not in (1, 2):
            raise ValueError(
                f"norms: expected (rows, steps) or (steps) for {name!r}, got {list(values.shape)}"
            )
        rows = values.detach().cpu().reshape(-1, values.shape[-1]).tolist()
        for number, row in enumerate(rows):
            axes.plot(row, label=name if len(rows) == 1 else f"{name} {number}")
    axes.legend()
    if path is not None:
        content = io.BytesIO()
        figure.savefig(content, format=PurePath(path).suffix[1:] or "png")
        write_atomically(path, content.getvalue())
    return figure

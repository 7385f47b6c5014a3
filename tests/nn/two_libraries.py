"""Programs that run with this library and with PyTorch: what they are written in."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import tinygrad_rnn
from tinygrad_rnn.nn import containers, parameter


def library(torch: Any, nn: Any) -> SimpleNamespace:
    """What programs below are written in: a library's names, and a few modules made of them."""

    class Linear(nn.Module):
        def __init__(self, inputs: int = 2, outputs: int = 2) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(outputs, inputs))
            self.bias = nn.Parameter(torch.zeros(outputs))
            self.sizes = inputs, outputs

        def forward(self, x):
            return x @ self.weight.t() + self.bias

        def extra_repr(self) -> str:
            return "inputs={}, outputs={}".format(*self.sizes)

    class Net(nn.Module):
        """Two linear layers, one of them below another module; a buffer of either kind."""

        def __init__(self) -> None:
            super().__init__()
            self.first = Linear(2, 3)
            self.body = nn.Module()
            self.body.last = Linear(3, 2)
            self.scale = nn.Parameter(torch.tensor(2.0))
            self.register_buffer("steps", torch.tensor([1, 2]))
            self.register_buffer("cache", torch.ones(2), persistent=False)
            self.register_parameter("missing", None)

        def forward(self, x):
            return self.body.last(self.first(x)) * self.scale

    return SimpleNamespace(torch=torch, nn=nn, Linear=Linear, Net=Net)


OURS = library(
    tinygrad_rnn,
    SimpleNamespace(**(vars(containers) | vars(parameter))),
)


def anywhere(text: str) -> str:
    """A text about tensors, the same on any device."""
    for mention, instead in ((", device='cuda:0'", ""), (" (GPU 0)", ""), (".cuda.", ".")):
        text = text.replace(mention, instead)
    return re.sub(r",\n +requires_grad", ", requires_grad", text)  # it was long with the device


def look(result: Any) -> str:
    """The repr of what a program gives, the same on any device."""
    return anywhere(repr(result))


def outcome(program: Callable[[Any], Any], lib: SimpleNamespace) -> Any:
    """What a program's result looks like, or what it raises."""
    try:
        return look(program(lib))
    except Exception as error:
        return type(error), anywhere(str(error))

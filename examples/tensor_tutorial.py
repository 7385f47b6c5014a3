"""Tensors: how they are made, what they know of themselves, and what is done with them.

    python examples/tensor_tutorial.py                   # every chapter
    python examples/tensor_tutorial.py joining numpy

Every line shown is run, and its result is printed below it, as at Python's own prompt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import Parser, run

import tinygrad_rnn as torch


class Prompt:
    """Runs lines as Python's prompt does, and prints them with their results."""

    def __init__(self, **names: Any) -> None:
        self.names = names

    def say(self, text: str) -> None:
        print(f"\n# {text}")

    def __call__(self, *lines: str) -> None:
        for line in lines:
            print(f">>> {line}")
            exec(compile(line, "<tutorial>", "single"), self.names)


def creation(show: Prompt) -> None:
    show.say("From data: the dtype is that of the numbers")
    show("data = [[1, 2], [3, 4]]", "torch.tensor(data)", "torch.tensor([1.5, 2])")
    show.say("From another tensor, of its shape, and of its dtype unless another is named")
    show("x_data = torch.tensor(data)", "torch.ones_like(x_data)")
    show("torch.zeros_like(x_data, dtype=torch.float32)")
    show.say("From a shape, filled with a constant, or at random: one seed, one result")
    show("shape = (2, 3)", "torch.zeros(shape)", "torch.full(shape, 7.0)")
    show("torch.manual_seed(0).initial_seed()", "torch.rand(shape)", "torch.randn(2, 2)")
    show.say("Ranges")
    show("torch.arange(6)", "torch.linspace(0, 1, 5)", "torch.eye(3)")


def attributes(show: Prompt) -> None:
    show.say("A tensor knows its shape, what its elements are, and where it lives")
    show("x = torch.rand(3, 4)", "x.shape", "x.dtype", "x.device")
    show("x.ndim, x.numel(), x.size(1), x.is_contiguous()")
    show.say("It moves to another dtype or device with to(), which copies only if it must")
    show("x.to(torch.float64).dtype", "x.to('cpu') is x", "x.long().dtype")


def indexing(show: Prompt) -> None:
    show.say("Rows, columns, and the last of a dimension")
    show("x = torch.arange(12).reshape(3, 4)", "x", "x[0]", "x[:, 1]", "x[..., -1]")
    show.say("With lists, with a mask, and with a new dimension")
    show("x[[0, 2]]", "x[x > 6]", "x[:, None].shape")
    show.say("A slice is a view: what is assigned to it changes the tensor")
    show("x[:, 1] = 0", "x", "row = x[2]", "row += 100", "x[2]")


def joining(show: Prompt) -> None:
    show.say("cat joins along a dimension that is there, stack along a new one")
    show("x = torch.tensor([[1, 2], [3, 4]])", "torch.cat([x, x], dim=1)")
    show("torch.stack([x, x]).shape", "torch.cat([x, -x])")
    show.say("split and chunk take apart again; reshape and transpose rearrange")
    show("torch.arange(5).split(2)", "torch.arange(6).chunk(2)", "x.reshape(-1)", "x.T")
    show("x.unsqueeze(0).shape, x.unsqueeze(0).squeeze(0).shape")


def arithmetic(show: Prompt) -> None:
    show.say("The matrix product in three ways")
    show("x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])", "y1 = x @ x.T", "y2 = x.matmul(x.T)")
    show("y3 = torch.empty_like(x)", "torch.matmul(x, x.T, out=y3)")
    show("torch.equal(y1, y2), torch.equal(y1, y3)")
    show.say("And the product of the elements")
    show("x * x", "torch.mul(x, x, out=y3)", "x ** 2 / 2 - 1")
    show.say("A smaller shape is repeated to fit: broadcasting")
    show("x + torch.tensor([10.0, 20.0])", "x * torch.tensor([[1.0], [0.0]])")
    show.say("A tensor of one element becomes a Python number with item()")
    show("total = x.sum()", "total", "total.item()", "x.mean(dim=0)")
    show("values, indices = x.max(dim=1)", "indices")


def in_place(show: Prompt) -> None:
    show.say("Names that end in _ change the tensor itself, and save memory")
    show("x = torch.ones(2, 3)", "x.add_(5)", "x.t_().shape", "x.zero_()")
    show("x.copy_(torch.eye(3, 2))")
    show.say("Where a gradient needs the old values, changing them is an error: see autograd")


def numpy(show: Prompt) -> None:
    show.say("A tensor on the CPU and its array share memory: a change of one shows in the other")
    show("t = torch.ones(5)", "n = t.numpy()", "n", "t.add_(1)", "n")
    show.say("So do an array and the tensor that is made of it")
    show("n = np.ones(5)", "t = torch.from_numpy(n)", "np.add(n, 1, out=n)", "t")
    show.say("torch.tensor copies; its dtype is the array's")
    show("t = torch.tensor(n)", "n[0] = 100", "t")


CHAPTERS = {
    chapter.__name__: chapter
    for chapter in (creation, attributes, indexing, joining, arithmetic, in_place, numpy)
}


def main(argv: list[str] | None = None) -> None:
    parser = Parser(__doc__)
    parser.add_argument(
        "chapters", nargs="*", default=list(CHAPTERS), help=f"some of {', '.join(CHAPTERS)}"
    )
    args = parser.parse_args(argv)
    for name in args.chapters:
        if name not in CHAPTERS:
            raise ValueError(f"chapters: expected some of {', '.join(CHAPTERS)}, got {name}")
    torch.manual_seed(0)
    for name in args.chapters:
        print(f"\n=== {name.replace('_', ' ')} ===")
        CHAPTERS[name](Prompt(torch=torch, np=np))


if __name__ == "__main__":
    run(main)

"""Automatic differentiation, and a small convolutional network that uses it.

    python examples/autograd_tutorial.py
    python examples/autograd_tutorial.py --steps 20

The first part shows gradients: the functions that made a tensor, backward() from a number and from
a vector, parts that no gradient goes through. The second trains LeNet on one random image, first by
hand and then with an optimizer, and prints the loss of each step.
"""

from __future__ import annotations

from typing import Any

from common import Parser, count, positive, run

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

# ----- gradients -----


def name_of(function: Any) -> str:
    """The kind of a node of the graph: AddBackward0, AccumulateGrad (a leaf's), None."""
    return "None" if function is None else function.name().split("::")[-1]


def gradients() -> None:
    """out = mean(3 (x + 2)^2), of 4 elements: d out / d x = 3/2 (x + 2), which is 4.5 at x = 1."""
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    z = y * y * 3
    out = z.mean()
    print(f"x = {x}\ny = {y}\nz = {z}\nout = {out}")
    print(f"grad_fn of x: {name_of(x.grad_fn)}, of y: {name_of(y.grad_fn)}")
    out.backward()
    print(f"d out / d x = {x.grad}")

    a = torch.randn(2, 2)
    a = a * 3 / (a - 1)
    b = (a * a).sum()
    print(f"without requires_grad nothing is recorded: {b.requires_grad}, {name_of(b.grad_fn)};")
    a.requires_grad_(True)
    b = (a * a).sum()
    print(f"with it: {b.requires_grad}, {name_of(b.grad_fn)}")


def vector_jacobian_product() -> None:
    """backward(v) of a vector y gives v^T J, with J the Jacobian of y: here 2^k times identity."""
    x = torch.randn(3, requires_grad=True)
    y, doublings = x * 2, 1
    while y.detach().norm() < 1000:
        y = y * 2
        doublings += 1
    v = torch.tensor([0.1, 1.0, 0.0001])
    y.backward(v)
    print(f"y = x doubled {doublings} times; v^T J = {x.grad}")
    assert torch.allclose(x.grad, v * 2**doublings)

    # The same with autograd.grad, which returns the gradient and leaves x.grad alone; the products
    # with the rows of the identity are the whole Jacobian
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.stack([x[0] * x[1], x[0] ** 2])
    rows = [torch.autograd.grad(y, x, v, retain_graph=True)[0] for v in torch.eye(2)]
    print(f"Jacobian of (x0 x1, x0^2) at (1, 2) = {torch.stack(rows)}")


def without_gradients() -> None:
    """no_grad() records nothing; detach() is the same values outside the graph."""
    x = torch.ones(3, requires_grad=True)
    print((x**2).requires_grad)
    with torch.no_grad():
        print((x**2).requires_grad)
    y = x.detach()
    print(y.requires_grad, x.eq(y).all())


# ----- a network -----


class LeNet(nn.Module):
    """Two convolutions and three linear layers: ten scores of an image (1, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (batch, 10) for images (batch, 1, 32, 32)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)  # all but the batch
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def network(steps: int, lr: float) -> list[float]:
    """The losses of LeNet on one image, before and after each step: by hand, then with SGD."""
    net: Any = LeNet()
    print(net)
    params = list(net.parameters())
    print(f"{len(params)} parameters; weight of conv1: {tuple(params[0].size())}")

    input = torch.randn(1, 1, 32, 32)
    out = net(input)
    print(f"scores: {tuple(out.shape)}")
    net.zero_grad()
    out.backward(torch.randn(1, 10))  # of what is not a number: with a gradient of its shape
    print(f"norm of the gradient of conv1's weight: {net.conv1.weight.grad.norm().item():.4f}")

    target = torch.randn(10).view(1, -1)
    criterion = nn.MSELoss()
    loss = criterion(net(input), target)
    function = loss.grad_fn
    print("behind the loss:", end="")
    while function is not None:  # the first input of each node, back to a leaf
        print(f" {name_of(function)}", end="")
        function = function.next_functions[0][0] if function.next_functions else None
    print()

    net.zero_grad()
    print(f"gradient of conv1's bias before: {net.conv1.bias.grad}")
    loss.backward()
    norm = net.conv1.bias.grad.norm().item()
    print(f"and after backward() its norm: {norm:.4f}")

    losses = [loss.item()]
    for f in net.parameters():
        f.data.sub_(f.grad.data * lr)
    optimizer = optim.SGD(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(net(input), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    losses.append(criterion(net(input), target).item())
    print("losses:", " ".join(f"{value:.4f}" for value in losses))
    return losses


def main(argv: list[str] | None = None) -> list[float]:
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--steps", type=count, default=5, help="steps of the optimizer")
    add("--lr", type=positive, default=0.01, help="learning rate")
    add("--seed", type=int, default=0, help="the same seed, the same run")
    args = parser.parse_args(argv)
    torch.manual_seed(args.seed)
    for part in (gradients, vector_jacobian_product, without_gradients):
        print(f"\n=== {part.__name__.replace('_', ' ')} ===")
        part()
    print("\n=== network ===")
    return network(args.steps, args.lr)


if __name__ == "__main__":
    run(main)

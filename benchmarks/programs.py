"""Whole programs other than layers: the network from scratch, generation, LeNet, optimisers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .case import Case, Program, Sizes, Update, characters, fill, weights

PARAMETERS = [(1000, 1000)] * 10
CHARACTERS = 100


def scratch(sizes: Sizes) -> Program:
    """An RNN on plain tensors with its own clipping and descent, as textbooks write it."""

    def program(torch: Any) -> Update:
        F, hidden, features = torch.nn.functional, sizes.hidden, sizes.features
        shapes = [(features, hidden), (hidden, hidden), (hidden,), (hidden, features), (features,)]
        params = [
            torch.from_numpy(value).requires_grad_(True)
            for value in weights(shapes, 1 / math.sqrt(hidden))
        ]
        W_xh, W_hh, b_h, W_hq, b_q = params
        x, y = (torch.from_numpy(part) for part in characters(sizes))

        def update() -> float:
            H = torch.zeros(sizes.batch, hidden)
            outputs = []
            for X in F.one_hot(x, features).float():
                H = torch.tanh(torch.mm(X, W_xh) + torch.mm(H, W_hh) + b_h)
                outputs.append(torch.mm(H, W_hq) + b_q)
            loss = F.cross_entropy(torch.cat(outputs), y.reshape(-1))
            loss.backward()
            norm = torch.sqrt(sum(torch.sum(p.grad**2) for p in params))
            with torch.no_grad():
                for param in params:
                    if norm > 1:
                        param.grad[:] *= 1 / norm
                    param -= 1.0 * param.grad
                    param.grad.zero_()
            return loss.item()

        return update

    return program


def generation(sizes: Sizes) -> Program:
    """Characters one by one, each the likeliest behind those before it."""

    def program(torch: Any) -> Update:
        nn, F, features = torch.nn, torch.nn.functional, sizes.features
        layer = getattr(nn, sizes.mode)(features, sizes.hidden)
        head = nn.Linear(sizes.hidden, features)
        # large, so that the likeliest is clear, but not as large as to be chaotic
        fill(torch, nn.ModuleList([layer, head]), 0.1)

        def update() -> float:
            character, state = torch.zeros(1, dtype=torch.int64), None
            scores, characters = [], []
            with torch.no_grad():
                for _ in range(CHARACTERS):
                    x = F.one_hot(character, features).float().reshape(1, 1, features)
                    y, state = layer(x, state)
                    scores.append(head(y.reshape(1, sizes.hidden)))
                    character = scores[-1].argmax(1)
                    characters.append(character)
                return F.cross_entropy(torch.cat(scores), torch.cat(characters)).item()

        return update

    return program


def lenet(torch: Any) -> Update:
    """Two convolutions with pooling and three linear layers on images of 28x28."""
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    fill(torch, net, 0.1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    random = np.random.default_rng(3)
    x = torch.from_numpy(random.standard_normal((32, 1, 28, 28), np.float32))
    y = torch.from_numpy(random.integers(10, size=32))

    def update() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return update


def parameters(torch: Any) -> list[Any]:
    """Ten million numbers with gradients."""
    values = weights(PARAMETERS * 2, 1.0)
    params = [torch.nn.Parameter(torch.from_numpy(next(values))) for _ in PARAMETERS]
    for param in params:
        param.grad = torch.from_numpy(next(values))
    return params


def adam(torch: Any) -> Update:
    params = parameters(torch)
    optimizer = torch.optim.Adam(params, lr=0.01)

    def update() -> float:
        optimizer.step()
        return params[0][0].square().sum().item()

    return update


def clipping(torch: Any) -> Update:
    params, limit = parameters(torch), 1000.0

    def update() -> float:
        nonlocal limit
        limit *= 0.9  # so that there is something to clip every time
        return torch.nn.utils.clip_grad_norm_(params, limit).item()

    return update


CASES = [
    Case("scratch-512", "RNN of 512 features on plain tensors, trained by hand",
         scratch(Sizes("RNN", 512)), 12),
    *(
        Case(f"generate-{mode.lower()}-256", f"characters one by one, {mode} of 256 features",
             generation(Sizes(mode, 256)), 12, calls=CHARACTERS, unit="characters/s",
             quick=mode == "LSTM")
        for mode in ("RNN", "GRU", "LSTM")
    ),
    Case("lenet", "LeNet on 32 images: forward, backward, SGD", lenet, 60),
    Case("adam-10m", "a step of Adam on 10 million parameters", adam, 12),
    Case("clip-10m", "clip_grad_norm_ on 10 million gradients", clipping, 20),
]  # fmt: skip

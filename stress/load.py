"""Long training, a million graphs, sequences of 100,000 steps: nothing is left behind.

What a process holds is read from /proc, so it needs Linux. Each part runs twice: as usual, and
without Python's cyclic garbage collector, as nothing may need it.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import tinygrad_rnn as torch
from tinygrad_rnn import Tensor, nn, optim
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.utils.data import DataLoader, TensorDataset

from .figures import figure, progress

SUBJECT = "load"
LIMIT = 5.0  # MB that resident memory may grow
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Held(NamedTuple):
    """What the process holds."""

    megabytes: float  # resident
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Held:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        descriptors, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
        return cls(pages * _PAGE / 1e6, descriptors, threads)


class Growth(NamedTuple):
    """By how much what the process holds has grown at most."""

    megabytes: float
    descriptors: int
    threads: int

    @property
    def kept(self) -> bool:
        return self.megabytes <= LIMIT and self.descriptors <= 0 and self.threads <= 0


@contextlib.contextmanager
def collector(enabled: bool) -> Iterator[None]:
    """With Python's cyclic garbage collector, or without it."""
    gc.collect()
    if not enabled:
        gc.disable()
    try:
        yield
    finally:
        gc.enable()


def growth(
    work: Callable[[], Any], count: int, *, warm: float = 0.05, looks: int = 200, name: str = "work"
) -> Growth:
    """Call `work` `count` times; the growth since the first part `warm` of them was done."""
    first = max(1, int(count * warm))
    every = max(1, (count - first) // looks)
    for _ in range(first):
        work()
    start = Held.now()
    most = list(start)
    for number in range(first, count):
        work()
        if (number - first) % every == 0 or number == count - 1:
            most = [max(a, b) for a, b in zip(most, Held.now(), strict=True)]
            progress(f"{name}: {number + 1:,} of {count:,}, {most[0] - start[0]:+.2f} MB")
    rise = [a - b for a, b in zip(most, start, strict=True)]
    return Growth(float(rise[0]), int(rise[1]), int(rise[2]))


# ----- training -----


class Gated(nn.Cell):
    """A cell of one's own: a leaky average with a gate."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.state_size = hidden_size
        self.gate = nn.Linear(input_size, hidden_size)
        self.update = nn.Linear(hidden_size, hidden_size)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        gate = torch.sigmoid(self.gate(x))
        state = gate * state + (1 - gate) * torch.tanh(self.update(state))
        return state, state


class Model(nn.Module):
    """Characters to characters, through a recurrent layer."""

    def __init__(self, kind: str, symbols: int = 12, hidden: int = 8) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, hidden)
        if kind == "own":
            self.rnn: nn.Module = nn.Recurrent(Gated, hidden, hidden)
        else:
            self.rnn = getattr(nn, kind)(hidden, hidden)
        self.dropout = nn.Dropout(0.1)
        self.output = nn.Linear(hidden, symbols)

    def forward(self, ids: Tensor) -> Tensor:
        hidden, _ = self.rnn(self.embedding(ids))
        return self.output(self.dropout(hidden)).flatten(0, 1)


KINDS = {"RNN": optim.SGD, "GRU": optim.Adam, "LSTM": optim.AdamW, "own": optim.RMSprop}


def trainer(steps: int = 6, batch: int = 3) -> Callable[[], None]:
    """A function that trains a model for one step, another kind of model each time."""
    models = [Model(kind) for kind in KINDS]
    optimizers = [
        make(model.parameters(), lr=1e-3)
        for make, model in zip(KINDS.values(), models, strict=True)
    ]
    number = 0

    def step() -> None:
        nonlocal number
        model, optimizer = models[number % len(models)], optimizers[number % len(models)]
        ids = torch.randint(0, 12, (steps + 1, batch))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ids[:-1]), ids[1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number % 50 == 0:
            with torch.no_grad():
                model.eval()(ids)
            model.train()
        number += 1

    return step


def small_graphs() -> Callable[[], None]:
    """A function that builds a graph of a few operations; some are differentiated, once or twice,
    some only dropped, and some fail."""
    w = torch.ones(3, requires_grad=True)
    number = 0

    def graph() -> None:
        nonlocal number
        number += 1
        loss = (torch.tanh(w * 2) + w[:1]).sum()
        if number % 4 == 0:
            return
        if number % 16 == 1:
            (g,) = torch.autograd.grad(loss, w, create_graph=True)
            loss = loss + g.pow(2).sum()
        if number % 64 == 3:
            with contextlib.suppress(RuntimeError):
                (loss * torch.ones(2)).backward()
        loss.backward()
        w.grad = None

    return graph


def epochs(workers: int) -> Callable[[], None]:
    """A function that goes through a dataset with worker processes, and leaves every third time
    in the middle."""
    data = TensorDataset(torch.arange(24).reshape(12, 2))
    number = 0

    def epoch() -> None:
        nonlocal number
        number += 1
        loader: DataLoader[Any] = DataLoader(data, 4, num_workers=workers, shuffle=True)
        for _ in loader:
            if number % 3 == 0:
                break

    return epoch


# ----- long sequences -----


def _cell(x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    h = torch.tanh(0.5 * x + 0.9 * h)
    return h, h


def _own(x: Tensor) -> Tensor:
    return nn.scan(_cell, x, torch.zeros(x.shape[1:]))[0]


def _loop(x: Tensor) -> Tensor:
    h, outputs = torch.zeros(x.shape[1:]), []
    for row in x.unbind():
        h = torch.tanh(0.5 * row + 0.9 * h)
        outputs.append(h)
    return torch.stack(outputs)


def _layer(kind: str) -> Callable[[Tensor], Tensor]:
    return lambda x: getattr(nn, kind)(x.shape[-1], 2)(x)[0]


LONG: dict[str, Callable[[Tensor], Tensor]] = {
    "own step, scan": _own,
    "loop of operations": _loop,
    **{f"nn.{kind}": _layer(kind) for kind in ("RNN", "GRU", "LSTM")},
}


def long_sequence(name: str, length: int) -> bool:
    """Forward and backward through one graph of `length` steps. Whether the gradient of the last
    output is that of the last 2,000 steps alone, and vanishes before: the steps forget."""
    torch.manual_seed(0)
    x = torch.randn(length, 1, 2, requires_grad=True)
    state = torch.get_rng_state()
    LONG[name](x)[-1].sum().backward()
    torch.set_rng_state(state)  # the same weights once more
    end = x.detach()[-2_000:].requires_grad_()
    LONG[name](end)[-1].sum().backward()
    assert x.grad is not None and end.grad is not None
    same = torch.allclose(x.grad[-2_000:], end.grad, rtol=1e-4, atol=1e-7)
    return same and bool(end.grad.abs().max() > 0) and bool(x.grad[:-2_000].abs().max() < 1e-6)


# ----- the parts -----


def _report(name: str, found: Growth, seconds: float) -> bool:
    value = (
        f"{found.megabytes:+.2f} MB, {found.descriptors:+d} descriptors, "
        f"{found.threads:+d} threads ({seconds:.0f} s)"
    )
    return figure(SUBJECT, name, value, f"{LIMIT:g} MB, 0, 0", found.kept)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress load", description=__doc__)
    add = parser.add_argument
    add("--steps", type=int, default=100_000, help="of training (default %(default)s)")
    add("--graphs", type=int, default=1_000_000, help="small ones (default %(default)s)")
    add("--length", type=int, default=100_000, help="of sequences (default %(default)s)")
    add("--epochs", type=int, default=200, help="with worker processes (default %(default)s)")
    args = parser.parse_args(argv)
    parts: list[tuple[str, Callable[[], Callable[[], None]], int]] = [
        ("training steps", trainer, args.steps),
        ("small graphs", small_graphs, args.graphs),
        ("epochs with 2 workers", lambda: epochs(2), args.epochs),
    ]
    kept = []
    for enabled in (True, False):
        how = "" if enabled else ", no collector"
        for name, make, count in parts:
            begin = time.perf_counter()
            with collector(enabled):
                found = growth(make(), count, name=name + how)
            kept.append(_report(f"{count:,} {name}{how}", found, time.perf_counter() - begin))
        for name in LONG:
            begin = time.perf_counter()
            with collector(enabled):
                long_sequence(name, args.length)  # what BLAS and the allocator keep for themselves
                start = Held.now()
                right = long_sequence(name, args.length)
                rise = Growth(*(float(b - a) for a, b in zip(start, Held.now(), strict=True)))  # type: ignore[arg-type]
            value = f"gradient {'right' if right else 'WRONG'}, {rise.megabytes:+.2f} MB"
            seconds = f" ({time.perf_counter() - begin:.0f} s)"
            ok = right and rise.kept
            what = f"{args.length:,} steps in one graph: {name}{how}"
            kept.append(figure(SUBJECT, what, value + seconds, f"right, {LIMIT:g} MB", ok))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

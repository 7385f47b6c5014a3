"""Training that runs out of memory raises MemoryError, and goes on when there is more.

The address space of a process is limited at random points above what it holds. Promised is:
MemoryError and nothing else; after forward or backward no `.grad` has changed, so that the step
can be made again, with the same bits; after the optimizer's step every parameter is, as a whole,
what it was or what it was to be.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import multiprocessing
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import tinygrad_rnn as torch
from tinygrad_rnn import Tensor, nn, optim
from tinygrad_rnn.nn import functional as F

from .figures import figure, progress

SUBJECT = "memory"
KINDS = {"RNN": optim.SGD, "GRU": optim.Adam, "LSTM": optim.AdamW}


@contextlib.contextmanager
def limit(megabytes: float) -> Iterator[None]:
    """Let the process take so much more address space than it has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + int(megabytes * 1e6), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class Model(nn.Module):
    def __init__(self, kind: str, hidden: int) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(hidden, hidden, 2)
        self.output = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.rnn(x)[0])


class Training:
    """A model, its optimizer and data: the same for the same seed."""

    def __init__(self, kind: str, hidden: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = Model(kind, hidden)
        self.optimizer: Any = KINDS[kind](self.model.parameters(), lr=1e-3)
        self.x = torch.randn(8, 16, hidden)

    def gradients(self) -> None:
        self.optimizer.zero_grad()
        F.mse_loss(self.model(self.x), self.x).backward()

    def bits(self) -> list[bytes]:
        return [p.detach().numpy().tobytes() for p in self.model.parameters()]

    def grads(self) -> list[bytes | None]:
        every = [p.grad for p in self.model.parameters()]
        return [None if grad is None else grad.numpy().tobytes() for grad in every]


def trial(kind: str, hidden: int, seed: int) -> tuple[str, str]:
    """Where memory ran out ("backward", "step", "nowhere"), and what promise was broken, if any."""
    random = Random(seed)
    sure, poor = Training(kind, hidden, seed), Training(kind, hidden, seed)
    for training in (sure, poor):  # BLAS and plans have what they need
        training.gradients()
        training.optimizer.step()
    sure.gradients()
    keep_old = random.random() < 0.5
    before, stale = poor.bits(), poor.grads()
    total = sum(map(len, before)) / 1e6
    gc.collect()
    if not keep_old:
        poor.optimizer.zero_grad()
        stale = poor.grads()
    try:
        with limit(random.uniform(0, 6) * total):
            F.mse_loss(poor.model(poor.x), poor.x).backward()
    except MemoryError:
        if poor.grads() != stale or poor.bits() != before:
            return "backward", "gradients or parameters have changed"
        poor.gradients()  # with memory enough
        return "backward", "" if poor.grads() == sure.grads() else "another try differs"
    if keep_old:
        poor.gradients()
    sure.optimizer.step()
    new, where = sure.bits(), "nowhere"
    try:
        with limit(random.uniform(0, 2) * total):
            poor.optimizer.step()
    except MemoryError:
        where = "step"
        for parameter, old, made in zip(poor.bits(), before, new, strict=True):
            if parameter not in (old, made):
                return where, "a parameter is neither what it was nor what it was to be"
    else:
        if poor.bits() != new:
            return where, "the step differs"
    poor.gradients()
    poor.optimizer.step()
    fine = all(bool(p.isfinite().all()) for p in poor.model.parameters())
    return where, "" if fine else "not finite afterwards"


def _work(connection: Any, kind: str, hidden: int, seed: int) -> None:
    try:
        connection.send(trial(kind, hidden, seed))
    except BaseException as error:
        connection.send(("somewhere", f"{type(error).__name__}: {error}"))


def trial_apart(kind: str, hidden: int, seed: int) -> tuple[str, str]:
    """A trial in a process of its own, which has no memory left over from earlier ones."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, kind, hidden, seed))
    process.start()
    theirs.close()
    try:
        result: tuple[str, str] = ours.recv()
    except EOFError:
        process.join()
        return "somewhere", f"the process died with exit code {process.exitcode}"
    process.join()
    return result


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress memory", description=__doc__)
    add = parser.add_argument
    add("--count", type=int, default=300, help="of limits, random ones (default %(default)s)")
    add("--hidden", type=int, default=256, help="the size of the layers (default %(default)s)")
    add("--seed", type=int, default=0, help="of the limits (default %(default)s)")
    args = parser.parse_args(argv)
    places: Counter[str] = Counter()
    broken = 0
    for number in range(args.count):
        kind = list(KINDS)[number % len(KINDS)]
        where, wrong = trial_apart(kind, args.hidden, args.seed + number)
        places[where] += 1
        if wrong:
            broken += 1
            print(f"{kind}, seed {args.seed + number}, in {where}: {wrong}", flush=True)
        progress(f"{number + 1} of {args.count}: {dict(places)}")
    found = ", ".join(f"{n} in {where}" for where, n in places.most_common())
    kept = figure(SUBJECT, f"{args.count} memory limits ({found}): broken", broken, 0, not broken)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

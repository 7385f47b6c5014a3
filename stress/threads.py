"""Eight threads that train and evaluate at once compute what each computes alone, bit for bit.

Every job has weights, data, a random generator and a mode of its own: some train, some evaluate in
no_grad. What threads share are the plans of steps, caches, and the default generators, the
library's and Python's, whose numbers go to whoever asks first; so no job draws from them. (A step
of one's own that runs for the first time while another thread draws from Python's generator gets
no plan, and rounds otherwise.)
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tinygrad_rnn as torch
from tinygrad_rnn import Tensor, nn, optim
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.utils.data import DataLoader, TensorDataset

from .figures import figure, progress
from .load import Gated

SUBJECT = "threads"
SYMBOLS, HIDDEN = 9, 6
Job = Callable[[int], str]


@contextlib.contextmanager
def switching(seconds: float) -> Iterator[None]:
    """Let Python change threads every so often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def digest(*tensors: Tensor) -> str:
    """All bits of some tensors, in short."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(repr((tuple(tensor.shape), tensor.dtype)).encode())
        found.update(tensor.detach().cpu().numpy().tobytes())
    return found.hexdigest()[:16]


class Scanned(nn.Module):
    """A step that is a plain function, with the module's weights from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.update = nn.Linear(2 * HIDDEN, HIDDEN)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        def step(x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            h = 0.9 * h + 0.1 * torch.tanh(self.update(torch.cat([x, h], -1)))
            return h, h

        return nn.scan(step, x, torch.zeros(x.shape[1:]))


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "RNN": lambda: nn.RNN(HIDDEN, HIDDEN, 2),
    "GRU": lambda: nn.GRU(HIDDEN, HIDDEN),
    "LSTM": lambda: nn.LSTM(HIDDEN, HIDDEN, 2),
    "Recurrent": lambda: nn.Recurrent(Gated, HIDDEN, HIDDEN, num_layers=2),
    "scan": Scanned,
}


class Model(nn.Module):
    def __init__(self, kind: str, generator: torch.Generator) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, HIDDEN)
        self.rnn = LAYERS[kind]()
        self.output = nn.Linear(HIDDEN, SYMBOLS)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.4, generator=generator)

    def forward(self, ids: Tensor) -> Tensor:
        hidden, _ = self.rnn(self.embedding(ids))
        return self.output(hidden)


# ----- jobs -----


def training(kind: str) -> Job:
    """A job that trains with batches of a loader, and evaluates between the steps."""

    def job(seed: int) -> str:
        generator = torch.Generator().manual_seed(seed)
        model = Model(kind, generator)
        optimizer = optim.Adam(model.parameters(), lr=1e-2)
        ids = torch.randint(0, SYMBOLS, (40, 12), generator=generator)
        loader: DataLoader[Any] = DataLoader(
            TensorDataset(ids), 10, shuffle=True, generator=generator
        )
        seen = []
        for _ in range(3):
            for (rows,) in loader:
                x = rows.transpose(0, 1)
                scores = model(x[:-1])
                if not scores.requires_grad:
                    raise AssertionError("another thread's no_grad came in here")
                loss = F.cross_entropy(scores.flatten(0, 1), x[1:].flatten())
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                seen.append(loss)
            with torch.no_grad():
                seen.append(model(x))
        return digest(*seen, *model.parameters())

    return job


def evaluating(kind: str) -> Job:
    """A job that only evaluates, and records nothing."""

    def job(seed: int) -> str:
        generator = torch.Generator().manual_seed(seed)
        model, seen = Model(kind, generator), []
        with torch.no_grad():
            for _ in range(12):
                ids = torch.randint(0, SYMBOLS, (15, 4), generator=generator)
                scores = model(ids)
                if scores.requires_grad or torch.is_grad_enabled():
                    raise AssertionError("no_grad was left in another thread")
                seen.append(scores)
        return digest(*seen)

    return job


def drawing(seed: int) -> str:
    """A job that draws numbers of many kinds."""
    generator = torch.Generator().manual_seed(seed)
    seen = []
    for _ in range(40):
        seen += [
            torch.rand(33, generator=generator),
            torch.randn(5, 7, generator=generator),
            torch.randperm(20, generator=generator),
            torch.multinomial(torch.ones(6), 3, generator=generator),
            torch.empty(9).exponential_(generator=generator),
        ]
    return digest(*seen)


def differentiating(seed: int) -> str:
    """A job of gradients of gradients, through an own step and a layer."""
    generator = torch.Generator().manual_seed(seed)
    found: list[Tensor] = []
    for kind in ("scan", "GRU"):
        layer = LAYERS[kind]()
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.4, generator=generator)
        for _ in range(3):
            x = torch.randn(6, 2, HIDDEN, generator=generator, requires_grad=True)
            (g,) = torch.autograd.grad(layer(x)[0].pow(2).sum(), x, create_graph=True)
            found += torch.autograd.grad(g.pow(2).sum(), [x, *layer.parameters()])
    return digest(*found)


JOBS: list[tuple[str, Job]] = [
    *((f"training {kind}", training(kind)) for kind in LAYERS),
    ("evaluating scan", evaluating("scan")),
    ("evaluating LSTM", evaluating("LSTM")),
    ("evaluating Recurrent", evaluating("Recurrent")),
    ("drawing", drawing),
    ("second derivatives", differentiating),
]


# ----- all at once -----


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the jobs return, or raise, each in a thread of its own, begun together."""
    results: list[Any] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = jobs[number]()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def trial(count: int, seed: int) -> list[str]:
    """Run `count` jobs one after the other, and at once; what differs."""
    chosen = [JOBS[(seed + n) % len(JOBS)] for n in range(count)]
    work = [functools.partial(job, 1000 * seed + n) for n, (_, job) in enumerate(chosen)]
    expected = [job() for job in work]
    with switching(1e-5):
        found = at_once(work)
    return [
        f"{name}: {b!r} instead of {a!r}"
        for (name, _), a, b in zip(chosen, expected, found, strict=True)
        if a != b
    ]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress threads", description=__doc__)
    add = parser.add_argument
    add("--threads", type=int, default=8, help="at once (default %(default)s)")
    add("--rounds", type=int, default=50, help="with other seeds (default %(default)s)")
    add("--seed", type=int, default=0, help="of the first round (default %(default)s)")
    args = parser.parse_args(argv)
    differences = []
    for seed in range(args.seed, args.seed + args.rounds):
        progress(f"round {seed - args.seed + 1} of {args.rounds}")
        for difference in trial(args.threads, seed):
            print(f"round {seed}: {difference}", flush=True)
            differences.append(difference)
    what = f"{args.rounds} rounds of {args.threads} threads: results that differ"
    kept = figure(SUBJECT, what, len(differences), 0, not differences)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

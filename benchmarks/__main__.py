"""The same programs on this library and on others, one after the other on the same machine.

    python -m benchmarks --quick                       # two minutes on two cores
    python -m benchmarks --peer torch jax numpy --threads 2
    python -m benchmarks --kernels auto numpy          # compiled kernels and NumPy's side by side
    python -m benchmarks --only lstm --rounds 9
    python -m benchmarks --growth                      # cost against hidden size, steps, batch
    python -m benchmarks --device cuda                 # on a GPU, step by step and as CUDA graphs
    python -m benchmarks --device cuda --peer jax jax+tf32 --json benchmarks/results/gpu-jax.json

Each round runs each library in a new process, in turn (A B A B ...), so that a machine that gets
slower is slow for both. All have the same number of threads, the same first weights and data, and
do the same number of updates. A process's time is the median over its updates, behind some that
are not counted; a row's ratio is that of the medians over the rounds, with its range from round to
round. Memory is the most that a process held beyond what it held after the import. The percentage
of a layer is that of the machine: what the matrix products of its training step need per second of
the whole step, of what a large float32 product reaches in the same process. A ratio counts only if
both libraries arrive at the same loss: otherwise the row says so, and the exit status is 1.

All is float32; layers have a batch of 32, 35 steps and 28 characters unless the name says more.
JAX runs one jitted update with lax.scan; "numpy" is a program with gradients derived by hand.
On a GPU times are those of its events, in groups of steps in which nobody reads a loss; figures to
be kept go to benchmarks/results/, with --json.
What the suite needs is in the extra: pip install -e ".[bench]".
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import gpu
from .case import Case
from .cases import CASES, GROWTH
from .picture import draw_growth, draw_ratios
from .report import HEAD, Result, Row, machine

ROOT = Path(__file__).resolve().parents[1]
OURS, PEERS, KERNELS = "tinygrad_rnn", ("torch", "jax", "numpy"), ("auto", "numpy")
Run = Callable[[Case, str, argparse.Namespace], Result]


class WorkerFailed(RuntimeError):
    """A case did not run on a library."""


def run_worker(case: Case, library: str, args: argparse.Namespace) -> Result:
    """The result of a case on a library, from a process of its own."""
    threads = str(args.threads)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if args.device == "cpu" and "+" in library:
        library, _, environment["TINYGRAD_RNN_KERNELS"] = library.partition("+")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PJRT_NPROC"):
        environment[name] = threads
    if args.device == "cpu":
        environment["JAX_PLATFORMS"] = "cpu"
    how = "quick" if args.quick else "full"
    worker = "benchmarks.worker" if args.device == "cpu" else "benchmarks.gpu"
    command = [sys.executable, "-m", worker, case.name, library, how, threads]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode:
        raise WorkerFailed(f"{case.name} on {library}: {done.stderr.strip()[-500:]}")
    result: Result = json.loads(done.stdout)
    return result


def chosen(args: argparse.Namespace, cases: Mapping[str, Case]) -> list[Case]:
    """The cases to run."""
    if args.only is not None:
        return [case for case in cases.values() if args.only in case.name]
    return [case for case in cases.values() if case.quick or not args.quick]


def compare(case: Case, peers: Sequence[str], args: argparse.Namespace, run: Run) -> list[Row]:
    """All rounds of one case: a row for each peer, and for each of the kernels."""
    own = {name: OURS if name == "auto" else f"{OURS}+{name}" for name in args.kernels}
    libraries = (*own.values(), *peers)
    results: dict[str, list[Result]] = {library: [] for library in libraries}
    for number in range(args.rounds):
        for library in libraries:
            if sys.stderr.isatty():
                progress = f"{case.name}: round {number + 1} of {args.rounds}, {library}"
                print(f"{progress:<70}", end="\r", file=sys.stderr, flush=True)
            results[library].append(run(case, library, args))
    return [
        Row(case, peer, results[library], results[peer], name)
        for name, library in own.items()
        for peer in peers
    ]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer updates and rounds; unless --only asks for "
        "them, not the largest cases")  # fmt: skip
    add("--only", metavar="PATTERN", help="the cases whose name contains this")
    add("--device", choices=["cpu", "cuda"], default="cpu", help="where (default cpu); on a GPU "
        "times are those of its events, and a peer is a library and how it is used")  # fmt: skip
    add("--peer", nargs="+", choices=sorted({*PEERS, *gpu.PEERS}), help="against whom (default "
        "torch; on a GPU all but jax)")  # fmt: skip
    add("--kernels", nargs="+", choices=KERNELS, help="this library's on the CPU, each in turn: "
        "the compiled ones, if there are some (auto, the default), or NumPy's")  # fmt: skip
    add("--rounds", type=int, help="processes of each library (default 5, quick 2)")
    add("--threads", type=int, default=os.cpu_count(), help="of each library (default: all)")
    add("--growth", action="store_true", help="how cost grows with hidden size, steps and batch")
    add("--json", type=Path, metavar="PATH", help="results (default runs/benchmarks/ratios.json, "
        "growth.json or gpu.json); the picture is written beside them")  # fmt: skip
    add("--list", action="store_true", help="show the cases and leave")
    args = parser.parse_args(argv)
    args.rounds = (2 if args.quick else 5) if args.rounds is None else args.rounds
    name = "gpu" if args.device == "cuda" else "growth" if args.growth else "ratios"
    args.json = args.json or Path(f"runs/benchmarks/{name}.json")
    for name in ("rounds", "threads"):
        if getattr(args, name) < 1:
            parser.error(f"--{name}: expected a positive number, got {getattr(args, name)}")
    known = PEERS if args.device == "cpu" else gpu.PEERS
    default = ["torch"] if args.device == "cpu" else [p for p in known if not p.startswith("jax")]
    args.peer = args.peer or default
    for peer in args.peer:
        if peer not in known:
            parser.error(f"--peer {peer}: with --device {args.device} there are {', '.join(known)}")
        if importlib.util.find_spec(peer.partition("+")[0]) is None:
            parser.error(f"--peer {peer}: it is not installed; pip install '.[bench]'")
    if args.device == "cuda" and args.kernels:
        parser.error("--kernels are those of the CPU")
    args.kernels = list(dict.fromkeys(args.kernels or ["auto"]))
    if args.device == "cuda" and args.growth:
        parser.error("--growth is measured on the CPU")
    cases = gpu.CASES if args.device == "cuda" else GROWTH if args.growth else CASES
    args.cases = chosen(args, cases)
    if not args.cases:
        parser.error(f"--only {args.only}: no case has this in its name; --list shows all")
    return args


def main(argv: Sequence[str] | None = None, run: Run = run_worker) -> int:
    args = parse(argv)
    if args.list:
        for case in args.cases:
            print(f"{case.name:<22}{case.about}")
        return 0
    start, load = time.perf_counter(), os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is busy (load {load:.1f}): threads that wait for each other lose most, "
              "so these ratios mean little", file=sys.stderr)  # fmt: skip
    print(f"{OURS} against {', '.join(args.peer)}, {args.threads} threads, {args.rounds} rounds")
    print(HEAD, flush=True)
    rows: list[Row] = []
    failures: list[str] = []
    for case in args.cases:
        # JAX and NumPy have the plain layers
        peers = [peer for peer in args.peer if peer == "torch" or case.sizes is not None]
        if not peers:
            continue
        try:
            new = compare(case, peers, args, run)
        except WorkerFailed as error:
            failures.append(str(error))
            print(f"FAILED {case.name}: {str(error).splitlines()[-1]}", flush=True)
            continue
        for row in new:
            print(row.line(), flush=True)
        rows += new

    args.json.parent.mkdir(parents=True, exist_ok=True)
    given = sys.argv[1:] if argv is None else argv
    results = {
        "command": shlex.join(["python", "-m", "benchmarks", *given]),
        "machine": machine(),
        "device": args.device,
        "gpu": rows[0].ours[0].get("gpu") if rows else None,
        "load": load,
        "threads": args.threads,
        "rounds": args.rounds,
        "quick": args.quick,
        "rows": [row.json() for row in rows],
        "failures": failures,
    }
    args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    picture = args.json.with_suffix(".png")
    (draw_growth if args.growth else draw_ratios)(rows, picture)
    wrong = [row.case.name for row in rows if not row.losses_agree]
    print(f"{time.perf_counter() - start:.0f} s; {args.json} and {picture}")
    if wrong:
        print(f"the losses differ, so there is no ratio: {', '.join(wrong)}")
    return 1 if wrong or failures else 0


if __name__ == "__main__":
    sys.exit(main())

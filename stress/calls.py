"""Bad calls of everything public: a documented error or PyTorch's result, and nothing else.

Examples and PyTorch's samples are called with wrong types, shapes, dtypes, devices and values. A
fault is a crash, a hang, a warning of NumPy's, an error of another kind than functions say, an
error that NumPy or Python raised somewhere inside, whose message cannot name the argument, and a
result of another shape or dtype than PyTorch's. Other differences from PyTorch are listed.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import importlib.util
import json
import multiprocessing
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import tinygrad_rnn

from .call_faults import Fault, Hang, differences, own_faults, run
from .call_programs import bad_program, documented, grouped, sampled
from .figures import figure, progress

SUBJECT = "calls"
BEYOND = 2 * 2**30  # bytes that a process may take beyond what it holds in the beginning
_THEIRS = "PyTorch"  # whose turn it is
_FULL = 3  # the exit code of a process whose memory may be full
SILENCE = 120  # seconds after which a process hangs where Python cannot interrupt it


def faults(program: str, torch: Any | None) -> list[Fault]:
    """What is wrong when a program runs."""
    mine = run(program, tinygrad_rnn)
    found = own_faults(mine)
    if torch is not None and not any(fault.hard for fault in found):
        found += differences(mine, run(program, torch))
    return found


# ----- in a process of its own -----


def _limit_memory() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + BEYOND, resource.RLIM_INFINITY))


def _work(
    connection: Any, groups: list[list[str]], numbers: range, seed: int, torch: Any | None
) -> None:
    """Run programs, and tell of each before and after it ran."""
    faulthandler.disable()
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    _limit_memory()
    for number in numbers:
        try:
            program = bad_program(groups, number, seed)
            connection.send((number, program, None))
            mine = run(program, tinygrad_rnn)
            found = own_faults(mine)
            if torch is not None and not any(fault.hard for fault in found):
                connection.send((number, _THEIRS, None))
                found += differences(mine, run(program, torch))
            connection.send((number, program, found))
            full = isinstance(mine.error, MemoryError | Hang)
        except MemoryError:  # outside of the program
            full = True
        if full:  # of what programs left behind
            os._exit(_FULL)


def _answers(connection: Any) -> bool:
    """Whether something comes before the silence is too long. It is counted by the second, so that
    time in which this process was stopped, and the other perhaps too, does not count."""
    return any(connection.poll(1.0) for _ in range(SILENCE))


def outcomes(
    groups: list[list[str]], count: int, seed: int, torch: Any | None = None, first: int = 0
) -> Iterator[tuple[str, list[Fault]]]:
    """Each program and its faults, from a process that is begun again when it died."""
    context = multiprocessing.get_context("fork")
    at, end = first, first + count
    while at < end:
        ours, theirs = context.Pipe(duplex=False)
        numbers = range(at, min(end, at + 5_000))
        process = context.Process(target=_work, args=(theirs, groups, numbers, seed, torch))
        process.start()
        theirs.close()
        program, theirs_runs = "", False
        try:
            while at < numbers.stop:
                if not _answers(ours):
                    raise TimeoutError
                number, text, found = ours.recv()
                theirs_runs = text == _THEIRS
                program = program if theirs_runs else text
                if found is not None:
                    yield program, found
                    at = number + 1
        except (EOFError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                process.kill()
            process.join()
            if process.exitcode == _FULL and at > numbers.start:
                continue
            at += 1
            kind = "a hang" if isinstance(error, TimeoutError) else "a crash"
            fault = Fault(kind, "", f"exit code {process.exitcode}", True)
            yield program, [] if theirs_runs else [fault]  # PyTorch's are no faults of ours
        process.join()


# ----- the report -----


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m stress calls", description=__doc__)
    add = parser.add_argument
    add("--count", type=int, default=50_000, help="of calls (default %(default)s)")
    add("--seed", type=int, default=0, help="of the random changes (default %(default)s)")
    add("--first", type=int, default=0, help="the number of the first call")
    add("--show", type=int, default=40, help="groups of faults (default %(default)s)")
    add("--only", default="", help="of programs that contain this text")
    add("--differences", action="store_true", help="list those that are no faults, too")
    add("--alone", action="store_true", help="do not compare with PyTorch")
    add("--run", metavar="PROGRAM", help="show the faults of this program alone")
    add("--json", help="write all there is to this file")
    args = parser.parse_args(argv)
    has_torch = importlib.util.find_spec("torch") is not None
    torch = importlib.import_module("torch") if has_torch else None
    if torch is not None:
        importlib.import_module("torch.nn.utils.prune")  # which PyTorch does not import by itself
        torch.set_num_threads(1)
    if args.run is not None:
        found = faults(args.run, torch)
        print(*found, sep="\n")
        return int(any(fault.hard for fault in found))
    programs = documented() + (sampled() if has_torch else [])
    groups = grouped([program for program in programs if args.only in program])
    print(f"{sum(map(len, groups)):,} valid programs about {len(groups)} functions", flush=True)
    counts: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], tuple[str, Fault]] = {}
    calls = hard = 0
    everything = []
    for program, found in outcomes(
        groups, args.count, args.seed, None if args.alone else torch, args.first
    ):
        calls += 1
        hard += any(fault.hard for fault in found)
        for fault in found:
            key = fault.kind, fault.where
            counts[key] += 1
            if key not in example or len(program) < len(example[key][0]):
                example[key] = program, fault
            everything.append({"program": program, **fault._asdict()})
        if calls % 500 == 0:
            progress(f"{calls:,} of {args.count:,} calls, {hard} with faults")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(everything, file, indent=0)
    shown = [key for key, _ in counts.most_common() if example[key][1].hard or args.differences]
    for key in shown[: args.show]:
        program, fault = example[key]
        print(f"{counts[key]:6} {' at '.join(filter(None, key))}: {fault.text}")
        print("       " + program.replace("\n", "\n       "))
    soft: Counter[str] = Counter()
    for (kind, where), count in counts.items():
        soft[kind] += 0 if example[kind, where][1].hard else count
    print("differences:", ", ".join(f"{n} {kind}" for kind, n in soft.most_common() if n))
    return 0 if figure(SUBJECT, f"{calls:,} bad calls: with a fault", hard, 0, hard == 0) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

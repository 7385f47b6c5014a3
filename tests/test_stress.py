"""The long trials of stress/, in short."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

import pytest

import stress.__main__ as stress
from stress import call_faults, call_programs, calls, load, threads

pytestmark = pytest.mark.cpu("memory and threads of the host")

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

# ----- the command -----


def test_subjects_are_found_with_a_line_each(capsys):
    assert {"load", "threads", "calls", "memory"} <= stress.subjects().keys()
    assert all(stress.subjects().values())
    with pytest.raises(SystemExit):
        stress.main(["--help"])
    shown = capsys.readouterr().out
    assert all(text in shown for text in stress.subjects().values())


def test_all_end_with_one_table(tmp_path, monkeypatch, capsys):
    """From subjects of a folder of their own: one that keeps its limit, one that does not, one that
    fails before it says anything."""
    folder = tmp_path / "stress"
    folder.mkdir()
    for name in ("__init__", "__main__", "figures"):
        (folder / f"{name}.py").write_text((stress.FOLDER / f"{name}.py").read_text())
    body = '"""One."""\nfrom .figures import figure\ndef main(argv): return {}\n'
    (folder / "good.py").write_text(body.format('not figure("good", "a", 1, 2, True)'))
    (folder / "poor.py").write_text(body.format('not figure("poor", "b", 3, 2, False)'))
    (folder / "lost.py").write_text(body.format("1 / 0"))
    monkeypatch.setattr(stress, "FOLDER", folder)
    assert stress.main([]) == 1
    table = capsys.readouterr().out.partition("| subject ")[2].splitlines()[2:]
    assert table == [
        "| good | a | 1 | 2 | ok |",
        "| lost | exit status | 1 | 0 | FAILED |",
        "| poor | b | 3 | 2 | FAILED |",
    ]


# ----- load -----


@needs_linux
@pytest.mark.parametrize("collector", [True, False], ids=["collector", "no-collector"])
@pytest.mark.parametrize(
    ("make", "count"),
    [(load.trainer, 600), (load.small_graphs, 10_000)],
    ids=["training", "graphs"],
)
def test_memory_stays_flat(make, count, collector):
    with load.collector(collector):
        found = load.growth(make(), count, warm=0.2)
    assert found.kept, found


@needs_linux
def test_growth_is_seen():
    memory, descriptors = [], []

    def hold():  # pages of its own, which nothing freed before can give
        memory.append(mmap.mmap(-1, 200_000))
        memory[-1].write(b"x" * 200_000)

    assert not load.growth(hold, 100).kept
    assert not load.growth(lambda: descriptors.append(os.dup(1)), 10).kept
    for number in descriptors:
        os.close(number)


@pytest.mark.parametrize("name", load.LONG)
def test_long_sequences(name):
    assert load.long_sequence(name, 10_000)


# ----- threads -----


def test_threads_compute_what_each_computes_alone():
    assert threads.trial(len(threads.JOBS), seed=0) == []


def test_differences_between_threads_are_seen(monkeypatch):
    numbers = iter(range(100))
    monkeypatch.setattr(threads, "JOBS", [("counting", lambda seed: str(next(numbers)))])
    assert len(threads.trial(3, seed=0)) == 3


# ----- memory -----


@needs_linux
def test_training_survives_running_out_of_memory(repo):
    """In a process that has no memory left over from other tests."""
    command = [sys.executable, "-m", "stress", "memory", "--count", "15"]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " in backward" in done.stdout and " in step" in done.stdout


# ----- calls -----

GROUPS = call_programs.grouped(call_programs.documented())


@needs_linux
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_bad_calls_raise_errors_that_say_what_is_wrong():
    wrong = [
        (program, fault)
        for program, found in calls.outcomes(GROUPS, 1_500, seed=1)
        for fault in found
        if fault.hard
    ]
    assert wrong == []


FAULTS = {
    "an internal message": "def bad(x):\n    return x.no_such_thing\n",
    "an undocumented kind": "def bad(x):\n    assert x is None\n",
    "a warning": "import warnings\ndef bad(x):\n    warnings.warn('w', RuntimeWarning)\n",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_of_calls_are_seen(kind, monkeypatch):
    """From functions with such faults, put into the library."""
    path = call_faults.ROOT / "bad.py"
    module: dict[str, object] = {"__name__": "numpy.bad"}
    exec(compile(FAULTS[kind], str(path), "exec"), module)
    monkeypatch.setattr(load.torch, "bad", module["bad"], raising=False)
    found = call_faults.own_faults(call_faults.run("torch.bad(1)", load.torch))
    assert [fault.kind for fault in found] == [kind]


def test_a_crash_is_a_fault():
    groups = [["torch.Tensor.__module__"], ["__import__('os')._exit(3)"]]
    found = [fault.kind for _, each in calls.outcomes(groups, 6, seed=0) for fault in each]
    assert "a crash" in found

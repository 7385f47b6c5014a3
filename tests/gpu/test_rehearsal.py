"""The tests for a GPU, rehearsed with small numbers on the stand-in: that they run is known before
there is a GPU."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tinygrad_rnn import optim

from ..conftest import HAS_GPU
from . import sanitized, test_on_a_gpu as real

pytestmark = [
    pytest.mark.skipif(HAS_GPU, reason="they run themselves here"),
    pytest.mark.names_devices,
]

# The arguments of each; None: in a test of its own below
REHEARSED: dict[str, list[tuple[Any, ...]] | None] = {
    "test_values_and_gradients_are_those_of_the_cpu": [("RNN", 9), ("GRU", 9), ("LSTM", 9)],
    "test_a_graph_is_bit_for_bit_what_it_was_captured_from": [
        ("RNN", 9, optim.SGD), ("LSTM", 9, optim.Adam),
    ],
    "test_the_same_run_gives_the_same_bits": [("GRU", 9)],
    "test_sums_have_the_same_bits": [(name,) for name in real.ADDED],
    "test_places_in_order": [()],
    "test_ten_thousand_steps_take_no_more_memory": [(False,), (True,)],
    "test_products_are_exact_unless_tf32_is_allowed": [()],
    "test_kernels_are_clean": None,
    "test_a_missing_barrier_is_complained_of": None,
}  # fmt: skip
CALLS = [(name, args) for name, calls in REHEARSED.items() for args in calls or []]


def test_all_are_rehearsed():
    assert REHEARSED.keys() == {name for name in vars(real) if name.startswith("test_")}


@pytest.mark.parametrize(("name", "args"), CALLS, ids=str)
def test_it_runs(name: str, args: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch):
    small = {"STEPS": 3, "BATCH": 2, "ROWS": 40, "PLACES": 500, "PLACED": 300, "MANY": 100}
    for constant, value in small.items():
        monkeypatch.setattr(real, constant, value)
    getattr(real, name)(*args)


@pytest.fixture
def sanitizer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets a compute-sanitizer be found that says this of a kernel."""

    def say(said: str) -> None:
        def run(command: list[str], **options: Any) -> Any:
            assert command[0] == "compute-sanitizer" and "tests.gpu.sanitized" in command
            return subprocess.CompletedProcess(command, 0, said, "")

        monkeypatch.setattr(real.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(real.subprocess, "run", run)

    return say


def test_what_the_sanitizer_says_is_read(sanitizer: Callable[[str], None]):
    sanitizer("========= ERROR SUMMARY: 0 errors")
    real.test_kernels_are_clean("memcheck")
    sanitizer(
        "========= Error: Race reported between Write access at sort_by_digit+0x80\n"
        "========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)"
    )
    real.test_a_missing_barrier_is_complained_of()
    with pytest.raises(AssertionError, match="sort_by_digit"):
        real.test_kernels_are_clean("racecheck")
    sanitizer("========= Error: no CUDA-capable device")
    with pytest.raises(AssertionError, match="no CUDA-capable device"):
        real.test_kernels_are_clean("racecheck")


@pytest.mark.parametrize("program", [sanitized.main, sanitized.without_barriers])
def test_what_the_sanitizer_watches_runs(program: Callable[[], None]):
    program()

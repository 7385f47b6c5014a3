"""What all tests share: the devices they run on, reset random numbers, places of files.

Without a GPU, `device="cuda"` is served by a stand-in for CuPy that is as strict as the real one
(`tests/standin`), so every test that takes `device` runs on the GPU's code everywhere. With
TINYGRAD_RNN_TEST_DEVICE=cuda all others do, too: those that name no device find it to be the
default one, but for those marked `cpu`, which are skipped; see `pytest_configure`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[1]
STANDIN = Path(__file__).parent / "standin"
_ONLY = os.environ.get("TINYGRAD_RNN_TEST_DEVICE", "")  # "cpu" or "cuda": run on this one alone

if "PYTEST_XDIST_WORKER" in os.environ:  # the threads of several workers would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read as NumPy, PyTorch and we are imported


def _gpu_works() -> bool:
    """Whether the CuPy that is installed can compute. Asked of another process: CuPy stays
    imported once it was tried, and the stand-in must be able to take its name."""
    if importlib.util.find_spec("cupy") is None:
        return False
    trial = "import cupy; assert int(cupy.arange(3).sum()) == 3"
    return subprocess.run([sys.executable, "-c", trial], capture_output=True).returncode == 0


HAS_GPU = _gpu_works()
if not HAS_GPU:
    sys.path.insert(0, str(STANDIN))

import tinygrad_rnn as tg  # noqa: E402, behind the decision which CuPy it will find

_ALL = [
    pytest.param("cpu", id="cpu"),
    pytest.param("cuda", id="cuda-gpu" if HAS_GPU else "cuda-standin"),
]
DEVICES = [d for d in _ALL if _ONLY in ("", d.values[0])]
_DEFAULT = "cuda" if _ONLY == "cuda" else None
tg.set_default_device(_DEFAULT)  # also of tensors that a file makes as it is imported


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "gpu: needs a real GPU, not the stand-in",
        "cpu(reason): is about the CPU, and not run with TINYGRAD_RNN_TEST_DEVICE=cuda",
        "names_devices: finds the CPU as default device, and names others itself or as `device`",
    ):
        config.addinivalue_line("markers", marker)
    if _ONLY not in ("", "cpu", "cuda"):
        raise pytest.UsageError(f"TINYGRAD_RNN_TEST_DEVICE must be cpu or cuda, got {_ONLY!r}")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="needs CuPy and an NVIDIA GPU")
    for item in items:
        if not HAS_GPU and item.get_closest_marker("gpu"):
            item.add_marker(skip)
        if {"device", "t"} & set(item.fixturenames):
            item.add_marker(pytest.mark.names_devices)
        about_the_cpu = item.get_closest_marker("cpu")
        if _DEFAULT is not None and about_the_cpu:
            (reason,) = about_the_cpu.args
            item.add_marker(pytest.mark.skip(reason=f"about the CPU: {reason}"))


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    """The name of each device in turn: "cpu", "cuda"."""
    return request.param


@pytest.fixture
def default_device(device: str) -> Iterator[str]:
    """Each device in turn, and tensors are made there. A file whose tests name no device runs
    on all of them with ``pytestmark = pytest.mark.usefixtures("default_device")``."""
    with tg.device(device):
        yield device


@pytest.fixture(autouse=True)
def _reset(request: pytest.FixtureRequest) -> Any:
    """Every test draws the same random numbers, and finds the default dtype and device in place."""
    random.seed(0)
    tg.manual_seed(0)
    tg.set_default_dtype(tg.float32)
    named = request.node.get_closest_marker("names_devices")
    tg.set_default_device(None if named else _DEFAULT)
    checks = importlib.import_module("tinygrad_rnn.backends.cupy_checks")
    checks.forget()
    # Errors come where the CPU's come, unless the test is about the host not waiting for them
    checks.at_once = _DEFAULT == "cuda" and not named and "no_sync" not in request.fixturenames


@pytest.fixture
def no_sync() -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """``with no_sync():`` makes it an error that the host waits for a GPU."""
    if not HAS_GPU:
        return importlib.import_module("cupy.standin").no_sync

    @contextlib.contextmanager
    def no_sync() -> Iterator[None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # there is nothing in its place
            with importlib.import_module("cupyx").allow_synchronize(False):
                yield

    return no_sync


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes that are started can be interrupted, also where these tests can't be: what a shell
    runs in the background ignores SIGINT, and so do its children. A handler is not inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def repo() -> Path:
    """The folder of the repository."""
    return REPO


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of texts: TINYGRAD_RNN_DATA, or else shared/data beside the repository."""
    folder = Path(os.environ.get("TINYGRAD_RNN_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no texts in {folder}: set TINYGRAD_RNN_DATA to their folder")
    return folder

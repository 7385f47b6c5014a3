"""`tinygrad_rnn.cuda`, several GPUs, and what is said where there are none."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import cuda
from tinygrad_rnn.backends import cupy_backend

from .conftest import HAS_GPU, REPO

X = [[1.5, -2.0, 0.0], [3.25, -0.5, 2.0]]
TWO_GPUS = pytest.mark.skipif(cuda.device_count() < 2, reason="needs two GPUs")
STANDIN_ONLY = pytest.mark.skipif(HAS_GPU, reason="makes the stand-in fail as a driver may")


def test_questions_about_gpus():
    assert cuda.is_available() and cuda.device_count() >= 1
    assert cuda.current_device() == 0
    assert isinstance(cuda.get_device_name(), str) and cuda.get_device_name("cuda:0")
    cuda.synchronize()
    cuda.synchronize(torch.device("cuda:0"))
    with pytest.raises(ValueError, match="Expected a cuda device"):
        cuda.get_device_name("cpu")
    with pytest.raises(RuntimeError, match="invalid device ordinal: cuda:99"):
        cuda.synchronize(99)
    with pytest.raises(RuntimeError, match="invalid device ordinal: cuda:99"):
        torch.zeros(1, device="cuda:99")


def test_memory_in_use():
    before = cuda.memory_allocated()
    x = torch.zeros(1 << 18, device="cuda")
    assert cuda.memory_allocated() - before == 1 << 20
    assert cuda.memory_reserved() >= cuda.memory_allocated()
    del x
    assert cuda.memory_allocated() == before
    cuda.empty_cache()


def test_seeds():
    cuda.manual_seed(3)
    first = torch.rand(4, device="cuda")
    cuda.manual_seed_all(3)
    assert torch.equal(torch.rand(4, device="cuda"), first)


@TWO_GPUS
def test_tensors_on_the_second_gpu():
    x = torch.tensor(X, device="cuda:1")
    assert x.device == torch.device("cuda", 1) and repr(x).endswith("device='cuda:1')")
    for y in (
        torch.zeros(2, device="cuda:1"),
        torch.arange(0.0, 3.0, 0.5, device="cuda:1"),
        torch.randn(3, device=torch.device("cuda:1")),
        torch.zeros_like(x),
        x.new_ones(2),
        torch.zeros(2).cuda(1),
        torch.ones(2, device="cuda:0").to("cuda:1"),
    ):
        assert y.device == x.device
    assert x.to("cuda:0").device == torch.device("cuda:0") and x.cpu().tolist() == X
    with pytest.raises(RuntimeError, match="cuda:0 and cuda:1"):
        x + torch.tensor(X, device="cuda:0")


@TWO_GPUS
def test_work_is_done_on_the_current_gpu():
    x = torch.tensor(X, device="cuda:1", requires_grad=True)
    with pytest.raises(RuntimeError, match=r"are on cuda:1, which is not .* cuda.set_device"):
        x + 1
    with cuda.device("cuda:1"):
        y = x * x
    with pytest.raises(RuntimeError, match=r"cuda\.set_device"):
        y.exp()


@TWO_GPUS
def test_work_on_the_second_gpu():
    with cuda.device(1):
        assert cuda.current_device() == 1
        x = torch.tensor(X, device="cuda", requires_grad=True)
        y = torch.tanh(x @ x.T)[0].softmax(0) + torch.arange(2, device="cuda")
        y.sum().backward()
        assert x.grad is not None
        assert all(t.device == torch.device("cuda:1") for t in (x, y, x.grad))
    assert cuda.current_device() == 0
    cuda.set_device("cuda:1")
    try:
        assert torch.ones(1, device="cuda").get_device() == 1
    finally:
        cuda.set_device(0)


# ----- where there is no GPU -----


def _without_cupy(code: str) -> str:
    """What a program prints where CuPy is not installed."""
    program = f"import sys; sys.modules['cupy'] = None\nimport tinygrad_rnn as torch\n{code}"
    return _printed(program)


def _printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPO)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_cupy():
    printed = _without_cupy(
        "import tinygrad_rnn.cuda as cuda\n"
        "print(cuda.is_available(), cuda.device_count(), cuda.memory_allocated())\n"
        "cuda.empty_cache(); cuda.manual_seed_all(1)\n"
        "for call in (cuda.synchronize, cuda.current_device, cuda.get_device_name,\n"
        "             lambda: torch.zeros(1, device='cuda'), torch.zeros(1).cuda):\n"
        "    try: call()\n"
        "    except RuntimeError as error: print(error)\n"
    ).splitlines()
    assert printed[0] == "False 0 0"
    assert len(printed) == 6
    for line in printed[1:]:
        assert line.startswith("cuda needs CuPy, which can't be imported")
        assert 'pip install "tinygrad-rnn[cuda13]"' in line


@STANDIN_ONLY
@pytest.mark.parametrize(
    ("status", "driver", "message"),
    [
        (100, 13000, "cuda can't be used: cudaErrorNoDevice"),
        (35, 0, "cuda can't be used: no NVIDIA driver was found"),
        (35, 11080, r"driver is too old for this CuPy: it knows CUDA up to 11\.8"),
        (None, 13000, "cuda can't be used: no NVIDIA GPU was found"),
    ],
)
def test_without_a_gpu(status: int | None, driver: int, message: str, monkeypatch: Any):
    runtime = cupy_backend._runtime

    def count() -> int:
        if status is None:
            return 0
        raise runtime.CUDARuntimeError(status, "cudaErrorNoDevice: no CUDA-capable device")

    monkeypatch.setattr(runtime, "getDeviceCount", count)
    monkeypatch.setattr(runtime, "driverGetVersion", lambda: driver)
    assert not cuda.is_available() and cuda.device_count() == 0
    cuda.manual_seed_all(1)
    for call in (lambda: torch.zeros(1, device="cuda"), torch.zeros(1).cuda, cuda.synchronize):
        with pytest.raises(RuntimeError, match=message) as caught:
            call()
        assert 'device="cpu"' in str(caught.value)


def test_importing_the_library_imports_no_cupy():
    assert _printed("import sys, tinygrad_rnn; print('cupy' in sys.modules)") == "False\n"

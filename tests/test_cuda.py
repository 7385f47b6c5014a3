"""`tinygrad_rnn.cuda`, several GPUs, and what is said where there are none."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import cuda
from tinygrad_rnn.backends import cupy_backend

from .both import needs_torch
from .conftest import HAS_GPU, REPO

pytestmark = pytest.mark.names_devices

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


# What PyTorch does where it was built without CUDA: the kind of an error, or a result
WITHOUT = {
    "Stream()": RuntimeError, "Event()": RuntimeError, "CUDAGraph()": RuntimeError,
    "current_stream()": AssertionError, "default_stream()": AssertionError,
    "synchronize()": AssertionError, "get_device_name()": AssertionError,
    "get_device_properties(0)": AssertionError, "get_device_capability()": AssertionError,
    "mem_get_info()": AssertionError, "init()": AssertionError, "get_rng_state()": AssertionError,
    "initial_seed()": AssertionError, "current_device()": AssertionError,
    "memory_allocated()": 0, "max_memory_allocated()": 0, "max_memory_reserved()": 0,
    "memory_stats()": {}, "empty_cache()": None, "get_rng_state_all()": [], "seed()": None,
    "is_initialized()": False, "is_bf16_supported()": False, "manual_seed_all(1)": None,
    "stream(None).__enter__()": None,
}  # fmt: skip


def test_without_cupy_all_functions_do_what_pytorch_s_do_without_cuda():
    calls = [*WITHOUT, "make_graphed_step(print)", "reset_peak_memory_stats()"]
    printed = _without_cupy(
        f"for call in {calls!r}:\n"
        "    try: print(eval('torch.cuda.' + call))\n"
        "    except Exception as error: print([kind.__name__ for kind in type(error).__mro__])\n"
        "print(torch.ones(1).is_pinned())\n"
        "try: torch.ones(1).pin_memory()\n"
        "except RuntimeError as error: print(error)\n"
    ).splitlines()
    for line, (call, expected) in zip(printed, WITHOUT.items(), strict=False):
        if isinstance(expected, type):
            assert repr(expected.__name__) in line, call
        else:
            assert line == str(expected), call
    assert "'RuntimeError'" in printed[-4] and printed[-3:-1] == ["None", "False"]
    assert printed[-1] == "Cannot access accelerator device when none is available."


@needs_torch
def test_what_is_said_of_pytorch_is_true():
    theirs: Any = importlib.import_module("torch")
    if theirs.cuda.is_available() or theirs.version.cuda is not None:
        pytest.skip("PyTorch was built with CUDA")
    for call, expected in WITHOUT.items():
        if isinstance(expected, type):
            with pytest.raises(expected):
                eval("torch.cuda." + call, {"torch": theirs})
        else:
            assert eval("torch.cuda." + call, {"torch": theirs}) == expected, call


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


# ----- streams and events -----


def test_streams():
    s = cuda.Stream(priority=-1)
    default = cuda.default_stream()
    assert cuda.current_stream() == default and default.cuda_stream == 0 and s != default
    assert s.device == torch.device("cuda:0") and s.device_index == 0 and s.priority == -1
    assert repr(s).startswith("<torch.cuda.Stream device=cuda:0 cuda_stream=0x")
    with cuda.stream(s):
        assert cuda.current_stream() == s and hash(cuda.current_stream()) == hash(s)
        x = torch.ones(3, device="cuda") + 1
    default.wait_stream(s)
    assert cuda.current_stream() == default and x.tolist() == [2.0] * 3
    with s, cuda.stream(None):
        assert cuda.current_stream() == s
    cuda.set_stream(s)
    try:
        assert cuda.current_stream() == s
    finally:
        cuda.set_stream(default)
        cuda.set_stream(None)
    s.synchronize()
    assert s.query()
    with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
        cuda.Stream(depth=3)


@STANDIN_ONLY
def test_streams_of_a_cupy_without_priorities(monkeypatch: pytest.MonkeyPatch):
    """CuPy 13's have no such argument."""
    stream: Any = importlib.import_module("cupy").cuda.Stream
    real = stream.__init__

    def of_cupy_13(
        self: Any, null: bool = False, non_blocking: bool = False, ptds: bool = False
    ) -> None:
        real(self, null, non_blocking, ptds)

    monkeypatch.setattr(stream, "__init__", of_cupy_13)
    monkeypatch.setattr(cupy_backend, "_HAS_PRIORITIES", False)
    assert cuda.Stream(priority=-1).priority == -1 and cuda.Stream().query()


def test_events():
    start, end = (cuda.Event(enable_timing=True) for _ in range(2))
    with pytest.raises(ValueError, match="must be recorded before calculating elapsed time"):
        start.elapsed_time(end)
    start.record()
    end.wait()  # for nothing yet
    torch.ones(9, device="cuda").exp()
    end.record(cuda.current_stream())
    end.wait(cuda.Stream())
    end.synchronize()
    assert end.query() and 0 <= start.elapsed_time(end) < 60_000
    with pytest.raises(ValueError, match="must be created with argument 'enable_timing=True'"):
        start.elapsed_time(cuda.current_stream().record_event())


@TWO_GPUS
def test_streams_of_the_second_gpu():
    s = cuda.Stream(device=1)
    with cuda.stream(s):
        assert cuda.current_device() == 1 and cuda.current_stream() == s
        assert torch.ones(1, device="cuda").get_device() == 1
    assert cuda.current_device() == 0 and cuda.current_stream(1) == cuda.default_stream(1)


# ----- what there is, and what is used -----


def test_properties():
    found = cuda.get_device_properties("cuda:0")
    assert found.name == cuda.get_device_name() and found.total_memory > 2**30
    assert cuda.get_device_capability() == (found.major, found.minor) >= (5, 0)
    assert found.multi_processor_count > 0 and "total_memory=" in repr(found)
    free, total = cuda.mem_get_info()
    assert 0 < free <= total
    assert cuda.is_initialized() and not cuda.is_bf16_supported()
    cuda.init()


def test_the_most_memory_in_use():
    cuda.reset_peak_memory_stats()
    before = cuda.memory_allocated()
    x = torch.zeros(1 << 18, device="cuda")
    for _ in range(3):
        del x
        x = torch.zeros(1 << 18, device="cuda")
    assert cuda.max_memory_allocated() == before + (1 << 20)
    y = x + 1
    del x, y
    assert cuda.memory_allocated() == before
    assert cuda.max_memory_allocated() == before + (2 << 20)
    assert cuda.memory_stats()["allocated_bytes.all.peak"] == before + (2 << 20)
    cuda.reset_peak_memory_stats(0)
    assert cuda.max_memory_allocated() == before <= cuda.max_memory_reserved()


def test_the_generator_is_that_of_all_devices():
    state = cuda.get_rng_state()
    first = torch.rand(4, device="cuda")
    cuda.set_rng_state(state)
    assert torch.equal(torch.rand(4, device="cuda"), first)
    states = cuda.get_rng_state_all()
    assert len(states) == cuda.device_count()
    first = torch.rand(4)
    cuda.set_rng_state_all(states)
    assert torch.equal(torch.rand(4), first)
    cuda.manual_seed(11)
    assert cuda.initial_seed() == 11
    cuda.seed()
    assert cuda.initial_seed() != 11


# ----- arrays of CuPy, and the host's memory -----


def test_arrays_of_cupy_share_memory():
    cupy = cupy_backend.cupy
    array = cupy.arange(6, dtype="float32").reshape(2, 3).T
    for x in (torch.as_tensor(array), torch.asarray(array), torch.from_dlpack(array)):
        assert x.is_cuda and x.shape == (3, 2) and x.data_ptr() == array.data.ptr
        x[0, 0] += 1
    assert array[0, 0] == 3
    copy = torch.tensor(array)
    assert copy.is_cuda and copy.data_ptr() != array.data.ptr
    assert torch.as_tensor(array, dtype=torch.float64).dtype is torch.float64
    assert torch.as_tensor(array, device="cpu").tolist() == array.tolist()
    y = torch.ones(2, 3, device="cuda").t()
    theirs = cupy.asarray(y)  # by __cuda_array_interface__
    theirs[0] = 5
    assert y.tolist() == [[5.0, 5.0], [1.0, 1.0], [1.0, 1.0]]
    assert y.__cuda_array_interface__["data"][0] == y.data_ptr()
    with pytest.raises(RuntimeError, match=r"use var\.detach"):
        _ = torch.ones(1, device="cuda", requires_grad=True).__cuda_array_interface__
    with pytest.raises(AttributeError, match=r"on non-CUDA tensor type: torch\.FloatTensor"):
        _ = torch.ones(1).__cuda_array_interface__


def test_pinned_memory():
    x = torch.arange(6.0).reshape(2, 3)
    y = x.pin_memory()
    assert y.is_pinned() and y[1:].is_pinned() and not x.is_pinned() and torch.equal(x, y)
    assert y.pin_memory() is y and torch.equal(y.to("cuda", non_blocking=True).cpu(), x)
    assert not (y + 1).is_pinned() and not y.cuda().is_pinned()
    with pytest.raises(RuntimeError, match="cannot pin a tensor on cuda:0: only dense CPU"):
        y.cuda().pin_memory()


def test_pinned_memory_is_read_later_only_where_that_is_asked_for(monkeypatch: Any):
    """A GPU reads it while the program goes on, and may change it."""
    real, read = cupy_backend.cupy.array, []

    def array(given: Any, *args: Any) -> Any:
        read.append(cupy_backend.is_pinned(given))
        return real(given, *args)

    monkeypatch.setattr(cupy_backend.cupy, "array", array)
    x, y = torch.ones(3).pin_memory(), torch.zeros(3, device="cuda")
    for call, later in (
        (lambda: x.to("cuda"), False), (lambda: x.cuda(), False), (lambda: y.copy_(x), False),
        (lambda: x.to("cuda", non_blocking=True), True), (lambda: x.to("cuda", None, True), True),
        (lambda: x.cuda(non_blocking=True), True), (lambda: y.copy_(x, True), True),
    ):  # fmt: skip
        read.clear()
        assert call().tolist() == [1.0] * 3 and read == [later]

"""What programs set for the whole process, and PyTorch's names for what there is no need of."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import pickle
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as ours
from tinygrad_rnn import nn, optim
from tinygrad_rnn.backends import cpu

from .both import needs_torch as needs_torch, on_the_cpu, t as t
from .conftest import REPO


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    ours.use_deterministic_algorithms(False)
    ours.set_default_device(None)
    ours.set_float32_matmul_precision("highest")


def test_the_version_is_that_of_the_package():
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    assert ours.__version__ == ours.version.__version__ == project["version"]
    assert ours.version.cuda is None


# ----- determinism -----


def test_determinism(t: Any):
    assert not t.are_deterministic_algorithms_enabled() and t.get_deterministic_debug_mode() == 0
    try:
        t.use_deterministic_algorithms(True, warn_only=True)
        assert t.are_deterministic_algorithms_enabled()
        assert t.is_deterministic_algorithms_warn_only_enabled()
        assert t.get_deterministic_debug_mode() == 1
        t.set_deterministic_debug_mode("error")
        assert t.get_deterministic_debug_mode() == 2
        assert not t.is_deterministic_algorithms_warn_only_enabled()
        with pytest.raises(RuntimeError, match="invalid value of debug_mode, expected 0, 1, or 2"):
            t.set_deterministic_debug_mode(7)
        with pytest.raises(RuntimeError, match="expected one of `default`, `warn`, `error`"):
            t.set_deterministic_debug_mode("loud")
        with pytest.raises(TypeError, match=r"'mode' .* must be bool, not str"):
            t.use_deterministic_algorithms("yes")
    finally:
        t.set_deterministic_debug_mode(0)
    assert not t.are_deterministic_algorithms_enabled()


def test_of_values_for_one_place_the_last_one_stays(t: Any):
    """As on the CPU; on a GPU it may otherwise be any of them."""
    x, places = t.zeros(3, 2), t.tensor([1, 0, 1, 1])
    values = t.arange(8.0).reshape(4, 2)
    t.use_deterministic_algorithms(True)
    try:
        x[places] = values
        assert x.tolist() == [[2, 3], [6, 7], [0, 0]]
        y = t.zeros(3, 2).index_put((places, t.tensor(1)), values[:, 0])
        assert y.tolist() == [[0, 2], [0, 6], [0, 0]]
        index = t.tensor([[0, 2, 0], [1, 1, 1]])
        z = t.zeros(2, 3).scatter(1, index, values.reshape(-1)[:6].reshape(2, 3))
        assert z.tolist() == [[2, 0, 1], [0, 5, 0]]
    finally:
        t.use_deterministic_algorithms(False)


def test_backends(t: Any, monkeypatch: pytest.MonkeyPatch):
    if t.__name__ == "torch":  # PyTorch's own test tools forbid what follows
        names = t.backends.ContextProp.__set__.__globals__["flags_frozen"].__globals__
        monkeypatch.setitem(names, "__allow_nonbracketed_mutation_flag", True)
    cudnn = importlib.import_module(f"{t.__name__}.backends.cudnn")
    assert cudnn is t.backends.cudnn
    assert not t.backends.mps.is_available() and not t.backends.mps.is_built()
    cudnn.deterministic = True
    cudnn.benchmark = False
    with cudnn.flags(enabled=True, deterministic=False):
        assert cudnn.enabled and not cudnn.deterministic
    assert cudnn.deterministic
    cudnn.deterministic = False
    assert cudnn.version() is None or cudnn.is_available()
    t.backends.cuda.matmul.allow_tf32 = True
    assert t.backends.cuda.matmul.allow_tf32
    t.backends.cuda.matmul.allow_tf32 = False


def test_precision(t: Any):
    assert t.get_float32_matmul_precision() == "highest"
    t.set_float32_matmul_precision("high")
    assert t.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="exact is not one of 'highest', 'high', or 'medium'"):
        t.set_float32_matmul_precision("exact")
    t.set_float32_matmul_precision("highest")


# ----- threads -----


@on_the_cpu
def test_numbers_of_threads_must_be_positive(t: Any):
    assert t.get_num_threads() >= 1 and t.get_num_interop_threads() >= 1
    for wrong, message in ((0, "expects a positive integer"), (1.5, "expects an int, but got flo")):
        with pytest.raises(RuntimeError, match=message):
            t.set_num_threads(wrong)
        with pytest.raises(RuntimeError, match=message):
            t.set_num_interop_threads(wrong)


def test_without_threads_that_can_be_set_a_warning_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr(cpu, "available", lambda: ("numpy",))
    before = ours.get_num_threads()
    with pytest.warns(UserWarning, match="pip install threadpoolctl, or .*OPENBLAS_NUM_THREADS=2"):
        ours.set_num_threads(2)
    cpu.set_threads(before)


@pytest.mark.skipif(len(cpu.available()) == 1, reason="built without a C compiler")
def test_threads_of_compiled_kernels():
    before = ours.get_num_threads()
    ours.set_num_threads(3)
    assert ours.get_num_threads() == cpu.get_threads() == 3
    ours.set_num_threads(before)


# ----- types -----


def test_default_tensor_types():
    ours.set_default_tensor_type(ours.DoubleTensor)
    assert ours.ones(1).dtype is ours.float64
    ours.set_default_tensor_type("torch.cuda.HalfTensor")
    assert ours.ones(1).dtype is ours.float16 and ours.ones(1).is_cuda
    ours.set_default_tensor_type("torch.FloatTensor")
    assert ours.ones(1).dtype is ours.float32 and ours.ones(1).is_cpu
    for wrong in (ours.LongTensor, ours.float32, "torch.LongTensor", "x"):
        with pytest.raises(TypeError):
            ours.set_default_tensor_type(wrong)


def test_limits(t: Any):
    assert t.finfo(t.float32) == t.finfo() != t.finfo(t.float64)
    assert t.iinfo(t.int8) == t.iinfo(t.int8) != t.iinfo(t.uint8)
    for wrong in (lambda: t.finfo(t.int32), lambda: t.iinfo(t.float32), lambda: t.iinfo(t.bool),
                  lambda: hash(t.finfo())):  # fmt: skip
        with pytest.raises(TypeError):
            wrong()


def test_layouts_and_memory_formats(t: Any):
    assert t.ones(1).layout is t.strided and repr(t.strided) == "torch.strided"
    assert isinstance(t.strided, t.layout) and isinstance(t.channels_last, t.memory_format)
    assert pickle.loads(pickle.dumps(t.strided)) is t.strided
    assert copy.deepcopy(t.channels_last) is t.channels_last
    x = t.rand(1, 2, 3, 3)
    for y in (x.to(memory_format=t.channels_last), x.contiguous(memory_format=t.channels_last),
              x.clone(memory_format=t.preserve_format)):  # fmt: skip
        assert t.equal(y, x)
    assert t.empty(2, memory_format=t.contiguous_format).shape == (2,)


@on_the_cpu
def test_names_of_types(t: Any):
    assert t.typename(t.ones(1)) == "torch.FloatTensor" and t.typename(3) == "int"
    assert t.typename(t.nn.Linear) == t.typename(t.nn.Linear(1, 1))
    assert t.typename(t.nn.Linear).endswith(".Linear")
    assert not t.is_complex(t.ones(1)) and t.get_device(t.ones(1)) == -1


@on_the_cpu
def test_buffers(t: Any):
    memory = bytearray(np.arange(4, dtype="float32").tobytes())
    x = t.frombuffer(memory, dtype=t.float32)
    x[0] = 5
    assert np.frombuffer(memory, "float32").tolist() == [5, 1, 2, 3] == x.tolist()
    part = t.frombuffer(memory, dtype=t.float32, count=2, offset=4, requires_grad=True)
    assert part.tolist() == [1, 2] and part.requires_grad
    assert t.frombuffer(memory, dtype=t.int32, count=-5).numel() == 4
    for buffer, options, message in [
        (bytearray(0), {}, r"both buffer length \(0\) and count \(-1\) must not be 0"),
        (bytearray(8), {"count": 0}, r"both buffer length \(8\) and count \(0\) must not be 0"),
        (
            bytearray(7),
            {},
            r"buffer length \(7 bytes\) .* must be a multiple of element size \(4\)",
        ),
        (bytearray(8), {"count": 3}, r"requested buffer length \(3 \* 4 bytes\) after offset"),
        (bytearray(8), {"offset": 8}, r"offset \(8 bytes\) must be non-negative and no greater"),
        (bytearray(8), {"offset": -1}, r"offset \(-1 bytes\) must be non-negative"),
        (3, {}, "object does not implement Python buffer protocol"),
    ]:
        with pytest.raises(ValueError, match=message):
            t.frombuffer(buffer, dtype=t.float32, **options)


def test_memory_that_may_not_be_written_to():
    x = ours.frombuffer(b"1234", dtype=ours.uint8)
    with pytest.raises(ValueError, match="read-only"):
        x.add_(1)


# ----- the accelerator -----


def test_the_accelerator():
    assert ours.accelerator.is_available() and ours.accelerator.device_count() >= 1
    assert ours.accelerator.current_accelerator() == ours.device("cuda")
    assert ours.accelerator.current_device_index() == 0
    ours.accelerator.synchronize()
    with ours.accelerator.device_index(0):
        assert ours.accelerator.memory_allocated() >= 0


def test_without_an_accelerator():
    program = (
        "import sys; sys.modules['cupy'] = None\n"
        "import tinygrad_rnn as torch\n"
        "print(torch.accelerator.is_available(), torch.accelerator.current_accelerator())\n"
        "try: torch.accelerator.synchronize()\n"
        "except RuntimeError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPO)
    assert run.stdout == "False None\nCannot access accelerator device when none is available.\n"


# ----- compilers -----


def test_nothing_is_compiled():
    layer = nn.Linear(2, 1)
    assert ours.compile(layer, mode="max-autotune") is layer

    @ours.compile(fullgraph=True)
    def twice(x: Any) -> Any:
        return 2 * x

    @ours.jit.script
    def thrice(x: Any) -> Any:
        return 3 * x

    assert twice(2) == 4 and thrice(2) == 6
    assert ours.jit.trace(layer, ours.ones(1, 2)) is layer

    class Script(ours.jit.ScriptModule):
        @ours.jit.script_method
        def forward(self, x: Any) -> Any:
            return x + 1

        @ours.jit.ignore(drop=True)
        def other(self) -> int:
            return 3

    assert Script()(1) == 2 and Script().other() == 3 and Script().original_name == "Script"
    assert isinstance(Script(), ours.nn.Module) and not isinstance(layer, ours.jit.ScriptModule)
    with pytest.raises(AssertionError, match="A callable function is expected"):
        ours.compile(3)


# ----- mixed precision -----


def scaled_steps(t: Any, **options: Any) -> list[Any]:
    """What a scaler does when the gradients are fine, fine, infinite and fine."""
    scaler = t.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2, **options)
    x = t.tensor([1.0], requires_grad=True)
    optimizer, seen = t.optim.SGD([x], lr=0.5), []
    for factor in (1.0, 2.0, float("inf"), 1.0):
        optimizer.zero_grad()
        scaler.scale((x * factor).sum()).backward()
        seen.append(x.grad.tolist())
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        seen += [x.tolist(), scaler.get_scale(), scaler.state_dict()]
    return seen


@needs_torch
@pytest.mark.parametrize("enabled", [True, False])
def test_gradients_are_scaled(enabled: bool):
    torch = importlib.import_module("torch")
    assert repr(scaled_steps(ours, enabled=enabled)) == repr(scaled_steps(torch, enabled=enabled))


@on_the_cpu
def test_scalers(t: Any):
    scaler = t.amp.GradScaler("cpu", init_scale=2.0)
    x = t.ones(2, requires_grad=True)
    optimizer = t.optim.SGD([x], lr=1.0)
    scaled = scaler.scale([x * 1, (x * 2,)])
    assert scaled[1][0].tolist() == [4, 4] and scaler.is_enabled()
    scaler.scale(x.sum()).backward()
    scaler.step(optimizer)
    for call, message in [
        (lambda: scaler.step(optimizer), r"step\(\) has already been called"),
        (lambda: scaler.unscale_(optimizer), r"unscale_\(\) is being called after step\(\)"),
        (lambda: scaler.step(optimizer, closure=lambda: 0), "Closure use is not currently"),
        (lambda: scaler.load_state_dict({}), "The source state dict is empty"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            call()
    scaler.update(16.0)
    other = t.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 16.0
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()
    with pytest.raises(AssertionError, match="growth factor must be > 1"):
        t.amp.GradScaler("cpu", growth_factor=1.0)


def test_autocast_changes_nothing_and_says_so():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with (
            ours.autocast("cuda", dtype=ours.float16, enabled=False),
            ours.cuda.amp.autocast(False),
        ):
            assert (ours.ones(2) @ ours.ones(2)).dtype is ours.float32
        ours.cuda.amp.GradScaler(enabled=False)
    for kind in (lambda: ours.autocast("cpu"), lambda: ours.cuda.amp.autocast()):
        with pytest.warns(UserWarning, match="there is no mixed precision here"), kind():
            assert not ours.is_autocast_enabled()
    with pytest.warns(UserWarning, match="no mixed precision"):
        decorated = ours.autocast("cpu")(lambda x: x + 1)
    assert decorated(1) == 2
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        ours.autocast("tpu", enabled=False)


def test_a_training_step_with_a_scaler(default_device: str):
    layer = nn.Linear(2, 1)
    optimizer, scaler = optim.SGD(layer.parameters(), lr=0.1), ours.amp.GradScaler("cpu")
    before = layer.weight.clone()
    scaler.scale(layer(ours.ones(3, 2)).sum()).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    assert not ours.equal(layer.weight, before) and scaler.get_scale() == 65536

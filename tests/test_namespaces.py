"""What programs for PyTorch name beside tensors and layers: switches, tools, other processes."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import warnings
from contextlib import nullcontext

import pytest

import tinygrad_rnn

from .both import needs_torch, t as t

NAMES = """__config__.show autograd.graph.save_on_cpu autograd.profiler.profile
autograd.variable.Variable backends.cuda.enable_flash_sdp backends.cuda.matmul.allow_tf32
backends.cudnn.benchmark backends.cudnn.deterministic backends.mha.get_fastpath_enabled
backends.mkl.is_available backends.mkldnn.enabled backends.mps.is_available
backends.openmp.is_available backends.opt_einsum.enabled compile compiler.disable
compiler.is_compiling cond cpu.amp.autocast cpu.synchronize cuda.OutOfMemoryError
cuda.amp.custom_fwd default_generator distributed.is_initialized func.functional_call
functional.einsum functional.F jit.Attribute jit.freeze jit.wait mps.empty_cache
multiprocessing.Process multiprocessing.spawn nn.common_types._size_2_t
nn.modules.module.register_module_forward_hook nn.parallel.DistributedDataParallel
nn.utils.fuse_conv_bn_eval nn.utils.fusion.fuse_linear_bn_eval nn.utils.stateless.functional_call
onnx.export optim.optimizer.required profiler.ProfilerActivity profiler.schedule
random.fork_rng set_flush_denormal set_warn_always testing.make_tensor utils.benchmark.Timer
utils.data.distributed.DistributedSampler utils.dlpack.to_dlpack utils.hooks.RemovableHandle
version.git_version xpu.is_available""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_there(t, name):
    found, path = t, t.__name__
    for part in name.split("."):
        path += f".{part}"
        found = getattr(found, part) if hasattr(found, part) else importlib.import_module(path)


def test_what_can_not_be_done_says_so():
    for call, message in [
        (lambda: tinygrad_rnn.onnx.export(None), "ONNX files can't be written"),
        (lambda: tinygrad_rnn.distributed.init_process_group("gloo"), "train in one"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            call()
    with pytest.raises(ImportError, match="tensorboardX"):
        importlib.import_module("tinygrad_rnn.utils.tensorboard")
    with pytest.raises(ValueError, match="process group has not been initialized"):
        tinygrad_rnn.utils.data.DistributedSampler(range(3))


# ----- hooks of all modules -----


def test_global_hooks_run_before_a_modules_own(t):
    module, log = importlib.import_module(f"{t.__name__}.nn.modules.module"), []

    def told(kind):
        return lambda m, *args: log.append((kind, type(m).__name__))

    net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh())
    net.register_forward_hook(told("own"))
    handles = [
        module.register_module_forward_pre_hook(told("before")),
        module.register_module_forward_hook(told("after")),
        module.register_module_full_backward_pre_hook(told("outputs")),
        module.register_module_full_backward_hook(told("inputs")),
    ]
    try:
        net(t.ones(1, 2, requires_grad=True)).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    assert log == [
        ("before", "Sequential"), ("before", "Linear"), ("after", "Linear"), ("before", "Tanh"),
        ("after", "Tanh"), ("after", "Sequential"), ("own", "Sequential"),
        ("outputs", "Sequential"), ("outputs", "Tanh"), ("inputs", "Tanh"), ("outputs", "Linear"),
        ("inputs", "Linear"), ("inputs", "Sequential"),
    ]  # fmt: skip
    log.clear()
    net(t.ones(1, 2))
    assert log == [("own", "Sequential")]


def test_hooks_on_registration(t):
    module, log = importlib.import_module(f"{t.__name__}.nn.modules.module"), []

    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = t.nn.Linear(1, 1, bias=False)
            self.register_buffer("b", t.ones(1))
            self.register_parameter("p", None)
            self.w = t.nn.Parameter(t.ones(2))
            self.b = t.zeros(3)
            self.layer = None
            self.add_module("q", t.nn.Tanh())

    kinds = ("parameter", "buffer", "module")
    handles = [
        getattr(module, f"register_module_{kind}_registration_hook")(
            lambda m, name, value, kind=kind: log.append((kind, name, value is None))
        )
        for kind in kinds
    ]
    try:
        Net()
    finally:
        for handle in handles:
            handle.remove()
    assert log == [
        ("parameter", "weight", False), ("module", "layer", False), ("buffer", "b", False),
        ("parameter", "w", False), ("buffer", "b", False), ("module", "layer", True),
        ("module", "q", False),
    ]  # fmt: skip
    with module.register_module_parameter_registration_hook(
        lambda m, name, value: t.nn.Parameter(value.detach(), requires_grad=False)
    ):
        assert not t.nn.Linear(2, 2).weight.requires_grad


# ----- tensors from anything, or at random -----


@pytest.mark.filterwarnings("ignore:torch.asarray")
def test_asarray(t):
    x = t.ones(2, requires_grad=True)
    assert t.asarray(x) is x
    assert t.asarray(x, copy=False) is x
    assert t.asarray(x, copy=True).data_ptr() != x.data_ptr()
    assert t.asarray([1, 2.5], requires_grad=True).requires_grad
    assert not t.asarray(x * 2, requires_grad=False).requires_grad
    assert t.asarray(x, requires_grad=False) is x
    assert not x.requires_grad
    assert t.asarray(bytearray(b"\x01\x02"), dtype=t.uint8).tolist() == [1, 2]
    for data, options, message in [
        (t.ones(2), {"dtype": t.float64}, "can't alias tensor with dtype 'Float' into dtype 'Doub"),
        ([1, 2], {}, "can't alias arbitrary sequence into a tensor"),
    ]:
        with pytest.raises(ValueError, match=message):
            t.asarray(data, copy=False, **options)


DRAWS = [
    {"dtype": "float32"},
    {"dtype": "float64", "low": 0, "high": 1, "exclude_zero": True},
    {"dtype": "float16", "low": -1e39},
    {"dtype": "int64", "low": 1.5, "high": 3.2},
    {"dtype": "uint8", "low": -5, "high": 300},
    {"dtype": "bool"},
    {"dtype": "float32", "noncontiguous": True},
]


@needs_torch
@pytest.mark.parametrize("options", DRAWS)
def test_make_tensor_draws_the_same_numbers(options):
    torch = importlib.import_module("torch")
    made = []
    for library in (torch, tinygrad_rnn):
        library.manual_seed(0)
        known = {**options, "dtype": getattr(library, options["dtype"]), "device": "cpu"}
        drawn = library.testing.make_tensor(3, 4, **known)
        made.append((drawn.tolist(), drawn.stride()))
    assert made[0] == made[1]


def test_make_tensor_with_bad_limits(t):
    for dtype, options, message in [
        (t.float32, {"low": 3, "high": 1}, "`low` must be less than `high`, but got 3 >= 1"),
        (t.float32, {"low": float("nan")}, "cannot be NaN"),
        (t.int8, {"low": 130, "high": 150}, "only supports"),
        (t.int64, {"requires_grad": True}, "not supported for boolean and integral"),
    ]:
        with pytest.raises(ValueError, match=message):
            t.testing.make_tensor(2, dtype=dtype, device="cpu", **options)


# ----- data for several processes -----


@needs_torch
def test_distributed_sampler():
    torch = importlib.import_module("torch")
    cases = itertools.product((0, 1, 5, 8), (1, 2, 3, 9), (False, True), (False, True))
    for size, count, shuffle, drop_last in cases:
        for rank in range(count):
            found = []
            for library in (torch, tinygrad_rnn):
                data = importlib.import_module(f"{library.__name__}.utils.data.distributed")
                sampler = data.DistributedSampler(range(size), count, rank, shuffle, 3, drop_last)
                sampler.set_epoch(2)
                found.append((len(sampler), list(sampler)))
            assert found[0] == found[1]
    with pytest.raises(ValueError, match="Invalid rank 2"):
        tinygrad_rnn.utils.data.DistributedSampler(range(3), 2, 2)


def _times(number, x, results):
    results.put((number, (x * number).sum().item()))


def _fails(number):
    raise ValueError(f"not {number}")


def _leaves(number):
    os._exit(3)


def test_processes():
    processes = tinygrad_rnn.multiprocessing
    results = processes.get_context("fork").SimpleQueue()
    given = tinygrad_rnn.ones(3), results
    assert processes.start_processes(_times, given, nprocs=2, start_method="fork") is None
    assert sorted([results.get(), results.get()]) == [(0, 0.0), (1, 3.0)]
    with pytest.raises(processes.ProcessRaisedException, match="ValueError: not 0"):
        processes.start_processes(_fails, nprocs=1, start_method="fork")
    with pytest.raises(processes.ProcessExitedException, match="exit code 3") as caught:
        processes.start_processes(_leaves, nprocs=1, start_method="fork")
    assert (caught.value.exit_code, caught.value.error_index) == (3, 0)


# ----- profiles -----


def test_profile_counts_and_times(tmp_path):
    profiler = tinygrad_rnn.profiler
    x = tinygrad_rnn.ones(2, 3, requires_grad=True)
    with profiler.profile(record_shapes=True) as prof, profiler.record_function("all"):
        (x * x).exp().sum().backward()
    counts = {event.key: event.count for event in prof.key_averages()}
    wanted = {"aten::mul", "aten::exp", "aten::sum", "MulBackward0", "ExpBackward0", "all"}
    assert wanted <= counts.keys()
    assert counts["aten::exp"] == 1
    whole = next(event for event in prof.events() if event.name == "all")
    inside = sum(event.self_cpu_time_total for event in prof.events() if event is not whole)
    assert whole.self_cpu_time_total + inside == pytest.approx(whole.cpu_time_total)
    shapes = prof.key_averages(group_by_input_shape=True)
    assert [[2, 3], [2, 3]] in [event.input_shapes for event in shapes]
    assert "aten::exp" in prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=20)
    prof.export_chrome_trace(tmp_path / "trace.json")
    assert len(json.loads((tmp_path / "trace.json").read_text())["traceEvents"]) == len(
        prof.events()
    )
    before = len(prof.events())
    x * 2
    assert len(prof.events()) == before


@pytest.mark.parametrize(
    "options",
    [
        {"wait": 1, "warmup": 1, "active": 2},
        {"wait": 2, "warmup": 0, "active": 1, "repeat": 2, "skip_first": 3},
        {"wait": 2, "warmup": 1, "active": 1, "repeat": 1, "skip_first_wait": 1},
    ],
)
def test_schedule(t, options):
    profiler = importlib.import_module(f"{t.__name__}.profiler")
    with pytest.warns(UserWarning, match="warmup") if not options["warmup"] else nullcontext():
        theirs = profiler.schedule(**options)
    with warnings.catch_warnings(action="ignore"):
        ours = tinygrad_rnn.profiler.schedule(**options)
    assert [ours(step).name for step in range(15)] == [theirs(step).name for step in range(15)]


def test_profile_of_a_schedule():
    ready = []
    profiler = tinygrad_rnn.profiler
    with profiler.profile(
        schedule=profiler.schedule(wait=1, warmup=1, active=2, repeat=2),
        on_trace_ready=lambda prof: ready.append((prof.step_num, len(prof.events()))),
    ) as prof:
        for _ in range(10):
            tinygrad_rnn.ones(2).exp()
            prof.step()
    assert ready == [(3, 2), (7, 2)]


def test_timer():
    benchmark = importlib.import_module("tinygrad_rnn.utils.benchmark")
    timer = benchmark.Timer("x + 1", globals={"x": tinygrad_rnn.ones(2)}, label="add")
    found = timer.blocked_autorange(min_run_time=0.01)
    assert found.median > 0
    assert sum(found.raw_times) >= 0.01
    assert "add" in repr(found)
    assert benchmark.Measurement(2, [2.0, 4.0, 6.0, 8.0]).iqr == pytest.approx(1.5)


# ----- others -----


def test_fused_layers(t):
    t.manual_seed(0)
    for layer, norm, x, fuse in [
        (t.nn.Conv1d(2, 3, 2), t.nn.BatchNorm1d(3), t.randn(4, 2, 5), t.nn.utils.fuse_conv_bn_eval),
        (t.nn.Linear(2, 3), t.nn.BatchNorm1d(3), t.randn(4, 2), t.nn.utils.fuse_linear_bn_eval),
    ]:
        norm(layer(x))
        with pytest.raises(AssertionError, match="only for eval"):
            fuse(layer, norm)
        layer.eval(), norm.eval()
        t.testing.assert_close(fuse(layer, norm)(x), norm(layer(x)))


def test_jit_isinstance(t):
    for value, kind, fits in [
        ([1, 2], list[int], True), ([1, "a"], list[int], False), (None, int | None, True),
        ({"a": 1.0}, dict[str, float], True), ((1, "a"), tuple[int, str], True),
        ((1, 2), tuple[int, str], False), (3, int, True), (3, (str, int), True),
    ]:  # fmt: skip
        assert t.jit.isinstance(value, kind) is fits


def test_the_classes_of_nodes_have_the_operations_names(t):
    x = t.ones(2, requires_grad=True)
    node = x.exp().sum().grad_fn
    names = []
    while node is not None:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    assert names == ["SumBackward0", "ExpBackward0", "AccumulateGrad"]
    y = x.exp()
    assert y.grad_fn is y.grad_fn
    (y * y).sum().backward()
    t.testing.assert_close(x.grad, 2 * (2 * x.detach()).exp())


def test_a_required_option(t):
    required = importlib.import_module(f"{t.__name__}.optim.optimizer").required

    class Steps(t.optim.Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

    x = t.ones(1, requires_grad=True)
    assert Steps([x], 0.1).param_groups[0]["lr"] == 0.1
    with pytest.raises(ValueError, match="didn't specify a value of required optimization"):
        Steps([x])


def test_fused_parameters_keep_their_dtypes(t):
    c, fuse = t.ones(2), t.nn.utils.fuse_conv_bn_weights
    for bias, kind in ((c.double(), t.float64), (None, t.float16)):
        fused = fuse(t.ones(2, 1, 1).half(), bias, c, c, 0.0, c, c)
        assert [x.dtype for x in fused] == [t.float16, kind]

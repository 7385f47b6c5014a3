"""The examples in docstrings, run: what they print is what they say."""

from __future__ import annotations

import doctest
import importlib
import re
from types import ModuleType
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim, text
from tinygrad_rnn.nn import functional as F

pytestmark = pytest.mark.cpu("outputs are those of the CPU")

# The modules that users import names from.
PUBLIC = [
    "tinygrad_rnn", "__config__", "accelerator", "amp", "autograd", "autograd.functional",
    "autograd.profiler", "autograd.saved", "backends.cpu", "backends.cuda", "backends.cudnn",
    "backends.mha", "backends.mkl", "backends.mkldnn", "backends.mps", "backends.openmp",
    "backends.opt_einsum", "compiler", "cpu", "cpu.amp", "cuda", "cuda.amp", "distributed", "jit",
    "mps", "multiprocessing",
    "distributions", "distributions.constraint_registry", "distributions.constraints",
    "distributions.kl", "distributions.transforms", "distributions.utils", "func", "linalg",
    "masked", "nn",
    "nn.functional", "nn.init",
    "nn.attention", "nn.modules.module", "nn.modules.utils", "nn.parallel", "nn.utils",
    "nn.utils.parametrizations",
    "nn.utils.parametrize", "nn.utils.prune", "nn.utils.rnn", "onnx", "optim",
    "optim.lr_scheduler", "optim.swa_utils", "profiler", "random", "serialization",
    "signal.windows", "special", "testing", "text",
    "utils", "utils.benchmark", "utils.checkpoint", "utils.data", "utils.dlpack",
    "utils.interchange", "xpu",
]  # fmt: skip
# What those modules import for their own use, and users have no use for.
INNER = {
    "AccumulateGrad", "Collector", "innermost", "time_in_words",
    "Kept", "Leaf", "Mode", "Primitive", "Products", "Record", "Variable", "View", "as_matrix",
    "NonDynamicallyQuantizableLinear", "batch_mahalanobis", "check_iterations", "copied", "creates",
    "cuda_device_count", "current_edge", "given", "half_log_det", "hook_number", "host_array",
    "is_host", "like", "members_for", "named", "new", "new_sizes", "norm_except_dim", "one_each",
    "output_dim", "pack", "pack_like", "padded", "panel_columns", "primitive", "product",
    "run_kernel", "run_program", "sizes", "standard_normal", "sum_rightmost", "Telling",
    "TellingAll", "tell", "tells", "told",
    "warn", "with_out",
}  # fmt: skip
# What no shape belongs to: it handles no tensors, or asks for the dtype or the place alone.
SHAPELESS = {
    "__config__": "parallel_info show",
    "autograd.profiler": "EventList",
    "autograd.saved": "disable_saved_tensors_hooks",
    "backends.mha": "get_fastpath_enabled set_fastpath_enabled",
    "backends.mkl": "is_available",
    "backends.mkldnn": "flags is_available",
    "backends.openmp": "is_available",
    "backends.opt_einsum": "is_available",
    "compiler": "compile allow_in_graph assume_constant_result cudagraph_mark_step_begin disable "
    "is_compiling is_dynamo_compiling is_exporting list_backends reset set_stance "
    "substitute_in_graph",
    "cpu": "Event Stream current_device current_stream device_count is_available "
    "is_initialized set_device stream synchronize",
    "cpu.amp": "GradScaler autocast",
    "distributed": "barrier destroy_process_group get_rank get_world_size init_process_group "
    "is_available is_initialized is_torchelastic_launched",
    "mps": "current_allocated_memory device_count empty_cache is_available manual_seed synchronize",
    "multiprocessing": "ProcessContext ProcessExitedException ProcessRaisedException "
    "get_all_sharing_strategies get_sharing_strategy set_sharing_strategy spawn",
    "nn.parallel": "DistributedDataParallel",
    "onnx": "export is_in_onnx_export",
    "profiler": "ProfilerAction ProfilerActivity kineto_available schedule "
    "supported_activities tensorboard_trace_handler",
    "utils.benchmark": "Measurement",
    "xpu": "device_count empty_cache is_available manual_seed manual_seed_all",
    "accelerator": "current_accelerator current_device_index device_count device_index empty_cache "
    "is_available memory_allocated memory_reserved set_device_index synchronize",
    "amp": "custom_bwd custom_fwd is_autocast_available",
    "autograd": "FunctionCtx GradcheckError detect_anomaly once_differentiable set_detect_anomaly",
    "backends.cpu": "available get_cpu_capability get_threads in_use set_threads use",
    "backends.cuda": "cudnn_sdp_enabled enable_cudnn_sdp enable_flash_sdp enable_math_sdp "
    "enable_mem_efficient_sdp flash_sdp_enabled math_sdp_enabled mem_efficient_sdp_enabled "
    "sdp_kernel "
    "is_built",
    "backends.cudnn": "flags is_available version",
    "backends.mps": "is_available is_built",
    "cuda": "CUDAGraph Event Stream current_device current_stream default_stream device "
    "device_count empty_cache get_device_capability get_device_name get_device_properties "
    "get_rng_state get_rng_state_all graph init initial_seed is_available is_bf16_supported "
    "is_current_stream_capturing is_initialized manual_seed max_memory_allocated "
    "max_memory_reserved mem_get_info memory_allocated memory_reserved memory_stats "
    "reset_max_memory_allocated seed set_device set_rng_state set_rng_state_all set_stream stream "
    "synchronize",
    "cuda.amp": "GradScaler autocast custom_bwd custom_fwd",  # `amp` has their docstrings
    "jit": "Attribute RecursiveScriptModule ScriptFunction ScriptModule freeze interface "
    "isinstance optimize_for_inference Module annotate export ignore is_scripting is_tracing load "
    "save script script_method trace unused",
    "nn": "ModuleDict ModuleList Sequential",  # what is in them says what goes in and out
    "nn.init": "calculate_gain",
    "nn.attention": "SDPBackend sdpa_kernel",
    "nn.modules.utils": "consume_prefix_in_state_dict_if_present",
    "nn.utils": "skip_init",
    "nn.utils.prune": "BasePruningMethod Identity PruningContainer is_pruned remove",
    "nn.utils.parametrize": "cached is_parametrized remove_parametrizations "
    "type_before_parametrizations",
    "optim.lr_scheduler": "ChainedScheduler ConstantLR CosineAnnealingLR "
    "CosineAnnealingWarmRestarts CyclicLR ExponentialLR LRScheduler LambdaLR LinearLR MultiStepLR "
    "MultiplicativeLR OneCycleLR PolynomialLR ReduceLROnPlateau SequentialLR StepLR",
    "optim.swa_utils": "SWALR",
    "random": "fork_rng",
    "serialization": "CheckpointError add_safe_globals clear_safe_globals get_safe_globals "
    "safe_globals",
    "text": "DownloadError collapse_whitespace load_sample load_text load_time_machine normalize "
    "sample_text time_machine_path tokenize",
    "tinygrad_rnn": "is_warn_always_enabled set_flush_denormal set_warn_always "
    "are_deterministic_algorithms_enabled autocast can_cast compile device "
    "enable_grad get_default_device get_default_dtype get_deterministic_debug_mode get_device "
    "get_float32_matmul_precision get_num_interop_threads get_printoptions imag inference_mode "
    "initial_seed is_anomaly_enabled is_autocast_enabled is_complex is_conj "
    "is_deterministic_algorithms_warn_only_enabled is_distributed is_floating_point "
    "is_grad_enabled is_inference is_inference_mode_enabled is_neg is_signed is_tensor manual_seed "
    "no_grad promote_types seed set_default_device set_default_dtype "
    "set_default_tensor_type set_deterministic_debug_mode set_float32_matmul_precision "
    "set_grad_enabled set_num_interop_threads set_num_threads set_printoptions typename "
    "use_deterministic_algorithms",
    "utils": "Drawing Nonfinite",
    "utils.checkpoint": "CheckpointError noop_context_fn",
    "utils.data": "DistributedSampler "
    "BatchSampler ChainDataset ConcatDataset Dataset IterableDataset RandomSampler "
    "Sampler SequentialSampler StackDataset Subset SubsetRandomSampler WorkerInfo get_worker_info "
    "random_split",
}
# How shapes are told: by one of these words, or as (N, C), (*), (..., n), (batch, steps), ...
SHAPE = re.compile(
    r"\b(?i:shapes?|shaped|elements?|elementwise|dimensions?|dimensional|scalars?|vectors?|matrix"
    r"|matrices|sizes?|rows?|columns?)\b|`length`"
    r"|(?<!\w)\((?:(?:\*|\.\.\.|\d+|[A-Za-z]'?)(?:,[^()]*)?|[a-z_]+,[^()]*)\)"
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"tinygrad_rnn.{name}".replace(".tinygrad_rnn", ""))


def _documented() -> dict[str, Any]:
    """Every public function and class of ours by one of its names."""
    found: dict[int, tuple[str, Any]] = {}
    for where in PUBLIC:
        for name, value in vars(_module(where)).items():
            ours = getattr(value, "__module__", "").startswith("tinygrad_rnn")
            named = not name.startswith("_") and hasattr(value, "__name__")
            if named and callable(value) and ours:
                found.setdefault(id(value), (f"{where}.{name}", value))
    return dict(sorted(found.values()))


DOCUMENTED = _documented()


def test_all_have_an_example():
    assert [
        name
        for name, value in DOCUMENTED.items()
        if ">>> " not in (value.__doc__ or "") and value.__name__ not in INNER
    ] == []


def test_all_tell_their_shapes():
    shapeless = {f"{where}.{name}" for where, names in SHAPELESS.items() for name in names.split()}
    assert shapeless - DOCUMENTED.keys() == set()
    assert [
        name
        for name, value in DOCUMENTED.items()
        if name not in shapeless
        and value.__name__ not in INNER
        and not SHAPE.search((value.__doc__ or "").partition(">>> ")[0])
    ] == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples(name):
    doc = DOCUMENTED[name].__doc__ or ""
    names = {"torch": torch, "nn": nn, "F": F, "optim": optim, "text": text}
    test = doctest.DocTestParser().get_doctest(doc, names, name, None, None)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert not report, "".join(report)

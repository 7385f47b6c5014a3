"""Training steps on a GPU, as each library does them step by step and as a CUDA graph.

A process times groups of steps between two events of the device, behind some that are not timed;
nobody reads a loss inside a group. All begin with the same weights and do the same steps.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from .case import Case, Sizes, characters, fill
from .layers import LEARNING_RATE, MAX_NORM

Step = Callable[[Any, Any], Any]
"""Does a training step on inputs and targets, and returns the loss, on the device."""

# A library, and how: +tf32 lets products of PyTorch and JAX be less exact, which JAX's are unless
# told otherwise; +graph is PyTorch's; this library has a graph without +eager
PEERS = ("torch", "torch+graph", "torch+tf32", "torch+graph+tf32", "tinygrad_rnn+eager", "jax",
         "jax+tf32")  # fmt: skip
WARMUP, GROUPS = 20, 15


def training_step(torch: Any, sizes: Sizes) -> tuple[Any, Step]:
    """A model, and its step: one-hot characters, a layer, a linear head, cross-entropy, clipping,
    SGD."""
    F, features = torch.nn.functional, sizes.features
    layer = getattr(torch.nn, sizes.mode)(features, sizes.hidden)
    head = torch.nn.Linear(sizes.hidden, features)
    model = torch.nn.ModuleList([layer, head])
    fill(torch, model, 1 / math.sqrt(sizes.hidden))
    model.to("cuda")
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def step(x: Any, y: Any) -> Any:
        scores = head(layer(F.one_hot(x, features).float())[0])
        loss = F.cross_entropy(scores.reshape(-1, features), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        return loss

    return model, step


def torch_graph(torch: Any, model: Any, step: Step, x: Any, y: Any) -> Callable[[], Any]:
    """PyTorch's step captured in a graph, in the way of its documentation. The steps to warm up
    are undone, so that all libraries do the same number."""
    weights = [p.detach().clone() for p in model.parameters()]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(x, y)
    torch.cuda.current_stream().wait_stream(side)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(value)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(x, y)

    def replay() -> Any:
        graph.replay()
        return loss

    return replay


def prepared(library: str, sizes: Sizes) -> tuple[Any, Callable[[], Any]]:
    """The module of a library (or of one with options behind it), and its step."""
    name, *options = library.split("+")
    torch: Any = importlib.import_module(name)
    if name == "torch":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in options
    x, y = (torch.from_numpy(part).to("cuda") for part in characters(sizes))
    y, (model, step) = y.reshape(-1), training_step(torch, sizes)
    if "eager" in options or (name == "torch" and "graph" not in options):
        return torch, lambda: step(x, y)
    if name == "torch":
        return torch, torch_graph(torch, model, step, x, y)
    graphed = torch.cuda.make_graphed_step(step, [x, y])
    return torch, lambda: graphed(x, y)


def version(torch: Any) -> str:
    """Of a library and what it stands on."""
    if torch.__name__ == "torch":
        return f"{torch.__version__}, cuDNN {torch.backends.cudnn.version()}"
    cupy: Any = importlib.import_module("cupy")
    runtime = cupy.cuda.runtime
    cuda, driver = (
        f"{number // 1000}.{number % 1000 // 10}"
        for number in (runtime.runtimeGetVersion(), runtime.driverGetVersion())
    )
    return f"{torch.__version__}, CuPy {cupy.__version__}, CUDA {cuda}, driver of CUDA {driver}"


def measure(sizes: Sizes, library: str, calls: int) -> dict[str, Any]:
    """Seconds of a step, the last loss, and the most memory on the device in megabytes."""
    if library.startswith("jax"):
        return _measure_jax(sizes, "tf32" in library, calls)
    torch, step = prepared(library, sizes)
    cuda = torch.cuda
    for _ in range(WARMUP):
        step()
    seconds = []
    for _ in range(GROUPS):
        start, end = (cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(calls):
            loss = step()
        end.record()
        end.synchronize()
        seconds.append(start.elapsed_time(end) / 1e3 / calls)
    result = loss.item()
    cuda.reset_peak_memory_stats()  # only now, as this library is a little slower while it counts
    step()
    return {
        "version": version(torch),
        "cost": statistics.median(seconds),
        "loss": result,
        "peak": cuda.max_memory_allocated() / 1e6,
        "updates": WARMUP + GROUPS * calls,
        "gpu": cuda.get_device_name(),
    }


def _measure_jax(sizes: Sizes, tf32: bool, calls: int) -> dict[str, Any]:
    """JAX has no events: a group ends when its last loss is there."""
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if tf32 else "float32")
    update = importlib.import_module("benchmarks.with_jax").jitted(sizes)
    for _ in range(WARMUP):
        loss = update()
    seconds = []
    for _ in range(GROUPS):
        jax.block_until_ready(loss)
        start = time.perf_counter()
        for _ in range(calls):
            loss = update()
        jax.block_until_ready(loss)
        seconds.append((time.perf_counter() - start) / calls)
    device = jax.devices()[0]
    return {
        "version": jax.__version__,
        "cost": statistics.median(seconds),
        "loss": float(loss),
        "peak": (device.memory_stats() or {}).get("peak_bytes_in_use", 0) / 1e6,
        "updates": WARMUP + GROUPS * calls,
        "gpu": device.device_kind,
    }


def _case(mode: str, hidden: int, steps: int, calls: int) -> Case:
    sizes = Sizes(mode, hidden, steps)
    name = f"{mode.lower()}-{hidden}" + (f"-steps-{steps}" if steps != Sizes().steps else "")

    def program(torch: Any) -> Any:
        raise TypeError("cases of GPUs are measured by benchmarks.gpu.measure")

    return Case(
        name, f"{mode} of {hidden} features, {steps} steps", program, calls, sizes=sizes,
        quick=steps == Sizes().steps and hidden == 256, tolerance=2e-2,
    )  # fmt: skip


CASES = {
    case.name: case
    for case in (
        *(_case(mode, hidden, 35, 50) for hidden in (256, 512) for mode in ("RNN", "GRU", "LSTM")),
        *(_case(mode, 512, 1000, 5) for mode in ("RNN", "GRU", "LSTM")),
    )
}


if __name__ == "__main__":
    _, name, library, quick, _ = sys.argv
    # Python's own streams: what a library prints must not get between the JSON
    out, sys.stdout = sys.stdout, sys.stderr
    case = CASES[name]
    assert case.sizes is not None
    print(json.dumps(measure(case.sizes, library, case.counted(quick == "quick"))), file=out)
    sys.exit(os.EX_OK)

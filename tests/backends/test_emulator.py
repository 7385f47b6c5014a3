"""Kernels on the CPU: the stand-in's `RawKernel` runs them as a GPU would, and refuses what a GPU
would silently misread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ..conftest import HAS_GPU

if HAS_GPU:
    pytest.skip("CuPy has a GPU here, nothing stands in for it", allow_module_level=True)

import cupy
from cupy import _raw

SUM = """
extern "C" __global__ void sums(int count, const float* x, float* y)  // one sum for each block
{
    extern __shared__ float parts[];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    parts[threadIdx.x] = i < count ? x[i] : 0;
    for (int half = blockDim.x / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    }
    if (threadIdx.x == 0) y[blockIdx.x] = parts[0];
}
"""
TURNS = """
__device__ void arrive(unsigned* counter)
{
    asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
}

__device__ unsigned arrived(const unsigned* counter)
{
    unsigned count;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(count) : "l"(counter) : "memory");
    return count;
}

extern "C" __global__ void turns(int needed, unsigned* counter, double* when)
{
    __syncthreads();
    if (threadIdx.x) return;
    arrive(counter);
    while (arrived(counter) < needed) if (needed > 100) __trap();
    when[blockIdx.y * gridDim.x + blockIdx.x] = tanh(double(*counter));
}
"""


def run(code: str, name: str, grid: Any, block: Any, *args: Any, shared: int = 0) -> None:
    cupy.RawKernel(code, name)(grid, block, args, shared_mem=shared)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_blocks_threads_and_shared_memory(seed, monkeypatch):
    monkeypatch.setattr(_raw, "seed", seed)
    x, y = cupy.arange(1000, dtype="float32"), cupy.zeros(8, "float32")
    run(SUM, "sums", (8,), (128,), np.int32(1000), x, y, shared=512)
    padded = np.concatenate([np.arange(1000), np.zeros(24)])
    assert y.get().tolist() == padded.reshape(8, 128).sum(1).tolist()


def test_a_missing_barrier(monkeypatch):
    x, y = cupy.ones(1024, "float32"), cupy.zeros(8, "float32")

    def wrong(seed: int) -> bool:
        monkeypatch.setattr(_raw, "seed", seed)
        broken = SUM.replace("__syncthreads();", "/* __syncthreads */")
        run(broken, "sums", (8,), (128,), np.int32(1024), x, y, shared=512)
        return y.get().tolist() != [128] * 8

    assert any(map(wrong, range(1, 5)))


def test_blocks_wait_for_each_other():
    counter, when = cupy.zeros(1, "uint32"), cupy.zeros((2, 3), "float64")
    run(TURNS, "turns", (3, 2), (32,), np.int32(6), counter, when)
    assert when.get().tolist() == [[np.tanh(6.0)] * 3] * 2
    with pytest.raises(RuntimeError, match="turns: deadlock"):
        run(TURNS, "turns", (3,), (32,), np.int32(10), counter, when)
    with pytest.raises(RuntimeError, match="turns: a trap"):
        run(TURNS, "turns", (3,), (32,), np.int32(101), counter, when)


def test_what_others_wrote_is_there_when_it_was_released_and_acquired():
    """The first block gives the second a number."""
    gives = """
extern "C" __global__ void gives(unsigned* counter, float* x, float* y)
{
    unsigned count = 0;
    if (blockIdx.x == 0) {
        x[0] = 5;
        asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
        x[1] = 6;
    } else {
        while (!count)
            asm volatile(
                "ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(count) : "l"(counter) : "memory");
        y[0] = x[0], y[1] = x[1];
        x[2] = 7;
    }
    if (threadIdx.x) __syncthreads();
}
"""

    def given(code: str) -> list[list[float]]:
        x, y = cupy.zeros(3, "float32"), cupy.zeros(2, "float32")
        run(code, "gives", (2,), (1,), cupy.zeros(1, "uint32"), x, y)
        return [x.tolist(), y.tolist()]

    assert given(gives) == [[5, 6, 7], [5, 0]]  # at the end everything is there
    assert given(gives.replace("release", "relaxed")) == [[5, 6, 7], [0, 0]]
    assert given(gives.replace("acquire", "relaxed")) == [[5, 6, 7], [0, 0]]
    for unknown in ("red.release", ': "memory"'):  # without the latter a compiler moves accesses
        with pytest.raises(NotImplementedError, match="no other assembly"):
            given(gives.replace(unknown, "", 1))


X = cupy.zeros((8, 8), "float32")
REFUSED = {
    "a Python number": ((8, X, X), {}, "int count is given a int"),
    "a number of another type": ((np.int64(8), X, X), {}, "int count is given a int64"),
    "another dtype": ((np.int32(8), X.astype("float64"), X), {}, "given a ndarray of float64"),
    "strides": ((np.int32(8), X, X.T), {}, "float. y is given a ndarray of float32 with strides"),
    "an array of the host": ((np.int32(8), X.get(), X), {}, "const float. x is given a ndarray"),
    "None": ((np.int32(8), None, X), {}, "x is given a NoneType"),
    "too few": ((np.int32(8), X), {}, "takes 3 arguments, got 2"),
    "much shared memory": ((np.int32(8), X, X), {"shared": 49153}, "given 49153 bytes"),
    "a large block": ((np.int32(8), X, X), {"block": (1025,)}, "blocks of 1025 threads"),
    "no blocks": ((np.int32(8), X, X), {"grid": (0,)}, "a launch of"),
}


@pytest.mark.parametrize("args, options, message", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(args, options, message):
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        run(
            SUM, "sums", options.get("grid", (1,)), options.get("block", (64,)), *args,
            shared=options.get("shared", 0),
        )  # fmt: skip


def test_shared_memory_that_was_asked_for():
    kernel = cupy.RawKernel(SUM, "sums")
    kernel.max_dynamic_shared_size_bytes = 60000
    y = cupy.zeros(1, "float32")
    kernel((1,), (64,), (np.int32(64), X, y), shared_mem=60000)
    assert y.get().tolist() == [0]


def test_arrays_of_another_device():
    with cupy.cuda.Device(1):
        other = cupy.zeros(8, "float32")
    with pytest.raises(ValueError, match="different from the current device"):
        run(SUM, "sums", (1,), (64,), np.int32(8), other, other, shared=256)

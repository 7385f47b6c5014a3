"""The stand-in against CuPy itself, where that is installed; it need not find a GPU."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import subprocess
import sys

import pytest

from ..conftest import HAS_GPU, REPO

DISTRIBUTIONS = {"cupy-cuda12x", "cupy-cuda13x"}
# What the stand-in needs besides, for itself and for tests
OWN = {"ATTRIBUTES", "COMPUTE_CAPABILITY", "CUDARuntimeError", "allocate", "freed", "taken"}

# Printed by a process that has not heard of the stand-in
ASKED = """
import inspect, json, sys, cupy
from tinygrad_rnn.backends import cupy_backend as backend
assert not hasattr(cupy, "standin") and backend.device_count() >= 0 and backend.why_none()
found = {name: list(inspect.signature(getattr(cupy, name)).parameters) for name in sys.argv[1:]}
found["ufuncs"] = [name for name in dir(cupy) if isinstance(getattr(cupy, name), cupy.ufunc)]
found["cuda"] = {
    "driver": dir(cupy.cuda.driver), "runtime": dir(cupy.cuda.runtime), "cuda": dir(cupy.cuda),
    "Stream": dir(cupy.cuda.Stream), "Graph": dir(cupy.cuda.Graph), "Event": dir(cupy.cuda.Event),
    "Device": dir(cupy.cuda.Device), "MemoryPool": dir(cupy.cuda.MemoryPool),
    "RawKernel": dir(cupy.RawKernel), "ndarray": dir(cupy.ndarray),
}
print(json.dumps(found))
"""


@pytest.mark.skipif(HAS_GPU, reason="all tests run on CuPy here")
def test_the_stand_in_has_nothing_that_cupy_has_not():
    installed = {name.metadata["Name"] for name in importlib.metadata.distributions()}
    if not installed & DISTRIBUTIONS:
        pytest.skip('asks CuPy: pip install "tinygrad-rnn[cuda13]", which needs no GPU for this')
    cupy = importlib.import_module("cupy")
    ours = {**cupy._OF_ARRAY, **cupy._OF_NUMBERS}
    done = subprocess.run(
        [sys.executable, "-c", ASKED, *ours],
        capture_output=True, text=True, cwd=REPO, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, parameters in ours.items():
        first = name in cupy._OF_ARRAY  # the array
        assert found[name][first:][: len(parameters.split())] == parameters.split(), name
    assert set(cupy._UFUNCS.split()) <= set(found["ufuncs"])
    parts = {
        "driver": cupy.cuda.driver, "runtime": cupy.cuda.runtime, "cuda": cupy.cuda,
        "Stream": cupy.cuda.Stream, "Graph": cupy.cuda.Graph, "Event": cupy.cuda.Event,
        "Device": cupy.cuda.Device, "MemoryPool": cupy.cuda.MemoryPool,
        "RawKernel": cupy.RawKernel, "ndarray": cupy.ndarray,
    }  # fmt: skip
    for name, part in parts.items():
        public = {member for member in vars(part) if not member.startswith("_")}
        if name == "cuda":  # with what it imports
            public = {m for m in public if getattr(vars(part)[m], "__module__", "") == "cupy.cuda"}
        assert public - OWN <= set(found["cuda"][name]), name

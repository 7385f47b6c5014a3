"""Work of a GPU that is written down once and then done again and again: CUDA graphs."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import cupy

from . import cublas, cupy_checks
from .capture import HostWork, capture
from .deferred import deferred


@functools.cache
def _side_stream(device: int) -> cupy.cuda.Stream:
    """The stream that graphs of a GPU are captured on, one for all: cuBLAS's workspace is large."""
    return cupy.cuda.Stream(non_blocking=True)


class Graph:
    """A CUDA graph, with the stream it is captured on and the memory it works in.

    What it does goes on reading and writing the memory that it used while it was captured. So all
    of that comes from a pool of its own, which no array outside gets any of.
    """

    def __init__(self, pool: cupy.cuda.MemoryPool | None = None) -> None:
        self.pool = cupy.cuda.MemoryPool() if pool is None else pool
        self.stream = _side_stream(cupy.cuda.runtime.getDevice())
        self._work = HostWork()
        self._graph: cupy.cuda.Graph | None = None

    @contextlib.contextmanager
    def trial(self) -> Iterator[None]:
        """Work as usual, but on the graph's stream and in its memory: it fills caches, compiles
        kernels and makes the state of optimizers."""
        outside = cupy.cuda.get_current_stream()
        self.stream.wait_event(outside.record())
        with self.stream:
            cublas.prepare()  # the workspace outlives this graph's memory
        with cupy.cuda.using_allocator(self.pool.malloc), self.stream:
            yield
        outside.wait_event(self.stream.record())

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        """Write the work down instead of doing it."""
        if capture.work is not None:
            raise RuntimeError("a CUDA graph is being captured already")
        cupy_checks.prepare()
        cupy.cuda.get_current_stream().synchronize()
        with self.stream:
            cublas.prepare()
        work = HostWork()
        with cupy.cuda.using_allocator(self.pool.malloc), self.stream:
            self.stream.begin_capture()
            capture.work = work
            try:
                yield
            except BaseException:
                with contextlib.suppress(cupy.cuda.runtime.CUDARuntimeError):
                    self.stream.end_capture()  # which complains of what was raised already
                raise
            finally:
                capture.work = None
            self._graph, self._work = self.stream.end_capture(), work

    def replay(self) -> None:
        """Do the work, on the current stream."""
        if self._graph is None:
            raise RuntimeError("Called CUDAGraph::replay without a preceding successful capture.")
        self._work.do()
        self._graph.launch()
        deferred.waiting = True

    def reset(self) -> None:
        """Forget the work. Its memory is free as soon as no tensor uses it."""
        self._graph, self._work = None, HostWork()

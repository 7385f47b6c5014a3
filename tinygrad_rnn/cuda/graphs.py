"""CUDA graphs: a whole training step, written down once and launched as one piece of work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..backends.capture import capture
from ..tensor import Tensor
from .places import place
from .streams import Stream


class CUDAGraph:
    """Work of a GPU to be done again and again: see `graph`, and for training steps
    `make_graphed_step`, which takes care of everything.

    Raises RuntimeError without a GPU.

    >>> if torch.cuda.is_available():
    ...     x, g = torch.zeros(2, device="cuda"), torch.cuda.CUDAGraph()
    ...     with torch.cuda.graph(g):
    ...         y = x + 1
    ...     _ = x.fill_(2.0)
    ...     g.replay()
    ...     assert y.tolist() == [3.0, 3.0]
    """

    def __init__(self, keep_graph: bool = False) -> None:
        backend, _ = place(None)
        self._make = backend.Graph
        self._graph = self._make()
        self._capturing: contextlib.ExitStack | None = None

    def capture_begin(self, pool: Any = None, capture_error_mode: str = "global") -> None:
        """Begin to write down work instead of doing it; it goes to a stream of the graph's own."""
        if pool is not None:
            self._graph = self._make(pool)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._graph.capturing())
            self._capturing = stack.pop_all()

    def capture_end(self) -> None:
        """End it."""
        if self._capturing is None:
            raise RuntimeError("capture_end() without capture_begin()")
        capturing, self._capturing = self._capturing, None
        capturing.close()

    def replay(self) -> None:
        """Do the work, on the current stream, with what is in the memory now."""
        self._graph.replay()

    def reset(self) -> None:
        """Forget the work."""
        self._graph.reset()

    def pool(self) -> Any:
        """The memory that the work uses, to be shared with a graph that never runs beside it."""
        return self._graph.pool


@contextlib.contextmanager
def graph(
    cuda_graph: CUDAGraph, pool: Any = None, stream: Stream | None = None,
    capture_error_mode: str = "global",
) -> Iterator[None]:  # fmt: skip
    """Write down the work of a block in a graph. It is not done before `replay`, so what is in
    new tensors means nothing until then.

    Everything in the block that runs on the device is repeated, on the same memory. On the host
    only random numbers, and the learning rates and step counts of SGD, Adam and AdamW, are made
    anew at each replay; numbers of Python are those of the capture. Reading values in the block
    raises RuntimeError. Run the block a few times before it: kernels must be compiled, and
    optimizers have their state.

    Args:
        cuda_graph: what to write to.
        pool: the memory of another graph (`CUDAGraph.pool`) that never runs beside this one.
        stream, capture_error_mode: accepted for PyTorch's sake; each graph has a stream.

    >>> if torch.cuda.is_available():
    ...     g = torch.cuda.CUDAGraph()
    ...     with torch.cuda.graph(g):
    ...         x = torch.ones(2, device="cuda")
    """
    cuda_graph.capture_begin(pool)
    try:
        yield
    except BaseException as error:
        stack, cuda_graph._capturing = cuda_graph._capturing, None
        assert stack is not None
        stack.__exit__(type(error), error, error.__traceback__)
        raise
    cuda_graph.capture_end()


def is_current_stream_capturing() -> bool:
    """Whether work is being written down in a graph instead of done.

    >>> torch.cuda.is_current_stream_capturing()
    False
    """
    return capture.work is not None


class GraphedStep:
    """What `make_graphed_step` returns: call it as the step. It repeats the step's work; `reset`
    makes it forget that, and capture the step anew."""

    def __init__(
        self, step: Callable[..., Any], example_inputs: Sequence[Tensor], num_warmup_iters: int
    ) -> None:
        for x in example_inputs:
            if not (isinstance(x, Tensor) and x.is_cuda):
                what = x.device if isinstance(x, Tensor) else type(x).__name__
                raise RuntimeError(
                    f"make_graphed_step: expected example_inputs to be tensors on a GPU, got {what}"
                )
        if num_warmup_iters < 1:
            raise ValueError(
                f"make_graphed_step: expected num_warmup_iters >= 1, got {num_warmup_iters}: "
                "kernels must be compiled, and optimizers have their state, before the capture"
            )
        backend, _ = place(None)
        self._step, self._inputs = step, [x.detach().clone() for x in example_inputs]
        self._graph, self._warmups = backend.Graph(), num_warmup_iters
        self._outputs: Any = None
        self._calls = 0

    def __call__(self, *inputs: Tensor) -> Any:
        self._take(inputs)
        if self._calls < self._warmups:
            self._calls += 1
            with self._graph.trial():
                return _detached(self._step(*self._inputs))
        if self._calls == self._warmups:
            with self._graph.capturing():
                self._outputs = _detached(self._step(*self._inputs))
            self._calls += 1
        self._graph.replay()
        return self._outputs

    def _take(self, inputs: tuple[Tensor, ...]) -> None:
        """Copy the inputs to where the graph reads them."""
        if len(inputs) != len(self._inputs):
            raise TypeError(
                f"the step was captured for {len(self._inputs)} inputs, got {len(inputs)}"
            )
        for number, (own, given) in enumerate(zip(self._inputs, inputs, strict=True)):
            if (own.shape, own.dtype) != (given.shape, given.dtype):
                raise ValueError(
                    f"input {number} is {given.dtype} {list(given.shape)}, but the step was "
                    f"captured for {own.dtype} {list(own.shape)}: make a graph for each shape"
                )
            own.copy_(given, non_blocking=True)

    def reset(self) -> None:
        """Forget the captured work; the next calls warm up and capture again."""
        self._graph.reset()
        self._outputs, self._calls = None, 0


def _detached(outputs: Any) -> Any:
    """The tensors without their graphs of gradients, in the same tuples, lists and dicts."""
    if isinstance(outputs, Tensor):
        return outputs.detach()
    if isinstance(outputs, dict):
        return {name: _detached(value) for name, value in outputs.items()}
    if type(outputs) in (tuple, list):
        return type(outputs)(_detached(value) for value in outputs)
    return outputs


def make_graphed_step(
    step: Callable[..., Any], example_inputs: Sequence[Tensor] = (), num_warmup_iters: int = 3
) -> GraphedStep:
    """A function that does what `step` does, as one CUDA graph: the host only launches it.

    `step` is all of a training step: forward, loss, ``zero_grad``, backward, clipping and the
    optimizer's step. The first `num_warmup_iters` calls run it as it is, the next one captures it,
    and all others launch what was captured. Every call is one step, with the results of `step`
    bit for bit.

    Args:
        step: takes tensors on a GPU, and returns tensors (or tuples, lists and dicts of them). It
            must not read values on the host, nor depend on numbers of Python that change: see
            `graph`. What it carries from step to step, such as a hidden state, it writes to
            tensors in place (``state.copy_(new)``).
        example_inputs: of the shapes and dtypes that the step will be called with.
        num_warmup_iters: how many calls run before the capture.

    The tensors it returns are detached, and written to again by the next call: clone what is to
    stay. Learning rates may change between calls, shapes may not (ValueError). Raises RuntimeError
    without a GPU, for inputs elsewhere, and where the step can't be captured.

    >>> if torch.cuda.is_available():
    ...     w = torch.ones(2, device="cuda", requires_grad=True)
    ...     optimizer = optim.SGD([w], lr=0.5)
    ...     def step(x):
    ...         optimizer.zero_grad()
    ...         loss = (w * x).sum()
    ...         loss.backward()
    ...         optimizer.step()
    ...         return loss
    ...     x = torch.ones(2, device="cuda")
    ...     graphed = torch.cuda.make_graphed_step(step, [x])
    ...     assert [graphed(x).item() for _ in range(6)] == [2.0, 1.0, 0.0, -1.0, -2.0, -3.0]
    """
    return GraphedStep(step, example_inputs, num_warmup_iters)

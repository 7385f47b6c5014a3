"""CUDA graphs: what is captured and launched again is bit for bit what it would be step by step."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F

from .conftest import HAS_GPU

pytestmark = pytest.mark.names_devices

Step = Callable[..., Any]
ON_STANDIN = pytest.mark.skipif(HAS_GPU, reason="asks the stand-in what CuPy would do")


class CharModel(nn.Module):
    """Characters by one-hot vectors and an embedding, dropout, a recurrent layer, scores."""

    def __init__(self, cell: str, **options: Any) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 4)
        self.rnn = getattr(nn, cell)(11, 6, num_layers=2, dropout=0.3, **options)
        self.head = nn.Linear(6, 7)

    def forward(self, ids: Any, state: Any = None) -> tuple[Any, Any]:
        x = torch.cat([F.one_hot(ids, 7).float(), self.table(ids)], -1)
        y, state = self.rnn(x, state)
        return self.head(F.dropout(y, 0.2, self.training)), state


def batches(count: int) -> list[tuple[Any, Any]]:
    """Inputs and targets (steps, batch) on the GPU."""
    generator = torch.Generator().manual_seed(4)
    ids = [torch.randint(7, (2, 5, 3), generator=generator).cuda() for _ in range(count)]
    return [(both[0], both[1]) for both in ids]


def training(cell: str, optimizer: Callable[..., Any], **options: Any) -> tuple[Any, Any, Step]:
    """A model, a schedule of learning rates, and a training step, the same ones each time."""
    torch.manual_seed(0)
    model = CharModel(cell, **options).cuda()
    algorithm = optimizer(model.parameters())
    schedule = optim.lr_scheduler.StepLR(algorithm, 2, 0.5)

    def step(x: Any, y: Any) -> Any:
        scores, _ = model(x)
        loss = F.cross_entropy(scores.reshape(-1, 7), y.reshape(-1))
        algorithm.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        algorithm.step()
        return loss

    return model, schedule, step


OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.5, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_a_training_step(cell: str, optimizer: str, no_sync: Callable[[], Any]):
    results = []
    for graphed in (False, True):
        model, schedule, step = training(cell, OPTIMIZERS[optimizer])
        data = batches(8)
        run = torch.cuda.make_graphed_step(step, data[0]) if graphed else step
        losses = []
        for number, (x, y) in enumerate(data):
            if number in (0, 3):  # kernels are compiled, the graph is captured
                losses.append(run(x, y).detach().clone())
            else:
                with no_sync():
                    losses.append(run(x, y).detach().clone())
            schedule.step()
        results.append([t.tolist() for t in [*losses, *model.parameters()]])
    assert results[0] == results[1]
    assert len({str(loss) for loss in results[0][:8]}) == 8  # other data, masks and weights


def test_state_is_carried_in_place():
    def carrying() -> Step:
        torch.manual_seed(1)
        layer = nn.LSTM(7, 6).cuda()
        carried = tuple(torch.zeros(1, 3, 6, device="cuda") for _ in range(2))

        def step(x: Any) -> Any:
            y, state = layer(F.one_hot(x, 7).float(), carried)
            for old, new in zip(carried, state, strict=True):
                old.copy_(new.detach())
            return {"sum": y.sum(), "all": [y, 3]}

        return step

    data = [x for x, _ in batches(6)]
    graphed = torch.cuda.make_graphed_step(carrying(), data[:1], 1)
    results = [[run(x)["sum"].item() for x in data] for run in (carrying(), graphed)]
    assert results[0] == results[1]


def test_random_numbers_are_drawn_at_each_launch():
    def step(x: Any) -> list[Any]:
        like = torch.rand_like(x)
        return [
            x + torch.rand(4, device="cuda"), torch.randn(4, device="cuda"), x.normal_(), like,
            torch.randint(9, (5,), device="cuda"), torch.randperm(6, device="cuda"),
            F.dropout(torch.ones(8, device="cuda")), torch.bernoulli(torch.full_like(x, 0.4)),
            torch.normal(0.0, 2.0, (4,), device="cuda"),
        ]  # fmt: skip

    x = torch.zeros(4, device="cuda")
    results = []
    for run in (step, torch.cuda.make_graphed_step(step, [x], 1)):
        torch.manual_seed(5)
        results.append([[t.tolist() for t in run(torch.zeros(4, device="cuda"))] for _ in range(4)])
    assert results[0] == results[1]


def test_a_wrong_id_is_found_in_a_launch():
    table = nn.Embedding(7, 2).cuda()
    step = torch.cuda.make_graphed_step(lambda i: table(i).sum(), [torch.tensor([1]).cuda()], 1)
    for _ in range(3):
        step(torch.tensor([2]).cuda()).item()
    loss = step(torch.tensor([7]).cuda())
    with pytest.raises(IndexError, match="got 7, but the embedding has rows 0 to 6"):
        loss.item()
    assert step(torch.tensor([6]).cuda()).item() == table.weight[6].sum().item()


def test_inputs_may_be_on_the_cpu_and_must_be_of_the_captured_shape():
    step = torch.cuda.make_graphed_step(lambda x: x * 2, [torch.ones(2, device="cuda")], 1)
    assert [step(torch.full((2,), float(i))).tolist() for i in range(4)] == [
        [2.0 * i] * 2 for i in range(4)
    ]
    with pytest.raises(ValueError, match=r"input 0 is torch\.float32 \[3\], .* \[2\]: make"):
        step(torch.ones(3))
    with pytest.raises(ValueError, match=r"input 0 is torch\.int64"):
        step(torch.ones(2).long())
    with pytest.raises(TypeError, match="captured for 1 inputs, got 2"):
        step(torch.ones(2), torch.ones(2))
    step.reset()
    assert step(torch.ones(2)).tolist() == [2.0, 2.0]


def test_examples_must_be_on_a_gpu():
    for wrong in (torch.ones(2), 3):
        with pytest.raises(RuntimeError, match=r"inputs to be tensors on a GPU, got (cpu|int)"):
            torch.cuda.make_graphed_step(lambda x: x, [wrong])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="num_warmup_iters >= 1, got 0"):
        torch.cuda.make_graphed_step(lambda: None, [], 0)


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (lambda x: x.sum().item(), RuntimeError, "captur"),
        (lambda x: float(x[0]), RuntimeError, "captur"),
        (lambda x: x[x > 0], RuntimeError, "captur"),
        (lambda x: x.nonzero(), RuntimeError, "captur"),
        (lambda x: torch.linalg.inv(x[:, None] * x), NotImplementedError, "during stream capture"),
    ],
)
@ON_STANDIN
def test_what_a_graph_can_not_do(work: Step, error: type[Exception], message: str):
    x, g = torch.ones(2, device="cuda"), torch.cuda.CUDAGraph()
    with pytest.raises(error, match=message), torch.cuda.graph(g):
        work(x)
    assert not torch.cuda.is_current_stream_capturing()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        g.replay()
    assert (x + 1).tolist() == [2.0, 2.0]  # all is as before


@pytest.mark.parametrize("name", ["RMSprop", "Adagrad", "NAdam", "ASGD", "Rprop"])
def test_other_optimizers_say_that_they_count_on_the_host(name: str):
    w = torch.ones(2, device="cuda", requires_grad=True)
    algorithm = getattr(optim, name)([w])
    w.sum().backward()
    algorithm.step()
    with (
        pytest.raises(RuntimeError, match=rf"capture of step\(\) for an instance of {name}"),
        torch.cuda.graph(torch.cuda.CUDAGraph()),
    ):
        algorithm.step()


def test_a_graph_by_hand():
    x = torch.arange(4.0, device="cuda")
    g = torch.cuda.CUDAGraph()
    with torch.cuda.graph(g):
        assert torch.cuda.is_current_stream_capturing()
        y = torch.tensor([1.0, 2.0, 3.0, 4.0], device="cuda") * x
        with pytest.raises(RuntimeError, match="captured already"):
            torch.cuda.CUDAGraph().capture_begin()
    x.fill_(2.0)
    g.replay()
    assert y.tolist() == [2.0, 4.0, 6.0, 8.0]
    second = torch.cuda.CUDAGraph()
    second.capture_begin(pool=g.pool())
    z = y + 1
    second.capture_end()
    x.fill_(3.0)
    g.replay()
    second.replay()
    assert z.tolist() == [4.0, 7.0, 10.0, 13.0]
    g.reset()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        g.replay()
    with pytest.raises(RuntimeError, match=r"without capture_begin"):
        g.capture_end()


@ON_STANDIN
def test_a_workspace_is_no_part_of_the_memory_of_a_graph(monkeypatch: pytest.MonkeyPatch):
    """Later graphs use it, too."""
    monkeypatch.setattr(importlib.import_module("tinygrad_rnn.backends.cublas"), "_handles", {})
    graph = torch.cuda.CUDAGraph()._graph
    with graph.trial():
        torch.ones(2, 2, device="cuda").mm(torch.ones(2, 2, device="cuda"))
    assert graph.pool.used_bytes() == 0


@ON_STANDIN
def test_the_stand_in_knows_what_breaks_a_graph():
    cupy = importlib.import_module("cupy")
    x = cupy.ones((2, 2))
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        x += 1
        for call, error, message in (
            (lambda: x + 1, RuntimeError, "memory of the default pool inside a graph"),
            (lambda: cupy.matmul(x, x), NotImplementedError, "cuBLAS API during stream capture"),
            (lambda: cupy.linalg.det(x), NotImplementedError, "cuSOLVER API"),
            (lambda: x.get(), RuntimeError, "the current stream is capturing"),
            (lambda: cupy.array([1.0]), RuntimeError, "the current stream is capturing"),
        ):
            with pytest.raises(error, match=message):
                call()
        graph = stream.end_capture()
    assert x.tolist() == [[1, 1], [1, 1]]  # written down, not done
    graph.launch()
    graph.launch()
    assert x.tolist() == [[3, 3], [3, 3]]

"""Training on a GPU: the host never waits in a step, data may be cut there, and the seed alone
determines weights, masks and batches, as on the CPU."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, optim, text
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.utils.data import DataLoader, TensorDataset

from .backends.compare import same

pytestmark = pytest.mark.names_devices

CORPUS = [(7 * i + i // 5) % 11 for i in range(200)]


class CharModel(nn.Module):
    """One-hot characters or their embedding, a recurrent layer with dropout, and scores."""

    def __init__(self, cell: str, embedded: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 5, padding_idx=0) if embedded else None
        width = 5 if embedded else 11
        self.rnn = getattr(nn, cell)(width, 6, num_layers=2, dropout=0.3, batch_first=True)
        self.drop, self.head = nn.Dropout(0.2), nn.Linear(6, 11)

    def forward(self, ids: Any, state: Any = None) -> tuple[Any, Any]:
        x = F.one_hot(ids, 11).to(self.head.weight.dtype) if self.table is None else self.table(ids)
        y, state = self.rnn(x, state)
        return self.head(self.drop(y)), state


def detached(state: Any) -> Any:
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def trained(
    cell: str, optimizer: str, embedded: bool, device: str, watched: Callable[[], Any]
) -> list[Any]:
    """The losses and weights of an epoch; `watched` is around all but the first two steps, which
    compile kernels, and where the last batch is found to be the last."""
    torch.manual_seed(0)
    model = CharModel(cell, embedded).to(device)
    algorithm = getattr(optim, optimizer)(model.parameters(), lr=0.05)
    loader = text.SequenceLoader(
        CORPUS, batch_size=4, num_steps=6, rng=random.Random(1), device=device
    )
    batches, state, losses = iter(loader), None, []

    def step() -> None:
        nonlocal state
        x, y = next(batches)
        assert x.device.type == y.device.type == device
        scores, state = model(x, None if state is None else detached(state))
        loss = F.cross_entropy(scores.reshape(-1, 11), y.reshape(-1), ignore_index=3)
        algorithm.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        algorithm.step()
        losses.append(loss.detach())

    step()
    step()
    for _ in range(4):
        with watched():
            step()
    return [*losses, *model.parameters()]


@pytest.mark.parametrize("embedded", [False, True], ids=["one_hot", "embedding"])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_a_step_never_waits(cell: str, optimizer: str, embedded: bool, no_sync: Callable[[], Any]):
    results = trained(cell, optimizer, embedded, "cuda", no_sync)
    assert all(t.is_cuda for t in results)
    torch.set_default_dtype(torch.float64)  # of float32 Adam makes much of the last bits
    results = trained(cell, optimizer, embedded, "cuda", no_sync)
    torch.cuda.synchronize()  # no id was out of range
    expected = trained(cell, optimizer, embedded, "cpu", contextlib.nullcontext)
    for mine, other in zip(results, expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-9, check_device=False)


def test_rows_of_a_data_set_on_the_gpu(no_sync: Callable[[], Any]):
    x = torch.arange(20.0).reshape(10, 2)
    batches = {}
    for device in ("cpu", "cuda"):
        data = TensorDataset(x.to(device), torch.arange(10).to(device))
        loader = DataLoader(
            data, batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(3)
        )
        list(loader)
        with no_sync():
            batches[device] = list(loader)
        assert all(part.device.type == device for batch in batches[device] for part in batch)
    assert [len(batch[0]) for batch in batches["cuda"]] == [4, 4, 2]
    same([p for b in batches["cuda"] for p in b], [p for b in batches["cpu"] for p in b])


def test_batches_for_the_gpu_are_pinned():
    data = [(torch.ones(2), {"n": torch.tensor(i), "name": "x"}) for i in range(4)]
    for batch in DataLoader(data, batch_size=2, pin_memory=True):
        x, others = batch
        assert x.is_pinned() and others["n"].is_pinned() and others["name"] == ["x", "x"]
        assert x.to("cuda", non_blocking=True).tolist() == [[1.0, 1.0]] * 2


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.Linear, nn.Embedding])
def test_weights_depend_on_the_seed_alone(layer: Any):
    made = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(9)
        with torch.device(device):
            inside = layer(3, 4)
        torch.manual_seed(9)
        moved = layer(3, 4).to(device)
        torch.manual_seed(9)
        named = layer(3, 4, device=device)
        for parameters in zip(*(m.parameters() for m in (inside, moved, named)), strict=True):
            assert all(p.device.type == device for p in parameters)
            made.append([p.tolist() for p in parameters])
            assert made[-1][0] == made[-1][1] == made[-1][2]
    assert made[: len(made) // 2] == made[len(made) // 2 :]


def test_masks_depend_on_the_seed_alone():
    masks = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(2)
        x = torch.ones(3, 4, device=device)
        masks.append([F.dropout(x, 0.4).tolist(), F.dropout1d(x[None], 0.5).tolist()])
    assert masks[0] == masks[1]

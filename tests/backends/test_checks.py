"""Numbers that must be in a range, looked at on the GPU: nobody waits, and nothing is missed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.backends import cupy_backend, cupy_checks
from tinygrad_rnn.nn import functional as F

from ..conftest import HAS_GPU, REPO, STANDIN

pytestmark = pytest.mark.names_devices

LATER = r" \(found on a GPU by an operation that ran before this one: set CUDA_LAUNCH_BLOCKING=1"
CALLS: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {  # of ids 0, 5, -7
    "embedding": (lambda i: F.embedding(i, _ones(3, 2)), IndexError, "index out of range in self"),
    "one_hot": (lambda i: F.one_hot(i.abs(), 6), RuntimeError, "smaller than num_classes: got 7"),
    "one_hot below": (lambda i: F.one_hot(i, 6), RuntimeError, "must be non-negative"),
    "cross_entropy": (lambda i: F.cross_entropy(_ones(3, 4), i), IndexError, "Target -7 is out of"),
    "nll_loss": (lambda i: F.nll_loss(_ones(3, 4), i.abs()), IndexError, "Target 7 is out of"),
    "indexing": (lambda i: _ones(6, 2)[i], IndexError, "index -7 is out of bounds for dimension 0"),
    "second dimension": (lambda i: _ones(2, 6)[:, i], IndexError, "-7 is out .* for dimension 1"),
    "writing": (lambda i: _ones(6).__setitem__(i, 1.0), IndexError, "index -7 is out of bounds"),
    "index_select": (lambda i: _ones(6).index_select(0, i), IndexError, "index -7 is out of boun"),
    "index_add": (lambda i: _ones(6).index_add(0, i, _ones(3)), IndexError, "-7 is out of bounds"),
    "gather": (lambda i: _ones(6).gather(0, i), RuntimeError, "index -7 is out of bounds"),
    "int32": (lambda i: F.embedding(i.int(), _ones(3, 2)), IndexError, "range in self: got -7"),
}  # fmt: skip


def _ones(*shape: int) -> Any:
    return torch.ones(*shape, device="cuda")


def _ids(*numbers: int) -> Any:
    return torch.tensor(numbers or [0, 5, -7], device="cuda")


@pytest.mark.parametrize("name", CALLS)
def test_an_error_comes_when_values_are_read(name: str, no_sync: Callable[[], Any]):
    call, error, message = CALLS[name]
    ids = _ids()
    with no_sync():
        call(ids)
    with pytest.raises(error, match=message):
        torch.cuda.synchronize()
    assert ids.tolist() == [0, 5, -7]  # it was told, and is told no more


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x.sum().item(), lambda x: x.tolist(), lambda x: x.cpu(), lambda x: float(x[0]),
        lambda x: bool(x[0]), lambda x: int(x[0]), repr, lambda x: torch.cuda.synchronize(),
        lambda x: torch.cuda.current_stream().synchronize(),
        lambda x: torch.cuda.current_stream().record_event().synchronize(),
    ],
)  # fmt: skip
def test_whatever_waits_says_so(read: Callable[[Any], Any]):
    x = _ones(2)
    F.embedding(_ids(9), _ones(3, 2))
    with pytest.raises(IndexError, match="self: got 9, but the embedding has rows 0 to 2" + LATER):
        read(x)


def test_numbers_of_the_host_are_no_reason_to_wait(no_sync: Callable[[], Any]):
    F.embedding(_ids(9), _ones(3, 2))
    with no_sync():
        assert torch.tensor(3).item() == 3 and torch.ones(2).tolist() == [1, 1]
    with pytest.raises(IndexError):
        torch.cuda.synchronize()


def test_what_is_in_range_raises_nothing():
    x = _ones(4, 2)
    F.embedding(_ids(0, 3), x), F.one_hot(_ids(0, 3), 4), x[_ids(-4, 3)], x[_ids()[:0]]
    F.cross_entropy(x, _ids(0, 1, 1, -100)), F.cross_entropy(x, _ids(0, 7, 1, 7), ignore_index=7)
    torch.cuda.synchronize()


@pytest.mark.parametrize("bad", [-(2**63), 2**63 - 1, -1, 3])
def test_numbers_at_the_ends_of_the_dtype(bad: int):
    F.embedding(_ids(0, bad), _ones(3, 2))
    with pytest.raises(IndexError, match=f"got {bad},"):
        torch.cuda.synchronize()


def test_many_different_checks_take_no_more_memory():
    F.embedding(_ids(99), _ones(50, 1))
    with pytest.raises(IndexError, match="got 99, but the embedding has rows 0 to 49"):
        for size in range(1, cupy_checks.PLACES + 10):  # there is no room for so many
            F.embedding(_ids(0), _ones(size, 1))
    for size in range(1, 2 * cupy_checks.PLACES):
        F.embedding(_ids(0), _ones(size, 1))
    torch.cuda.synchronize()


def test_a_mean_over_no_targets_is_nan_with_gradients_of_0(device: str):
    x = torch.zeros(2, 3, device=device, requires_grad=True)
    none = torch.full((2,), -100, device=device)
    with pytest.warns(UserWarning, match="every target") if device == "cpu" else _quiet():
        loss = F.cross_entropy(x, none)
    loss.backward()
    assert x.grad is not None and loss.isnan().item() and x.grad.tolist() == [[0] * 3] * 2


class _quiet:
    def __enter__(self) -> None: ...

    def __exit__(self, *exception: Any) -> None: ...


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cupy_checks, "at_once", True)
    yield


def test_on_demand_errors_come_at_once(at_once: None):
    with pytest.raises(IndexError, match=r"rows 0 to 2$"):
        F.embedding(_ids(9), _ones(3, 2))


@pytest.mark.skipif(HAS_GPU, reason="another process would find the GPU")
def test_the_environment_demands_it():
    program = (
        f"import sys; sys.path.insert(0, {str(STANDIN)!r})\n"
        "import tinygrad_rnn as torch\n"
        "try: torch.ones(2, device='cuda')[torch.tensor([5], device='cuda')]\n"
        "except IndexError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=REPO,
        env={"CUDA_LAUNCH_BLOCKING": "1"},
    )  # fmt: skip
    assert done.stdout == "index 5 is out of bounds for dimension 0 with size 2\n", done.stderr


def test_a_model_is_told_where_it_was_given_a_wrong_id():
    model = nn.Embedding(5, 3).cuda()
    loss = model(_ids(1, 5)).sum()
    loss.backward()
    with pytest.raises(IndexError, match="embedding has rows 0 to 4"):
        loss.item()
    assert cupy_backend.deferred.waiting is False

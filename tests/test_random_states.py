"""Keeping states of chance, on the CPU and of GPUs, and drawing from them again."""

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import cuda

GPUS = cuda.device_count()


def test_the_states_of_gpus_are_those_of_the_one_generator(tmp_path):
    states = cuda.get_rng_state_all()
    assert len(states) == GPUS and torch.equal(cuda.get_rng_state("cuda:0"), states[0])
    assert (states[0].dtype, states[0].dim(), states[0].device.type) == (torch.uint8, 1, "cpu")
    torch.save({"cpu": torch.get_rng_state(), "cuda": states}, tmp_path / "states.pt")
    first = torch.rand(4, device="cuda"), torch.randn(5)
    saved = torch.load(tmp_path / "states.pt")
    for restore in (
        lambda: torch.set_rng_state(saved["cpu"]),
        lambda: cuda.set_rng_state(saved["cuda"][0]),
        lambda: cuda.set_rng_state(saved["cuda"][0], "cuda:0"),
        lambda: cuda.set_rng_state_all(saved["cuda"]),
    ):
        restore()
        again = torch.rand(4, device="cuda"), torch.randn(5)
        assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    monkeypatch.setattr(cuda, "device_count", lambda: 0)
    state = torch.get_rng_state()
    assert cuda.get_rng_state_all() == []
    torch.rand(1)
    after = torch.get_rng_state()
    cuda.set_rng_state(state)  # nothing, as in PyTorch
    assert torch.equal(torch.get_rng_state(), after)


@pytest.mark.parametrize(
    "state, error",
    [
        (3, TypeError),
        ([1, 2], TypeError),
        (torch.zeros(3), TypeError),
        (torch.zeros(3, dtype=torch.uint8, device="cpu"), RuntimeError),
        (torch.zeros(3, dtype=torch.uint8, device="cuda"), TypeError),
    ],
)
@pytest.mark.parametrize("set_state", [torch.set_rng_state, cuda.set_rng_state])
def test_what_is_no_state_is_refused(set_state, state, error):
    before = torch.get_rng_state()
    with pytest.raises(error):
        set_state(state)
    assert torch.equal(torch.get_rng_state(), before)


def test_no_such_gpu():
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        cuda.get_rng_state("cuda:99")


@pytest.mark.parametrize("enabled", [True, False])
def test_a_fork(enabled):
    torch.manual_seed(0)
    expected = torch.rand(6)
    torch.manual_seed(0)
    with torch.random.fork_rng(devices=[0], enabled=enabled):
        torch.rand(3)
    assert torch.equal(torch.rand(3), expected[:3] if enabled else expected[3:])
    state = torch.get_rng_state()
    with pytest.raises(KeyError), torch.random.fork_rng():
        torch.rand(3)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), state)

"""PyTorch's files: they move both ways, with all that they hold."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as ours
from tinygrad_rnn import nn, optim
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.serialization import pt_write, save

from .torch_files import (
    an_object,
    loaded,
    places_of,
    refused,
    repacked,
    same,
    theirs,
)

torch = pytest.importorskip("torch", reason="PyTorch is what we exchange files with")

pytestmark = pytest.mark.cpu("PyTorch for CPUs takes part")


def test_their_files_are_read():
    same(loaded(theirs(an_object(torch))), an_object(torch))


def test_they_read_our_files(tmp_path: Path):
    save(an_object(ours), tmp_path / "ours.pt")
    same(torch.load(tmp_path / "ours.pt", weights_only=True), an_object(ours))
    save({"x": ours.arange(6.0).reshape(2, 3).T}, tmp_path / "x.pt")
    for options in ({"mmap": True}, {"weights_only": False}):
        same(torch.load(tmp_path / "x.pt", **options)["x"], ours.arange(6.0).reshape(2, 3).T)
    meta = torch.load(tmp_path / "x.pt", map_location="meta")["x"]
    assert meta.device.type == "meta" and meta.shape == (3, 2)


def test_equal_objects_make_equal_files():
    first, second = (pt_write.write(an_object(ours)) for _ in range(2))
    assert first == second
    assert {place.start % 64 for place in places_of(first).values()} == {0}


@pytest.mark.parametrize(
    "options", [{"pickle_protocol": 3}, {"pickle_protocol": 4}, {"pickle_protocol": 5}], ids=str
)
def test_other_protocols(options: dict[str, Any]):
    obj = an_object(torch)
    same(loaded(theirs(obj, **options)), obj)


def test_memory_stays_shared():
    for content in (theirs(an_object(torch)), pt_write.write(an_object(ours))):
        whole, part, permuted, one = loaded(content)["views"]
        whole[1, 0, 1] = 100.0
        assert part[0, 1] == permuted[0, 1, 0] == 100 and one == 5
        again = loaded(pt_write.write([whole, part, permuted]))
        again[0][1, 0, 1] = 7.0
        assert again[1][0, 1] == again[2][0, 1, 0] == 7
    tied = loaded(theirs([x := torch.ones(2), x]))
    assert tied[0] is tied[1]
    tied = torch.load(io.BytesIO(pt_write.write([y := ours.ones(2), y])))
    assert tied[0] is tied[1]


def test_what_tensors_do_not_have_here():
    values = torch.tensor([1.0, -2.5, 3e38, float("inf")]).bfloat16()
    got = loaded(theirs([values, values[1::2]]))
    assert [x.tolist() for x in got] == [values.tolist(), values[1::2].tolist()]
    for dtype in ("complex64", "uint16", "float8_e5m2"):
        if not hasattr(ours, dtype):
            refused(theirs(torch.zeros(2).to(getattr(torch, dtype))), r"it (has|refers)")
    refused(
        theirs(torch.ones(2).to_sparse()), r"it refers to torch\._utils\._rebuild_sparse_tensor"
    )
    refused(theirs(torch.bfloat16), r"it refers to torch\.bfloat16")


def test_a_buffer_is_one():
    got = loaded(theirs(torch.nn.Buffer(torch.ones(2), persistent=False)))
    assert type(got) is nn.Buffer and not got.persistent and got.tolist() == [1, 1]


# ----- models and optimisers -----


class Model:
    """The same model in either library."""

    def __init__(self, t: Any) -> None:
        self.net = t.nn.ModuleDict(
            {"embed": t.nn.Embedding(7, 4), "rnn": t.nn.LSTM(4, 5, 2, bidirectional=True),
             "head": t.nn.Linear(10, 3)}
        )  # fmt: skip
        self.optimizers = [
            t.optim.Adam(self.net.parameters(), lr=0.01, amsgrad=True),
            t.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9),
        ]
        self.tokens = t.arange(12).reshape(4, 3) % 7

    def output(self) -> Any:
        return self.net["head"](self.net["rnn"](self.net["embed"](self.tokens))[0])

    def step(self) -> Any:
        for optimizer in self.optimizers:
            optimizer.zero_grad()
            self.output().pow(2).sum().backward()
            optimizer.step()

    def checkpoint(self) -> dict[str, Any]:
        states = [optimizer.state_dict() for optimizer in self.optimizers]
        return {"epoch": 3, "model": self.net.state_dict(), "optimizers": states}

    def restore(self, checkpoint: dict[str, Any]) -> None:
        self.net.load_state_dict(checkpoint["model"])
        for optimizer, state in zip(self.optimizers, checkpoint["optimizers"], strict=True):
            optimizer.load_state_dict(state)


@pytest.mark.parametrize("source, target", [(torch, ours), (ours, torch)], ids=["read", "write"])
def test_training_goes_on_in_the_other_library(source: Any, target: Any, tmp_path: Path):
    first, second = Model(source), Model(target)
    first.step()
    source.save(first.checkpoint(), tmp_path / "model.pt")
    second.restore(target.load(tmp_path / "model.pt"))
    for _ in range(2):
        one, other = (m.output().numpy(force=True) for m in (first, second))
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
        first.step()
        second.step()


def test_a_convolution_is_the_same():
    layer = torch.nn.Conv2d(2, 3, 3, padding=1)
    mine = nn.Conv2d(2, 3, 3, padding=1)  # type: ignore[attr-defined]
    mine.load_state_dict(loaded(theirs(layer.state_dict())))
    x = torch.randn(1, 2, 5, 5)
    expected = layer(x).numpy(force=True)
    got = mine(ours.as_tensor(x.numpy(force=True))).numpy(force=True)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_the_metadata_of_a_state_dict_goes_with_it():
    state = torch.nn.Linear(1, 1).state_dict()
    assert loaded(theirs(state))._metadata == state._metadata
    mine = nn.Linear(1, 1).state_dict()
    assert torch.load(io.BytesIO(pt_write.write(mine)))._metadata == mine._metadata


def test_the_lines_of_the_tutorials(tmp_path: Path):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    loss = F.mse_loss(net(ours.ones(3, 2)), ours.zeros(3, 1))
    loss.backward()
    optimizer.step()
    path = str(tmp_path / "cifar_net.pth")
    ours.save(net.state_dict(), path)
    net.load_state_dict(ours.load(path, weights_only=True))
    ours.save(
        {
            "epoch": 5,
            "model_state_dict": net.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(),
            "loss": loss,
        },
        path,
    )
    checkpoint = ours.load(path, map_location=ours.device("cpu"))
    optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
    assert checkpoint["epoch"] == 5 and checkpoint["loss"].item() == loss.item()
    ours.save(net, path)
    assert ours.equal(ours.load(path, weights_only=False).weight, net.weight)
    with pytest.raises(ValueError, match=r"format of PyTorch before 1\.6 is not written"):
        ours.save({}, path, _use_new_zipfile_serialization=False)


# ----- devices -----


def test_devices_are_mapped():
    data = pt_write.write([ours.ones(2, device="cuda:1"), ours.zeros(1)])

    def places(map_location: Any) -> list[str]:
        return [str(x.device) for x in loaded(data, map_location=map_location)]

    assert places(None) == ["cuda:1", "cpu"]
    assert places("cpu") == places(lambda storage, place: storage) == ["cpu", "cpu"]
    assert places({"cuda:1": "cuda:0"}) == ["cuda:0", "cpu"]
    assert places(lambda storage, place: storage.cuda(0) if place == "cpu" else None) == [
        "cuda:1",
        "cuda:0",
    ]
    with pytest.raises(TypeError, match="map_location must return the storage"):
        places(lambda storage, place: 3)
    assert torch.load(io.BytesIO(data), map_location="cpu")[0].tolist() == [1, 1]
    far = data.replace(b"X\6\0\0\0cuda:1", b"X\6\0\0\0cuda:9")
    assert [str(x.device) for x in loaded(repacked(far))] == ["cpu", "cpu"]

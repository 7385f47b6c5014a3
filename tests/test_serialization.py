"""Checkpoints: what is saved comes back, what is damaged is refused, nothing is ever executed."""

import io
import json
import math
import os
import pickle
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings, strategies as st

import tinygrad_rnn as torch
from tinygrad_rnn import Tensor, dtypes, tensor
from tinygrad_rnn.nn.module import Module
from tinygrad_rnn.nn.parameter import Parameter
from tinygrad_rnn.nn.state_dict import _IncompatibleKeys as IncompatibleKeys
from tinygrad_rnn.serialization import (
    CheckpointError,
    load,
    pt_write,
    safetensors_file,
    save,
)

WRITERS = {"pt": pt_write.write, "safetensors": safetensors_file.write}
BOTH = pytest.mark.parametrize("form", WRITERS)


def content(obj: Any, form: str = "safetensors") -> bytes:
    return WRITERS[form](obj)


def through_memory(obj: Any, form: str) -> Any:
    return load(io.BytesIO(content(obj, form)))


def assert_same(got: Any, expected: Any) -> None:
    """Equal in structure, types and values; tensors in dtype and shape too."""
    if isinstance(expected, Tensor):
        assert type(got) is Tensor and got.requires_grad == expected.requires_grad
        got, expected = got.numpy(force=True), expected.detach().cpu().numpy()
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected, strict=True)
        return
    assert type(got) is type(expected)
    if isinstance(expected, dict):
        assert list(map(repr, got)) == list(map(repr, expected))
        got, expected = list(got.values()), list(expected.values())
    if isinstance(expected, list | tuple):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    else:
        assert got == expected or (math.isnan(got) and math.isnan(expected))


CHECKPOINT = {
    "model": {"weight": tensor([[1.5, -2.0], [0.0, 4.0]]), "steps": tensor([1, 2, 3])},
    "optimizer": {
        "state": {0: {"step": tensor(3.0), "exp_avg": torch.ones(2, 2)}, 1: {}},
        "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "nesterov": False, "params": [0, 1]}],
    },
    "epoch": 7,
    "loss": 0.25,
    "best": float("inf"),
    "name": "größe\n☃",
    "nothing": None,
    "empty": [{}, [], (), ""],
}


@BOTH
def test_a_checkpoint_comes_back(form: str):
    assert_same(through_memory(CHECKPOINT, form), CHECKPOINT)


@BOTH
@pytest.mark.parametrize("dtype", dtypes.ALL, ids=lambda d: d.name)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3,), (2, 1, 3)], ids=str)
def test_tensors_of_all_types_and_shapes_come_back(
    dtype: dtypes.dtype, shape: tuple[int, ...], form: str
):
    values = (torch.rand(*shape) * 100).to(dtype)
    assert_same(through_memory(values, form), values)


@BOTH
def test_tensors_need_not_be_contiguous(form: str):
    whole = torch.arange(24.0).reshape(2, 3, 4)
    parts = whole.transpose(0, 2), whole[:, ::2], whole[0, 1:, 1], torch.ones(1).expand(3)
    backwards = torch.from_numpy(np.arange(3.0)[::-1])
    for part in (*parts, backwards, whole.flip(0), whole.T.contiguous().T[1:]):
        assert_same(through_memory(part, form), part)


@BOTH
def test_loaded_tensors_can_be_changed(form: str):
    loaded = through_memory({"x": torch.zeros(3)}, form)["x"]
    loaded.add_(1)
    assert loaded.tolist() == [1, 1, 1]


@BOTH
def test_requires_grad_is_kept(form: str):
    parameter, x = Parameter(torch.ones(2)), torch.ones(2, requires_grad=True)
    for value in (parameter, x, x * 2):
        loaded = through_memory([value], form)[0]
        same = type(value) if form == "pt" else Tensor
        assert type(loaded) is same and loaded.requires_grad and loaded.is_leaf


@BOTH
def test_subclasses_come_back_as_plain_containers(form: str):
    class Mine(dict):  # type: ignore[type-arg]
        pass

    state = Mine(a=tensor(1.0), b=IncompatibleKeys([], ["x"]))
    assert_same(through_memory(state, form), {"a": tensor(1.0), "b": ([], ["x"])})
    numbers = [np.float32(0.5), np.int64(3), np.bool_(True), np.float64(2.5)]
    assert_same(through_memory(numbers, form), [0.5, 3, True, 2.5])


def test_safetensors_know_no_other_containers():
    state = OrderedDict(a=tensor(1.0), b=torch.Size([2, 3]))
    assert_same(through_memory(state, "safetensors"), {"a": tensor(1.0), "b": (2, 3)})


@BOTH
def test_names_that_meet_stay_apart(form: str):
    obj = {
        "a": {"b": tensor(1), "b_": tensor(2)},
        "a.b": tensor(3),
        "__metadata__": tensor(4),
        1: tensor(5),
        "1": tensor(6),
        "": tensor(7),
    }
    assert_same(through_memory(obj, form), obj)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec="utf-8"))
)
keys = st.integers(-3, 3) | st.text("ab.", max_size=3) | st.none()
tensors = st.lists(st.floats(width=32), max_size=3).map(lambda x: tensor(x, dtype=torch.float32))


@BOTH
@settings(max_examples=50, deadline=None)
@given(
    obj=st.recursive(
        scalars | tensors,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_any_structure_comes_back(form: str, obj: Any):
    assert_same(through_memory(obj, form), obj)


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (object(), "expected obj to be a tensor, .* got builtins.object"),
        ({"a": [1, {2: range(3)}]}, r"expected obj\['a'\]\[1\]\[2\] to be .* got builtins.range"),
        ([tensor(1), (print,)], r"expected obj\[1\]\[0\] to be .* got builtins.builtin_function"),
        ({"x": np.ones(2)}, r"\['x'\] .* got numpy.ndarray; save torch.from_numpy\(obj\['x'\]\)"),
        ({((1, 2), 2): 3}, r"keys of obj must be strings, numbers.* got \(\(1, 2\), 2\)"),
        (Module(), r"save obj.state_dict\(\) instead"),
        ({"net": Module()}, r"save obj\['net'\].state_dict\(\) instead"),
    ],
)
def test_what_is_not_data_is_named_with_its_place(obj: Any, message: str, tmp_path: Path):
    with pytest.raises(TypeError, match=message):
        save(obj, tmp_path / "file.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError, match=message):
        pt_write.write(obj)


def test_a_pickle_is_only_read_where_it_is_trusted(tmp_path: Path):
    save({"net": Bomb()}, tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=r"file\.pt.*weights_only=True.*weights_only=False"):
        load(tmp_path / "file.pt")
    with pytest.raises(SystemExit, match="unpickled"):
        load(tmp_path / "file.pt", weights_only=False)


def test_whole_modules_and_arrays_come_back(device: str, tmp_path: Path):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.GRU(3, 4, 2)).to(device).eval()
    kept = {"model": model, "history": np.arange(3), "step": tensor(7)}
    for place in (tmp_path / "file.pt", io.BytesIO()):
        save(kept, place)
        if isinstance(place, io.BytesIO):
            place.seek(0)
        found = load(place, map_location=device, weights_only=False)
        assert found["history"].tolist() == [0, 1, 2] and found["step"].item() == 7
        twin, x = found["model"], torch.ones(5, 1, 2, device=device)
        assert torch.equal(twin(x)[0], model(x)[0]) and not twin.training
        assert all(p.is_leaf and p.requires_grad for p in twin.parameters())
    moved = load(tmp_path / "file.pt", map_location="cpu", weights_only=False)
    assert {str(p.device) for p in moved["model"].parameters()} == {"cpu"}


def test_files_and_places_must_be_what_they_are_taken_for(tmp_path: Path):
    with pytest.raises(TypeError, match=r"save\(\): f must be a path or a file with a write"):
        save("model.safetensors", {})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"load\(\): f must be a path or a file with a read"):
        load(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"map_location must be a device, its name, .* got int"):
        load(tmp_path, map_location=3)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")


# ----- files -----


def test_the_name_chooses_the_format_and_the_content_tells_it(tmp_path: Path):
    for name in ("a.safetensors", "b.pt", "c.pth", "d"):
        for place in (tmp_path / name, str(tmp_path / name)):
            save(CHECKPOINT, place)
            assert_same(load(place), CHECKPOINT)
    with open(tmp_path / "e", "w+b") as file:
        save(CHECKPOINT, file)
        file.seek(0)
        assert_same(load(file), CHECKPOINT)
    zips = sorted(p.name for p in tmp_path.iterdir() if p.read_bytes().startswith(b"PK"))
    assert zips == ["b.pt", "c.pth", "d", "e"]
    (tmp_path / "a.safetensors").rename(tmp_path / "a.pt")
    assert_same(load(tmp_path / "a.pt"), CHECKPOINT)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_leaves_the_old_file(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "model"
    save({"x": 1}, path)

    def crash(*args: Any) -> None:
        raise OSError("disk on fire")

    monkeypatch.setattr(os, step, crash)
    with pytest.raises(OSError, match="disk on fire"):
        save({"x": 2}, path)
    assert load(path) == {"x": 1} and [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "model")
    save(3, tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and load(tmp_path / "model") == 3


@BOTH
def test_tensors_move_from_and_to_any_device(device: str, form: str):
    data = content({"x": torch.arange(3.0).to(device)}, form)
    home = load(io.BytesIO(data))["x"].device.type
    assert home == (device if form == "pt" else "cpu")
    for place in ("cpu", device, torch.device(device)):
        loaded = load(io.BytesIO(data), map_location=place)["x"]
        assert loaded.device.type == torch.device(place).type and loaded.tolist() == [0, 1, 2]


# ----- damage -----


def refused(data: bytes, message: str = "can't load") -> None:
    with pytest.raises(CheckpointError, match=message):
        load(io.BytesIO(data))


def test_every_shorter_file_is_refused():
    data = content({"x": tensor([1.0, 2.0]), "n": [3]})
    for length in range(len(data)):
        refused(data[:length], "it is neither .* or not all of it")
    refused(data + b"\0")


def test_every_damaged_byte_is_noticed():
    data = bytearray(content({"x": tensor([1.0, 2.0]), "n": [3]}))
    padding = data.rindex(b"}", 0, len(data) - 8) + 1, len(data) - 8
    for i in range(len(data)):
        if not padding[0] <= i < padding[1]:
            data[i] ^= 1
            refused(bytes(data))
            data[i] ^= 1
    assert load(io.BytesIO(data))["n"] == [3]


def test_an_error_names_the_file(tmp_path: Path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content(CHECKPOINT)[:-1])
    with pytest.raises(CheckpointError, match=r"can't load .*broken\.safetensors: "):
        load(path)
    with open(path, "rb") as file, pytest.raises(CheckpointError, match=r"broken\.safetensors: "):
        load(file)


class Bomb:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('unpickled')",)


def test_pickles_are_refused_and_not_run():
    for protocol in range(6):
        refused(pickle.dumps(Bomb(), protocol), "it is (a pickle|neither)")
    refused(b"PK\x03\x04" + pickle.dumps(Bomb()), "it is no whole zip file")


def rewritten(structure: str, version: str = "1") -> bytes:
    """A file with a good checksum around any structure."""
    metadata = {
        "tinygrad_rnn": version,
        "structure": structure,
        "crc32": f"{zlib.crc32(structure.encode()):08x}",
    }
    return safetensors.numpy.save({}, metadata)


@pytest.mark.parametrize(
    "structure",
    ["{", '{"tensor": "x", "requires_grad": false}', '{"new": 1}', '{"dict": [1]}',
     '{"dict": [[[], 1]]}', '{"tuple": 3}', '{"float": "x"}', "[" * 100_000],
    ids=range(8),
)  # fmt: skip
def test_a_structure_without_sense_is_refused(structure: str):
    refused(rewritten(structure), "its structure makes no sense")


def test_the_layout_of_another_version_is_refused():
    assert load(io.BytesIO(rewritten("[1]"))) == [1]
    refused(rewritten("[1]", "2"), "its layout is of version 2, .* reads up to version 1: install")
    refused(rewritten("[1]", "x"), "the version of its layout, x, is no number")


# ----- other programs -----


def test_other_safetensors_files_are_flat_dicts(tmp_path: Path):
    arrays = {"a.weight": np.arange(6.0).reshape(2, 3), "n": np.array(3)}
    safetensors.numpy.save_file(arrays, tmp_path / "f", {"format": "pt"})
    loaded = load(tmp_path / "f")
    assert loaded.keys() == arrays.keys()
    assert_same(loaded["a.weight"], torch.from_numpy(arrays["a.weight"]))
    refused(safetensors.numpy.save({"a": np.ones(1, np.uint32)}), "unsupported type .*uint32")


def test_a_state_dict_is_saved_under_its_own_names():
    state = {"layer.weight": tensor([1.0]), "layer.bias": tensor([2.0])}
    arrays = safetensors.numpy.load(content(state))
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "layer.weight": [1.0],
        "layer.bias": [2.0],
    }
    nested = content({"model": state, "epoch": [tensor(3)]})
    assert safetensors.numpy.load(nested).keys() == {
        "model.layer.weight",
        "model.layer.bias",
        "epoch.0",
    }
    header = json.loads(nested[8 : 8 + int.from_bytes(nested[:8], "little")])
    assert header["__metadata__"]["tinygrad_rnn"] == "1"


def test_files_move_between_here_and_pytorch(tmp_path: Path):
    theirs = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    safetensors_torch = pytest.importorskip("safetensors.torch")
    layer = theirs.nn.Linear(2, 3)
    safetensors_torch.save_file(layer.state_dict(), tmp_path / "theirs")
    loaded = load(tmp_path / "theirs")
    np.testing.assert_array_equal(
        loaded["weight"].numpy(force=True), layer.weight.numpy(force=True)
    )

    save({"weight": loaded["weight"] + 1, "bias": torch.ones(3)}, tmp_path / "ours.safetensors")
    layer.load_state_dict(safetensors_torch.load_file(tmp_path / "ours.safetensors"))
    np.testing.assert_array_equal(
        layer.weight.numpy(force=True), loaded["weight"].numpy(force=True) + 1
    )
    half = {"a": theirs.ones(2, dtype=theirs.bfloat16)}
    safetensors_torch.save_file(half, tmp_path / "half")
    with pytest.raises(CheckpointError, match="tensors of the unsupported type BF16"):
        load(tmp_path / "half")

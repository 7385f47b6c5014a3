"""Classes of the user's own in files: `safe_globals`, the same in PyTorch's words."""

import argparse
import dataclasses
import enum
import io
import os
import pickle
from typing import Any

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn, serialization
from tinygrad_rnn.serialization import CheckpointError, load, save, whole
from tinygrad_rnn.serialization.archive import pack

from .both import needs_torch, t as t
from .torch_files import theirs


@dataclasses.dataclass
class Config:
    size: int
    weight: Any = None


class Color(enum.Enum):
    RED = 1


class Slotted:
    __slots__ = ("x",)


class WithState:
    def __getstate__(self) -> Any:
        return 5

    def __setstate__(self, state: Any) -> None:
        self.state = state


class Marked(torch.Tensor):
    pass


class Bomb:
    def __reduce__(self) -> Any:
        return os.system, ("exit 1",)


@pytest.fixture(autouse=True)
def nothing_listed():
    yield
    serialization.clear_safe_globals()


def through(t: Any, obj: Any, **options: Any) -> Any:
    t.save(obj, content := io.BytesIO())
    content.seek(0)
    return t.load(content, **options)


def test_what_is_listed_is_loaded_and_nothing_else(t: Any):
    listed, before = t.serialization, t.serialization.get_safe_globals()
    saved = {"config": Config(3, t.ones(2)), "color": [Color.RED], "args": argparse.Namespace(a=1)}
    with pytest.raises(pickle.UnpicklingError, match=r"Config[\s\S]*add_safe_globals"):
        through(t, saved)
    listed.add_safe_globals([Config, Color])
    with pytest.raises(pickle.UnpicklingError, match="Namespace"):
        through(t, saved)
    with listed.safe_globals([argparse.Namespace]):
        found = through(t, saved)
        assert len(listed.get_safe_globals()) == len(before) + 3
    assert found["config"].size == 3 and found["config"].weight.tolist() == [1.0, 1.0]
    assert found["color"][0] is Color.RED and found["args"] == argparse.Namespace(a=1)
    assert len(listed.get_safe_globals()) == len(before) + 2
    listed.clear_safe_globals()
    assert listed.get_safe_globals() == []
    with pytest.raises(pickle.UnpicklingError, match="Config"):
        through(t, saved)


def test_a_class_may_have_another_name_in_the_file(t: Any):
    name = f"{Config.__module__}.Config"
    with t.serialization.safe_globals([(WithState, name)]):
        assert through(t, Config(3)).state == {"size": 3, "weight": None}
        assert type(through(t, Config(3))) is WithState
        with pytest.raises(pickle.UnpicklingError, match="WithState"):
            through(t, WithState())


def test_slots_and_states_of_objects(t: Any):
    one = Slotted()
    one.x = 4  # type: ignore[attr-defined]
    with t.serialization.safe_globals([Slotted, WithState]):
        assert through(t, one).x == 4
        assert through(t, WithState()).state == 5


@pytest.mark.parametrize("allow", [[], [os.system]])
def test_what_is_never_run(t: Any, allow: list[Any]):
    with t.serialization.safe_globals(allow), pytest.raises(pickle.UnpicklingError):
        through(t, Bomb())


def test_bad_lists(t: Any):
    with pytest.raises(TypeError, match="iterable"):
        t.serialization.add_safe_globals(Config)
    for bad in ("a.b", 3, (Config, 3)):
        with pytest.raises(TypeError, match="expected classes"):
            serialization.add_safe_globals([bad])  # type: ignore[list-item]


def test_a_pickle_without_a_checksum_is_not_read():
    serialization.add_safe_globals([Config])
    with pytest.raises(CheckpointError, match="it is a pickle"):
        load(io.BytesIO(pickle.dumps(Config(1))))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (b"(N}X\4\0\0\0sizeK\3stb.", "sets attributes of a type"),  # of the class itself
        (b")\x81(N}X\6\0\0\0weightcos\nsystem\nstb.", r"refers to os\.system"),
        (b"(ctorch\nFloatStorage\ntR.", r"refers to torch\.FloatStorage"),
        (b"cbuiltins\ngetattr\n.", r"refers to builtins\.getattr"),
    ],
)
def test_what_a_listed_class_does_not_open(steps: bytes, message: str):
    serialization.add_safe_globals([Config])
    content = b"\x80\x02c" + f"{Config.__module__}\nConfig\n".encode() + steps
    with pytest.raises(CheckpointError, match=message):
        load(io.BytesIO(pack([(whole.MAIN, content)])))
    assert not hasattr(Config, "size")


class Called:
    def __call__(self) -> Any:
        raise ZeroDivisionError


def test_what_a_listed_class_makes_is_not_called():
    serialization.add_safe_globals([Called])
    content = b"\x80\x02c" + f"{Called.__module__}\nCalled\n".encode() + b")\x81)R."
    with pytest.raises(CheckpointError, match="a call of what is no function"):
        load(io.BytesIO(pack([(whole.MAIN, content)])))


def test_tensors_in_objects(device: str):
    """All dtypes, layouts, classes and attributes; moved where map_location says."""
    x = Marked(torch.arange(6.0, device=device).reshape(2, 3).T)
    x.note = [1]
    parts = [x, nn.Parameter(torch.ones(2, device=device)), torch.tensor(True, device=device),
             nn.Buffer(torch.zeros(0, 2, device=device), persistent=False),
             torch.tensor([1, -2], dtype=torch.int16, device=device)]  # fmt: skip
    with serialization.safe_globals([Config, Marked]):
        for options, place in (({}, device), ({"map_location": "cpu"}, "cpu")):
            for trust in ({}, {"weights_only": False}):
                found = through(torch, Config(1, [*parts, parts[0]]), **options, **trust).weight
                for a, b in zip(found, parts, strict=False):
                    assert type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
                    assert str(a.device).split(":")[0] == place.split(":")[0]
                    assert a.requires_grad == b.requires_grad and a.tolist() == b.tolist()
                assert found[-1] is found[0] and found[0].note == [1]
                assert found[3].persistent is False
                found[0][0, 0] = 9.0  # the memory is its own
        with pytest.raises(ZeroDivisionError):
            through(torch, Config(1, parts), map_location=lambda flat, place: 1 / 0)
    with serialization.safe_globals([Config]), pytest.raises(CheckpointError, match="Marked"):
        through(torch, Config(1, parts))


def test_a_module_whose_classes_are_listed():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    save(model, content := io.BytesIO())
    kinds = [nn.Sequential, nn.Linear, nn.ReLU]
    with serialization.safe_globals(kinds):
        content.seek(0)
        twin = load(content)
    assert torch.equal(twin(torch.ones(2)), model(torch.ones(2)))
    assert [type(m) for m in twin] == kinds[1:]
    with serialization.safe_globals(kinds[:2]), pytest.raises(CheckpointError, match="ReLU"):
        content.seek(0)
        load(content)


@needs_torch
def test_a_file_that_pytorch_wrote():
    import torch as their

    content = theirs({"config": Config(2, their.ones(2)), "best": Color.RED})
    with pytest.raises(CheckpointError, match="Config"):
        load(io.BytesIO(content))
    with serialization.safe_globals([Config, Color]):
        found = load(io.BytesIO(content))
    assert found["config"].weight.tolist() == [1.0, 1.0] and found["best"] is Color.RED

"""Archives of other makes, and hostile ones: read right or refused, and never run."""

from __future__ import annotations

import io
import pickle
import random
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as ours
from tinygrad_rnn.serialization import CheckpointError, load, pt_write

from .torch_files import (
    an_object,
    archive_of,
    files_of,
    loaded,
    places_of,
    refused,
    theirs,
)

torch = pytest.importorskip("torch", reason="PyTorch is what we exchange files with")


# ----- other makes -----


def test_archives_of_other_makes():
    content = theirs({"x": torch.arange(3.0), "n": torch.arange(2)})
    files = files_of(content)
    plain = {name.removeprefix("archive/"): data for name, data in files.items()}
    old = {name: data for name, data in files.items() if "byteorder" not in name}
    renamed = {name.replace("archive", "my model"): data for name, data in files.items()}
    for made in (archive_of(files), archive_of(plain), archive_of(old), archive_of(renamed),
                 archive_of(files, zipfile.ZIP_DEFLATED)):  # fmt: skip
        assert loaded(made)["x"].tolist() == [0, 1, 2]
    refused(archive_of(files, zipfile.ZIP_BZIP2), "compressed in a way that PyTorch does not")


def test_the_order_of_bytes():
    values = {"f": torch.tensor([1.5, -2.0]), "i": torch.tensor([1, 258], dtype=torch.int16),
              "b": torch.tensor([True]), "h": torch.tensor([1.5]).bfloat16()}  # fmt: skip
    files = files_of(theirs(values))
    for number, size in enumerate((4, 2, 1, 2)):
        name = f"archive/data/{number}"
        files[name] = np.frombuffer(files[name], f"V{size}").tobytes()
        files[name] = b"".join(
            files[name][i : i + size][::-1] for i in range(0, len(files[name]), size)
        )
    files["archive/byteorder"] = b"big"
    got = loaded(archive_of(files))
    assert [x.tolist() for x in got.values()] == [[1.5, -2.0], [1, 258], [True], [1.5]]
    got["f"].add_(1)
    files["archive/byteorder"] = b"middle"
    refused(archive_of(files), "its byte order is neither little nor big, but b'middle'")


def test_other_files_of_theirs(tmp_path: Path):
    model = torch.nn.Linear(2, 1)
    refused(theirs(model), r"torch\.nn\.modules\.linear\.Linear.*save\(model\.state_dict\(\), path")
    refused(
        theirs({"x": torch.ones(1)}, _use_new_zipfile_serialization=False),
        r"format of PyTorch before 1\.6.*load it and save it again",
    )
    tar = b"sys_info" + b"\0" * 249 + b"ustar" + b"\0" * 250
    refused(tar, r"format of PyTorch before 1\.6")
    refused(archive_of({"m/data.pkl": b"", "m/constants.pkl": b""}), "program that torch.jit.save")
    refused(archive_of({"a/b.txt": b"hello"}), r"but none of torch.save: there is no data\.pkl")
    refused(theirs({"best": np.float64(0.5)}), r"it refers to numpy\.")
    path = tmp_path / "model.pt"
    path.write_bytes(theirs(model))
    with pytest.raises(CheckpointError, match=r"can't load .*model\.pt: it refers to"):
        load(path)


# ----- attacks -----


def with_pickle(instructions: bytes, **files: bytes) -> bytes:
    more = {f"archive/data/{name[1:]}": data for name, data in files.items()}
    start = {"archive/data.pkl": b"\x80\2" + instructions + b".", "archive/version": b"3\n"}
    return archive_of({**start, **more})


RAN: list[str] = []


class Bomb:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.parts = function, arguments

    def __reduce__(self) -> Any:
        return self.parts


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "bomb",
    [Bomb(exec, "1/0"), Bomb(eval, "1/0"), Bomb(getattr, 3, "real"), Bomb(RAN.append, "x"),
     Bomb(__import__, "os"), Bomb(torch.load, "x"), Bomb(bytearray, 10**12)],
    ids=range(7),
)  # fmt: skip
def test_nothing_is_called(bomb: Bomb, protocol: int):
    for obj in (bomb, {"x": [bomb]}, OrderedDict(x=bomb)):
        content = archive_of({"archive/data.pkl": pickle.dumps(obj, protocol)})
        refused(content)
    assert not RAN


FLOATS = b"((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK\4tQ"  # tensor, so far


EMPTY = b"ccollections\nOrderedDict\n)R"


def tensor_of(offset: bytes, size: bytes, stride: bytes) -> bytes:
    end = b"\x89" + EMPTY + b"tR"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + FLOATS + offset + size + stride + end


@pytest.mark.parametrize(
    "instructions, message",
    [
        (b"cos\nsystem\nX\2\0\0\0ls\x85R", r"it refers to os\.system"),
        (b"cposix\nsystem\nX\2\0\0\0ls\x85R", r"it refers to posix\.system"),
        (b"c__builtin__\neval\n", r"it refers to builtins\.eval"),
        (b"ctorch.serialization\nload\n)R", r"it refers to torch\.serialization\.load"),
        (b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n", "it refers to torch._utils._rebuild_"),
        (b"X\2\0\0\0osX\6\0\0\0system\x93", r"it refers to os\.system"),
        (b"(X\2\0\0\0lsios\nsystem\n", "the instruction b'i'"),
        (b"(cos\nsystem\nX\2\0\0\0lso", r"it refers to os\.system"),
        (b"\x82\1", "the instruction"),  # EXT1
        (b"I1\n", "the instruction b'I'"),
        (b"K\1)R", "a call of what is no function"),
        (b"ctorch\nFloatStorage\n)R", "it refers to torch.FloatStorage"),
        (b"]ctorch\nFloatStorage\na", "it refers to torch.FloatStorage"),
        (b"ccollections\nOrderedDict\n}X\1\0\0\0aK\1sb", "it sets attributes of a Name"),
        (EMPTY + b"}X\5\0\0\0itemsK\1sb", "it sets attributes of a OrderedDict"),
        (b"]K\1b", "it sets attributes of a list"),
        (b"}K\1K\2u", "no mark"),
        (b"}]K\2s", "a key with a list in it"),
        (b"}" + b")\x85\x85K\2s", "a key with a tuple in it"),
        (b"K\1K\2a", "items are appended to a int"),
        (b"h\7", "KeyError"),
        (b"(", "a mark instead of a value"),
        (b"", "IndexError"),
        (b"X\xff\xff\xff\xffabc", "its pickle ends too early"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc", "its pickle ends too early"),
        (b"\x8b\xff\xff\xff\x7fabc", "the instruction"),  # LONG4, which takes time as hash
        (b"X\1\0\0\0\xff", "UnicodeDecodeError"),
        (b"c__builtin__\nbytearray\n\x8a\5\0\0\0\0\x10\x85R", "bytearray of a int"),
        (b"c__builtin__\nset\n]]a\x85R", "a key with a list in it"),
        (b"c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0hex\x86R", "bytes as text that is not"),
        (b"ctorch\ndevice\nX\3\0\0\0mps\x85R", "Expected one of"),
        (b"ctorch\nSize\nK\1\x89\x86\x85R", "a size of other things than numbers"),
        (b"X\1\0\0\0xQ", "its pickle makes no sense"),
        (b"(X\1\0\0\0xK\1K\1K\1K\1tQ", r"a reference to \(str, int, int, int, int\)"),
        (tensor_of(b"K\0", b"K\5\x85", b"K\1\x85"), r"size \[5\] and stride \[1\] at 0, which"),
        (tensor_of(b"K\1", b"K\2K\2\x86", b"K\2K\1\x86"), "reaches beyond its storage of 4"),
        (tensor_of(b"K\0", b"K\2\x85", b"K\4\x85"), "reaches beyond its storage of 4"),
        (tensor_of(b"K\0", b"K\2\x85", b"J\xff\xff\xff\xff\x85"), "a stride of other things"),
        (tensor_of(b"J\xff\xff\xff\xff", b"K\1\x85", b"K\1\x85"), "a storage offset of other"),
        (tensor_of(b"K\0", b"\x88\x85", b"K\1\x85"), "a size of other things"),
        (tensor_of(b"K\0", b"K\2\x85", b")"), "a tensor whose parts do not fit"),
        (tensor_of(b"K\0", b"K\0\x8a\x09" + b"\xff" * 8 + b"\0\x86", b"K\1K\1\x86"), "can't load"),
    ],
)  # fmt: skip
def test_pickles_that_no_one_writes(instructions: bytes, message: str):
    refused(with_pickle(instructions, _0=bytes(16)), message)


def test_the_parts_of_attacks_are_right():
    good = with_pickle(tensor_of(b"K\1", b"K\3\x85", b"K\1\x85"), _0=struct.pack("<4f", 1, 2, 3, 4))
    assert loaded(good).tolist() == torch.load(io.BytesIO(good)).tolist() == [2, 3, 4]
    for size in (0, 12, 20):
        short = with_pickle(tensor_of(b"K\1", b"K\3\x85", b"K\1\x85"), _0=bytes(size))
        refused(short, rf"data/0 has {size} bytes, instead of 4 elements of torch.FloatStorage")
    missing = with_pickle(tensor_of(b"K\1", b"K\3\x85", b"K\1\x85"))
    refused(missing, "there is no data/0 in it")


def test_archives_that_are_larger_inside():
    bomb = archive_of({"a/data.pkl": b"N.", "a/data/0": bytes(10**7)}, zipfile.ZIP_DEFLATED)
    good = with_pickle(tensor_of(b"K\0", b"K\4\x85", b"K\1\x85"), _0=bytes(16))
    claims = bytearray(good)
    directory = claims.rindex(b"PK\1\2")
    struct.pack_into("<II", claims, directory + 20, 2**31, 2**31)
    twice = with_pickle(b"N", _0=bytes(1000), _1=b"")
    start = twice.index(b"PK\1\2")
    second = bytearray(twice)
    place = second.rindex(b"PK\1\2")
    second[place + 20 : place + 28] = struct.pack("<II", 1000, 1000)
    assert start < place
    tracemalloc.start()
    refused(bomb, "and claims to hold 10000002")
    refused(bytes(claims), "and claims to hold 2147")
    refused(bytes(second), "the files in it overlap")
    refused(with_pickle(b"r\xff\xff\xff\xff"))  # memory for all places of the memo
    nested = with_pickle(b"N" + b"\x85" * 100_000)
    assert isinstance(loaded(nested), tuple)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_shorter_files_are_refused():
    content = pt_write.write({"x": ours.arange(3.0), "n": [1]})
    for length in range(len(content)):
        refused(content[:length])


def test_flipped_bits_are_noticed():
    """Or they are in what means nothing, such as the date of a file in the archive."""
    for content in (pt_write.write({"x": ours.arange(3.0)}), theirs({"x": torch.arange(3.0)})):
        parts = "/data.pkl", "/data/0", "/byteorder"
        places = [place for name, place in places_of(content).items() if name.endswith(parts)]
        held = {i for place in places for i in range(place.start, place.stop)}
        assert len(held) > 100
        data = bytearray(content)
        for i in range(len(data)):
            data[i] ^= 1 << i % 8
            try:
                assert loaded(bytes(data))["x"].tolist() == [0, 1, 2]
                assert i not in held
            except CheckpointError:
                pass
            data[i] ^= 1 << i % 8


def test_random_pickles_raise_nothing_else():
    numbers = random.Random(1)
    files = files_of(theirs(an_object(torch)))
    original, refusals = files["archive/data.pkl"], 0
    for _ in range(300):
        data = bytearray(original)
        for _ in range(numbers.choice([1, 1, 3, 10])):
            data[numbers.randrange(len(data))] = numbers.randrange(256)
        try:
            loaded(archive_of({**files, "archive/data.pkl": bytes(data)}))
        except CheckpointError:
            refusals += 1
    assert refusals > 100

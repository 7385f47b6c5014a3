"""PyTorch's files: they move both ways, and whatever else they hold is refused and never run."""

from __future__ import annotations

import io
import pickle
import random
import struct
import tracemalloc
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_rnn as ours
from tinygrad_rnn import dtypes, nn, optim
from tinygrad_rnn.nn import functional as F
from tinygrad_rnn.serialization import CheckpointError, load, pt_write, save

torch = pytest.importorskip("torch", reason="PyTorch is what we exchange files with")


def theirs(obj: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(obj, file, **options)
    return file.getvalue()


def loaded(content: bytes, **options: Any) -> Any:
    return load(io.BytesIO(content), **options)


def same(got: Any, expected: Any) -> None:
    """Of one structure, one of the two with PyTorch's tensors and the other with ours."""
    if hasattr(expected, "dtype") and hasattr(expected, "stride"):
        assert str(got.dtype) == str(expected.dtype) and tuple(got.shape) == tuple(expected.shape)
        assert got.requires_grad == expected.requires_grad
        assert type(got).__name__ == type(expected).__name__
        np.testing.assert_array_equal(got.detach().numpy(), expected.detach().numpy())
    elif type(expected).__name__ in ("Size", "dtype", "device", "layout"):
        assert repr(got) == repr(expected) and type(got).__name__ == type(expected).__name__
    elif isinstance(expected, dict):
        assert type(got) is type(expected) and list(got) == list(expected)
        for one, other in zip(got.values(), expected.values(), strict=True):
            same(one, other)
    elif isinstance(expected, list | tuple):
        assert type(got) is type(expected) and len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            same(one, other)
    else:
        assert type(got) is type(expected) and got == expected


def an_object(t: Any) -> Any:
    """All that files hold, made of either library's tensors."""
    whole = t.arange(24.0).reshape(2, 3, 4)
    numbers = [0, 255, 256, 65536, -1, 2**31, -(2**31) - 1, 2**63, 2**1000, 1.5, float("inf")]
    return {
        "dtypes": [t.arange(4).to(getattr(t, d.name)) for d in dtypes.ALL],
        "shapes": [t.tensor(3.5), t.zeros(0), t.zeros(2, 0, 3), t.ones(1).expand(3, 2)],
        "views": [whole, whole[1], whole.permute(2, 0, 1)[1:, :, ::2], whole.flatten()[5:6]],
        "parameter": [t.nn.Parameter(t.ones(2)), t.nn.Parameter(t.ones(1), requires_grad=False)],
        "leaf": t.ones(2, requires_grad=True),
        "ordered": OrderedDict(b=t.zeros(1), a=None),
        "names": [t.float16, t.bool, t.Size([2, 3]), t.Size([]), t.strided],
        "devices": [t.device("cpu"), t.device("cuda:1")],
        "numbers": [*numbers, True, False, None, 1 - 2j],
        "text": ["", "größe ☃ \udc80", b"\0\xff", bytearray(b"ab")],
        "containers": [(), (1,), (1, (2, [3], {})), [], {}, {1, "a"}, set(), Counter("aab")],
        1: {(2, "x"): {None: 1.5}},
    }  # fmt: skip


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
        one, other = (m.output().detach().numpy() for m in (first, second))
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
        first.step()
        second.step()


@pytest.mark.skipif(not hasattr(nn, "Conv2d"), reason="no convolutions yet")
def test_a_convolution_is_the_same():
    layer = torch.nn.Conv2d(2, 3, 3, padding=1)
    mine = nn.Conv2d(2, 3, 3, padding=1)  # type: ignore[attr-defined]
    mine.load_state_dict(loaded(theirs(layer.state_dict())))
    x = torch.randn(1, 2, 5, 5)
    expected = layer(x).detach().numpy()
    got = mine(ours.from_numpy(x.numpy())).detach().numpy()
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


# ----- archives -----


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def places_of(content: bytes) -> dict[str, slice]:
    """Where the files in an archive are, byte by byte."""
    places = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            lengths = struct.unpack_from("<HH", content, info.header_offset + 26)
            begin = info.header_offset + 30 + sum(lengths)
            places[info.filename] = slice(begin, begin + info.file_size)
    return places


def repacked(content: bytes) -> bytes:
    """With the checksums put right after a file in it was changed in place."""
    return archive_of({name: content[place] for name, place in places_of(content).items()})


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


def refused(content: bytes, message: str = "can't load") -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        loaded(content)
    assert isinstance(caught.value, RuntimeError | pickle.UnpicklingError)
    assert str(caught.value).startswith("can't load the BytesIO: ")


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
        (b"\x8b\xff\xff\xff\x7fabc", "its pickle ends too early"),
        (b"X\1\0\0\0\xff", "UnicodeDecodeError"),
        (b"c__builtin__\nbytearray\n\x8a\5\0\0\0\0\x10\x85R", "bytearray of a int"),
        (b"c__builtin__\nset\n]]a\x85R", "a key with a list in it"),
        (b"c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0hex\x86R", "bytes as text in 'hex'"),
        (b"ctorch\ndevice\nX\3\0\0\0mps\x85R", "Expected one of"),
        (b"ctorch\nSize\nK\1\x89\x86\x85R", "a size of other things than numbers"),
        (b"X\1\0\0\0xQ", "its pickle makes no sense"),
        (b"(X\1\0\0\0xK\1K\1K\1K\1tQ", "a reference to 'x'"),
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

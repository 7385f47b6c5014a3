"""Files made to do harm, or harmed: they cost little, and are never loaded as something else."""

import io
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.serialization import CheckpointError, archive, load, pt_write, save

FOLDER = Path(torch.__file__).parent.parent
EMPTY = b"ccollections\nOrderedDict\n"
MANY = b"]q\0(" + b"K\1K\1\x86" * 1000 + b"e"  # in place 0 of the memo, a list of pairs
LAUGHS = (
    b"N" + b"q\0h\0\x86" * 64
)  # in place 0 a tuple of twice one, of twice one, ...: 2**64 leaves
BYTES = b"X" + struct.pack("<I", 20_000) + b"a" * 20_000 + b"q\0"


def archived(instructions: bytes, **files: bytes) -> bytes:
    data = {"data.pkl": b"\x80\2" + instructions + b"."}
    return archive.pack((data | {f"data/{name[1:]}": file for name, file in files.items()}).items())


def tensor_of(
    offset: bytes, size: bytes, stride: bytes, place: bytes = b"cpu", kind: bytes = b"Float"
) -> bytes:
    """A tensor in a storage of 4 elements."""
    storage = b"((X\7\0\0\0storagectorch\n%sStorage\nX\1\0\0\x000X" % kind
    storage += struct.pack("<I", len(place)) + place + b"K\4tQ"
    end = b"\x89" + EMPTY + b")RtR"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + storage + offset + size + stride + end


def long(number: int) -> bytes:
    size = number.bit_length() // 8 + 1
    return pickle.LONG1 + bytes([size]) + number.to_bytes(size, "little", signed=True)


def loaded(content: bytes, **options: Any) -> Any:
    """What is loaded, in memory of at most 250 bytes for each of the file's."""
    tracemalloc.start()
    try:
        return load(io.BytesIO(content), **options)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 250 * len(content) + 200_000


def refused(content: bytes, message: str = "can't load the BytesIO: ", **options: Any) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        loaded(content, **options)
    assert len(str(caught.value)) < 1000


# ----- pickles -----


@pytest.mark.parametrize(
    "instructions, message",
    [
        # A call may copy what it is given; thousands of them the same list
        (MANY + b"](" + EMPTY + b"q\1" + b"h\0\x85R" + b"h\1h\0\x85R" * 2000, "copies the same"),
        (BYTES + b"](" + b"c_codecs\nencode\nh\0X\6\0\0\0latin1\x86R" * 2000, "copies the same"),
        (MANY + b"](" + b"c__builtin__\nset\nh\0\x85R" * 2000, "copies the same values"),
        # What has 2**64 leaves may not be written out, compared or hashed
        (b"(" + LAUGHS + b"K\1K\1K\1K\1tQ", r"a reference to \(tuple, int"),
        (tensor_of(b"K\0", b"K\1\x85", b"K\1\x85").replace(b"X\3\0\0\0cpu", LAUGHS), "str, tuple,"),
        (b"ctorch.serialization\n_get_layout\n" + LAUGHS + b"\x85R", "refers to a layout"),
        (b"c_codecs\nencode\nX\1\0\0\0a" + LAUGHS + b"\x86R", "bytes as text that is not"),
        (b"c_codecs\nencode\n" + LAUGHS + b"X\6\0\0\0latin1\x86R", "bytes as text that is not"),
        (b"ctorch\ndevice\n" + LAUGHS + b"K\1\x86R", "a device of other things"),
        (b"}ctorch\ndevice\nX\4\0\0\0cuda" + LAUGHS + b"\x86RK\1s", "a device of other things"),
        (b"}" + LAUGHS + b"K\1s", "a key with a tuple in it"),
        (b"ccollections\nCounter\n]" + LAUGHS + b"K\1\x86a\x85R", "counts in a list"),
        (b"ctorch\nSize\n" + LAUGHS + b"\x85R", "a size of other things than numbers"),
        (b"ctorch._utils\n_rebuild_parameter\n" + LAUGHS + b"\x85R", "a parameter of a tuple"),
        # Sizes that no memory has
        (tensor_of(b"K\0", long(2**62) + b"\x85", b"K\0\x85"), "array is too big"),
        (tensor_of(b"K\0", long(2**200) + b"\x85", b"K\0\x85"), "dimension exceeded"),
        (tensor_of(b"K\0", b"(" + b"K\1" * 65 + b"t", b"(" + b"K\1" * 65 + b"t"), "supported dim"),
        (tensor_of(b"K\0", b"K\2\x85", long(2**62) + b"\x85"), "reaches beyond its storage"),
        (b"r\xff\xff\xff\x7f", "its pickle makes no sense"),
        (b"(" * 10_000, "a mark instead of a value"),
        # What is no data may not come out in a tuple
        (b"ctorch\nFloatStorage\n", r"it refers to torch\.FloatStorage"),
        (b"ctorch\nFloatStorage\n\x85K\1\x86", r"it refers to torch\.FloatStorage"),
        (b"](ctorch\nFloatStorage\n\x85K\1\x86e", r"it refers to torch\.FloatStorage"),
        (b"}K\1ctorch\nSize\n\x85s", r"it refers to torch\.Size"),
        (EMPTY + b"]K\1ctorch\nSize\n\x85\x86a\x85R", r"it refers to torch\.Size"),
        (b"((X\7\0\0\0storagectorch\nByteStorage\nX\1\0\0\x000X\1\0\0\0xK\x10tQt", "a storage"),
        (b"c" + b"a" * 10_000 + b"\nb\n", "it refers to a{200}, and"),
    ],
    ids=range(27),
)  # fmt: skip
def test_pickles_that_grow(instructions: bytes, message: str):
    refused(archived(instructions, _0=bytes(16)), message)


def test_what_grows_in_pickles_of_honest_makers_is_loaded():
    deep = loaded(archived(b"N" + b"\x85" * 100_000))
    assert isinstance(deep, tuple)
    cyclic = loaded(archived(b"]q\0h\0a"))
    assert cyclic[0] is cyclic
    assert loaded(archived(LAUGHS))[0] is not None
    shared = loaded(archived(MANY + b"](" + b"h\0" * 1000 + b"e\x86"))
    assert shared[1][999] is shared[0]
    expanded = tensor_of(b"K\0", long(10**12) + b"\x85", b"K\0\x85")
    assert loaded(archived(expanded, _0=bytes(16))).shape == (10**12,)


@pytest.mark.parametrize(
    "place", ["cuda:x", "cuda:²", "cuda:" + "9" * 5000, "", "meta", "cuda:1:2"]
)
def test_a_device_that_is_none_here_is_the_cpu(place: str):
    content = archived(tensor_of(b"K\0", b"K\2\x85", b"K\1\x85", place.encode()), _0=bytes(16))
    assert loaded(content).tolist() == [0, 0]


def test_a_bool_has_two_values():
    pickled = tensor_of(b"K\0", b"K\4\x85", b"K\1\x85", kind=b"Bool")
    file = archived(pickled, _0=b"\0\1\2\xff")
    arrays = safetensors.numpy.save({"x": np.array([0, 1, 0, 1], bool)})[:-4] + b"\0\1\2\xff"
    for x in (loaded(file), loaded(arrays)["x"]):
        assert x.dtype == torch.bool and x.numpy(force=True).view("u1").tolist() == [0, 1, 1, 1]


# ----- archives -----


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return content.getvalue()


def entry(content: bytes, name: bytes) -> int:
    """Where the directory of an archive tells of a file."""
    return content.rindex(name) - 46


def test_archives_that_are_larger_inside():
    sets = b"\x80\2" + b"\x8f" * 10**6 + b"."
    refused(zipped({"a/data.pkl": sets}, zipfile.ZIP_DEFLATED), r"and claims to hold 1000003")
    zeros = {"a/data.pkl": b"N.", "a/data/0": bytes(10**6)}
    refused(zipped(zeros, zipfile.ZIP_DEFLATED), r"and claims to hold 1000002")
    loaded(
        zipped(zeros | {"a/data/1": np.random.default_rng(1).bytes(10**5)}, zipfile.ZIP_DEFLATED)
    )
    nested = zipped({"b/data.pkl": zipped({"a/data.pkl": sets}, zipfile.ZIP_DEFLATED)})
    refused(nested, "its pickle has the instruction b'P'")


def test_files_may_not_share_bytes_or_names():
    one = zipped({"a/data.pkl": b"N.", "a/data/0": bytes(1000), "a/data/1": bytes(1000)})
    again, at = bytearray(one), entry(one, b"a/data/1")
    first = entry(one, b"a/data/0")
    again[at + 42 : at + 46] = again[first + 42 : first + 46]
    refused(bytes(again), "the files in it overlap")
    longer = bytearray(one)
    longer[first + 20 : first + 28] = struct.pack("<II", 1100, 1100)
    refused(bytes(longer), "the files in it overlap")
    into = bytearray(one)
    into[at + 20 : at + 28] = struct.pack("<II", 1100, 1100)
    refused(bytes(into), "the files in it overlap its directory")
    with pytest.warns(UserWarning, match="Duplicate"):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            for data in (b"K\1.", b"K\2."):
                file.writestr("a/data.pkl", data)
    refused(content.getvalue(), "two files in it have one name")
    refused(zipped({"a/data.pkl": b"N.", "b/data.pkl": b"N."}), "there is more than one data.pkl")


def test_a_file_has_the_length_that_it_claims():
    files = {"a/data.pkl": b"N.", "a/data/0": b"x" * 1000}
    content = bytearray(zipped(files, zipfile.ZIP_DEFLATED))
    assert loaded(bytes(content)) is None
    struct.pack_into("<I", content, entry(content, b"a/data/0") + 24, 1004)
    refused(bytes(content), "data/0 in it has another length than it claims")


def test_checksums_hold_the_files_together():
    content = pt_write.write({"x": torch.zeros(3), "y": torch.ones(3)})
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        files = {name: file.read(name) for name in file.namelist()}
    assert list(files)[-1] == "archive/tinygrad_rnn" and files["archive/tinygrad_rnn"][:2] == b"1 "
    zero, one = "archive/data/0", "archive/data/1"
    mixed = "do not match its checksum: one is missing, renamed or exchanged"
    refused(zipped(files | {zero: files[one], one: files[zero]}), mixed)
    refused(zipped({n: d for n, d in files.items() if n != "archive/byteorder"}), mixed)
    refused(zipped(files | {"archive/more": b""}), mixed)
    for record in (b"", b"1", b"1 ", b"x 00000000\n", b"1 00000000\n", b"0 \n", b"-1 \n", b"\xff"):
        refused(zipped(files | {"archive/tinygrad_rnn": record}), r"it is no|its tiny|do not match")
    newer = {"archive/tinygrad_rnn": b"12 in a way yet to come"}
    refused(zipped(files | newer), r"its layout is of version 12, .* up to version 1: install a ne")
    turned = dict(reversed(files.items()))
    for other in (
        turned,
        {n.replace("archive", "model"): d for n, d in files.items()},
        {n: d for n, d in files.items() if "tinygrad" not in n},
        {"archive/": b"", **files},
    ):
        assert loaded(zipped(other))["y"].tolist() == [1, 1, 1]


def test_a_file_that_was_not_asked_for_is_checked_too():
    content = bytearray(zipped({"a/data.pkl": b"N.", "a/byteorder": b"big"}))
    content[content.rindex(b"byteorder")] ^= 1  # it would be read as if there were none
    refused(bytes(content), "cyteorder in it is damaged")


def test_damage_of_a_trusted_pickle_is_found_before_it_runs():
    content = io.BytesIO()
    save(model := nn.Linear(2, 3), content)
    data = bytearray(content.getvalue())
    where = data.index(model.weight.numpy(force=True).tobytes())
    data[where] ^= 1
    refused(bytes(data), r"object\.pkl in it is damaged", weights_only=False)
    bare = pickle.dumps(model)  # as files were before
    assert torch.equal(load(io.BytesIO(bare), weights_only=False).weight, model.weight)
    refused(bare, "it is a pickle, which may run anything")
    for damaged in (*(bare[:length] for length in (2, 50, len(bare) - 1)), bare + b"x", bare * 2):
        refused(damaged, "its pickle (makes no sense|ends at byte)", weights_only=False)


# ----- safetensors -----


@pytest.mark.parametrize(
    "header",
    ["{}" + " " * 90, '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' * 2, "[" * 100_000,
     '{"x":{"dtype":"F32","shape":[1099511627776,4],"data_offsets":[0,16]}}',
     '{"x":{"dtype":"F32","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}',
     '{"x":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}',
     '{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,17]}}',
     '{"x":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}',
     '{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
     '"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
     '{"x":{"dtype":"F4","shape":[32],"data_offsets":[0,16]}}'],
    ids=range(10),
)  # fmt: skip
def test_headers_that_no_one_writes(header: str):
    refused(len(header).to_bytes(8, "little") + header.encode() + bytes(16))
    refused((2**40).to_bytes(8, "little") + header.encode())


def test_our_mark_is_not_lost():
    metadata = {"structure": "[]", "crc32": "00000000"}
    refused(safetensors.numpy.save({}, metadata), "the version of its layout, none, is no number")
    refused(safetensors.numpy.save({}, {"tinygrad_rnn": "1"}), "does not match its checksum")


# ----- mutated files -----


def test_mutated_files_are_refused_or_load_as_they_were():
    command = [sys.executable, "-m", "stress", "corrupt", "--count", "400", "--seed", "7"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| mutated files: as the original |" in done.stdout

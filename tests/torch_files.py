"""What the tests of PyTorch's files share: files as bytes, and what is in them."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import pytest

from tinygrad_rnn import dtypes
from tinygrad_rnn.serialization import CheckpointError, load

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
        np.testing.assert_array_equal(got.numpy(force=True), expected.detach().numpy())
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
    places = places_of(content).items()
    return archive_of({n: content[place] for n, place in places if not n.endswith("tinygrad_rnn")})


def refused(content: bytes, message: str = "can't load") -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        loaded(content)
    assert isinstance(caught.value, RuntimeError | pickle.UnpicklingError)
    assert str(caught.value).startswith("can't load the BytesIO: ")

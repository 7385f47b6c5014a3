"""Checkpoints: `save` writes nested containers of tensors to a safetensors file, `load` reads them.

The tensors are the file's body, named by their place in the object (a model's state dict keeps
its names, so other programs can read it). Around them, in the file's metadata:

    tinygrad_rnn   the version of this layout, "1"
    structure      JSON: the object, with {"tensor": name, "requires_grad": ...} for each tensor
    crc32          a checksum over structure and body

In the structure a dict is {"dict": [[key, value], ...]}, a tuple {"tuple": [...]}, a float that
JSON does not have {"float": "nan"}. Nothing in a file is ever executed.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import safetensors
import safetensors.numpy

from . import backends
from .creation import from_numpy
from .files import write_atomically
from .tensor import Tensor

File = str | os.PathLike[str] | BinaryIO
Arrays = dict[str, backends.Array]

_VERSION = "1"
_ZIP = b"PK\x03\x04"


class CheckpointError(RuntimeError):
    """A file is no checkpoint, or is damaged."""


# ----- save -----


def save(obj: Any, f: File) -> None:
    """Write an object to a file: tensors, and dicts, lists and tuples of them and of numbers,
    strings, bools and None.

    Args:
        obj: what to save. Tensors may be of any shape, dtype and device; whether one requires a
            gradient is saved with it, its gradient is not. Subclasses of dict, list and tuple
            come back as these.
        f: a path, or a file open for writing bytes. At a path the whole file appears at once:
            after a crash it is either the new or the old one.

    Raises TypeError for other objects, with their place inside obj.
    """
    arrays: Arrays = {}
    structure = json.dumps(_encode(obj, "", "obj", arrays), separators=(",", ":"))
    metadata = {
        "tinygrad_rnn": _VERSION,
        "structure": structure,
        "crc32": _checksum(structure, arrays),
    }
    content = safetensors.numpy.save(arrays, metadata)
    if isinstance(f, str | os.PathLike):
        write_atomically(os.path.realpath(f), content)  # a link stays one
    else:
        _check_file(f, "save", "write")
        f.write(content)


def _check_file(f: Any, function: str, method: str) -> None:
    if not hasattr(f, method):
        raise TypeError(
            f"{function}(): f must be a path or a file with a {method} method, got "
            f"{type(f).__name__}"
        )


def _encode(value: Any, name: str, place: str, arrays: Arrays) -> Any:
    """The object as JSON has it; the tensors go into `arrays`, under their dotted names.

    `place` is Python's way to the object, for messages.
    """
    if isinstance(value, backends.HostScalar):
        value = value.item()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": str(float(value))}
    if isinstance(value, Tensor):
        unique = name or "tensor"
        while unique in arrays or unique == "__metadata__":  # the format's own
            unique += "_"
        arrays[unique] = value.detach().cpu().contiguous().numpy()
        return {"tensor": unique, "requires_grad": value.requires_grad}
    prefix = name and f"{name}."
    if isinstance(value, list | tuple):
        items = [
            _encode(item, f"{prefix}{i}", f"{place}[{i}]", arrays) for i, item in enumerate(value)
        ]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, dict):
        pairs = []
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | None):
                raise TypeError(
                    f"save(): the keys of {place} must be strings, numbers or None, got {key!r}"
                )
            there = f"{place}[{key!r}]"
            pairs.append(
                [_encode(key, "", there, arrays), _encode(item, f"{prefix}{key}", there, arrays)]
            )
        return {"dict": pairs}
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    hint = f"; save {place}.state_dict() instead" if hasattr(value, "state_dict") else ""
    raise TypeError(
        f"save(): expected {place} to be a tensor, number, string, bool, None, or a dict, list or "
        f"tuple of them, got {kind}{hint}"
    )


# ----- load -----


def load(f: File, map_location: Any = None, weights_only: bool = True) -> Any:
    """Read what `save` wrote; any other safetensors file gives a flat dict of tensors.

    Args:
        f: a path, or a file open for reading bytes.
        map_location: the device for the tensors; if None the default one, wherever they came from.
        weights_only: for PyTorch's signature. Nothing but tensors and containers is ever loaded.

    Raises CheckpointError, which names the file, if it is of another kind, incomplete or damaged.
    """
    if not isinstance(map_location, str | backends.device | None):
        raise TypeError(
            "load(): map_location must be a device, its name, or None, got "
            f"{type(map_location).__name__}"
        )
    if isinstance(f, str | os.PathLike):
        content, source = Path(f).read_bytes(), os.fspath(f)
    else:
        _check_file(f, "load", "read")
        content, source = f.read(), str(getattr(f, "name", f"the {type(f).__name__}"))
    try:
        return _restored(*_read(content), backends.as_device(map_location))
    except _Damaged as error:
        raise CheckpointError(f"can't load {source}: {error}") from error.__cause__


class _Damaged(Exception):
    """What is wrong with a file."""


def _read(content: bytes) -> tuple[Arrays, dict[str, str]]:
    """The arrays and the metadata of a safetensors file."""
    if content.startswith(_ZIP):
        raise _Damaged(
            "it is a zip file, perhaps from torch.save, which can't be read. In PyTorch, save the "
            "state dict with safetensors.torch.save_file instead."
        )
    try:
        arrays = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise _Damaged(f"it is no safetensors file, or not all of one ({error})") from error
    except KeyError as error:
        raise _Damaged(f"it has tensors of the unsupported type {error.args[0]}") from error
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return arrays, header.get("__metadata__", {})


def _restored(arrays: Arrays, metadata: dict[str, str], where: backends.device) -> Any:
    """The object that was saved."""
    try:
        tensors = {name: from_numpy(array).to(where) for name, array in arrays.items()}
    except TypeError as error:
        raise _Damaged(f"it has tensors of an unsupported type ({error})") from error
    if not {"tinygrad_rnn", "crc32"} & metadata.keys():
        return tensors
    version = metadata.get("tinygrad_rnn")
    if version != _VERSION:
        raise _Damaged(
            f"its layout is of version {version}, and this tinygrad_rnn reads version {_VERSION}"
        )
    structure = metadata.get("structure", "")
    if metadata.get("crc32") != _checksum(structure, arrays):
        raise _Damaged("its content does not match its checksum: it is damaged")
    try:
        return _decode(json.loads(structure), tensors)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _Damaged(f"its structure makes no sense ({error!r})") from error


def _decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]].requires_grad_(value["requires_grad"])
    if "tuple" in value:
        return tuple(_decode(item, tensors) for item in value["tuple"])
    if "dict" in value:
        return {_decode(key, tensors): _decode(item, tensors) for key, item in value["dict"]}
    return float(value["float"])


def _checksum(structure: str, arrays: Arrays) -> str:
    crc = zlib.crc32(structure.encode())
    for name, array in sorted(arrays.items()):
        crc = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), crc)
        crc = zlib.crc32(array, crc)
    return f"{crc:08x}"

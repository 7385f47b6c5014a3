"""Nested containers of tensors in a safetensors file.

The tensors are the file's body, named by their place in the object (a model's state dict keeps
its names, so other programs can read it). Around them, in the file's metadata:

    tinygrad_rnn   the version of this layout, a number
    structure      JSON: the object, with {"tensor": name, "requires_grad": ...} for each tensor
    crc32          a checksum over structure and body

In the structure a dict is {"dict": [[key, value], ...]}, a tuple {"tuple": [...]}, a float that
JSON does not have {"float": "nan"}.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any

import safetensors
import safetensors.numpy

from .. import backends
from ..creation import from_numpy
from ..tensor import Tensor
from .errors import Damaged, cannot_save, newer

Arrays = dict[str, backends.Array]

_VERSION = 1
_SENSELESS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)


def write(obj: Any) -> bytes:
    """The file of an object. Raises TypeError for what files do not hold, with its place in obj."""
    arrays: Arrays = {}
    structure = json.dumps(_encode(obj, "", "obj", arrays), separators=(",", ":"))
    metadata = {
        "tinygrad_rnn": str(_VERSION),
        "structure": structure,
        "crc32": _checksum(structure, arrays),
    }
    return safetensors.numpy.save(arrays, metadata)


def read(content: bytes, where: backends.device) -> Any:
    """The object of a file, on a device; of other programs' files a dict. Raises Damaged."""
    return _restored(*_parts(content), where)


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
    raise cannot_save(value, place)


def _parts(content: bytes) -> tuple[Arrays, dict[str, str]]:
    """The arrays and the metadata of a safetensors file."""
    try:
        arrays = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise Damaged(
            f"it is neither a file of PyTorch's nor one of safetensors, or not all of it "
            f"({error!s:.150})"
        ) from error
    except KeyError as error:
        raise Damaged(f"it has tensors of the unsupported type {error.args[0]}") from error
    except _SENSELESS as error:
        raise Damaged(f"its tensors make no sense ({error!r:.200})") from error
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return arrays, header.get("__metadata__") or {}


def _restored(arrays: Arrays, metadata: dict[str, str], where: backends.device) -> Any:
    """The object that was saved."""
    try:
        tensors = {name: from_numpy(_array(array)).to(where) for name, array in arrays.items()}
    except TypeError as error:
        raise Damaged(f"it has tensors of an unsupported type ({error})") from error
    if not {"tinygrad_rnn", "structure", "crc32"} & metadata.keys():
        return tensors
    version = metadata.get("tinygrad_rnn", "none")
    if not re.fullmatch("[1-9][0-9]{0,8}", version):
        raise Damaged(f"the version of its layout, {version:.20}, is no number")
    if int(version) > _VERSION:
        raise newer(int(version), _VERSION)
    structure = metadata.get("structure", "")
    if metadata.get("crc32") != _checksum(structure, arrays):
        raise Damaged("its content does not match its checksum: it is damaged")
    try:
        return _decode(json.loads(structure), tensors)
    except _SENSELESS as error:
        raise Damaged(f"its structure makes no sense ({error!r:.200})") from error


def _array(array: backends.Array) -> backends.Array:
    if array.dtype != bool:
        return array
    return (array.reshape(-1).view("u1") != 0).reshape(array.shape)  # no third value


def _decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        if not isinstance(value["requires_grad"], bool):
            raise ValueError("requires_grad is no bool")
        return tensors[value["tensor"]].requires_grad_(value["requires_grad"])
    if "tuple" in value:
        return tuple(_decode(item, tensors) for item in value["tuple"])
    if "dict" in value:
        return {_decode(key, {}): _decode(item, tensors) for key, item in value["dict"]}
    return float(value["float"])


def _checksum(structure: str, arrays: Arrays) -> str:
    crc = zlib.crc32(structure.encode())
    for name, array in sorted(arrays.items()):
        crc = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), crc)
        crc = zlib.crc32(array, crc)
    return f"{crc:08x}"

"""Changes to files: to their bytes, or inside and then with the right checksums again."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from tinygrad_rnn.serialization import archive, safetensors_file

NUMBERS = sorted(
    {n + d for n in (0, 2**7, 2**8, 2**15, 2**16, 2**31, 2**32, 2**63, 2**64) for d in (-1, 0, 1)}
    | {5, 6, 24, 64, 10**12, -(2**31), -(2**63)}
)
Mutator = Callable[[bytes, random.Random], bytes]


# ----- the parts of files -----


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name.partition("/")[2]: file.read(name) for name in file.namelist()}


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def with_header(header: dict[str, Any] | str, body: bytes) -> bytes:
    text = header if isinstance(header, str) else json.dumps(header)
    return len(text.encode()).to_bytes(8, "little") + text.encode() + body


# ----- mutations of bytes -----


def cut(data: bytes, numbers: random.Random) -> bytes:
    return data[: numbers.randrange(len(data))]


def flip_bits(data: bytes, numbers: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(numbers.choice([1, 1, 1, 2, 8])):
        changed[numbers.randrange(len(data))] ^= 1 << numbers.randrange(8)
    return bytes(changed)


def set_bytes(data: bytes, numbers: random.Random) -> bytes:
    changed, at = bytearray(data), numbers.randrange(len(data))
    some = numbers.choice([bytes(8), b"\xff" * 8, numbers.randbytes(8)])[
        : numbers.choice([1, 4, 8])
    ]
    changed[at : at + len(some)] = some
    return bytes(changed)


def swap_bytes(data: bytes, numbers: random.Random) -> bytes:
    changed = bytearray(data)
    one, other = numbers.randrange(len(data)), numbers.randrange(len(data))
    changed[one], changed[other] = changed[other], changed[one]
    return bytes(changed)


def block(data: bytes, numbers: random.Random) -> tuple[int, int]:
    """Where a block of up to 512 bytes begins and ends, often at the bounds that files have."""
    size = numbers.choice([4, 16, 64, 512, numbers.randint(1, 512)])
    begin = numbers.randrange(len(data))
    begin -= begin % numbers.choice([1, 16, 64])
    return begin, min(begin + size, len(data))


def swap_blocks(data: bytes, numbers: random.Random) -> bytes:
    (a, b), (c, d) = sorted([block(data, numbers), block(data, numbers)])
    b = min(b, c)
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def insert_block(data: bytes, numbers: random.Random) -> bytes:
    (begin, end), (at, _) = block(data, numbers), block(data, numbers)
    some = numbers.choice([data[begin:end], bytes(end - begin), numbers.randbytes(end - begin)])
    return data[:at] + some + data[at:]


def overwrite_block(data: bytes, numbers: random.Random) -> bytes:
    (begin, end), (at, _) = block(data, numbers), block(data, numbers)
    some = numbers.choice([data[begin:end], bytes(end - begin)])
    return (data[:at] + some + data[at + len(some) :])[: len(data)]


def delete_block(data: bytes, numbers: random.Random) -> bytes:
    begin, end = block(data, numbers)
    return data[:begin] + data[end:]


def edit_directory(data: bytes, numbers: random.Random) -> bytes:
    """A zip file with another number in its directory or a file's header: a size, offset, method,
    flag, name's length; in both places at once, now and then. Of others, any four bytes."""
    marks = [b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7"]
    places = [i for i in range(len(data) - 4) if data[i : i + 4] in marks]
    changed = bytearray(data)
    for _ in range(numbers.choice([1, 1, 2])):
        at = numbers.choice(places) + numbers.randrange(4, 56) if places else numbers.randrange(64)
        value = numbers.choice([*NUMBERS, len(data), numbers.randrange(len(data))])
        size = numbers.choice([2, 4, 8])
        changed[at : at + size] = (value % 256**size).to_bytes(size, "little")
    return bytes(changed[: len(data)])


MUTATORS: list[Mutator] = [
    cut, flip_bits, set_bytes, swap_bytes, swap_blocks, insert_block, overwrite_block,
    delete_block, edit_directory,
]  # fmt: skip


# ----- mutations under a right checksum -----


def changed_archive(content: bytes, numbers: random.Random) -> bytes:
    """With other instructions in its pickle, or other files."""
    files = {name: data for name, data in unzipped(content).items() if name != "tinygrad_rnn"}
    main = next(name for name in files if name.endswith(".pkl"))
    if numbers.random() < 0.9:
        for _ in range(numbers.choice([1, 1, 2, 5])):
            files[main] = changed_pickle(files[main], numbers)
    else:
        name = numbers.choice([name for name in files if files[name]])
        files[name] = numbers.choice(MUTATORS)(files[name], numbers)
    if numbers.random() < 0.1:
        name = numbers.choice(list(files))
        files[numbers.choice([*files, f"{main}/x", "../x", ""])] = files.pop(name)
    return archive.pack(files.items())


STRINGS = ["", "storage", "0", "1", "cuda", "cuda:1", "cuda:x", "meta", "latin1", "a" * 1000]
NAMES = ["os system", "builtins eval", "builtins bytearray", "torch FloatStorage", "torch Size",
         "torch DoubleStorage", "torch BFloat16Storage", "torch device", "builtins set",
         "torch.storage UntypedStorage", "collections OrderedDict", "collections Counter",
         "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "torch Tensor",
         "torch._tensor _rebuild_from_type_v2", "_codecs encode"]  # fmt: skip


def changed_pickle(data: bytes, numbers: random.Random) -> bytes:
    """With an instruction changed, doubled, exchanged or left out; or any of its bytes."""
    try:
        places = [at or 0 for _, _, at in pickletools.genops(data)]
    except ValueError:  # it was changed already
        places = []
    if len(places) < 3:
        return flip_bits(data, numbers)
    pick = numbers.randrange(1, len(places) - 1)
    begin, end = places[pick], places[pick + 1]
    other = numbers.randrange(1, len(places) - 1)
    value = numbers.choice([*NUMBERS, 2**2000]).__index__()
    size = value.bit_length() // 8 + 1
    text = numbers.choice(STRINGS).encode()
    name = numbers.choice(NAMES).replace(" ", "\n").encode()
    codes = bytes(ord(code.code) for code in pickletools.opcodes)
    some = numbers.choice([
        pickle.LONG1 + bytes([size]) + value.to_bytes(size, "little", signed=True),
        pickle.BINUNICODE + struct.pack("<I", len(text)) + text,
        pickle.GLOBAL + name + b"\n",
        data[places[other] : places[other + 1]],
        data[begin:end] * 2,
        b"",
        bytes([numbers.choice(codes)]) + data[begin + 1 : end],
        data[begin : begin + 1] + numbers.randbytes(end - begin - 1),
    ])  # fmt: skip
    return data[:begin] + some + data[end:]


def changed_safetensors(content: bytes, numbers: random.Random) -> bytes:
    """With another number or word in its header, or in the structure in there."""
    header, body = header_of(content)
    metadata = header.pop("__metadata__")
    structure = metadata["structure"]
    if numbers.random() < 0.5:
        structure = changed_json(structure, numbers)
    else:
        try:
            header = json.loads(changed_json(json.dumps(header), numbers))
        except (ValueError, RecursionError):
            return flip_bits(content, numbers)
    metadata["structure"] = structure
    try:
        arrays, _ = safetensors_file._parts(with_header(header, body))
        metadata["crc32"] = safetensors_file._checksum(structure, arrays)
    except (safetensors_file.Damaged, UnicodeEncodeError, AttributeError):
        pass  # refused before its checksum is looked at
    return with_header({"__metadata__": metadata, **header}, body)


def changed_json(text: str, numbers: random.Random) -> str:
    """With one of its parts, told apart by punctuation, exchanged or left out."""
    bounds = [i for i, c in enumerate(text) if c in '[]{},:"']
    begin, end = sorted(numbers.sample(bounds, 2))
    if numbers.random() < 0.8:
        at = numbers.randrange(len(bounds) - 1)
        begin, end = bounds[at] + 1, bounds[at + 1]
    some = ["", "[" * 50_000, '"x"', "null", "[]", "{}", "true", "1e400", "NaN", "tensor", "dict"]
    return text[:begin] + numbers.choice([*map(str, NUMBERS), *some]) + text[end:]

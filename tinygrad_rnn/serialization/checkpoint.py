"""Checkpoints: `save` writes nested containers of tensors to a file, `load` reads them.

Files have PyTorch's format or that of safetensors, and nothing in them is executed; or they are
Python's pickles, of whole modules for example, of which only what `add_safe_globals` lists is read,
or all with weights_only=False.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from .. import backends
from ..files import write_atomically
from ..tensor import Tensor
from . import pt_read, pt_write, safetensors_file, whole
from .archive import MAGIC, Archive
from .errors import CheckpointError, Damaged, NotData

File = str | os.PathLike[str] | BinaryIO
# What PyTorch wrote before its version 1.6: a tar archive, later a row of pickles
_OLD = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def save(
    obj: Any,
    f: File,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write an object to a file.

    Data are tensors, and dicts, lists, tuples and sets of them and of numbers, strings, bytes,
    bools, None, sizes, dtypes and devices. They are written in PyTorch's format, which `load`
    reads, in PyTorch too, with weights_only=True. A path that ends in ``.safetensors`` gets that
    format, which holds tensors, dicts, lists, tuples, numbers, strings, bools and None.

    Each file carries the version of its layout, and checksums that `load` compares.

    An object that is, or holds, something else (a module, a NumPy array) is pickled as a whole.
    Such a file is tied to the code that wrote it, and only read with weights_only=False, or if its
    classes are listed by `add_safe_globals`: of a module, better save the ``state_dict()``.

    Args:
        obj: what to save. Tensors may be of any shape, dtype and device; whether one requires a
            gradient is saved with it, its gradient is not. In PyTorch's format tensors that share
            memory still do when they are loaded (so a small view is saved with all it looks
            into), and subclasses of dict, list and tuple, other than OrderedDict, Counter and
            Size, come back as these; in the other format all of them do.
        f: a path, or a file open for writing bytes. At a path the whole file appears at once:
            after a crash it is either the new or the old one.
        pickle_module, pickle_protocol: for PyTorch's signature, without an effect.

    Raises TypeError, with its place inside obj, for what safetensors does not hold, and the errors
    of Python's pickle for what that can't write (a lambda).

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/checkpoint.pt"
    >>> torch.save({"weight": torch.ones(2), "epoch": 3}, path)
    >>> torch.load(path)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    if not _use_new_zipfile_serialization:
        raise ValueError(
            "save(): the format of PyTorch before 1.6 is not written; leave "
            "_use_new_zipfile_serialization away"
        )
    if isinstance(f, str | os.PathLike):
        safe = os.fspath(f).endswith(".safetensors")
        content = safetensors_file.write(obj) if safe else _written(obj)
        write_atomically(os.path.realpath(f), content)  # a link stays one
    else:
        _check_file(f, "save", "write")
        f.write(_written(obj))


def _written(obj: Any) -> bytes:
    try:
        return pt_write.write(obj)
    except NotData:
        return whole.write(obj)


def _check_file(f: Any, function: str, method: str) -> None:
    if not hasattr(f, method):
        raise TypeError(
            f"{function}(): f must be a path or a file with a {method} method, got "
            f"{type(f).__name__}"
        )


def load(
    f: File,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
) -> Any:
    """Read what `save` wrote, here or in PyTorch, or any safetensors file (a flat dict of tensors).

    Files are told apart by their content. Of PyTorch's files nothing but tensors, numbers, strings,
    containers, and objects of the classes that `add_safe_globals` lists is ever loaded, whatever
    weights_only says, and their bfloat16 tensors become float32 ones.

    Args:
        f: a path, or a file open for reading bytes.
        map_location: the device for the tensors; or a dict from those they were on to others; or
            a function of a storage's elements (a 1-D tensor) and the name of the device they were
            on, which returns them where they are to be. If None, they come back to where they
            were, from a GPU that is not here to the CPU; safetensors to the default device.
        weights_only: False also reads the pickle of any whole object, and runs what is in it: only
            for files whose source you trust. True reads it if `add_safe_globals` lists all classes
            in it.
        pickle_module, mmap: for PyTorch's signature, without an effect.

    Raises CheckpointError, which names the file, if it is of another kind, incomplete or damaged,
    of a newer version, or holds other things.

    >>> import io
    >>> torch.save([torch.zeros(2), "text"], file := io.BytesIO())
    >>> _ = file.seek(0)
    >>> torch.load(file, map_location="cpu")
    [tensor([0., 0.]), 'text']
    """
    if not (map_location is None or callable(map_location)) and not isinstance(
        map_location, str | backends.device | Mapping
    ):
        raise TypeError(
            "load(): map_location must be a device, its name, a dict, a function or None, got "
            f"{type(map_location).__name__}"
        )
    if isinstance(f, str | os.PathLike):
        content, source = Path(f).read_bytes(), os.fspath(f)
    else:
        _check_file(f, "load", "read")
        content, source = f.read(), str(getattr(f, "name", f"the {type(f).__name__}"))
        if not isinstance(content, bytes):
            raise TypeError(
                f"load(): f must be open for reading bytes, as open(path, 'rb') is; its read() "
                f"returned {type(content).__name__}"
            )
    try:
        if content.startswith(MAGIC):
            archive = Archive(content, (pt_read.MAIN, whole.MAIN))
            if archive.main == pt_read.MAIN:
                return pt_read.read(archive, _mover(map_location))
            read = whole.read_allowed if weights_only else whole.read
            return read(bytes(archive.read(whole.MAIN)), _mover(map_location))
        _refuse_old(content)
        if _is_pickle(content):
            if weights_only:
                raise Damaged(
                    "it is a pickle, which may run anything, and is not loaded with "
                    "weights_only=True. If you trust its source: load(f, weights_only=False)"
                )
            whole.check_bare(content)
            return whole.read(content, _mover(map_location))
        plain = isinstance(map_location, str | backends.device)
        return safetensors_file.read(content, backends.as_device(map_location if plain else None))
    except Damaged as error:
        raise CheckpointError(f"can't load {source}: {error}") from error.__cause__


def _is_pickle(content: bytes) -> bool:
    return content.startswith(whole.MAGIC) and content[8:9] != b"{"  # the header of safetensors


def _refuse_old(content: bytes) -> None:
    """Raise Damaged for a kind of files that is known, and not read."""
    if _OLD in content[:20] or content[257:262] == b"ustar":
        raise Damaged(
            "it has the format of PyTorch before 1.6, which is not read. In PyTorch, load it and "
            "save it again: torch.save(torch.load(path), path)"
        )


def _mover(map_location: Any) -> Callable[[Tensor, str], Tensor]:
    """What moves the elements of a storage from the device they were on to that they are to be."""
    if isinstance(map_location, str | backends.device):
        return lambda flat, _: flat.to(map_location)
    if isinstance(map_location, Mapping):
        return lambda flat, place: _back(flat, map_location.get(place, place))
    if map_location is None:
        return _back

    def move(flat: Tensor, place: str) -> Tensor:
        result = map_location(flat, place)
        if result is None:
            return _back(flat, place)
        if not isinstance(result, Tensor) or result.shape != flat.shape:
            raise TypeError(
                "load(): map_location must return the storage it was given, here or on another "
                f"device, or None, got {type(result).__name__}"
            )
        return result

    return move


def _back(flat: Tensor, place: Any) -> Tensor:
    """The elements on the device they were on, if it is here."""
    cuda = re.fullmatch(r"cuda(?::([0-9]{1,3}))?", str(place))
    here = cuda is not None and int(cuda[1] or 0) < backends.cuda_device_count()
    return flat.to(place if here else "cpu")

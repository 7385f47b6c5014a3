"""Files that are there whole, or not at all: after an error, a crash, or a power cut."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
from pathlib import Path

Name = str | os.PathLike[str]
_DIGITS = 16  # behind a name, for the file that is being written


def write_atomically(path: Name, data: bytes) -> None:
    """Write a file beside its place, flush it to disk, and move it there.

    Whatever happens, the path holds either its old content or all of the new one. Raises OSError,
    which says so and names the file, if it can't be written; nothing is left beside it then.
    """
    beside = _beside(path)
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _not_written(error, path) from error
        raise
    _flush_folder(path)


def move(path: Name, to: Name, old: Name | None = None) -> None:
    """Move a whole file to where another may be, at once, in the same folder. That other one is
    there until then, and from then on under the name `old`, if it is given."""
    if old is not None and os.path.exists(to):
        _name_too(to, old)
    os.replace(path, to)
    _flush_folder(to)


def remove_leftovers(path: Name) -> None:
    """Remove what processes that were killed while they wrote this file have left beside it.
    Not for files that another process may be writing now."""
    target = Path(path)
    names = glob.escape(_prefix(target)) + "[0-9a-f]" * _DIGITS
    for left in target.parent.glob(names):
        left.unlink(missing_ok=True)


def _name_too(path: Name, other: Name) -> None:
    """Give a file a second name, which another file may have had: it has both."""
    beside = _beside(other)
    try:
        os.link(path, beside)
    except OSError:  # not every file system has files of two names
        write_atomically(other, Path(path).read_bytes())
        return
    os.replace(beside, other)
    beside.unlink(missing_ok=True)  # it stays if both were names of one file already


def _prefix(target: Path) -> str:
    return f".{target.name[:50]}."  # names may have 255 bytes


def _beside(path: Name) -> Path:
    """A new name in the same folder."""
    target = Path(path)
    return target.with_name(f"{_prefix(target)}{os.urandom(_DIGITS // 2).hex()}")


def _not_written(error: OSError, path: Name) -> OSError:
    """The error, with the name of the file that was to be written, and what is there now."""
    left = "its old content is left as it was" if os.path.exists(path) else "nothing was written"
    number, what = error.errno or errno.EIO, error.strerror or str(error)
    return OSError(number, f"{what} ({left})", os.fspath(path))


def _flush_folder(path: Name) -> None:
    """Flush to disk which file a name stands for."""
    if os.name != "posix":  # elsewhere folders can't be opened
        return
    descriptor = os.open(Path(path).parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that does not need it
            raise
    finally:
        os.close(descriptor)

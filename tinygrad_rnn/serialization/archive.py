"""The zip archives that files are: PyTorch's, and our own with a version and a checksum more.

Zip has a checksum of each file in an archive. One file more, `tinygrad_rnn`, which PyTorch passes
over, holds the version of the layout and a checksum over the names, sizes and checksums of all
others, so that none of them can be missing, renamed or exchanged.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence

from .errors import Damaged, newer

MAGIC = b"PK\x03\x04"
_ALIGNMENT = 64  # of the contents in the archive, for programs that map them into memory
# How many times its own size an archive may hold, compressed: tensors, that may be zeros, and the
# pickle, which may make large objects of few bytes. And the bytes that any archive may hold
_TENSORS, _PICKLE, _SMALL = 20, 4, 1 << 16
_FOLDER = "archive/"
_HEADER = 30  # bytes before each file, at least: its header without its name
_RECORD = "tinygrad_rnn"
_VERSION = 1


def pack(files: Iterable[tuple[str, bytes | memoryview]]) -> bytes:
    """An archive of files, given as names and contents."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files:
            _add(archive, name, content)
        record = f"{_VERSION} {_checksum(_FOLDER, archive.infolist())}\n"
        _add(archive, _RECORD, record.encode())
    return file.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes | memoryview) -> None:
    """Add a file whose content begins at a multiple of 64."""
    info = zipfile.ZipInfo(_FOLDER + name)  # all of one date: equal objects make equal files
    begin = archive.start_dir + _HEADER + len(info.filename) + 4
    padding = -begin % _ALIGNMENT
    info.extra = struct.pack("<2sH", b"FB", padding) + bytes(padding)
    archive.writestr(info, content)


def _checksum(folder: str, infos: Iterable[zipfile.ZipInfo]) -> str:
    """Over all files of a folder but the record, in whatever order they are."""
    crc = 0
    for info in sorted(infos, key=lambda info: info.filename):
        name = info.filename.removeprefix(folder)
        if name and name != _RECORD:  # the folder has an entry of its own in some archives
            crc = zlib.crc32(f"{name} {info.file_size} {info.CRC:08x}\n".encode(), crc)
    return f"{crc:08x}"


class Archive:
    """The files in an archive, as long as they are no larger than it can hold in earnest.

    Args:
        content: the bytes of the archive.
        mains: names of pickles: one of them, and one alone, is in the archive, and all else in
            the same folder as it.

    Attributes:
        main: which of them is there.

    Raises Damaged, as all methods do.
    """

    def __init__(self, content: bytes, mains: Sequence[str]) -> None:
        with _reading("it is no whole zip file"):
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        infos = self._zip.infolist()
        self._infos = {info.filename: info for info in infos}
        self._unread = set(self._infos)
        self._check_sizes(infos, len(content))
        found = [
            (info.filename.removesuffix(main), main)
            for info in infos
            for main in mains
            if f"/{info.filename}".endswith(f"/{main}")
        ]
        if len(found) != 1:
            raise Damaged(
                "it is a zip file, but none of torch.save: there is "
                f"{'more than one' if found else 'no'} {' or '.join(mains)} in it"
            )
        self._folder, self.main = found[0]
        self._check_held(self._infos["".join(found[0])].file_size, _PICKLE, len(content))
        if _RECORD in self:
            self._check_record(bytes(self.read(_RECORD)))

    def _check_sizes(self, infos: list[zipfile.ZipInfo], size: int) -> None:
        """That no file claims the bytes of another, nor more than its own can hold."""
        if len(self._infos) != len(infos):
            raise Damaged("two files in it have one name")
        self._check_held(sum(info.file_size for info in infos), _TENSORS, size)
        end = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.header_offset < end:
                raise Damaged("the files in it overlap")
            end = info.header_offset + _HEADER + info.compress_size
        if end > self._zip.start_dir:
            raise Damaged("the files in it overlap its directory")

    @staticmethod
    def _check_held(held: int, expansion: int, size: int) -> None:
        if held > max(expansion * size, _SMALL):
            raise Damaged(f"it has {size} bytes, and claims to hold {held}")

    def _check_record(self, record: bytes) -> None:
        version, _, checksum = record.partition(b" ")
        if not re.fullmatch(rb"[1-9][0-9]{0,8}", version):
            raise Damaged(f"its {_RECORD}, {record!r:.40}, is no version with a checksum")
        if int(version) > _VERSION:
            raise newer(int(version), _VERSION)
        if checksum.decode("latin-1") != _checksum(self._folder, self._infos.values()) + "\n":
            raise Damaged(
                "the files in it do not match its checksum: one is missing, renamed or exchanged"
            )

    def __contains__(self, name: str) -> bool:
        return self._folder + name in self._infos

    def read(self, name: str) -> bytearray:
        """The content of a file."""
        info = self._infos.get(self._folder + name)
        if info is None:
            raise Damaged(f"there is no {name:.80} in it")
        self._unread.discard(info.filename)
        return self._content(info)

    def check_others(self) -> None:
        """Read the files that were not asked for: the name of one of these may be the damage."""
        for name in self._unread:
            self._content(self._infos[name])

    def _content(self, info: zipfile.ZipInfo) -> bytearray:
        name = f"{info.filename.removeprefix(self._folder):.80}"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Damaged(f"{name} in it is compressed in a way that PyTorch does not read")
        content = bytearray(info.file_size)
        with _reading(f"{name} in it is damaged"), self._zip.open(info) as file:
            if file.readinto(content) != len(content) or file.read(1):  # type: ignore[attr-defined]
                raise Damaged(f"{name} in it has another length than it claims")
        return content


@contextlib.contextmanager
def _reading(what: str) -> Iterator[None]:
    """Of a broken file zipfile and zlib raise all kinds of errors: here they are Damaged."""
    try:
        yield
    except (Damaged, MemoryError):
        raise
    except Exception as error:
        raise Damaged(f"{what} ({str(error) or type(error).__name__:.150})") from error

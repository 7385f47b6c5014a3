"""Files that are there whole, or not at all: when disks are faulty, killed at every moment."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_rnn import files
from tinygrad_rnn.files import move, remove_leftovers, write_atomically

resource = pytest.importorskip("resource", reason="faults are made as POSIX has them")

OLD, NEW = b"old" * 1000, b"new" * 5000
ROOT = Path(files.__file__).parents[1]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_writes_and_replaces(tmp_path):
    for path in (tmp_path / "file", str(tmp_path / "file")):
        for data in (OLD, b"", NEW):
            write_atomically(path, data)
            assert Path(path).read_bytes() == data
    assert names(tmp_path) == ["file"]


def test_names_without_a_folder_and_long_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("file", "long" * 63, "語" * 85):  # 255 bytes are the limit
        write_atomically(name, NEW)
        assert (tmp_path / name).read_bytes() == NEW


def test_others_may_read_it_as_any_file(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", NEW)
        assert os.umask(0o027) == 0o027  # it was not changed on the way, either
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


# ----- faults -----


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("old", [True, False])
def test_an_error_leaves_the_old_file_and_says_so(call, old, tmp_path, monkeypatch):
    path = tmp_path / "file"
    if old:
        path.write_bytes(OLD)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomically(path, NEW)
    monkeypatch.undo()
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    assert ("old content is left as it was" if old else "nothing was written") in str(caught.value)
    assert names(tmp_path) == ["file"] * old and (not old or path.read_bytes() == OLD)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_no_litter(error, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(OLD)

    def interrupt(_):
        raise error

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(error):
        write_atomically(tmp_path / "file", NEW)
    monkeypatch.undo()
    assert names(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == OLD


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing was written.*nowhere/file'"):
        write_atomically(tmp_path / "nowhere" / "file", NEW)


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "file", NEW)
    assert names(tmp_path) == ["file"]


def child(work):
    """The wait status of a forked process that does `work`, and the text that work returned."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, str(work()).encode())
        except BaseException as error:
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        text = file.read()
    return os.waitpid(pid, 0)[1], text


def message_of(path):
    try:
        write_atomically(path, NEW)
    except OSError as error:
        return f"{type(error).__name__} {error}"


def test_a_limit_of_the_size_of_files(tmp_path):
    (tmp_path / "file").write_bytes(OLD)

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(NEW) // 2,) * 2)
        return message_of(tmp_path / "file")

    status, text = child(work)
    assert status == 0 and "File too large" in text and "old content is left" in text
    assert names(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == OLD


def test_a_folder_that_cant_be_written_to(tmp_path_factory):
    folder = tmp_path_factory.mktemp("read-only")
    (folder / "file").write_bytes(OLD)
    folder.chmod(0o555)

    def work():
        os.chdir(folder)
        if os.geteuid() == 0:
            os.setuid(65534)  # nothing is forbidden to root
        return message_of("file")

    _, text = child(work)
    folder.chmod(0o755)
    assert text.startswith("PermissionError") and "old content is left" in text
    assert names(folder) == ["file"] and (folder / "file").read_bytes() == OLD


def test_a_full_disk(tmp_path):
    """A file system of 64 kB in a name space of its own."""
    script = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import os; from pathlib import Path; from tinygrad_rnn.files import write_atomically
os.chdir({str(tmp_path)!r})
write_atomically("file", b"old" * 1000)
try: write_atomically("file", bytes(1 << 20))
except OSError as error: print(error)
print(Path("file").read_bytes() == b"old" * 1000, os.listdir())
"""
    mounted = f"mount -t tmpfs -o size=64k small {tmp_path} && exec {sys.executable} -"
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", mounted], input=script, capture_output=True, text=True
    )
    if result.returncode:
        pytest.skip(f"can't mount a small file system here: {result.stderr.strip()}")
    message, state = result.stdout.splitlines()
    assert "No space left on device (its old content is left as it was): 'file'" in message
    assert state == "True ['file']"


# ----- killed at every moment -----


def killed_at(number, work):
    """A forked process that does `work` is killed before its call `number` that changes files.
    Whether there was such a call."""
    calls = 0

    def dying(function):
        def call(*args, **options):
            nonlocal calls
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            return function(*args, **options)

        return call

    def dangerous():
        files.open = dying(open)
        for name in ("fsync", "replace", "link", "unlink"):
            setattr(os, name, dying(getattr(os, name)))
        work()

    status, text = child(dangerous)
    assert text in ("", "None"), text
    return os.WIFSIGNALED(status)


def test_killed_while_it_writes(tmp_path):
    path, seen = tmp_path / "file", set()
    for number in range(20):
        path.write_bytes(OLD)
        if not killed_at(number, lambda: write_atomically(path, NEW)):
            break
        seen.add(path.read_bytes())
        remove_leftovers(path)
        assert names(tmp_path) == ["file"]
    assert number == 4 and seen == {OLD, NEW}  # open, fsync, replace, fsync of the folder


@pytest.mark.parametrize("links", [True, False])
def test_killed_while_files_move_up(links, tmp_path, monkeypatch):
    """There is always a newest file, and the one before it is whole."""
    if not links:

        def no_links(*_):
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
    coming, newest, previous = (tmp_path / name for name in ("coming", "newest", "previous"))
    seen = set()
    for number in range(20):
        for path, content in ((coming, b"3"), (newest, b"2"), (previous, b"1")):
            path.unlink(missing_ok=True)
            path.write_bytes(content)
        if not killed_at(number, lambda: move(coming, newest, old=previous)):
            break
        seen.add((newest.read_bytes(), previous.read_bytes()))
        # The next time, whatever is there, all is as it is to be
        remove_leftovers(previous)
        coming.write_bytes(b"4")
        was = newest.read_bytes()
        move(coming, newest, old=previous)
        assert (newest.read_bytes(), previous.read_bytes()) == (b"4", was)
        assert names(tmp_path) == ["newest", "previous"]
    assert number >= 4 and seen == {(b"2", b"1"), (b"2", b"2"), (b"3", b"2")}
    assert (newest.read_bytes(), previous.read_bytes()) == (b"3", b"2")


def test_the_first_file_has_none_before_it(tmp_path):
    (tmp_path / "coming").write_bytes(NEW)
    move(tmp_path / "coming", tmp_path / "newest", old=tmp_path / "previous")
    assert names(tmp_path) == ["newest"]


def test_leftovers_of_other_files_stay(tmp_path):
    others = [".file.x", ".file.12345", ".files.0123456789abcdef", "file.0123456789abcdef", "[a].x"]
    for name in [*others, ".file.0123456789abcdef", ".[a].0123456789abcdef"]:
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path / "file")
    remove_leftovers(tmp_path / "[a]")
    assert names(tmp_path) == sorted(others)

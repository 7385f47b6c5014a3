"""The list of what a file may name, and have called, besides data: classes of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Global = Callable[..., Any]
Listed = Global | tuple[Global, str]

_NEVER = {"nt", "os", "posix", "sys"}  # what these modules have is not called, listed or not
_listed: set[Listed] = set()


def add_safe_globals(safe_globals: list[Listed]) -> None:
    """Let `load` make objects of these classes, and call these functions, where files name them.

    Args:
        safe_globals: classes and functions, which files name ``module.qualname``; or pairs of one
            and the name that it has in the files.

    Whatever else a file names is refused. What is listed is called with what the file says: list
    only what does no harm with any arguments. Raises TypeError for what is no list of these.

    >>> from fractions import Fraction
    >>> torch.serialization.add_safe_globals([Fraction])
    >>> Fraction in torch.serialization.get_safe_globals()
    True
    >>> torch.serialization.clear_safe_globals()
    """
    _listed.update(_checked(safe_globals))


def get_safe_globals() -> list[Listed]:
    """What was listed by `add_safe_globals`, in no particular order.

    >>> torch.serialization.get_safe_globals()
    []
    """
    return list(_listed)


def clear_safe_globals() -> None:
    """Empty the list of `add_safe_globals`.

    >>> torch.serialization.clear_safe_globals()
    """
    _listed.clear()


class safe_globals:
    """A context in which `load` also makes objects of these classes: see `add_safe_globals`.

    >>> import io
    >>> from fractions import Fraction
    >>> torch.save({"half": Fraction(1, 2)}, file := io.BytesIO())
    >>> _ = file.seek(0)
    >>> with torch.serialization.safe_globals([Fraction]): torch.load(file)
    {'half': Fraction(1, 2)}
    """

    def __init__(self, safe_globals: list[Listed]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception: object) -> None:
        _listed.difference_update(self.safe_globals)


def named() -> dict[str, Global]:
    """What is listed, by the names that it has in files."""
    found = {}
    for entry in _listed:
        known, name = entry if isinstance(entry, tuple) else (entry, None)
        found[name or f"{known.__module__}.{known.__qualname__}"] = known
    return {name: known for name, known in found.items() if name.split(".")[0] not in _NEVER}


def _checked(entries: Iterable[Listed]) -> Iterable[Listed]:
    """The entries. Raises TypeError for what is no class, no function, and no pair with a name."""
    entries = list(entries)
    for entry in entries:
        pair = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], str)
        known = entry[0] if pair else entry  # type: ignore[index]
        if not callable(known) or not (pair or hasattr(known, "__qualname__")):
            raise TypeError(
                "add_safe_globals(): expected classes, functions, and pairs (class or function, "
                f"name), got {entry!r:.200}"
            )
    return entries

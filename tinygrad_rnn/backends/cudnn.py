"""PyTorch's switches of cuDNN. cuDNN is not used here, so they switch nothing: see
`use_deterministic_algorithms` for what does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

enabled: bool = True
deterministic: bool = False
benchmark: bool = False
benchmark_limit: int | None = None
allow_tf32: bool = True


def is_available() -> bool:
    """False: cuDNN is not used.

    >>> torch.backends.cudnn.is_available()
    False
    """
    return False


def version() -> int | None:
    """None: cuDNN is not used.

    >>> torch.backends.cudnn.version()
    """
    return None


@contextlib.contextmanager
def flags(
    enabled: bool = False, benchmark: bool = False, benchmark_limit: int = 10,
    deterministic: bool = False, allow_tf32: bool = True,
) -> Iterator[None]:  # fmt: skip
    """The switches set inside a block.

    >>> with torch.backends.cudnn.flags(deterministic=True): torch.backends.cudnn.deterministic
    True
    """
    given = dict(locals())
    own = globals()
    before = {name: own[name] for name in given}
    own.update(given)
    try:
        yield
    finally:
        own.update(before)

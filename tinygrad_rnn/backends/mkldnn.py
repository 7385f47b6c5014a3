"""PyTorch's switches of oneDNN. It is not used here, so they switch nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

enabled: bool = True
deterministic: bool = False
allow_tf32: bool = True


def is_available() -> bool:
    """False: oneDNN is not used.

    >>> torch.backends.mkldnn.is_available()
    False
    """
    return False


@contextlib.contextmanager
def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True
) -> Iterator[None]:
    """The switches set inside a block.

    >>> with torch.backends.mkldnn.flags(enabled=False): torch.backends.mkldnn.enabled
    False
    """
    given = dict(locals())
    own = globals()
    before = {name: own[name] for name in given}
    own.update(given)
    try:
        yield
    finally:
        own.update(before)

"""PyTorch's switch of faster attention layers in evaluation: there is one way here."""

from __future__ import annotations

_fastpath = True


def get_fastpath_enabled() -> bool:
    """What `set_fastpath_enabled` set; it has no effect.

    >>> torch.backends.mha.get_fastpath_enabled()
    True
    """
    return _fastpath


def set_fastpath_enabled(value: bool) -> None:
    """Keep the switch, which has no effect.

    >>> torch.backends.mha.set_fastpath_enabled(True)
    """
    global _fastpath
    _fastpath = value

"""Whether operations may give other results, to rounding, when they run again."""

from __future__ import annotations

from ..warning import warn

_HELP = (
    "{} does not have a deterministic implementation on GPUs, which add up numbers at one place in "
    "any order, but you set 'torch.use_deterministic_algorithms(True)'. Turn it off for this "
    "operation, or compute it on the CPU."
)


class _Setting:
    level = 0  # 0: they may, 1: warn when one does, 2: raise


setting = _Setting()


def alert(operation: str) -> None:
    """To be called by what may give other results: raises RuntimeError or warns if it must not."""
    if setting.level == 2:
        raise RuntimeError(_HELP.format(operation))
    if setting.level == 1:
        warn(_HELP.format(operation))

"""Random numbers that are drawn elsewhere: by Python's own generator and NumPy's global one."""

from __future__ import annotations

import sys
from typing import Any


def drawn() -> Any:
    """Something that is another thing once either of them was drawn from."""
    python, numpy = sys.modules.get("random"), sys.modules.get("numpy.random")
    found = None if python is None else python.getstate()  # nobody draws from what is not loaded
    if numpy is None:
        return found, None
    _, key, position, *_ = numpy.get_state()
    return found, (key.tobytes(), position)

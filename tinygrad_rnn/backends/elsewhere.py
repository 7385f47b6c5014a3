"""Random numbers that are drawn elsewhere: by Python's own generator and NumPy's global one."""

from __future__ import annotations

import random
import sys
from typing import Any


def drawn() -> Any:
    """Something that is another thing once either of them was drawn from."""
    numpy_random = sys.modules.get("numpy.random")  # nobody draws from what is not loaded
    if numpy_random is None:
        return random.getstate(), None
    _, key, position, *_ = numpy_random.get_state()
    return random.getstate(), (key.tobytes(), position)

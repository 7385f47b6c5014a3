"""All cases, by name."""

from __future__ import annotations

from . import layers, programs, small

CASES = {case.name: case for case in (*small.CASES, *programs.CASES, *layers.CASES)}
GROWTH = {case.name: case for case in layers.GROWTH}

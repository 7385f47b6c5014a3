"""A step length that meets the strong Wolfe conditions (Nocedal and Wright, 2006, section 3.5)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ..tensor import Tensor

DECREASE = 1e-4  # of the decrease that the slope at 0 promises, this part must be there
CURVATURE = 0.9  # and the slope must have come down to this part


class Point(NamedTuple):
    """What is known at a distance t along the direction."""

    t: float
    loss: float
    slope: float  # d loss / d t
    gradient: Tensor


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    longest: float,
    tolerance_change: float,
    max_steps: int,
) -> tuple[Point, int]:
    """A point whose loss is low and whose slope is flat enough, and the number of evaluations.

    Args:
        start: the point at 0, with a negative slope.
        t: the first distance to try.
        longest: the largest element of the direction.
        tolerance_change: the search ends when no parameter could change by more than that.
        max_steps: the search ends after so many further evaluations, at the best point found.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + DECREASE * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -CURVATURE * start.slope

    # Go on, further each time, until a point that is wanted is behind us
    before, new, steps = start, evaluate(t), 0
    while steps < max_steps:
        if too_high(new) or (steps > 1 and new.loss >= before.loss):
            break
        if flat(new):
            return new, steps + 1
        if new.slope >= 0:
            break
        nearest, farthest = new.t + 0.01 * (new.t - before.t), new.t * 10
        t = _minimum(before, new, nearest, farthest)
        before, new = new, evaluate(t)
        steps += 1
    else:
        before = start

    # Narrow the bracket around it
    bracket = [before, new]
    low = 0 if before.loss <= new.loss else 1
    stuck = False
    while steps < max_steps:
        left, right = sorted(point.t for point in bracket)
        if (right - left) * longest < tolerance_change:
            break
        t, margin = _minimum(bracket[0], bracket[1], left, right), 0.1 * (right - left)
        if min(right - t, t - left) >= margin:
            stuck = False
        elif not stuck and left < t < right:
            stuck = True  # near an end of the bracket: once is allowed
        else:
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stuck = False
        trial = evaluate(t)
        steps += 1
        high = 1 - low
        if too_high(trial) or trial.loss >= bracket[low].loss:
            bracket[high] = trial
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
        else:
            if not flat(trial) and trial.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = trial
            if flat(trial):
                break
    return bracket[low], steps + 1


def _minimum(a: Point, b: Point, left: float, right: float) -> float:
    """Where the cubic through both points with their slopes is lowest, within [left, right]; the
    middle if it has no minimum (Nocedal and Wright, equation 3.59)."""
    if a.t > b.t:
        a, b = b, a
    middle = (left + right) / 2
    if a.t == b.t:
        return middle
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return middle
    d2 = math.sqrt(square)
    width = b.slope - a.slope + 2 * d2
    if width == 0:
        return middle
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / width)
    return min(max(t, left), right)

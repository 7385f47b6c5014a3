"""Boxes in boxes, and arrows between them, as an SVG picture: from the top down, in layers."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Arrow = tuple["Box", "Box", bool]

_LETTER, _LINE = 7.2, 16.0  # the size of text, in pixels
_GAP, _BETWEEN, _MARGIN = 18.0, 36.0, 12.0  # beside boxes, between layers, around all
_STYLE = (
    "rect{fill:#fff;stroke:#555;rx:5}.leaf{fill:#dceefb}.loop{fill:#f6f3ea;stroke:#b9a878}"
    ".root{stroke-width:2.5}text{font:12px monospace;text-anchor:middle;fill:#222}"
    "path{fill:none;stroke:#777}.back{stroke-dasharray:4 3;stroke:#b07a2a}"
)


@dataclass(eq=False)
class Box:
    """A box with lines of text, or one around other boxes.

    Attributes:
        lines: the text, centred; above the boxes inside if there are any.
        leaf, root: how it looks.
        inside: boxes, each behind all those that arrows come from.
        x, y: the centre of the upper edge, set by `draw`.
    """

    lines: list[str]
    leaf: bool = False
    root: bool = False
    inside: list[Box] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0

    def move(self, x: float, y: float) -> None:
        """Move it with all that is inside."""
        self.x, self.y = self.x + x, self.y + y
        for box in self.inside:
            box.move(x, y)


def draw(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The picture. Arrows are (from, to, whether it goes back: these are dashed)."""
    width, height = _arrange(boxes, arrows)
    every = list(_all(boxes))
    loops = [_rectangle(box) for box in every if box.inside]
    others = [_rectangle(box) for box in every if not box.inside]
    texts = [text for box in every for text in _texts(box)]
    shapes = [*loops, *map(_path, arrows), *others, *texts]  # arrows go behind boxes
    size = f"{width + 2 * _MARGIN:.0f} {height + 2 * _MARGIN:.0f}".split()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
            f'viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {size[0]} {size[1]}">',
            f"<style>{_STYLE}</style>",
            '<marker id="head" orient="auto" refX="7" refY="4" markerWidth="8" markerHeight="8">'
            '<path d="M1,1 L7,4 L1,7" /></marker>',
            *shapes,
            "</svg>",
        ]
    )


# ----- where boxes are -----


def _arrange(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> tuple[float, float]:
    """Give every box its place, the first ones at (0, 0). Returns width and height of all."""
    for box in boxes:
        header = _LINE * len(box.lines) + 8
        box.width = max(_LETTER * len(line) for line in box.lines) + 14
        box.height = header
        if box.inside:
            width, height = _arrange(box.inside, arrows)
            box.width = max(box.width, width + 2 * _GAP)
            box.height = header + height + _GAP
            for inner in box.inside:
                inner.move((box.width - width) / 2 - box.width / 2, header)
    above = _sources(boxes, arrows)
    layers = _layers(boxes, above)
    below: dict[Box, list[Box]] = {box: [] for box in boxes}
    for box, sources in above.items():
        for source in sources:
            below[source].append(box)
    for _ in range(3):
        for layer in layers:
            _spread(layer, above)
        for layer in reversed(layers):
            _spread(layer, below)
    y = 0.0
    for layer in layers:
        for box in layer:
            box.move(0, y)
        y += max(box.height for box in layer) + _BETWEEN
    left = min((box.x - box.width / 2 for box in boxes), default=0.0)
    right = max((box.x + box.width / 2 for box in boxes), default=0.0)
    for box in boxes:
        box.move(-left, 0)
    return right - left, max(y - _BETWEEN, 0.0)


def _sources(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> dict[Box, list[Box]]:
    """For each box those that arrows come from, to it or into it."""
    outer = {part: box for box in boxes for part in _all([box])}
    above: dict[Box, list[Box]] = {box: [] for box in boxes}
    for source, target, back in arrows:
        a, b = outer.get(source), outer.get(target)
        if a is not None and b is not None and a is not b and not back:
            above[b].append(a)
    return above


def _layers(boxes: Sequence[Box], above: Mapping[Box, Sequence[Box]]) -> list[list[Box]]:
    """Each box below all it depends on; leaves right above what uses them first."""
    depth: dict[Box, int] = {}
    for box in boxes:
        depth[box] = 1 + max((depth[source] for source in above[box]), default=0)
    for box in boxes:
        if box.leaf:
            uses = [depth[other] for other in boxes if box in above[other]]
            depth[box] = min(uses, default=1) - 1
    layers: list[list[Box]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for box in boxes:
        layers[depth[box]].append(box)
    return [layer for layer in layers if layer]


def _spread(layer: list[Box], neighbours: Mapping[Box, Sequence[Box]]) -> None:
    """Put the boxes of a layer near the middle of their neighbours, side by side."""
    wanted = {}
    for box in layer:
        places = [other.x for other in neighbours[box]]
        wanted[box] = sum(places) / len(places) if places else box.x
    layer.sort(key=wanted.__getitem__)
    right, shift = float("-inf"), 0.0
    for box in layer:
        x = max(wanted[box], right + _GAP + box.width / 2)
        shift += (wanted[box] - x) / len(layer)
        box.move(x - box.x, 0)
        right = x + box.width / 2
    for box in layer:
        box.move(shift, 0)


# ----- how they look -----


def _all(boxes: Sequence[Box]) -> Iterator[Box]:
    for box in boxes:
        yield box
        yield from _all(box.inside)


def _rectangle(box: Box) -> str:
    kinds = {"leaf": box.leaf, "root": box.root, "loop": bool(box.inside)}
    names = " ".join(name for name, holds in kinds.items() if holds)
    return (
        f'<rect class="{names}" x="{box.x - box.width / 2:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" />'
    )


def _texts(box: Box) -> Iterator[str]:
    x = box.x
    if box.inside:  # in the corner
        x += max(len(line) for line in box.lines) * _LETTER / 2 + 7 - box.width / 2
    for i, line in enumerate(box.lines):
        yield f'<text x="{x:.1f}" y="{box.y + _LINE * (i + 1):.1f}">{html.escape(line)}</text>'


def _path(arrow: Arrow) -> str:
    source, target, back = arrow
    x0, y0, x1, y1 = source.x, source.y + source.height, target.x, target.y
    if back:  # out of one side, and into the same side above
        x0, x1 = source.x + source.width / 2, target.x + target.width / 2
        y0, y1 = source.y + source.height / 2, target.y + target.height / 2
        out = max(x0, x1) + _GAP + min(abs(y1 - y0) / 8, 40.0)
        y0 += 5 * (source is target)
        y1 -= 5 * (source is target)
        curve = f"M{x0:.1f},{y0:.1f} C{out:.1f},{y0:.1f} {out:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
    else:
        half = (y0 + y1) / 2
        curve = f"M{x0:.1f},{y0:.1f} C{x0:.1f},{half:.1f} {x1:.1f},{half:.1f} {x1:.1f},{y1:.1f}"
    return f'<path class="{"back" if back else ""}" d="{curve}" marker-end="url(#head)" />'

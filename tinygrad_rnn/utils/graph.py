"""`draw_graph`: what autograd recorded, as DOT text and as an SVG picture.

What a loop did many times, a recurrent layer for example, is drawn once, in a box.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..autograd import Leaf, Node, current_edge
from ..autograd.hints import told
from ..files import write_atomically
from ..nn.module import Module
from ..tensor import Tensor
from . import svg
from .svg import Box

Named = Module | Mapping[str, Tensor] | Iterable[tuple[str, Tensor]]

_TIMES = 3  # how often something must be repeated to be drawn as a loop


class Drawing:
    """A drawn graph; notebooks show it.

    Attributes:
        dot: the graph in the language of Graphviz.
        svg: the picture.

    >>> torch.utils.draw_graph(torch.ones(2, requires_grad=True).sum()).dot[:9]
    'digraph {'
    """

    def __init__(self, dot: str, svg: str) -> None:
        self.dot, self.svg = dot, svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a ``.svg``, ``.dot`` or ``.gv`` file. Raises ValueError for other names."""
        suffix = os.path.splitext(path)[1]
        if suffix not in (".svg", ".dot", ".gv"):
            raise ValueError(f"path: expected a name that ends in .svg, .dot or .gv, got {path!s}")
        write_atomically(path, (self.svg if suffix == ".svg" else self.dot).encode())


@told
def draw_graph(
    loss: Tensor | Sequence[Tensor],
    params: Named | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    fold: bool = True,
) -> Drawing:
    """Draw the graph that leads to one tensor, or to several. Graphviz is not needed.

    Operations have their name and the shape of what they made, leaves a name and their shape.
    What is repeated, at least three times, with the same operations, shapes and parameters, on
    results of the time before or on something of its own from outside, is drawn once, in a box
    with the number of times; dashed arrows come from the time before.

    Args:
        loss: tensors that have a graph (of any shape), before or after backward.
        params: names for leaves: a module, or what its `named_parameters` gives, or a dict.
        path: where to save the picture (.svg) or the text (.dot, .gv).
        fold: whether loops are drawn once, or every step of them.

    Raises ValueError for a tensor without a graph.

    >>> x = torch.ones(3, requires_grad=True)
    >>> print(torch.utils.draw_graph((x * 2).sum(), {"x": x}).dot)
    digraph {
      node [shape=box, style=rounded]
      n0 [label="x\\n(3)", style=filled]
      n1 [label="Mul\\n(3)"]
      n2 [label="Sum\\n()", penwidth=2]
      n0 -> n1
      n1 -> n2
    }
    """
    tensors = [loss] if isinstance(loss, Tensor) else list(loss)
    roots = []
    for tensor in tensors:
        edge = current_edge(tensor)
        if edge is None:
            raise ValueError(
                "draw_graph(): the tensor has no graph: it does not depend on anything that "
                "requires a gradient"
            )
        roots.append(edge[0])
    graph = _Graph(roots, _names(params), fold)
    drawing = Drawing(graph.dot(), svg.draw(graph.boxes, graph.arrows))
    if path is not None:
        drawing.save(path)
    return drawing


def _names(params: Named | None) -> dict[Node, str]:
    """The names of leaves."""
    if params is None:
        return {}
    if isinstance(params, Module):
        pairs: Any = params.named_parameters()
    else:
        pairs = list(params.items() if isinstance(params, Mapping) else params)
        if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
            raise TypeError("params: expected a module, a dict, or pairs of a name and a tensor")
    edges = [(name, current_edge(tensor)) for name, tensor in pairs]
    return {edge[0]: name for name, edge in edges if edge is not None}


class _Graph:
    """The boxes and arrows of a picture.

    Attributes:
        boxes: those that are in no other box, each behind all that it depends on.
        arrows: (from, to, whether it comes from the time before).
    """

    def __init__(self, roots: Sequence[Node], names: Mapping[Node, str], fold: bool) -> None:
        self._roots, self._names = set(roots), names
        reached = sorted(_reached(roots), key=lambda node: node._sequence)
        leaves = [node for node in reached if isinstance(node, Leaf)]
        nodes = [node for node in reached if not isinstance(node, Leaf)]
        self._number = {node: i for i, node in enumerate(nodes)}
        self._kinds = [(node._name(), *map(tuple, node._shapes)) for node in nodes]
        self._box: dict[Node, Box] = {}
        self._turn: dict[Node, dict[int, int]] = {}  # by loop, in which of its times a node was
        self._loops = 0
        self.boxes = [self._single(leaf) for leaf in leaves]
        self.boxes += self._arranged(nodes, fold)
        arrows = (
            (self._box[edge[0]], self._box[node], self._returns(edge[0], node))
            for node in nodes
            for edge in node._edges
            if edge is not None
        )
        self.arrows = list(dict.fromkeys(arrows))

    def _returns(self, source: Node, target: Node) -> bool:
        turns = self._turn[target]
        return any(turns.get(loop, turn) != turn for loop, turn in self._turn[source].items())

    # ----- boxes -----

    def _single(self, node: Node) -> Box:
        name = node._name().rpartition("::")[2].rstrip("0123456789").removesuffix("Backward")
        if isinstance(node, Leaf):
            name = self._names.get(node, "tensor")
        shapes = ", ".join(f"({', '.join(map(str, shape))})" for shape in node._shapes[:3])
        lines = [name, shapes + ", ..." * (len(node._shapes) > 3)]
        self._box[node] = Box(lines, leaf=isinstance(node, Leaf), root=node in self._roots)
        self._turn[node] = {}
        return self._box[node]

    def _arranged(self, nodes: Sequence[Node], fold: bool) -> list[Box]:
        """The boxes of nodes that were recorded one behind the other."""
        boxes, at = [], 0
        while at < len(nodes):
            period, times = self._loop(nodes[at:]) if fold else (0, 0)
            if not times:
                boxes.append(self._single(nodes[at]))
                at += 1
                continue
            number = self._loops = self._loops + 1
            body = nodes[at + period : at + 2 * period]  # what has edges to the time before
            inside = self._arranged(body, fold)
            for i, node in enumerate(nodes[at : at + period * times]):
                twin = body[i % period]
                self._box[node] = self._box[twin]
                self._turn[node] = {**self._turn[twin], number: i // period}
                self._box[node].root |= node in self._roots
            boxes.append(Box([f"× {times}"], inside=inside))
            at += period * times
        return boxes

    def _loop(self, nodes: Sequence[Node]) -> tuple[int, int]:
        """How many nodes are repeated, and how often, in the loop over most nodes that begins with
        the first; (0, 0) if there is none."""
        kinds = [self._kinds[self._number[node]] for node in nodes]
        best, covered = (0, 0), 0
        for period in range(1, len(nodes) // _TIMES + 1):
            multiple = period < covered and period % best[0] == 0  # the same loop, taken together
            if kinds[period] != kinds[0] or multiple:
                continue
            count = 0
            while count + period < len(nodes) and self._alike(nodes, count, period):
                count += 1
            times = count // period + 1
            if times >= _TIMES and times * period > covered:
                best, covered = (period, times), times * period
        return best

    def _alike(self, nodes: Sequence[Node], at: int, period: int) -> bool:
        """Whether a node of a loop and its twin, one time later, do the same: with what is outside
        of the loop, or with nodes that are twins, too."""
        numbers, kinds, node, twin = self._number, self._kinds, nodes[at], nodes[at + period]
        first = numbers[nodes[0]]
        if kinds[numbers[node]] != kinds[numbers[twin]]:
            return False
        for edges in zip(node._edges, twin._edges, strict=True):
            one, other = (edge[0] if edge else None for edge in edges)
            a, b = (numbers.get(n, -1) if n else -1 for n in (one, other))  # -1: a leaf, or nothing
            same = one is other and a < first
            each = 0 <= a < first and 0 <= b < first and kinds[a] == kinds[b]  # of its own outside
            begins = a < first <= b and at < period  # with what is there before the loop
            if not (same or each or begins or (a >= first and b - a == period)):
                return False
        return True

    # ----- as text -----

    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        numbers: dict[int, int] = {}
        lines = ["digraph {", "  node [shape=box, style=rounded]"]
        lines += _statements(self.boxes, numbers, "  ")
        for source, target, returns in self.arrows:
            style = " [style=dashed, constraint=false]" if returns else ""
            lines.append(f"  n{numbers[id(source)]} -> n{numbers[id(target)]}{style}")
        return "\n".join([*lines, "}"])


def _statements(boxes: Sequence[Box], numbers: dict[int, int], indent: str) -> Iterator[str]:
    for box in boxes:
        number = numbers[id(box)] = len(numbers)
        label = "\\n".join(box.lines).replace('"', '\\"')
        if box.inside:
            yield f"{indent}subgraph cluster_{number} {{"
            yield f'{indent}  label="{label}"'
            yield from _statements(box.inside, numbers, f"{indent}  ")
            yield f"{indent}}}"
        else:
            style = ", style=filled" * box.leaf + ", penwidth=2" * box.root
            yield f'{indent}n{number} [label="{label}"{style}]'


def _reached(roots: Iterable[Node]) -> set[Node]:
    stack = list(roots)
    seen = set(stack)
    while stack:
        for edge in stack.pop()._edges:
            if edge is not None and edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])
    return seen

"""Drawn graphs: what is in them, that loops are drawn once, and that boxes do not overlap."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import tinygrad_rnn as torch
from tinygrad_rnn import nn
from tinygrad_rnn.utils import draw_graph
from tinygrad_rnn.utils.svg import Box, draw

pytestmark = pytest.mark.usefixtures("default_device")


def labels(drawing: Any) -> list[str]:
    return re.findall(r'n\d+ \[label="(.*?)"', drawing.dot)


def times(drawing: Any) -> list[int]:
    return [int(n) for n in re.findall(r'label="× (\d+)"', drawing.dot)]


def leaf(*shape: int) -> torch.Tensor:
    return torch.rand(*shape).requires_grad_()


def test_operations_leaves_and_shapes():
    x, y = leaf(2, 3), leaf(3, 4)
    drawing = draw_graph((x @ y + 1).exp(), {"x": x})
    assert sorted(labels(drawing)) == [
        "Add\\n(2, 4)", "Exp\\n(2, 4)", "Mm\\n(2, 4)", "tensor\\n(3, 4)", "x\\n(2, 3)",
    ]  # fmt: skip
    assert drawing.dot.count(" -> ") == 4 and drawing.dot.count("penwidth=2") == 1
    picture = ElementTree.fromstring(drawing.svg)
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(texts) == [
        *["(2, 3)"],
        *["(2, 4)"] * 3,
        "(3, 4)",
        *["Add", "Exp", "Mm", "tensor", "x"],
    ]
    assert drawing._repr_svg_() == drawing.svg


def test_names_of_leaves():
    layer = nn.Linear(2, 1)
    loss = layer(torch.ones(1, 2)).sum()
    for params in (layer, dict(layer.named_parameters()), layer.named_parameters()):
        assert {"weight\\n(1, 2)", "bias\\n(1)"} <= set(labels(draw_graph(loss, params)))
    drawing = draw_graph(layer.bias.sum(), {'<"&': layer.bias})
    assert '<\\"&\\n(1)' in drawing.dot and "&lt;&quot;&amp;" in drawing.svg
    ElementTree.fromstring(drawing.svg)


def test_several_results_and_a_leaf_alone():
    x = leaf(2)
    parts = x.split(1)
    drawing = draw_graph([parts[0] * 2, parts[1].exp()])
    assert "Split\\n(1), (1)" in labels(drawing) and drawing.dot.count("penwidth=2") == 2
    assert labels(draw_graph(x)) == ["tensor\\n(2)"]
    with pytest.raises(ValueError, match="the tensor has no graph"):
        draw_graph(torch.ones(1))


def test_after_backward():
    loss = (leaf(2) ** 2).sum()
    before = draw_graph(loss)
    loss.backward()
    after = draw_graph(loss)
    assert (before.dot, before.svg) == (after.dot, after.svg)


# ----- loops -----


def unrolled(steps: int, cell: Any, head: Any) -> torch.Tensor:
    h, losses = torch.zeros(2, 4), []
    for t in range(steps):
        h = torch.tanh(cell(torch.full((2, 3), float(t))) + h @ h.t() @ h)
        losses.append(head(h).sum())
    return torch.stack(losses).mean()


def test_a_loop_is_drawn_once():
    cell, head = nn.Linear(3, 4), nn.Linear(4, 1)
    short, long = (draw_graph(unrolled(steps, cell, head)) for steps in (7, 40))
    assert times(short) == [6] and times(long) == [39]  # the first has nothing to multiply with
    short_text, long_text = (re.sub(r"× \d+|Stack.n\(\d+\)", "", d.dot) for d in (short, long))
    assert short_text == long_text
    assert "style=dashed" in short.dot and short.svg.count('class="back"') >= 1
    whole = draw_graph(unrolled(7, cell, head), fold=False)
    assert not times(whole) and len(labels(whole)) > 3 * len(labels(short)) / 2


def test_a_recurrent_layer_is_drawn_once():
    cell = nn.GRUCell(3, 4)
    sizes = []
    for steps in (6, 30):
        layer = nn.Recurrent(nn.GRUCell, 3, 4, num_layers=2, bidirectional=True)
        lstm = nn.LSTM(8, 4, bidirectional=True)
        output, _ = lstm(layer(torch.rand(steps, 2, 3))[0])
        sizes.append(len(labels(draw_graph(output.sum(), layer))))
        outputs, _ = nn.scan(cell, torch.rand(steps, 2, 3), torch.zeros(2, 4))
        sizes[-1] += len(labels(draw_graph(outputs.sum(), cell)))
    assert sizes[0] == sizes[1] < 300


def test_loops_in_loops():
    x = y = leaf(2)
    for _ in range(5):
        for _ in range(4):
            y = y * 2
        y = y.exp() + y
    drawing = draw_graph(y)
    assert times(drawing) == [5, 4] and len(labels(drawing)) == 4
    inner = drawing.dot.index("× 4")
    assert drawing.dot.index("× 5") < inner < drawing.dot.index("}", inner)
    assert sorted(labels(drawing)) == ["Add\\n(2)", "Exp\\n(2)", "Mul\\n(2)", "tensor\\n(2)"]
    assert x.grad is None


def test_what_a_loop_begins_with_and_reads():
    h, w = leaf(2), leaf(2)
    inputs = [w * float(t) for t in range(6)]
    state = h.exp()
    for x in inputs:
        state = (state + x).tanh()
    drawing = draw_graph(state, {"w": w, "h": h})
    assert times(drawing) == [6, 6]
    state = h
    for x in inputs:
        state = (state + x).tanh()  # begins with a leaf
    assert times(draw_graph(state)) == [6, 6]


def test_what_is_no_loop():
    results = [leaf(2).sin()]
    for source in (0, 0, 1, 2):  # one operation, but on other results each time
        results.append(results[source].sin())
    assert not times(draw_graph(results))
    layers = nn.Sequential(*(nn.Linear(3, 3) for _ in range(5)))
    assert not times(draw_graph(layers(torch.ones(1, 3)).sum()))  # weights of their own
    x = leaf(2)
    assert not times(draw_graph((x * 2) * 2))  # only twice
    assert not times(draw_graph(sum([x.exp(), x.sin(), x.cos()], x)))
    tied = nn.Linear(3, 3)
    drawing = draw_graph(nn.Sequential(tied, tied, tied, tied)(torch.ones(1, 3)).sum())
    assert times(drawing) in ([3], [4])


def test_each_arrow_of_the_whole_graph_is_there():
    """A drawing with loops is the whole one with nodes merged: they have the same arrows."""
    loss = unrolled(9, nn.Linear(3, 4), nn.Linear(4, 1))

    def arrows(drawing: Any) -> set[tuple[str, str]]:
        names = dict(re.findall(r'(n\d+) \[label="(.*?)"', drawing.dot))
        return {(names[a], names[b]) for a, b in re.findall(r"(n\d+) -> (n\d+)", drawing.dot)}

    assert arrows(draw_graph(loss)) == arrows(draw_graph(loss, fold=False))


def test_a_long_chain():
    x = leaf(1)
    y = x
    for _ in range(20_000):
        y = y * 1.5
    assert times(draw_graph(y)) == [20_000]


# ----- pictures -----


def overlapping(boxes: Sequence[Box]) -> bool:
    return any(
        abs(a.x - b.x) < (a.width + b.width) / 2 and a.y < b.y + b.height and b.y < a.y + a.height
        for a, b in itertools.combinations(boxes, 2)
    ) or any(overlapping(box.inside) for box in boxes if box.inside)


def test_boxes_lie_apart_and_below_what_they_depend_on():
    inner = [Box(["a", "b"]), Box(["long text in it"]), Box(["c"])]
    loop = Box(["× 3"], inside=inner)
    leaves = [Box([f"leaf {i}"], leaf=True) for i in range(4)]
    last = Box(["last"], root=True)
    boxes = [*leaves, loop, last]
    arrows = [
        (leaves[0], inner[0], False), (leaves[1], inner[1], False), (inner[0], inner[2], False),
        (inner[1], inner[2], False), (inner[2], inner[0], True), (inner[2], last, False),
        (leaves[2], last, False),
    ]  # fmt: skip
    ElementTree.fromstring(draw(boxes, arrows))
    assert not overlapping(boxes)
    assert all(a.y + a.height < b.y for a, b, back in arrows if not back)
    for box in inner:
        assert loop.y < box.y and box.y + box.height < loop.y + loop.height
        assert abs(box.x - loop.x) + box.width / 2 < loop.width / 2


def test_saving(tmp_path: Path):
    loss = leaf(2).sum()
    drawing = draw_graph(loss, path=tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text() == drawing.svg
    drawing.save(str(tmp_path / "graph.gv"))
    assert (tmp_path / "graph.gv").read_text() == drawing.dot
    with pytest.raises(ValueError, match=r"ends in .svg, .dot or .gv, got graph.png"):
        drawing.save("graph.png")

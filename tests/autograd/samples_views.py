"""Windows that look into memory where they overlap."""

from __future__ import annotations

from .sample import S

VIEWS = [
    S("unfold-few-windows", lambda x: x.unfold(1, 3, 2) ** 2, (2, 5)),
    S("unfold-many-windows", lambda x: x.unfold(0, 2, 1) ** 2, (4, 2)),
    S("unfold-windows-apart", lambda x: x.unfold(0, 2, 3) ** 2, (8, 2)),
    S("unfold-between", lambda x: x.unfold(1, 3, 1) ** 2, (2, 4, 3)),
    S("unfold-of-a-view", lambda x: x.t().unfold(0, 2, 1).unfold(1, 1, 1) ** 2, (2, 3)),
    S("unfold-0d", lambda x: x.unfold(0, 1, 1) ** 2, ()),
]

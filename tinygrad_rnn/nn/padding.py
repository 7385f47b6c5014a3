"""Padding layers: inputs made larger at their edges, see `functional.pad`.

`padding` is an int, or two for each dimension: in front and behind of the last one, then of the
one before, ...; the output's sizes are larger by as much.
"""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .conv import Ints, as_tuple
from .module import Module


class _Pad(Module):
    _ndim: int
    _mode: str

    def __init__(self, padding: Ints) -> None:
        super().__init__()
        self.padding = as_tuple(padding, 2 * self._ndim)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


# ----- with a constant -----


class _ConstantPad(_Pad):
    def __init__(self, padding: Ints, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad1d(_ConstantPad):
    """`value` at the edges of the last dimension, (..., L) to (..., left + L + right); an int, or
    (left, right).

    >>> nn.ConstantPad1d((1, 2), 7.0)(torch.ones(1, 1))
    tensor([[7., 1., 7., 7.]])
    """

    _ndim = 1


class ConstantPad2d(_ConstantPad):
    """`value` at the edges of the last two dimensions, (..., H, W) to (..., top + H + bottom,
    left + W + right); an int, or (left, right, top, bottom).

    >>> nn.ConstantPad2d(1, 7.0)(torch.ones(1, 2, 3)).shape
    torch.Size([1, 4, 5])
    """

    _ndim = 2


class ConstantPad3d(_ConstantPad):
    """`value` at the edges of the last three dimensions, (..., D, H, W); an int, or six.

    >>> nn.ConstantPad3d(1, 7.0)(torch.ones(1, 2, 3, 4)).shape
    torch.Size([1, 4, 5, 6])
    """

    _ndim = 3


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Zeros at the edges of the last dimension, (..., L) to (..., left + L + right); an int, or
    (left, right).

    >>> nn.ZeroPad1d(1)(torch.ones(1, 1))
    tensor([[0., 1., 0.]])
    """


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Zeros at the edges of the last two dimensions, (..., H, W) to (..., top + H + bottom,
    left + W + right); an int, or (left, right, top, bottom).

    >>> nn.ZeroPad2d((0, 1, 0, 0))(torch.ones(1, 2, 1))
    tensor([[[1., 0.],
             [1., 0.]]])
    """


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Zeros at the edges of the last three dimensions, (..., D, H, W); an int, or six.

    >>> nn.ZeroPad3d(1)(torch.ones(1, 2, 3, 4)).shape
    torch.Size([1, 4, 5, 6])
    """


# ----- with elements of the input -----


class ReflectionPad1d(_Pad):
    """The last dimension of (..., L) mirrored about its first and last element; an int, or (left,
    right).

    >>> nn.ReflectionPad1d(2)(torch.arange(4.0)[None])
    tensor([[2., 1., 0., 1., 2., 3., 2., 1.]])
    """

    _ndim, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The last two dimensions of (..., H, W) mirrored about their first and last elements; an int,
    or (left, right, top, bottom).

    >>> nn.ReflectionPad2d((1, 0, 0, 0))(torch.tensor([[[1.0, 2.0]]]))
    tensor([[[2., 1., 2.]]])
    """

    _ndim, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """The last three dimensions of (..., D, H, W) mirrored about their first and last elements; an
    int, or six.

    >>> nn.ReflectionPad3d(1)(torch.ones(1, 2, 3, 4)).shape
    torch.Size([1, 4, 5, 6])
    """

    _ndim, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The first and last element of the last dimension of (..., L) repeated; an int, or (left,
    right).

    >>> nn.ReplicationPad1d((1, 2))(torch.tensor([[1.0, 2.0]]))
    tensor([[1., 1., 2., 2., 2.]])
    """

    _ndim, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The first and last elements of the last two dimensions of (..., H, W) repeated; an int, or
    (left, right, top, bottom).

    >>> nn.ReplicationPad2d((0, 1, 1, 0))(torch.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 2., 2.],
             [1., 2., 2.]]])
    """

    _ndim, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The first and last elements of the last three dimensions of (..., D, H, W) repeated; an int,
    or six.

    >>> nn.ReplicationPad3d(1)(torch.ones(1, 2, 3, 4)).shape
    torch.Size([1, 4, 5, 6])
    """

    _ndim, _mode = 3, "replicate"


class _CircularPad(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        least = self._ndim + 1
        if input.dim() not in (least, least + 1):
            raise ValueError(f"expected {least}D or {least + 1}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """The last dimension continued from its other end; an int, or (left, right). Raises
    ValueError unless the input is (N, C, L) or (C, L).

    >>> nn.CircularPad1d((1, 0))(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3.]])
    """

    _ndim = 1


class CircularPad2d(_CircularPad):
    """The last two dimensions continued from their other ends; an int, or (left, right, top,
    bottom). Raises ValueError unless the input is (N, C, H, W) or (C, H, W).

    >>> nn.CircularPad2d((1, 0, 0, 0))(torch.tensor([[[1.0, 2.0]]]))
    tensor([[[2., 1., 2.]]])
    """

    _ndim = 2


class CircularPad3d(_CircularPad):
    """The last three dimensions continued from their other ends; an int, or six. Raises
    ValueError unless the input is (N, C, D, H, W) or (C, D, H, W).

    >>> nn.CircularPad3d(1)(torch.ones(1, 2, 3, 4)).shape
    torch.Size([1, 4, 5, 6])
    """

    _ndim = 3

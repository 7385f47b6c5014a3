"""What operations with several results return: tuples with named parts, which print as PyTorch's
``torch.return_types`` do."""

from __future__ import annotations

from typing import Any, NamedTuple


class _Printed:
    """The text of a tuple with the name of its operation, one part a line."""

    __slots__ = ()

    def __repr__(self) -> str:
        parts = [f"{name}={getattr(self, name)!r}" for name in self._fields]  # type: ignore[attr-defined]
        return f"torch.return_types.{type(self).__name__}(\n" + ",\n".join(parts) + ")"


class ValuesIndices(NamedTuple):
    """Elements along a dimension, and where they were: what max, sort, topk and others return."""

    values: Any
    indices: Any


class MinMax(NamedTuple):
    """What aminmax returns."""

    min: Any
    max: Any


class Histogram(NamedTuple):
    """What histogram and histogramdd return."""

    hist: Any
    bin_edges: Any


class MantissaExponent(NamedTuple):
    """What frexp returns."""

    mantissa: Any
    exponent: Any


class Factor(NamedTuple):
    """What cholesky_ex returns."""

    L: Any
    info: Any


class QR(NamedTuple):
    """What the two functions qr return."""

    Q: Any
    R: Any


class Reflections(NamedTuple):
    """What geqrf returns."""

    a: Any
    tau: Any


class Eigen(NamedTuple):
    """What eigh returns."""

    eigenvalues: Any
    eigenvectors: Any


class USV(NamedTuple):
    """What torch.svd returns."""

    U: Any
    S: Any
    V: Any


class USVh(NamedTuple):
    """What torch.linalg.svd returns: V transposed."""

    U: Any
    S: Any
    Vh: Any


class PLU(NamedTuple):
    """What lu and lu_unpack return."""

    P: Any
    L: Any
    U: Any


class LUFactor(NamedTuple):
    """What lu_factor returns."""

    LU: Any
    pivots: Any


class LUFactorInfo(NamedTuple):
    """What lu_factor_ex returns."""

    LU: Any
    pivots: Any
    info: Any


class InverseInfo(NamedTuple):
    """What inv_ex returns."""

    inverse: Any
    info: Any


class ResultInfo(NamedTuple):
    """What solve_ex returns."""

    result: Any
    info: Any


class Solution(NamedTuple):
    """What triangular_solve returns."""

    solution: Any
    cloned_coefficient: Any


class LeastSquares(NamedTuple):
    """What lstsq returns."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


class SignLogDeterminant(NamedTuple):
    """What the two functions slogdet return."""

    sign: Any
    logabsdet: Any


# fmt: off
class aminmax(_Printed, MinMax): __slots__ = ()  # noqa: E701
class cummax(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class cummin(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class frexp(_Printed, MantissaExponent): __slots__ = ()  # noqa: E701
class geqrf(_Printed, Reflections): __slots__ = ()  # noqa: E701
class histogram(_Printed, Histogram): __slots__ = ()  # noqa: E701
class histogramdd(_Printed, Histogram): __slots__ = ()  # noqa: E701
class kthvalue(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class linalg_cholesky_ex(_Printed, Factor): __slots__ = ()  # noqa: E701
class linalg_eigh(_Printed, Eigen): __slots__ = ()  # noqa: E701
class linalg_inv_ex(_Printed, InverseInfo): __slots__ = ()  # noqa: E701
class linalg_lstsq(_Printed, LeastSquares): __slots__ = ()  # noqa: E701
class linalg_lu(_Printed, PLU): __slots__ = ()  # noqa: E701
class linalg_lu_factor(_Printed, LUFactor): __slots__ = ()  # noqa: E701
class linalg_lu_factor_ex(_Printed, LUFactorInfo): __slots__ = ()  # noqa: E701
class linalg_qr(_Printed, QR): __slots__ = ()  # noqa: E701
class linalg_slogdet(_Printed, SignLogDeterminant): __slots__ = ()  # noqa: E701
class linalg_solve_ex(_Printed, ResultInfo): __slots__ = ()  # noqa: E701
class linalg_svd(_Printed, USVh): __slots__ = ()  # noqa: E701
class lu_unpack(_Printed, PLU): __slots__ = ()  # noqa: E701
class max(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class median(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class min(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class mode(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class nanmedian(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class qr(_Printed, QR): __slots__ = ()  # noqa: E701
class slogdet(_Printed, SignLogDeterminant): __slots__ = ()  # noqa: E701
class sort(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class svd(_Printed, USV): __slots__ = ()  # noqa: E701
class topk(_Printed, ValuesIndices): __slots__ = ()  # noqa: E701
class triangular_solve(_Printed, Solution): __slots__ = ()  # noqa: E701
# fmt: on

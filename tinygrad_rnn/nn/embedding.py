"""Embeddings: tables of vectors, looked up by number."""

from __future__ import annotations

from typing import Any, Self

from ..creation import empty
from ..dtypes import dtype as DType
from ..ops.embedding import refuse_sparse, wrap_padding
from ..tensor import Tensor
from . import functional as F, init
from .module import Module
from .parameter import Parameter


def _check_shape(weight: Tensor, rows: int, width: int) -> None:
    if list(weight.shape) != [rows, width]:
        raise AssertionError(
            "Shape of weight does not match num_embeddings and embedding_dim: got "
            f"{list(weight.shape)}, expected {[rows, width]}"
        )


def _table_shape(embeddings: Tensor) -> tuple[int, int]:
    if not isinstance(embeddings, Tensor):
        kind = type(embeddings).__name__
        raise TypeError(f"from_pretrained(): embeddings must be a Tensor, got {kind}")
    if embeddings.dim() != 2:
        raise AssertionError(
            "Embeddings parameter is expected to be 2-dimensional, but got shape "
            f"{list(embeddings.shape)}"
        )
    return embeddings.shape[0], embeddings.shape[1]


def _options(table: Any) -> str:
    """The options of a table that are not the usual ones, for its text."""
    text = "" if table.max_norm is None else f", max_norm={table.max_norm}"
    if table.norm_type != 2:
        text += f", norm_type={table.norm_type}"
    if table.scale_grad_by_freq:
        text += f", scale_grad_by_freq={table.scale_grad_by_freq}"
    return text


class Embedding(Module):
    """A table of vectors, looked up by number.

    Args:
        num_embeddings, embedding_dim: the table's size.
        padding_idx: a row that starts as zeros and gets no gradient; negative ones count from
            the end.
        max_norm: rows that are looked up and have a larger norm are first scaled down to it, in
            the weight itself; norm_type says which norm.
        scale_grad_by_freq: divide the gradient of each row by how often it was looked up.
        sparse: not supported, NotImplementedError if asked for: gradients are dense.

    input int64 or int32 of any shape, output (*input.shape, embedding_dim); weight
    (num_embeddings, embedding_dim), drawn from N(0, 1). Raises AssertionError for a padding_idx
    outside the table; when called, IndexError for numbers outside, RuntimeError for floats.

    >>> table = nn.Embedding(10, 3)
    >>> table(torch.tensor([[1, 2, 4, 5], [4, 3, 2, 9]])).shape
    torch.Size([2, 4, 3])
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        refuse_sparse(sparse)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = wrap_padding(padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is None:
            table = empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            self.weight = Parameter(table, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            _check_shape(_weight, num_embeddings, embedding_dim)
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """An embedding on the memory of a table (rows, width); frozen unless freeze=False.

        Raises AssertionError unless the table is 2-D.

        >>> nn.Embedding.from_pretrained(torch.tensor([[1.0, 2.0]]))(torch.tensor([0]))
        tensor([[1., 2.]])
        """
        rows, width = _table_shape(embeddings)
        return cls(
            rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse,
            _weight=embeddings, _freeze=freeze,
        )  # fmt: skip

    def reset_parameters(self) -> None:
        """Draw the weight anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.data[self.padding_idx])

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq,
        )  # fmt: skip

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}{_options(self)}"


class EmbeddingBag(Module):
    """Sums, means or maxima of bags of the rows of a table.

    Args:
        num_embeddings, embedding_dim: the table's size.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for `Embedding`.
        mode: "sum", "mean" or "max".
        include_last_offset: whether a last offset says where the last bag ends.
        padding_idx: a row that counts for nothing, starts as zeros and gets no gradient.

    input int64 or int32 (bags, length), or (total length) with offsets (bags), where each bag
    begins; per_sample_weights of input's shape multiply the rows, for mode "sum". Output (bags,
    embedding_dim), zeros for an empty bag. weight (num_embeddings, embedding_dim), drawn from
    N(0, 1). See `functional.embedding_bag` for what is raised.

    >>> bag = nn.EmbeddingBag(10, 3, mode="sum")
    >>> bag(torch.tensor([1, 2, 4, 5, 4, 3]), torch.tensor([0, 4])).shape
    torch.Size([2, 3])
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        refuse_sparse(sparse)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.mode, self.include_last_offset = mode, include_last_offset
        self.padding_idx = wrap_padding(padding_idx, num_embeddings)
        if _weight is None:
            self.weight = Parameter(
                empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            )
            self.reset_parameters()
        else:
            _check_shape(_weight, num_embeddings, embedding_dim)
            self.weight = Parameter(_weight)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """An embedding bag on the memory of a table (rows, width); frozen unless freeze=False.

        Raises AssertionError unless the table is 2-D.

        >>> bag = nn.EmbeddingBag.from_pretrained(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> bag(torch.tensor([[0, 1]]))
        tensor([[2., 3.]])
        """
        rows, width = _table_shape(embeddings)
        bag = cls(
            rows, width, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings,
            include_last_offset, padding_idx,
        )  # fmt: skip
        bag.weight.requires_grad_(not freeze)
        return bag

    def reset_parameters(self) -> None:
        """Draw the weight anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.data[self.padding_idx])

    def forward(
        self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return (
            f"{self.num_embeddings}, {self.embedding_dim}{_options(self)}, mode={self.mode!r}"
            f"{padding}"
        )

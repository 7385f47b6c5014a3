"""What `prune` applies: ways to choose which elements of a parameter are kept at zero."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

from ...autograd.hints import TellingAll
from ...creation import ones_like, zeros_like
from ...ops.norms import norm
from ...ops.sorting import kthvalue, topk
from ...random import rand, rand_like
from ...tensor import Tensor
from ..module import Module


class BasePruningMethod(TellingAll, ABC):
    """A way to choose what is pruned, and the hook that does it. Derive from it, set PRUNING_TYPE
    and write `compute_mask`.

    Attributes:
        PRUNING_TYPE: what a method gets to see of a parameter that is pruned already: "global" all
            of it, "unstructured" the vector of the elements that are left, "structured" the
            slices along its attribute `dim` of which something is left.

    >>> class EveryOther(nn.utils.prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> layer = nn.Linear(1, 4)
    >>> EveryOther.apply(layer, "bias")._tensor_name, layer.bias_mask
    ('bias', tensor([0., 1., 0., 1.]))
    """

    PRUNING_TYPE: str = "unstructured"
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The new mask of t, of its shape: 0 where default_mask is, and where it is pruned."""

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned tensor, in the graph of what is left of the parameter."""
        mask, original = (getattr(module, f"{self._tensor_name}_{part}") for part in _PARTS)
        pruned: Tensor = mask.to(original.dtype) * original
        return pruned

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune a module's parameter by ``cls(*args, **kwargs)``, and register the hook, which is
        returned: a `PruningContainer` if the parameter was pruned before."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        tensor = getattr(module, name)
        if not isinstance(tensor, Tensor):
            raise AttributeError(f"{module} has no parameter {name}: it is {tensor}")
        scores = tensor if importance_scores is None else importance_scores
        if scores.shape != tensor.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}: "
                f"expected {tensor.shape}, got {scores.shape}"
            )
        key = hook_number(module, name)
        if key is None:
            mask = method.compute_mask(scores, default_mask=ones_like(tensor))
            module.register_parameter(f"{name}_orig", getattr(module, name))
            del module._parameters[name]
        else:
            before = module._forward_pre_hooks[key]
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(method)
            mask = container.compute_mask(scores, getattr(module, f"{name}_mask").detach().clone())
            del module._forward_pre_hooks[key]
            method = container
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """A tensor, of any shape, with zeros where the method, which goes by importance_scores (t
        itself if None), prunes it."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        return t * self.compute_mask(scores, ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Make the pruned tensor a parameter again; the hook stays registered."""
        name = self._tensor_name
        values = self.apply_mask(module).detach()
        original = module._parameters[f"{name}_orig"]
        for member in (name, f"{name}_orig", f"{name}_mask"):
            delattr(module, member)
        original.data = values  # type: ignore[union-attr]
        setattr(module, name, original)


_PARTS = "mask", "orig"


def hook_number(module: Module, name: str | None = None) -> int | None:
    """The number of the hook that prunes a parameter, or any one."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and name in (None, hook._tensor_name):
            return key
    return None


class PruningContainer(BasePruningMethod):
    """Several methods, one after the other: each prunes what those before have left.

    >>> layer = nn.utils.prune.l1_unstructured(nn.Linear(4, 4), "weight", 2)
    >>> method = nn.utils.prune.RandomUnstructured.apply(layer, "weight", 3)
    >>> len(method), int((layer.weight == 0).sum())
    (2, 5)
    """

    PRUNING_TYPE = "container"

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: list[BasePruningMethod] = []
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one at the end. Raises TypeError for anything else, ValueError for one that prunes
        another parameter."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods.append(method)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with what the last method prunes of the rest."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype).clone()
        left = _left(method, mask)
        mask[left] = method.compute_mask(t[left], default_mask=mask[left]).to(mask.dtype)
        return mask


def _left(method: BasePruningMethod, mask: Tensor) -> Any:
    """An index of what a method may prune of a tensor with this mask."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE == "global":
        return ...
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    if not hasattr(method, "dim"):
        raise AttributeError(
            'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
        )
    dim = method.dim % mask.dim()
    others = [d for d in range(mask.dim()) if d != dim]
    return (slice(None),) * dim + (mask.sum(others) != 0,)


# ----- methods -----


class Identity(BasePruningMethod):
    """Prunes nothing, but makes mask and hook.

    >>> nn.utils.prune.Identity().prune(torch.ones(2))
    tensor([1., 1.])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Amount(BasePruningMethod):
    """Prunes a number of elements or slices, or a fraction of them."""

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        self.amount: Any = amount
        whole = isinstance(amount, Integral)
        if not self.amount >= 0 or (self.amount > 1 and not whole):  # or it is nan
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
                "integer"
            )

    def _count(self, size: int) -> int:
        """How many of `size` are to go."""
        amount = self.amount
        if not isinstance(amount, Integral):
            return round(amount * size)
        count = int(amount)
        if count > size:
            raise ValueError(
                f"amount={count} should be smaller than the number of parameters to prune={size}"
            )
        return count


class _Unstructured(_Amount):
    """Prunes the single elements with the lowest scores."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.numel())
        mask = default_mask.clone()
        if count:
            mask.view(-1)[self._lowest(t, count)] = 0
        return mask

    def _lowest(self, t: Tensor, count: int) -> Tensor:
        raise NotImplementedError


class RandomUnstructured(_Unstructured):
    """Prunes elements at random: amount of them, or that fraction.

    >>> nn.utils.prune.RandomUnstructured(3).prune(torch.ones(5)).sum()
    tensor(2.)
    """

    def _lowest(self, t: Tensor, count: int) -> Tensor:
        return topk(rand_like(t).view(-1), count)[1]


class L1Unstructured(_Unstructured):
    """Prunes the elements of the smallest magnitude: amount of them, or that fraction.

    >>> nn.utils.prune.L1Unstructured(0.5).prune(torch.tensor([1.0, -3.0, 2.0, -1.0]))
    tensor([ 0., -3.,  2., -0.])
    """

    def _lowest(self, t: Tensor, count: int) -> Tensor:
        return topk(t.detach().abs().reshape(-1), count, largest=False)[1]


class _Structured(_Amount):
    """Prunes whole slices along a dimension."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.dim()} dims"
            )
        if not isinstance(self.dim, Integral):
            raise TypeError(f"dim of {type(self).__name__} must be int, got {self.dim}")
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        count = self._count(t.shape[self.dim])
        if not count:
            return default_mask
        mask = zeros_like(t)
        mask[(slice(None),) * (self.dim % t.dim()) + (self._kept(t, count),)] = 1
        return mask * default_mask.to(mask.dtype)

    def _kept(self, t: Tensor, count: int) -> Tensor:
        """An index of the slices that stay if `count` of them go."""
        raise NotImplementedError


class RandomStructured(_Structured):
    """Prunes slices along the dimension dim at random: amount of them, or that fraction.

    >>> nn.utils.prune.RandomStructured(1, dim=0).prune(torch.ones(3, 2)).sum()
    tensor(4.)
    """

    def _kept(self, t: Tensor, count: int) -> Tensor:
        draws = rand(t.shape[self.dim], device=t.device)
        return draws > kthvalue(draws, count)[0]


class LnStructured(_Structured):
    """Prunes the slices along the dimension dim with the smallest n-norm: amount of them, or that
    fraction.

    >>> nn.utils.prune.LnStructured(1, n=2, dim=1).prune(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[0., 2.],
            [0., 4.]])
    """

    def __init__(self, amount: float, n: float | str, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _kept(self, t: Tensor, count: int) -> Tensor:
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        norms = norm(t.detach(), self.n, others)
        return topk(norms, t.shape[self.dim] - count)[1]


class CustomFromMask(BasePruningMethod):
    """Prunes what a mask, of the shape of the parameter, says.

    >>> nn.utils.prune.CustomFromMask(torch.tensor([1, 0])).prune(torch.ones(2))
    tensor([1., 0.])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(default_mask.dtype)

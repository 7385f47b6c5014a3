"""Weights made anew before each call of a module: weight and spectral normalisation.

These keep the attribute an ordinary tensor that a hook recomputes, with the state-dict keys of
`torch.nn.utils.weight_norm` and `spectral_norm`; `parametrizations` has their newer forms.
"""

from __future__ import annotations

from typing import Any, TypeVar

from ...autograd import no_grad
from ...ops.distances import normalize
from ...ops.norms import vector_norm
from ...tensor import Tensor
from ..conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..module import Module
from ..parameter import Parameter, is_lazy

M = TypeVar("M", bound=Module)
_MOST = 10_000  # power iterations: they have converged long before


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but one, which are kept with size 1; of all elements, without
    dimensions, for dim=-1."""
    if dim == -1:
        return vector_norm(v, pow)
    return vector_norm(v, pow, [d for d in range(v.dim()) if d != dim], True)


def check_iterations(count: int) -> None:
    """Raise ValueError for a number of power iterations that makes no sense."""
    if not 0 < count <= _MOST:
        raise ValueError(
            f"Expected n_power_iterations to be positive and at most {_MOST}, but got "
            f"n_power_iterations={count}"
        )


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """(size of dim, all others): what spectral normalisation takes a weight for."""
    return weight.movedim(dim, 0).flatten(1)


def output_dim(module: Module) -> int:
    """The dimension of a module's weight that counts its outputs."""
    return 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0


class _Recomputed:
    """A hook that sets a module's attribute before each call."""

    what = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def compute_weight(self, module: Module, training: bool) -> Tensor:
        """The weight, in the graph of what it is made of."""
        raise NotImplementedError

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def weight_of(self, module: Module) -> Parameter:
        """The parameter that is to be recomputed. Raises RuntimeError if it is already, ValueError
        without one."""
        if _find(module, type(self), self.name) is not None:
            raise RuntimeError(
                f"Cannot register two {self.what} hooks on the same parameter {self.name}"
            )
        weight = module._parameters.get(self.name)
        if weight is None:
            raise ValueError(
                f"{self.what} cannot be applied as there is no parameter `{self.name}`"
            )
        if is_lazy(weight):
            raise ValueError(
                f"The module passed to `{self.what}` can't have uninitialized parameters. Make "
                "sure to run the dummy forward before"
            )
        return weight


def _find(module: Module, kind: type, name: str) -> int | None:
    """The key among a module's hooks of the one that recomputes an attribute."""
    for key, hook in module._module_hooks.items():
        if isinstance(hook.function, kind) and hook.function.name == name:  # type: ignore[attr-defined]
            return key
    return None


def _remove(module: M, kind: type[_Recomputed], name: str, parts: tuple[str, ...]) -> M:
    """Make the attribute a parameter again, of its present value, and drop what it was made of."""
    key = _find(module, kind, name)
    if key is None:
        raise ValueError(f"{kind.what} of '{name}' not found in {module}")
    hook: Any = module._module_hooks.pop(key).function
    with no_grad():
        weight = hook.compute_weight(module, False)
    for member in (name, *parts):
        delattr(module, member)
    module.register_parameter(name, Parameter(weight.detach()))
    return module


# ----- weight normalisation -----


class WeightNorm(_Recomputed):
    """The hook that `weight_norm` registers."""

    what = "weight_norm"

    def __init__(self, name: str, dim: int) -> None:
        super().__init__(name)
        self.dim = dim

    def compute_weight(self, module: Module, training: bool) -> Tensor:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except_dim(v, 2, self.dim))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Replace a parameter by its length g and its direction v: weight = g * v / |v| (Salimans and
    Kingma, 2016).

    The parameters are then weight_g and weight_v; the weight is made of them before each call. The
    norm is over all dimensions but dim, and these have size 1 in weight_g; over all if None, with a
    scalar weight_g. Returns the module. Raises ValueError if there is no such parameter,
    RuntimeError if it is normalised already.

    >>> layer = nn.utils.weight_norm(nn.Linear(20, 40))
    >>> layer.weight_g.shape, layer.weight_v.shape
    (torch.Size([40, 1]), torch.Size([40, 20]))
    """
    hook = WeightNorm(name, -1 if dim is None else dim)
    weight = hook.weight_of(module)
    del module._parameters[name]
    length = norm_except_dim(weight.detach(), 2, hook.dim)
    module.register_parameter(f"{name}_g", Parameter(length))
    module.register_parameter(f"{name}_v", Parameter(weight.data))
    setattr(module, name, hook.compute_weight(module, False))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Undo `weight_norm`: the weight is a parameter again, of the same shape. Raises ValueError
    if it was not applied.

    >>> layer = nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(20, 40)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    return _remove(module, WeightNorm, name, (f"{name}_g", f"{name}_v"))


# ----- spectral normalisation -----


class SpectralNorm(_Recomputed):
    """The hook that `spectral_norm` registers."""

    what = "spectral_norm"

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__(name)
        check_iterations(n_power_iterations)
        self.n_power_iterations, self.dim, self.eps = n_power_iterations, dim, eps

    def compute_weight(self, module: Module, training: bool) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if training:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(matrix.t() @ u, dim=0, eps=self.eps))
                    u.copy_(normalize(matrix @ v, dim=0, eps=self.eps))
                u, v = u.clone(), v.clone()  # the next call changes the buffers
        return weight / u.dot(matrix @ v)


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a parameter by its largest singular value (Miyato et al., 2018), which a power
    iteration tracks, step by step with each call while training.

    The parameter is then weight_orig; the buffers weight_u (n) and weight_v (m) hold the vectors.
    The weight counts as a matrix (n, m) = (size of dim, all others); dim is 1 for transposed
    convolutions, 0 otherwise, if None. Returns the module. Raises ValueError if there is no such
    parameter or n_power_iterations is not positive, RuntimeError if it is normalised already.

    >>> layer = nn.utils.spectral_norm(nn.Linear(20, 40))
    >>> layer.weight_u.shape
    torch.Size([40])
    """
    hook = SpectralNorm(name, n_power_iterations, output_dim(module) if dim is None else dim, eps)
    weight = hook.weight_of(module)
    with no_grad():
        matrix = as_matrix(weight, hook.dim)
        u, v = (
            normalize(weight.new_empty(size).normal_(0, 1), dim=0, eps=eps) for size in matrix.shape
        )
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo `spectral_norm`: the normalised weight is a parameter, of the same shape. Raises
    ValueError if it was not applied.

    >>> layer = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(20, 40)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    return _remove(module, SpectralNorm, name, (f"{name}_u", f"{name}_v", f"{name}_orig"))

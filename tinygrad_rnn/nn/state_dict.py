"""A module's state as a flat dict of tensors, and back. `Module.state_dict` and
`Module.load_state_dict` say what users need to know."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..autograd import no_grad
from ..backends import is_host
from ..creation import from_dlpack, from_numpy
from ..tensor import Size, Tensor
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


class _IncompatibleKeys(NamedTuple):
    """What `load_state_dict` returns: the names that only one side has."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        missing, unexpected = self
        return f"_IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"


def _own(module: Module) -> Iterator[tuple[str, Tensor]]:
    """The module's own part of the state: its parameters and persistent buffers, by name."""
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None and name not in module._non_persistent_buffers_set:
            yield name, tensor


def collect(
    module: Module, destination: dict[str, Any] | None, prefix: str, keep_vars: bool
) -> dict[str, Any]:
    """See `Module.state_dict`."""
    state: Any = OrderedDict() if destination is None else destination
    if destination is None:
        state._metadata = OrderedDict()
    local_metadata = {"version": module._version}
    if hasattr(state, "_metadata"):
        state._metadata[prefix[:-1]] = local_metadata
    for hook in module._hooks_of("state_dict_pre"):
        hook.function(module, prefix, keep_vars)
    for name, tensor in _own(module):
        state[prefix + name] = tensor if keep_vars else tensor.detach()
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in module._hooks_of("state_dict"):
        hook.function(module, state, prefix, local_metadata)
    return state


class _Loading:
    """One `load_state_dict`: everything is looked at first, then everything is copied."""

    def __init__(self, state_dict: Mapping[str, Any], assign: bool) -> None:
        self.source = dict(state_dict)  # hooks may change it
        self.metadata = getattr(state_dict, "_metadata", {})
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []
        self.fitting: list[tuple[Module, str, Tensor, Tensor]] = []  # owner, name, target, value
        self.visited: list[Module] = []

    def visit(self, module: Module, prefix: str = "") -> None:
        """Compare the module, and all below it, with the state dict."""
        for hook in module._hooks_of("load_pre"):
            local_metadata = self.metadata.get(prefix[:-1], {})
            lists = self.missing, self.unexpected, self.errors
            hook.function(module, self.source, prefix, local_metadata, True, *lists)
        version = self.metadata.get(prefix[:-1], {}).get("version")
        module._upgrade_state(self.source, prefix, version)
        own = dict(_own(module))
        for name, target in own.items():
            if prefix + name in self.source:
                self._compare(module, prefix, name, target)
            else:
                self.missing.append(prefix + name)
        for key in self.source:
            if key.startswith(prefix):
                name, dot, _ = key[len(prefix) :].partition(".")
                if name not in (module._modules if dot else own):
                    self.unexpected.append(key)
        for name, child in module._modules.items():
            if child is not None:
                self.visit(child, f"{prefix}{name}.")
        self.visited.append(module)

    def _compare(self, module: Module, prefix: str, name: str, target: Tensor) -> None:
        key = prefix + name
        value = self.source[key]
        try:
            tensor = _tensor(value)
        except (TypeError, ValueError, BufferError, RuntimeError) as error:
            self.errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
                f"object from checkpoint but received {type(value)}"
                + (f" that can't be converted: {error}" if str(error) else "")
            )
            return
        if tensor.shape != target.shape:
            self.errors.append(
                f"size mismatch for {key}: copying a param with shape {Size(tensor.shape)} from "
                f"checkpoint, the shape in current model is {target.shape}."
            )
            return
        if self.assign and isinstance(target, Parameter):
            if target.requires_grad and not tensor.is_floating_point():
                self.errors.append(
                    f"dtype mismatch for {key}: a parameter that requires a gradient can't be "
                    f"assigned a tensor of {tensor.dtype}."
                )
                return
            if not isinstance(tensor, Parameter):
                tensor = Parameter(tensor, requires_grad=target.requires_grad)
        self.fitting.append((module, name, target, tensor))

    def copy(self) -> None:
        """Take over all that fits."""
        for module, name, target, value in self.fitting:
            if self.assign:
                if isinstance(value, Parameter):
                    value.requires_grad_(target.requires_grad)
                setattr(module, name, value)
            else:
                with no_grad():
                    target.copy_(value)


def _tensor(value: Any) -> Tensor:
    """A state dict's value as a tensor on the same memory: ours, NumPy's, or PyTorch's.

    Raises TypeError (without a text) for what is no tensor.
    """
    if isinstance(value, Tensor):
        return value
    if is_host(value):
        return from_numpy(value)
    if hasattr(value, "__dlpack__"):
        return from_dlpack(value.detach() if hasattr(value, "detach") else value)
    raise TypeError


def load(
    module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> _IncompatibleKeys:
    """See `Module.load_state_dict`."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    loading = _Loading(state_dict, assign)
    loading.visit(module)
    errors = loading.errors
    if strict and loading.unexpected:
        errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(loading.unexpected)}. ")
    if strict and loading.missing:
        errors.insert(0, f"Missing key(s) in state_dict: {_quoted(loading.missing)}. ")
    if errors:
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(errors)
        )
    loading.copy()
    result = _IncompatibleKeys(loading.missing, loading.unexpected)
    for visited in loading.visited:
        for hook in visited._hooks_of("load_post"):
            hook.function(visited, result)
    return result


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)

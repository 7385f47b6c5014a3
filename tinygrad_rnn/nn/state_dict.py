"""A module's state as a flat dict of tensors, and back: what `Module` saves and loads by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..autograd import no_grad
from ..backends import is_host
from ..creation import from_dlpack, from_numpy
from ..tensor import Size, Tensor
from .hooks import Hooked
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module

_EXTRA = "_extra_state"  # the key of what `get_extra_state` returns


class _IncompatibleKeys(NamedTuple):
    """What `load_state_dict` returns: the names that only one side has."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        missing, unexpected = self
        return f"_IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"


def _own(module: Saved) -> Iterator[tuple[str, Tensor]]:
    """The module's own part of the state: its parameters and persistent buffers, by name."""
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None and name not in module._non_persistent_buffers_set:
            yield name, tensor


class Saved(Hooked):
    """The part of `Module` that saves and loads."""

    _version = 1  # of the state dict's layout; goes into its metadata
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _modules: dict[str, Module | None]

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Parameters and persistent buffers by dotted name, in an OrderedDict (or added to
        `destination`): tensors outside the graph on the same memory, or with keep_vars the
        parameters themselves. Raises TypeError unless `prefix` is a string."""
        if not isinstance(prefix, str):
            raise TypeError(f"state_dict(): prefix must be a str, got {type(prefix).__name__}")
        state: Any = OrderedDict() if destination is None else destination
        if destination is None:
            state._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(state, "_metadata"):
            state._metadata[prefix[:-1]] = local_metadata
        for hook in self._hooks_of("state_dict_pre"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(state, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._hooks_of("state_dict"):
            replacement = hook(self, state, prefix, local_metadata)
            if replacement is not None:
                if not hook.older:
                    raise RuntimeError("state_dict post-hook must return None")
                state = replacement
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy a state dict's values into the parameters and buffers of the same names.

        Args:
            state_dict: tensors, NumPy arrays or PyTorch tensors of the same shapes; they are cast
                and moved to what the module has.
            strict: whether missing and unexpected names are an error.
            assign: put the values themselves in place instead, with their dtype and device.

        Returns the lists `missing_keys` and `unexpected_keys` as a named tuple. Raises
        RuntimeError for names (if strict) and shapes that do not match; nothing is changed then.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        loading = _Loading(state_dict, assign)
        loading.visit(self)
        errors = loading.errors
        if strict and loading.unexpected:
            errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(loading.unexpected)}. ")
        if strict and loading.missing:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(loading.missing)}. ")
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                + "\n\t".join(errors)
            )
        loading.copy()
        result = _IncompatibleKeys(loading.missing, loading.unexpected)
        for visited in loading.visited:
            for hook in visited._hooks_of("load_post"):
                hook(visited, result)
        return result

    def get_extra_state(self) -> Any:
        """What else the state dict is to hold, of any kind. Override it together with
        `set_extra_state`; it then stands under the key "_extra_state"."""
        raise self._no_extra_state()

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` returned. Override it."""
        raise self._no_extra_state()

    def _no_extra_state(self) -> RuntimeError:
        return RuntimeError(
            f"{type(self).__name__} has no extra state: override get_extra_state() and "
            "set_extra_state() to give it one"
        )

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        """Put the module's own part into a state dict. An override may add to it."""
        for name, tensor in _own(self):
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Saved.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
        missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        """Compare the module's own part with a state dict (a copy), and note what is to be loaded.
        An override may change the dict before it calls this."""
        for hook in self._hooks_of("load_pre"):
            arguments: tuple[Any, ...] = (
                state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
                error_msgs,
            )  # fmt: skip
            hook(*(arguments if hook.older else (self, *arguments)))
        loading: _Loading = local_metadata["loading"]
        own = dict(_own(self))
        for name, target in own.items():
            if prefix + name not in state_dict:
                missing_keys.append(prefix + name)
                continue
            value = loading.fit(prefix + name, state_dict[prefix + name], target)
            if value is not None:
                loading.fitting.append((self, name, target, value))
        if type(self).set_extra_state is not Saved.set_extra_state:
            if prefix + _EXTRA in state_dict:
                loading.extra.append((self, state_dict[prefix + _EXTRA]))
            else:
                missing_keys.append(prefix + _EXTRA)
            own[_EXTRA] = Tensor()  # a key that is expected
        for key in state_dict:
            if key.startswith(prefix):
                name, dot, _ = key[len(prefix) :].partition(".")
                if name not in (self._modules if dot else own):
                    unexpected_keys.append(key)


class _Loading:
    """One `load_state_dict`: everything is looked at first, then everything is copied."""

    def __init__(self, state_dict: Mapping[str, Any], assign: bool) -> None:
        self.source = dict(state_dict)  # hooks may change it
        self.metadata = getattr(state_dict, "_metadata", {})
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []
        self.fitting: list[tuple[Saved, str, Tensor, Tensor]] = []  # owner, name, target, value
        self.extra: list[tuple[Saved, Any]] = []
        self.visited: list[Saved] = []

    def visit(self, module: Saved, prefix: str = "") -> None:
        """Compare the module, and all below it, with the state dict."""
        metadata = {**self.metadata.get(prefix[:-1], {}), "loading": self}
        lists = self.missing, self.unexpected, self.errors
        module._load_from_state_dict(self.source, prefix, metadata, True, *lists)
        for name, child in module._modules.items():
            if child is not None:
                self.visit(child, f"{prefix}{name}.")
        self.visited.append(module)

    def fit(self, key: str, value: Any, target: Tensor) -> Tensor | None:
        """The value as a tensor, if it can be loaded into the target; otherwise notes an error."""
        try:
            tensor = _tensor(value)
        except (TypeError, ValueError, BufferError, RuntimeError) as error:
            self.errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
                f"object from checkpoint but received {type(value)}"
                + (f" that can't be converted: {error}" if str(error) else "")
            )
            return None
        if tensor.shape != target.shape:
            self.errors.append(
                f"size mismatch for {key}: copying a param with shape {Size(tensor.shape)} from "
                f"checkpoint, the shape in current model is {target.shape}."
            )
            return None
        if self.assign and isinstance(target, Parameter):
            if target.requires_grad and not tensor.is_floating_point():
                self.errors.append(
                    f"dtype mismatch for {key}: a parameter that requires a gradient can't be "
                    f"assigned a tensor of {tensor.dtype}."
                )
                return None
            if not isinstance(tensor, Parameter):
                tensor = Parameter(tensor, requires_grad=target.requires_grad)
        return tensor

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
        for module, state in self.extra:
            module.set_extra_state(state)


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


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take a prefix off the names of a state dict, in place: "module." that of `nn.DataParallel`.

    >>> state = {"module.weight": torch.ones(1)}
    >>> nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    >>> state
    {'weight': tensor([1.])}
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata: dict[str, Any] = getattr(state_dict, "_metadata", {})
    for key in list(metadata):
        if key and (key.startswith(prefix) or key == prefix.replace(".", "")):
            metadata[key[len(prefix) :]] = metadata.pop(key)

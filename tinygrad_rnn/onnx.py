"""PyTorch's name for writing models as ONNX files, which can't be done here."""

from __future__ import annotations

from typing import Any, NoReturn


def export(model: Any, args: Any = (), f: Any = None, **options: Any) -> NoReturn:
    """Raises RuntimeError: there are no ONNX files here.

    >>> torch.onnx.export(nn.Linear(1, 1), torch.ones(1), "model.onnx")
    Traceback (most recent call last):
    RuntimeError: onnx.export(): ONNX files can't be written; save the state instead: ...
    """
    raise RuntimeError(
        "onnx.export(): ONNX files can't be written; save the state instead: "
        "torch.save(model.state_dict(), path), and export the model with PyTorch"
    )


def is_in_onnx_export() -> bool:
    """False: nothing is exported.

    >>> torch.onnx.is_in_onnx_export()
    False
    """
    return False

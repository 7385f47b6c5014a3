"""Where programs for PyTorch import `default_collate` from."""

from ..collate import default_collate as default_collate, default_convert as default_convert

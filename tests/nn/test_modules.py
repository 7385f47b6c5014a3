"""PyTorch's module paths lead to the same names here."""

import importlib
import pickle
import pkgutil
import subprocess
import sys

import pytest

import tinygrad_rnn as tg
from tinygrad_rnn import nn

# Not here: several processes, quantisation, hooks of all modules, options of one loss
WITHOUT = {"SyncBatchNorm", "Container", "CrossMapLRN2d", "LinearCrossEntropyOptions"}


def test_every_file_of_layers_has_its_names():
    theirs = pytest.importorskip("torch.nn.modules", reason="compares with PyTorch")
    ours = importlib.import_module("tinygrad_rnn.nn.modules")
    count = 0
    for found in pkgutil.iter_modules(theirs.__path__):
        if found.name.startswith(("_", "linear_cross_entropy")):
            continue
        their = importlib.import_module(f"torch.nn.modules.{found.name}")
        our = importlib.import_module(f"tinygrad_rnn.nn.modules.{found.name}")
        for name in getattr(their, "__all__", ()):
            if name not in WITHOUT and not name.startswith("register_module_"):
                assert getattr(our, name) is getattr(nn, name, getattr(our, name)), name
                count += 1
    assert count > 150
    assert [name for name in theirs.__all__ if not hasattr(ours, name)] == sorted(WITHOUT)


def test_imports():
    code = (
        "import tinygrad_rnn.nn.modules.rnn as rnn\n"
        "from tinygrad_rnn.nn.modules import Module, loss\n"
        "from tinygrad_rnn.nn.modules.loss import _Loss, _WeightedLoss\n"
        "from tinygrad_rnn.nn.modules.batchnorm import _BatchNorm\n"
        "from tinygrad_rnn.nn.modules.transformer import _get_activation_fn, _get_clones\n"
        "from tinygrad_rnn.nn.utils.weight_norm import WeightNorm, weight_norm\n"
        "from tinygrad_rnn.nn.utils.spectral_norm import spectral_norm\n"
        "from tinygrad_rnn.utils.data._utils.collate import default_collate\n"
        "from tinygrad_rnn.nn import Linear\n"
        "assert hasattr(weight_norm(_get_clones(Linear(4, 2), 3)[2]), 'weight_g')\n"
        "from tinygrad_rnn.nn.modules.conv import _ConvNd\n"
        "from tinygrad_rnn.nn.modules.dropout import _DropoutNd\n"
        "from tinygrad_rnn.nn.modules.utils import _pair, _triple, _ntuple\n"
        "from tinygrad_rnn.nn.parameter import Parameter, UninitializedParameter, is_lazy\n"
        "from tinygrad_rnn.nn.utils.clip_grad import clip_grad_norm_\n"
        "from tinygrad_rnn.nn.utils.convert_parameters import parameters_to_vector\n"
        "from tinygrad_rnn.nn.utils.rnn import PackedSequence\n"
        "from tinygrad_rnn.optim.adamw import AdamW\n"
        "from tinygrad_rnn.optim.optimizer import Optimizer\n"
        "from tinygrad_rnn.optim.lr_scheduler import LRScheduler\n"
        "from tinygrad_rnn.autograd.function import Function, once_differentiable\n"
        "from tinygrad_rnn.utils.data.dataloader import DataLoader, default_collate\n"
        "from tinygrad_rnn.utils.data.dataset import Dataset, TensorDataset, random_split\n"
        "from tinygrad_rnn.utils.data.sampler import Sampler, RandomSampler\n"
        "from tinygrad_rnn.types import Number, Device\n"
        "import tinygrad_rnn as torch\n"
        "assert torch.nn.modules.rnn is rnn and rnn.LSTM is torch.nn.LSTM\n"
        "assert issubclass(torch.nn.CrossEntropyLoss, _WeightedLoss)\n"
        "assert issubclass(torch.nn.BatchNorm2d, _BatchNorm)\n"
        "assert issubclass(torch.nn.Dropout, _DropoutNd) and issubclass(torch.nn.Conv1d, _ConvNd)\n"
        "assert _pair(3) == (3, 3) and _triple((1, 2, 3)) == (1, 2, 3) == _ntuple(3)([1, 2, 3])\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=300)


def test_classes_stay_where_they_are_defined():
    layer = pickle.loads(pickle.dumps(nn.modules.linear.Linear(2, 3)))
    assert type(layer) is nn.Linear


def test_one_way_to_attention():
    backend = nn.attention.SDPBackend
    q = tg.randn(2, 3, 4)
    with nn.attention.sdpa_kernel([backend.MATH, backend.FLASH_ATTENTION], set_priority=True):
        inside = nn.functional.scaled_dot_product_attention(q, q, q)
    assert tg.equal(inside, nn.functional.scaled_dot_product_attention(q, q, q))
    with (
        pytest.raises(AssertionError, match="SDPBackend"),
        nn.attention.sdpa_kernel("math"),  # type: ignore[arg-type]
    ):
        pass

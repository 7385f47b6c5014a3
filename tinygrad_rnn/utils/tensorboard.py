"""PyTorch's `SummaryWriter` writes files for TensorBoard; nothing here does."""

raise ImportError(
    "utils.tensorboard: files for TensorBoard can't be written here; to log scalars for it, "
    "pip install tensorboardX and use its SummaryWriter(), which takes numbers: loss.item()"
)

"""Optimizers: they change parameters by their gradients, in place and outside of autograd."""

from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam, AdamW as AdamW
from .optimizer import Optimizer as Optimizer
from .rmsprop import RMSprop as RMSprop
from .sgd import SGD as SGD

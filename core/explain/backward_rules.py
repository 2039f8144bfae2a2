"""The way back through a network on which activations let only some of the signal pass.

A gradient goes back through each layer by the transposition of what it does there: max pooling puts each value back
where the maximum was, a convolution is transposed, batch normalisation multiplies by its factor. So do these ways
back, except at activations, where a rule of their own says what passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.GELU)
_OF_UNIT_SLOPE = (nn.ReLU, nn.LeakyReLU, nn.PReLU)  # where what they are given is positive

Rule = Callable[[Tensor, Tensor, nn.Module], Tensor]
"""What an activation lets back, of a signal, when it was given x: ``rule(signal, x, activation)``."""


def rectified(signal: Tensor, _x: Tensor, _activation: nn.Module) -> Tensor:
    """Positive signals pass, whatever the activation was given and whatever its own shape is."""
    return signal.clamp(min=0)


def guided(signal: Tensor, x: Tensor, activation: nn.Module) -> Tensor:
    """Positive signals pass where what was given was positive too, times the activation's slope there."""
    passed = signal.clamp(min=0).mul_(x > 0)
    if isinstance(activation, _OF_UNIT_SLOPE):
        return passed
    return torch.func.vjp(activation, x)[1](passed)[0]


def through(modules: Iterable[nn.Module], x: Tensor, rule: Rule) -> Tensor:
    """Send x through layers one by one; a gradient that comes back meets the rule at each activation."""
    for module in modules:
        x = _Ruled.apply(x, module, rule) if isinstance(module, ACTIVATIONS) else module(x)
    return x


class _Ruled(torch.autograd.Function):
    """An activation with another way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, activation: nn.Module, rule: Rule) -> Tensor:
        ctx.save_for_backward(x)
        ctx.activation, ctx.rule = activation, rule
        return activation(x)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None, None]:
        return ctx.rule(signals[0], ctx.saved_tensors[0], ctx.activation), None, None

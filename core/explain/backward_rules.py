"""Backward passes with modified rules at activations, for deconvnets and guided backpropagation.

A gradient passes back through each layer by its transpose: max pooling puts each value back where the maximum was, a
convolution is transposed, batch normalisation multiplies by its factor. These backward passes do the same, except at
activations, where a rule determines what passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.GELU)
_OF_UNIT_SLOPE = (nn.ReLU, nn.LeakyReLU, nn.PReLU)  # for positive input

Rule = Callable[[Tensor, Tensor, nn.Module], Tensor]
"""``rule(signal, x, activation)``: what an activation with input x passes back of a signal."""


def deconvnet_rule(signal: Tensor, _x: Tensor, _activation: nn.Module) -> Tensor:
    """Positive signals pass, whatever the activation and its input."""
    return signal.clamp(min=0)


def guided_rule(signal: Tensor, x: Tensor, activation: nn.Module) -> Tensor:
    """Positive signals pass where the input was positive too, times the activation's slope there."""
    passed = signal.clamp(min=0).mul_(x > 0)
    if isinstance(activation, _OF_UNIT_SLOPE):
        return passed
    return torch.func.vjp(activation, x)[1](passed)[0]


def forward_with_rule(modules: Iterable[nn.Module], x: Tensor, rule: Rule) -> Tensor:
    """Apply layers to x; in the backward pass the rule replaces the gradient of each activation."""
    for module in modules:
        x = _ActivationWithRule.apply(x, module, rule) if isinstance(module, ACTIVATIONS) else module(x)
    return x


class _ActivationWithRule(torch.autograd.Function):
    """An activation whose backward pass follows a rule."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, activation: nn.Module, rule: Rule) -> Tensor:
        ctx.save_for_backward(x)
        ctx.activation, ctx.rule = activation, rule
        return activation(x)

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None, None]:
        return ctx.rule(signals[0], ctx.saved_tensors[0], ctx.activation), None, None

"""The plain convolutional network, set by its depth.

Each block detects patterns (convolution), keeps the strongest response of each 2 × 2 pixels (max pooling), brings
the responses to a common scale (batch normalisation) and suppresses the negative ones (activation); a deeper block
therefore has a larger receptive field. The head turns the last responses into one number per output. Catalogue columns
beside the image enter there: a small network of their own adds to the first layer of the head, as if they stood beside
the responses in its input.

Pooling comes directly after the convolution, so that only a quarter of the pixels go through the other layers: a
training step takes a quarter less time than with pooling at the end of the block, at the same accuracy.

References
----------
LeCun, Bottou, Bengio & Haffner 1998; Ioffe & Szegedy 2015 (batch normalisation); Wu & He 2018 (group normalisation);
He et al. 2015 (initialisation), 2016 (residual blocks), 2019 (pooling in the shortcut).
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from core.errors import NotPossible
from core.nets import backbone
from core.nets.settings import NetworkSettings

_GROUPS = 8


class GlobalMean(nn.Module):
    """Global average pooling: the mean response of each filter, (N, C, H, W) → (N, C)."""

    def forward(self, x: Tensor) -> Tensor:
        """Average over the pixels."""
        return x.mean(dim=(2, 3))


class OwnDropout(nn.Dropout):
    """Dropout that draws from its own random generator.

    The global random state is shared by all threads, so that explaining a galaxy during a training run would change
    the run's random numbers; ``generator`` is set by the training. Where several processes share a batch, ``rows`` is
    the size of the whole batch and the slice of it that this process has.
    """

    generator: torch.Generator | None = None
    rows: tuple[int, slice] | None = None

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Set a share ``p`` of the responses to zero, in training mode only."""
        if not self.training or self.p == 0:
            return input
        count, own = self.rows or (len(input), slice(None))
        keep = input.new_empty(count, *input.shape[1:]).bernoulli_(1 - self.p, generator=self.generator)[own]
        return input * keep / (1 - self.p)


class Head(nn.Sequential):
    """Dense layers, one after the other."""

    def forward(self, input: Tensor, offset: Tensor | None = None) -> Tensor:  # noqa: A002 - torch's name
        """One row of outputs for each row of features; ``offset`` is added to what the first dense layer gives."""
        x = input
        for layer in self:
            x = layer(x)
            if offset is not None and isinstance(layer, nn.Linear):
                x, offset = x + offset, None
        return x


class SideBranch(nn.Sequential):
    """What catalogue columns add to the first dense layer of the head: at the beginning nothing."""

    def __init__(self, settings: NetworkSettings, inputs: int, units: int, outputs: int) -> None:
        super().__init__()
        self.add_module("dense", nn.Linear(inputs, units))
        self.add_module("activation", _activation(settings, units))
        self.add_module("output", nn.Linear(units, outputs, bias=False))

    def begin(self) -> None:
        """Let it add nothing yet, so that an earlier network that had no such columns begins with its own answers."""
        nn.init.zeros_(self.get_parameter("output.weight"))


class HeadWithSide(nn.Module):
    """Head and side branch of a network as one module, for features that are known already."""

    def __init__(self, head: Head, side: SideBranch) -> None:
        super().__init__()
        self.head, self.side = head, side

    def forward(self, features: Tensor, beside: Tensor) -> Tensor:
        """Outputs (N, K) for features (N, F) and side inputs (N, S)."""
        return self.head(features, self.side(beside))


class Residual(nn.Module):
    """A residual connection: the output of a chain of layers plus its input, brought to the same shape."""

    def __init__(self, main: nn.Sequential, way_round: nn.Sequential) -> None:
        super().__init__()
        self.main = main
        self.way_round = way_round

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, F, h, w)."""
        return self.main(x) + self.way_round(x)


class CNN(nn.Module):
    """Convolution blocks (``features``), ``neck`` and ``head``, all of them plain modules in sequence.

    Parameters
    ----------
    settings
        Depth, width and type of the layers.
    shape
        (C, H, W) of the stamps.
    outputs
        Number of outputs.
    side
        Number of inputs beside the image, and of hidden units for them; none without such inputs.

    Raises
    ------
    NotPossible
        The stamp is too small for this number of blocks.
    """

    def __init__(
        self, settings: NetworkSettings, shape: tuple[int, int, int], outputs: int, side: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        self.settings, self.shape, self.outputs = settings, shape, outputs
        self.frozen_blocks = 0
        self.keeps_statistics = False
        self.features = nn.Sequential()
        self.blocks: list[list[str]] = []
        channels, height, width = self._add_backbone_stages() if settings.backbone else self._add_plain_blocks()
        self.neck: nn.Module = GlobalMean() if settings.pooling == "global" else nn.Flatten()
        inputs = channels if settings.pooling == "global" else channels * height * width
        self.head = Head()
        if settings.dense:
            self.head.add_module("dense", nn.Linear(inputs, settings.dense))
            self.head.add_module("activation", _activation(settings, settings.dense))
            inputs = settings.dense
        self.head.add_module("dropout", OwnDropout(settings.dropout))
        self.head.add_module("output", nn.Linear(inputs, outputs))
        self.side = None if side is None else SideBranch(settings, *side, settings.dense or outputs)

    def _add_plain_blocks(self) -> tuple[int, int, int]:
        """Add the blocks of the plain network; return the shape (C, h, w) of their output."""
        settings = self.settings
        channels, height, width = self.shape
        deepest = largest_depth(height, width)
        if settings.depth > deepest:
            raise NotPossible(
                f"{settings.depth} blocks are too many for stamps of {width} × {height} pixels, since each block "
                "halves them.",
                f"Choose at most {deepest} blocks, or larger stamps.",
                "network.depth",
            )
        for number in range(1, settings.depth + 1):
            filters = filters_of(settings, number)
            pooled = height >= 2 and width >= 2
            layers = (_residual_block if settings.residual else _block)(settings, number, channels, filters, pooled)
            for name, layer in layers.items():
                self.features.add_module(name, layer)
            self.blocks.append([f"features.{name}" for name in layers])
            channels = filters
            if pooled:
                height, width = height // 2, width // 2
        return channels, height, width

    def _add_backbone_stages(self) -> tuple[int, int, int]:
        """Add the stages of a backbone; return the shape (C, h, w) of their output."""
        for number, stage in enumerate(backbone.build_stages(self.settings.backbone, self.shape[0]), 1):
            self.features.add_module(f"stage{number}", stage)
            self.blocks.append([f"features.stage{number}"])
        with torch.no_grad():
            channels, height, width = self.features.eval()(torch.zeros(1, *self.shape)).shape[1:]
        self.features.train()
        return channels, height, width

    def forward(self, x: Tensor, beside: Tensor | None = None) -> Tensor:
        """One row of outputs (before softmax) for each stamp (N, C, H, W) and its side inputs (N, S), if any."""
        features = self.encode(x)
        if self.side is None:
            return self.head(features)  # (N, K)
        if beside is None:
            raise ValueError("this network has inputs beside the image")
        return self.head(features, self.side(beside))  # (N, K)

    @property
    def after_encoding(self) -> Head | HeadWithSide:
        """What follows the features, as one module: the head, with the side branch if there is one."""
        return self.head if self.side is None else HeadWithSide(self.head, self.side)

    @torch.no_grad()
    def held(self, beside: Tensor) -> CNN:
        """The network of the image alone that this one is at side inputs (1, S), with the same trunk."""
        if self.side is None:
            return self
        held = copy.deepcopy(self, {id(self.features): self.features})
        held.side = None
        first = next(layer for layer in held.head if isinstance(layer, nn.Linear))
        first.bias += self.side(beside)[0]
        return held

    def encode(self, x: Tensor) -> Tensor:
        """What the head sees of each stamp: (N, C, H, W) → (N, filters), or a number for each filter and position."""
        x = self.features(x)  # (N, filters, h, w)
        return self.neck(x)  # (N, filters)

    def train(self, mode: bool = True) -> CNN:
        """Set training or evaluation mode; frozen blocks stay in evaluation mode and keep their statistics.

        With ``keeps_statistics`` the batch normalisation of all other blocks stays in evaluation mode, too.
        """
        super().train(mode)
        for name in (name for names in self.blocks[: self.frozen_blocks] for name in names):
            self.get_submodule(name).eval()
        if self.keeps_statistics:
            for norm in (module for module in self.modules() if isinstance(module, nn.BatchNorm2d)):
                norm.eval()
        return self

    @property
    def stages(self) -> list[backbone.BackboneStage]:
        """The stages of a backbone; none in the plain network."""
        return [stage for stage in self.features if isinstance(stage, backbone.BackboneStage)]

    def block_of(self, name: str) -> int:
        """The block, counted from 1, of a module or parameter; the head counts as one more block."""
        for number, names in enumerate(self.blocks, 1):
            if any(name == module or name.startswith(f"{module}.") for module in names):
                return number
        return len(self.blocks) + 1


def build(
    settings: NetworkSettings,
    shape: tuple[int, int, int],
    outputs: int,
    generator: torch.Generator | None = None,
    side: tuple[int, int] | None = None,
) -> CNN:
    """Build a network with fresh random weights, without touching the global random state.

    Parameters
    ----------
    settings, shape, outputs, side
        As in :class:`CNN`.
    generator
        Random generator for the weights; without one, the weights are always the same.
    """
    generator = generator or torch.Generator().manual_seed(0)
    if settings.backbone:  # timm draws its weights from the global random state
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            network = CNN(settings, shape, outputs, side)
        initialise(network.head, generator)
        if network.side is not None:
            initialise(network.side, generator)
    else:
        with torch.device("meta"):  # no memory, no random numbers yet
            network = CNN(settings, shape, outputs, side)
        network.to_empty(device="cpu")
        initialise(network, generator)
    if network.side is not None:
        network.side.begin()
    return network


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights anew: He initialisation for convolutions, uniform for dense layers, zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.PReLU):
            module.reset_parameters()
        bias = getattr(module, "bias", None)
        if isinstance(bias, Tensor) and not isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.zeros_(bias)


def largest_depth(height: int, width: int) -> int:
    """The largest number of blocks for a stamp: each but the last must have two pixels to pool."""
    return int(math.log2(max(1, min(height, width)))) + 1


def filters_of(settings: NetworkSettings, number: int) -> int:
    """Filters of block ``number`` (from 1), after the first a multiple of 8, which is faster to compute."""
    if number == 1:
        return settings.channels
    wanted = settings.channels * settings.growth ** (number - 1)
    return max(settings.channels, min(settings.most_channels, 8 * round(wanted / 8)))


def _block(settings: NetworkSettings, number: int, inputs: int, filters: int, pooled: bool) -> dict[str, nn.Module]:
    """The layers of a block by name; the last convolution and the pooling are named by the block's number alone."""
    layers: dict[str, nn.Module] = {}
    for layer in range(1, settings.layers + 1):
        is_last = layer == settings.layers
        name = f"{number}" if is_last else f"{number}_{layer}"
        layers[f"conv{name}"] = _convolution(settings, inputs, filters, settings.kernel)
        if is_last and pooled:
            layers[f"pool{name}"] = nn.MaxPool2d(2)
        layers |= {f"norm{name}": norm for norm in _norm(settings, filters)}
        layers[f"activation{name}"] = _activation(settings, filters)
        inputs = filters
    return layers


def _residual_block(
    settings: NetworkSettings, number: int, inputs: int, filters: int, pooled: bool
) -> dict[str, nn.Module]:
    """The layers of a residual block: the last activation follows the sum with the block's input."""
    layers = _block(settings, number, inputs, filters, pooled)
    last = layers.popitem()
    way_round: list[nn.Module] = [nn.AvgPool2d(2)] if pooled else []
    if inputs != filters:
        way_round += [_convolution(settings, inputs, filters, 1), *_norm(settings, filters)]
    main = nn.Sequential()
    for name, layer in layers.items():
        main.add_module(name, layer)
    return {f"residual{number}": Residual(main, nn.Sequential(*way_round)), last[0]: last[1]}


def _convolution(settings: NetworkSettings, inputs: int, filters: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, filters, kernel, padding=kernel // 2, bias=settings.normalise == "none")


def _norm(settings: NetworkSettings, filters: int) -> list[nn.Module]:
    match settings.normalise:
        case "batch":
            return [nn.BatchNorm2d(filters)]
        case "group":
            return [nn.GroupNorm(math.gcd(_GROUPS, filters), filters)]
        case "none":
            return []


def _activation(settings: NetworkSettings, channels: int) -> nn.Module:
    match settings.activation:
        case "relu":
            return nn.ReLU()
        case "leaky relu":
            return nn.LeakyReLU(0.1)
        case "prelu":
            return nn.PReLU(channels)
        case "gelu":
            return nn.GELU()

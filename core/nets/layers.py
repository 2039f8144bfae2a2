r"""The network as a table: output shape, number of parameters and receptive field of each layer.

The receptive field of a unit is the part of the input that can change it. Going forward from the input, a layer with
kernel :math:`k`, stride :math:`s` and padding :math:`p` takes the field :math:`r`, the distance :math:`j` between
neighbouring units, and the position :math:`o` of the first unit's centre (all in input pixels) to

.. math:: r' = r + (k - 1) j, \quad o' = o + ((k - 1) / 2 - p) j, \quad j' = s j.

References
----------
Araujo, Norris & Sim 2019, Distill, doi:10.23915/distill.00021.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.nets.backbone import BackboneStage
from core.nets.cnn import CNN, GlobalMean, Residual


@dataclass(frozen=True)
class LayerRow:
    """One layer, or one residual block.

    Attributes
    ----------
    name
        Name of the module inside the network.
    kind
        Its type, as text.
    shape
        Shape of its output for one galaxy: (C, h, w), or (n,) in the head.
    parameters
        Number of its weights.
    receptive_field
        Side of the square of input pixels that can change one of its units; it may extend beyond the stamp's edge.
        That of the head is the whole stamp.
    stride
        Input pixels between neighbouring units.
    offset
        Centre of the first unit's field, in pixels from the centre of the first pixel.
    block
        Its block, counted from 1; the head counts as one more block.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    receptive_field: int
    stride: int
    offset: float
    block: int


def table(network: CNN, shape: tuple[int, int, int]) -> list[LayerRow]:
    """All layers in their order, for stamps of ``shape`` (C, H, W)."""
    shapes = _output_shapes(network, shape)
    rows: list[LayerRow] = []
    field, jump, offset = 1, 1, 0.0
    for name, module in _chain(network):
        for step in _steps(module):
            kernel, stride, padding = (_side_of(value) for value in (step.kernel_size, step.stride, step.padding))
            field += (kernel - 1) * jump
            offset += ((kernel - 1) / 2 - padding) * jump
            jump *= stride
        if isinstance(module, BackboneStage):
            field, jump, offset = _probe_stage(network, name, shapes[name], shape)
        elif isinstance(module, GlobalMean | nn.Flatten):
            field, jump = max(shape[1:]), max(shape[1:])
            offset = (max(shape[1:]) - 1) / 2
        rows.append(
            LayerRow(
                name=name,
                kind=_kind(module),
                shape=shapes[name],
                parameters=sum(parameter.numel() for parameter in module.parameters()),
                receptive_field=field,
                stride=jump,
                offset=offset,
                block=network.block_of(name),
            )
        )
    return rows


def named_layers(network: CNN) -> list[tuple[str, str, nn.Module]]:
    """Name, kind and module of all layers in their order, without their shapes, and of those beside the image."""
    beside = [] if network.side is None else [(f"side.{name}", each) for name, each in network.side.named_children()]
    return [(name, _kind(module), module) for name, module in [*_chain(network), *beside]]


def _chain(network: CNN) -> list[tuple[str, nn.Module]]:
    """The modules in sequence; a residual block counts as one, since its branches are parallel."""
    parts = [("features", network.features), ("head", network.head)]
    features, head = ([(f"{part}.{name}", each) for name, each in chain.named_children()] for part, chain in parts)
    return [*features, ("neck", network.neck), *head]


def _steps(module: nn.Module) -> list[nn.Conv2d | nn.MaxPool2d]:
    """The layers that change the receptive field; of a residual block, the main branch, whose field is the larger."""
    chain = module.main if isinstance(module, Residual) else [module]
    return [step for step in chain if isinstance(step, nn.Conv2d | nn.MaxPool2d)]


def _probe_stage(
    network: CNN, name: str, units: tuple[int, ...], shape: tuple[int, int, int]
) -> tuple[int, int, float]:
    """Field, stride and offset of a backbone stage, which may have parallel branches or pool over the whole image.

    The field is the extent of the non-zero input gradient of a unit in the middle, with all weights positive; at most
    the stamp. The units are assumed to be spaced evenly about the stamp's centre.
    """
    features = copy.deepcopy(network.features).cpu().double().eval()
    chain = features[: list(dict(features.named_children())).index(name.removeprefix("features.")) + 1]
    for parameter in chain.parameters():
        parameter.detach().abs_().add_(1e-3)
    image = torch.rand(1, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with torch.enable_grad():
        responses = chain(image)
        (slope,) = torch.autograd.grad(responses[0, :, units[1] // 2, units[2] // 2].sum(), image)
    touched = torch.nonzero(slope.abs().sum((0, 1)))
    field = int((touched.max(0).values - touched.min(0).values).max()) + 1 if len(touched) else 1
    stride = max(1, round(max(shape[1] / units[1], shape[2] / units[2])))
    return field, stride, (shape[2] - 1) / 2 - stride * (units[2] - 1) / 2


def _output_shapes(network: CNN, shape: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """Record the output shape of every layer of a copy of the network for a batch without galaxies.

    Nothing is computed for it; on the meta device, the other way, torch would load its compiler, which takes seconds.
    """
    ghost = copy.deepcopy(network).cpu().eval()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, module in _chain(ghost):

        def note(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor, name: str = name) -> None:
            shapes[name] = tuple(output.shape[1:])

        module.register_forward_hook(note)
    with torch.no_grad():
        ghost.head(ghost.encode(torch.empty(0, *shape)))
    return shapes


def _side_of(value: object) -> int:
    """The side of a square kernel, stride or padding, given once or per axis."""
    return int(value[0] if isinstance(value, tuple) else value)  # pyrefly: ignore[bad-argument-type]


def _kind(module: nn.Module) -> str:
    match module:
        case nn.Conv2d():
            return f"convolution {module.kernel_size[0]} × {module.kernel_size[1]}"
        case nn.BatchNorm2d():
            return "batch normalisation"
        case nn.GroupNorm():
            return "group normalisation"
        case BackboneStage():
            return f"stage, {sum(isinstance(part, nn.Conv2d) for part in module.modules())} convolutions"
        case Residual():
            convolutions = sum(isinstance(step, nn.Conv2d) for step in module.main)
            return f"{convolutions} convolution{'s' * (convolutions > 1)} + input"
        case nn.MaxPool2d():
            return "max pooling 2 × 2"
        case nn.Linear():
            return "dense"
        case nn.Dropout():
            return "dropout"
        case GlobalMean():
            return "global mean"
        case nn.Flatten():
            return "flatten"
        case _:
            return {"ReLU": "ReLU", "LeakyReLU": "leaky ReLU"}.get(type(module).__name__, type(module).__name__)

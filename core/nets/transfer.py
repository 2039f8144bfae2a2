"""Transfer learning: starting from an earlier network, with some of its blocks frozen.

The convolution blocks and the hidden dense layer are copied unchanged, with the batch statistics. Of the last layer,
the rows of classes that are mapped, or of quantities with the same name, are copied; the others start at random.
Several new classes that are one old class share its probability evenly at first. Neither the weights nor
the running statistics of a frozen block change at all. (If its weights were only left out of the optimiser, the
statistics of batch normalisation would drift.) The statistics of the other blocks can be kept, too: they are then
those of the old galaxies, as in the network's own answers, and not those of each batch.

References
----------
Yosinski, Clune, Bengio & Lipson 2014; Domínguez Sánchez et al. 2019, MNRAS 484, 93; Li et al. 2017, arXiv:1603.04779
(what batch statistics tell of a survey).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.data import target as targets
from core.data.class_names import complete_mapping
from core.data.target import Classes, Quantities, Target
from core.errors import SettingsProblem
from core.nets import cnn, encoding, heads
from core.nets.cnn import CNN
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor
from core.nets.side_inputs import SideInputs

OUTPUT_LAYER = "head.output."
_SIDE_OUTPUT = "side.output.weight"


def prepare(
    base: Predictor,
    shape: tuple[int, int, int],
    target: Target,
    output_scale: OutputScale | None = None,
    generator: torch.Generator | None = None,
    *,
    error_bars: bool = False,
    class_map: Mapping[str, str] | None = None,
    side: SideInputs | None = None,
) -> CNN:
    """A network for new data with the architecture and the weights of ``base``.

    Parameters
    ----------
    base
        The earlier network; it is not changed. Its ``check`` tests whether bands and size fit.
    shape
        (C, H, W) of the new stamps.
    target
        The new target.
    output_scale
        For quantities: centre and scatter of the new training galaxies. Copied rows are converted to
        it, so that the network still predicts the same physical values.
    generator
        Random generator for the new weights.
    error_bars
        Whether the new network predicts error bars of quantities; those outputs always start at random.
    class_map
        Which class of ``base`` each new class continues, where the user chose it, see
        :func:`core.data.class_names.complete_mapping`.
    side
        What the new network takes beside the image: the columns of ``base``, in its order, or others where it takes
        none. Where it takes none, but ``base`` does, it continues what that is for a typical galaxy.
    """
    base = base if side is not None else base.held_at_typical()
    outputs = heads.output_count(target, error_bars=error_bars)
    network = cnn.build(base.network.settings, shape, outputs, generator, None if side is None else side.branch)
    old, new = base.network.state_dict(), network.state_dict()
    rows = _output_rows(base.target, target, class_map)
    shares = Counter(rows.values())
    with torch.no_grad():
        for name, value in new.items():
            if name in old and not _is_of_outputs(name, network):
                value.copy_(old[name])
        for row, old_row in rows.items():
            weight, bias = old["head.output.weight"][old_row], old["head.output.bias"][old_row]
            weight, bias = _convert_units(weight, bias, base.output_scale, output_scale, old_row, row)
            new["head.output.weight"][row] = weight
            new["head.output.bias"][row] = bias - math.log(shares[old_row])
            if base.side is not None and _is_of_outputs(_SIDE_OUTPUT, network):
                added = old[_SIDE_OUTPUT][old_row]
                new[_SIDE_OUTPUT][row] = _convert_units(added, bias, base.output_scale, output_scale, old_row, row)[0]
    return network


def matched_rows(old: Target, new: Target, class_map: Mapping[str, str] | None = None) -> dict[int, int]:
    """Answers that a new target takes over from an old one, classes by the map, others by name: new → old column.

    A quantity continues only one that is learned in the same way: an angle one with the same period, a logarithm a
    logarithm.
    """
    if type(old) is not type(new):
        return {}
    before, now = targets.outputs(old), targets.outputs(new)
    if isinstance(new, Classes):
        names = complete_mapping(before, now, class_map or {})
    else:
        known = [dict(zip(targets.outputs(each), targets.encodings_of(each), strict=True)) for each in (old, new)]
        names = {name: name for name in now if name in before and known[0][name] == known[1][name]}
    return {row: before.index(names[name]) for row, name in enumerate(now) if name in names}


def _output_rows(old: Target, new: Target, class_map: Mapping[str, str] | None) -> dict[int, int]:
    """The same for the rows of the last layer, of which an angle has two."""
    rows = matched_rows(old, new, class_map)
    if not (isinstance(old, Quantities) and isinstance(new, Quantities)):
        return rows
    before, now = encoding.places(old), encoding.places(new)
    return {mine: its for row, place in rows.items() for mine, its in zip(now[row], before[place], strict=True)}


def freeze(network: CNN, blocks: int, *, keeps_statistics: bool = False) -> None:
    """Freeze the weights and running statistics of the first ``blocks`` blocks, also in training mode.

    Parameters
    ----------
    network
        It is changed in place; blocks that were frozen before and no longer are can be trained again.
    blocks
        Number of blocks, counted from the input; 0: none.
    keeps_statistics
        Whether the running statistics of the other blocks are kept, too, while their weights are trained.

    Raises
    ------
    SettingsProblem
        The network has fewer blocks.
    """
    depth = len(network.blocks)
    if blocks > depth:
        raise SettingsProblem(
            f"The network has {depth} blocks, so that {blocks} cannot be frozen.",
            f"Choose at most {depth}; then only the head is trained.",
            "transfer.freeze_blocks",
        )
    network.frozen_blocks, network.keeps_statistics = blocks, keeps_statistics
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(network.block_of(name) > blocks)
    network.train(network.training)


def copied_weights(base: CNN) -> dict[str, Tensor]:
    """The weights, by name, that a network takes over from ``base`` wholly: all but those of the last layer."""
    return {name: value.detach() for name, value in base.named_parameters() if not _is_of_outputs(name, base)}


def _is_of_outputs(name: str, network: CNN) -> bool:
    """Whether a parameter belongs to the outputs: to the last layer, or to what is added to it beside the image."""
    return name.startswith(OUTPUT_LAYER) or (name == _SIDE_OUTPUT and not network.settings.dense)


def trainable_parameters(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that are not frozen."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _convert_units(
    weight: Tensor, bias: Tensor, old: OutputScale | None, new: OutputScale | None, old_row: int, row: int
) -> tuple[Tensor, Tensor]:
    if old is None or new is None:
        return weight, bias
    ratio = old.scale[old_row] / new.scale[row]
    shift = (old.centre[old_row] - new.centre[row]) / new.scale[row]
    return weight * ratio, bias * ratio + shift


def changed_encodings(old: Target, new: Target) -> list[str]:
    """Names of quantities that both targets have, but learned in another way: they start at random."""
    if not (isinstance(old, Quantities) and isinstance(new, Quantities)):
        return []
    before = dict(zip(old.columns, old.encodings, strict=True))
    return [name for name, each in zip(new.columns, new.encodings, strict=True) if before.get(name, each) != each]


def changed_units(old: Target, new: Target) -> list[str]:
    """Names of quantities that both targets have, but in different units."""
    if not (isinstance(old, Quantities) and isinstance(new, Quantities)):
        return []
    before = dict(zip(old.columns, old.units, strict=True))
    return [name for name, unit in zip(new.columns, new.units, strict=True) if name in before and before[name] != unit]

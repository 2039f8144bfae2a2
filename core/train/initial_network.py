"""The network that fine-tuning starts from, and how its bands and classes fit the new dataset."""

from __future__ import annotations

from pathlib import Path

from core.data.class_names import complete_mapping
from core.data.cutouts import Cutouts
from core.data.target import Classes, Target
from core.errors import Problem, SettingsProblem
from core.nets import opening, transfer
from core.nets.band_mapping import BandMapping
from core.nets.mapped_cutouts import MappedCutouts
from core.nets.predictor import Predictor
from core.train import tuned_blocks
from core.train.settings import RunSettings
from core.wording import count_of


def load(settings: RunSettings) -> Predictor | None:
    """Load the network that fine-tuning starts from; None: random weights."""
    transfer_settings = settings.transfer
    if transfer_settings.start_from:
        return Predictor.load(transfer_settings.start_from, needs_answers=False)
    if transfer_settings.freeze_blocks:
        raise SettingsProblem(
            "Blocks can only be frozen when starting from an earlier network; random weights would stay random.",
            "Choose a run to start from, or freeze nothing.",
            "transfer.freeze_blocks",
        )
    return None


def choose_bands(
    settings: RunSettings, cutouts: Cutouts, network: Predictor | None, *, is_resumed: bool
) -> tuple[RunSettings, Cutouts]:
    """The dataset with the bands that the network takes, and the settings with the choice of them."""
    if network is None:
        return settings, cutouts
    bands = [band.name for band in cutouts.bands]
    choice = settings.transfer.bands
    if is_resumed:
        mapping = BandMapping(network.bands_from) if network.bands_from else None
    elif choice:
        mapping = BandMapping.parse(choice, bands, network.bands, "transfer.bands")
    else:
        mapping = opening.find_mapping(network, Path(settings.transfer.start_from).expanduser(), bands)
    if mapping is None:
        return settings, cutouts
    transferred = settings.transfer.model_copy(update={"bands": mapping.text})
    return settings.model_copy(update={"transfer": transferred}), MappedCutouts(cutouts, mapping, network.bands)


def adapt(
    settings: RunSettings, base: Predictor, target: Target, cutouts: Cutouts
) -> tuple[RunSettings, list[Problem]]:
    """Settings with the network of the earlier run and the map of its classes, and what to know about the two."""
    settings = settings.model_copy(update={"network": base.network.settings})
    notices = compare(base, target, cutouts) + explain_tuning(settings, base)
    settings, mapped = map_classes(drop_idle_views(settings, base), base.target, target)
    return settings, [*notices, *mapped]


def compare(base: Predictor, target: Target, cutouts: Cutouts) -> list[Problem]:
    """Warn of differences between the dataset that the base was trained on and this one."""
    found = base.check([band.name for band in cutouts.bands], cutouts.shape[1:], cutouts.median_pixel_scale)
    found += base.compare_stamps(cutouts.recipe)
    units = transfer.changed_units(base.target, target)
    if units:
        found.append(
            Problem(
                f"The units of {', '.join(units)} differ from those of the earlier network.",
                "Its predictions start from the old units; bring the columns to the same units if you can.",
            )
        )
    changed = transfer.changed_encodings(base.target, target)
    if changed:
        found.append(
            Problem(
                f"{', '.join(changed)}: the earlier network learned this with another period, as a plain number or as "
                "a logarithm, so that its outputs start at random.",
                "To continue them, choose what the earlier run has under Angles and Logarithms.",
                "data.angles",
            )
        )
    return found


def drop_idle_views(settings: RunSettings, base: Predictor) -> RunSettings:
    """The settings without kept views where a block is tuned, whose answers change, or other galaxies are shown, too.

    They then have no effect at all, not even on the default learning rate.
    """
    if settings.transfer.freeze_blocks >= len(base.network.blocks) and settings.unlabelled.method == "none":
        return settings
    return settings.model_copy(update={"transfer": settings.transfer.model_copy(update={"cached_views": 0})})


def explain_tuning(settings: RunSettings, base: Predictor) -> list[Problem]:
    """Notices of choices of how much is tuned that have no effect beside the others, or not within the epochs."""
    chosen, blocks, epochs = settings.transfer, len(base.network.blocks), settings.optimiser.epochs
    shows_others = settings.unlabelled.method != "none"
    is_idle = chosen.freeze_blocks < blocks or shows_others
    idle: dict[str, bool] = {"cached_views": bool(chosen.cached_views) and is_idle}
    if chosen.freeze_blocks >= blocks:
        idle |= {
            "block_rate": chosen.block_rate < 1,
            "unfreeze_every": bool(chosen.unfreeze_every),
            "batch_statistics": chosen.batch_statistics == "kept",
        }
    why = {"cached_views": f"Features are kept only where all {blocks} blocks are frozen."}
    if shows_others:
        why = {"cached_views": "No features are kept where galaxies without labels are shown, too."}
    otherwise = "All blocks are frozen, so that this has no effect."
    found = [Problem(why.get(name, otherwise), "", f"transfer.{name}") for name, is_idle in idle.items() if is_idle]
    if chosen.freeze_blocks >= blocks and not chosen.cached_views and settings.optimiser.learning_rate is None:
        found.append(
            Problem(
                "The head alone is trained, at a tenth of the usual learning rate.",
                "With kept views it learns at the usual one, and within seconds; or choose a learning rate.",
                "transfer.cached_views",
            )
        )
    left = tuned_blocks.frozen_blocks(chosen, blocks, epochs) - chosen.freeze_blocks
    if left > 0:
        found.append(
            Problem(
                f"{epochs} epochs are too few to unfreeze all blocks: {count_of(left, 'block')} will not be tuned.",
                "Unfreeze more often, or train for more epochs.",
                "transfer.unfreeze_every",
            )
        )
    return found


def map_classes(settings: RunSettings, old: Target, new: Target) -> tuple[RunSettings, list[Problem]]:
    """The settings with the whole map of the classes, and a notice of those that have other names or none."""
    if not (isinstance(old, Classes) and isinstance(new, Classes)):
        return settings, []
    found = complete_mapping(old.names, new.names, settings.transfer.class_map)
    transferred = settings.transfer.model_copy(update={"class_map": {name: found.get(name, "") for name in new.names}})
    settings = settings.model_copy(update={"transfer": transferred})
    renamed = [f"“{name}” continues “{match}”" for name, match in found.items() if name != match]
    fresh = [f"“{name}” starts at random" for name in new.names if name not in found]
    if not renamed and not fresh:
        return settings, []
    sentence = f"Classes of the earlier network: {'; '.join(renamed + fresh)}."
    return settings, [Problem(sentence, "", "transfer.class_map")]

r"""A paragraph on the methods of a run, of what it used and nothing else, each with the works to cite.

Statements carry their citations as ``[[Kingma2015,Loshchilov2019]]``; they become “(Kingma & Ba 2015; …)” in Markdown
and ``\citep{Kingma2015,Loshchilov2019}`` in LaTeX.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from core.data import target as targets
from core.data.target import Classes, Quantities, VoteFractions
from core.nets.settings import NetworkSettings
from core.train.augmentation.settings import AugmentationSettings
from core.train.description import citations
from core.train.description.facts import RunFacts
from core.version import PROGRAM
from core.wording import count_of

_CITED = re.compile(r" ?\[\[([^\]]+)\]\]")
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "−": "$-$",
    "°": r"$^\circ$",
    "“": "``",
    "”": "''",
    "²": "$^2$",
    "σ": r"$\sigma$",
}
_UNLABELLED = {
    "fixmatch": ("pseudo-labels of confident answers (FixMatch)", "Sohn2020"),
    "coral": ("an alignment of the covariances of its features (CORAL)", "Sun2016"),
    "mmd": ("the maximum mean discrepancy between its features in both surveys", "Long2015"),
    "dann": ("a domain discriminator with reversed gradients (DANN)", "Ganin2016"),
    "mcc": ("minimum class confusion (MCC)", "Jin2020"),
}


def format_markdown(facts: RunFacts) -> str:
    """The paragraph as plain text, works by author and year, and the list of their BibTeX entries below."""
    return f"{format_text(facts)}\n\n```bibtex\n{citations.format_bibtex(works(facts))}```\n"


def format_text(facts: RunFacts) -> str:
    """The paragraph as plain text, works by author and year."""
    return _in_text(_paragraph(facts))


def _in_text(text: str) -> str:
    return _CITED.sub(lambda found: f" ({'; '.join(map(citations.name_work, found[1].split(',')))})", text)


def describe_scaling(facts: RunFacts) -> str:
    """How pixel values enter the network, as text."""
    return _in_text(_describe_scaling(facts))


def describe_answers(facts: RunFacts) -> str:
    """What is done with the network's outputs, as text; empty: nothing."""
    return _in_text(_describe_answers(facts))


def describe_network(facts: RunFacts) -> str:
    """The layers, as text."""
    return _in_text(_describe_network(facts.settings.network))


def describe_loss(facts: RunFacts) -> str:
    """What the training minimised, as text."""
    return _in_text(_describe_loss(facts))


def format_latex(facts: RunFacts) -> str:
    r"""The paragraph for a paper, with ``\citep``."""
    pieces = _CITED.split(_paragraph(facts))  # text, keys, text, …
    shown = [rf"~\citep{{{piece}}}" if place % 2 else escape_latex(piece) for place, piece in enumerate(pieces)]
    return f"% Written by {PROGRAM}; cite with references.bib, as with natbib.\n" + "".join(shown) + "\n"


def works(facts: RunFacts) -> list[str]:
    """The keys of the works that the paragraph cites, in its order."""
    return list(dict.fromkeys(key for keys in _CITED.findall(_paragraph(facts)) for key in keys.split(",")))


def escape_latex(text: str) -> str:
    """A text whose letters mean nothing to LaTeX."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _paragraph(facts: RunFacts) -> str:
    parts: Iterable[str] = (
        _describe_data(facts),
        _describe_scaling(facts),
        _describe_beside(facts),
        _describe_network(facts.settings.network),
        _describe_start(facts),
        _describe_loss(facts),
        _describe_optimiser(facts),
        describe_augmentation(facts.settings.augmentation),
        _describe_unlabelled(facts),
        _describe_stopping(facts),
        _describe_answers(facts),
        _describe_software(facts),
    )
    return " ".join(part for part in parts if part)


def _describe_data(facts: RunFacts) -> str:
    channels, height, width = facts.plan["stamp_shape"]
    bands, scale = ", ".join(facts.plan["bands"]), facts.plan["pixel_scale"]
    counts = facts.galaxies
    of = f" at {scale:.3g} arcsec per pixel" if scale else ""
    shown = f"stamps of {width} × {height} pixels{of} in {count_of(channels, 'band')} ({bands})"
    split = ", ".join(f"{count:,} for {part}" for part, count in counts.items() if count)
    rule = f"; the parts were drawn with seed {facts.split_seed} ({facts.split_rule})" if facts.split_rule else ""
    used = f" Galaxies: {split}{rule}." if split else ""
    if facts.has_answers:
        aim = "to predict the vote fractions of" if isinstance(facts.target, VoteFractions) else "to measure"
        aim = "to classify galaxies as" if isinstance(facts.target, Classes) else aim
        what = f" {aim} {_join(targets.outputs(facts.target))}"
    else:
        what = " on galaxies without labels"
    return f"We trained a convolutional neural network [[LeCun1998]]{what} from {shown}.{used}"


def _describe_scaling(facts: RunFacts) -> str:
    kind, samplewise = facts.plan["normalisation"], facts.plan["samplewise"]
    steps: list[str] = []
    if samplewise != "none":
        divided = " and divided by its standard deviation" if samplewise == "standard" else ""
        steps.append(f"each stamp had its mean subtracted{divided}")
    if kind == "asinh":
        steps.append(
            "pixel values were compressed by an inverse hyperbolic sine with the sky noise as its knee [[Lupton1999]]"
        )
    if kind in {"standard", "asinh"}:
        steps.append("each band was brought to zero mean and unit variance over the training galaxies")
    else:
        steps.append("the mean of each band over the training galaxies was subtracted")
    if facts.settings.network.whitening != "none":
        steps.append("correlations between pixels were removed by ZCA whitening [[Krizhevsky2009]]")
    return f"As input scaling, {_join(steps)}."


def _describe_beside(facts: RunFacts) -> str:
    side = facts.beside
    if side is None:
        return ""
    told = " and a second input told the network so" if any(column.missing for column in side.columns) else ""
    return (
        f"Beside the image, the network took {_join(column.title for column in side.columns)} from the catalogue; of "
        "each the median over the training galaxies was subtracted, and it was divided by half the range of the middle "
        f"68 per cent of them. The median stood for a missing value{told}. A hidden layer of {side.units} units led "
        "from these to the first dense layer, to which it added its output."
    )


def _describe_network(settings: NetworkSettings) -> str:
    if settings.backbone:
        cited = "Wightman2019,Walmsley2023" if "zoobot" in settings.weights.lower() else "Wightman2019"
        return f"The network has {settings.backbone} as its backbone [[{cited}]], {_describe_head(settings)}."
    layers = f" of {count_of(settings.layers, 'convolution')} each" if settings.layers > 1 else ""
    kind = "residual blocks" if settings.residual else "blocks"
    cited = " [[He2016]]" if settings.residual else ""
    norm = {"batch": ", batch normalisation [[Ioffe2015]]", "group": ", group normalisation [[Wu2018]]", "none": ""}
    return (
        f"The network has {settings.depth} {kind}{cited}{layers} with {settings.kernel} × {settings.kernel} filters, "
        f"{settings.channels} in the first block and {settings.growth:g} times as many in each following one (at most "
        f"{settings.most_channels}), max pooling{norm[settings.normalise]} and {settings.activation} activations, "
        f"{_describe_head(settings)}."
    )


def _describe_head(settings: NetworkSettings) -> str:
    pooled = "global average pooling" if settings.pooling == "global" else "a flattened feature map"
    dense = f", a dense layer of {settings.dense} units" if settings.dense else ""
    dropout = f", dropout of {settings.dropout:g} [[Srivastava2014]]" if settings.dropout else ""
    return f"followed by {pooled}{dense}{dropout} and a linear output layer"


def _describe_start(facts: RunFacts) -> str:
    transfer = facts.settings.transfer
    if not transfer.start_from:
        return ""
    said = "The training started from the weights of an earlier network"
    details: list[str] = []
    if transfer.freeze_blocks:
        details.append(f"the first {count_of(transfer.freeze_blocks, 'block')} stayed as they were")
    if transfer.block_rate != 1:
        details.append(
            f"each block learned at {transfer.block_rate:g} times the rate of the one behind it [[Howard2018]]"
        )
    if transfer.unfreeze_every:
        details.append(f"one block more was trained every {count_of(transfer.unfreeze_every, 'epoch')} [[Howard2018]]")
    if transfer.pull_to_start:
        details.append(f"the weights were pulled towards them by {transfer.pull_to_start:g} [[XuhongLi2018]]")
    return f"{said}; {_join(details)}." if details else f"{said}."


def _describe_loss(facts: RunFacts) -> str:
    target, loss, options = facts.target, facts.settings.loss, facts.settings.optimiser
    if not facts.has_answers:
        return "Two variations of each galaxy were to be recognised among all others of a batch (SimCLR) [[Chen2020]]."
    if isinstance(target, Classes):
        said = "It minimised the cross-entropy"
        if loss.classes == "focal":
            said = f"It minimised the focal loss with an exponent of {loss.focus:g} [[Lin2017]]"
        elif loss.label_smoothing:
            said += f" with labels smoothed by {loss.label_smoothing:g} [[Szegedy2016]]"
        balanced = [
            name
            for name, on in (("class weights", options.class_weights), ("balanced batches", options.balanced_batches))
            if on
        ]
        if balanced:
            adjusted = (
                ", corrected to the probabilities of the survey [[Menon2021]]" if options.survey_probabilities else ""
            )
            said += f", with {_join(balanced)}{adjusted}"
        return f"{said}."
    if isinstance(target, VoteFractions):
        named = {
            "cross-entropy": "the cross-entropy with the vote fractions",
            "multinomial": "the multinomial likelihood of the votes",
            "dirichlet": "the Dirichlet-multinomial likelihood of the votes [[Walmsley2022]]",
        }
        return f"It minimised {named[loss.votes]}."
    assert isinstance(target, Quantities)
    named = {
        "huber": "the Huber loss [[Huber1964]]",
        "mse": "the mean squared error",
        "mae": "the mean absolute error",
        "gaussian": "the negative logarithm of a Gaussian likelihood whose width it predicts, too [[Nix1994]]",
    }
    said = f"It minimised {named[loss.quantities]} of quantities in units of their scatter"
    if target.angles:
        said += f"; angles ({', '.join(target.angles)}) were learned as cosine and sine [[Mardia2000]]"
    if target.logarithms:
        said += f"; of {', '.join(target.logarithms)} the logarithm was learned"
    return f"{said}."


def _describe_optimiser(facts: RunFacts) -> str:
    options, rate = facts.settings.optimiser, facts.largest_rate
    named = {
        "adamw": "AdamW [[Kingma2015,Loshchilov2019]]",
        "adam": "Adam [[Kingma2015]]",
        "sgd": f"stochastic gradient descent with momentum {options.momentum:g}"
        + (" (Nesterov) [[Sutskever2013]]" if options.nesterov and options.momentum else ""),
    }
    decays = {
        "constant": "",
        "step": " falling in steps",
        "exponential": " falling exponentially",
        "inverse": " falling inversely with time",
        "cosine": " falling along a half cosine [[Loshchilov2017]]",
        "one-cycle": " in one cycle [[Smith2018]]",
        "plateau": " reduced on plateaus",
    }
    largest = f" with a learning rate of at most {rate:.3g}" if math.isfinite(rate) else ""
    warm = f" after a warm-up of {options.warm_up:g} epochs [[Goyal2017]]" if options.warm_up else ""
    decay = f", a weight decay of {options.weight_decay:g}" if options.weight_decay else ""
    repeats = f", each galaxy {options.repeats} times an epoch" if (options.repeats or 1) > 1 else ""
    averaged = ""
    if options.averaging:
        epochs = "epoch" if options.averaging == 1 else f"{options.averaging:g} epochs"
        averaged = f" The weights are averages over the last {epochs} [[Polyak1992,Izmailov2018]]."
    return (
        f"The optimiser was {named[options.method]}{largest}{decays[options.decay]}{warm}{decay} and batches of "
        f"{count_of(facts.batch, 'galaxy')}{repeats}.{averaged}"
    )


def describe_augmentation(settings: AugmentationSettings) -> str:
    """The augmentations that were on, with their ranges; empty: none was."""
    s = settings
    on = [
        (s.rotation > 0, f"rotations by up to ±{s.rotation:g}°"),
        (
            s.width_shift > 0 or s.height_shift > 0,
            f"shifts by up to {100 * s.width_shift:g} % of the width and {100 * s.height_shift:g} % of the height",
        ),
        (s.zoom_min < 1 or s.zoom_max > 1, f"zooms by {s.zoom_min:g} to {s.zoom_max:g}"),
        (s.horizontal_flip or s.vertical_flip, "mirror images" + (" with swapped labels" if s.swap_labels else "")),
        (s.shear > 0, f"shears by up to ±{s.shear:g}°"),
        (s.noise > 0, f"Gaussian noise of {s.noise:g} standard deviations of the scaled input"),
        (s.psf_blur > 0, f"blurs of up to {s.psf_blur:g} pixels (FWHM)"),
        (s.sky_noise > 1, f"up to {s.sky_noise:g} times the sky noise"),
        (s.distance > 1, f"distances up to {s.distance:g} times as large"),
        (s.neighbours > 0, f"an added neighbour in {100 * s.neighbours:g} % of the stamps"),
        (
            s.brightness_min < 1 or s.brightness_max > 1,
            f"brightness factors of {s.brightness_min:g} to {s.brightness_max:g}",
        ),
        (s.signal_to_noise > 0, f"noise down to a signal-to-noise ratio of {s.signal_to_noise:g}"),
        (s.gradient > 0, f"sky gradients of up to {s.gradient:g} σ"),
        (s.cosmic_rays > 0, f"{s.cosmic_rays:g} cosmic rays per stamp"),
        (s.dead_pixels > 0, f"{s.dead_pixels:g} dead pixels per stamp"),
        (s.band_drop > 0, f"a missing band with a probability of {s.band_drop:g}"),
    ]
    used = [text for is_on, text in on if is_on]
    return f"Training galaxies were varied at random by {_join(used)}." if used else ""


def _describe_unlabelled(facts: RunFacts) -> str:
    settings = facts.settings.unlabelled
    if settings.method == "none":
        return ""
    how, work = _UNLABELLED[settings.method]
    shown = (facts.metrics.get("data") or {}).get("unlabelled") or {}
    of = f" from {shown['galaxies']:,} galaxies of {shown['data']}" if shown else ""
    return f"It also learned without labels{of}, by {how} [[{work}]]."


def _describe_stopping(facts: RunFacts) -> str:
    epochs, best = facts.metrics.get("epochs", 0), facts.metrics.get("best_epoch", 0)
    if not epochs:
        return ""
    if facts.settings.stopping.keep == "last":
        return f"It was trained for {count_of(epochs, 'epoch')}, and the weights of the last one were kept."
    early = ", when the validation had stopped improving" if facts.metrics.get("reason") == "early" else ""
    return (
        f"It was trained for {count_of(epochs, 'epoch')}{early}; the validation part chose the weights of epoch {best}."
    )


def _describe_answers(facts: RunFacts) -> str:
    views, calibration = len(facts.plan["views"]), facts.plan["calibration"]
    averaged = f"Answers are means over {views} mirror images and quarter turns of each galaxy." if views > 1 else ""
    fitted = "Error bars were calibrated on the validation part [[Lei2018]]." if calibration else ""
    return " ".join(
        part for part in (averaged, fitted, _describe_temperature(facts), _describe_decision(facts)) if part
    )


def _describe_temperature(facts: RunFacts) -> str:
    found = facts.temperature
    if found is None:
        return ""
    return (
        "Probabilities were taken to the power of 1/T and divided by their sum, with the temperature "
        f"T = {found.value:.3g} ± {found.error:.2g} fitted on {found.galaxies:,} galaxies of the validation part "
        "[[Guo2017]]."
    )


def _describe_decision(facts: RunFacts) -> str:
    decision = facts.decision
    if not decision.weights:
        return ""
    factors = _join(f"{weight:.3g} ({name})" for name, weight in zip(decision.names, decision.weights, strict=True))
    return (
        f"As the class of a galaxy we took that with the largest product of probability and factor, the factors being "
        f"{factors}: {decision.text}."
    )


def _describe_software(facts: RunFacts) -> str:
    versions = facts.environment.get("versions") or {}
    used = [("PyTorch", "torch"), ("NumPy", "numpy"), ("Astropy", "astropy")]
    named = [f"{title} {str(versions[name]).split('+')[0]} [[{title}]]" for title, name in used if name in versions]
    return "We used Tuning Fork [[TuningFork]]" + (f" with {_join(named)}." if named else ".")


def _join(parts: Iterable[str]) -> str:
    """A list in words."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

"""How deep, how wide, how seen: the knobs of the network."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting

_OWN = ("backbone", ("",))


class NetworkSettings(Settings):
    """A plain convolutional network, told by its depth, or one that others have designed."""

    backbone: str = setting(
        "",
        title="Backbone",
        help="Empty: the plain network that the other settings tell. Else the name of a network of timm that takes the "
        "place of its blocks, such as resnet18, convnext_nano or efficientnet_b0.",
        level="expert",
        source="Wightman 2019, doi:10.5281/zenodo.4414861",
    )
    weights: str = setting(
        "",
        title="Weights",
        help="Where the backbone's first weights come from. Empty: random numbers. A safetensors file. Or, fetched "
        "from the hub: hub for those that timm names, hf_hub:owner/name for others, as "
        "hf_hub:mwalmsley/zoobot-encoder-convnext_nano, which has learned from Galaxy Zoo.",
        level="expert",
        source="Walmsley et al. 2023",
        applies=("backbone", ()),
    )

    depth: int = setting(
        5,
        title="Depth",
        help="Number of convolution blocks. Each halves the image and looks at twice the area, so that deeper "
        "networks see larger structures.",
        unit="blocks",
        ge=1,
        le=10,
        source="Zeiler & Fergus 2014",
        applies=_OWN,
    )
    layers: int = setting(
        1,
        title="Layers per block",
        help="Convolutions in each block, one after the other. More of them see finer combinations at the same scale.",
        ge=1,
        le=4,
        level="expert",
        source="Simonyan & Zisserman 2015",
        applies=_OWN,
    )
    residual: bool = setting(
        False,
        title="Residual blocks",
        help="Each block adds to what it was given instead of replacing it, so that deep networks can be trained. Such "
        "a sum has no way back for deconvnet and guided back-propagation.",
        level="expert",
        source="He et al. 2016",
        applies=_OWN,
    )
    channels: int = setting(
        32,
        title="Channels",
        help="Filters in the first block.",
        ge=4,
        le=512,
        scale="log",
        applies=_OWN,
    )
    growth: float = setting(
        1.5,
        title="Growth",
        help="Each block has this many times the filters of the one before.",
        ge=1,
        le=4,
        level="expert",
        applies=_OWN,
    )
    most_channels: int = setting(
        256,
        title="At most",
        help="No block has more filters than this.",
        ge=4,
        le=2048,
        scale="log",
        level="expert",
        applies=_OWN,
    )
    kernel: Literal[3, 5, 7] = setting(
        3,
        title="Kernel",
        help="Side of the filters.",
        unit="pixels",
        level="expert",
        applies=_OWN,
    )
    activation: Literal["relu", "leaky relu", "prelu", "gelu"] = setting(
        "relu",
        title="Activation",
        help="What follows each convolution.",
        level="expert",
        applies=_OWN,
    )
    normalise: Literal["batch", "group", "none"] = setting(
        "batch",
        title="Normalisation",
        help="Bring the responses to zero mean and unit variance; trains faster and more surely. Batch: each filter, "
        "over the galaxies of a batch. Group: up to eight groups of filters, over the pixels of each galaxy, which "
        "suits batches of a few galaxies.",
        level="expert",
        source="Ioffe & Szegedy 2015; Wu & He 2018",
        applies=_OWN,
    )
    pooling: Literal["global", "flatten"] = setting(
        "global",
        title="Before the head",
        help="Global: the mean response of each filter, wherever it is in the image. Flatten: every position has "
        "its own weights, which needs many more galaxies.",
        level="expert",
    )
    dense: int = setting(
        64,
        title="Dense units",
        help="Units of the hidden dense layer in the head; 0: none.",
        ge=0,
        le=4096,
        level="expert",
    )
    dropout: float = setting(
        0.2,
        title="Dropout",
        help="Share of responses silenced at random before the last layer, in training only.",
        ge=0,
        lt=1,
        source="Srivastava et al. 2014",
    )
    normalisation: Literal["auto", "standard", "centre", "asinh"] = setting(
        "auto",
        title="Input scaling",
        help="Standard: subtract the mean and divide by the standard deviation of each band. Centre: subtract the mean "
        "only. Asinh: first compress bright pixels, with the noise of the training galaxies as the knee. Auto: asinh "
        "for calibrated images, standard for 8-bit pictures. Fitted on the training part only, and kept inside the "
        "network's file.",
        level="expert",
        source="Lupton, Gunn & Szalay 1999",
    )
    samplewise: Literal["none", "centre", "standard"] = setting(
        "none",
        title="Each galaxy by itself",
        help="Before that, subtract each stamp's own mean (centre), and divide by its own standard deviation "
        "(standard), over all its bands. The network then no longer knows how bright a galaxy is.",
        level="expert",
    )
    whitening: Literal["none", "ZCA"] = setting(
        "none",
        title="Whitening",
        help="After that, take the correlations between pixels away, as they are in the training galaxies. It raises "
        "faint detail, and the noise even more, which seldom does galaxies good. Stamps must then always have the "
        "training's size.",
        level="expert",
        source="Krizhevsky 2009",
    )
    whitening_floor: float = setting(
        0.1,
        title="Floor of variances",
        help="Added to the variance of each pattern before it is brought to one, as a share of the mean variance: "
        "patterns that vary less than this stay faint.",
        gt=0,
        le=100,
        scale="log",
        level="expert",
        applies=("whitening", ("ZCA",)),
    )


class LossSettings(Settings):
    """How wrong an answer is; of the three kinds, the one counts that the labels are of."""

    classes: Literal["cross-entropy", "focal"] = setting(
        "cross-entropy",
        title="Of classes",
        help="Cross-entropy: minus the logarithm of the true class's probability. Focal: galaxies that are recognised "
        "already count for less, so that the hard ones are learned.",
        source="Lin et al. 2017",
    )
    focus: float = setting(
        2.0,
        title="Focus",
        help="Galaxies count as (1 - p) to this power, p being their class's probability; 0: all alike.",
        ge=0,
        le=10,
        level="expert",
        applies=("classes", ("focal",)),
    )
    label_smoothing: float = setting(
        0.0,
        title="Label smoothing",
        help="Share of each label that is spread evenly over all classes, for labels that are not always right.",
        ge=0,
        lt=1,
        level="expert",
        source="Szegedy et al. 2016",
        applies=("classes", ("cross-entropy",)),
    )
    votes: Literal["cross-entropy", "multinomial", "dirichlet"] = setting(
        "cross-entropy",
        title="Of vote fractions",
        help="Cross-entropy: all galaxies count alike. Multinomial: a galaxy counts by its number of votes. Dirichlet: "
        "so too, and the votes of like galaxies may scatter more than chance has it. The last two need the number of "
        "votes.",
        source="Walmsley et al. 2022",
    )
    quantities: Literal["huber", "mse", "mae", "gaussian"] = setting(
        "huber",
        title="Of quantities",
        help="Huber: squared for small deviations, absolute for large ones. MSE: squared. MAE: absolute. Gaussian: the "
        "network says its own error bar for each quantity, too.",
        source="Huber 1964; Nix & Weigend 1994",
    )
    knee: float = setting(
        1.0,
        title="Knee",
        help="Where small deviations end, in units of the quantity's scatter over the training galaxies.",
        gt=0,
        le=100,
        level="expert",
        applies=("quantities", ("huber",)),
    )

"""Settings of the network and its loss."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting

_OWN = ("backbone", ("",))


class NetworkSettings(Settings):
    """A plain convolutional network, set by its depth, or a ready-made backbone."""

    backbone: str = setting(
        "",
        title="Backbone",
        help="Name of a timm network that replaces the convolution blocks, such as resnet18, convnext_nano or "
        "efficientnet_b0. Empty: the plain network described by the other settings.",
        level="expert",
        source="Wightman 2019, doi:10.5281/zenodo.4414861",
    )
    weights: str = setting(
        "",
        title="Weights",
        help="Initial weights of the backbone. Empty: random. Otherwise a safetensors file; hub for timm's pre-trained "
        "weights; or hf_hub:owner/name for others on the hub, such as "
        "hf_hub:mwalmsley/zoobot-encoder-convnext_nano, which was trained on Galaxy Zoo.",
        level="expert",
        source="Walmsley et al. 2023",
        applies=("backbone", ()),
    )

    depth: int = setting(
        5,
        title="Depth",
        help="Number of convolution blocks. Each halves the image and about doubles the receptive field, so that "
        "deeper networks see larger structures.",
        unit="blocks",
        ge=1,
        le=10,
        source="Zeiler & Fergus 2014",
        applies=_OWN,
    )
    layers: int = setting(
        1,
        title="Layers per block",
        help="Convolutions in each block, one after the other. More of them detect more complex patterns at the same "
        "scale.",
        ge=1,
        le=4,
        level="expert",
        source="Simonyan & Zisserman 2015",
        applies=_OWN,
    )
    residual: bool = setting(
        False,
        title="Residual blocks",
        help="Each block adds its output to its input, so that deep networks can be trained. Deconvnet and guided "
        "back-propagation are not defined for such sums.",
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
        help="Bring the responses to zero mean and unit variance; training is faster and more stable. Batch: each "
        "filter, over the galaxies of a batch. Group: up to eight groups of filters, over the pixels of each galaxy, "
        "which suits batches of a few galaxies.",
        level="expert",
        source="Ioffe & Szegedy 2015; Wu & He 2018",
        applies=_OWN,
    )
    pooling: Literal["global", "flatten"] = setting(
        "global",
        title="Before the head",
        help="Global: average the responses of each filter over the image. Flatten: every position has its own "
        "weights, which needs many more training galaxies.",
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
        help="Share of responses set to zero at random before the last layer, in training only.",
        ge=0,
        lt=1,
        source="Srivastava et al. 2014",
    )
    normalisation: Literal["auto", "standard", "centre", "asinh"] = setting(
        "auto",
        title="Input scaling",
        help="Standard: subtract the mean and divide by the standard deviation of each band. Centre: subtract the mean "
        "only. Asinh: first compress bright pixels, with the noise of the training galaxies as the knee. Auto: asinh "
        "for calibrated images, standard for 8-bit pictures. Fitted on the training part only, and saved in the "
        "network's file.",
        level="expert",
        source="Lupton, Gunn & Szalay 1999",
    )
    samplewise: Literal["none", "centre", "standard"] = setting(
        "none",
        title="Each galaxy by itself",
        help="Before the input scaling, subtract each stamp's own mean (centre), and divide by its own standard "
        "deviation (standard), over all its bands. The network then no longer knows how bright a galaxy is.",
        level="expert",
    )
    whitening: Literal["none", "ZCA"] = setting(
        "none",
        title="Whitening",
        help="After the input scaling, remove the correlations between pixels, as measured on the training galaxies. "
        "It enhances faint detail, and the noise even more, which seldom helps with galaxies. All stamps must then "
        "have the size of the training stamps.",
        level="expert",
        source="Krizhevsky 2009",
    )
    whitening_floor: float = setting(
        0.1,
        title="Floor of variances",
        help="Added to the variance of each principal component before it is scaled to one, as a share of the mean "
        "variance: components with a smaller variance stay faint.",
        gt=0,
        le=100,
        scale="log",
        level="expert",
        applies=("whitening", ("ZCA",)),
    )


class LossSettings(Settings):
    """The loss; of the three, the one for the kind of labels is used."""

    classes: Literal["cross-entropy", "focal"] = setting(
        "cross-entropy",
        title="Of classes",
        help="Cross-entropy: minus the logarithm of the true class's probability. Focal: galaxies that are already "
        "classified well count less, so that training concentrates on the hard ones.",
        source="Lin et al. 2017",
    )
    focus: float = setting(
        2.0,
        title="Focus",
        help="Galaxies are weighted by (1 - p) to this power, p being the probability of their class; 0: all equally.",
        ge=0,
        le=10,
        level="expert",
        applies=("classes", ("focal",)),
    )
    label_smoothing: float = setting(
        0.0,
        title="Label smoothing",
        help="Share of each label that is spread evenly over all classes, for labels that are not always correct.",
        ge=0,
        lt=1,
        level="expert",
        source="Szegedy et al. 2016",
        applies=("classes", ("cross-entropy",)),
    )
    votes: Literal["cross-entropy", "multinomial", "dirichlet"] = setting(
        "cross-entropy",
        title="Of vote fractions",
        help="Cross-entropy: all galaxies count equally. Multinomial: galaxies are weighted by their number of votes. "
        "Dirichlet: the same, but the votes of similar galaxies may scatter more than by chance. The last two need the "
        "number of votes.",
        source="Walmsley et al. 2022",
    )
    quantities: Literal["huber", "mse", "mae", "gaussian"] = setting(
        "huber",
        title="Of quantities",
        help="Huber: squared for small deviations, absolute for large ones. MSE: squared. MAE: absolute. Gaussian: the "
        "network also predicts an error bar for each quantity.",
        source="Huber 1964; Nix & Weigend 1994",
    )
    knee: float = setting(
        1.0,
        title="Knee",
        help="Deviation up to which the loss is quadratic, in units of the quantity's scatter over the training "
        "galaxies.",
        gt=0,
        le=100,
        level="expert",
        applies=("quantities", ("huber",)),
    )

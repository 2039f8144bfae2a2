"""How deep, how wide, how seen: the knobs of the network."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting


class NetworkSettings(Settings):
    """A plain convolutional network, told by its depth."""

    depth: int = setting(
        5,
        title="Depth",
        help="Number of convolution blocks. Each halves the image and looks at twice the area, so that deeper "
        "networks see larger structures.",
        unit="blocks",
        ge=1,
        le=10,
        source="Zeiler & Fergus 2014",
    )
    channels: int = setting(32, title="Channels", help="Filters in the first block.", ge=4, le=512, scale="log")
    growth: float = setting(
        1.5,
        title="Growth",
        help="Each block has this many times the filters of the one before.",
        ge=1,
        le=4,
        level="expert",
    )
    most_channels: int = setting(
        256,
        title="At most",
        help="No block has more filters than this.",
        ge=4,
        le=2048,
        scale="log",
        level="expert",
    )
    kernel: Literal[3, 5, 7] = setting(3, title="Kernel", help="Side of the filters.", unit="pixels", level="expert")
    activation: Literal["relu", "leaky relu", "prelu", "gelu"] = setting(
        "relu", title="Activation", help="What follows each convolution.", level="expert"
    )
    batch_norm: bool = setting(
        True,
        title="Batch normalisation",
        help="Bring each filter's response to zero mean and unit variance; trains faster and more surely.",
        level="expert",
        source="Ioffe & Szegedy 2015",
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
    normalisation: Literal["auto", "standard", "asinh"] = setting(
        "auto",
        title="Input scaling",
        help="Standard: subtract the mean and divide by the standard deviation of each band. Asinh: first compress "
        "bright pixels, with the noise of the training galaxies as the knee. Auto: asinh for calibrated images, "
        "standard for 8-bit pictures. Fitted on the training part only, and kept inside the network's file.",
        level="expert",
        source="Lupton, Gunn & Szalay 1999",
    )

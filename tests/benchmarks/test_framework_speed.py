"""The training loop against Keras 3 and Lightning: same network, same kind of augmentation, same machine.

Keras computes with torch, too, and varies whole batches by its own layers, as ours does; Lightning is given the usual
DataLoader. Neither belongs to the program: what is not installed is passed over.
"""

import os
import time

import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader
from usual_training import (
    BANDS,
    BATCH,
    GALAXIES,
    SIZE,
    Galaxies,
    alternating,
    our_loop,
    per_sample_pipeline,
    usual_network,
    write_noise,
)

from core.nets import cnn
from core.train.settings import RunSettings

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]  # the frameworks' own
WARM = 3  # batches that are not timed


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_noise(tmp_path_factory.mktemp("data") / "noise.h5")


class Clock:
    """Images per second after the first batches."""

    def __init__(self):
        self.batches = 0

    def tick(self):
        self.batches += 1
        if self.batches == WARM:
            self.started = time.perf_counter()
        self.last = time.perf_counter()

    @property
    def rate(self):
        return (self.batches - WARM) * BATCH / (self.last - self.started)


def by_keras():
    """The default network and augmentation as Keras has them, in float32, by ``fit``."""
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras")
    wish, vary = RunSettings().network, RunSettings().augmentation
    zoom = (1 - vary.zoom_max, 1 - vary.zoom_min)
    layers = [
        keras.Input((SIZE, SIZE, BANDS)),
        keras.layers.RandomFlip(),
        keras.layers.RandomRotation(vary.rotation / 360, fill_mode="reflect"),
        keras.layers.RandomTranslation(vary.height_shift, vary.width_shift, fill_mode="reflect"),
        keras.layers.RandomZoom(zoom, fill_mode="reflect"),
        keras.layers.GaussianNoise(vary.noise),
    ]
    for number in range(1, wish.depth + 1):
        layers.append(keras.layers.Conv2D(cnn.filters_of(wish, number), 3, padding="same", use_bias=False))
        layers.append(keras.layers.MaxPooling2D())
        layers += [keras.layers.BatchNormalization(), keras.layers.ReLU()]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(wish.dense, "relu")]
    layers += [keras.layers.Dropout(wish.dropout), keras.layers.Dense(3)]
    network, clock = keras.Sequential(layers), Clock()
    ours = cnn.build(wish, (BANDS, SIZE, SIZE), 3)
    learned = sum(values.numpy().size for values in network.trainable_weights)
    assert learned == sum(values.numel() for values in ours.parameters())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.AdamW(1e-3), loss)
    images, labels = torch.randn(GALAXIES, SIZE, SIZE, BANDS).numpy(), torch.randint(0, 3, (GALAXIES,)).numpy()
    ticking = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs=None: clock.tick())
    network.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0, callbacks=[ticking])
    return clock.rate


def by_lightning():
    """The default network under Lightning's Trainer, fed by a DataLoader that varies one galaxy at a time."""
    lightning = pytest.importorskip("lightning")
    clock = Clock()

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = usual_network()

        def training_step(self, batch, _number):
            images, labels = batch
            return functional.cross_entropy(self.network(images), labels)

        def on_train_batch_end(self, *_):
            clock.tick()

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

    loader = DataLoader(Galaxies(per_sample_pipeline()), batch_size=BATCH, shuffle=True)
    lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Module(), loader)
    return clock.rate


@pytest.mark.parametrize(("framework", "bound"), [(by_keras, 1.2), (by_lightning, 1.5)])
def test_the_loop_is_faster_than_by_a_framework(data, tmp_path, framework, bound):
    rates = alternating(
        ours=lambda number: our_loop(data, tmp_path / str(number), "float32"), theirs=lambda _: framework()
    )
    ratio = rates["ours"] / rates["theirs"]
    print(
        f"\nfloat32: loop {rates['ours']:.0f} images/s, {framework.__name__} {rates['theirs']:.0f}, ratio {ratio:.2f}"
    )
    assert ratio >= bound

"""Explanations against Captum: the same maps, in how much less time?

Captum and we take turns, and medians are compared. What is counted is processor time on one thread, so that other
programs on the machine weigh little; with more threads the ratios are larger, since Captum's batches of one image
cannot fill them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop, IntegratedGradients, Occlusion

from core.data.target import Classes
from core.events import Preview, Work, result_of
from core.explain import activations, guided, integrated_gradients, occlusion
from core.explain.explained_output import ExplainedOutput, select_output
from core.explain.explanation import Explanation
from core.explain.settings import GradientSettings, GuidedSettings, OcclusionSettings
from core.nets import cnn, normalisation
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings

pytestmark = pytest.mark.benchmark
_NEVER = threading.Event()


def galaxies(count: int, side: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Round and elongated galaxies of all brightnesses in three noisy bands, and which is which."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    kinds = np.arange(count) % 2
    stamps = []
    for kind in kinds:
        angle, width = random.uniform(0, np.pi), random.uniform(0.06, 0.12) * side
        along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
        radius = np.hypot(along, across / (0.3 if kind else 0.9)) / width
        light = 10 ** random.uniform(0.7, 2) * np.exp(-1.7 * radius)
        stamps.append(light * np.array([1, 0.7, 0.4])[:, None, None] + random.normal(0, 1, (3, side, side)))
    return np.stack(stamps).astype(np.float32), kinds


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=[4, 5])
def trained(request: pytest.FixtureRequest) -> Predictor:
    """The default network with four and five blocks, trained for a minute on galaxies of 64 pixels."""
    images, kinds = galaxies(320, 64)
    network = cnn.build(NetworkSettings(depth=request.param), (3, 64, 64), 2)
    scaling = normalisation.fit(images, "asinh")
    predictor = Predictor(network, scaling, Classes("kind", ("round", "edge-on")), ("i", "r", "g"), (3, 64, 64), 0.4)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    order = torch.Generator().manual_seed(0)
    for _ in range(8):
        for batch in torch.randperm(len(images), generator=order).split(32):
            outputs = predictor.logits(torch.from_numpy(images)[batch])
            loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(kinds)[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    network.eval().requires_grad_(requires_grad=False)
    return predictor


def ends_of_path(predictor: Predictor, image: np.ndarray) -> tuple[ExplainedOutput, torch.Tensor, torch.Tensor]:
    """What is explained, and galaxy and baseline as Captum takes them."""
    explained, batch = select_output(predictor, image), torch.from_numpy(image)[None]
    return explained, batch, explained.baseline_image("background")[None]


def timed(work: Work[Explanation]) -> tuple[Explanation, float, float]:
    """The explanation, the processor time that it took, and the time to the first preview."""
    start, first = time.process_time(), 0.0
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return end.value, time.process_time() - start, first
        if isinstance(event, Preview) and not first:
            first = time.process_time() - start


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("side", "bound", "bound_in_batches", "first_look"), [(64, 11, 3.5, 0.25), (128, 35, 15, 0.15)]
)
def test_occlusion_is_many_times_faster_than_captum(
    trained: Predictor, side: int, bound: float, bound_in_batches: float, first_look: float
) -> None:
    image = galaxies(2, side, seed=5)[0][1]
    batch = torch.from_numpy(image)[None]
    settings = OcclusionSettings(patch=8, stride=2, fill="zero")
    result_of(occlusion.explain(trained, image, 1, settings, _NEVER))
    own, previews = [], []
    captums: dict[int, list[float]] = {1: [], 16: [], 64: []}  # images at a time, of which 1 is the default
    for _ in range(3):
        for images, seconds_taken in captums.items():
            start = time.process_time()
            expected = Occlusion(trained.logits).attribute(
                batch, (3, 8, 8), (3, 2, 2), baselines=0.0, target=1, perturbations_per_eval=images
            )
            seconds_taken.append(time.process_time() - start)
        for _ in range(3):
            found, seconds, preview = timed(occlusion.explain(trained, image, 1, settings, _NEVER))
            own.append(seconds)
            previews.append(preview)
    off = np.abs(found.map - expected[0, 0].numpy()).max() / np.abs(expected.numpy()).max()
    theirs = {images: float(np.median(seconds)) for images, seconds in captums.items()}
    ratio, ratio_in_batches = theirs[1] / np.median(own), min(theirs.values()) / np.median(own)
    print(
        f"\nocclusion, {side} px, {trained.network.settings.depth} blocks: {np.median(own):.3f} s, "
        f"Captum {theirs[1]:.2f} s, ratio {ratio:.1f}; in batches {min(theirs.values()):.2f} s, "
        f"ratio {ratio_in_batches:.1f}; first look after {np.median(previews):.3f} s; "
        f"largest difference {off:.1e} of the peak"
    )
    assert off < 1e-4
    assert ratio >= bound and ratio_in_batches >= bound_in_batches
    assert np.median(previews) < first_look * np.median(own)


@pytest.mark.timeout(900)
def test_integrated_gradients_are_faster_than_captum_at_the_same_completeness_error(trained: Predictor) -> None:
    """Of every galaxy by itself, or a thousandth where Captum is nearer than that by chance."""
    captum = IntegratedGradients(trained.logits)
    ratios, seconds, errors, steps = [], [], [], []
    for image in galaxies(24, 64, seed=7)[0]:
        explained, batch, empty = ends_of_path(trained, image)
        with torch.no_grad():
            score, baseline = trained.logits(torch.cat([batch, empty]))[:, explained.index].tolist()
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(3):
            start = time.process_time()
            theirs = captum.attribute(batch, empty, target=explained.index, n_steps=50)
            times[0].append(time.process_time() - start)
            error = abs(float(theirs.sum()) - (score - baseline)) / abs(score - baseline)
            settings = GradientSettings(tolerance=min(1, max(error, 1e-3)), most_steps=2000)
            found, own, _ = timed(integrated_gradients.explain(trained, image, explained.index, settings, _NEVER))
            times[1].append(own)
        assert found.error is not None and found.error <= max(error, 1e-3) * 1.01
        seconds.append(np.median(times, axis=1))
        ratios.append(seconds[-1][0] / seconds[-1][1])
        errors.append((error, found.error))
        steps.append(found.steps)
    theirs_total, own_total = np.sum(seconds, axis=0)
    median = np.median(errors, axis=0)
    print(
        f"\nintegrated gradients, 64 px, {trained.network.settings.depth} blocks, {len(ratios)} galaxies: "
        f"{own_total:.2f} s, Captum {theirs_total:.2f} s, ratio "
        f"{theirs_total / own_total:.2f} (median over galaxies {np.median(ratios):.2f}); median completeness error "
        f"{median[1]:.2%}, Captum {median[0]:.2%}; gradients of the last row: median {np.median(steps):.0f}, most "
        f"{max(steps)}, Captum 50"
    )
    assert np.median(ratios) >= 1.5
    assert theirs_total >= 0.9 * own_total  # a few galaxies take several rows


@pytest.mark.timeout(900)
def test_integrated_gradients_are_twice_as_fast_as_captum_at_the_same_error_of_the_map(trained: Predictor) -> None:
    """The error is the sum of the absolute differences from a map of 600 steps, as a share of that map's."""
    captum, steps = IntegratedGradients(trained.logits), {4: 16, 5: 20}[trained.network.settings.depth]
    times, errors, told = [], [], []
    for image in galaxies(12, 64, seed=7)[0]:
        explained, batch, empty = ends_of_path(trained, image)
        truth = captum.attribute(batch, empty, target=explained.index, n_steps=600, internal_batch_size=100)[0]
        taken: tuple[list[float], list[float], list[float]] = ([], [], [])
        for _ in range(3):
            start = time.process_time()
            theirs = captum.attribute(batch, empty, target=explained.index, n_steps=50)[0]
            taken[0].append(time.process_time() - start)
            made = []
            for number, number_of_steps in enumerate((steps, GradientSettings().steps), 1):
                settings = GradientSettings(steps=number_of_steps, tolerance=1)
                found, own, _ = timed(integrated_gradients.explain(trained, image, explained.index, settings, _NEVER))
                taken[number].append(own)
                made.append(found)
        right = truth.sum(dim=0).numpy()
        maps = (theirs.sum(dim=0).numpy(), *(each.map for each in made))
        errors.append([np.abs(each - right).sum() / np.abs(right).sum() for each in maps])
        told.append(
            [
                each.map_error * truth.abs().sum().item() / np.abs(each.bands_map - truth.numpy()).sum()
                for each in made
                if each.map_error is not None and each.bands_map is not None
            ]
        )
        times.append(np.median(taken, axis=1))
    (their_error, own_error, usual_error), (their_time, own_time, usual_time) = (
        np.median(errors, axis=0),
        np.sum(times, axis=0),
    )
    print(
        f"\nintegrated gradients, 64 px, {trained.network.settings.depth} blocks, {len(errors)} galaxies: error of the "
        f"map {own_error:.2%} with {steps + 1} gradients, Captum {their_error:.2%} with 50; {own_time:.2f} s, "
        f"Captum {their_time:.2f} s, ratio {their_time / own_time:.2f}; by default {usual_error:.2%}, ratio "
        f"{their_time / usual_time:.2f}; the error that is told is {np.median(told):.2f} times the true one "
        f"({np.min(told):.2f}-{np.max(told):.2f})"
    )
    assert own_error < 1.1 * their_error
    assert their_time / own_time >= 2
    assert 0.6 < np.median(told) < 1.7


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU:UserWarning")  # Captum's
def test_guided_backpropagation_is_as_fast_as_captums(trained: Predictor) -> None:
    """Captum is given what the first layer sees, and its hooks stay, so that it does the same and no more."""
    settings, ratios, off = GuidedSettings(), [], []
    captum = GuidedBackprop(trained.network)
    for image in galaxies(24, 64, seed=9)[0]:
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(5):
            start = time.process_time()
            scaled = activations.scale_images(trained, torch.from_numpy(image)[None]).requires_grad_()
            output = int(trained.network(scaled.detach()).argmax())  # which class it is, we ask too
            expected = captum.attribute(scaled, output)[0].detach().numpy()
            times[0].append(time.process_time() - start)
            found, own, _ = timed(guided.explain(trained, image, None, settings, _NEVER))
            times[1].append(own)
        assert found.bands_map is not None
        off.append(np.abs(found.bands_map - expected).max() / np.abs(expected).max())
        ratios.append(np.median(times[0]) / np.median(times[1]))
    print(
        f"\nguided backpropagation, 64 px, {trained.network.settings.depth} blocks: ratio {np.median(ratios):.2f}; "
        f"largest difference {max(off):.1e} of the peak"
    )
    assert max(off) < 1e-4
    assert np.median(ratios) >= 1

"""The parts of the refiner, each against an independent truth."""

from __future__ import annotations

import math

import galsim
import numpy as np
import pytest
import torch
from galaxies import ellipse
from photutils.aperture import EllipticalAperture, aperture_photometry
from torch import Tensor

from core.adapt.domain_distance import TwoSampleTest
from core.adapt.refiner import losses, two_sample
from core.adapt.refiner.folder import RefinerResult
from core.adapt.refiner.guard import guard, summarise
from core.adapt.refiner.history_buffer import HistoryBuffer
from core.adapt.refiner.model import draw_noise
from core.adapt.refiner.networks import Discriminator, Refiner
from core.adapt.refiner.photometry import APERTURE, Photometry
from core.adapt.refiner.scaling import Scaling, change_in_noise
from core.adapt.refiner.settings import RefinerSettings

SIDE = 48
SETTINGS = RefinerSettings()


def gaussians(*shapes: tuple[float, float, float], peak: float = 100.0) -> Tensor:
    """Galaxies (n, 1, H, W) of these standard deviations along and across and angles."""
    drawn = np.stack([ellipse(SIDE, *shape) for shape in shapes])
    return torch.tensor(peak * drawn, dtype=torch.float32)[:, None]


# -- photometry ----------------------------------------------------------------------------------------------------


def test_an_ellipse_flux_and_radius_are_those_of_a_gaussian():
    measured = Photometry(gaussians((4, 2, 0.5), (3, 2.5, -1.0)))
    assert measured.found.all()
    assert measured.ellipses.major.tolist() == pytest.approx([4, 3], rel=1e-3)
    assert measured.ellipses.axis_ratio.tolist() == pytest.approx([0.5, 2.5 / 3], rel=1e-3)
    assert measured.ellipses.angle.tolist() == pytest.approx([math.degrees(0.5), math.degrees(-1.0)], abs=0.05)
    assert measured.flux[:, 0].tolist() == pytest.approx([200 * math.pi * 8, 200 * math.pi * 7.5], rel=1e-3)
    half = math.sqrt(2 * math.log(2))
    assert measured.radius.tolist() == pytest.approx([4 * half, 3 * half], rel=0.01)


@pytest.mark.truth("Shapes before and after refining", "GalSim's adaptive moments")
def test_noisy_galaxies_have_the_adaptive_moments_that_galsim_finds():
    random = np.random.default_rng(3)
    drawn = []
    for index in (1.0, 2.5):
        profile = galsim.Convolve(
            galsim.Sersic(index, half_light_radius=3.5, flux=4000).shear(g1=0.2, g2=-0.15), galsim.Moffat(3.5, fwhm=3)
        )
        drawn.append(profile.drawImage(nx=SIDE, ny=SIDE, scale=1).array + random.normal(0, 1, (SIDE, SIDE)))
    measured = Photometry(torch.tensor(np.stack(drawn), dtype=torch.float32)[:, None])
    for row, image in enumerate(drawn):
        sky = np.median(image[~measured._inside[row].numpy()])
        found = galsim.hsm.FindAdaptiveMom(galsim.Image(image - sky))
        shape = found.observed_shape
        ratio = measured.ellipses.axis_ratio[row].item()
        assert (1 - ratio) / (1 + ratio) == pytest.approx(shape.g, abs=2e-3)
        assert measured.ellipses.angle[row].item() == pytest.approx(math.degrees(shape.beta.rad), abs=0.3)
        assert measured.ellipses.major[row].item() * math.sqrt(ratio) == pytest.approx(found.moments_sigma, rel=2e-3)


@pytest.mark.truth("Fluxes before and after refining", "photutils")
def test_the_flux_is_that_of_photutils_in_the_same_aperture():
    image = gaussians((3, 2, 0.7))
    measured = Photometry(image)
    each = measured.ellipses
    long = APERTURE * each.major.item()
    aperture = EllipticalAperture(
        ((SIDE - 1) / 2 + each.x.item(), (SIDE - 1) / 2 + each.y.item()),
        long,
        long * each.axis_ratio.item(),
        theta=math.radians(each.angle.item()),
    )
    table = aperture_photometry(image[0, 0].double().numpy(), aperture, method="center")
    assert measured.flux.item() == pytest.approx(float(table["aperture_sum"][0]), rel=1e-3)


def test_each_change_of_a_galaxy_is_found_as_what_it_is():
    before, turned, wider, rounder = gaussians(
        (4, 2, 1.5), (4, 2, 1.5 + math.radians(7)), (4.4, 2.2, 1.5), (4, 2.4, 1.5)
    ).split(1)
    measured = Photometry(before)
    brighter = measured.measure(0.05 * before)
    assert brighter.flux.item() == pytest.approx(0.05, abs=1e-4)
    assert [abs(each.item()) < 1e-3 for each in (brighter.radius, brighter.axis_ratio, brighter.angle)] == [True] * 3
    assert measured.measure(turned - before).angle.item() == pytest.approx(7, abs=0.05), "from 86° past 90°"
    assert measured.measure(wider - before).radius.item() == pytest.approx(0.1, abs=0.01)
    assert measured.measure(rounder - before).axis_ratio.item() == pytest.approx(0.1, abs=2e-3)


def test_a_higher_sky_is_no_change_of_flux():
    before = gaussians((3, 2, 0))
    assert Photometry(before).measure(torch.full_like(before, 2.0)).flux.item() == pytest.approx(0, abs=1e-6)


def test_a_stamp_without_a_galaxy_has_no_photometry():
    sky = torch.randn((4, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    drift = Photometry(sky).measure(torch.ones_like(sky))
    assert drift.flux.isnan().all()
    assert drift.angle.isnan().all()


def test_what_added_noise_explains_is_measured_also_where_it_is_correlated():
    before = gaussians((3, 2, 0)).repeat(40, 1, 1, 1)
    noise = torch.randn(before.shape, generator=torch.Generator().manual_seed(2))
    smooth = torch.nn.functional.avg_pool2d(noise, 3, 1, 1)
    for added in (noise, smooth):
        drift = Photometry(before).measure(added)
        assert drift.noise.mean().item() == pytest.approx(drift.flux.std().item(), rel=0.3)


# -- limits --------------------------------------------------------------------------------------------------------


def test_a_stamp_beyond_a_limit_is_blended_until_it_is_within():
    before = gaussians((4, 2, 0.3), (4, 2, 0.3), (4, 2, 0.3))
    change = before * torch.tensor([0.02, -0.1, 1.0])[:, None, None, None]
    kept = guard(Photometry(before), change, SETTINGS)
    assert kept.share.tolist() == [1.0, 0.25, 0.0], "3 % of the flux at most"
    assert kept.drift.flux.tolist() == pytest.approx([0.02, -0.025, 0.0], abs=1e-4)
    assert torch.equal(kept.change[2], torch.zeros_like(before[2]))


def test_random_noise_is_no_breach_of_a_limit_and_a_shift_of_the_same_size_is():
    before = gaussians((3, 2.9, 0), peak=4.0).repeat(40, 1, 1, 1)
    noise = torch.randn(before.shape, generator=torch.Generator().manual_seed(4))
    noisy = guard(Photometry(before), noise, SETTINGS)
    assert noisy.drift.flux.abs().median() > SETTINGS.most_flux / 100
    assert (noisy.share == 1).double().mean() > 0.9
    assert (guard(Photometry(before), 0.3 * before, SETTINGS).share == 0.0).all()


def test_the_drift_is_summed_up_as_median_68_percent_and_worst():
    before = gaussians(*[(4, 2, 0.3)] * 5)
    drift = Photometry(before).measure(before * torch.tensor([0.01, 0.02, 0.03, 0.04, -0.2])[:, None, None, None])
    flux, *_, angle = summarise(drift, SETTINGS)
    assert (flux.galaxies, flux.limit, flux.unit) == (5, 3.0, "%")
    assert [flux.median, flux.worst] == pytest.approx([2, 20], abs=0.01)
    assert flux.typical == pytest.approx(np.quantile([1, 2, 3, 4, 20], 0.68), abs=0.01)
    assert abs(angle.worst) < 0.05


# -- scale ---------------------------------------------------------------------------------------------------------


def test_stamps_come_back_to_their_unit_exactly():
    scaling = Scaling((2.0,), (0.3,), (0.05,))
    images = torch.tensor([[[[0.1, 5.0], [-0.2, 300.0]]]])
    in_noise = scaling.in_noise(images)
    assert in_noise.flatten().tolist() == pytest.approx([-2, 194, -14, 11994])
    unchanged = images + scaling.in_unit(change_in_noise(in_noise, torch.zeros_like(images)))
    assert torch.equal(unchanged, images)
    residual = torch.tensor([[[[0.1, -0.2], [0.3, 0.01]]]])
    refined = images + scaling.in_unit(change_in_noise(in_noise, residual))
    again = torch.asinh(scaling.in_noise(refined).double())
    assert torch.allclose(again, torch.asinh(in_noise.double()) + residual, atol=1e-5)


# -- history -------------------------------------------------------------------------------------------------------


def test_the_history_of_refined_stamps_fills_and_gives_half_of_each_batch():
    random, buffer = np.random.default_rng(0), HistoryBuffer(6)
    batches = [torch.full((4, 1, 2, 2), float(number)) for number in range(6)]
    assert torch.equal(buffer.mix(batches[0], random), batches[0]), "nothing is kept yet"
    assert [len(buffer), buffer.stamps().unique().tolist()] == [2, [0.0]]
    mixed = buffer.mix(batches[1], random)
    assert mixed[:, 0, 0, 0].tolist() == [1, 1, 0, 0]
    for batch in batches[2:]:
        mixed = buffer.mix(batch, random)
        assert (mixed[:2] == batch[:2]).all()
        assert (mixed[2:] < batch[:1]).all(), "of earlier steps"
    assert len(buffer) == 6
    assert (buffer.stamps() == 5).any(), "the newest have taken the place of others"


def test_without_a_history_only_new_stamps_are_seen():
    random, buffer = np.random.default_rng(0), HistoryBuffer(0)
    for number in range(3):
        batch = torch.full((4, 1, 2, 2), float(number))
        assert torch.equal(buffer.mix(batch, random), batch)
    assert len(buffer) == 0


# -- losses --------------------------------------------------------------------------------------------------------


def test_losses_are_those_of_the_paper():
    refined, real = torch.tensor([[[0.3, -1.0]]]), torch.tensor([[[0.5, 2.0]]])
    of_refined, of_real = torch.sigmoid(refined), torch.sigmoid(real)
    assert losses.refiner_adversarial(refined).item() == pytest.approx((-torch.log(1 - of_refined)).mean().item())
    expected = -(torch.log(of_refined).mean() + torch.log(1 - of_real).mean()) / 2
    assert losses.discriminator_loss(refined, real).item() == pytest.approx(expected.item())
    assert losses.self_regularisation(torch.tensor([1.0, -3.0])).item() == 2.0


def test_the_penalty_grows_with_the_drift_and_pulls_the_flux_back():
    before = gaussians((4, 2, 0.3), (3, 2.5, 1.0))
    ellipses = Photometry(before).ellipses
    noise = math.sqrt((Photometry(before)._inside.sum((1, 2)).float() / Photometry(before).flux[:, 0] ** 2).mean())

    def penalty(change: Tensor) -> Tensor:
        return losses.photometric_penalty(before, change, ellipses, SETTINGS)

    assert penalty(torch.zeros_like(before)).item() == 0
    assert penalty(torch.full_like(before, 3.0)).item() == pytest.approx(0, abs=1e-4), "the sky may change"
    small = 0.01 / math.sqrt(0.03**2 + noise**2)
    assert penalty(0.01 * before).item() == pytest.approx(small**2 / 2, rel=0.05)
    change = torch.zeros_like(before, requires_grad=True)
    penalty(change + 0.02 * before).backward()
    assert change.grad is not None
    assert change.grad[0, 0, SIDE // 2, SIDE // 2] > 0
    stretched = gaussians((4.4, 2, 0.3), (3.3, 2.5, 1.0)) - before
    assert penalty(stretched) > penalty(0.3 * stretched) > 0


# -- networks and noise --------------------------------------------------------------------------------------------


def test_a_patch_is_judged_by_its_own_pixels_alone():
    judge = Discriminator(1, SETTINGS).eval()
    stamp = torch.randn(1, 1, 64, 64)
    other = stamp.clone()
    other[..., 0, 0] += 5
    differs = (judge(other) - judge(stamp)).abs() > 1e-6
    assert judge(stamp).shape == (1, 16, 16)
    assert differs[0, 0, 0]
    assert not differs[0, 4:, 4:].any()


def test_noise_depends_on_seed_and_row_and_not_on_the_block():
    whole = draw_noise(SETTINGS, range(10), (8, 8))
    assert torch.equal(draw_noise(SETTINGS, [7, 3], (8, 8)), whole[[7, 3]])
    assert not torch.equal(whole[0], whole[1])
    assert not torch.equal(draw_noise(SETTINGS.model_copy(update={"seed": 1}), [0], (8, 8)), whole[:1])
    assert whole.std().item() == pytest.approx(1, abs=0.1)


def test_the_residual_depends_on_the_noise_that_is_given():
    refiner, stamp = Refiner(1, SETTINGS), torch.zeros(1, 1, 16, 16)
    first, second = (refiner(stamp, draw_noise(SETTINGS, [row], (16, 16))) for row in (0, 1))
    assert not torch.allclose(first, second)


# -- two-sample test -----------------------------------------------------------------------------------------------


def test_stamps_of_one_kind_are_told_apart_by_chance_and_others_surely():
    random = torch.Generator().manual_seed(5)
    galaxies = gaussians((4, 2, 0.3)).repeat(60, 1, 1, 1)
    same = [galaxies + torch.randn(galaxies.shape, generator=random) for _ in range(2)]
    by_chance = two_sample.compare_stamps(*same, seed=0)
    assert abs(by_chance.accuracy - 0.5) < 3 * by_chance.error
    assert by_chance.galaxies == 60
    noisier = galaxies + 1.3 * torch.randn(galaxies.shape, generator=random)
    assert two_sample.compare_stamps(same[0], noisier, seed=0).accuracy > 0.95
    assert two_sample.compare_populations(same[0], noisier, seed=0).accuracy < 0.7
    assert two_sample.compare_populations(same[0], 2 * same[1], seed=0).accuracy > 0.95


def test_the_verdict_claims_no_more_than_the_errors_allow():
    def verdict(before: float, after: float) -> str:
        tests = [TwoSampleTest(accuracy, 0.03, 0.0, 100) for accuracy in (before, after, 0.55)]
        return RefinerResult("finished", 3, 5, *tests, [], 100, 90).verdict

    assert verdict(0.8, 0.6) == "Refined stamps look more like the survey."
    assert "is not shown" in verdict(0.8, 0.75)
    assert "less like the survey" in verdict(0.7, 0.9)

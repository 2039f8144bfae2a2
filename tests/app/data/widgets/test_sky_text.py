"""Sky coordinates as an astronomer writes them, and where north and east are."""

import math

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from app.data.widgets.sky_text import directions, sexagesimal


@pytest.mark.parametrize(
    ("ra", "dec"), [(194.898779, 27.959268), (0.0, -0.000001), (359.9999999, -89.99999), (1, -5.5)]
)
def test_sexagesimal_coordinates_are_those_of_astropy(ra, dec):
    place = SkyCoord(ra * u.deg, dec * u.deg)
    hours = place.ra.to_string(u.hourangle, precision=2, pad=True)
    angle = place.dec.to_string(u.deg, precision=1, pad=True, alwayssign=True)
    for old, new in (("d", "°"), ("m", "′"), ("s", "″"), ("-", "−")):
        angle = angle.replace(old, new)
    expected = f"{hours.replace('24h', '00h')} {angle}".replace("−00°00′00.0″", "+00°00′00.0″")
    assert sexagesimal(ra, dec) == expected


@pytest.mark.parametrize("angle", [0, 30, 200])
@pytest.mark.parametrize("ra", [0.00001, 180])
def test_north_and_east_are_where_the_coordinates_grow(angle, ra):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [ra, 60], [16, 16]
    cos, sin = math.cos(math.radians(angle)) * 1e-4, math.sin(math.radians(angle)) * 1e-4
    wcs.wcs.cd = [[-cos, sin], [sin, cos]]
    found = directions(lambda x, y: tuple(map(float, wcs.wcs_pix2world(x, y, 0))), 15, 15)
    assert found is not None
    north, east = found
    assert north == pytest.approx((sin * 1e4, cos * 1e4), abs=1e-3)
    assert east == pytest.approx((-cos * 1e4, sin * 1e4), abs=1e-3)


def test_without_a_scale_there_are_no_directions():
    assert directions(lambda _x, _y: (10.0, 10.0), 1, 1) is None

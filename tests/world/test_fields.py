"""Fields of a landscape against their covariance in space and in time."""

import numpy as np
import pytest

from vrs_bench.world.fields import FINE, SMOOTH, covariance, draw_fields

DAYS = np.arange(0, 365, 5)


@pytest.fixture(scope="module")
def drawn():
    return [draw_fields(4, scene, 96, 80, DAYS) for scene in range(50)]


def _correlation(a, b):
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


@pytest.mark.parametrize("lag", [(0, 0), (0, 1), (1, 0), (0, 3), (3, 0), (2, 2), (0, 8), (12, 0)])
def test_fine_fields_have_the_covariance_of_their_scales(drawn, lag):
    dy, dx = lag
    fields = np.stack([field for f in drawn for field in (f.lasting, *f.turning, f.scatter)])
    moved = fields[:, dy:, dx:] * fields[:, : 96 - dy, : 80 - dx]
    of_field = moved.mean(axis=(1, 2))
    error = of_field.std() / np.sqrt(len(of_field))
    assert abs(of_field.mean() - covariance(FINE, np.hypot(*lag))) < 4 * error


def test_fields_have_unit_variance_and_no_mean(drawn):
    for name in ("lasting", "soil", "fertility", "scatter"):
        fields = np.stack([getattr(f, name) for f in drawn])
        means = fields.mean(axis=(1, 2))
        assert abs(means.mean()) < 4 * means.std() / np.sqrt(len(means)), name
        assert np.square(fields).mean() == pytest.approx(1, abs=0.12), name
    assert covariance(FINE, np.array(0.0)) == pytest.approx(1)
    assert covariance(SMOOTH, np.array(0.0)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("field", "passing", "seasonal"), [("canopy", 0.05, 0.65), ("growth", 0.0, 0.5)]
)
@pytest.mark.parametrize("later", [6, 18, 36])
def test_texture_changes_over_the_months_as_its_parts_say(drawn, field, passing, seasonal, later):
    """Two dates have in common what stays, and of what turns the cosine of the time between."""
    angle = 2 * np.pi * (DAYS[later] - DAYS[0]) / 365
    expected = (1 - passing) * ((1 - seasonal) + seasonal * np.cos(angle))
    found = [np.mean(getattr(f, field)(0) * getattr(f, field)(later)) for f in drawn]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - expected) < 4 * error + 1e-3


def test_a_date_is_seen_alike_a_year_on():
    fields = draw_fields(4, 0, 40, 40, np.array([10, 100, 375]))
    np.testing.assert_array_equal(fields.phases[0], fields.phases[2])
    assert _correlation(fields.canopy(0), fields.canopy(2)) > 0.9


def test_fields_of_different_kinds_are_independent(drawn):
    for a, b in (("lasting", "soil"), ("lasting", "scatter"), ("soil", "fertility")):
        found = [np.mean(getattr(f, a) * getattr(f, b)) for f in drawn]
        assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(len(found)) + 1e-3

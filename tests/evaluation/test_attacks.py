"""Attacks on the headline: none pays that brings no knowledge, short versions of all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from attack_arena import Arena, Outcome, make_arena
from attack_knowledge import fitted_estimate
from attack_methods import Effort, Seen, look, own_labels, pushed, wanted_labels
from attack_starts import back_projected, prototypes
from attack_suite import Hints, with_gradients, without_gradients

from vrs_bench.evaluation.drawn import scene_of
from vrs_bench.references.encoder import perceive
from vrs_bench.references.readers import noise_answers, read_series
from vrs_bench.types import Floats
from vrs_bench.world.landcover import LAND_COVER
from vrs_bench.world.splits import SPLITS

MOST = 0.01
"""Skill that may be gained without a flag and without help."""
EFFORT = Effort(steps=6)
FIRST = SPLITS["test"]


@pytest.fixture(scope="module")
def super_res() -> Arena:
    return make_arena("super_res", [FIRST, FIRST + 1])


def honest(arena: Arena) -> list[Floats]:
    """Return the floor, made to explain what was observed a little better."""
    pairs = zip(arena.scenes, arena.floors, strict=True)
    return [back_projected(arena.task, scene, floor, 1) for scene, floor in pairs]


def hints_of(arena: Arena, number: int, expected: Seen, elsewhere: Floats) -> Hints:
    """Return what an attack knows that even knows the true map inside cells."""
    scene = arena.scenes[number]
    return Hints(
        floor=arena.floors[number],
        better_labels=np.maximum(scene.land_cover.astype(int) - 1, 0),
        prototypes=prototypes([scene]),
        expected=expected,
        elsewhere=elsewhere,
    )


def paying(arena: Arena, images: Mapping[str, list[Floats]], start: Outcome) -> dict[str, float]:
    """Return the attacks that gain too much, with what they gain.

    It is no attack that is flagged, nor what helps: PSNR and the skill of every group rise.
    """
    found = {}
    for name, attacked in images.items():
        after = arena.outcome(attacked)
        gains = {
            skill: float((of - start.skills[skill]).mean()) for skill, of in after.skills.items()
        }
        helps = after.psnr > start.psnr and min(gains.values()) > 0
        if gains["skill"] >= MOST and not after.flagged and not helps:
            found[name] = gains["skill"]
    return found


def test_no_push_pays(super_res: Arena):
    """Pushes start from an honest method that is better than the floor, and know the true map."""
    restored = honest(super_res)
    start = super_res.outcome(restored)
    assert start.skill.mean() > 0.02
    assert not start.flagged
    train = [scene_of(super_res.task, SPLITS["train"] + number) for number in range(3)]
    learned = honest(replace(super_res, scenes=tuple(train)))
    estimate = fitted_estimate(super_res.looks, train, learned)
    images: defaultdict[str, list[Floats]] = defaultdict(list)
    for number, of_scene in enumerate(restored):
        hints = hints_of(super_res, number, estimate(of_scene), train[number].target)
        seen = look(super_res.looks, of_scene)
        for name, attacked in with_gradients(super_res.looks, of_scene, seen, hints, EFFORT):
            images[name].append(attacked)
    assert len(images) == 16
    assert paying(super_res, images, start) == {}


def test_no_arithmetic_pays(super_res: Arena):
    restored = honest(super_res)
    start = super_res.outcome(restored)
    images: defaultdict[str, list[Floats]] = defaultdict(list)
    for number, of_scene in enumerate(restored):
        seen = look(super_res.looks, of_scene)
        hints = hints_of(super_res, number, seen, super_res.scenes[1 - number].target)
        for name, attacked in without_gradients(of_scene, seen, hints):
            images[name].append(attacked)
    assert len(images) == 10
    assert paying(super_res, images, start) == {}


def test_a_push_is_what_pays_where_labels_are_asked_for(super_res: Arena):
    """The attack is no straw man: readers grow sure of the wanted classes within its radius."""
    start = super_res.floors[0]
    own = own_labels(look(super_res.looks, start))
    wanted = wanted_labels(own, len(LAND_COVER), len(start))
    effort = Effort(steps=8)
    attacked = pushed(super_res.looks, start, Seen(wanted.series), effort)
    assert np.abs(attacked - start).max() <= effort.radius * 1.001
    sure = [
        float((look(super_res.looks, images, seed=9).series * wanted.series).sum(dim=1).mean())
        for images in (start, attacked)
    ]
    assert 1 - sure[1] < 0.8 * (1 - sure[0])


def test_gradients_are_of_what_is_measured(super_res: Arena):
    """Readers and network as attacks have them give what those of the package give."""
    images, looks = super_res.floors[0], super_res.looks
    silent = np.zeros_like(noise_answers(looks.readers, b"", images.shape))
    read = read_series(looks.readers, images, silent)
    np.testing.assert_allclose(looks.series(torch.as_tensor(images)).numpy(), read, atol=1e-5)
    probabilities = perceive(looks.encoder, images[:2]).probabilities
    _, frames = looks.frames(torch.as_tensor(images[:2]))
    np.testing.assert_allclose(frames.detach().numpy(), probabilities, atol=1e-5)

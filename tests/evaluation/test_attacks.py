"""Attacks on the headline, short versions of all of them: which pay, and how much."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import pytest
import torch
from attack_arena import (
    MOST,
    PAYS,
    Arena,
    Outcome,
    best_of,
    make_arena,
    scene_by_scene,
    verdict,
)
from attack_briefing import brief, make_classroom
from attack_methods import Effort, Seen, look, own_labels, pushed, wanted_labels
from attack_starts import honest_method
from attack_suite import HALFWAY, KNOWING, RESTORED
from attacks import attacks

from vrs_bench.references.encoder import perceive
from vrs_bench.references.readers import noise_answers, read_series
from vrs_bench.tasks import TASKS
from vrs_bench.types import Floats
from vrs_bench.world.landcover import LAND_COVER
from vrs_bench.world.splits import SPLITS

EFFORT = Effort(steps=4)
QUICK = {
    "super_res": ("map-one-date", 2),
    "cloud_removal": ("linear", 2),
    "sar_to_optical": ("ridge", 3),
}
"""Honest methods that are better than the floor, and are fitted in seconds; and on how many scenes
they are attacked, for what a push gains on one scene of radar is noisy."""
TRIES = 4


@cache
def arena(task: str) -> Arena:
    return make_arena(task, range(SPLITS["test"], SPLITS["test"] + QUICK[task][1]))


@cache
def attacked(task: str) -> tuple[list[Floats], Outcome, dict[str, Outcome]]:
    """Return honest images, what they are worth, and what attacks make of them."""
    briefing = brief(
        make_classroom(arena(task), scenes=4), honest_method(arena(task).task, QUICK[task][0])
    )
    honest: list[Floats] = []
    images: defaultdict[str, list[Floats]] = defaultdict(list)
    for number, scene in enumerate(arena(task).scenes):
        honest.append(briefing.method(scene))
        hints = briefing.hints(number, honest[-1])
        for name, of in attacks(arena(task).looks, honest[-1], hints, EFFORT, everything=True):
            images[name].append(of)
    after = {name: arena(task).outcome(of) for name, of in images.items()}
    return honest, arena(task).outcome(honest), after


@pytest.mark.parametrize("task", TASKS)
def test_no_attack_pays(task: str):
    """Nor does one that knows more pay more than to restore by what it knows."""
    _, start, after = attacked(task)
    assert start.skill.mean() > 0.02
    assert not start.flagged
    assert len(after) == 33 + (task != "sar_to_optical")
    honestly = best_of([after[RESTORED], after[HALFWAY]])
    found = {
        name: verdict(start, of, honestly if name.startswith(KNOWING) else None)
        for name, of in after.items()
    }
    assert [name for name, said in found.items() if said == PAYS] == []


@pytest.mark.parametrize("task", TASKS)
def test_make_believe_is_flagged_and_far_below(task: str):
    """Noise in which readers see what they want, one value everywhere, another scene's truth."""
    _, start, after = attacked(task)
    made_up = [name for name in after if "from noise" in name]
    assert len(made_up) == 4
    for name in (*made_up, "constant", "truth of another scene"):
        assert after[name].flagged, name
        assert after[name].skill.mean() < start.skill.mean() - 0.2, name


@pytest.mark.parametrize("task", TASKS)
def test_nothing_is_caught_by_fishing(task: str):
    """Other last bits give other noise, and nobody a better skill than by a hair."""
    honest, start, _ = attacked(task)
    found = arena(task).fished(honest, TRIES)
    assert found[0].skill == pytest.approx(start.skill)
    best, alone = best_of(found), scene_by_scene(found)
    assert start.skill.mean() <= best.skill.mean() <= alone.skill.mean()
    assert alone.skill.mean() < start.skill.mean() + MOST
    assert best.psnr == pytest.approx(start.psnr, abs=1e-4)


def outcome(skill: float, rest: float, psnr: float, flagged: bool = False) -> Outcome:
    skills = {"skill": np.array([skill]), "skill_distortion": np.array([rest])}
    return Outcome(skills, {}, flagged, psnr)


@pytest.mark.parametrize(
    ("after", "honestly", "said"),
    [
        (outcome(0.209, 0.1, 30), None, "no gain"),
        (outcome(0.3, 0.1, 30, flagged=True), None, "flagged"),
        (outcome(0.3, 0.11, 30.1), None, "helps"),
        (outcome(0.3, 0.11, 29.9), None, PAYS),
        (outcome(0.3, 0.09, 30.1), None, PAYS),
        (outcome(0.3, 0.09, 30), outcome(0.295, 0.2, 31), "no more than its knowledge"),
        (outcome(0.3, 0.09, 30), outcome(0.285, 0.2, 31), PAYS),
    ],
)
def test_an_attack_pays_unless_there_is_a_reason(
    after: Outcome, honestly: Outcome | None, said: str
):
    assert verdict(outcome(0.2, 0.1, 30), after, honestly) == said


def test_a_push_is_what_pays_where_labels_are_asked_for():
    """The attack is no straw man: readers grow sure of the wanted classes within its radius."""
    start, looks = arena("super_res").floors[0], arena("super_res").looks
    own = own_labels(look(looks, start))
    wanted = wanted_labels(own, len(LAND_COVER), len(start))
    effort = Effort(steps=8)
    attacked = pushed(looks, start, Seen(wanted.series), effort)
    assert np.abs(attacked - start).max() <= effort.radius * 1.001
    sure = [
        float((look(looks, images, seed=9).series * wanted.series).sum(dim=1).mean())
        for images in (start, attacked)
    ]
    assert 1 - sure[1] < 0.8 * (1 - sure[0])


def test_gradients_are_of_what_is_measured():
    """Readers and network as attacks have them give what those of the package give."""
    images, looks = arena("super_res").floors[0], arena("super_res").looks
    silent = np.zeros_like(noise_answers(looks.readers, b"", images.shape))
    read = read_series(looks.readers, images, silent)
    np.testing.assert_allclose(looks.series(torch.as_tensor(images)).numpy(), read, atol=1e-5)
    probabilities = perceive(looks.encoder, images[:2]).probabilities
    _, frames = looks.frames(torch.as_tensor(images[:2]))
    np.testing.assert_allclose(frames.detach().numpy(), probabilities, atol=1e-5)

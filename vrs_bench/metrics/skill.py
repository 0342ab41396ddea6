"""Skill: the headline, made of the members of four groups between floor and truth.

A member is a metric that says so itself (``in_skill``). Group skills and the headline are made in
:mod:`vrs_bench.evaluation.skill`, from values by scene and the bounds of the split.

What the encoder alone sees is no member: images that are pushed towards what it is expected to see
in the truth (``benchmarks/attacks.py`` does so) raise its scores without a smaller error.
"""

from __future__ import annotations

from functools import partial

from vrs_bench.metrics.definition import Composed, Group, Metric

SKILL_GROUPS: tuple[Group, ...] = ("distortion", "perceptual", "downstream", "consistency")

_skill = partial(
    Metric,
    group="skill",
    higher_is_better=True,
    low=-1.0,
    high=1.0,
    shown=frozenset({"board", "parts"}),
    version="2",
)

METRICS = (
    _skill(
        name="skill",
        label="skill",
        computed=Composed(SKILL_GROUPS),
        definition=(
            "Mean of the skills of the groups that apply to the task. 0 is the task's floor, 1 "
            "the truth, below 0 worse than doing the obvious. The headline: entries are ranked by "
            "it, and stand together only where it is made of the same scores."
        ),
    ),
    *(
        _skill(
            name=f"skill_{group}",
            label=f"{group} skill",
            computed=Composed((group,)),
            definition=(
                f"Mean over the members of the {group} group of (value - floor) / (ceiling - "
                "floor), scene by scene, cut at 1; floor and ceiling are means over the split, "
                "of the task's trivial method and of the truth itself. Mean over scenes; a member "
                "whose mean is less than -1 counts -1."
            ),
        )
        for group in SKILL_GROUPS
    ),
)

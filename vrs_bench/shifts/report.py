"""The answer of a sweep: curves of scores over doses, paired by scene, and which to trust."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

import numpy as np

from vrs_bench.evaluation.scores import Bound
from vrs_bench.evaluation.skill import skills
from vrs_bench.evaluation.statistics import CONFIDENCE, Limits, bootstrap_intervals
from vrs_bench.metrics.catalogue import METRICS
from vrs_bench.shifts.curves import (
    area,
    falls_all_along,
    half_dose_interval,
    kendall,
    steepest,
)
from vrs_bench.shifts.findings import Cell, Curve, Estimate, Interaction, SweepReport, Validity
from vrs_bench.shifts.plan import Plan, Turned, along, defaults, skill_members
from vrs_bench.shifts.scenes import FLOOR, TRUTH, Contestant, Record
from vrs_bench.shifts.turning import Doses, dosed
from vrs_bench.types import Doubles

FREE: Limits = (-np.inf, np.inf)

NOT_EVERYWHERE = "floor and truth are the same at some dose, so that nothing lies between"

PerScene = Mapping[int, float]
Values = dict[tuple[Doses, Contestant], dict[str, PerScene]]
"""Doses and contestant → metric → scene → value, skill among them."""


def make_report(plan: Plan, records: Iterable[Record]) -> SweepReport:
    """Return what the values of a sweep say.

    Floor and ceiling of skill are those of the cell, over the same scenes.
    """
    values = _with_skills(plan, records)
    methods = [Contestant(name) for name in plan.methods]
    seen = {name for of in values.values() for name in of}
    shown = [name for name in METRICS if all(name in of for of in values.values())]
    ranked = [name for name in shown if METRICS[name].group == "skill" or name == "rmse"]
    curves = [
        _curve(plan, values, turned, method, metric)
        for turned in plan.turned
        for method in methods
        for metric in ranked
    ]
    return SweepReport(
        task=plan.task,
        size=plan.recipe.name,
        package=version("vrs-bench"),
        scenes=len(plan.scenes),
        confidence=CONFIDENCE,
        knobs=[
            {
                "name": of.knob.name,
                "unit": of.knob.unit,
                "text": of.knob.text,
                "turns": of.knob.turns,
                "harder": of.knob.harder,
                "doses": list(of.doses),
                "default": of.default,
            }
            for of in plan.turned
        ],
        left_out=plan.judge.left_out | dict.fromkeys(seen - {*shown}, NOT_EVERYWHERE),
        cells=_cells(plan, values, plan.contestants, shown),
        curves=curves,
        validity=[
            _validity(plan, values, turned, methods, metric)
            for turned in plan.turned
            if turned.knob.harder != "either" and len(turned.doses) > 1
            for metric in shown
        ],
        interactions=_interactions(plan, values, methods, ranked),
    )


def _with_skills(plan: Plan, records: Iterable[Record]) -> Values:
    values: dict[tuple[Doses, Contestant], dict[str, dict[int, float]]] = {}
    for record in records:
        of = values.setdefault((record.doses, record.contestant), {})
        for metric, value in record.values.items():
            of.setdefault(metric, {})[record.scene] = value
    bounds = {}
    for doses in plan.cells:
        floor, truth = (values[doses, Contestant(name)] for name in (FLOOR, TRUTH))
        bounds[doses] = {name: Bound(_mean(floor[name]), _mean(truth[name])) for name in floor}
    made_of = skill_members(plan)
    return {
        (doses, contestant): {**of, **skills(of, bounds[doses], made_of)}
        for (doses, contestant), of in values.items()
    }


def _mean(values: PerScene) -> float:
    return float(np.mean(list(values.values())))


def _estimates(samples: Sequence[Doubles], limits: Sequence[Limits]) -> list[Estimate]:
    found = bootstrap_intervals(samples, limits)
    return [
        Estimate(float(np.mean(sample)), *(ends or (None, None)))
        for sample, ends in zip(samples, found, strict=True)
    ]


def _sample(values: PerScene) -> Doubles:
    return np.array(list(values.values()))


def _cells(
    plan: Plan, values: Values, contestants: Sequence[Contestant], shown: Sequence[str]
) -> list[Cell]:
    places, samples, changes, limits = [], [], [], []
    for doses in plan.cells:
        for base in contestants:
            here = values[doses, plan.fitted_there(base, doses)]
            start = values[defaults(plan), plan.fitted_there(base, defaults(plan))]
            for metric in shown:
                places.append((doses, base, metric))
                samples.append(_sample(here[metric]))
                changes.append(_sample(here[metric]) - _sample(start[metric]))
                limits.append((METRICS[metric].low, METRICS[metric].high))
    scores, differences = _estimates(samples, limits), _estimates(changes, [FREE] * len(changes))
    cells: dict[tuple[Doses, Contestant], Cell] = {}
    for (doses, base, metric), score, change in zip(places, scores, differences, strict=True):
        fitted = dict(plan.fitted_there(base, doses).fitted)
        empty = Cell(dict(doses), base.method, fitted, {}, {})
        cell = cells.setdefault((doses, base), empty)
        cell.scores[metric], cell.change[metric] = score, change
    return list(cells.values())


def _matrix(plan: Plan, values: Values, turned: Turned, base: Contestant, metric: str) -> Doubles:
    """Return the values of a curve, (scene, dose)."""
    columns = [
        _sample(values[doses, plan.fitted_there(base, doses)][metric])
        for _, doses in along(plan, turned)
    ]
    return np.stack(columns, axis=1)


def _curve(plan: Plan, values: Values, turned: Turned, base: Contestant, metric: str) -> Curve:
    doses, by_scene = list(turned.doses), _matrix(plan, values, turned, base, metric)
    sign = 1 if METRICS[metric].higher_is_better else -1
    start = doses.index(turned.default)
    areas = [area(doses, row) if len(doses) > 1 else row[0] for row in by_scene]
    limits = (METRICS[metric].low, METRICS[metric].high)
    parts = _estimates([by_scene[:, start], by_scene.mean(axis=1), np.array(areas)], [limits] * 3)
    mean, harder = by_scene.mean(axis=0), turned.knob.harder
    step = -1 if harder == "down" else 1
    half = fall = None
    if harder != "either":
        if METRICS[metric].group == "skill":
            on = slice(start, None) if step == 1 else slice(start, None, -1)
            half = half_dose_interval(doses[on], by_scene[:, on])
        fall = steepest(doses[::step], sign * mean[::step])
    worst = int(np.argmin(sign * mean))
    return Curve(
        knob=turned.knob.name,
        method=base.method,
        metric=metric,
        default=parts[0],
        robust=parts[1],
        area=parts[2],
        half=half,
        steepest=fall,
        worst={"dose": doses[worst], "mean": float(mean[worst])},
    )


def _validity(
    plan: Plan, values: Values, turned: Turned, methods: Sequence[Contestant], metric: str
) -> Validity:
    step = -1 if turned.knob.harder == "down" else 1
    sign = 1 if METRICS[metric].higher_is_better else -1
    falls, taus = [], []
    for base in methods:
        rows = sign * _matrix(plan, values, turned, base, metric)[:, ::step]
        falls += [falls_all_along(row) for row in rows]
        taus.append([-kendall(row) for row in rows])
    [tau] = _estimates([np.mean(taus, axis=0)], [(-1.0, 1.0)])
    return Validity(turned.knob.name, metric, float(np.mean(falls)), tau)


def _interactions(
    plan: Plan, values: Values, methods: Sequence[Contestant], metrics: Sequence[str]
) -> list[Interaction]:
    if len(plan.turned) < 2:
        return []
    none = dict(defaults(plan))
    places, samples = [], []
    for doses in plan.cells:
        if any(dose == none[name] for name, dose in doses):
            continue
        (one, a), (other, b) = doses
        keys = [doses, dosed({**none, one: a}), dosed({**none, other: b}), defaults(plan)]
        for base in methods:
            for metric in metrics:
                both, first, second, neither = (
                    _sample(values[key, plan.fitted_there(base, key)][metric]) for key in keys
                )
                places.append((dict(doses), base.method, metric))
                samples.append(both - first - second + neither)
    effects = _estimates(samples, [FREE] * len(samples))
    return [Interaction(*place, effect) for place, effect in zip(places, effects, strict=True)]

"""Cloud removal by series: what is clear stays, and the rest comes from the pixel's clear dates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from baselines.inputs import Inputs, shows_target
from baselines.methods.cloud_mask import (
    EVERY,
    estimated_clear,
    fit_light,
    fit_thresholds,
    true_clear,
)
from baselines.methods.double_logistic import double_logistic
from baselines.methods.method import Example, Examples, Fit, Method, Restore
from baselines.methods.series import (
    Fill,
    days_of,
    harmonic,
    kept,
    linear,
    nearest_date,
    temporal_median,
    whittaker,
)
from baselines.methods.tuning import least_error
from vrs_bench.sensors.stages.clouds import Clouds
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats

Clear = Callable[[BoundTask, Inputs], Array]
"""Task, inputs → what is clear, (date, height, width) bool."""

NEEDS = "a main input that shows what the target does, in pixels as large and under clouds"
MASKS = ("cloud", "shadow")
"""Columns of the truth that tell the mask."""

TUNED_ON = 4
"""Validation scenes by which a setting is chosen."""


def clouded(bound: BoundTask) -> bool:
    """Say whether the main input shows the target under clouds."""
    stages = bound.main_sensor.stages
    clouds = any(isinstance(stage, Clouds) for stage in stages)
    return shows_target(bound) and bound.gsd_ratio == 1 and clouds and "blue" in bound.bands


def fit_clear(bound: BoundTask, examples: Examples, true_mask: bool) -> Clear:
    """Return what tells clear pixels: thresholds that are chosen now, or the truth."""
    if true_mask:
        light = fit_light(bound, examples)
        return lambda _, inputs: true_clear(inputs, light)
    thresholds = fit_thresholds(bound, examples)
    return lambda task, inputs: estimated_clear(task, inputs, thresholds)


def filled(bound: BoundTask, inputs: Inputs, clear: Clear, fill: Fill) -> Floats:
    """Return the main input where it is clear, and what a fill makes of the rest."""
    images, seen = inputs[bound.main_input], clear(bound, inputs)
    return kept(images, seen, fill(images, seen, days_of(inputs)))


def _fit(true_mask: bool, fills: Sequence[Fill]) -> Fit:
    """Return a fit that chooses the mask's thresholds, and then among some fills."""

    def fit(bound: BoundTask, examples: Examples) -> Restore:
        clear = fit_clear(bound, examples, true_mask)
        best = fills[0] if len(fills) == 1 else _best(fills, bound, examples, clear)
        return lambda task, inputs: filled(task, inputs, clear, best)

    return fit


def _best(fills: Sequence[Fill], bound: BoundTask, examples: Examples, clear: Clear) -> Fill:
    """Return the fill of least error on validation scenes."""

    def images(fill: Fill, of: Example) -> Floats:
        seen, main = of.inputs["clear"], of.inputs[bound.main_input]
        return kept(main, seen, fill(main, seen, days_of(of.inputs)))

    def sampled() -> Iterator[Example]:
        some = (..., slice(None, None, EVERY), slice(None, None, EVERY))
        for example in examples.validation(TUNED_ON):
            inputs, seen = example.inputs, clear(bound, example.inputs)
            main = {"clear": seen[some], bound.main_input: inputs[bound.main_input][some]}
            yield Example({**inputs, **main}, example.target[some])

    return least_error(fills, sampled(), images)


def with_true_mask(method: Method, fit: Fit) -> Method:
    """Return a method as the oracle that is told clouds and shadows."""
    return Method(
        name=f"{method.name}-true-mask",
        description=f"As {method.name}, told where clouds and shadows are.",
        needs=method.needs,
        suits=method.suits,
        fit=fit,
        oracle=MASKS,
        main_input_alone=method.main_input_alone,
    )


def _methods(name: str, description: str, *fills: Fill, informed: bool = False) -> list[Method]:
    """Return a method with the estimated mask, and with the true one."""
    method = Method(
        name=name,
        description=description,
        needs=NEEDS,
        suits=clouded,
        fit=_fit(False, fills),
        informed=informed,
        main_input_alone=True,
    )
    return [method, with_true_mask(method, _fit(True, fills))]


def _as_it_is(bound: BoundTask, inputs: Inputs) -> Floats:
    images: Floats = inputs[bound.main_input]
    return images


CLOUDY = Method(
    name="cloudy",
    description="The main input as it is, clouds and all.",
    needs=NEEDS,
    suits=clouded,
    restore=_as_it_is,
    main_input_alone=True,
)
NEAREST_DATE, NEAREST_DATE_TRUE_MASK = _methods(
    "nearest-date", "The nearest date on which a pixel is clear.", nearest_date
)
TEMPORAL_MEDIAN, _ = _methods(
    "temporal-median",
    "The median of the three nearest dates on which a pixel is clear.",
    temporal_median,
)
LINEAR, LINEAR_TRUE_MASK = _methods(
    "linear", "A line between the clear dates before and after.", linear
)
WHITTAKER, _ = _methods(
    "whittaker",
    "The smooth series that is nearest to the clear dates (Eilers 2003).",
    *(
        partial(whittaker, smoothness=value, order=order)
        for value in (0.01, 0.03, 0.1, 0.3, 1.0)
        for order in (1, 2)
    ),
)
HARMONIC, _ = _methods(
    "harmonic",
    "A mean and harmonics of the year, fitted to the clear dates by least squares.",
    *(partial(harmonic, harmonics=count) for count in (1, 2, 3)),
)
DOUBLE_LOGISTIC, _ = _methods(
    "double-logistic",
    "A rise and a fall in the year, fitted to the clear dates by least squares, and a line through "
    "what the fit leaves.",
    double_logistic,
    informed=True,
)

"""Super-resolution with the known sensor: adjoints, objectives, and consistency."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from baselines.inputs import Inputs, visible_inputs
from baselines.methods.forward import Stack, operators_of
from baselines.methods.reconstruction import (
    Prior,
    Problem,
    back_projected,
    components,
    divergence,
    enlarged,
    gradients,
    map_of_all_dates,
    map_of_each_date,
)
from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.evaluation.through_sensor import through_sensor
from vrs_bench.sensors.sensor import view
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array, Floats


@pytest.fixture(name="task")
def _task(tiny: Path) -> BoundTask:
    return DatasetFolder(tiny).manifest.bound("super_res")


@pytest.fixture(name="scene")
def _scene(tiny: Path, task: BoundTask) -> dict[str, Array]:
    columns = [column.name for column in task.columns]
    return next(DatasetFolder(tiny).scenes("super_res", "test", columns))


@pytest.fixture(name="inputs")
def _inputs(task: BoundTask, scene: dict[str, Array]) -> Inputs:
    return visible_inputs(task, scene)


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_operators_are_those_of_the_sensor_itself(
    task: BoundTask, scene: dict[str, Array], inputs: Inputs
) -> None:
    place = task.place(int(scene["scene"]))
    for step, operator in enumerate(operators_of(task, inputs)):
        theirs = view(task.main_sensor, place, step).operator()
        assert theirs is not None
        assert np.array_equal(operator.rows, theirs.rows)
        assert np.array_equal(operator.columns, theirs.columns)


def test_the_stack_is_the_operators_and_its_adjoint_is_theirs(
    task: BoundTask, inputs: Inputs
) -> None:
    operators = operators_of(task, inputs)
    stack, x = Stack.of(operators), noise(3, 4, 64, 64)
    seen = stack.apply(x)
    for date, operator in enumerate(operators):
        assert seen[date] == pytest.approx(operator.apply(x[date]), abs=1e-5)
    y = noise(*seen.shape)
    assert np.vdot(seen, y) == pytest.approx(np.vdot(x, stack.adjoint(y)), rel=1e-4)


def test_divergence_is_minus_the_adjoint_of_the_gradient() -> None:
    x, down, across = noise(2, 7, 9), noise(2, 7, 9)[::-1], noise(2, 9, 7).swapaxes(1, 2)
    first, second = gradients(x)
    product = np.vdot(first, down) + np.vdot(second, across)
    assert product == pytest.approx(-np.vdot(x, divergence(down, across)), rel=1e-4)


def problems(task: BoundTask, inputs: Inputs) -> Iterator[tuple[Problem, Floats]]:
    stack = Stack.of(operators_of(task, inputs)[:1])
    start = enlarged(task, inputs)
    for prior in (Prior(1e-4, 0.01), Prior(1e-2, 0.003)):
        yield (
            Problem(
                apply=lambda x: stack.apply(x[None])[0],
                adjoint=lambda y: stack.adjoint(y[None])[0],
                seen=inputs["lr"][0],
                prior=prior,
            ),
            start[0],
        )


def test_every_renewal_lowers_the_objective(task: BoundTask, inputs: Inputs) -> None:
    for problem, start in problems(task, inputs):
        values, images = [problem.objective(start)], start
        for _ in range(4):
            images = problem.solve(images, outer=1, inner=5)
            values.append(problem.objective(images))
        assert all(later < before for before, later in pairwise(values))
        # Nearby images are no better: each step has gone downhill to a place near the bottom.
        far = problem.solve(images, outer=30, inner=30)
        assert problem.objective(far) <= problem.objective(far + 1e-4 * noise(*far.shape))


def test_back_projection_comes_nearer_to_what_was_seen_with_every_step(
    task: BoundTask, inputs: Inputs
) -> None:
    stack, start, seen = Stack.of(operators_of(task, inputs)), enlarged(task, inputs), inputs["lr"]
    misfits = [
        np.abs(stack.apply(back_projected(stack, seen, start, steps)) - seen).mean()
        for steps in (0, 1, 4, 16, 64)
    ]
    assert all(later < before for before, later in pairwise(misfits))
    assert misfits[-1] < 0.1 * misfits[0]


def test_components_span_series_of_low_rank() -> None:
    images = np.einsum("tbk,khw->tbhw", noise(5, 3, 2), noise(2, 8, 6))
    mix = components(images, 2)
    flat = mix.reshape(2, -1)
    assert flat @ flat.T == pytest.approx(np.eye(2), abs=1e-5)
    projected = np.tensordot(mix, np.tensordot(mix, images, ((1, 2), (0, 1))), ((0,), (0,)))
    assert projected == pytest.approx(images, abs=1e-4)


def test_known_operators_beat_interpolation_and_all_dates_beat_one(
    task: BoundTask, scene: dict[str, Array], inputs: Inputs
) -> None:
    truth = restore(scene["hr"])

    def error(images: Floats) -> float:
        return float(np.sqrt(np.square(images - truth).mean()))

    prior = Prior(3e-4, 0.003)
    each = map_of_each_date(task, inputs, prior)
    together = map_of_all_dates(task, inputs, prior, 4)
    assert error(together) < error(each) < error(enlarged(task, inputs))
    # Through the sensor, too: what was seen is explained better.
    seen = through_sensor(task, scene, np.clip(each, 0, 1))
    plain = through_sensor(task, scene, np.clip(enlarged(task, inputs), 0, 1))
    assert seen is not None
    assert plain is not None
    observed = restore(scene["lr"])
    assert np.abs(seen - observed).mean() < np.abs(plain - observed).mean()

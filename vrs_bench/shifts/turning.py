"""Turning knobs: a recipe and doses → the recipe in which only that differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vrs_bench.errors import BenchError
from vrs_bench.recipes import BenchmarkRecipe, check_recipe
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.shifts.knobs import Knob, Setting, Turns, get_knob, parse_knob
from vrs_bench.tasks import BoundTask, bind, get_task

Doses = tuple[tuple[str, float], ...]
"""Names of knobs and their doses; others are as the recipe has them."""


def default_dose(knob: Knob, task: BoundTask) -> float:
    """Return the dose that data have if nothing is turned.

    Raises:
        BenchError: the data have no such setting.
    """
    return round(knob.read(_found(knob, knob.settings[0], task)[0][1]), 9)


def shifted_recipe(
    recipe: BenchmarkRecipe, task: str, doses: Doses, turns: Iterable[Turns] = ("all", "data")
) -> BenchmarkRecipe:
    """Return a recipe with knobs turned, its sensors of the task written out.

    Args:
        recipe: as it is, where every knob stands at its default dose.
        task: name of the task.
        doses: of knobs.
        turns: kinds of knobs that are turned; others stay.

    Raises:
        BenchError: no such knob, the recipe has no such setting, or a dose that it can't have.
    """
    for name, dose in doses:
        knob = get_knob(name, task)
        if knob.turns in tuple(turns):
            recipe = _turned(recipe, task, knob, dose)
    return recipe


def _turned(recipe: BenchmarkRecipe, task: str, knob: Knob, dose: float) -> BenchmarkRecipe:
    if knob.whole and dose != int(dose):
        raise BenchError(f"{knob.name}: expected a whole number of {knob.unit}, got {dose:g}")
    bound = bind(task, recipe)
    default = default_dose(knob, bound)
    if dose == default:
        return recipe
    world = bound.world.model_dump(mode="json")
    sensors = {name: of.model_dump(mode="json") for name, of in bound.sensors.items()}
    for setting in knob.settings:
        for owner, old in _found(knob, setting, bound):
            value = setting.value(int(dose) if knob.whole else dose, old, default)
            keys = setting.path.split(".")
            if owner is None:
                _put(world, keys[1:], value)
                continue
            column, index = owner
            _put(sensors[column]["stages"][index], keys[2:], value)
    origin = f"{knob.name} = {dose:g}"
    plain = recipe.model_dump(mode="json") | {"world": world}
    changed = check_recipe(BenchmarkRecipe, plain, origin)
    made = {name: check_recipe(SensorRecipe, of, origin) for name, of in sensors.items()}
    return changed.model_copy(update={"sensors": {**recipe.sensors, task: made}})


def _found(
    knob: Knob, setting: Setting, task: BoundTask
) -> list[tuple[tuple[str, int] | None, Any]]:
    """Return where a setting stands (input and number of the stage; None: the world), and as what.

    Raises:
        BenchError: nowhere.
    """
    first, *keys = setting.path.split(".")
    places: list[tuple[tuple[str, int] | None, Any]] = []
    if first == "world":
        places.append((None, _get(task.world, keys)))
    else:
        stage_name, *keys = keys
        for column, sensor in task.sensors.items():
            for index, stage in enumerate(sensor.stages):
                if sensor.product == first and stage.stage == stage_name:
                    places.append(((column, index), _get(stage, keys)))
    places = [(owner, value) for owner, value in places if value is not None]
    if not places:
        raise BenchError(f"{knob.name}: the recipe has no {setting.path} to turn")
    return places


def _get(settings: Any, keys: list[str]) -> Any:
    for key in keys:
        settings = getattr(settings, key, None)
    return settings


def _put(plain: dict[str, Any], keys: list[str], value: Any) -> None:
    *outer, last = keys
    for key in outer:
        plain = plain[key]
    plain[last] = value


def shifted_dataset(recipe: BenchmarkRecipe, task: str, turned: Sequence[str]) -> BenchmarkRecipe:
    """Return the recipe of a dataset in which knobs are turned; its name says which.

    Args:
        recipe: as it is.
        task: name of the task.
        turned: ``NAME=DOSE`` each.

    Raises:
        BenchError: no such knob or dose, or a knob whose dose a dataset can't keep to itself.
    """
    task, doses, name = get_task(task).name, {}, recipe.name
    for text in turned:
        knob, listed = parse_knob(text, task)
        if len(listed) != 1 or "=" not in text:
            raise BenchError(f"{text}: expected one dose, such as {knob.name}={knob.doses[0]:g}")
        if knob.turns != "all":
            raise BenchError(
                f"{knob.name}: a dataset's manifest tells how it was made, and methods are told by "
                f"it; turn this knob in a sweep"
            )
        doses[knob.name] = listed[0]
        name += f"-{knob.name}-{listed[0]:g}"
    plain = name.replace("_", "-").replace(".", "p").replace("+", "")
    changed = shifted_recipe(recipe, task, dosed(doses)).model_dump(mode="json")
    return check_recipe(BenchmarkRecipe, {**changed, "name": plain}, "--shift")


def dosed(doses: Mapping[str, float]) -> Doses:
    """Return doses by the names of their knobs, in that order."""
    return tuple(sorted((name, float(dose)) for name, dose in doses.items()))

"""Packaged YAML recipes, and how a recipe is read, checked and digested."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.settings import Settings
from vrs_bench.world.scene import WorldRecipe

HERE = Path(__file__).parent
SIZES = ("tiny", "toy", "large")
"""The packaged sizes of the benchmark."""

RECIPE_NAME = r"^[a-z][a-z0-9-]*$"

M = TypeVar("M", bound=BaseModel)


class BenchmarkRecipe(Settings):
    """One size of the benchmark: a world and how much of it is published."""

    name: Annotated[str, Field(pattern=RECIPE_NAME)]
    scenes: Annotated[int, Field(ge=3, le=650_000)]
    """Number of scenes over all splits; with more, their numbers would run out of six digits."""
    scenes_per_shard: Annotated[int, Field(ge=1)]
    """Scenes in one data file, at most."""
    world: WorldRecipe
    sensors: dict[str, dict[str, SensorRecipe]] = Field(default_factory=dict)
    """Task → input column → sensor, in place of the packaged sensor of that input."""


def load_recipe(model: type[M], source: str | Path) -> M:
    """Read and check a recipe; packaged ones come first.

    Args:
        model: the pydantic model that the recipe must fit.
        source: path of a YAML file, or the name of a packaged recipe such as ``"tiny"``.

    Raises:
        BenchError: no such file, not YAML, or not a recipe: every fault is listed with its key.
    """
    path = HERE / f"{source}.yaml" if (HERE / f"{source}.yaml").is_file() else Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: can't be read as a recipe ({error})") from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BenchError(f"{path}: not valid YAML: {error}") from error
    return check_recipe(model, data, str(path))


def check_recipe(model: type[M], data: Any, origin: str) -> M:
    """Validate plain data against a recipe model; ``origin`` names it in messages."""
    try:
        # By way of JSON: there a YAML list may stand for a tuple and 1 for 1.0, but "1" may not.
        return model.model_validate_json(json.dumps(data))
    except TypeError as error:
        raise BenchError(f"{origin}: not a recipe: {error}") from error
    except ValidationError as error:
        faults = [_explain(model, fault) for fault in error.errors()]
        raise BenchError("\n".join(f"{origin}: {fault}" for fault in faults)) from error


def _explain(model: type[BaseModel], fault: Any) -> str:
    """Say in one line which key is at fault, what was expected and what was found."""
    parts, _ = _follow(model, fault["loc"])
    path = ".".join(parts)
    if fault["type"] == "extra_forbidden":
        _, holders = _follow(model, fault["loc"][:-1])
        known = {key for holder in holders for key in holder.model_fields}
        return f"unknown key '{path}'{did_you_mean(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"missing key '{path}'"
    message = fault["msg"].removeprefix("Value error, ")
    if not path:
        return str(message)
    return f"{path}: {message[0].lower()}{message[1:]}, got {fault['input']!r}"


def _follow(
    model: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[list[str], list[type[BaseModel]]]:
    """Follow a location into a recipe model: the keys as they stand in the YAML, and the models.

    Where a part may be one of several models, a location also names which one it was taken for;
    that is no key.
    """
    models, keys, tagged = [model], [], False
    for part in map(str, loc):
        fields = [m.model_fields[part] for m in models if part in m.model_fields]
        named = [m for m in models if part in _tags(m)]
        if fields:
            models = [found for field in fields for found in _models_in(field.annotation)]
            # Of one model too, where more may come.
            tagged = any(field.discriminator is not None for field in fields)
        elif named and (tagged or len(models) > 1):
            models, tagged = named, False
            continue
        keys.append(part)
    return keys, models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that stand anywhere in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _tags(model: type[BaseModel]) -> set[str]:
    """Return the words by which a model is told from others: the values of its literal fields."""
    annotations = [field.annotation for field in model.model_fields.values()]
    return {word for a in annotations if get_origin(a) is Literal for word in get_args(a)}


def dump_recipe(recipe: BaseModel) -> str:
    """Return a recipe as YAML with every setting written out, defaults included."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def digest(*recipes: BaseModel) -> str:
    """Return the SHA-256 of recipes in a canonical form: any change of a setting changes it."""
    canonical = json.dumps([r.model_dump(mode="json") for r in recipes], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()

"""Packaged YAML recipes, and how a recipe is read, checked and digested."""

from __future__ import annotations

import hashlib
import json
import reprlib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.paths import named
from vrs_bench.recipes.plain import read_yaml, require_plain
from vrs_bench.sensors.sensor import SensorRecipe
from vrs_bench.settings import Settings
from vrs_bench.world.rasters.pinning import pinned, scene_tiles
from vrs_bench.world.rasters.tiles import require_scenes
from vrs_bench.world.scene import WorldRecipe
from vrs_bench.world.series import RasterSettings

HERE = Path(__file__).parent
SIZES = ("tiny", "small", "toy", "large")
"""The packaged sizes of the benchmark."""

RECIPE_NAME = r"^[a-z][a-z0-9-]{0,63}$"

GENERATION = 3
"""Raised when the same recipes come to give other bytes: what was made before fits no digest."""

FAULTS = 20
"""Faults of a recipe that are listed, at most."""

M = TypeVar("M", bound=BaseModel)

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 80


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

    def with_seed(self, seed: int) -> BenchmarkRecipe:
        """Return the recipe with another seed of the world."""
        return self.model_copy(update={"world": self.world.model_copy(update={"seed": seed})})

    def pinned(self) -> BenchmarkRecipe:
        """Return the recipe with what its rasters hold, if its world is read from any.

        Its digest then stands for the rasters too.

        Raises:
            BenchError: rasters are missing, have changed, don't fit, or have fewer scenes.
        """
        world = self.world
        if not isinstance(world.series, RasterSettings):
            return self
        size = (world.height, world.width)
        series = pinned(world.series, world.horizon, size, world.gsd)
        require_scenes(self.scenes, scene_tiles(series, size))
        return self.model_copy(update={"world": world.model_copy(update={"series": series})})


def load_recipe(model: type[M], source: str | Path) -> M:
    """Read and check a recipe; packaged ones come first.

    Args:
        model: the pydantic model that the recipe must fit.
        source: path of a YAML file, or the name of a packaged recipe such as ``"tiny"``.

    Raises:
        BenchError: no such file, not YAML, or not a recipe: every fault is listed with its key.
    """
    path, packaged = named(source), HERE / f"{source}.yaml"
    with suppress(OSError):  # the ending can make a name too long
        path = packaged if packaged.is_file() else path
    if not path.exists():
        names = _packaged(model)
        hint = did_you_mean(str(source), names) if names else ""
        raise BenchError(f"{path}: can't be read as a recipe: there is no such file{hint}")
    return check_recipe(model, read_yaml(path), str(path))


def _packaged(model: type[BaseModel]) -> list[str]:
    """Return the names of the packaged recipes that fit a model."""
    names = []
    for path in HERE.rglob("*.yaml"):
        try:
            check_recipe(model, read_yaml(path), str(path))
        except BenchError:
            continue
        names.append(path.relative_to(HERE).with_suffix("").as_posix())
    return names


def check_recipe(model: type[M], data: Any, origin: str) -> M:
    """Validate plain data against a recipe model; ``origin`` names it in messages.

    Raises:
        BenchError: every fault with its key, the first :data:`FAULTS` of them.
    """
    require_plain(data, origin)
    try:
        # By way of JSON: there a YAML list may stand for a tuple and 1 for 1.0, but "1" may not.
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        found = error.errors()
        faults = [f"{origin}: {_explain(model, fault)}" for fault in found[:FAULTS]]
        rest = [f"{origin}: … and {len(found) - FAULTS} more"] if len(found) > FAULTS else []
        raise BenchError("\n".join(faults + rest)) from error


def _explain(model: type[BaseModel], fault: Any) -> str:
    """Say in one line which key is at fault, what was expected and what was found."""
    parts, _ = _follow(model, fault["loc"])
    path = _brief_text(".".join(parts))
    if fault["type"] == "extra_forbidden":
        _, holders = _follow(model, fault["loc"][:-1])
        known = {key for holder in holders for key in holder.model_fields}
        return f"unknown key '{path}'{did_you_mean(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"missing key '{path}'"
    message = _brief_text(fault["msg"].removeprefix("Value error, "))
    if not path:
        return message
    return f"{path}: {message[0].lower()}{message[1:]}, got {_brief.repr(fault['input'])}"


def _brief_text(text: str) -> str:
    """Return the beginning of a text that quotes what it was given."""
    return text if len(text) <= 300 else f"{text[:300]}…"


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
    """Return the SHA-256 of recipes in a canonical form, and of :data:`GENERATION`.

    Any change of a setting changes it.
    """
    settings = [recipe.model_dump(mode="json") for recipe in recipes]
    canonical = json.dumps([GENERATION, *settings], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()

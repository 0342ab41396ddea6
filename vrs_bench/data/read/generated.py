"""The builder class of `datasets`: the data without files, drawn when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import datasets
import pyarrow as pa
from threadpoolctl import threadpool_limits

from vrs_bench.columns import Column
from vrs_bench.data.arrow import arrow_schema, feature, to_arrow
from vrs_bench.data.build.shards import split_scenes
from vrs_bench.data.read.loading import published_configs
from vrs_bench.recipes import BenchmarkRecipe, check_recipe, digest, load_recipe
from vrs_bench.tasks import BoundTask, Task, bind
from vrs_bench.world.scene import make_scene

CONFIGS = published_configs(load_recipe(BenchmarkRecipe, "tiny"))


@dataclass
class VRSToyConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """A published config: a task's derived columns, or its latent ones."""

    size: str = "tiny"
    """Packaged recipe, or a recipe file."""
    scenes: int | None = None
    """Scenes over all splits, in place of the recipe's."""
    recipe: BenchmarkRecipe | None = None
    """The recipe itself, in place of ``size``."""

    @property
    def task(self) -> Task:
        """The task that the config belongs to."""
        return CONFIGS[self.name]

    def benchmark(self) -> BenchmarkRecipe:
        """Return the recipe with the number of scenes that was asked for."""
        recipe = self.recipe or load_recipe(BenchmarkRecipe, self.size)
        if self.scenes is None:
            return recipe
        changed = {**recipe.model_dump(mode="json"), "scenes": self.scenes}
        return check_recipe(BenchmarkRecipe, changed, "scenes")

    def bound(self) -> BoundTask:
        """Return the task on the data of the recipe."""
        return bind(self.task, self.benchmark())

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the config."""
        bound = self.bound()
        return tuple(column for column in bound.columns if column.name in bound.configs[self.name])

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """Return the name in the cache: any change of the world or of a sensor changes it."""
        key = digest(self.benchmark(), *self.bound().sensors.values())[:16]
        return str(super().create_config_id({"recipe": key}, custom_features))


_CONFIGS = [
    VRSToyConfig(name=name, version=version("vrs-bench"), description=task.title)
    for name, task in CONFIGS.items()
]


class VRSToy(datasets.ArrowBasedBuilder):  # type: ignore[misc]
    """Generates a config locally, scene by scene: no network and no Parquet files.

    Rows and features are those of a folder that `vrs_bench.build` makes of the same recipe::

        builder = VRSToy(config_name="super_res", size="tiny")
        builder.download_and_prepare(num_proc=2)
        rows = builder.as_dataset("train")

        stream = builder.as_streaming_dataset("train")  # nothing is stored

    Keywords: ``config_name`` and the fields of :class:`VRSToyConfig`; ``cache_dir`` and the others
    of `datasets.DatasetBuilder`.
    """

    BUILDER_CONFIG_CLASS = VRSToyConfig
    BUILDER_CONFIGS = _CONFIGS
    DEFAULT_CONFIG_NAME = "super_res"

    def __init__(self, *args: Any, dataset_name: str = "vrs_toy", **keywords: Any) -> None:
        """Choose a config; the name is that of the folder in the cache."""
        super().__init__(*args, dataset_name=dataset_name, **keywords)

    def _info(self) -> datasets.DatasetInfo:
        features = {column.name: feature(column) for column in self.config.columns()}
        return datasets.DatasetInfo(
            description=self.config.task.description,
            features=datasets.Features.from_dict(features),
            license="apache-2.0",
        )

    def _split_generators(self, _: Any) -> list[datasets.SplitGenerator]:
        # A list is what `datasets` deals out to processes: the shard here is a scene.
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"scenes": list(scenes)})
            for split, scenes in split_scenes(self.config.benchmark().scenes).items()
        ]

    def _generate_tables(self, scenes: Sequence[int]) -> Iterator[tuple[int, pa.Table]]:
        """Yield the rows of each scene."""
        bound, columns = self.config.bound(), self.config.columns()
        schema = arrow_schema(columns)
        for number in scenes:
            with threadpool_limits(1, user_api="blas"):  # as when shards are written
                rows = list(bound.rows(make_scene(bound.world, number)))
            arrays = [to_arrow(column, [row[column.name] for row in rows]) for column in columns]
            yield number, pa.Table.from_arrays(arrays, schema=schema)

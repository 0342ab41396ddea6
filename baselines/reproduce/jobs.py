"""What there is to reproduce: a method on a task, and a seed where it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from baselines import CONFIGS
from baselines.methods.method import Method
from baselines.methods.registry import METHODS
from baselines.training_config import TrainingConfig
from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import bind

NETWORKS: dict[str, tuple[str, ...]] = {
    "super_res": ("unet", "unet_dates", "edsr", "span"),
    "cloud_removal": ("unet", "unet_dates", "utae", "utilise"),
    "sar_to_optical": (
        "unet",
        "pix2pix",
        "pix2pix_recurrent",
        "pix2pix_identity",
        "cyclegan",
        "cyclegan_supervised",
    ),
}
"""Task → configurations of trainings that two cores can do."""


@dataclass(frozen=True)
class Job:
    """A method on a task."""

    task: str
    method: str
    """A name of ``METHODS``, or of a configuration."""
    seed: int | None = None
    """Of a training; None of a method that is not trained."""

    @property
    def name(self) -> str:
        """Name of its entry."""
        return self.method.replace("_", "-")

    @property
    def label(self) -> str:
        """What tells it from the other jobs of its task."""
        return self.name if self.seed is None else f"{self.name}-seed-{self.seed}"

    @property
    def untrained(self) -> Method | None:
        """The method, where it is not trained."""
        return METHODS[self.method] if self.seed is None else None

    def config(self) -> TrainingConfig:
        """Return the configuration of its training."""
        config = load_recipe(TrainingConfig, CONFIGS / self.task / f"{self.method}.yaml")
        return config.model_copy(update={"seed": self.seed})


def jobs_of(
    recipe: BenchmarkRecipe, tasks: Sequence[str], methods: Sequence[str], seeds: int
) -> list[Job]:
    """Return what there is to do: what is not trained first, then all networks seed by seed.

    Args:
        recipe: of the data.
        tasks: names of tasks.
        methods: names of ``METHODS`` or of configurations; none named: all. Each is taken on
            those of the tasks that it is for.
        seeds: of each training, from 0.

    Raises:
        BenchError: a method is for none of the tasks, or there is no such method.
    """
    every = [
        Job(task, name)
        for task in tasks
        for name, method in METHODS.items()
        if method.suits(bind(task, recipe))
    ]
    every += [
        Job(task, name, seed) for seed in range(seeds) for task in tasks for name in NETWORKS[task]
    ]
    known = {job.method for job in every}
    for name in methods:
        if name not in known:
            everything = {*METHODS, *(name for names in NETWORKS.values() for name in names)}
            hint = did_you_mean(name, everything) if name not in everything else ""
            raise BenchError(f"no method '{name}' for {', '.join(tasks)}{hint}")
    return [job for job in every if not methods or job.method in methods]

"""What a training run is determined by, as its YAML file says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from baselines.networks.registry import AnySettings
from baselines.objectives.registry import AnyObjective
from baselines.objectives.regression import RegressionSettings
from baselines.rows import Sees
from vrs_bench.settings import Settings
from vrs_bench.tasks import get_task
from vrs_bench.training.schedule import warm_up_cosine

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class TrainingConfig(Settings):
    """A run. Same configuration and data, same weights (to rounding, on another machine)."""

    task: Annotated[str, AfterValidator(lambda name: get_task(name).name)]
    seed: Annotated[int, Field(ge=0)] = 0
    """Any non-negative integer; 0 is a seed like any other."""
    model: AnySettings
    objective: AnyObjective = RegressionSettings()
    sees: Sees = "observed"
    """What the network is given; ``truth``: what it should return, to see what it can carry at
    best. Such a run is an oracle."""
    crop: Count
    """Height and width of a training example, pixels of the target."""
    dates: Count | None = None
    """Consecutive dates of an example, for a network that sees series and for no other."""
    batch_size: Count
    """Examples in an optimizer step, over all processes and accumulated parts."""
    accumulate: Count = 1
    """Parts in which a batch is computed, one after the other, where memory is short."""
    steps: Count
    """Optimizer steps of the whole run."""
    warmup: Annotated[int, Field(ge=0)]
    """Steps in which the learning rate rises to its peak; then it falls as a half cosine to 0."""
    learning_rate: Positive
    """Peak learning rate of AdamW."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Share of its past that AdamW's mean gradient keeps; 0.5 is usual against a critic."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip_norm: Positive = 1.0
    """Gradients are shortened to this norm."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.998
    """Share of its past that the moving average of the weights keeps a step."""
    precision: Literal["fp32", "bf16"] = "fp32"
    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that read data, for each training process; 0: none besides it."""
    validate_every: Count
    """Steps between validations; the last step is always validated."""
    patience: Count | None = None
    """Validations in a row without a better PSNR after which the run ends; what is kept are then
    the weights of the best. None: all steps are taken, and the last weights are kept."""
    checkpoint_every: Count
    """Steps between checkpoints; the last step always leaves one."""

    @model_validator(mode="after")
    def _batch_divides(self) -> TrainingConfig:
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch_size: {self.batch_size} can't be cut into {self.accumulate} equal parts "
                f"(accumulate)"
            )
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> TrainingConfig:
        if self.model.series != (self.dates is not None):
            raise ValueError(
                "dates: give the dates of an example, for this network sees series"
                if self.model.series
                else "dates: this network sees one date at a time; leave it out"
            )
        if self.objective.name == "regression":
            return self
        if self.accumulate > 1:
            raise ValueError(f"accumulate: not with the objective {self.objective.name}")
        if self.objective.name == "cyclegan" and self.model.series:
            raise ValueError("objective: cyclegan translates single dates, and the network series")
        return self


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Return the learning rate of the step that follows ``step`` finished ones."""
    return warm_up_cosine(config.learning_rate, config.warmup, step, config.steps)


def ema_share(config: TrainingConfig, step: int) -> float:
    """Return the share of its past that the moving average keeps at a step.

    It is less in the first steps, so that the average soon forgets the untrained weights.
    """
    return min(config.ema_decay, (1 + step) / (10 + step))

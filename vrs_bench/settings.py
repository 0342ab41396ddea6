"""The base of all recipe models: frozen, and closed to unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A part of a recipe. Settings live beside the code that they configure.

    Unknown keys are errors (a misspelt key must not be ignored), values are not coerced
    across kinds (``"3"`` is not a number), NaN and infinity are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

"""Choosing a setting by its error on validation scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from baselines.methods.method import Example
from vrs_bench.types import Floats

T = TypeVar("T")


def least_error(
    settings: Sequence[T], examples: Iterable[Example], images: Callable[[T, Example], Floats]
) -> T:
    """Return the setting of least mean squared error; of several, the first.

    Args:
        settings: that are tried.
        examples: scenes with their truth; each is looked at once.
        images: setting and scene → images of it, as the target.
    """
    errors = np.zeros(len(settings))
    for example in examples:
        errors += [
            np.square(np.clip(images(setting, example), 0, 1) - example.target).mean()
            for setting in settings
        ]
    return settings[int(np.argmin(errors))]

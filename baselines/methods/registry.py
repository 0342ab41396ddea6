"""All methods that need no network: the one list that a method has to be put in."""

from __future__ import annotations

from baselines.methods.cloud_boosting import (
    BOOSTING,
    BOOSTING_RADAR,
    BOOSTING_RADAR_TRUE_MASK,
    BOOSTING_TRUE_MASK,
)
from baselines.methods.enlarging import BICUBIC, LANCZOS, NEAREST
from baselines.methods.filling import (
    CLOUDY,
    DOUBLE_LOGISTIC,
    HARMONIC,
    LINEAR,
    LINEAR_TRUE_MASK,
    NEAREST_DATE,
    NEAREST_DATE_TRUE_MASK,
    TEMPORAL_MEDIAN,
    WHITTAKER,
)
from baselines.methods.method import Method
from baselines.methods.reconstruction import BACK_PROJECTION, MAP_ALL_DATES, MAP_ONE_DATE
from baselines.methods.translation import (
    MEAN_OF_DATE,
    RADAR_SERIES,
    RIDGE,
    SUPERPIXELS,
    TRUE_CELLS,
)

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        NEAREST,
        BICUBIC,
        LANCZOS,
        BACK_PROJECTION,
        MAP_ONE_DATE,
        MAP_ALL_DATES,
        CLOUDY,
        NEAREST_DATE,
        NEAREST_DATE_TRUE_MASK,
        TEMPORAL_MEDIAN,
        LINEAR,
        LINEAR_TRUE_MASK,
        WHITTAKER,
        HARMONIC,
        DOUBLE_LOGISTIC,
        BOOSTING,
        BOOSTING_TRUE_MASK,
        BOOSTING_RADAR,
        BOOSTING_RADAR_TRUE_MASK,
        MEAN_OF_DATE,
        RIDGE,
        RADAR_SERIES,
        SUPERPIXELS,
        TRUE_CELLS,
    )
}

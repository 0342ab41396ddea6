"""Whether a prediction explains what was observed: the main input's sensor looks at it."""

from __future__ import annotations

from vrs_bench.metrics.definition import Metric, PerRow

METRICS = (
    Metric(
        name="through_sensor_rmse",
        label="through-sensor RMSE",
        group="consistency",
        higher_is_better=False,
        computed=PerRow(lambda scene: scene.through_sensor_rmse(scene.images)),
        in_skill=True,
        definition=(
            "RMSE between what the main input's sensor recorded and the prediction seen through "
            "that very sensor, with the clouds, calibration and registration of the row and "
            "without noise, over all bands and pixels of the input, on the scale [0, 1]. Mean "
            "over rows. The truth itself reaches the sensor's noise; less than that means that "
            "noise was fitted. Only where the main input is an image of the target's product: no "
            "sensor makes radar of optical images."
        ),
        high=1,
        needs=frozenset({"input", "operator"}),
        shown=frozenset({"board"}),
    ),
)

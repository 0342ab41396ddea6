"""The dataset as a builder class of `datasets`, for machines without a network and without files.

Every row is drawn on the spot; it equals the published one.

    from vrs_bench.data.read.generated import VRSToy

    builder = VRSToy(config_name="super_res", size="tiny")
    builder.download_and_prepare(num_proc=2)  # into the cache of `datasets`
    rows = builder.as_dataset("train")

    stream = VRSToy(config_name="cloud_removal").as_streaming_dataset("test")  # stores nothing

Configs: `super_res`, `cloud_removal`, `sar_to_optical` (input and target), and each with `_latent`
(masks, noise-free radar, causes). `size` is `tiny`, `toy`, `large` or a recipe file; `scenes` or a
whole `recipe` take the place of the recipe's. Each combination has a cache folder of its own.
"""

from __future__ import annotations

from vrs_bench.data.read.generated import VRSToy, VRSToyConfig

__all__ = ["VRSToy", "VRSToyConfig"]

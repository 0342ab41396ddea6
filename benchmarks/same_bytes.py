"""Whether published bytes survive what differs between machines: the last bit of every function.

python benchmarks/same_bytes.py [--scenes 20] [--size toy] [--ulps 1] [--json]

The package is loaded a second time from the same sources, changed in one way: whatever IEEE 754
does not fix to the bit (exponentials, FFTs, matrix products, sums whose order is free …) comes out
one unit in the last place too large or too small, at random. Then the rows of both are compared
value by value. With more ``--ulps``, one sees how far from the edge it all is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from measure import print_table
from perturbation import PACKAGE, Perturbation, perturbed_package

SCENES = {"tiny": 12, "small": 6, "toy": 2, "large": 1, "parts": 8}
"""Scenes of each recipe that are compared where no number is asked for."""
PARTS = {
    "name": "parts",
    "scenes": 3,
    "scenes_per_shard": 1,
    "world": {
        "seed": 5,
        "height": 96,
        "width": 128,
        "horizon": 4,
        "cells": {
            "n": 12,
            "lloyd_steps": 2,
            "class_patch_px": 40.0,
            "parcels": {},
            "lines": {"roads": [2, 2]},
        },
        "series": {"step_days": 90},
    },
    "sensors": {
        "super_res": {
            "lr": {
                "name": "swath",
                "product": "optical",
                "stages": [
                    {"stage": "atmosphere"},
                    {"stage": "deformation", "axis": "columns"},
                    {
                        "stage": "aggregation",
                        "target_size": {"height": 40, "width": 50},
                        "sigma_px": 1.5,
                    },
                    {"stage": "noise", "shot_noise": 0.01},
                ],
            }
        }
    },
}
"""What the packaged recipes leave out: relaxed sites, patches of classes, narrower parcels, and a
swath that is distorted."""


class Rows:
    """Makes published rows by the package as it is imported at the moment."""

    def __init__(self) -> None:
        """Import what makes rows."""
        self._tasks = importlib.import_module(f"{PACKAGE}.tasks")
        self._recipes = importlib.import_module(f"{PACKAGE}.recipes")
        self._scene = importlib.import_module(f"{PACKAGE}.world.scene")

    def of(self, size: str, scene: int) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of all tasks of one scene."""
        if size == PARTS["name"]:
            recipe = self._recipes.check_recipe(self._recipes.BenchmarkRecipe, PARTS, size)
        else:
            recipe = self._recipes.load_recipe(self._recipes.BenchmarkRecipe, size)
        made = self._scene.make_scene(recipe.world, scene)
        for task in self._tasks.TASKS:
            yield from self._tasks.bind(task, recipe).rows(made)


def compare(size: str, scenes: int, perturbation: Perturbation) -> tuple[int, int]:
    """Return how many values were compared, and how many of them differ."""
    plain = Rows()
    with perturbed_package(perturbation):
        perturbed = Rows()
        values = differing = 0
        for number in range(scenes):
            for row, other in zip(plain.of(size, number), perturbed.of(size, number), strict=True):
                for name, value in row.items():
                    values += np.size(value)
                    differing += int(np.count_nonzero(np.asarray(value) != other[name]))
    return values, differing


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; the status is 1 where values differ."""
    parser = argparse.ArgumentParser(description="Look for bytes that hang on the last bit.")
    parser.add_argument("--size", action="append", help=f"default: all of {', '.join(SCENES)}")
    parser.add_argument("--scenes", type=int, help=f"of each size; default: {SCENES}")
    parser.add_argument("--seed", type=int, default=0, help="of the directions of the errors")
    parser.add_argument("--ulps", type=int, default=1, help="size of the errors, last places")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    perturbation = Perturbation(options.seed, options.ulps)
    found = {
        size: compare(size, options.scenes or SCENES.get(size, 2), perturbation)
        for size in options.size or SCENES
    }
    if options.json:
        print(json.dumps({"values": found, "calls": perturbation.calls}))
    else:
        print_table(
            f"Published values that errors of {options.ulps} ulp change",
            ("size", "compared", "differ"),
            [(size, f"{values:,}", f"{changed:,}") for size, (values, changed) in found.items()],
        )
    return int(any(changed for _, changed in found.values()))


if __name__ == "__main__":
    sys.exit(main())

"""The reference models run as scripts; here their modules are imported the same way."""

from __future__ import annotations

import sys

import torch

from vrs_bench.paths import bundled

sys.path.insert(0, str(bundled("baselines")))

# Threads of two test processes on two cores wait for each other most of the time.
torch.set_num_threads(1)

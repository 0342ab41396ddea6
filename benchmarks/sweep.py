"""The cost of a sweep: one method over six doses and 18 scenes at size small.

python benchmarks/sweep.py [--task super_res] [--knob read_noise] [--method map-all-dates]
"""

from __future__ import annotations

import argparse
import time

from measure import print_table  # before NumPy: it sets the threads

# isort: split
from baselines.shifted import prepare
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.shifts.knobs import parse_knob
from vrs_bench.shifts.plan import plan_sweep
from vrs_bench.shifts.report import make_report
from vrs_bench.shifts.sweep import run_sweep


def main() -> None:
    """Measure whole sweeps by one process and by two, and the report; print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="super_res")
    parser.add_argument("--knob", default="read_noise", help="NAME, or NAME=DOSE,…")
    parser.add_argument("--method", default="map-all-dates")
    parser.add_argument("--size", default="small", help="packaged recipe, or a recipe file")
    parser.add_argument("--scenes", type=int, default=18)
    parser.add_argument("--workers", default="1,2", help="with commas (default: 1,2)")
    given = parser.parse_args()
    recipe = load_recipe(BenchmarkRecipe, given.size)
    knob = parse_knob(given.knob, given.task)
    plan = plan_sweep(given.task, recipe, [knob], [given.method], given.scenes)
    rows = []
    for workers in map(int, given.workers.split(",")):
        start = time.perf_counter()
        records = run_sweep(plan, prepare, workers=workers)
        took = time.perf_counter() - start
        each = took / len(records)
        rows.append((f"{workers} process{'es' * (workers > 1)}", f"{took:.0f} s", f"{each:.2f} s"))
    start = time.perf_counter()
    make_report(plan, records)
    rows.append(("report", f"{time.perf_counter() - start:.1f} s", "–"))
    title = (
        f"{given.method} on {given.task}, {knob[0].name}: {len(plan.cells)} doses × {given.scenes} "
        f"scenes of {given.size}, with floor and truth {len(records)} values"
    )
    print_table(title, ("what", "wall time", "a value"), rows)


if __name__ == "__main__":
    main()

"""The methods as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence

from baselines.methods.registry import METHODS
from vrs_bench.markdown import markdown_table
from vrs_bench.recipes import BenchmarkRecipe, load_recipe
from vrs_bench.tasks import Task, bind


def methods_table(tasks: Sequence[Task], size: str = "toy") -> str:
    """Return a table of the methods for some tasks, at a packaged size."""
    recipe = load_recipe(BenchmarkRecipe, size)
    rows = []
    for method in METHODS.values():
        fits = [task.name for task in tasks if method.suits(bind(task, recipe))]
        if fits:
            marks = ["oracle"] * bool(method.oracle) + ["informed"] * method.informed
            mark = "".join(f"*{mark}*: " for mark in marks)
            rows.append([f"`{method.name}`", ", ".join(fits), mark + method.description])
    return markdown_table(["method", "for", "what it does"], rows)

"""eval.yaml: the Hub's description of a benchmark."""

from __future__ import annotations

from typing import Any

from vrs_bench.data.documents.citation import summary
from vrs_bench.data.manifest import Manifest


def eval_description(manifest: Manifest) -> dict[str, Any]:
    """Return the Hub's description of a benchmark: a task of ours is a task of its own there."""
    return {
        "name": f"VRS-Bench {manifest.recipe.name}",
        "description": summary(manifest),
        "evaluation_framework": "vrs-bench",
        "tasks": [
            {"id": name, "config": name, "split": _scored_split(manifest, name)}
            for name in manifest.tasks
        ],
    }


def _scored_split(manifest: Manifest, task: str) -> str:
    splits = [file.split for file in manifest.files.values() if file.task == task]
    return "test" if "test" in splits else splits[-1]

"""What all descriptions of a dataset say of it alike."""

from __future__ import annotations

from vrs_bench.data.manifest import Manifest
from vrs_bench.tasks import get_task

CITATION = (
    "@software{vrs_bench, title = {VRS-Bench: a benchmark for remote-sensing image restoration "
    "and translation on a virtual Earth}, author = {{The VRS-Bench authors}}, year = {2026}}"
)
RELEASED = "2026-11-22"


def summary(manifest: Manifest) -> str:
    """Return one sentence on a dataset folder."""
    titles = [get_task(name).title.lower() for name in manifest.tasks]
    truth = "images of one's own" if manifest.own_imagery else "the known truth of a virtual Earth"
    return f"Image restoration in remote sensing ({', '.join(titles)}), scored against {truth}."

"""Scenes whose truth is known, out of a dataset folder: what methods are fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from baselines.inputs import shown_inputs
from baselines.methods.method import Example, Method
from vrs_bench.columns import restore
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.errors import BenchError
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Report


@dataclass(frozen=True)
class FolderExamples:
    """The train and validation splits of a folder; each pass reads them anew, scene by scene."""

    folder: DatasetFolder
    method: Method
    """Whose inputs are shown."""
    bound: BoundTask
    """The task on the data that are to be restored."""
    report: Report = lambda done, total: None
    """Called with the number of scenes of a pass (done, in all)."""

    def require(self) -> None:
        """Check that the folder can teach: both splits are there, of images of the same form.

        Raises:
            BenchError: it can not.
        """
        manifest, name = self.folder.manifest, self.bound.name
        for split in ("train", "validation"):
            if split not in manifest.splits(name):
                raise BenchError(
                    f"{self.folder.path}: {self.method.name} is fitted, and here is no split "
                    f"'{split}' of {name}; name a folder that has it as --train"
                )
        theirs = manifest.bound(name)
        for column in (*self.method.seen(self.bound), self.bound.target):
            one, other = self.bound.column(column).shape, theirs.column(column).shape
            if one != other:
                raise BenchError(
                    f"{self.folder.path}: `{column}` has the shape {other}, but {one} in the data "
                    f"that are to be restored; fit on data of the same size"
                )

    def reporting(self, report: Report) -> FolderExamples:
        """Return the same, telling how many scenes of a pass were read."""
        return replace(self, report=report)

    def train(self, scenes: int) -> Iterator[Example]:
        """Yield the first scenes of the train split, at most so many."""
        return self._scenes("train", scenes)

    def validation(self, scenes: int) -> Iterator[Example]:
        """Yield the first scenes of the validation split, at most so many."""
        return self._scenes("validation", scenes)

    def _scenes(self, split: str, scenes: int) -> Iterator[Example]:
        theirs = self.folder.manifest.bound(self.bound.name)
        columns = [*self.method.seen(self.bound), self.bound.target]
        read = self.folder.scenes(self.bound.name, split, columns)
        total = min(
            scenes, self.folder.manifest.rows(self.bound.name, split) // theirs.world.horizon
        )
        for done, scene in enumerate(islice(read, scenes), start=1):
            inputs = shown_inputs(theirs, self.method.oracle, scene)
            yield Example(inputs, restore(scene[self.bound.target]))
            self.report(done, total)

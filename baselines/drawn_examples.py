"""Scenes whose truth is known, drawn without a dataset folder: what methods are fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from baselines.inputs import shown_inputs
from baselines.methods.method import Example
from vrs_bench.columns import restore
from vrs_bench.evaluation.drawn import columns_of
from vrs_bench.tasks import BoundTask
from vrs_bench.types import Array
from vrs_bench.world.splits import SPLITS

_KEPT_BYTES = 700_000_000


@dataclass(frozen=True, eq=False)
class DrawnExamples:
    """Train and validation scenes for methods; as many are kept as fit into some memory."""

    task: BoundTask
    told: tuple[str, ...]
    """Columns of the truth that are shown, for oracles."""
    _kept: dict[int, dict[str, Array]] = field(default_factory=dict)

    def train(self, scenes: int) -> Iterator[Example]:
        """Yield train scenes."""
        return self._examples("train", scenes)

    def validation(self, scenes: int) -> Iterator[Example]:
        """Yield validation scenes."""
        return self._examples("validation", scenes)

    def _examples(self, split: str, scenes: int) -> Iterator[Example]:
        for number in range(SPLITS[split], SPLITS[split] + scenes):
            columns = self._columns(number)
            inputs = shown_inputs(self.task, self.told, columns)
            yield Example(inputs, restore(columns[self.task.target]))

    def _columns(self, number: int) -> dict[str, Array]:
        if number in self._kept:
            return self._kept[number]
        needed = {*self.task.visible, *self.told, self.task.target}
        columns = {n: of for n, of in columns_of(self.task, number).items() if n in needed}
        size = sum(of.nbytes for of in columns.values())
        if size * (len(self._kept) + 1) <= _KEPT_BYTES:
            self._kept[number] = columns
        return columns

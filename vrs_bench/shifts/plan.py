"""What a sweep measures: knobs and their doses, who restores, and by what it is judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product

from vrs_bench.errors import BenchError
from vrs_bench.evaluation.judge import Judge, make_judge, members, task_facts
from vrs_bench.metrics.catalogue import GROUPS
from vrs_bench.metrics.definition import Metric, PerSplit
from vrs_bench.recipes import BenchmarkRecipe
from vrs_bench.shifts.knobs import Knob
from vrs_bench.shifts.scenes import FLOOR, TRUTH, Contestant
from vrs_bench.shifts.turning import Doses, default_dose, dosed, shifted_recipe
from vrs_bench.tasks import bind
from vrs_bench.world.series import RasterSettings
from vrs_bench.world.splits import SPLITS

OTHER_DATES = "the dates differ from dose to dose, and readers are fitted for some dates"
OF_SPLITS = "is one number for a whole split, which can't be paired by scene"


@dataclass(frozen=True)
class Turned:
    """A knob with the doses of a sweep, and the one that the recipe has."""

    knob: Knob
    doses: tuple[float, ...]
    """Rising; the default is among them."""
    default: float


@dataclass(frozen=True)
class Plan:
    """All that a sweep measures."""

    task: str
    recipe: BenchmarkRecipe
    turned: tuple[Turned, ...]
    methods: tuple[str, ...]
    contestants: tuple[Contestant, ...]
    """The floor and the truth first."""
    scenes: tuple[int, ...]
    judge: Judge

    @property
    def cells(self) -> list[Doses]:
        """All settings of the knobs."""
        names = [of.knob.name for of in self.turned]
        every = product(*(of.doses for of in self.turned))
        return [dosed(dict(zip(names, doses, strict=True))) for doses in every]

    def fitted_there(self, contestant: Contestant, doses: Doses) -> Contestant:
        """Return a contestant as it restores the scenes at some doses.

        A knob that is turned for what methods are fitted on has no other effect, so that there a
        method stands for itself, fitted at that dose.
        """
        training = {of.knob.name: of.default for of in self.turned if of.knob.turns == "training"}
        here = {name: dose for name, dose in doses if training.get(name, dose) != dose}
        if contestant.method in (FLOOR, TRUTH) or not here:
            return contestant
        return Contestant(contestant.method, dosed({**dict(contestant.fitted), **here}))

    def at(self, doses: Doses) -> list[Contestant]:
        """Return who restores the scenes at some doses."""
        return [self.fitted_there(contestant, doses) for contestant in self.contestants]


def plan_sweep(
    task: str,
    recipe: BenchmarkRecipe,
    knobs: Sequence[tuple[Knob, tuple[float, ...]]],
    methods: Sequence[str],
    scenes: int,
    refitted: Collection[str] = (),
) -> Plan:
    """Return what a sweep has to measure.

    Args:
        task: name of the task.
        recipe: where every knob stands at its default dose.
        knobs: one or two, each with its doses; the default dose is added.
        methods: names of methods.
        scenes: test scenes.
        refitted: those of the methods that are also fitted at every dose, and meet all others.

    Raises:
        BenchError: no knob, three, or the same twice; no methods or scenes; a dose that the recipe
            can't have; own imagery; or what metrics need is not installed.
    """
    names = [knob.name for knob, _ in knobs]
    if not 1 <= len(names) <= 2 or len(set(names)) != len(names):
        raise BenchError(
            f"expected one knob or two different ones, got {', '.join(names) or 'none'}"
        )
    if scenes < 1 or not methods:
        raise BenchError(f"expected 1 or more scenes and methods, got {scenes} and {len(methods)}")
    if isinstance(recipe.world.series, RasterSettings):
        raise BenchError("the source 'raster' is not drawn, so that no cause can be turned in it")
    taken = sorted({FLOOR, TRUTH} & set(methods))
    if taken:
        raise BenchError(f"{taken[0]}: is always scored; leave it out")
    bound = bind(task, recipe)
    turned = []
    for knob, doses in knobs:
        default = default_dose(knob, bound)
        turned.append(Turned(knob, tuple(sorted({*doses, default})), default))
    elsewhere: list[Doses] = []
    if refitted:
        one = turned[0]
        if len(turned) > 1 or one.knob.turns == "training":
            raise BenchError(
                "a matrix of train and test doses is of one knob, and not of one that is turned "
                "for what methods are fitted on: its sweep shows just that"
            )
        elsewhere = [((one.knob.name, dose),) for dose in one.doses if dose != one.default]
    contestants = [Contestant(name) for name in (FLOOR, TRUTH, *dict.fromkeys(methods))]
    contestants += [Contestant(name, at) for name in dict.fromkeys(refitted) for at in elsewhere]
    first = SPLITS["test"]
    plan = Plan(
        task,
        recipe,
        tuple(turned),
        tuple(dict.fromkeys(methods)),
        tuple(contestants),
        tuple(range(first, first + scenes)),
        make_judge(bound, GROUPS, None),
    )
    return replace(plan, judge=_fair(plan))


def _fair(plan: Plan) -> Judge:
    """Return the judge by what can be measured at every dose alike."""
    judge, left_out = plan.judge, dict(plan.judge.left_out)
    calendar = [judge.task.world.series.day(n) for n in range(judge.task.world.horizon)]
    for doses in plan.cells:
        bound = bind(plan.task, shifted_recipe(plan.recipe, plan.task, doses))
        facts = task_facts(bound)
        left_out |= {m.name: m.obstacle(facts) for m in judge.metrics if not m.applies(facts)}
        if [bound.world.series.day(n) for n in range(bound.world.horizon)] != calendar:
            # The whole group: skill of a part of it would not be the group's.
            left_out |= {m.name: OTHER_DATES for m in judge.metrics if m.group == "downstream"}
    left_out |= {m.name: OF_SPLITS for m in judge.metrics if isinstance(m.computed, PerSplit)}
    metrics = tuple(metric for metric in judge.metrics if metric.name not in left_out)
    return replace(judge, metrics=metrics, left_out=left_out)


def skill_members(plan: Plan) -> list[Metric]:
    """Return the metrics that skill is made of in a sweep."""
    return [m for m in members(plan.judge.task) if m.name not in plan.judge.left_out]


def defaults(plan: Plan) -> Doses:
    """Return the cell in which nothing is turned."""
    return dosed({of.knob.name: of.default for of in plan.turned})


def along(plan: Plan, turned: Turned) -> list[tuple[float, Doses]]:
    """Return doses of a knob, rising, and their cells, in which nothing else is turned."""
    rest = {name: dose for name, dose in defaults(plan) if name != turned.knob.name}
    return [(dose, dosed({**rest, turned.knob.name: dose})) for dose in turned.doses]

"""The knobs: settings of worlds and sensors that can be turned alone.

Turning a knob draws nothing anew: every draw comes from a stream of its own, and what a setting
decides is a monotone function of it. The larger of two covers holds the smaller one's clouds, and
the noise of two read noises differs by a factor. One exception is told by its knob's text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from vrs_bench.errors import BenchError, did_you_mean
from vrs_bench.world.landcover import class_names

UNSEEN = "rapeseed"
"""The class that methods may not have seen: in bloom it looks like no other."""

Turns = Literal["all", "data", "training"]
"""Whom a knob is turned for: the data and what methods are told of their sensors; the data alone,
so that methods are told what is not so; or the data alone that methods are fitted on."""


@dataclass(frozen=True)
class Setting:
    """A setting of a recipe, and how it follows from a dose."""

    path: str
    """``world.`` and keys of the world; or a product, a stage of its sensors, and the stage's
    keys: ``optical.noise.read_noise``."""
    value: Callable[[float, Any, float], Any] = lambda dose, old, default: dose
    """Dose, the recipe's own value, the recipe's own dose → value."""


@dataclass(frozen=True)
class Knob:
    """A cause that can be turned alone."""

    name: str
    unit: str
    text: str
    """What is turned, in a sentence."""
    settings: tuple[Setting, ...]
    doses: tuple[float, ...]
    """That are tried where none are named, rising; the recipe's own is added."""
    harder: Literal["up", "down", "either"]
    """In which direction tasks are meant to get harder; either: in none that is known."""
    tasks: tuple[str, ...]
    """Those that have such a setting, with the packaged sensors."""
    turns: Turns = "all"
    whole: bool = False
    """Whether doses are whole numbers."""
    read: Callable[[Any], float] = float
    """Value of the first setting → dose."""


def _about(middle: float) -> Callable[[float, Any, float], Any]:
    """Return the interval that reaches a dose below and above a middle."""
    return lambda dose, old, default: {"min": middle - dose, "max": middle + dose}


def _half_width(interval: Any) -> float:
    return float((interval.max - interval.min) / 2)


def _cover(mean: float, old: Any, default: float) -> dict[str, float]:
    """Return covers about a mean: as wide as the recipe's, for the room that there is."""
    room = min(default, 1 - default)
    reach = _half_width(old) / room * min(mean, 1 - mean)
    return {"min": mean - reach, "max": mean + reach}


def _in_proportion(dose: float, old: Any, default: float) -> float:
    return float(old * dose / default)


def _prior(share: float, old: Any, default: float) -> list[float]:
    """Return the frequencies of classes with less of one."""
    frequencies = list(old) or [1.0] * (len(class_names()) - 1)
    frequencies[class_names().index(UNSEEN) - 1] *= share
    return frequencies


ALL = ("super_res", "cloud_removal", "sar_to_optical")
CLOUDED, RADAR = ("cloud_removal",), ("cloud_removal", "sar_to_optical")
ENLARGED = ("super_res",)

KNOBS: dict[str, Knob] = {
    knob.name: knob
    for knob in (
        Knob(
            "mtf",
            "MTF at Nyquist",
            "How much of the contrast at the sensor's Nyquist frequency is left; methods are told.",
            (Setting("optical.aggregation.mtf_nyquist"),),
            (0.05, 0.1, 0.15, 0.25, 0.35, 0.5),
            "down",
            ENLARGED,
        ),
        Knob(
            "mtf_untold",
            "MTF at Nyquist",
            "The same, but methods are told the recipe's own.",
            (Setting("optical.aggregation.mtf_nyquist"),),
            (0.05, 0.1, 0.15, 0.25, 0.35, 0.5),
            "either",
            ENLARGED,
            turns="data",
        ),
        Knob(
            "gain",
            "half-width",
            "Gain of a scene's calibration error, uniform within 1 ± this.",
            (Setting("optical.brightness.mul", _about(1)),),
            (0.0, 0.01, 0.02, 0.05, 0.1),
            "up",
            ENLARGED,
            read=_half_width,
        ),
        Knob(
            "bias",
            "reflectance",
            "Bias of a scene's calibration error, uniform within ± this.",
            (Setting("optical.brightness.add", _about(0)),),
            (0.0, 0.002, 0.004, 0.01, 0.02),
            "up",
            ENLARGED,
            read=_half_width,
        ),
        Knob(
            "read_noise",
            "reflectance",
            "Standard deviation of the optical imager's noise.",
            (Setting("optical.noise.read_noise"),),
            (0.0, 0.002, 0.004, 0.008, 0.016, 0.032),
            "up",
            ("super_res", "cloud_removal"),
        ),
        Knob(
            "looks",
            "looks",
            "Equivalent number of looks of the radar: the fewer, the more speckle.",
            (Setting("sar.noise.speckle_looks"),),
            (1.0, 2.0, 4.0, 8.0, 16.0, 64.0),
            "down",
            RADAR,
        ),
        Knob(
            "cover",
            "share",
            "Mean share of a partly clouded image that is under cloud.",
            (Setting("optical.clouds.cover", _cover),),
            (0.2, 0.35, 0.535, 0.7, 0.85),
            "up",
            CLOUDED,
            read=lambda cover: float((cover.min + cover.max) / 2),
        ),
        Knob(
            "spell",
            "days",
            "Mean length of foul spells; fair ones are longer in proportion, so that as many days "
            "are clear.",
            (
                Setting("optical.clouds.weather.foul_days"),
                Setting("optical.clouds.weather.fair_days", _in_proportion),
            ),
            (15.0, 30.0, 60.0, 120.0, 240.0),
            "up",
            CLOUDED,
        ),
        Knob(
            "haze",
            "share of days",
            "Share of the days with haze, of any sky.",
            (Setting("optical.clouds.weather.haze.probability"),),
            (0.0, 0.15, 0.3, 0.6, 1.0),
            "up",
            CLOUDED,
        ),
        Knob(
            "revisit",
            "days",
            "Days from one date to the next, of as many dates. Place and sky of a day stay; rain "
            "is drawn anew, for its stream runs over the calendar.",
            (Setting("world.series.step_days"),),
            (6, 12, 24, 36, 48),
            "up",
            ALL,
            whole=True,
        ),
        Knob(
            "radar_delay",
            "days",
            "Days from the optical image to the radar image of the same date.",
            (Setting("world.series.radar_delay_days"),),
            (0, 3, 6, 12, 24, 48),
            "up",
            RADAR,
            whole=True,
        ),
        Knob(
            "registration",
            "px of the sensor",
            "Sub-pixel shift, uniform within ± this, that methods are told.",
            (Setting("optical.aggregation.max_shift"),),
            (0.1, 0.2, 0.3, 0.4, 0.5),
            "either",
            ENLARGED,
        ),
        Knob(
            "registration_untold",
            "px of the sensor",
            "Error of that shift, uniform within ± this, that nobody is told of.",
            (Setting("optical.aggregation.untold_shift"),),
            (0.0, 0.1, 0.25, 0.5, 1.0),
            "up",
            ENLARGED,
            turns="data",
        ),
        Knob(
            "fields",
            "blocks",
            "Blocks of land in a scene: the more, the smaller the fields. The place is another.",
            (Setting("world.cells.n"),),
            (5, 10, 20, 40),
            "up",
            ALL,
            whole=True,
        ),
        Knob(
            "class_overlap",
            "share",
            "Largest share of a second class in a field.",
            (Setting("world.series.mixture.largest"),),
            (0.0, 0.25, 0.5, 0.75, 1.0),
            "up",
            ALL,
        ),
        Knob(
            "season_shift",
            "days",
            "Days by which everything grows, is mown, sown and harvested later.",
            (Setting("world.series.season_shift_days"),),
            (0, 10, 20, 30, 45),
            "up",
            ALL,
            whole=True,
        ),
        Knob(
            "unseen_class",
            "share",
            f"Frequency of {UNSEEN} where methods are fitted, as a share of the recipe's own; 0: "
            "they have never seen it.",
            (Setting("world.class_prior", _prior),),
            (0.0, 0.1, 0.3, 1.0),
            "down",
            ALL,
            turns="training",
            read=lambda prior: 1.0,
        ),
        Knob(
            "strip_width",
            "px",
            "Mean width of the strips into which blocks are divided. The place is another.",
            (Setting("world.cells.parcels.width_px"),),
            (4.0, 8.0, 16.0, 32.0),
            "down",
            ALL,
        ),
        Knob(
            "parcels",
            "share",
            "Share of the blocks that are divided into strips. The place is another.",
            (Setting("world.cells.parcels.share"),),
            (0.0, 0.25, 0.55, 1.0),
            "up",
            ALL,
        ),
    )
}
"""Name → knob."""


def get_knob(name: str, task: str) -> Knob:
    """Return a knob by name.

    Raises:
        BenchError: no such knob, or it is not one of the task's.
    """
    fitting = [knob.name for knob in KNOBS.values() if task in knob.tasks]
    if name not in KNOBS:
        raise BenchError(f"unknown knob '{name}'{did_you_mean(name, KNOBS)}")
    if name not in fitting:
        raise BenchError(f"{task} has no knob '{name}', only {', '.join(fitting)}")
    return KNOBS[name]


def parse_knob(text: str, task: str) -> tuple[Knob, tuple[float, ...]]:
    """Read ``NAME`` or ``NAME=DOSE,DOSE,…``.

    Returns:
        the knob and its doses, rising, each once.

    Raises:
        BenchError: no such knob, or doses that are no numbers.
    """
    name, equals, listed = text.partition("=")
    knob = get_knob(name.strip(), task)
    if not equals:
        return knob, knob.doses
    try:
        doses = {float(word) for word in listed.split(",")}
    except ValueError as error:
        raise BenchError(
            f"{name}: expected numbers with commas between, such as "
            f"{name}={','.join(f'{dose:g}' for dose in knob.doses)}; got '{listed}'"
        ) from error
    return knob, tuple(sorted(doses))

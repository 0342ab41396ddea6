"""The eight land-cover classes and what is known of each.

Numbers are chosen inside published ranges for mid-latitude Europe, not fitted to one site:

- canopy and soil reflectances: the ASTER/ECOSTRESS and USGS spectral libraries (Meerdink et al.
  2019; Kokaly et al. 2017) resampled by eye to Sentinel-2 bands 2, 3, 4 and 8; soils keep to the
  red-NIR soil line (Richardson & Wiegand 1977);
- leaf area index and dates: crop calendars of western Europe and LAI courses as in
  Weiss & Baret's S2ToolBox validation and Meroni et al. 2021 (RSE 253:112232);
- rapeseed flowering: d'Andrimont et al. 2020 (RSE 239:111660);
- backscatter: Sentinel-1 time series of crops in Veloso et al. 2017 (RSE 199:415-426) and of
  grassland, and water cloud parameters of the order of Baghdadi et al. 2017 (Remote Sens. 9:969).
"""

from __future__ import annotations

from dataclasses import dataclass

OPTICAL_BANDS = ("blue", "green", "red", "nir")
SAR_BANDS = ("vv", "vh")

Spectrum = tuple[float, float, float, float]
Pair = tuple[float, float]


@dataclass(frozen=True)
class LandCover:
    """One class. Reflectances are fractions by OPTICAL_BANDS; pairs are by SAR_BANDS."""

    name: str
    colour: str
    """Display colour, hexadecimal."""

    lai: tuple[float, float, float]
    """Leaf area index before the season, at its peak and after it, m²/m². The first and the last
    differ in crops that are sown in autumn, see ``emergence``."""
    green_up: Pair
    """Day of year of the steepest rise of LAI, and its standard deviation within the class."""
    senescence: Pair
    """Day of year of the steepest fall of LAI, and its standard deviation within the class."""
    rates: Pair
    """Steepness of the rise and of the fall, per day."""

    canopy: Spectrum
    """Reflectance of a closed green canopy."""
    ground_dry: Spectrum
    """Reflectance of what is under the canopy, dry."""
    ground_wet: Spectrum
    """The same, saturated with water."""

    ground_db: Pair
    """Backscatter of the bare ground at zero moisture, dB."""
    moisture_db: Pair
    """Rise of the ground's backscatter with volumetric soil moisture, dB per m³/m³."""
    canopy_sigma: Pair
    """Backscatter of a closed canopy at nadir, linear power (A of the water cloud model)."""
    attenuation: Pair
    """Attenuation per unit of LAI (B of the water cloud model)."""

    texture: Pair
    """Relative standard deviation, from pixel to pixel, of the canopy's brightness (light and
    shade) and of the ground's."""
    sar_texture: float
    """Standard deviation of backscatter from pixel to pixel, before speckle, in units of 30 dB."""
    emergence: float = 0.0
    """Day of year on which a crop that is sown in autumn comes up."""
    perennial: bool = False
    """What withers stays until spring."""
    mown: bool = False
    """Cut several times a year."""
    tilled: bool = False
    """Ploughed after harvest."""
    harvested_early: bool = False
    """Early enough for a cover crop, or a second one, before winter."""
    fallow: bool = False
    """Weeds come up."""
    dries: float = 1.0
    """Share of the canopy that turns to straw before it falls (1: an annual crop)."""
    flower: float = 0.0
    """Share of the view that is petals at full bloom."""
    roughness_db: float = 0.0
    """Standard deviation of the ground's backscatter from date to date, dB (wind on water)."""


_SOIL_DRY: Spectrum = (0.090, 0.130, 0.175, 0.250)
_SOIL_WET: Spectrum = (0.045, 0.066, 0.090, 0.148)
_CROP_SOIL_DB: Pair = (-17.0, -25.0)
_CROP_MOISTURE_DB: Pair = (28.0, 20.0)

LAND_COVER: tuple[LandCover, ...] = (
    LandCover(
        name="water",
        colour="#2f6db5",
        lai=(0.0, 0.0, 0.0),
        green_up=(120, 0),
        senescence=(280, 0),
        rates=(0.1, 0.1),
        canopy=(0.03, 0.05, 0.03, 0.20),
        ground_dry=(0.055, 0.045, 0.028, 0.012),
        ground_wet=(0.055, 0.045, 0.028, 0.012),
        ground_db=(-19.5, -27.0),
        moisture_db=(0.0, 0.0),
        canopy_sigma=(0.0, 0.0),
        attenuation=(0.0, 0.0),
        texture=(0.03, 0.10),
        sar_texture=0.012,
        dries=0.0,
        roughness_db=1.6,
    ),
    LandCover(
        name="built-up",
        colour="#c0392b",
        lai=(0.25, 0.55, 0.25),
        green_up=(110, 5),
        senescence=(290, 5),
        rates=(0.06, 0.06),
        canopy=(0.035, 0.065, 0.040, 0.38),
        ground_dry=(0.135, 0.150, 0.165, 0.205),
        ground_wet=(0.110, 0.123, 0.136, 0.172),
        ground_db=(-4.5, -11.5),
        moisture_db=(2.0, 2.0),
        canopy_sigma=(0.10, 0.025),
        attenuation=(0.05, 0.05),
        texture=(0.12, 0.22),
        sar_texture=0.110,
        perennial=True,
        dries=0.3,
    ),
    LandCover(
        name="bare soil",
        colour="#b08d57",
        lai=(0.05, 0.20, 0.05),
        green_up=(130, 20),
        senescence=(250, 20),
        rates=(0.05, 0.05),
        canopy=(0.035, 0.070, 0.045, 0.38),
        ground_dry=_SOIL_DRY,
        ground_wet=_SOIL_WET,
        ground_db=_CROP_SOIL_DB,
        moisture_db=_CROP_MOISTURE_DB,
        canopy_sigma=(0.06, 0.012),
        attenuation=(0.20, 0.25),
        texture=(0.08, 0.08),
        sar_texture=0.030,
        fallow=True,
        tilled=True,
        dries=0.5,
    ),
    LandCover(
        name="forest",
        colour="#1e6b3a",
        lai=(0.8, 5.2, 0.8),
        green_up=(118, 5),
        senescence=(292, 6),
        rates=(0.12, 0.09),
        canopy=(0.017, 0.034, 0.018, 0.330),
        ground_dry=(0.040, 0.058, 0.070, 0.150),
        ground_wet=(0.028, 0.040, 0.048, 0.110),
        ground_db=(-11.0, -17.5),
        moisture_db=(6.0, 6.0),
        canopy_sigma=(0.155, 0.042),
        attenuation=(0.35, 0.35),
        texture=(0.115, 0.08),
        sar_texture=0.028,
        perennial=True,
        dries=0.35,
    ),
    LandCover(
        name="grassland",
        colour="#7fc96b",
        lai=(0.8, 3.6, 0.8),
        green_up=(98, 8),
        senescence=(285, 12),
        rates=(0.06, 0.04),
        canopy=(0.028, 0.066, 0.034, 0.420),
        ground_dry=_SOIL_DRY,
        ground_wet=_SOIL_WET,
        ground_db=(-15.5, -23.5),
        moisture_db=(22.0, 16.0),
        canopy_sigma=(0.080, 0.017),
        attenuation=(0.16, 0.18),
        texture=(0.120, 0.08),
        sar_texture=0.024,
        perennial=True,
        mown=True,
        dries=0.3,
    ),
    LandCover(
        name="winter cereal",
        colour="#e8c547",
        lai=(0.6, 5.6, 0.12),
        green_up=(92, 6),
        senescence=(178, 6),
        rates=(0.08, 0.14),
        canopy=(0.024, 0.056, 0.025, 0.470),
        ground_dry=_SOIL_DRY,
        ground_wet=_SOIL_WET,
        ground_db=_CROP_SOIL_DB,
        moisture_db=_CROP_MOISTURE_DB,
        canopy_sigma=(0.034, 0.013),
        attenuation=(0.36, 0.30),
        texture=(0.105, 0.08),
        sar_texture=0.022,
        emergence=300,
        tilled=True,
        harvested_early=True,
    ),
    LandCover(
        name="maize",
        colour="#e67e22",
        lai=(0.05, 4.8, 0.05),
        green_up=(168, 6),
        senescence=(262, 7),
        rates=(0.11, 0.11),
        canopy=(0.026, 0.064, 0.030, 0.460),
        ground_dry=_SOIL_DRY,
        ground_wet=_SOIL_WET,
        ground_db=_CROP_SOIL_DB,
        moisture_db=_CROP_MOISTURE_DB,
        canopy_sigma=(0.125, 0.034),
        attenuation=(0.22, 0.28),
        texture=(0.105, 0.08),
        sar_texture=0.024,
        tilled=True,
    ),
    LandCover(
        name="rapeseed",
        colour="#f7f13c",
        lai=(1.1, 4.9, 0.25),
        green_up=(82, 6),
        senescence=(172, 6),
        rates=(0.08, 0.12),
        canopy=(0.030, 0.070, 0.032, 0.490),
        ground_dry=_SOIL_DRY,
        ground_wet=_SOIL_WET,
        ground_db=_CROP_SOIL_DB,
        moisture_db=_CROP_MOISTURE_DB,
        canopy_sigma=(0.125, 0.041),
        attenuation=(0.24, 0.30),
        texture=(0.105, 0.08),
        sar_texture=0.024,
        emergence=262,
        tilled=True,
        harvested_early=True,
        flower=0.55,
    ),
)
"""The classes; the label of ``LAND_COVER[k]`` is k + 1, 0 is background."""

SENESCENT_CANOPY: Spectrum = (0.080, 0.130, 0.190, 0.310)
"""Reflectance of dry, standing straw and leaves."""
PETALS: Spectrum = (0.050, 0.230, 0.230, 0.460)
"""Reflectance of a canopy of yellow petals."""
EXTINCTION: Spectrum = (0.62, 0.58, 0.62, 0.42)
"""Extinction per unit of LAI; smaller in the near infrared, where leaves scatter."""


def class_names() -> tuple[str, ...]:
    """Return the names by label, background first."""
    return ("background", *(cover.name for cover in LAND_COVER))


def class_colours() -> tuple[str, ...]:
    """Return the display colours by label, background first."""
    return ("#202020", *(cover.colour for cover in LAND_COVER))

"""What the data are good for and what not, in the RAI vocabulary of Croissant.

The properties are those of http://mlcommons.org/croissant/RAI/1.0, and what data-set tracks of
conferences ask for besides: whether data are synthetic, and how they came about.
"""

from __future__ import annotations

from typing import Any

from vrs_bench.data.manifest import Manifest

VOCABULARY = "http://mlcommons.org/croissant/RAI/1.0"

_USE_CASES = [
    "Comparing methods of super-resolution, cloud removal and SAR-to-optical translation where "
    "the truth is known.",
    "Asking which image-quality metrics agree with errors that are known.",
    "Testing a training or evaluation pipeline, since everything can be generated again.",
    "Not: training a method for operational use on real images without real images; estimating "
    "how well a method does on a real sensor or place; making maps or decisions about land.",
]
_PRIVACY = (
    "None: no person, no place and no property of anybody is shown, and no real image was used."
)
_PRIVACY_OF_IMAGES = (
    "That of the given images, which this package does not know; whoever publishes them has to say."
)
_IMPACT = (
    "A score here can be mistaken for quality on real images. A restored image can show fields, "
    "roads or clearings that are not there; consistency and hallucination scores and the maps of "
    "errors are there to show it."
)
_MAINTENANCE = (
    "Bytes change with a release only, which the changelog lists; recipe, seed and version in the "
    "manifest make the same data again. A metric has a version of its own; scores by an older "
    "definition are not ranked. The truth of the test split is public, since its seed is."
)


def responsible(manifest: Manifest) -> dict[str, Any]:
    """Return the RAI properties of a dataset folder."""
    found = _of_images() if manifest.own_imagery else _of_a_drawn_world()
    return {
        **found,
        "rai:dataUseCases": _USE_CASES,
        "rai:dataSocialImpact": _IMPACT,
        "rai:dataReleaseMaintenancePlan": _MAINTENANCE,
        # Observations are, in either case.
        "rai:hasSyntheticData": True,
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": "vrs-bench build",
            "description": (
                f"vrs-bench {manifest.package}, {', '.join(manifest.tasks)}, recipe "
                f"{manifest.recipe.name}; every setting is in recipes/ and manifest.json."
            ),
        },
    }


def _of_a_drawn_world() -> dict[str, Any]:
    return {
        "rai:dataCollection": (
            "Nothing was collected. A seeded generator draws scenes with a land cover, a physical "
            "year and a texture; virtual sensors derive observations from them."
        ),
        "rai:dataCollectionType": ["Synthetic"],
        "rai:dataAnnotationProtocol": (
            "Land cover, cells, clouds, shadows and all other causes are what the generator drew: "
            "exact, by no annotator."
        ),
        "rai:dataBiases": [
            "One kind of landscape: fields of a temperate climate, of eight classes, on flat "
            "ground. Mountains, coasts, deserts, tropics and cities are missing.",
            "One calendar of sowing and harvest, of the northern hemisphere.",
            "Class parameters lie in published ranges and are not fitted to a place; how often a "
            "class comes is set by the recipe, not by a census.",
        ],
        "rai:dataLimitations": [
            "No relief and its shadows, no adjacency effect, no bidirectional reflectance, no "
            "buildings with height; four optical bands and two of radar.",
            "Sensors are models: their blur, noise, clouds and residuals are simpler than those "
            "of an instrument, and known exactly.",
            "A method may learn the generator. Doing well here is no proof of doing well on real "
            "images; doing badly here, with all causes known, is telling.",
            "Readers that the downstream scores look through were fitted on this world.",
        ],
        "rai:personalSensitiveInformation": _PRIVACY,
    }


def _of_images() -> dict[str, Any]:
    return {
        "rai:dataCollection": (
            "Tiles of given rasters are taken for the truth; virtual sensors derive observations "
            "from them. The rasters' SHA-256 stand in manifest.json."
        ),
        "rai:dataCollectionType": ["Secondary Data Analysis", "Synthetic"],
        "rai:dataAnnotationProtocol": "Land cover and fields, where there are any, are as given.",
        "rai:dataBiases": ["Those of the places, dates and instruments of the given rasters."],
        "rai:dataLimitations": [
            "What the images were recorded with (noise, haze, clouds that were not masked, "
            "speckle) counts as truth: a method that removes it is marked down for it.",
            "Sensors are models: their blur, noise, clouds and residuals are simpler than those "
            "of an instrument.",
        ],
        "rai:personalSensitiveInformation": _PRIVACY_OF_IMAGES,
        "prov:wasDerivedFrom": "The given rasters, by their SHA-256 in manifest.json.",
    }

"""All networks, and the settings of any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field
from torch import nn

from baselines.inputs import Bands
from baselines.networks.network import Network, NetworkSettings
from baselines.networks.series import SeriesNetwork, UTAESettings, UTiliseSettings
from baselines.networks.subpixel import EDSRSettings, SPANSettings, SubPixel
from baselines.networks.translation import Pix2PixGenerator, Pix2PixSettings
from baselines.networks.unet import UNet, UNetSettings

NETWORKS: dict[str, Network] = {
    "unet": Network(UNetSettings, UNet),
    "edsr": Network(EDSRSettings, SubPixel),
    "span": Network(SPANSettings, SubPixel),
    "utae": Network(UTAESettings, SeriesNetwork),
    "utilise": Network(UTiliseSettings, SeriesNetwork),
    "pix2pix": Network(Pix2PixSettings, Pix2PixGenerator),
}

if TYPE_CHECKING:
    AnySettings = NetworkSettings
else:
    AnySettings = Annotated[
        Union[tuple(network.settings for network in NETWORKS.values())],  # noqa: UP007
        Field(discriminator="name"),
    ]
    """Settings of one of the networks, told by their name."""


def build(settings: NetworkSettings, bands: Bands) -> nn.Module:
    """Return a network with random or pretrained weights.

    Raises:
        BenchError: the settings do not fit each other, or there are no pretrained weights.
    """
    return NETWORKS[settings.name].build(settings, bands)

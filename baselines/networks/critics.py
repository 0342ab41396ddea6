"""The critics of adversarial training: what is real, patch by patch.

PatchGAN of Isola et al. 2017, arXiv:1611.07004, with normalisation by groups of channels in place
of batches, and fewer channels.
"""

from __future__ import annotations

from torch import Tensor, nn

from baselines.networks.blocks import normalisation, scaled

LEAK = 0.2
"""Slope of leaky rectifiers below 0, as in the paper."""


class PatchCritic(nn.Module):
    """Judges each patch of an image: the higher, the more it is taken for real."""

    def __init__(self, bands: int, widths: tuple[int, ...]) -> None:
        """Build one that halves the image in every layer but the last two."""
        super().__init__()
        layers: list[nn.Module] = []
        before = bands
        for level, width in enumerate(widths):
            stride = 1 if level and level == len(widths) - 1 else 2
            layers.append(nn.Conv2d(before, width, 4, stride=stride, padding=1))
            layers += [normalisation(width)] if level else []
            layers.append(nn.LeakyReLU(LEAK))
            before = width
        layers.append(nn.Conv2d(before, 1, 4, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """Map (row, bands, H, W) to verdicts (row, 1, h, w)."""
        verdict: Tensor = self.layers(scaled(image))
        return verdict

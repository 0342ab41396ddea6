"""The backbone of the reference encoder, in plain torch.

It is timm's ``test_resnet``, layer by layer and under timm's names, so that what was trained with
timm (Wightman 2019, *PyTorch image models*) runs without it: to import timm takes longer than to
score a scene, and a fifth of the memory of a process that scores.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

CHANNELS = (32, 32, 48, 192, 96)
"""Of the features of each stage, whose strides are 2, 4, 8, 16 and 32."""

_STEM = 16  # channels of the first two layers


class Backbone(nn.Module):  # type: ignore[misc]  # torch is not read by the type checker
    """A residual network of 0.37 million parameters (He et al. 2016) with a deep stem."""

    def __init__(self, bands: int) -> None:
        """Build it with random weights, for images of so many bands."""
        super().__init__()
        self.conv1 = nn.Sequential(
            _conv(bands, _STEM, stride=2),
            nn.BatchNorm2d(_STEM),
            nn.ReLU(inplace=True),
            _conv(_STEM, _STEM),
            nn.BatchNorm2d(_STEM),
            nn.ReLU(inplace=True),
            _conv(_STEM, CHANNELS[0]),
        )
        self.bn1 = nn.BatchNorm2d(CHANNELS[0])
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(_Block(before, after, stride, narrow))
            for (before, after), stride, narrow in zip(
                pairwise(CHANNELS), (1, 2, 2, 2), (False, False, True, False), strict=True
            )
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the features of each stage of (row, band, height, width) images."""
        stages = [self.bn1(self.conv1(images)).relu_()]
        pooled = nn.functional.max_pool2d(stages[0], kernel_size=3, stride=2, padding=1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            pooled = layer(pooled)
            stages.append(pooled)
        return stages


class _Block(nn.Module):  # type: ignore[misc]
    """Two layers beside a shortcut; a narrow one has a layer of single pixels on either side."""

    def __init__(self, before: int, after: int, stride: int, narrow: bool) -> None:
        super().__init__()
        inner = after // 4
        layers = (
            [_conv(before, inner, 1), _conv(inner, inner, stride=stride), _conv(inner, after, 1)]
            if narrow
            else [_conv(before, after, stride=stride), _conv(after, after)]
        )
        for number, layer in enumerate(layers, 1):
            setattr(self, f"conv{number}", layer)
            setattr(self, f"bn{number}", nn.BatchNorm2d(layer.out_channels))
        self._layers = len(layers)
        self.downsample = (
            None
            if (before, stride) == (after, 1)
            else nn.Sequential(
                nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False),
                _conv(before, after, 1),
                nn.BatchNorm2d(after),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        beside = x if self.downsample is None else self.downsample(x)
        for number in range(1, self._layers + 1):
            x = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(x))
            if number < self._layers:
                x = x.relu_()
        x += beside
        return x.relu_()


def _conv(before: int, after: int, side: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, side, stride, padding=side // 2, bias=False)

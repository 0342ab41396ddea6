"""All metrics, by group: the source of tables, of result files, and of the checks of entries."""

from __future__ import annotations

import math
from functools import partial

from vrs_bench.metrics.definition import DISTORTION, Metric

GROUPS = ("distortion", "perceptual", "downstream", "consistency")
"""The groups of metrics, in the order in which they are shown."""

_perceptual = partial(Metric, group="perceptual")
_downstream = partial(Metric, group="downstream", high=1.0)
_consistency = partial(Metric, group="consistency")
_original = partial(Metric, group="original")

_PERCEPTUAL = (
    _perceptual(
        "ms_ssim",
        "MS-SSIM",
        "",
        True,
        "Multi-scale structural similarity (Wang, Simoncelli & Bovik 2003), by piq, per band: "
        "Gaussian window of 11 px, σ = 1.5, K1 = 0.01, K2 = 0.03, data range 1, borders cropped, "
        "five scales with the authors' exponents; images of 160 px or less have the finest four "
        "(from 81 px), three (41), two (21) or one, exponents divided by their sum. Mean over "
        "bands, then over rows. From 0 to 1, 1 is perfect.",
        high=1,
    ),
    _perceptual(
        "gmsd",
        "GMSD",
        "",
        False,
        "Gradient magnitude similarity deviation (Xue et al. 2014), by piq, per band: images "
        "halved by means, Prewitt gradients, constant 170/255², data range 1. Mean over bands, "
        "then over rows; 0 is perfect.",
        high=0.5,
    ),
    _perceptual(
        "haarpsi",
        "HaarPSI",
        "",
        True,
        "Haar wavelet-based perceptual similarity (Reisenhofer et al. 2018), by piq, per band: "
        "three scales, C = 30 on the scale [0, 255], α = 4.2, images halved first, data range 1. "
        "Mean over bands, then over rows. From 0 to 1, 1 is perfect.",
        high=1,
    ),
    _perceptual(
        "cw_ssim",
        "CW-SSIM",
        "",
        True,
        "Complex wavelet structural similarity (Sampat et al. 2009): complex steerable pyramid "
        "(Portilla & Simoncelli 2000) of each band, levels 2 to 4 of six orientations, windows of "
        "7 × 7 coefficients that lie within the subband, K = 1e-6; mean over windows, subbands and "
        "bands, then over rows. From 0 to 1, 1 is perfect; small shifts hardly change it.",
        high=1,
    ),
    _perceptual(
        "feature_distance",
        "feature distance",
        "",
        False,
        "LPIPS-style distance (Zhang et al. 2018, equation 1 with all weights 1) in the five "
        "stages of the reference encoder: features scaled to unit length across channels at each "
        "position, squared difference, sum over channels, mean over positions, mean over stages. "
        "A vector of zeros against another counts 0, against any other 1. Mean over rows; 0 is "
        "perfect.",
        high=2,
    ),
    _perceptual(
        "frechet_distance",
        "Fréchet distance",
        "",
        False,
        "Fréchet distance (Heusel et al. 2017), by torchmetrics, between the reference encoder's "
        "pooled features (mean over positions of its last stage, 96 of them) of all predictions "
        "of the split and of all true images: one number for the split. Too high for few rows, "
        "and with fewer rows than features the covariances are singular: compare only where the "
        "number of rows is the same. 0 is perfect.",
        of_split=True,
    ),
    _perceptual(
        "kernel_distance",
        "kernel distance",
        "",
        False,
        "Squared maximum mean discrepancy with the kernel (x·y / 96 + 1)³ (Bińkowski et al. "
        "2018), by torchmetrics, of the same features: one number for the split; above 2048 rows "
        "the mean over seeded random subsets of that size. Unbiased for independent sets; "
        "predictions show the scenes of their truth, so near-perfect ones fall below 0. Compare "
        "only where the number of rows is the same.",
        low=-math.inf,
        of_split=True,
    ),
)

_DOWNSTREAM = (
    _downstream(
        "jaccard_ratio",
        "Jaccard ratio",
        "",
        True,
        "Jaccard index of the reference classifier on the predicted series over that on the true "
        "ones, scene by scene; mean over scenes. How much of what the truth is good for is left: "
        "1 is as good as the truth (a scene may exceed it a little).",
        high=math.inf,
    ),
    _downstream(
        "jaccard",
        "Jaccard",
        "",
        True,
        "The reference classifier (multinomial logistic regression on the optical bands of all "
        "time steps of a pixel, fitted on latent train scenes) labels each pixel of a scene from "
        "its predicted series. Micro Jaccard index over the pixels inside cells: right ones c of "
        "n give c / (2n - c). Mean over scenes. From 0 to 1.",
    ),
    _downstream(
        "jaccard_truth",
        "Jaccard of the truth",
        "",
        True,
        "The same on the true series: what the classifier can reach.",
    ),
    _downstream(
        "cell_accuracy",
        "cell accuracy",
        "",
        True,
        "Share of a scene's cells whose most frequent label (the smallest of equally frequent "
        "ones) is their land cover; a cell counts once, whatever its size. Mean over scenes.",
    ),
    _downstream(
        "segmentation_miou",
        "segmentation mIoU",
        "",
        True,
        "The segmentation network (the reference encoder with its head) labels single predicted "
        "images. Jaccard index of each class that occurs in the scene, all its images pooled; "
        "mean over classes, then over scenes. Single dates are ambiguous, so the truth does not "
        "reach 1 either.",
    ),
    _downstream(
        "segmentation_ratio",
        "segmentation ratio",
        "",
        True,
        "Segmentation mIoU on predictions over that on the true images, scene by scene; mean over "
        "scenes.",
        high=math.inf,
    ),
)

_CONSISTENCY = (
    _consistency(
        "through_sensor_rmse",
        "through-sensor RMSE",
        "",
        False,
        "RMSE between what the main input's sensor recorded and the prediction seen through that "
        "very sensor, with the clouds, calibration and registration of the row and without noise, "
        "over all bands and pixels of the input, on the scale [0, 1]. Mean over rows. The truth "
        "itself reaches the sensor's noise; less than that means that noise was fitted. Not for "
        "SAR-to-optical: no sensor makes radar of optical images.",
        high=1,
    ),
    _consistency(
        "improvement",
        "improvement",
        "",
        True,
        "Of opensr-test's correctness triplet (Aybar et al. 2024, its version 1.3.3, without "
        "matching): the share of a pixel that is nearer to the truth than the input is. From the "
        "normalised differences |x - y| / |x + y| between input, prediction and truth; borders of "
        "16 px cropped, pixels above the 0.75 quantile of the difference between input and truth, "
        "softmin of temperature 0.25. Mean over pixels, then over rows. The three shares sum to "
        "1; the truth itself reaches about 0.965. Not for SAR-to-optical.",
        high=1,
    ),
    _consistency(
        "omission",
        "omission",
        "",
        False,
        "The share that was left as the input has it, though the truth differs.",
        high=1,
    ),
    _consistency(
        "hallucination",
        "hallucination",
        "",
        False,
        "The share that is neither the truth's nor the input's: invented.",
        high=1,
    ),
    _consistency(
        "spatial_shift",
        "spatial shift",
        "px",
        False,
        "How far an image has moved against the truth: peak of the cross-correlation of the means "
        "over bands under a Hann window, to 0.01 px (Guizar-Sicairos et al. 2008), at most 8 px, "
        "which also stands for an image without structure. Mean over rows; 0 is perfect.",
        high=8,
    ),
)

_ORIGINAL = (
    _original(
        "original_psnr",
        "PSNR of the original",
        "dB",
        True,
        "As the original project defines it (`--profile original`): values below 0 count as 0, "
        "each band divided by its largest value in prediction and truth of the row; 10 log10(1 / "
        "MSE), at most 80 dB; mean over bands, then over rows.",
        high=80,
    ),
    _original(
        "original_ssim",
        "SSIM of the original",
        "",
        True,
        "The same normalisation; uniform window of 7 × 7 px, sample covariance, data range 2; mean "
        "over windows, bands and rows.",
        low=-1,
        high=1,
    ),
    _original(
        "original_sam",
        "SAM of the original",
        "π",
        False,
        "arccos of the normalised inner product over π, a squared norm being at least 2⁻¹⁰: dark "
        "identical spectra are apart too. Values below 0 count as 0. Mean over pixels and rows.",
        high=1,
    ),
    _original(
        "original_cw_ssim",
        "CW-SSIM of the original",
        "",
        True,
        "The same normalisation; similarity of the convolutions of the flattened bands with Ricker "
        "wavelets of widths 1 to 30, K = 0.01: neither complex nor two-dimensional. Mean over "
        "pixels, bands and rows.",
        high=1,
    ),
)

METRICS: dict[str, Metric] = {
    **DISTORTION,
    **{metric.name: metric for metric in (*_PERCEPTUAL, *_DOWNSTREAM, *_CONSISTENCY, *_ORIGINAL)},
}
"""Metric → definition, in the order of the groups."""

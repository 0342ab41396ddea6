"""How the reference encoder is trained: land-cover segmentation of single latent frames.

Every step draws its own frames from train scenes, made on the fly, so nothing is read from disk
and no state of a random generator needs keeping: a run that was stopped goes on from its last
checkpoint and ends with the same weights, on the same machine, as one that was not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import timm
import torch
from pydantic import Field
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from vrs_bench.data.build.shards import file_digest
from vrs_bench.errors import BenchError
from vrs_bench.metrics.downstream import confusion_matrix, jaccard_per_class
from vrs_bench.paths import write_text
from vrs_bench.references.encoder import SIDE, VERSION, Encoder, Network, perceive
from vrs_bench.references.encoder_card import CARD, WEIGHTS, Card
from vrs_bench.settings import Settings
from vrs_bench.tasks import require_products
from vrs_bench.training.checkpoints import (
    load_checkpoint,
    read_state,
    save_checkpoint,
    save_tensors,
)
from vrs_bench.training.schedule import warm_up_cosine
from vrs_bench.types import Array, Floats, Report
from vrs_bench.world.landcover import OPTICAL_BANDS, class_names
from vrs_bench.world.latent import Scene
from vrs_bench.world.scene import WorldRecipe, make_scene
from vrs_bench.world.splits import SPLITS

CHECKPOINT = "encoder-training.safetensors"
"""File in which a run that is not finished keeps its state."""

_SCENES_PER_STEP = 4
_SCENES_MEASURED = 16  # for the mean and spread of the bands
_HAZE = np.float32(0.8)  # reflectance of haze, in all bands
_WARM_UP = 0.05  # share of the steps in which the learning rate rises
_BORDER = -1  # class number of what lies between cells, which has no class


BACKBONE = "test_resnet"
"""timm's name of :class:`~vrs_bench.references.backbone.Backbone`."""


class Training(Settings):
    """Everything that determines the weights besides the world."""

    seed: Annotated[int, Field(ge=0)] = 0
    scenes: Annotated[int, Field(ge=1, le=SPLITS["validation"])] = 1000
    """Number of train scenes, from the first."""
    validation_scenes: Annotated[int, Field(ge=1)] = 38
    """Number of validation scenes, from the first."""
    steps: Annotated[int, Field(ge=1)] = 2400
    """Optimizer steps."""
    batch_size: Annotated[int, Field(ge=4, multiple_of=_SCENES_PER_STEP)] = 16
    """Crops of a step, from four scenes."""
    crop: Annotated[int, Field(ge=SIDE, multiple_of=SIDE)] = 128
    """Side of a crop, pixels."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    """The highest; it rises to it in the first 5 % of the steps and falls as a cosine."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    noise: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Highest standard deviation of the white noise that a quarter of the crops get."""
    blur: Annotated[float, Field(ge=0, le=10)] = 1.5
    """Highest standard deviation, in pixels, of the blur that another quarter gets."""
    haze: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Highest opacity of the white haze that another quarter gets, from one side to the other."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 200
    """Steps from checkpoint to checkpoint."""


def train_encoder(
    world: WorldRecipe, training: Training, folder: Path, report: Report | None = None
) -> Encoder:
    """Train the reference encoder of a world and write its weights and card into a folder.

    A run that was stopped, in whatever way, goes on when it is called again with the same world
    and settings; its checkpoint lies in the folder until the end.

    Args:
        world: whose latent optical frames; its source is ``phenology``.
        training: the settings.
        folder: to write ``encoder.safetensors`` and ``encoder.json`` into.
        report: called with (steps and validation scenes done, in all).

    Returns:
        the encoder, as :func:`~vrs_bench.references.encoder.load_encoder` gives it.

    Raises:
        BenchError: an archive as source, scenes smaller than a crop, a checkpoint of other
            settings, or a loss that is not finite.
    """
    require_products(world, "optical")
    if min(world.height, world.width) < training.crop:
        raise BenchError(
            f"crop: {training.crop} px do not fit into scenes of {world.height} x {world.width}"
        )
    identity = {
        "training": training.model_dump(mode="json"),
        "world": world.model_dump(mode="json"),
    }
    network = _fresh(training.seed)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=training.weight_decay)
    checkpoint = folder / CHECKPOINT
    if checkpoint.is_file():
        first = _go_on(checkpoint, identity, network, optimizer)
    else:
        first = 0
        centre, spread = _moments(world)
        network.centre.copy_(torch.from_numpy(centre)[:, None, None])
        network.spread.copy_(torch.from_numpy(spread)[:, None, None])

    network.train()
    in_all = training.steps + training.validation_scenes
    for step in range(first, training.steps):
        for group in optimizer.param_groups:
            group["lr"] = warm_up_cosine(
                training.learning_rate, _WARM_UP * training.steps, step, training.steps
            )
        loss = _loss(network, *_batch(world, training, step))
        if not loss.isfinite():
            raise BenchError(f"step {step + 1}: the loss is {loss.item()}; lower learning_rate")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % training.checkpoint_every == 0 or step + 1 == training.steps:
            state = {"identity": identity, "step": step + 1}
            save_checkpoint(checkpoint, {"network": network}, {"network": optimizer}, state)
        if report:
            report(step + 1, in_all)

    # Weights, then the card that vouches for them, then the end of the checkpoint: what is stopped
    # in between can go on, and is never taken for an encoder.
    save_tensors(folder / WEIGHTS, network.state_dict())
    card = Card(
        version=VERSION,
        sha256=file_digest(folder / WEIGHTS),
        bands=OPTICAL_BANDS,
        centre=tuple(network.centre.ravel().tolist()),
        spread=tuple(network.spread.ravel().tolist()),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        training=training.model_dump(mode="json"),
        validation={},
    )
    encoder = Encoder(network.eval().requires_grad_(False), card)
    scores = _validate(encoder, world, training, report)
    card = card.model_copy(update={"validation": scores})
    write_text(folder / CARD, card.model_dump_json(indent=2) + "\n")
    checkpoint.unlink()
    return Encoder(network, card)


def _moments(world: WorldRecipe) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each band over all frames of a few train scenes."""
    total, squares = np.zeros(len(OPTICAL_BANDS)), np.zeros(len(OPTICAL_BANDS))
    for number in range(_SCENES_MEASURED):
        scene = make_scene(world, number)
        for time_step in range(world.horizon):
            frame = scene.frame("optical", time_step)
            total += frame.mean(axis=(1, 2), dtype=np.float64)
            squares += np.square(frame).mean(axis=(1, 2), dtype=np.float64)
    frames = _SCENES_MEASURED * world.horizon
    centre = total / frames
    spread = np.sqrt(squares / frames - centre**2)
    return centre.astype(np.float32), spread.astype(np.float32)


def _batch(world: WorldRecipe, training: Training, step: int) -> tuple[Tensor, Tensor]:
    """Draw the crops (row, 4, crop, crop) and labels (row, crop, crop) of a step, from 0."""
    rng = np.random.default_rng([training.seed, step])
    images, labels = [], []
    for number in rng.integers(training.scenes, size=_SCENES_PER_STEP):
        scene = make_scene(world, int(number))
        for _ in range(training.batch_size // _SCENES_PER_STEP):
            image, label = _crop(scene, training, rng)
            images.append(image)
            labels.append(label)
    batch = torch.from_numpy(np.stack(images)).to(memory_format=torch.channels_last)
    return batch, torch.from_numpy(np.stack(labels))


def _crop(scene: Scene, training: Training, rng: np.random.Generator) -> tuple[Floats, Array]:
    """Return one crop of one frame, in most cases a little noisy, blurred or hazy, and turned."""
    side = training.crop
    image = scene.frame("optical", int(rng.integers(scene.recipe.horizon)))
    top, left = (int(rng.integers(length - side + 1)) for length in image.shape[1:])
    window = np.s_[..., top : top + side, left : left + side]
    image, label = image[window], scene.land_cover[window].astype(np.int64) - 1
    fault, strength = rng.random(2)
    if fault < 0.25:
        sigma = np.float32(strength * training.noise)
        image = np.clip(image + sigma * rng.standard_normal(image.shape, np.float32), 0, 1)
    elif fault < 0.5:
        sigma = strength * training.blur
        image = gaussian_filter(image, (0, sigma, sigma))
    elif fault < 0.75:
        opacity = np.linspace(0, strength * training.haze, side, dtype=np.float32)
        image = image + opacity * (_HAZE - image)
    if rng.random() < 0.5:
        image, label = image.swapaxes(-2, -1), label.swapaxes(-2, -1)
    turns = int(rng.integers(4))
    image, label = np.rot90(image, turns, axes=(-2, -1)), np.rot90(label, turns)
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def _fresh(seed: int) -> Network:
    """Return a network with the random weights of a seed; global random state stays as it is.

    The backbone is timm's own, for its random weights; its parameters have the names of
    :class:`~vrs_bench.references.backbone.Backbone`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        bands = len(OPTICAL_BANDS)
        backbone = timm.create_model(BACKBONE, features_only=True, in_chans=bands, pretrained=False)
        network: Network = Network(backbone).to(memory_format=torch.channels_last)
        return network


def _loss(network: Network, images: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over all pixels that lie inside a cell."""
    logits = network.logits(network.stages(images), (labels.shape[1], labels.shape[2]))
    return nn.functional.cross_entropy(logits, labels, ignore_index=_BORDER)


def _validate(
    encoder: Encoder, world: WorldRecipe, training: Training, report: Report | None
) -> dict[str, float]:
    """Score the labels of single latent frames, all time steps pooled, no degradation."""
    classes = class_names()[1:]
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    for done in range(training.validation_scenes):
        scene = make_scene(world, SPLITS["validation"] + done)
        frames = np.stack([scene.frame("optical", t) for t in range(world.horizon)])
        truth = np.broadcast_to(scene.land_cover, (len(frames), *scene.land_cover.shape))
        labels = perceive(encoder, frames).probabilities.argmax(axis=1) + 1
        confusion += confusion_matrix(labels, truth, len(classes))
        if report:
            report(training.steps + done + 1, training.steps + training.validation_scenes)
    jaccard = jaccard_per_class(confusion)
    scores = {
        "pixel_accuracy": np.trace(confusion) / confusion.sum(),
        "miou": np.nanmean(jaccard),
        **{f"iou/{name}": value for name, value in zip(classes, jaccard, strict=True)},
    }
    # A class that the scenes do not have has no score.
    return {name: round(float(value), 4) for name, value in scores.items() if value == value}


def _go_on(
    checkpoint: Path, identity: dict[str, Any], network: Network, optimizer: torch.optim.Optimizer
) -> int:
    """Put network and optimizer back to where they were; return the steps done."""
    try:
        state = read_state(checkpoint)
    except BenchError as error:
        raise BenchError(f"{error}; remove it to start again") from error
    if state.get("identity") != identity:
        raise BenchError(
            f"{checkpoint}: belongs to a training with other settings or of another world; remove "
            "it, or choose another folder"
        )
    load_checkpoint(checkpoint, {"network": network}, {"network": optimizer})
    return int(state["step"])

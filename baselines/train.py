"""Train a network on a task.

    accelerate launch baselines/train.py --config baselines/configs/super_res/unet.yaml \
        --data vrs-toy --out runs/unet

in a checkout, or anywhere `accelerate launch -m baselines.train …`. The folder gets
`model.safetensors` (the moving average of the weights), `config.yaml` and `metrics.json` at the
end; a checkpoint, tensorboard logs and pictures on the way. A run that was stopped goes on with
`--resume` and ends with the same weights as one that was not.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Threads of torch that wait for each other sleep instead of spinning, and NumPy, whose products
# are small, uses one: on cores that other programs use too, spinning threads slow each other down
# many times over. Both are read when the libraries are imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration, set_seed
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from baselines.inputs import bands_of, data_digest
from baselines.networks.registry import build
from baselines.rows import Crops, Shuffled, WholeImages, load_rows
from baselines.trained import CONFIG, WEIGHTS
from baselines.training_config import TrainingConfig, ema_share, learning_rate
from baselines.validation import draw, validate
from vrs_bench.data.manifest import read_manifest
from vrs_bench.errors import BenchError
from vrs_bench.paths import write_text
from vrs_bench.recipes import check_recipe, dump_recipe, load_recipe
from vrs_bench.training.checkpoints import (
    load_checkpoint,
    read_state,
    save_checkpoint,
    save_tensors,
)

CHECKPOINT = "checkpoint.safetensors"
"""File in the folder of a run that holds where it stands."""
LARGE_ERROR = 0.1
"""Error, in reflectance, at which the loss is 1: keeps losses and gradients at a handy size."""
LOG_EVERY = 10
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
STOPPED = 130
"""Exit status of a run that was asked to stop, as of a program after Ctrl-C."""


def main() -> None:
    options = read_options()
    config = load_recipe(TrainingConfig, options.config)
    if options.steps is not None:
        changed = {**config.model_dump(mode="json"), "steps": options.steps}
        config = check_recipe(TrainingConfig, changed, "--steps")
    out: Path = options.out

    accelerator = Accelerator(
        mixed_precision="no" if config.precision == "fp32" else config.precision,
        gradient_accumulation_steps=config.accumulate,
        # One batch is divided between the processes: their number does not change the run.
        dataloader_config=DataLoaderConfiguration(split_batches=True),
        log_with="tensorboard",
        project_dir=out,
    )
    part = config.batch_size // config.accumulate
    if part % accelerator.num_processes:
        raise BenchError(
            f"batch_size: {part} examples at a time can't be shared equally by "
            f"{accelerator.num_processes} processes"
        )
    set_seed(config.seed)

    # What makes the run the run it is: a checkpoint of anything else is not continued.
    manifest = read_manifest(options.data)
    identity = {
        "config": config.model_dump(mode="json"),
        "data": data_digest(manifest, config.task),
    }
    checkpoint = find_checkpoint(out, identity, options.resume)
    state = read_state(checkpoint) if checkpoint else dict[str, Any](step=0, seconds=0.0)
    if state["step"] == config.steps and (out / WEIGHTS).is_file():
        accelerator.print(f"{out}: this run is finished", file=sys.stderr)
        return

    with accelerator.main_process_first():  # one process fills the cache of `datasets`
        train_rows, validation_rows = (
            load_rows(options.data, config.task, split) for split in ("train", "validation")
        )
    bound = manifest.bound(config.task)
    bands, images = bands_of(bound), WholeImages(validation_rows, bound)
    examples = Crops(train_rows, bound, config.seed, config.crop)
    places = (n * config.batch_size for n in (state["step"], config.steps))
    order = Shuffled(len(train_rows), config.seed, *places)
    workers: dict[str, Any] = {"num_workers": config.workers, "worker_init_fn": ignore_signals}
    loader = DataLoader(examples, part, sampler=order, **workers)
    validation = DataLoader(images, part, **workers)

    network = build(config.model, bands).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).requires_grad_(False).to(accelerator.device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    networks: dict[str, nn.Module] = {"model": network, "ema": average}
    model, optimizer, loader, validation = accelerator.prepare(
        network, optimizer, loader, validation
    )
    if checkpoint:
        load_checkpoint(checkpoint, networks, optimizer.optimizer)
    accelerator.init_trackers("logs")

    # SIGTERM or Ctrl-C in any process lets all of them stop after the same step.
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: accelerator.set_trigger())

    started = time.monotonic() - state["seconds"]
    scores: dict[str, float] = {}
    batches = iter(loader)
    progress = tqdm(
        range(state["step"], config.steps),
        initial=state["step"],
        total=config.steps,
        desc="train",
        unit="step",
        disable=not accelerator.is_main_process,
    )
    for step in progress:
        # Dropout and the like draw from the step's own stream, so a checkpoint needs no state of
        # random generators.
        torch.manual_seed(step_seed(config.seed, step, accelerator.process_index))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step)
        model.train()
        for _ in range(config.accumulate):
            batch = next(batches)
            with accelerator.accumulate(model):
                error = model(batch["input"]) - batch["truth"]
                loss = (error / LARGE_ERROR).square().mean()
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), config.clip_norm)
                optimizer.step()
                optimizer.zero_grad()
        follow(average, network, ema_share(config, step))

        done = step + 1
        if done % LOG_EVERY == 0:
            if not loss.isfinite():
                raise BenchError(f"step {done}: the loss is {loss.item()}; lower learning_rate")
            values = {"train/loss": loss.item(), "train/learning_rate": learning_rate(config, step)}
            accelerator.log(values, step=done)
            progress.set_postfix({"loss": f"{values['train/loss']:.4f}", **shown(scores)})
        if done % config.validate_every == 0 or done == config.steps:
            scores = validate(accelerator, average, validation, len(images), bands)
            progress.set_postfix(shown(scores))
            accelerator.log({f"validation/{k}": v for k, v in scores.items()}, step=done)
            if accelerator.is_main_process:
                draw(out / "pictures" / f"step-{done:08d}.png", average, images, done)
        stop = accelerator.check_trigger()
        if done % config.checkpoint_every == 0 or done == config.steps or stop:
            if accelerator.is_main_process:
                kept = {**identity, "step": done, "seconds": time.monotonic() - started}
                save_checkpoint(out / CHECKPOINT, networks, optimizer.optimizer, kept)
            accelerator.wait_for_everyone()
        if stop and done < config.steps:
            progress.close()
            accelerator.end_training()
            accelerator.print(
                f"stopped after step {done} of {config.steps}; the same command with --resume "
                f"goes on from there",
                file=sys.stderr,
            )
            sys.exit(STOPPED)

    if not scores:  # stopped between the last checkpoint and the weights: only these are missing
        scores = validate(accelerator, average, validation, len(images), bands)
    if accelerator.is_main_process:
        metrics = {
            "task": config.task,
            "split": "validation",
            "rows": len(images),
            **scores,
            "steps": config.steps,
            "seconds": round(time.monotonic() - started, 1),
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "processes": accelerator.num_processes,
            "device": str(accelerator.device),
            "data": identity["data"],
        }
        write_text(out / CONFIG, dump_recipe(config))
        write_text(out / "metrics.json", json.dumps(metrics, indent=2) + "\n")
        # Last, so that weights are there only when the run is finished.
        save_tensors(out / WEIGHTS, average.state_dict(), {**identity, "bands": asdict(bands)})
        start = f" (its input {scores['psnr_input']:.2f} dB)" if bands.corrects else ""
        print(f"{out / WEIGHTS}: validation PSNR {scores['psnr']:.2f} dB{start}")
    accelerator.end_training()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True, help="YAML file of the run")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--steps", type=int, help="optimizer steps, in place of the YAML file's")
    return parser.parse_args()


def find_checkpoint(out: Path, identity: dict[str, Any], resume: bool) -> Path | None:
    """Return the checkpoint to start from, or None to start from nothing.

    Raises:
        BenchError: the folder holds another run, or one that was stopped and is not to go on.
    """
    checkpoint = out / CHECKPOINT
    if not checkpoint.is_file():
        return None
    state = read_state(checkpoint)
    before, now = ({**kept["config"], "data": kept["data"]} for kept in (state, identity))
    differences = [
        f"{k}: {before.get(k)!r} there, {now[k]!r} here" for k in now if before.get(k) != now[k]
    ]
    if differences:
        raise BenchError(
            f"{out}: holds a run of other settings; choose another --out or remove the folder\n"
            + "\n".join(differences)
        )
    if not resume and state["step"] < now["steps"]:
        raise BenchError(
            f"{out}: holds this run up to step {state['step']}; go on with --resume, choose "
            f"another --out or remove the folder"
        )
    return checkpoint


def ignore_signals(worker: int) -> None:
    """Let a process that reads data live until the training, told to stop too, has stopped."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def step_seed(seed: int, step: int, process: int) -> int:
    """Return the seed of what a process draws in a step."""
    return int(np.random.SeedSequence(seed, spawn_key=(step, process)).generate_state(1)[0])


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, share: float) -> None:
    """Move the average of the weights towards the weights, keeping a share of its past."""
    for mean, value in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - share)
        else:
            mean.copy_(value)


def shown(scores: dict[str, float]) -> dict[str, str]:
    """Return the scores as the progress bar shows them."""
    return {key: f"{value:.2f}" for key, value in scores.items()}


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(STOPPED)

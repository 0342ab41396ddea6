"""Train a network on a task.

    accelerate launch baselines/train.py --config baselines/configs/super_res/unet.yaml \
        --data vrs-toy --out runs/unet

in a checkout, or anywhere `accelerate launch -m baselines.train …`. The folder gets
`model.safetensors` (the moving average of the weights), `config.yaml` and `metrics.json` at the
end; a checkpoint, tensorboard logs and pictures on the way. A run that was stopped goes on with
`--resume` and ends with the same weights as one that was not. Decoded scenes are kept in a folder
beside it, which all runs on the same data share and which may be removed at any time.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import asdict
from functools import partial
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

from baselines.inputs import bands_of, data_digest, truth_bands
from baselines.networks.registry import build
from baselines.objectives.collapse import watch
from baselines.objectives.objective import Game
from baselines.objectives.registry import OBJECTIVES
from baselines.rows import Crops, Shuffled, Whole
from baselines.run_output import Clock, finish, picture, shown, summary
from baselines.store import open_store
from baselines.trained import WEIGHTS
from baselines.training_config import TrainingConfig, ema_share, learning_rate
from baselines.training_state import (
    BEST,
    CHECKPOINT,
    EMA,
    find_checkpoint,
    follow,
    frozen_copy,
    keep_best,
)
from baselines.validation import validate
from vrs_bench.data.manifest import read_manifest
from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe, load_recipe
from vrs_bench.training.checkpoints import (
    load_checkpoint,
    read_state,
    save_checkpoint,
)

CACHE = ".decoded"
"""Folder beside that of a run, where decoded scenes are kept."""
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
    state.setdefault("finished", state["step"] == config.steps)
    if state["finished"] and (out / WEIGHTS).is_file():
        accelerator.print(f"{out}: this run is finished", file=sys.stderr)
        return

    bound = manifest.bound(config.task)
    bands = truth_bands(bound) if config.sees == "truth" else bands_of(bound)
    cache = out.absolute().parent / CACHE if options.cache is None else options.cache
    with accelerator.main_process_first():  # one process decodes
        train_store, store = (
            open_store(options.data, config.task, split, cache) for split in ("train", "validation")
        )
    examples = Crops(train_store, config.seed, config.crop, config.dates, config.sees)
    places = (n * config.batch_size for n in (state["step"], config.steps))
    order = Shuffled(len(examples), config.seed, *places)
    workers: dict[str, Any] = {"num_workers": config.workers, "worker_init_fn": ignore_signals}
    loader = DataLoader(examples, part, sampler=order, **workers)
    # Whole scenes are large: one a process at a time.
    at_once = accelerator.num_processes if config.model.series else part
    whole = Whole(store, config.model.series, config.sees)
    validation = DataLoader(whole, at_once, **workers)

    another = partial(build, config.model)
    network = another(bands).to(memory_format=torch.channels_last)
    objective = OBJECTIVES[config.objective.name]
    players = objective.players(config.objective, network, another, bands)
    average = frozen_copy(network).to(accelerator.device)
    networks: dict[str, nn.Module] = {**players, EMA: average}
    if config.patience is not None:
        networks[BEST] = frozen_copy(average)
    optimizers = {name: optimizer_of(player, config) for name, player in players.items()}
    loader, validation = accelerator.prepare(loader, validation)
    game = Game(
        accelerator,
        {name: accelerator.prepare(player) for name, player in players.items()},
        {name: accelerator.prepare(optimizer) for name, optimizer in optimizers.items()},
        config.clip_norm,
    )
    if checkpoint:
        load_checkpoint(checkpoint, networks, optimizers)
    accelerator.init_trackers("logs")

    # SIGTERM or Ctrl-C in any process lets all of them stop after the same step.
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: accelerator.set_trigger())

    clock = Clock(time.monotonic() - state["seconds"])
    scores: dict[str, float] = {}
    batches = iter(loader)
    progress = tqdm(
        range(state["step"], state["step"] if state["finished"] else config.steps),
        initial=state["step"],
        total=config.steps,
        desc="train",
        unit="step",
        disable=not accelerator.is_main_process,
    )
    for step in progress:
        begun = time.monotonic()
        for optimizer in game.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config, step)
        for player in game.players.values():
            player.train()
        for index in range(config.accumulate):
            batch = clock.next(batches)
            # Dropout and the like draw from a stream of their own, so a checkpoint needs no state
            # of random generators. After the batch: a loader draws too when it begins.
            torch.manual_seed(step_seed(config.seed, step, index, accelerator.process_index))
            values = objective.step(config.objective, game, batch)
        follow(average, network, ema_share(config, step))
        clock.stepping += time.monotonic() - begun

        done = step + 1
        if done % LOG_EVERY == 0:
            logged = {k: v.item() for k, v in accelerator.reduce(values, "mean").items()}
            if not np.isfinite(logged["loss"]):
                raise BenchError(f"step {done}: the loss is {logged['loss']}; lower learning_rate")
            logged["learning_rate"] = learning_rate(config, step)
            accelerator.log({f"train/{k}": v for k, v in logged.items()}, step=done)
            state["watched"], collapses = watch(state.get("watched", {}), logged)
            for collapse in collapses:
                state.setdefault("collapses", []).append(f"step {done}: {collapse}")
                accelerator.print(f"step {done}: {collapse}", file=sys.stderr)
            progress.set_postfix({"loss": f"{logged['loss']:.4f}", **shown(scores)})
        if done % config.validate_every == 0 or done == config.steps:
            scores = validate(accelerator, average, validation, whole.rows, bands)
            progress.set_postfix(shown(scores))
            accelerator.log({f"validation/{k}": v for k, v in scores.items()}, step=done)
            if accelerator.is_main_process:
                picture(accelerator, out, average, store, bound, config, done)
            if config.patience is not None:
                keep_best(networks[BEST], average, state, scores["psnr"], done)
                state["finished"] = state["worse"] >= config.patience
        state["finished"] = state["finished"] or done == config.steps
        stop = accelerator.check_trigger()
        if done % config.checkpoint_every == 0 or state["finished"] or stop:
            if accelerator.is_main_process:
                state |= {**identity, "step": done, "seconds": time.monotonic() - clock.started}
                save_checkpoint(out / CHECKPOINT, networks, optimizers, state)
            accelerator.wait_for_everyone()
        if state["finished"]:
            break
        if stop:
            progress.close()
            accelerator.end_training()
            accelerator.print(
                f"stopped after step {done} of {config.steps}; the same command with --resume "
                f"goes on from there",
                file=sys.stderr,
            )
            sys.exit(STOPPED)
    progress.close()

    kept = networks.get(BEST, average)
    if not scores or kept is not average:  # of the weights that are kept
        scores = validate(accelerator, kept, validation, whole.rows, bands)
    if accelerator.is_main_process:
        metrics = {
            "task": config.task,
            "split": "validation",
            "rows": whole.rows,
            **scores,
            "steps": state["step"],
            **({"best_step": state["best_step"]} if config.patience is not None else {}),
            "seconds": round(time.monotonic() - clock.started, 1),
            "waiting": round(clock.share, 4),
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "processes": accelerator.num_processes,
            "device": str(accelerator.device),
            "data": identity["data"],
            **({"collapses": state["collapses"]} if "collapses" in state else {}),
        }
        beside = {**identity, "bands": asdict(bands)}
        finish(out, config, metrics, kept, beside, manifest.recipe.name)
        print(f"{out / WEIGHTS}: {summary(scores, bands, clock)}")
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
    parser.add_argument(
        "--cache", type=Path, help=f"of decoded scenes (default: {CACHE} beside --out)"
    )
    return parser.parse_args()


def optimizer_of(player: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """Return what trains a player."""
    return torch.optim.AdamW(
        player.parameters(),
        lr=config.learning_rate,
        betas=(config.beta1, 0.999),
        weight_decay=config.weight_decay,
    )


def ignore_signals(worker: int) -> None:
    """Let a process that reads data live until the training, told to stop too, has stopped."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def step_seed(seed: int, step: int, part: int, process: int) -> int:
    """Return the seed of what a process draws in a part of a step."""
    key = (step, part, process)
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1)[0])


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(STOPPED)

"""What stands beside the weights of a finished run for people, and for the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from baselines.training_config import TrainingConfig
from vrs_bench.tasks import get_task

LICENCE = "apache-2.0"


def model_card(config: TrainingConfig, metrics: Mapping[str, Any], data: str) -> str:
    """Return the README.md of a run: front matter for the Hub, and a text.

    Args:
        config: of the run.
        metrics: what ``metrics.json`` holds.
        data: name of the recipe of its data.
    """
    task = get_task(config.task)
    name = f"{config.model.name} for {config.task}"
    told = ModelCardData(
        license=LICENCE,
        library_name="vrs-bench",
        pipeline_tag="image-to-image",
        tags=["remote-sensing", "synthetic-data", config.task.replace("_", "-")],
        model_name=name,
        eval_results=[
            EvalResult(
                task_type="image-to-image",
                task_name=task.title,
                dataset_type="vrs-toy",
                dataset_name=f"VRS-Bench, size {data}",
                dataset_config=config.task,
                dataset_split="validation",
                metric_type="psnr",
                metric_name="PSNR, dB",
                metric_value=round(float(metrics["psnr"]), 3),
            )
        ],
    )
    seen = "is told the truth: an oracle" if config.sees == "truth" else "sees its inputs alone"
    dates = "all dates of a scene" if config.model.series else "one date at a time"
    best = f", kept as of step {metrics['best_step']}" if "best_step" in metrics else ""
    collapses = "".join(f"\n- {line}" for line in metrics.get("collapses", ()))
    return f"""---
{told.to_yaml()}
---

# {name}

{task.title} on the virtual Earth of VRS-Bench, size `{data}`. {metrics["parameters"]:,} parameters;
sees {dates}, and {seen}.

## Use

```bash
pip install 'vrs-bench[baselines]'
vrs-bench predict --method FOLDER --task {config.task} --data vrs-{data} --out predictions
```

`FOLDER` is this repository, downloaded. Weights are safetensors; nothing in it is executed.

## Training

- configuration: `config.yaml`, seed {config.seed}, objective {config.objective.name}
- data: train split of size `{data}`, digest `{metrics["data"][:12]}`
- {metrics["steps"]} steps{best}; {metrics["seconds"] / 60:.1f} minutes on {metrics["device"]}, \
{metrics["processes"]} process(es)
- validation PSNR {metrics["psnr"]:.2f} dB over {metrics["rows"]} images{collapses}

## Limits

It has seen a virtual Earth only: drawn fields, seasons, clouds and speckle. What it does to real
images is not known, and its score there is not to be guessed from the one above. PSNR does not say
whether what it made is right; `vrs-bench evaluate` says more.
"""

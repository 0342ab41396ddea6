"""Networks: each learns four images by heart, and keeps what its paper or its docstring says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from baselines import CONFIGS
from baselines.inputs import Bands
from baselines.networks.critics import PatchCritic
from baselines.networks.dates import DateAttention, DateTransformer, day_encoding, gather
from baselines.networks.registry import NETWORKS, build
from baselines.objectives import cyclegan, pix2pix, regression
from baselines.objectives.objective import MODEL, Game, ObjectiveSettings
from baselines.objectives.registry import OBJECTIVES
from baselines.training_config import TrainingConfig
from vrs_bench.errors import BenchError
from vrs_bench.recipes import check_recipe, load_recipe
from vrs_bench.settings import Settings

PACKAGED = sorted(CONFIGS.rglob("*.yaml"))
SMALL: dict[str, dict[str, Any]] = {
    "unet": {"name": "unet", "encoder": "test_resnet", "widths": [8, 12]},
    "unet of all dates": {
        "name": "unet",
        "encoder": "test_resnet",
        "widths": [8, 12],
        "dates": "all",
    },
    "edsr": {"name": "edsr", "width": 24, "blocks": 2, "factor": 2},
    "span": {"name": "span", "width": 24, "blocks": 2, "factor": 2},
    "utae": {"name": "utae", "widths": [8, 16], "heads": 2},
    "utilise": {"name": "utilise", "widths": [8, 16], "heads": 2, "layers": 1},
    "pix2pix": {"name": "pix2pix", "widths": [16, 32], "dropout": 0.0},
    "recurrent pix2pix": {
        "name": "pix2pix",
        "widths": [16, 32],
        "dropout": 0.0,
        "recurrent": True,
    },
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def network_of(model: dict[str, Any], bands: Bands) -> tuple[nn.Module, bool]:
    made = NETWORKS[model["name"]]
    found = check_recipe(made.settings, model, "test")
    torch.manual_seed(0)
    return build(found, bands), found.series


def images(bands: Bands, series: bool, side: int = 16) -> dict[str, Tensor]:
    """Return four smooth images whose input tells of them with much noise, or a series of them."""
    rng = np.random.default_rng(0)
    rows, columns = np.meshgrid(*(np.linspace(0, 3, side),) * 2, indexing="ij")
    phases = rng.uniform(0, 6, (4, bands.outputs, 1, 1))
    truth = 0.3 + 0.1 * np.sin(rows + phases) * np.cos(2 * columns - phases)
    noise = rng.normal(0, 0.1, (4, bands.inputs, side, side))
    shown = np.resize(truth, (4, bands.inputs, side, side)) if bands.corrects else 0.3
    batch = {"input": shown + noise, "truth": truth}
    if series:
        batch = {name: value[None] for name, value in batch.items()}
        batch["days"] = np.array([[10, 22, 34, 46]])
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in batch.items()}


def learned(
    network: nn.Module,
    batch: dict[str, Tensor],
    bands: Bands,
    objective: ObjectiveSettings,
    steps: int,
) -> tuple[float, float, dict[str, float]]:
    """Return the error before and after training on a batch, and the last logged values."""
    chosen = OBJECTIVES[objective.name]
    another = lambda bands: network_of(SMALL["pix2pix"], bands)[0]  # noqa: E731
    players = chosen.players(objective, network, another, bands)
    betas = (0.9 if objective.name == "regression" else 0.5, 0.99)
    optimizers = {
        name: torch.optim.AdamW(player.parameters(), lr=4e-3, betas=betas)
        for name, player in players.items()
    }
    game = Game(Accelerator(cpu=True), players, optimizers, clip_norm=100.0)
    seen = [batch[name] for name in ("input", "days") if name in batch]

    def error() -> float:
        network.eval()
        with torch.no_grad():
            found = float((network(*seen) - batch["truth"]).square().mean().sqrt())
        network.train()
        return found

    before = error()
    for _ in range(steps):
        values = chosen.step(objective, game, batch)
    return before, error(), {name: float(value) for name, value in values.items()}


@pytest.mark.parametrize("corrects", [True, False])
@pytest.mark.parametrize("name", SMALL)
def test_four_images_are_learned_by_heart(name: str, corrects: bool) -> None:
    bands = Bands(6 if corrects else 2, 4, corrects)
    network, series = network_of(SMALL[name], bands)
    before, after, _ = learned(
        network, images(bands, series), bands, regression.RegressionSettings(), 200
    )
    assert after < 0.4 * before, (before, after)


@pytest.mark.parametrize("name", ["pix2pix", "recurrent pix2pix"])
def test_pix2pix_learns_four_images_against_its_critic(name: str) -> None:
    bands = Bands(2, 4, corrects=False)
    network, series = network_of(SMALL[name], bands)
    objective = pix2pix.Pix2PixObjectiveSettings(name="pix2pix", critic_widths=(8, 16))
    before, after, values = learned(network, images(bands, series), bands, objective, 300)
    assert after < 0.35 * before, (before, after)
    assert set(values) == {"loss", "generator", "l1", "critic", "fooling_rate", "spread"}
    assert values["loss"] == pytest.approx(values["generator"] + 200 * values["l1"], rel=1e-4)
    assert 0 <= values["fooling_rate"] <= 1
    assert values["spread"] == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("supervision", [0.0, 100.0])
def test_cyclegan_learns_to_come_back_and_supervised_to_arrive(supervision: float) -> None:
    bands = Bands(2, 4, corrects=False)
    network, _ = network_of(SMALL["pix2pix"], bands)
    objective = cyclegan.CycleGANSettings(
        name="cyclegan", supervision=supervision, critic_widths=(8, 16)
    )
    batch = images(bands, series=False)
    _, _, start = learned(network, batch, bands, objective, 1)
    before, after, values = learned(network, batch, bands, objective, 200)
    assert values["cycle"] < 0.5 * start["cycle"]
    if supervision:
        assert after < 0.5 * before, (before, after)


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_packaged_networks_are_small_and_take_any_size(path: Path) -> None:
    config = load_recipe(TrainingConfig, path)
    bands = {
        "super_res": Bands(4, 4, True),
        "cloud_removal": Bands(6, 4, True),
        "sar_to_optical": Bands(4 if config.sees == "truth" else 2, 4, False),
    }[config.task]
    network = build(config.model, bands).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) <= (
        5e6 if path.stem == "unet_toy" else 2e6
    )
    shape, days = (1, bands.inputs, 37, 50), []
    if config.model.series:
        shape, days = (1, 3, *shape[1:]), [torch.tensor([[10, 22, 34]])]
    with torch.no_grad():
        made = network(torch.rand(shape), *days)
    assert made.shape == (*shape[:-3], bands.outputs, 37, 50)


@pytest.mark.parametrize("name", [name for name in SMALL if not name.startswith("unet")])
def test_a_row_does_not_depend_on_the_others_of_its_batch(name: str) -> None:
    """So the number of processes that share a batch changes nothing."""
    bands = Bands(6, 4, corrects=True)
    network, series = network_of(SMALL[name], bands)
    shape = (3, 4, 6, 16, 16) if series else (3, 6, 16, 16)
    last = "last" if name in ("edsr", "span") else "head"
    torch.nn.init.normal_(network.get_submodule(last).weight)
    seen = torch.rand(shape)
    days = [torch.tensor([[3, 9, 30, 60]]).expand(3, 4)] if series else []
    with torch.no_grad():
        whole = network(seen, *days)
        alone = torch.cat([network(seen[[n]], *(d[[n]] for d in days)) for n in range(3)])
    torch.testing.assert_close(whole, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["unet of all dates", "utae", "utilise"])
def test_the_order_of_dates_is_told_by_their_days_alone(name: str) -> None:
    bands = Bands(6, 4, corrects=True)
    network, _ = network_of(SMALL[name], bands)
    network.eval()
    torch.nn.init.normal_(network.get_submodule("head").weight)
    seen, days, order = torch.rand(1, 4, 6, 16, 16), torch.tensor([[3, 9, 30, 60]]), [2, 0, 3, 1]
    with torch.no_grad():
        sorted_, shuffled = network(seen, days), network(seen[:, order], days[:, order])
    torch.testing.assert_close(sorted_[:, order], shuffled, rtol=1e-4, atol=1e-5)


def test_a_recurrent_generator_sees_its_own_last_image_and_no_later_one() -> None:
    bands = Bands(2, 4, corrects=False)
    network, _ = network_of(SMALL["recurrent pix2pix"], bands)
    single, _ = network_of(SMALL["pix2pix"], Bands(6, 4, corrects=False))
    torch.nn.init.normal_(network.get_submodule("head").weight)
    single.load_state_dict(network.state_dict())
    seen = torch.rand(1, 3, 2, 16, 16)
    with torch.no_grad():
        made = network(seen, torch.zeros(1, 3))
        last = torch.zeros(1, 4, 16, 16)
        for step in range(3):
            # Inputs of a network are scaled, images that it is fed back are not.
            last = single(torch.cat([seen[:, step], 0.2 + 0.2 * last], dim=1))
            torch.testing.assert_close(made[:, step], last, rtol=1e-4, atol=1e-5)


def test_gathering_is_a_mean_of_dates_by_attention() -> None:
    """Against NumPy's own sum, at the resolution of the attention."""
    torch.manual_seed(0)
    attention = torch.rand(2, 3, 2, 3, 4, 5).softmax(dim=3)
    features = torch.rand(2, 3, 6, 4, 5)
    expected = np.einsum(
        "bthsyx,bshcyx->bthcyx", attention.numpy(), features.numpy().reshape(2, 3, 2, 3, 4, 5)
    ).reshape(2, 3, 6, 4, 5)
    np.testing.assert_allclose(gather(attention, features).numpy(), expected, rtol=1e-5)
    # A constant stays what it is, whatever the attention and its resolution.
    fine = torch.full((2, 3, 6, 8, 10), 0.7)
    torch.testing.assert_close(gather(attention, fine), fine)


@given(gap=st.floats(1, 300), scale=st.floats(0.1, 3))
@settings(max_examples=20, deadline=None)
def test_attention_is_shared_out_and_falls_with_the_gap_in_days(gap: float, scale: float) -> None:
    torch.manual_seed(0)
    attend = DateAttention(8, 2)
    days = torch.tensor([[0.0, gap, 3 * gap]])
    features = scale * torch.rand(1, 1, 8, 2, 2).expand(1, 3, 8, 2, 2)
    with torch.no_grad():
        for layer in (attend.position, attend.query):  # nothing but the days tells dates apart
            layer.weight.zero_()
            layer.bias.zero_()
        shares = attend(features, days)
    torch.testing.assert_close(shares.sum(3), torch.ones(1, 3, 2, 2, 2))
    first = shares[0, 0, :, :, 0, 0]
    assert (first[:, 0] > first[:, 1]).all()
    assert (first[:, 1] > first[:, 2]).all()


def test_days_are_told_apart() -> None:
    told = day_encoding(torch.arange(0, 365)[None])[0]
    gaps = torch.cdist(told, told) + 10 * torch.eye(365)
    assert told.abs().max() <= 1
    assert gaps.min() > 0.3


def test_layers_between_dates_keep_the_shape() -> None:
    made, attention = DateTransformer(8, 2, 2)(torch.rand(1, 3, 8, 4, 4), torch.tensor([[1, 2, 9]]))
    assert (made.shape, attention.shape) == ((1, 3, 8, 4, 4), (1, 3, 2, 3, 4, 4))


def test_a_verdict_is_of_a_patch() -> None:
    """The receptive field of 4 × 4 layers with strides 2, 2, 1, 1 is 34 px wide."""
    critic = PatchCritic(1, (4, 8, 16))
    for layer in critic.layers:
        if isinstance(layer, nn.GroupNorm):  # it looks at the whole image
            layer.forward = lambda image: image  # type: ignore[method-assign]
    image = torch.rand(1, 1, 96, 96, requires_grad=True)
    verdict = critic(image)
    verdict[0, 0, verdict.shape[2] // 2, verdict.shape[3] // 2].backward()
    assert image.grad is not None
    touched = image.grad[0, 0].abs().amax(0).nonzero()
    assert int(touched.max() - touched.min()) + 1 == 34


def test_spread_is_of_the_truth() -> None:
    truth = torch.rand(4, 3, 8, 8)
    assert pix2pix.spread(truth, truth).item() == pytest.approx(1)
    assert pix2pix.spread(0.3 * truth, truth).item() == pytest.approx(0.3, abs=1e-5)
    assert pix2pix.spread(torch.full_like(truth, 0.2), truth).item() == pytest.approx(0, abs=1e-5)


def test_verdicts_are_a_binary_cross_entropy() -> None:
    verdict = torch.tensor([0.0, 2.0, -1.0])
    likely = 1 / (1 + np.exp(-verdict.numpy()))
    assert pix2pix.against(verdict, 1.0).item() == pytest.approx(-np.log(likely).mean(), rel=1e-5)
    assert pix2pix.against(verdict, 0.0).item() == pytest.approx(
        -np.log(1 - likely).mean(), rel=1e-5
    )


def test_settings_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(BenchError, match="must be multiples of 3 heads"):
        network_of({"name": "utae", "widths": [8, 16], "heads": 3}, Bands(6, 4, True))
    with pytest.raises(BenchError, match="heads can't share"):
        network_of({**SMALL["unet of all dates"], "heads": 7}, Bands(6, 4, True))


def test_every_objective_has_its_own_name() -> None:
    for name, objective in OBJECTIVES.items():
        assert issubclass(objective.settings, Settings)
        made = objective.settings(name=name)
        network, _ = network_of(SMALL["pix2pix"], Bands(2, 4, False))
        players = objective.players(
            made, network, lambda bands: network_of(SMALL["pix2pix"], bands)[0], Bands(2, 4, False)
        )
        assert MODEL in players

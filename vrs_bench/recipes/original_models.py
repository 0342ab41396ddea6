"""The YAML of the original toy, and what it means here.

Keys, nesting and units are the original's; ``generate`` and ``derive`` accept its files unchanged.
Values that the original needs only for its own mechanics (the mesh of its piecewise warp, the
image size that it could have read from the product) are checked where they say something about the
product, and otherwise have no effect. The exact sigmoid replaces that mesh of 6 × 6 cells: source
columns differ by up to 4.25 px, and labels on 5 % of the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from vrs_bench.errors import BenchError
from vrs_bench.sensors.interval import Interval
from vrs_bench.sensors.sensor import Revisit, SensorRecipe
from vrs_bench.sensors.stage import Stage
from vrs_bench.sensors.stages.aggregation import Aggregation, Sigma, Size
from vrs_bench.sensors.stages.brightness import Brightness, Modest
from vrs_bench.sensors.stages.clouds import Clouds, SamplingScale
from vrs_bench.sensors.stages.deformation import Deformation
from vrs_bench.sensors.stages.noise import Noise, Shares
from vrs_bench.settings import Settings
from vrs_bench.world.cells import MOST_CELLS, CellSettings
from vrs_bench.world.scene import Horizon, ProductSettings, Side, WorldRecipe
from vrs_bench.world.series.uea import Classes, Dimensions, PathName, Paths, UeaSettings
from vrs_bench.world.texture import RBF, Kernel, TextureSettings, White

Count = Annotated[int, Field(ge=1)]


class TimeSeries(Settings):
    """The archive that animates the polygons."""

    path: PathName | Paths
    ndim: Dimensions
    nclass: Classes
    reference_dataset_path: str | None = None


class FrameSize(Settings):
    """Size of what is rendered, pixels."""

    width: Side
    height: Side


class ProductShape(Settings):
    """What is rendered."""

    size: FrameSize
    nbands: Dimensions
    horizon: Horizon
    background_color: Annotated[int, Field(ge=0, le=255)] = 0
    n_polygons: Annotated[int, Field(ge=1, le=MOST_CELLS)]


class RandomSampler(Settings):
    """The texture of pixels."""

    name: Literal["gaussian", "gaussian_process"]
    std: Annotated[float, Field(ge=0, le=100)] = 1.0
    kernel: Kernel = RBF()


class GenerationRecipe(Settings):
    """A latent product of the original."""

    ts: TimeSeries
    product: ProductShape
    random_sampler: RandomSampler
    astype: Literal["h5", "jpg"] = "h5"
    seed: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _bands_are_dimensions(self) -> GenerationRecipe:
        if self.product.nbands != self.ts.ndim:
            raise ValueError(
                f"product.nbands: {self.product.nbands} bands, but ts.ndim keeps {self.ts.ndim} "
                f"dimensions; they must be equal"
            )
        if self.astype == "jpg" and self.product.nbands != 3:
            raise ValueError(
                f"astype: jpg needs a product of 3 bands, this one has {self.product.nbands}"
            )
        return self

    @model_validator(mode="after")
    def _is_a_world(self) -> GenerationRecipe:
        _tried(self.world)
        return self

    def world(self) -> WorldRecipe:
        """Return the world that this recipe describes."""
        product, sampler = self.product, self.random_sampler
        iid = sampler.name == "gaussian"
        texture = TextureSettings(
            kernel=White(name="iid") if iid else sampler.kernel,
            std=sampler.std if iid else 1.0,
            shared=0.0,
            amplitude=0.5,
        )
        background = (product.background_color / 255,) * product.nbands
        path = (self.ts.path,) if isinstance(self.ts.path, str) else self.ts.path
        return WorldRecipe(
            seed=self.seed,
            height=product.size.height,
            width=product.size.width,
            horizon=product.horizon,
            cells=CellSettings(n=product.n_polygons, border_px=1.0),
            series=UeaSettings(source="uea", path=path, ndim=self.ts.ndim, nclass=self.ts.nclass),
            products={"frames": ProductSettings(texture=texture, background=background)},
        )


class CloudAndBrightness(Settings):
    """Corruption: clouds of every frame, and a static gain and bias."""

    name: Literal["cloud_and_brightness"]
    sampling_scale: SamplingScale
    cloud_density: Annotated[float, Field(ge=0, le=6)]
    cloud_sparsity: Annotated[float, Field(ge=0, le=10)]
    cloud_probability: Annotated[float, Field(ge=0, le=1)]
    mul: Modest
    add: Modest
    seed: Annotated[int, Field(ge=0)]

    def clouds(self) -> Clouds | None:
        """Return the cloud layer, or None where there never is one."""
        if self.cloud_probability == 0 or self.cloud_density == 0:
            return None
        return Clouds(
            probability=self.cloud_probability,
            cover=Interval(min=1.0, max=1.0),
            sampling_scale=self.sampling_scale,
            exponent=1.5,
            density=1.5 * self.cloud_density,
            sparsity=max(self.cloud_sparsity, 0.01),
            brightness=250 / 255,
        )


class TangentialScaleDistortion(Settings):
    """Deformation; axis 1 (or 0) moves positions along columns (rows)."""

    name: Literal["tangential_scale_distortion"]
    image_width: Count
    image_height: Count
    mesh_columns_cells: Count
    mesh_rows_cells: Count
    axis: Literal[0, 1]
    growth_rate: Annotated[float, Field(gt=0)] | None = None


class Speckle(Settings):
    """Postprocessing: salt and pepper."""

    name: Literal["speckle"]
    salt_pepper_proportion: Shares


class HeatKernel(Settings):
    """Standard deviation of the point spread function, latent pixels."""

    sigma: Sigma


class Convolution(Settings):
    """Aggregation by a heat kernel over each ground resolution cell."""

    name: Literal["convolution"] = "convolution"
    kernel: HeatKernel
    latent_size: Size | None = None


class DerivationRecipe(Settings):
    """A derived product of the original."""

    latent_product_path: str | None = None
    target_size: Size
    temporal_res: Revisit = 1
    corruption: CloudAndBrightness | None = None
    deformation: TangentialScaleDistortion | None = None
    postprocess: Speckle | None = None
    aggregation: Convolution | None = None
    seed: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _is_a_sensor(self) -> DerivationRecipe:
        _tried(self._stages)
        return self

    def sensor(self, height: int, width: int) -> SensorRecipe:
        """Return the sensor that this recipe describes for a latent product of a given size.

        Raises:
            BenchError: the recipe is for a product of another size, or does not reach its
                target size.
        """
        deformation = self.deformation
        if deformation and (deformation.image_height, deformation.image_width) != (height, width):
            raise BenchError(
                f"deformation: image_height and image_width are {deformation.image_height} and "
                f"{deformation.image_width}, but the product has {height} and {width}"
            )
        sensor = SensorRecipe(
            name="original", product="optical", stages=self._stages(), revisit=self.temporal_res
        )
        size = sensor.output_size(height, width)
        if size != (self.target_size.height, self.target_size.width):
            raise BenchError(
                f"target_size: {self.target_size.width} × {self.target_size.height} (width × "
                f"height), but what leaves the sensor is {size[1]} × {size[0]}; give an "
                f"aggregation, or that target_size"
            )
        return sensor

    def _stages(self) -> tuple[Stage, ...]:
        """Return the stages, whatever the size of the product."""
        deformation = self.deformation
        stages: list[Stage] = []
        if self.corruption:
            clouds = self.corruption.clouds()
            stages += [clouds] if clouds else []
            stages.append(
                Brightness(
                    mul=self.corruption.mul, add=self.corruption.add, seed=self.corruption.seed
                )
            )
        if deformation:
            stages.append(
                Deformation(
                    axis="columns" if deformation.axis == 1 else "rows",
                    growth_rate=deformation.growth_rate,
                )
            )
        if self.aggregation:
            sigma = self.aggregation.kernel.sigma
            stages.append(Aggregation(target_size=self.target_size, sigma_px=sigma))
        if self.postprocess:
            stages.append(Noise(salt_pepper=self.postprocess.salt_pepper_proportion))
        return tuple(stages)


def _tried(make: Callable[[], object]) -> None:
    """Make what a recipe stands for, and tell its faults as faults of the recipe."""
    try:
        make()
    except ValidationError as error:
        told = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        faults = [f"{key}: {text}".removeprefix(": ") for key, text in told]
        raise ValueError("; ".join(faults).replace("Value error, ", "")) from error

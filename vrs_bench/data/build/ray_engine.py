"""Making shards on a Ray cluster: one task a shard, again on another node when one is lost."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from importlib.metadata import version
from itertools import islice

from vrs_bench.data.build.engines import Advance, Finished, Job, make_shard
from vrs_bench.data.build.shards import WRITER
from vrs_bench.errors import BenchError

RETRIES = 10
"""How often a shard is tried again whose worker or node died."""
_AHEAD = 4  # tasks in the queue for each core: enough to keep it busy, few enough to forget


def on_ray(jobs: Sequence[Job], address: str | None, advance: Advance) -> Iterator[Finished]:
    """Make shards on a cluster and yield each as it is finished.

    Args:
        jobs: one a shard; every node must see their folder or URL, and have this package.
        address: of a running cluster (``auto``, ``127.0.0.1:6379``, ``ray://head:10001``); None
            starts one on this machine for the time of the build.
        advance: called with the rows of each finished shard.

    Raises:
        BenchError: Ray is not installed, no cluster is there, or a shard failed
            :data:`RETRIES` times because of lost nodes.
    """
    try:
        import ray
        from ray.exceptions import RayError, RayTaskError
    except ImportError as error:
        raise BenchError("--engine ray needs: pip install 'vrs-bench[ray]'") from error
    _require_listener(address)
    with redirect_stdout(sys.stderr):  # what Ray says of lost workers is no result
        try:
            ray.init(address=address, log_to_driver=False, logging_level="error")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BenchError(
                f"no Ray cluster at '{address}' ({error}); start one with: ray start --head, or "
                f"leave out --address"
            ) from error
        try:
            options = {"max_retries": RETRIES, "num_cpus": 1, "scheduling_strategy": "SPREAD"}
            make = ray.remote(**options)(_make)
            package = _package()
            rest = iter(jobs)
            cores = int(ray.cluster_resources().get("CPU", 1))
            waiting = [make.remote(job, package) for job in islice(rest, _AHEAD * cores)]
            while waiting:
                [done], waiting = ray.wait(waiting)
                path, entry = ray.get(done)
                waiting += [make.remote(job, package) for job in islice(rest, 1)]
                advance(entry.rows)
                yield path, entry
        except RayTaskError as error:
            cause = error.as_instanceof_cause()
            raise cause if isinstance(cause, (BenchError, OSError)) else error from None
        except RayError as error:
            raise BenchError(
                f"the cluster lost a shard {RETRIES + 1} times ({error}); what is finished is "
                f"kept: run it again to go on"
            ) from error
        finally:
            ray.shutdown()


def _make(job: Job, package: str) -> Finished:
    """Make a shard on a node, whose versions must be the driver's: others may write other bytes."""
    here = _package()
    if here != package:
        raise BenchError(
            f"node {socket.gethostname()}: has {here}, but the build is by {package}; "
            f"install the same versions on every node"
        )
    return make_shard(job)


def _package() -> str:
    """Return the versions that decide on the bytes."""
    return f"vrs-bench {version('vrs-bench')} with {WRITER}"


def _require_listener(address: str | None) -> None:
    """Check that somebody listens at an address: Ray itself would wait for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):  # nothing, "auto", or what Ray can judge better
        return
    try:
        with socket.create_connection((host, int(port)), timeout=10):
            pass
    except OSError as error:
        raise BenchError(
            f"no Ray cluster at '{address}' ({error}); start one with: ray start --head --port=PORT"
        ) from error

"""Doing jobs on a Ray cluster: one task a job, again on another node when one is lost."""

from __future__ import annotations

import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from itertools import islice
from typing import TypeVar

from vrs_bench.engines.processes import THREADS
from vrs_bench.errors import BenchError

J = TypeVar("J")
R = TypeVar("R")

RETRIES = 10
"""How often a job is tried again whose worker or node died."""


def on_ray(
    do: Callable[[J], R],
    jobs: Iterable[J],
    address: str | None,
    *,
    package: Callable[[], str],
    ahead: int,
    lost: str,
) -> Iterator[R]:
    """Do jobs on a cluster and yield what each gives, in their order.

    Args:
        do: a function of a module of this package, which every node has.
        jobs: picklable; they are asked for as the queue gets shorter.
        address: of a running cluster (``auto``, ``127.0.0.1:6379``, ``ray://head:10001``); None
            starts one on this machine for this time.
        package: gives the versions that decide on results; nodes must have those of here.
        ahead: jobs in the queue for each core of the cluster.
        lost: what to say where a job failed :data:`RETRIES` times because of lost nodes.

    Raises:
        BenchError: Ray is not installed, no cluster is there, a node has other versions, or a job
            was lost too often; or what ``do`` raises.
    """
    try:
        import ray
        from ray.exceptions import RayError, RayTaskError
    except ImportError as error:
        raise BenchError("--engine ray needs: pip install 'vrs-bench[ray]'") from error
    _require_listener(address)
    with redirect_stdout(sys.stderr):  # what Ray says of lost workers is no result
        threads = {"env_vars": dict.fromkeys(THREADS, "1")}
        try:
            ray.init(
                address=address, runtime_env=threads, log_to_driver=False, logging_level="error"
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BenchError(
                f"no Ray cluster at '{address}' ({error}); start one with: ray start --head, or "
                f"leave out --address"
            ) from error
        try:
            options = {"max_retries": RETRIES, "num_cpus": 1, "scheduling_strategy": "SPREAD"}
            remote = ray.remote(**options)(_do)
            here, rest = package(), iter(jobs)
            cores = int(ray.cluster_resources().get("CPU", 1))
            waiting = deque(
                remote.remote(do, job, package, here) for job in islice(rest, ahead * cores)
            )
            while waiting:
                yield ray.get(waiting.popleft())
                waiting.extend(remote.remote(do, job, package, here) for job in islice(rest, 1))
        except RayTaskError as error:
            cause = error.as_instanceof_cause()
            raise cause if isinstance(cause, (BenchError, OSError)) else error from None
        except RayError as error:
            raise BenchError(f"the cluster lost {lost} ({error})") from error
        finally:
            ray.shutdown()


def _do(do: Callable[[J], R], job: J, package: Callable[[], str], wanted: str) -> R:
    """Do a job on a node, whose versions must be the driver's: others may give other results."""
    here = package()
    if here != wanted:
        raise BenchError(
            f"node {socket.gethostname()}: has {here}, but {wanted} asks; install the same "
            f"versions on every node"
        )
    return do(job)


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

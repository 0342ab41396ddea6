"""Publishing a dataset folder: all of it on the Hugging Face Hub, in one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vrs_bench.data.build.engines import RECORDS
from vrs_bench.data.manifest import read_manifest
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError
from vrs_bench.paths import TEMPORARY
from vrs_bench.types import Report

CARD = "README.md"

_ADVICE = {
    400: "see what it says and mend that",
    401: "the token is not valid (any more); log in with: hf auth login",
    403: "the token may not write there: take one with write access, or propose the dataset to "
    "the owner of the repository with --create-pr",
    404: "there is no such repository, or the token may not see it",
    413: "a file is larger than the Hub takes; build with fewer scenes per shard",
    429: "wait a few minutes and run the same command again to go on",
}
_AGAIN = "run the same command again to go on"


@dataclass(frozen=True)
class Upload:
    """What goes where when a dataset folder is published."""

    folder: Path
    repo: str
    files: dict[str, int]
    """Path inside the folder, and on the Hub → bytes, sorted by path."""

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(self.files.values())


def plan_upload(folder: str | Path, repo: str) -> Upload:
    """Check a dataset folder and list what publishing it sends; needs neither network nor token.

    That is every file of the folder but hidden ones and those that are still being written.

    Args:
        folder: a complete dataset folder.
        repo: ``organisation/name`` or ``user/name`` on the Hub.

    Raises:
        BenchError: the name is none, or the folder is not complete: a data file is missing,
            damaged or too many, there is no card, or a build was stopped and not ended.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise BenchError(f"--repo {repo}: {error}") from error
    if "/" not in repo:
        raise BenchError(f"--repo {repo}: expected ORG/NAME, for example my-org/{repo}")
    root = Path(folder)
    faults = verify(root, documents=False)
    if not (root / CARD).is_file():
        faults.append(f"{CARD}: missing")
    if (root / RECORDS).is_dir():
        faults.append(f"{RECORDS}: a build of this folder was stopped before its end")
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise BenchError(
            f"{root}: not a complete dataset; run its `vrs-bench build` again, which makes what "
            f"is missing, and remove what is too many:\n{lines}"
        )
    paths = {path.relative_to(root): path for path in sorted(root.rglob("*")) if path.is_file()}
    return Upload(
        root,
        repo,
        {
            inside.as_posix(): path.stat().st_size
            for inside, path in paths.items()
            if not any(part.startswith(".") for part in inside.parts) and path.suffix != TEMPORARY
        },
    )


def publish(
    folder: str | Path,
    repo: str,
    private: bool = False,
    create_pr: bool = False,
    report: Report = lambda done, total: None,
) -> str:
    """Upload a dataset folder to a dataset repository of the Hub, which is made if needed.

    The data files go up one by one, and a single commit at the end makes them, the card and the
    manifest appear together: a reader never meets half a dataset. What is on the Hub already is
    not sent again, so a stopped upload goes on with the file that it was stopped in. Shards that
    an earlier version left in the folders of these tasks are removed in the same commit, since
    the card's patterns would mix them in. Other files of the repository stay.

    (The client's own `upload_folder` commits large folders in parts, and opens another pull
    request whenever it is started again.)

    Args:
        folder, repo: as for :func:`plan_upload`.
        private: make the repository private.
        create_pr: open a pull request instead of committing to the main branch.
        report: progress callback, (data files done, in all).

    Returns:
        the address of the repository, or of the pull request.

    Raises:
        BenchError: as :func:`plan_upload`; no token; ``private`` for a repository that is public;
            or the Hub refuses or can't be reached.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

    upload = plan_upload(folder, repo)
    if not get_token():
        raise BenchError(
            "publishing needs a token of the Hub with write access; log in with: hf auth login, "
            "or set HF_TOKEN"
        )
    manifest = read_manifest(upload.folder)
    add = {name: CommitOperationAdd(name, upload.folder / name) for name in upload.files}
    api = HfApi()
    with _clear_errors(repo, api.endpoint):
        # None leaves the choice to the organisation's settings.
        api.create_repo(repo, repo_type="dataset", private=private or None, exist_ok=True)
        if private and not api.dataset_info(repo).private:
            raise BenchError(
                f"{repo}: exists and is public, so nothing was sent; make it private in its "
                "settings on the Hub, or leave --private out"
            )
        for done, name in enumerate(manifest.files):
            report(done, len(manifest.files))
            # One at a time: what is stopped loses one file at most, and Ctrl-C waits for none.
            api.preupload_lfs_files(repo, [add[name]], repo_type="dataset", create_pr=create_pr)
        report(len(manifest.files), len(manifest.files))
        stale = [
            name
            for name in api.list_repo_files(repo, repo_type="dataset")
            if name.split("/")[0] in manifest.tasks and name not in add
        ]
        commit = api.create_commit(
            repo,
            [*add.values(), *(CommitOperationDelete(name) for name in stale)],
            commit_message=f"VRS-Bench {manifest.recipe.name}: {', '.join(manifest.tasks)}",
            repo_type="dataset",
            create_pr=create_pr,
        )
    return commit.pr_url or f"{api.endpoint}/datasets/{repo}"


@contextmanager
def _clear_errors(repo: str, endpoint: str) -> Iterator[None]:
    """Turn whatever the client raises into one sentence and what to do."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:  # the client lets those of its HTTP and Xet libraries through
        chain: list[BaseException] = [error]
        while (status := _status(chain[-1])) is None and chain[-1].__cause__ is not None:
            chain.append(chain[-1].__cause__)
        said = ": ".join(dict.fromkeys(map(_said, chain)))
        if status is not None:
            what = f"the Hub answered {status}: {said}; {_ADVICE.get(status, _AGAIN)}"
        elif isinstance(error, ValueError):
            what = f"the Hub or its client refuses this: {said}"
        else:
            what = (
                f"the upload to {endpoint} failed: {said} ({type(error).__name__}); look at the "
                f"network and HF_ENDPOINT, and {_AGAIN}"
            )
        raise BenchError(f"{repo}: {what}") from error


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an error that carries a response."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _said(error: BaseException) -> str:
    """Return what an error says; of a refusal, what the Hub said or else the first line."""
    if _status(error) is None:
        return " ".join(str(error).split())
    words = getattr(error, "server_message", None) or str(error).strip().partition("\n")[0]
    return " ".join(words.split())

"""Publishing a dataset folder: all of it on the Hugging Face Hub, in one commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vrs_bench.data.build.engines import RECORDS
from vrs_bench.data.hub import Hub
from vrs_bench.data.manifest import NAME, read_manifest
from vrs_bench.data.verify import place_fault, verify, visible
from vrs_bench.errors import BenchError
from vrs_bench.paths import shown
from vrs_bench.types import Report

CARD = "README.md"


@dataclass(frozen=True)
class Upload:
    """What goes where when a dataset folder is published."""

    folder: Path
    repo: str
    files: dict[str, int]
    """Path inside the folder, and on the Hub → bytes, sorted by path."""
    left_out: tuple[str, ...]
    """What lies in the folder besides, hidden files not counted, sorted: none of it is sent."""

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(self.files.values())


def plan_upload(folder: str | Path, repo: str) -> Upload:
    """Check a dataset folder and list what publishing it sends; needs neither network nor token.

    That is the manifest and what it lists, and nothing else that lies in the folder: a secret or a
    note that was put there is not sent. Who adds to the dataset uploads that by other means.

    Args:
        folder: a complete dataset folder.
        repo: ``organisation/name`` or ``user/name`` on the Hub.

    Raises:
        BenchError: the name is none, or the folder is not complete: a data file is missing,
            damaged or too many, a document is missing, one of them is a link, or a build was
            stopped and not ended.
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
    manifest = read_manifest(root)
    documents = dict.fromkeys([*manifest.documents, CARD])
    found = {name: place_fault(root, name) for name in documents}
    faults += [f"{shown(name)}: {fault}" for name, fault in found.items() if fault is not None]
    if (root / RECORDS).is_dir():
        faults.append(f"{RECORDS}: a build of this folder was stopped before its end")
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise BenchError(
            f"{root}: not a complete dataset; run its `vrs-bench build` again, which makes what "
            f"is missing, and remove what is too many:\n{lines}"
        )
    files = sorted({NAME, *manifest.files, *documents})
    besides = {path.relative_to(root).as_posix() for path in visible(root)} - set(files)
    return Upload(
        root,
        repo,
        {name: (root / name).lstat().st_size for name in files},
        tuple(map(shown, sorted(besides))),
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
            or the Hub refuses, can't be reached, or has not ended an answer in
            :data:`vrs_bench.data.hub.ANSWER` seconds. The message never holds the token.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    upload = plan_upload(folder, repo)
    hub, manifest = Hub(repo), read_manifest(upload.folder)
    api, kind = hub.api, "dataset"
    add = {name: CommitOperationAdd(name, upload.folder / name) for name in upload.files}
    # None leaves the choice to the organisation's settings.
    hub.ask(lambda: api.create_repo(repo, repo_type=kind, private=private or None, exist_ok=True))
    if private and not hub.ask(lambda: api.dataset_info(repo)).private:
        raise BenchError(
            f"{repo}: exists and is public, so nothing was sent; make it private in its "
            "settings on the Hub, or leave --private out"
        )

    def send(name: str) -> None:
        # One at a time: what is stopped loses one file at most, and Ctrl-C waits for none.
        part = [add[name]]
        hub.ask(
            lambda: api.preupload_lfs_files(repo, part, repo_type=kind, create_pr=create_pr),
            upload.files[name],
        )

    for done, name in enumerate(manifest.files):
        report(done, len(manifest.files))
        send(name)
    report(len(manifest.files), len(manifest.files))
    documents = [name for name in upload.files if name not in manifest.files]
    for name in documents:
        send(name)
    held = hub.ask(lambda: api.list_repo_files(repo, repo_type=kind))
    stale = [name for name in held if name.split("/")[0] in manifest.tasks and name not in add]
    commit = hub.ask(
        lambda: api.create_commit(
            repo,
            [*add.values(), *(CommitOperationDelete(name) for name in stale)],
            commit_message=f"VRS-Bench {manifest.recipe.name}: {', '.join(manifest.tasks)}",
            repo_type=kind,
            create_pr=create_pr,
        ),
        sum(upload.files[name] for name in documents),
    )
    return hub.discreet(commit.pr_url or f"{api.endpoint}/datasets/{repo}")

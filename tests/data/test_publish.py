"""Publishing with the real client, to a server on the loopback interface and back from it."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hub_server import DROP, TOKEN, Answer, Blob, Handler, Hub, loopback_hub
from typer.testing import CliRunner

from vrs_bench.cli import app
from vrs_bench.data import hub as conversation
from vrs_bench.data.publish import plan_upload, publish
from vrs_bench.data.read.dataset_folder import DatasetFolder
from vrs_bench.data.verify import verify
from vrs_bench.errors import BenchError

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning:httpx2")
REPO = "org/vrs-toy"
PROMPT = 5.0
"""Seconds within which a command ends after Ctrl-C; on an idle machine it takes a tenth."""
VRS_BENCH = Path(sys.executable).with_name("vrs-bench")

LOAD = """
import sys
import numpy as np
from datasets import load_dataset
from huggingface_hub import snapshot_download
repo, out = sys.argv[1:]
rows = load_dataset(repo, "super_res_latent", split="test").with_format("numpy")
np.savez(out + "/rows.npz", **{name: rows[name] for name in rows.column_names})
stream = [row["lr"] for row in load_dataset(repo, "super_res", split="train", streaming=True)]
np.save(out + "/stream.npy", np.array(stream))
snapshot_download(repo, repo_type="dataset", local_dir=out + "/snapshot")
"""


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "vrs-toy"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Point the client of this process at a fresh server; its waits before a retry are none."""
    with loopback_hub() as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "*")
        yield server


def environment(url: str, home: Path) -> dict[str, str]:
    """Return the environment of a user who works with the server, with an empty cache."""
    settings = {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}
    return {**os.environ, **settings, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}


def run(*command: str | Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def contents(folder: Path) -> dict[str, bytes]:
    """Return path → content of all files of a folder."""
    found = [Path(root, name) for root, _, names in os.walk(folder) for name in names]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def shards(folder: Path) -> list[str]:
    return [name for name in contents(folder) if name.endswith(".parquet")]


def large(folder: Path) -> list[str]:
    """Return the SHA-256 of every file that the server takes as a large one, sorted."""
    named = [(Path(name).suffix, content) for name, content in contents(folder).items()]
    kinds = (".parquet", ".png")
    return sorted(hashlib.sha256(content).hexdigest() for kind, content in named if kind in kinds)


def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def fault_at_upload(hub: Hub, number: int, status: int) -> None:
    """Refuse every attempt to upload another object once ``number - 1`` have arrived."""
    hub.fault = lambda method, path: (
        status if method == "PUT" and len(hub.uploads) >= number - 1 else None
    )


# What would go


def test_a_dry_run_lists_what_would_go_with_neither_network_nor_token(folder, tmp_path):
    (folder / "eval.yaml").write_bytes(b"12345")  # whoever edits a document may publish it
    expected = {name: len(content) for name, content in contents(folder).items()}
    strays = ["pictures/scene.png", "secret"]
    for stray in strays:
        (folder / stray).write_bytes(b"not for others")
    for hidden in (".cache/huggingface/x.lock", ".env", "recipes/.tiny.yaml.7.partial"):
        (folder / hidden).parent.mkdir(parents=True, exist_ok=True)
        (folder / hidden).write_bytes(b"not for others")
    env = environment(closed_port(), tmp_path / "home")
    del env["HF_TOKEN"]
    arguments = ["publish", str(folder), "--repo", REPO, "--dry-run"]
    said = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    told = {"repo": REPO, "bytes": sum(expected.values()), "files": expected}
    assert said == {**told, "left_out": strays}
    *lines, first, second, total = run(VRS_BENCH, *arguments, env=env).stdout.splitlines()
    assert [first, second] == [f"{n}: left out, as it is not in the manifest" for n in strays]
    assert {line.split()[1]: int(line.split()[0].replace(",", "")) for line in lines} == expected
    assert f"{len(expected)} files would go to {REPO}" in total
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("repo", "said"),
    [("vrs-toy", "ORG/NAME"), ("a/b/c", "namespace/repo_name"), ("org/../x", "repo"), ("", "repo")],
)
def test_a_repository_needs_a_name_of_the_hub(tiny, repo, said):
    with pytest.raises(BenchError, match=said):
        plan_upload(tiny, repo)


def test_only_a_complete_dataset_is_published(folder, tmp_path, hub):
    with pytest.raises(BenchError, match="no dataset here"):
        publish(tmp_path / "nothing", REPO)
    changed, missing = shards(folder)[:2]
    (folder / changed).write_bytes(b"PAR1 or not")
    (folder / missing).unlink()
    (folder / "README.md").unlink()
    (folder / ".build").mkdir()
    with pytest.raises(BenchError) as caught:
        publish(folder, REPO)
    for name in (changed, missing, "README.md", ".build"):
        assert f"  {name}: " in str(caught.value)
    assert not hub.repos


# There and back


def test_what_is_published_loads_by_repository_and_config(folder, tmp_path):
    before = contents(folder)
    with loopback_hub() as hub:
        env = environment(hub.url, tmp_path / "home")
        done = run(VRS_BENCH, "publish", folder, "--repo", REPO, "--private", env=env)
        assert done.stdout.strip() == f"{hub.url}/datasets/{REPO}"
        assert hub.files(REPO) == before == contents(folder)  # and the client left nothing behind
        assert hub.repos[REPO].private
        run(sys.executable, "-c", LOAD, REPO, tmp_path, env=env)
        assert [address for address in hub.unknown if REPO in address] == []
    data = DatasetFolder(folder)
    loaded = np.load(tmp_path / "rows.npz")
    truth = list(
        data.scenes("super_res", "test", [n for n in loaded if n not in ("scene", "time_step")])
    )
    for name in set(loaded) - {"scene"}:
        np.testing.assert_array_equal(loaded[name], np.concatenate([s[name] for s in truth]))
    keys = np.column_stack([loaded["scene"], loaded["time_step"]])
    np.testing.assert_array_equal(keys, data.keys("super_res", "test"))
    lr = np.concatenate([scene["lr"] for scene in data.scenes("super_res", "train", ["lr"])])
    np.testing.assert_array_equal(np.load(tmp_path / "stream.npy"), lr)
    assert verify(tmp_path / "snapshot") == []


VERIFIED = """
import sys
from vrs_bench import BenchError, load_dataset
for streaming in (True, False):
    options = {"streaming": streaming, "verify": True, "revision": "main"}
    try:
        print(sum(1 for _ in load_dataset(sys.argv[1], "super_res", "train", **options)))
    except BenchError as error:
        print(error)
"""


def test_what_the_hub_holds_is_verified_before_the_first_row(folder, hub, tmp_path):
    publish(folder, REPO)
    load = (sys.executable, "-c", VERIFIED, REPO)
    done = run(*load, env=environment(hub.url, tmp_path / "home"))
    assert done.stdout.split() == ["12", "12"]
    first = "super_res/train-00000-of-00002.parquet"
    changed = Blob(hub.files(REPO)[first][:-1] + b"2", lfs=True)
    repo = hub.repos[REPO]
    hub.objects[changed.sha256] = changed.content
    repo.commit("main", {**repo.commits[repo.refs["main"]], first: changed})
    done = run(*load, env=environment(hub.url, tmp_path / "other"))
    assert done.stdout.count(f"  {first}: its content differs from the manifest's SHA-256") == 2


def test_publishing_again_sends_nothing_and_removes_only_stale_shards(folder, hub):
    steps: list[tuple[int, int]] = []
    publish(folder, REPO, report=lambda done, total: steps.append((done, total)))
    count = len(shards(folder))
    assert steps == [(done, count) for done in range(count + 1)]
    uploads, repo = list(hub.uploads), hub.repos[REPO]
    commits = len(repo.commits)
    publish(folder, REPO)
    assert (hub.uploads, len(repo.commits)) == (uploads, commits)

    theirs = {"notes.txt": b"theirs", "paper/super_res.parquet": b"theirs too"}
    left = {"super_res/train-00002-of-00003.parquet": b"of an earlier, larger build"}
    added = {name: Blob(content, lfs=False) for name, content in (theirs | left).items()}
    repo.commit("main", {**repo.commits[repo.refs["main"]], **added})
    publish(folder, REPO)
    assert hub.files(REPO) == contents(folder) | theirs
    assert hub.uploads == uploads


def test_a_pull_request_leaves_the_main_branch_alone_and_is_opened_once(folder, hub):
    fault_at_upload(hub, 2, 507)
    with pytest.raises(BenchError, match="507"):
        publish(folder, REPO, create_pr=True)
    # The repository is there now; one may propose to it without a right to make it.
    hub.fault = lambda method, path: 403 if path == "/api/repos/create" else None
    assert publish(folder, REPO, create_pr=True) == f"{hub.url}/datasets/{REPO}/discussions/1"
    assert set(hub.repos[REPO].refs) == {"main", "refs/pr/1"}
    assert hub.files(REPO) == {}
    assert hub.files(REPO, "refs/pr/1") == contents(folder)


# Stopped and started again


@pytest.mark.parametrize("status", [507, 500, DROP])
def test_after_a_fault_only_the_rest_is_sent(folder, hub, status):
    fault_at_upload(hub, 3, status)
    with pytest.raises(BenchError, match="run the same command again"):
        publish(folder, REPO)
    assert len(hub.uploads) == 2
    assert hub.files(REPO) == {}  # no half dataset
    hub.fault = lambda method, path: None
    publish(folder, REPO)
    assert sorted(hub.uploads) == large(folder)  # each once
    assert hub.files(REPO) == contents(folder)


def start_publish(folder: Path, url: str, home: Path) -> subprocess.Popen[str]:
    """Start the command as a terminal would, with a Ctrl-C that is not ignored.

    A test suite that a script runs in the background ignores it, and its children inherit that.
    """
    return subprocess.Popen(
        [VRS_BENCH, "publish", folder, "--repo", REPO],
        env=environment(url, home),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def stop(process: subprocess.Popen[str]) -> float:
    """Send Ctrl-C and return the seconds until the command has ended as it should."""
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert said.splitlines()[-1] == "vrs-bench: stopped; run the same command again to go on"
    return time.monotonic() - start


def test_after_ctrl_c_only_the_rest_is_sent(folder, tmp_path, hub):
    arrived, stopped = threading.Event(), threading.Event()

    def hold(method: str, path: str) -> int | None:
        if method != "PUT" or len(hub.uploads) < 2:
            return None
        arrived.set()
        stopped.wait(60)
        return DROP

    hub.fault = hold
    process = start_publish(folder, hub.url, tmp_path / "home")
    assert arrived.wait(60)
    stop(process)
    stopped.set()
    hub.fault = lambda method, path: None
    publish(folder, REPO)
    assert sorted(hub.uploads) == large(folder)  # each once


@pytest.mark.parametrize(
    ("method", "held"),
    [
        ("POST", "/api/repos/create"),
        ("POST", f"/api/datasets/{REPO}/preupload/main"),
        ("POST", f"/datasets/{REPO}.git/info/lfs/objects/batch"),
        ("PUT", "/storage/"),
        ("GET", f"/api/datasets/{REPO}/tree/main"),
        ("POST", f"/api/datasets/{REPO}/commit/main"),
    ],
)
def test_ctrl_c_waits_for_no_answer(folder, tmp_path, method, held):
    arrived, stopped = threading.Event(), threading.Event()

    def hold(asked: str, path: str) -> int | None:
        if asked == method and path.startswith(held):
            arrived.set()
            stopped.wait(90)
        return None

    with loopback_hub() as hub:
        hub.fault = hold
        process = start_publish(folder, hub.url, tmp_path / "home")
        assert arrived.wait(60)
        time.sleep(0.2)  # the client has sent its request and waits for the answer
        assert stop(process) < PROMPT
        stopped.set()


def test_ctrl_c_ends_the_wait_before_a_retry(folder, tmp_path):
    refused: list[float] = []

    def refuse(method: str, path: str) -> int | None:
        if method != "PUT":
            return None
        refused.append(time.monotonic())
        return 503

    with loopback_hub() as hub:
        hub.fault = refuse
        process = start_publish(folder, hub.url, tmp_path / "home")
        while len(refused) < 3:  # the waits grow: now it is one of seconds
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        assert stop(process) < PROMPT


def test_ctrl_c_ends_the_wait_for_a_connection(folder, tmp_path):
    """A listener whose queue is full answers nothing, as a host behind a firewall does."""
    with socket.socket() as listener, contextlib.ExitStack() as queue:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = queue.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = start_publish(folder, url, tmp_path / "home")
        connecting = f":{listener.getsockname()[1]:04X} 02 "  # SYN_SENT
        deadline = time.monotonic() + 60
        while Path("/proc/net/tcp").read_text().count(connecting) < 4:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert stop(process) < PROMPT


def test_a_connection_that_drops_once_is_tried_again_by_the_client(folder, hub):
    dropped: list[str] = []

    def fault(method: str, path: str) -> int | None:
        if method != "PUT" or dropped:
            return None
        dropped.append(path)
        return DROP

    hub.fault = fault
    publish(folder, REPO)
    assert dropped
    assert hub.files(REPO) == contents(folder)


# What the Hub refuses


@pytest.mark.parametrize(
    ("address", "status", "advice"),
    [
        ("/api/repos/create", 403, "answered 403: .*--create-pr"),
        (f"/api/datasets/{REPO}/preupload/main", 404, "answered 404: .*no such repository"),
        (f"/datasets/{REPO}.git/info/lfs/objects/batch", 503, "answered 503: .*again to go on"),
        (f"/api/datasets/{REPO}/commit/main", 403, "answered 403: .*write access"),
        (f"/api/datasets/{REPO}/commit/main", 429, "answered 429: .*wait a few minutes"),
    ],
)
def test_a_refusal_says_what_to_do(folder, hub, address, status, advice):
    hub.fault = lambda method, path: status if path == address else None
    with pytest.raises(BenchError, match=advice) as caught:
        publish(folder, REPO)
    assert str(caught.value).startswith(f"{REPO}: ")
    assert len(str(caught.value).splitlines()) == 1
    assert TOKEN not in str(caught.value)


def test_a_token_is_needed_and_must_be_valid(folder, hub, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(BenchError, match=r"answered 401: .*hf auth login"):
        publish(folder, REPO)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(BenchError, match="hf auth login, or set HF_TOKEN"):
        publish(folder, REPO)
    assert not hub.repos


def test_a_public_repository_is_not_taken_for_a_private_one(folder, hub):
    publish(folder, REPO)
    card = hub.files(REPO)["README.md"]
    (folder / "README.md").write_bytes(card + b"For us alone.\n")
    with pytest.raises(BenchError, match="exists and is public, so nothing was sent"):
        publish(folder, REPO, private=True)
    assert hub.files(REPO)["README.md"] == card


# What is sent, and what is not


def test_strays_and_secrets_beside_the_data_are_not_sent(folder, hub):
    before = contents(folder)
    for stray in ("secret", "notes.txt", "recipes/secret", ".env", ".git/config"):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_bytes(b"sixteen bytes or more of it")
    publish(folder, REPO)
    assert hub.files(REPO) == before


@pytest.mark.parametrize("linked", ["README.md", "recipes/tiny.yaml", "recipes", "super_res"])
def test_nothing_is_sent_through_a_link(folder, hub, tmp_path, linked):
    """Though it leads to the very bytes: tomorrow it may lead to others."""
    (folder / linked).rename(tmp_path / "elsewhere")
    (folder / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match=rf"  {linked}.*: .*a link; expected the file itself"):
        publish(folder, REPO)
    assert not hub.repos


# What the Hub may say


def said_by(caught: pytest.ExceptionInfo[BenchError]) -> str:
    """Return all that Python prints of an error that nobody catches."""
    return "".join(traceback.format_exception(caught.value))


def answers(status: int, body: str, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer whose text may name the token by ``TOKEN``, as one that echoes does."""

    def answer(handler: Handler) -> None:
        token = handler.headers.get("Authorization", f"Bearer {TOKEN}").split()[1]
        handler._bytes(
            body.replace("TOKEN", token).encode(),
            status,
            {key: value.replace("TOKEN", token) for key, value in (headers or {}).items()},
        )

    return answer


COMMIT = f"/api/datasets/{REPO}/commit/main"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "answer",
    [
        answers(400, '{"error": "you sent Authorization: Bearer TOKEN"}', JSON),
        answers(400, "Authorization: Bearer TOKEN", {"X-Error-Message": "Bearer TOKEN is no good"}),
        answers(403, '{"error": "split \\u001b[31mhf_\\u001b[0mloop\\nback"}', JSON),
        answers(500, "TOKEN", {"X-Error-Message": "TOKEN" * 200}),
        answers(200, "TOKEN is no JSON"),
        answers(200, '{"TOKEN": "TOKEN"}', JSON),
        answers(302, "", {"Location": "/TOKEN?token=TOKEN"}),
        answers(302, "", {"Location": "http://TOKEN:TOKEN@[TOKEN/"}),
    ],
)
@pytest.mark.parametrize("address", ["/api/repos/create", COMMIT])
def test_the_token_is_not_repeated_whatever_the_hub_answers(folder, hub, address, answer):
    hub.fault = lambda method, path: answer if path == address else None
    with pytest.raises(BenchError) as caught:
        publish(folder, REPO)
    shown = said_by(caught)
    assert TOKEN not in shown
    assert "hf_loop back" not in shown
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_the_address_that_the_hub_names_is_shown_with_discretion(folder, hub):
    url = f"{hub.url}/\\u001b]0;title\\u0007TOKEN\\u001b[2J/{REPO}/discussions/1"
    text = f'{{"commitOid": "1", "commitUrl": "{hub.url}/datasets/{REPO}/commit/1", '
    answer = answers(200, f'{text} "pullRequestUrl": "{url}"}}', JSON)
    hub.fault = lambda method, path: answer if path == COMMIT else None
    said = publish(folder, REPO, create_pr=True)
    assert said == f"{hub.url}/***/{REPO}/discussions/1"


def test_the_command_prints_no_token_and_nothing_that_a_terminal_obeys(
    folder, tmp_path, monkeypatch
):
    """The client prints by itself: headers of warning, its retries, warnings about the card."""

    def echo(handler: Handler) -> None:
        headers = {"X-HF-Warning": f"topic; you sent {handler.headers['Authorization']}"}
        path = handler.path.partition("?")[0]
        if path == "/api/validate-yaml":
            warned = f"\x1b[2J{handler.headers['Authorization']}"
            handler._json({"errors": [], "warnings": [{"message": warned}]}, 200, headers)
        elif path == COMMIT:
            body = f"\x1b]0;mine\x07\x1b[31m{handler.headers['Authorization']}\u202e"
            handler._bytes(body.encode(), 400, {**headers, "X-Error-Message": "Bearer " + TOKEN})

    with loopback_hub() as hub:
        login = hub.url.replace("//", "//somebody:pass%20word@")
        echoed = ("/api/validate-yaml", COMMIT)
        hub.fault = lambda method, path: echo if path in echoed else None
        # A login in the address is sent in place of the token, which the server would ask for.
        monkeypatch.setattr(Handler, "_check_token", lambda self, repo: None)
        done = subprocess.run(
            [VRS_BENCH, "publish", folder, "--repo", REPO],
            env={**environment(hub.url, tmp_path / "home"), "HF_ENDPOINT": login},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    printed = done.stdout + done.stderr
    assert "the Hub answered 400" in printed
    sent = base64.b64encode(b"somebody:pass word").decode()
    for secret in (TOKEN, "pass%20word", "pass word", sent, "somebody", "\x1b", "\x07", "\u202e"):
        assert secret not in printed


def test_a_login_in_the_address_is_not_shown(folder, hub, monkeypatch):
    address = closed_port().replace("//", "//somebody:pass@word@")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    with pytest.raises(BenchError, match=r"upload to http://127.0.0.1:\d+ failed") as caught:
        publish(folder, REPO)
    shown = said_by(caught)
    assert not any(secret in shown for secret in ("somebody", "pass@word", "pass", "word@"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://somebody:pass@[x/")
    with pytest.raises(BenchError, match="HF_ENDPOINT: expected a URL") as caught:
        publish(folder, REPO)
    assert "pass" not in str(caught.value)


DRIPPED = """
import sys
from vrs_bench import cli
from vrs_bench.data import hub
hub.ANSWER = 1.0
cli.main()
"""


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_ends_in_a_message(folder, tmp_path, part):
    """One byte after the other, each sooner than a limit between two bytes would notice."""
    over = threading.Event()

    def drip(handler: Handler) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"
        handler.wfile.write(head + (b"X-Slow: " if part == "headers" else b"\r\n"))
        with contextlib.suppress(OSError):
            while not over.wait(0.05):
                handler.wfile.write(b"x")

    with loopback_hub() as hub:
        hub.fault = lambda method, path: drip if path == "/api/repos/create" else None
        done = subprocess.run(
            [sys.executable, "-c", DRIPPED, "publish", folder, "--repo", REPO],
            env=environment(hub.url, tmp_path / "home"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        over.set()
    assert done.returncode == 1
    assert "the Hub has not ended its answer within 1 s" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_sent_gets_time_by_its_size(hub, monkeypatch):
    """Else the deadline of an answer would end the upload of any large file."""
    monkeypatch.setattr("vrs_bench.data.hub.ANSWER", 0.0)
    talk, over = conversation.Hub(REPO), threading.Event()
    with pytest.raises(BenchError, match="has not ended its answer within 0 s"):
        talk.ask(over.wait)
    threading.Timer(0.2, over.set).start()
    assert talk.ask(over.wait, size=60 * conversation.SLOWEST) is True


def test_a_card_that_the_hub_refuses_is_told_with_its_words(folder, hub):
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Ours\n")
    with pytest.raises(BenchError, match=r'400: .*README.md.*"configs" and "license"'):
        publish(folder, REPO)
    assert hub.files(REPO) == {}


def test_a_hub_out_of_reach_is_said_to_be(folder, hub, monkeypatch):
    address = closed_port()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    with pytest.raises(BenchError, match=f"upload to {address} failed: .*look at the network"):
        publish(folder, REPO)

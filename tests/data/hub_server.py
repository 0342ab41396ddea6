"""A Hub on the loopback interface: the endpoints that publishing and `load_dataset` use.

Written from what the client sends and reads. Large files go through classic LFS ("basic"
transfers); the store is memory. Whatever arrives is checked as the Hub checks it: the token, the
SHA-256 of every large file against its object id, and that a commit names only objects that are
there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN = "hf_loopback"  # noqa: S105  # opens nothing but the server below
DROP = 0
"""Instead of a status: close the connection without an answer."""
PAGE = 3
"""Entries on one page of a tree: few, so that clients must follow the links."""


@dataclass(frozen=True)
class Blob:
    """A file of a repository; ``lfs`` where its content is an LFS object."""

    content: bytes
    lfs: bool

    @property
    def oid(self) -> str:
        """Return what git calls the file: SHA-1 of the blob, or of the pointer to it."""
        kept = self.content
        if self.lfs:
            kept = (
                "version https://git-lfs.github.com/spec/v1\n"
                f"oid sha256:{self.sha256}\nsize {len(kept)}\n"
            ).encode()
        return hashlib.sha1(b"blob %d\0" % len(kept) + kept).hexdigest()  # noqa: S324  # git's

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


Tree = dict[str, Blob]


@dataclass
class Repo:
    """A dataset repository: commits, oldest first, and what the revisions name."""

    private: bool
    commits: dict[str, Tree] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, ref: str, tree: Tree) -> str:
        """Put a tree on a revision and return the name of the commit."""
        content = repr((len(self.commits), ref, [(p, b.oid) for p, b in sorted(tree.items())]))
        sha = hashlib.sha1(content.encode()).hexdigest()  # noqa: S324  # a name, no secret
        self.commits[sha] = tree
        self.refs[ref] = sha
        return sha

    def find(self, revision: str) -> str | None:
        """Return the commit that a branch, a pull request or a commit's own name stands for."""
        return revision if revision in self.commits else self.refs.get(revision)


class HubError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Hub(ThreadingHTTPServer):
    """The server and its store."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.storage = f"http://localhost:{self.server_port}/storage"
        """Another host to the client, as the Hub's storage is: it must not send its token there."""
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.uploads: list[str] = []
        """Object ids in the order in which they arrived whole."""
        self.unknown: list[str] = []
        """Requests to addresses that this server does not have."""
        self.fault: Callable[[str, str], int | Answer | None] = lambda method, path: None
        """Called with each request before it is served: a status to refuse it with, DROP, or what
        answers in place of the server."""
        self.lock = threading.Lock()

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        """Return path → content of a revision, but for what the Hub itself puts there."""
        found = self.repos[repo]
        tree = found.commits[found.refs[revision]]
        return {path: blob.content for path, blob in tree.items() if path != ".gitattributes"}

    def tree(self, repo: str, revision: str) -> tuple[str, Tree]:
        if repo not in self.repos:
            raise HubError(404, "Repository not found", "RepoNotFound")
        sha = self.repos[repo].find(unquote(revision))
        if sha is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha, self.repos[repo].commits[sha]


@contextmanager
def loopback_hub() -> Iterator[Hub]:
    """Serve a fresh, empty Hub while the block runs."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for its body
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        self.query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        body = self._body()
        status = self.server.fault(self.command, path)
        if status == DROP:
            self.close_connection = True
            return
        if callable(status):
            self.close_connection = True
            status(self)
            return
        try:
            if status is not None:
                raise HubError(status, "refused by the test")
            for (methods, pattern), serve in ROUTES.items():
                match = re.fullmatch(pattern, path)
                if match and self.command in methods:
                    self._check_token(match.groupdict().get("repo"))
                    with self.server.lock:
                        serve(self, body, **match.groupdict())
                    return
            self.server.unknown.append(f"{self.command} {self.path}")
            raise HubError(404, "no such address")
        except HubError as refusal:
            headers = {"X-Error-Message": str(refusal), "X-Error-Code": refusal.code}
            self._json(
                {"error": str(refusal)}, refusal.status, {k: v for k, v in headers.items() if v}
            )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _check_token(self, repo: str | None) -> None:
        """Refuse what the token does not open; storage addresses carry their own secret."""
        known = self.server.repos.get(repo or "")
        reading = self.command in READ or "/paths-info/" in self.path
        public = reading and not (known and known.private)
        given = self.headers.get("Authorization")
        if self.path.startswith("/storage/"):
            assert given is None, "a token was sent to the storage"
        elif not public and given != f"Bearer {TOKEN}":
            raise HubError(401, "Invalid credentials in Authorization header")

    def _bytes(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(key, value)
        if self.close_connection:  # unless it is told, the client sends the next request here
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        kind = {"Content-Type": "application/json; charset=utf-8"}
        self._bytes(json.dumps(content).encode(), status, {**kind, **(headers or {})})

    # Making a repository and asking about it

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        assert asked["type"] == "dataset"
        name = f"{asked['organization']}/{asked['name']}"
        answer = {"url": f"{self.server.url}/datasets/{name}"}
        if name in self.server.repos:
            self._json(answer | {"error": "You already created this dataset repo"}, 409)
            return
        private = asked.get("visibility") == "private" or asked.get("private") is True
        repo = self.server.repos[name] = Repo(private)
        repo.commit("main", {".gitattributes": Blob(b"*.parquet filter=lfs\n", lfs=False)})
        self._json(answer)

    def info(self, body: bytes, repo: str, revision: str | None = None) -> None:
        sha, tree = self.server.tree(repo, revision or "main")
        private = self.server.repos[repo].private
        siblings = [{"rfilename": path} for path in sorted(tree)]
        known = {"id": repo, "sha": sha, "private": private, "tags": [], "siblings": siblings}
        self._json(known | {"disabled": False, "gated": False, "downloads": 0, "likes": 0})

    def list_tree(self, body: bytes, repo: str, revision: str, folder: str | None = None) -> None:
        """List a folder, itself or all below it, page by page."""
        _, tree = self.server.tree(repo, revision)
        prefix = f"{unquote(folder)}/" if folder else ""
        recursive = self.query.get("recursive", "").lower() in ("1", "true")
        shown: dict[str, dict[str, Any]] = {}
        for path in sorted(path for path in tree if path.startswith(prefix)):
            steps = path.removeprefix(prefix).split("/")
            for depth in range(1, len(steps) if recursive else min(2, len(steps))):
                inner = prefix + "/".join(steps[:depth])
                shown[inner] = _folder(inner)
            if recursive or len(steps) == 1:
                shown[path] = _entry(path, tree[path])
        if prefix and not shown:
            raise HubError(404, f"{folder} does not exist", "EntryNotFound")
        start = int(self.query.get("cursor", 0))
        link = {}
        if start + PAGE < len(shown):
            here = self.server.url + urlsplit(self.path).path
            more = f"recursive={recursive}&cursor={start + PAGE}"
            link = {"Link": f'<{here}?{more}>; rel="next"'}
        self._json(list(shown.values())[start : start + PAGE], headers=link)

    def paths_info(self, body: bytes, repo: str, revision: str) -> None:
        _, tree = self.server.tree(repo, revision)
        found = []
        for path in parse_qs(body.decode())["paths"]:
            if path in tree:
                found.append(_entry(path, tree[path]))
            elif any(known.startswith(f"{path}/") for known in tree):
                found.append(_folder(path))
        self._json(found)

    # Writing

    def validate(self, body: bytes) -> None:
        """Check the card's head as the Hub does before it takes a commit."""
        content = json.loads(body)["content"]
        errors = []
        try:
            head = yaml.safe_load(content.split("---\n")[1])
            if not {"configs", "license"} <= set(head):
                errors.append({"message": '"configs" and "license" are required'})
        except (IndexError, TypeError, yaml.YAMLError) as error:
            errors.append({"message": f"not YAML: {error}"})
        self._json({"errors": errors, "warnings": []}, 400 if errors else 200)

    def preupload(self, body: bytes, repo: str, revision: str) -> None:
        """Say which files go through LFS, and what the repository holds under these names."""
        _, tree = self.server.tree(repo, revision)
        answers = []
        for file in json.loads(body)["files"]:
            large = file["path"].endswith((".parquet", ".png"))
            before = tree.get(file["path"])
            oid = before and (before.sha256 if before.lfs else before.oid)
            answer = {"path": file["path"], "shouldIgnore": False, "oid": oid}
            answers.append(answer | {"uploadMode": "lfs" if large else "regular"})
        self._json({"files": answers})

    def batch(self, body: bytes, repo: str) -> None:
        """Say where to put the objects that are not there yet."""
        asked = json.loads(body)
        assert asked["operation"] == "upload"
        assert "basic" in asked["transfers"]
        answers = []
        for wanted in asked["objects"]:
            if wanted["oid"] in self.server.objects:
                answers.append(wanted)
                continue
            actions = {
                "upload": {"href": f"{self.server.storage}/{wanted['oid']}"},
                "verify": {"href": f"{self.server.url}/{repo}/verify"},
            }
            answers.append(wanted | {"actions": actions})
        self._json({"transfer": "basic", "objects": answers})

    def put(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            raise HubError(400, "the content is not what its object id says")
        self.server.objects[oid] = body
        self.server.uploads.append(oid)
        self._bytes(b"", 200, {"ETag": f'"{oid[:32]}"'})

    def verify(self, body: bytes, repo: str) -> None:
        asked = json.loads(body)
        if len(self.server.objects.get(asked["oid"], b"")) != asked["size"]:
            raise HubError(404, "object not found or of another size")
        self._json({})

    def commit(self, body: bytes, repo: str, revision: str) -> None:
        """Take a commit, one JSON object a line."""
        _, before = self.server.tree(repo, revision)
        found, tree, address = self.server.repos[repo], dict(before), f"/datasets/{repo}"
        for line in body.splitlines():
            key, value = (item := json.loads(line))["key"], item["value"]
            if key == "file":
                tree[value["path"]] = Blob(base64.b64decode(value["content"]), lfs=False)
            elif key == "lfsFile":
                content = self.server.objects.get(value["oid"])
                if content is None or len(content) != value["size"]:
                    raise HubError(400, f"{value['path']}: its LFS object was not uploaded")
                tree[value["path"]] = Blob(content, lfs=True)
            elif key == "deletedFile":
                if tree.pop(value["path"], None) is None:
                    raise HubError(400, f"{value['path']}: nothing there to delete")
            else:
                assert key == "header", f"unknown line of a commit: {key}"
        ref, answer = unquote(revision), {"success": True}
        if self.query.get("create_pr") == "1":
            number = 1 + sum(name.startswith("refs/pr/") for name in found.refs)
            ref = f"refs/pr/{number}"
            answer["pullRequestUrl"] = f"{self.server.url}{address}/discussions/{number}"
        sha = found.commit(ref, tree)
        url = f"{self.server.url}{address}/commit/{sha}"
        self._json(answer | {"commitOid": sha, "commitUrl": url})

    # Reading

    def resolve(self, body: bytes, repo: str, revision: str, path: str) -> None:
        """Give a small file, or lead to the storage of a large one."""
        sha, tree = self.server.tree(repo, revision)
        blob = tree.get(unquote(path))
        if blob is None:
            raise HubError(404, f"{path} does not exist", "EntryNotFound")
        headers = {"X-Repo-Commit": sha, "ETag": f'"{blob.oid}"'}
        if not blob.lfs:
            self._ranged(blob.content, headers)
            return
        where = f"{self.server.storage}/{blob.sha256}"
        linked = {"X-Linked-ETag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.content))}
        self._bytes(b"", 302, {**headers, **linked, "Location": where})

    def storage(self, body: bytes, oid: str) -> None:
        if oid not in self.server.objects:
            raise HubError(404, "no such object")
        self._ranged(self.server.objects[oid], {"ETag": f'"{oid}"'})

    def _ranged(self, content: bytes, headers: dict[str, str]) -> None:
        headers = {**headers, "Accept-Ranges": "bytes"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self._bytes(content, 200, headers)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if first > last:
            raise HubError(416, "nothing in this range")
        span = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self._bytes(content[first : last + 1], 206, {**headers, **span})


def _entry(path: str, blob: Blob) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "oid": blob.oid}
    if blob.lfs:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.content), "pointerSize": 134}
    return entry | {"size": len(blob.content)}


def _folder(path: str) -> dict[str, Any]:
    name = hashlib.sha1(path.encode()).hexdigest()  # noqa: S324  # a name, no secret
    return {"type": "directory", "path": path, "oid": name, "size": 0}


Answer = Callable[[Handler], None]
READ = ("GET", "HEAD")
REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
REVISION = r"(?P<revision>[\w.%-]+)"
ROUTES: dict[tuple[tuple[str, ...], str], Callable[..., None]] = {
    (("POST",), "/api/repos/create"): Handler.create,
    (("POST",), "/api/validate-yaml"): Handler.validate,
    (READ, f"/api/datasets/{REPO}"): Handler.info,
    (READ, f"/api/datasets/{REPO}/revision/{REVISION}"): Handler.info,
    (READ, f"/api/datasets/{REPO}/tree/{REVISION}(/(?P<folder>.+))?"): Handler.list_tree,
    (("POST",), f"/api/datasets/{REPO}/paths-info/{REVISION}"): Handler.paths_info,
    (("POST",), f"/api/datasets/{REPO}/preupload/{REVISION}"): Handler.preupload,
    (("POST",), f"/api/datasets/{REPO}/commit/{REVISION}"): Handler.commit,
    (("POST",), f"/datasets/{REPO}.git/info/lfs/objects/batch"): Handler.batch,
    (("POST",), f"/{REPO}/verify"): Handler.verify,
    (("PUT",), r"/storage/(?P<oid>[0-9a-f]{64})"): Handler.put,
    (READ, r"/storage/(?P<oid>[0-9a-f]{64})"): Handler.storage,
    (READ, f"/datasets/{REPO}/resolve/{REVISION}/(?P<path>.+)"): Handler.resolve,
}

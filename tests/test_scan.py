"""`make scan`, with the real scanner: planted secrets are found wherever git has them, and ordinary text is not."""

import hashlib
import re
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import planted
import pytest

from repositories import TEMPLATE, run_deployer, tracked

WHO = ("-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.edu")
PLANTED = planted.make_planted()
CLEAN = planted.make_clean()


def git(repository: Path, *arguments: str) -> str:
    command = ["git", *WHO, *arguments]
    return subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def hub(edited: Callable[..., Path]) -> Path:
    """A repository with a first commit."""
    repository = edited()
    git(repository, "init", "--quiet", "--initial-branch=main")
    commit(repository, "A hub")
    return repository


def commit(repository: Path, message: str) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--no-verify", "--allow-empty", "--message", message)


def put(folder: Path, files: dict[str, str | bytes]) -> list[str]:
    """Write files. Returns their paths."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return [str(folder / name) for name in files]


def found(repository: Path, *files: str) -> str:
    """What the scan says of secrets. It fails, and with no other error."""
    done = run_deployer(repository, "scan", *files)
    assert done.returncode == 1, done.stdout
    assert "What git has had, others may have" in done.stderr, done.stderr
    return done.stderr


def passes(repository: Path, *files: str) -> None:
    done = run_deployer(repository, "scan", *files)
    assert done.returncode == 0, done.stderr


def test_each_form_is_found(hub: Path, tmp_path: Path) -> None:
    said = found(hub, *put(tmp_path / "planted", PLANTED))
    assert [name for name in PLANTED if not re.search(rf"planted/{re.escape(name)}, line \d+: ", said)] == []


def test_what_only_looks_like_a_secret_is_not_reported(hub: Path, tmp_path: Path) -> None:
    passes(hub, *put(tmp_path / "clean", CLEAN))


def test_each_form_is_found_in_the_history(hub: Path) -> None:
    """Committed once and taken back, in a branch that was merged without it."""
    git(hub, "switch", "--quiet", "--create", "mistake")
    put(hub / "planted", PLANTED)
    put(hub / "clean", CLEAN)
    commit(hub, "A mistake")
    git(hub, "switch", "--quiet", "main")
    git(hub, "merge", "--quiet", "--no-ff", "--strategy=ours", "--message=Taken back", "mistake")
    git(hub, "branch", "--quiet", "--delete", "mistake")
    git(hub, "gc", "--quiet", "--prune=now")
    assert not (hub / "planted").exists()
    said = found(hub)
    assert [name for name in PLANTED if not re.search(rf"^planted/{re.escape(name)} \(", said, re.MULTILINE)] == []
    assert "clean/" not in said
    values = [word for content in PLANTED.values() for word in re.findall(r"\w{24,}", str(content))]
    assert [value for value in values if value in said] == []


def test_it_is_found_wherever_git_keeps_text(hub: Path) -> None:
    places = {}

    def plant(place: str) -> str:
        places[place] = planted.hexadecimal()
        return f"token: {places[place]}\n"

    commit(hub, f"Use {plant('commit (')}")
    git(hub, "tag", "--annotate", "v1", "--message", plant("v1 ("))
    git(hub, "notes", "add", "--message", plant("commit of a note"))
    (hub / "stash.txt").write_text(plant("stash.txt ("), "utf-8")
    git(hub, "add", "stash.txt")
    git(hub, "stash", "--quiet")
    (hub / "staged.txt").write_text(plant("staged.txt ("), "utf-8")
    git(hub, "add", "staged.txt")
    (hub / "staged.txt").write_text("taken back on the disk only\n", "utf-8")
    (hub / ".env").write_text(plant(".env ("), "utf-8")
    (hub / "figure.png").write_text(plant("figure.png ("), "utf-8")
    git(hub, "add", "--force", ".env", "figure.png")
    said = found(hub)
    assert len(re.findall(r"\[[0-9a-f]{16}\]", said)) == len(places)
    assert [place for place in places if place not in said] == ["commit of a note"]


def test_a_comment_does_not_allow_a_secret_and_the_list_allows_one_value(hub: Path) -> None:
    first, second = planted.hexadecimal(), planted.hexadecimal()
    (hub / "a.txt").write_text(f"{first}  # gitleaks:allow kingfisher:ignore betterleaks:allow\n", "utf-8")
    (hub / "b.txt").write_text(f"key: {first}\n", "utf-8")
    commit(hub, "A test value")
    (fingerprint,) = re.findall(r"\[([0-9a-f]{16})\]", found(hub))
    (hub / ".scan-allowed").write_text(f"{fingerprint}\n", "utf-8")
    passes(hub)
    passes(hub, "a.txt", "b.txt")
    (hub / "a.txt").write_text(f"{second}\n", "utf-8")
    assert "a.txt, line 1" in found(hub, "a.txt", "b.txt")


def test_it_asks_no_service(hub: Path, tmp_path: Path) -> None:
    """A proxy would be asked for every address."""
    calls = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                calls.append(server.accept())
            except OSError:
                return

    threading.Thread(target=listen, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
    files = put(tmp_path / "planted", {name: PLANTED[name] for name in ("github", "gitlab", "aws-pair", "address")})
    variables = {name: proxy for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy")}
    assert run_deployer(hub, "scan", *files, **variables).returncode == 1
    server.close()
    assert calls == []


def test_a_part_of_the_history_is_rejected(hub: Path, tmp_path: Path) -> None:
    commit(hub, "A second commit")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{hub}", "shallow")
    done = run_deployer(tmp_path / "shallow", "scan")
    assert done.returncode == 1
    assert "`git fetch --unshallow`" in done.stderr


def test_a_broken_rule_is_an_error_and_not_a_pass(hub: Path) -> None:
    rules = hub / ".betterleaks.toml"
    rules.write_text(rules.read_text("utf-8").replace("entropy(", "entropi("), "utf-8")
    done = run_deployer(hub, "scan")
    assert done.returncode == 1
    assert "kingfisher failed" in done.stderr and "entropi" in done.stderr


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize("platform", ["gke", "eks", "aks", "k3s"])
def test_a_new_repository_has_nothing_that_the_scan_takes_for_a_secret(
    edited: Callable[..., Path], ci: str, platform: str
) -> None:
    answers = {"sign_in": "lti13", "hub_domain": "hub.example.edu", "tls": "ingress", "storage": "nfs"}
    repository = edited(ci=ci, platform=platform, image_name="ghcr.io/example-edu/hub", **answers)
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    passes(repository)


# Values in this repository that are not secrets, by their fingerprints, and the files that have them.
ALLOWED = {
    "6fbc323cee8c83dd": "tests/data/bases.yaml",
    "8d660984f335541f": "tests/test_guards.py",
    "e8599dd2da1a3247": "tests/planted.py",
    "f4f466e1f4ab4055": "tests/planted.py",
    "2c76e110b22a52be": "tests/test_image_engines.py",
}
CHECKSUMS = "tools/fetch_helm.py"


def test_this_repository_has_none(hub: Path) -> None:
    checksums = re.findall(r"\b[0-9a-f]{64}\b", (TEMPLATE / CHECKSUMS).read_text("utf-8"))
    fingerprints = [*ALLOWED, *(hashlib.sha256(checksum.encode()).hexdigest()[:16] for checksum in checksums)]
    said = found(hub, *(str(TEMPLATE / name) for name in {*ALLOWED.values(), CHECKSUMS}))
    assert ALLOWED.keys() <= set(re.findall(r"\[([0-9a-f]{16})\]$", said, re.MULTILINE)) <= set(fingerprints)
    (hub / ".scan-allowed").write_text("\n".join(fingerprints), "utf-8")
    passes(hub, *(str(TEMPLATE / name) for name in tracked(TEMPLATE)))

"""Secrets, with the real sops, the real age, the real helm: made, used, renewed, guarded."""

import base64
import contextlib
import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from repositories import build_dependency, commit, run_deployer, run_python, set_value

pytestmark = pytest.mark.usefixtures("person")


@pytest.fixture
def hub(edited: Callable[..., Path]) -> Path:
    """A repository as `make secrets` leaves it."""
    repository = edited()
    subprocess.run(["git", "init", "--quiet", repository], check=True)
    subprocess.run(["git", "config", "user.name", "Ada Lovelace"], cwd=repository, check=True)
    subprocess.run(["git", "config", "user.email", "ada@example.edu"], cwd=repository, check=True)
    make(repository)
    return repository


# Python that runs Helm in a repository, and reports errors as `python -m deployer` does.
REPORT = """
import sys
from deployer import chart, errors
from deployer.secrets import sops
try:
    {}
except errors.UserError as error:
    sys.exit(str(error))
sys.stdout.write(done.stdout)
sys.stderr.write(done.stderr)
sys.exit(done.returncode)
"""


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def rejected(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def make(repository: Path) -> None:
    """What `make secrets` runs."""
    good(run_deployer(repository, "keys", "mine"))
    good(run_deployer(repository, "secrets", "make"))


def shown(repository: Path, env: str = "prod") -> dict[str, str]:
    text = good(run_deployer(repository, "secrets", "show", "--env", env))
    return dict(line.split(": ", 1) for line in text.splitlines())


def helm(repository: Path, env: str, *arguments: str, around: tuple[str, ...] = (), **options: object):
    """Helm as the commands of the repository run it, with the real secrets."""
    code = REPORT.format("done = chart.run_helm_with_secrets(*sys.argv[1:])")
    build_dependency(repository)
    command = [*around, sys.executable, "-c", code, env, *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, **options)


def template(repository: Path, env: str = "prod", **options: object) -> subprocess.CompletedProcess[str]:
    release = f"{repository.name}-{env}"
    return helm(repository, env, "template", release, "chart", "--namespace", release, **options)


def objects(rendered: str) -> list[dict]:
    return [item for item in yaml.safe_load_all(rendered) if item]


def hub_secret(rendered: str) -> dict[str, str]:
    """What the hub's own Secret has, in base64 or redacted."""
    return next(i["data"] for i in objects(rendered) if i["kind"] == "Secret" and "values.yaml" in i["data"])


def new_key(file: Path) -> str:
    """A key of somebody else. Returns its recipient."""
    keygen = os.environ["AGE_KEYGEN"]
    subprocess.run([keygen, "-o", file], check=True, capture_output=True)
    return subprocess.run([keygen, "-y", file], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Where helm believes a cluster to be. It hears who calls, and answers nothing."""
    calls: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(1)
                calls.append(caller.recv(100))

    threading.Thread(target=listen, daemon=True).start()
    address = f"http://127.0.0.1:{server.getsockname()[1]}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
        "current-context": "c",
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    yield calls
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def upgrade(repository: Path, env: str = "prod", **options: object) -> subprocess.CompletedProcess[str]:
    release = f"{repository.name}-{env}"
    return helm(repository, env, "upgrade", "--install", release, "chart", "--namespace", release, **options)


def test_made_once_at_random_and_used_by_helm(hub: Path, chart: Path, person: Path) -> None:
    key = person / ".config/sops/age/keys.txt"
    assert key.stat().st_mode & 0o777 == 0o600
    before = {file: file.read_bytes() for file in [*hub.glob("secrets/*"), hub / ".sops.yaml", key]}
    assert len(before) == 4
    make(hub)
    assert {file: file.read_bytes() for file in before} == before
    staging, prod = shown(hub, "staging"), shown(hub, "prod")
    values = [*staging.values(), *prod.values()]
    assert len(set(values)) == len(values) == 16
    written = "".join(content.decode() for content in before.values())
    assert [value for value in values if value in written] == []
    # All that the chart would generate at each render.
    first, second = good(template(hub)), good(template(hub))
    assert first == second
    assert "fake-for-rendering" not in first
    made = hub_secret(first)
    assert base64.b64decode(made["hub.config.CryptKeeper.keys"]).decode() in prod.values()


def test_what_is_missing_is_made_and_the_rest_keeps_its_ciphertext(hub: Path) -> None:
    before = (hub / "secrets/prod.yaml").read_text(encoding="utf-8").splitlines()
    fakes = hub / "chart/ci/fake-secrets.yaml"
    text = fakes.read_text(encoding="utf-8").replace(
        "  hub:\n", "  hub:\n    extraEnv:\n      MODEL_KEY: fake-for-rendering--ask--model-key\n", 1
    )
    fakes.write_text(text, encoding="utf-8")
    rejected(run_deployer(hub, "secrets", "check"), "jupyterhub.hub.extraEnv.MODEL_KEY", "`make secrets`")
    done = good(run_deployer(hub, "secrets", "make"))
    assert done.count("left blank") == 2
    after = (hub / "secrets/prod.yaml").read_text(encoding="utf-8").splitlines()
    assert [line for line in before if line not in after and not re.search("mac:|lastmodified:", line)] == []
    good(run_deployer(hub, "secrets", "check"))


def test_a_blank_is_rejected_until_it_is_filled(edited: Callable[..., Path], chart: Path, cluster: list[bytes]) -> None:
    repository = edited(sign_in="github", sign_in_allow="example-edu", hub_domain="hub.example.edu", tls="offload")
    make(repository)
    rejected(upgrade(repository), "OAuthenticator.client_secret", "make secrets ENV=prod")
    assert cluster == []
    secret = secrets.token_urlsafe(30)
    for name, value in (("client_id", "Iv1.8a61f9b3a7aba766"), ("client_secret", secret)):
        arguments = ["set", "--env", "prod", "--key", f"jupyterhub.hub.config.OAuthenticator.{name}"]
        command = [sys.executable, "-m", "deployer", "secrets", *arguments]
        subprocess.run(command, cwd=repository, input=value + "\n", text=True, check=True, capture_output=True)
    made = hub_secret(good(template(repository)))
    assert secret in base64.b64decode(made["values.yaml"]).decode()


def typed(repository: Path, lines: list[str], *arguments: str) -> str:
    """Run `deployer secrets` on a terminal of its own, and type. Returns all that the terminal has shown."""
    child, terminal = os.forkpty()
    if not child:
        os.chdir(repository)
        os.execv(sys.executable, [sys.executable, "-m", "deployer", "secrets", *arguments])  # noqa: S606
    shown = b""
    with contextlib.suppress(OSError):
        while more := os.read(terminal, 4096):
            shown += more
            if shown.endswith(b"): "):
                os.write(terminal, lines.pop(0).encode() + b"\n")
    os.close(terminal)
    assert os.waitpid(child, 0)[1] == 0, shown.decode()
    return shown.decode()


def test_what_jupyterhub_would_reject_is_rejected_when_it_is_entered(hub: Path) -> None:
    """In words that a guard of the chart has too: tests/data/mistakes/secrets.yaml."""
    make(hub)
    keys = [f"jupyterhub.hub.config.SharedPasswordAuthenticator.{who}_password" for who in ("user", "admin")]
    code = """
import io, sys
from deployer.commands.secrets import read_named, set_secret
user, admin, before = *sys.argv[1:], read_named("prod")
for key, value in [(user, "summer"), (user, before[admin]), (admin, "x" * 31), (user, "ümläuts8 ")]:
    sys.stdin = io.StringIO(value)
    try:
        set_secret("prod", key)
    except Exception as error:
        print(error)
after = read_named("prod")
print({key: after[key] for key in after if after[key] != before[key]} == {user: "ümläuts8"})
"""
    ending = "Nothing was changed: enter another with the same command"
    assert good(run_python(hub, code, *keys)).splitlines() == [
        f"{keys[0]}: JupyterHub requires at least 8 characters (it has 6 characters). {ending}",
        f"{keys[0]}: JupyterHub requires another value than that of {keys[1]}. {ending}",
        f"{keys[1]}: JupyterHub requires at least 32 characters (it has 31 characters). {ending}",
        f"secrets/prod.yaml: {keys[0]} is changed; commit the file and deploy",
        "True",
    ]


def test_a_terminal_is_asked_for_what_only_a_provider_knows(edited: Callable[..., Path]) -> None:
    repository = edited(sign_in="github", sign_in_allow="example-edu", hub_domain="hub.example.edu", tls="offload")
    good(run_deployer(repository, "keys", "mine"))
    answers = [secrets.token_hex(10), "", secrets.token_hex(10), secrets.token_hex(10)]
    terminal = typed(repository, answers.copy(), "make")
    assert terminal.count("not shown") == 4
    assert [answer for answer in answers if answer and answer in terminal] == []
    assert terminal.count("left blank") == 1
    before = shown(repository, "staging")
    later = secrets.token_hex(10)
    terminal = typed(repository, [later], "make")
    assert terminal.count("not shown") == 1
    after = shown(repository, "staging")
    assert [key for key in after if after[key] != before[key]] == ["jupyterhub.hub.config.OAuthenticator.client_secret"]
    assert [*after.values()][-2:] == [answers[0], later]
    assert [*shown(repository, "prod").values()][-2:] == answers[2:]


def test_a_deploy_stops_before_it_calls_the_cluster(
    hub: Path, chart: Path, cluster: list[bytes], person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = hub / "secrets/prod.yaml"
    text = file.read_text(encoding="utf-8")
    value = re.search(r"cookieSecret: (ENC\S+)", text)[1]
    other = re.search(r"secretToken: (ENC\S+)", text)[1]
    for changed in (
        text.replace("hub-prod", "hub-staging"),
        text.replace(value, other),
        text.replace(f"        cookieSecret: {value}\n", ""),
        re.sub(r"    mac: .*\n", "", text),
    ):
        assert changed != text
        file.write_text(changed, encoding="utf-8")
        rejected(upgrade(hub), "secrets/prod.yaml is not what was encrypted", "git log")
    shutil.copy(hub / "secrets/staging.yaml", file)
    rejected(upgrade(hub), "has the secrets of 'data-science-hub-staging'")
    file.write_text("secretsFor: prod\njupyterhub: {}\n", encoding="utf-8")
    rejected(upgrade(hub), "secrets/prod.yaml is not encrypted")
    file.unlink()
    rejected(upgrade(hub), "secrets/prod.yaml is missing", "make secrets")
    file.write_text(text, encoding="utf-8")
    new_key(tmp_path / "other-keys.txt")
    own = person / ".config/sops/age/keys.txt"
    right = own.read_text(encoding="utf-8")
    for wrong in ((tmp_path / "other-keys.txt").read_text(encoding="utf-8"), ""):
        own.write_text(wrong, encoding="utf-8")
        rejected(upgrade(hub), "cannot be opened with any key that is here", "age1")
    assert cluster == []
    own.write_text(right, encoding="utf-8")
    assert upgrade(hub).returncode != 0
    assert cluster != [], "the test hears no caller: it could not fail"


def test_helm_at_hand_is_stopped_by_the_chart(hub: Path) -> None:
    """Without the deployer: ciphertext as it is, and the secrets of the other environment."""
    good(template(hub))
    release = f"{hub.name}-prod"
    layers = ["--values", "config/hub.yaml", "--values", "config/prod.yaml", "--values"]
    command = [os.environ["HELM"], "template", release, "chart", "--namespace", release, *layers]
    done = subprocess.run([*command, "secrets/prod.yaml"], cwd=hub, capture_output=True, text=True)
    rejected(done, "sops")
    for env, words in (("prod", None), ("staging", "these are the secrets of data-science-hub-staging, and the")):
        decrypt = [os.environ["SOPS"], "decrypt", f"secrets/{env}.yaml"]
        plain = subprocess.run(decrypt, cwd=hub, check=True, capture_output=True, text=True).stdout
        done = subprocess.run([*command, "-"], cwd=hub, capture_output=True, text=True, input=plain)
        rejected(done, words) if words else good(done)
    # Without what sops adds, for the schema to say nothing.
    cipher = yaml.safe_load((hub / "secrets/prod.yaml").read_text(encoding="utf-8"))
    del cipher["sops"]
    done = subprocess.run([*command, "-"], cwd=hub, capture_output=True, text=True, input=yaml.safe_dump(cipher))
    rejected(done, "encrypted")


def no_file_grows() -> None:
    """From here on the kernel rejects every write to a file, of this process and of all that it starts."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_render_and_deploy_write_no_file_at_all(hub: Path, chart: Path, cluster: list[bytes]) -> None:
    rendered = good(template(hub, preexec_fn=no_file_grows))
    assert base64.b64encode(shown(hub)["jupyterhub.hub.cookieSecret"].encode()).decode() in rendered
    upgrade(hub, preexec_fn=no_file_grows)
    assert cluster
    # The same secrets through a file: sops ignores that it cannot write it, and the reader gets an empty one.
    through_a_file = [os.environ["SOPS"], "exec-file", "--no-fifo", "secrets/prod.yaml", "cat {}"]
    for limit, arrives in ((None, True), (no_file_grows, False)):
        done = subprocess.run(through_a_file, cwd=hub, preexec_fn=limit, capture_output=True, text=True, check=True)
        assert ("cookieSecret" in done.stdout) == arrives


def written_to_disk(trace: Path) -> str:
    """What a trace shows of writes to files on a disk. /dev/shm is memory."""
    text = trace.read_text(encoding="utf-8", errors="replace")
    elsewhere = "/dev/shm/|/dev/pts|/dev/null|/proc/"  # noqa: S108
    return "\n".join(re.findall(rf"(?:pwrite64|pwritev2?|writev?)\(\d+<(?!{elsewhere})/[^>]*>, (.*)", text))


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here to watch every write: apt install strace")
def test_no_plaintext_is_written_to_a_disk(edited: Callable[..., Path], cluster: list[bytes], tmp_path: Path) -> None:
    repository = edited()
    trace = tmp_path / "trace"
    calls = "trace=write,writev,pwrite64,pwritev,pwritev2"
    watched = ("strace", "-A", "-f", "-y", "-s", "1000000", "-e", calls, "-e", "signal=none", "-o", str(trace))
    planted = secrets.token_hex(16)
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\nsed -i 's/user_password: .*/user_password: {planted}/' \"$1\"\n", encoding="utf-8")
    editor.chmod(0o755)
    environ = {**os.environ, "EDITOR": str(editor)}
    values = [planted]
    for name, *arguments in (
        ("keys", "mine"),
        ("secrets", "make"),
        ("secrets", "edit", "--env", "prod"),
        ("secrets", "rotate", "--env", "prod", "--new", "jupyterhub.hub.cookieSecret"),
    ):
        command = [*watched, sys.executable, "-m", "deployer", name, *arguments]
        good(subprocess.run(command, cwd=repository, env=environ, capture_output=True, text=True))
        if name == "secrets":
            values += [*shown(repository).values(), *shown(repository, "staging").values()]
    assert shown(repository)["jupyterhub.hub.config.SharedPasswordAuthenticator.user_password"] == planted
    good(template(repository, around=watched))
    upgrade(repository, around=watched)
    written = written_to_disk(trace)
    assert "ENC[AES256_GCM" in written, "the trace does not show what is written: the test could not fail"
    for value in values:
        assert value not in written
        assert base64.b64encode(value.encode()).decode() not in written
    sops = os.environ["SOPS"]
    plain = [*watched, sops, "exec-file", "--no-fifo", "secrets/prod.yaml", "cat {}"]
    subprocess.run(plain, cwd=repository, check=True, capture_output=True)
    assert planted in written_to_disk(trace)


def test_people_come_and_go(hub: Path, person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shown(hub)
    grace = new_key(tmp_path / "grace.txt")
    rejected(
        run_deployer(hub, "keys", "share", "--with", "ssh-rsa AAA", "--name", "Grace"),
        "WITH: 'ssh-rsa AAA' is not a recipient",
    )
    good(run_deployer(hub, "keys", "share", "--with", grace, "--name", "Grace"))
    assert f"- {grace}  # Grace\n" in (hub / ".sops.yaml").read_text(encoding="utf-8")
    good(run_deployer(hub, "secrets", "check"))
    with monkeypatch.context() as theirs:
        theirs.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "grace.txt"))
        theirs.setenv("HOME", str(tmp_path))
        assert shown(hub) == before
        good(template(hub))
    old = (hub / "secrets/prod.yaml").read_text(encoding="utf-8")
    rejected(run_deployer(hub, "keys", "unshare", "--with", recipient_of(person)), "Ask somebody else to remove you")
    done = good(run_deployer(hub, "keys", "unshare", "--with", grace))
    assert "git's history" in done
    said = good(run_deployer(hub, "secrets", "rotate", "--new", "values"))
    after = shown(hub)
    assert after.keys() == before.keys()
    kept = {key for key in after if after[key] == before[key]}
    assert kept == {"backup.secrets.RESTIC_PASSWORD"}
    assert "backup.secrets.RESTIC_PASSWORD is kept: the backups open with it" in said
    good(run_deployer(hub, "secrets", "check"))
    good(template(hub))
    with monkeypatch.context() as theirs:
        theirs.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "grace.txt"))
        theirs.setenv("HOME", str(tmp_path))
        rejected(template(hub), "cannot be opened with any key that is here")
        # She still opens the versions in git's history: the sentence of unshare is true.
        (hub / "secrets/prod.yaml").write_text(old, encoding="utf-8")
        assert shown(hub) == before


def recipient_of(person: Path) -> str:
    return re.search(r"public key: (age1\S+)", (person / ".config/sops/age/keys.txt").read_text(encoding="utf-8"))[1]


def test_a_second_person_and_a_second_hub(
    hub: Path, edited: Callable[..., Path], person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key file that is there is used, and kept; who has no key yet is told how to get in."""
    key = person / ".config/sops/age/keys.txt"
    before = key.read_text(encoding="utf-8")
    second = edited(hub_name="second-hub")
    make(second)
    assert key.read_text(encoding="utf-8") == before
    assert recipient_of(person) in (second / ".sops.yaml").read_text(encoding="utf-8")
    rules = (hub / ".sops.yaml").read_text(encoding="utf-8")
    good(run_deployer(hub, "keys", "renew"))
    assert key.read_text(encoding="utf-8").startswith(before)
    assert recipient_of(person) not in (hub / ".sops.yaml").read_text(encoding="utf-8") != rules
    shown(hub), shown(second)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    rejected(run_deployer(hub, "keys", "mine"), "make secrets-share WITH=age1", "NAME='Ada Lovelace'")
    assert (tmp_path / "other/sops/age/keys.txt").exists()
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(hub / "keys.txt"))
    rejected(run_deployer(hub, "keys", "renew"), "inside the repository")
    assert not (hub / "keys.txt").exists()


def test_the_pipeline_has_a_key_for_its_environment_only(
    hub: Path, person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = good(run_deployer(hub, "keys", "pipeline", "--env", "prod"))
    second = good(run_deployer(hub, "keys", "pipeline", "--env", "prod"))
    assert re.fullmatch(r"AGE-SECRET-KEY-1[A-Z0-9]+", second)
    good(run_deployer(hub, "secrets", "check"))
    assert (hub / ".sops.yaml").read_text(encoding="utf-8").count("# pipeline") == 1
    in_memory = REPORT.format("sops.read_secrets(sys.argv[1]); sys.exit()")
    monkeypatch.setenv("HOME", str(tmp_path))
    for key, env, opens in ((first, "prod", False), (second, "prod", True), (second, "staging", False)):
        monkeypatch.setenv("SOPS_AGE_KEY", key.strip())
        done = subprocess.run([sys.executable, "-c", in_memory, env], cwd=hub, capture_output=True, text=True)
        assert (done.returncode == 0) == opens, done.stderr
    monkeypatch.setenv("CI", "true")
    rejected(run_deployer(hub, "secrets", "show", "--env", "prod"), "a pipeline keeps what it prints")


def test_check_sees_without_a_key_what_is_wrong(hub: Path, person: Path, tmp_path: Path) -> None:
    (person / ".config/sops/age/keys.txt").unlink()
    good(run_deployer(hub, "secrets", "check"))
    file = hub / "secrets/prod.yaml"
    text = file.read_text(encoding="utf-8")
    value = re.search(r"cookieSecret: (ENC\S+)", text)[1]
    for changed, *words in (
        (text.replace(value, secrets.token_hex(32)), "plain text", "jupyterhub.hub.cookieSecret"),
        (text.replace("jupyterhub:\n", "# the password is hunter2\njupyterhub:\n"), "plain text: 1 comment."),
        (re.sub(r"    mac: .*\n", "", text), "not signed"),
        (
            text.replace("hub-prod", "hub-staging"),
            "'data-science-hub-staging'",
        ),
        (
            text.replace("cookieSecret:", "cookieSecrets:"),
            "has no jupyterhub.hub.cookieSecret",
            "fake-secrets.yaml does not have",
        ),
        ("secretsFor: prod\n", "not encrypted", "remove it and run `make secrets`"),
        ("<<<<<<< HEAD\n" + text, "not valid YAML"),
        (None, "secrets/prod.yaml is missing"),
    ):
        file.write_text(changed, encoding="utf-8") if changed else file.unlink()
        rejected(run_deployer(hub, "secrets", "check"), *words)
    file.write_text(text, encoding="utf-8")
    (hub / "secrets/prod.dec.yaml").write_text("a: b\n", encoding="utf-8")
    rejected(run_deployer(hub, "check", "--offline"), "secrets/prod.dec.yaml is not the file of an environment")
    (hub / "secrets/prod.dec.yaml").unlink()
    rules = (hub / ".sops.yaml").read_text(encoding="utf-8")
    other = new_key(tmp_path / "other.txt")
    (hub / ".sops.yaml").write_text(rules.replace("    age:\n", f"    age:\n      - {other}\n", 1), encoding="utf-8")
    rejected(run_deployer(hub, "secrets", "check"), "secrets/staging.yaml is not encrypted for", other)


def test_a_file_that_was_decrypted_in_its_place_comes_back(hub: Path, person: Path) -> None:
    commit(hub, "All")
    file = hub / "secrets/prod.yaml"
    before = shown(hub)
    for back in (["git", "checkout", "HEAD", "--", "secrets/prod.yaml"], None):
        subprocess.run([os.environ["SOPS"], "decrypt", "--in-place", file], cwd=hub, check=True)
        said = run_deployer(hub, "secrets", "check")
        rejected(said, "`git checkout HEAD -- secrets/prod.yaml`", "`sops encrypt --in-place secrets/prod.yaml`")
        rejected(run_deployer(hub, "secrets", "show", "--env=prod"), said.stderr.strip())
        subprocess.run(back or [os.environ["SOPS"], "encrypt", "--in-place", "secrets/prod.yaml"], cwd=hub, check=True)
        good(run_deployer(hub, "secrets", "check"))
        assert shown(hub) == before


def test_check_names_what_is_still_blank(edited: Callable[..., Path]) -> None:
    repository = edited(sign_in="oidc", sign_in_allow="everybody")
    said = good(run_deployer(repository, "secrets", "check"))
    line = next(
        number
        for number, text in enumerate((repository / "config/hub.yaml").read_text("utf-8").splitlines(), 1)
        if "https://fill-in--issuer.invalid/token" in text
    )
    assert f"fill-in--issuer (config/hub.yaml:{line})" in said
    make(repository)
    assert "`make secrets` asks for those that are blank" in good(run_deployer(repository, "secrets", "check"))
    for file in [*(repository / "config").iterdir(), repository / ".sops.yaml"]:
        file.write_text(file.read_text("utf-8").replace("fill-in--", "given-"), encoding="utf-8")
    assert "blanks:" not in good(run_deployer(repository, "secrets", "check"))


@pytest.mark.parametrize(
    ("key", "value", "is_secret"),
    [
        ("hub.config.GenericOAuthenticator.client_secret", "geheim", True),
        ("hub.config.GenericOAuthenticator.clientSecret", "geheim", True),
        ("hub.config.LDAPAuthenticator.lookup_dn_search_password", "geheim", True),
        ("hub.services.grader.api_token", "geheim", True),
        ("hub.config.GenericOAuthenticator.client_secret", "fill-in--client-secret", False),
        ("hub.config.NativeAuthenticator.check_common_password", True, False),
        ("hub.config.GenericOAuthenticator.token_url", "https://idp.example.edu/token", False),
        ("hub.existingSecret", "hub", False),
    ],
)
def test_secret_that_the_template_does_not_know(key: str, value: object, is_secret: bool, edited) -> None:
    repository = edited()
    set_value(repository / "config/hub.yaml", f"jupyterhub.{key}", value)
    done = run_deployer(repository, "secrets", "check")
    if is_secret:
        rejected(
            done, f"config/hub.yaml: jupyterhub.{key} is a secret", "in chart/ci/fake-secrets.yaml", "make secrets"
        )
    else:
        good(done)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("config/prod.yaml", "hub.config.SharedPasswordAuthenticator.user_password", "hello1234"),
        ("config/hub.yaml", "hub.config.CryptKeeper.keys", ["0" * 64]),
        ("config/hub.yaml", "hub.config.CryptKeeper.keys", "0" * 64),
        ("chart/values.yaml", "hub.services.robot-student.apiToken", 12345678),
    ],
)
def test_secret_in_plain_text_is_rejected_where_it_stands(name: str, key: str, value: object, edited) -> None:
    repository = edited()
    good(run_deployer(repository, "secrets", "check"))
    set_value(repository / name, f"jupyterhub.{key}", value)
    sentence = f"{name}: jupyterhub.{key} is a secret. Remove it there, and use `make secrets-set ENV=prod KEY="
    rejected(run_deployer(repository, "secrets", "check"), f"{sentence}jupyterhub.{key}")
    hooks = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert re.search(next(hook["files"] for hook in hooks if hook["id"] == "secrets"), name)
    # A blank is not a secret: deploys reject it.
    set_value(repository / name, f"jupyterhub.{key}", "fill-in--later")
    good(run_deployer(repository, "secrets", "check"))


@pytest.mark.parametrize("kind", ["gcp-kms", "aws-kms", "azure-kv"])
def test_a_key_in_a_cloud_is_made_first(edited: Callable[..., Path], kind: str) -> None:
    repository = edited(secrets=kind)
    rejected(run_deployer(repository, "secrets", "make"), ".sops.yaml", "fill-in--", "docs/secrets.md")
    assert not (repository / "secrets").exists()


def test_the_history_of_secrets_has_no_plaintext(hub: Path, person: Path, tmp_path: Path) -> None:
    commit(hub, "A hub")
    values = {*shown(hub).values(), *shown(hub, "staging").values()}
    grace = new_key(tmp_path / "grace.txt")
    editor = f"sed -i 's/user_password: .*/user_password: {secrets.token_hex(12)}/'"
    for name, *arguments in (
        ("secrets", "edit", "--env", "staging"),
        ("keys", "share", "--with", grace, "--name", "Grace"),
        ("keys", "pipeline", "--env", "prod"),
        ("secrets", "rotate"),
        ("keys", "unshare", "--with", grace),
        ("secrets", "rotate", "--new", "values"),
        ("keys", "renew"),
    ):
        good(run_deployer(hub, name, *arguments, EDITOR=editor))
        commit(hub, f"{name} {arguments[0]}")
        values |= {*shown(hub).values(), *shown(hub, "staging").values()}
    assert "no secret in" in good(run_deployer(hub, "scan"))
    log = ["git", "log", "--patch", "--all"]
    everything = subprocess.run(log, cwd=hub, check=True, capture_output=True, text=True).stdout
    keys = re.findall(r"AGE-SECRET-KEY-\S+", (person / ".config/sops/age/keys.txt").read_text(encoding="utf-8"))
    assert len(values) > 20
    assert len(keys) == 2
    assert [value for value in [*values, *keys] if value in everything] == []
    # Each of them would be found.
    written = [*(f"password: {value}" for value in values), *keys]
    (hub / "notes.txt").write_text("\n".join(written), encoding="utf-8")
    done = run_deployer(hub, "scan", "notes.txt")
    rejected(done)
    found = {int(line) for line in re.findall(r"^notes\.txt, line (\d+): ", done.stderr, re.MULTILINE)}
    assert [line for number, line in enumerate(written, start=1) if number not in found] == []
    assert [value for value in [*values, *keys] if value in done.stderr] == []


def test_git_rejects_plaintext_when_pre_commit_is_installed(hub: Path) -> None:
    # What `make .venv` makes.
    (hub / ".venv").mkdir()
    for name in "bin", "lib", "pyvenv.cfg":
        (hub / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    subprocess.run([hub / ".venv/bin/pre-commit", "install"], cwd=hub, check=True, capture_output=True)

    def attempt() -> subprocess.CompletedProcess[str]:
        subprocess.run(["git", "add", "-A"], cwd=hub, check=True)
        return subprocess.run(["git", "commit", "-m", "A change"], cwd=hub, capture_output=True, text=True)

    done = attempt()
    assert done.returncode == 0, done.stdout + done.stderr
    # Nothing is installed for a commit.
    # Hooks print to stderr; stdout has the names of the committed files, such as node.lock.
    assert "nstall" not in done.stderr
    assert "nstalling environment" not in done.stdout
    decrypt = [os.environ["SOPS"], "decrypt", "secrets/prod.yaml"]
    plain = subprocess.run(decrypt, cwd=hub, check=True, capture_output=True).stdout
    cipher = (hub / "secrets/prod.yaml").read_bytes()
    for name, content, words in (
        ("secrets/prod.yaml", plain, "secrets/prod.yaml is not encrypted"),
        ("secrets/prod.dec.yaml", plain, "secrets/prod.dec.yaml is not the file of an environment"),
        ("config/notes.txt", shown(hub)["jupyterhub.proxy.secretToken"].encode(), "64-hexadecimal-digits"),
    ):
        (hub / name).write_bytes(content)
        done = attempt()
        assert done.returncode == 1
        assert words in done.stdout + done.stderr
        (hub / name).write_bytes(cipher) if name == "secrets/prod.yaml" else (hub / name).unlink()
    with (hub / "README.md").open("a", encoding="utf-8") as file:
        file.write("One more line.\n")
    assert attempt().returncode == 0


def test_redacted_objects_show_that_a_value_changes_and_not_what_it_is(hub: Path, chart: Path) -> None:
    code = (
        "import sys, yaml; from deployer import redact; both = [[item for item in yaml.safe_load_all(text) if item]"
        " for text in sys.stdin.read().split('=====')]; print(yaml.safe_dump_all(redact.redact_objects(both[0])));"
        " print('====='); print(yaml.safe_dump_all(redact.redact_objects(both[1])))"
    )
    old_values = shown(hub)
    old = good(template(hub))
    good(run_deployer(hub, "secrets", "rotate", "--new", "jupyterhub.hub.cookieSecret"))
    value = old_values["jupyterhub.hub.cookieSecret"]
    leak = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "leak"}, "data": {"x": f"a {value}"}}
    new = good(template(hub))
    both = old + "\n---\n" + yaml.safe_dump(leak) + "=====" + new
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, cwd=hub, input=both, capture_output=True, text=True, check=True).stdout
    for value in [*old_values.values(), *shown(hub).values()]:
        assert value not in printed
        assert base64.b64encode(value.encode()).decode() not in printed
    first, second = (hub_secret(text) for text in printed.split("====="))
    assert first["hub.config.JupyterHub.cookie_secret"] != second["hub.config.JupyterHub.cookie_secret"]
    assert first["hub.config.CryptKeeper.keys"] == second["hub.config.CryptKeeper.keys"]
    assert "checksum/secret: (redacted" in printed


def test_rotation_of_secrets_that_are_not_there(edited):
    """It must not say that there is a new data key."""
    done = run_deployer(edited(), "secrets", "rotate")
    assert done.returncode == 1
    assert "secrets/staging.yaml is missing: run `make secrets`" in done.stderr

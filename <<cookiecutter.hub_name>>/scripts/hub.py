"""What the scripts share: the environments, the layers of their values, the tools and the chart."""

import base64
import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import yaml

import tree

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "chart"
IMAGE = ROOT / "image"
FAKE_SECRETS = CHART / "ci" / "fake-secrets.yaml"
ENVIRONMENTS = ("staging", "prod")
# What chart/ci/fake-secrets.yaml holds, and what stands where only a provider knows the value. Neither can be deployed.
FAKE = "fake-for-rendering--"
BLANK = "fill-in--"
# Public images, on which others are built.
DOCKER_STACKS = ("quay.io/jupyter/", "docker.io/jupyter/", "jupyter/")
YAML_HINT = "in YAML, spaces indent, not tabs, and keys of one level begin in the same column"
# The exit statuses of sops (its cmd/sops/codes) that have one cause each.
SOPS_NO_KEY = 128
SOPS_CHANGED = {24, 25, 51, 52}


def stop(sentence: str) -> NoReturn:
    """End with exit status 1 and a sentence that says what is wrong and what to do."""
    raise SystemExit(sentence)


def say(text: str) -> None:
    """Print a text to somebody who may stop reading, such as `head`."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def conflicts(path: Path) -> list[str]:
    """Sentences that say where git or copier could not decide, and left its markers in a file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    label = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return [
        f"conflict markers of an update or merge in {label}:{number}: keep what is right, and take the markers out"
        for number, line in enumerate(lines, 1)
        if line.startswith("<" * 7 + " ")
    ]


def read(path: Path) -> dict:
    """A YAML file as a mapping, empty if it holds nothing. Stops where there is none."""
    label = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        stop(f"{label} is missing: `git checkout -- {label}` brings it back")
    except yaml.YAMLError as error:
        if marked := conflicts(path):
            stop("\n".join(marked))
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}," if where else ""
        stop(f"{label}{line} is no YAML: {getattr(error, 'problem', error)}; {YAML_HINT}")
    return found if isinstance(found, dict) else stop(f"{label}: its first level has to be keys, as in `key: value`")


def name() -> str:
    """The hub's name, which is the chart's."""
    return read(CHART / "Chart.yaml")["name"]


def release(env: str) -> str:
    """Release and namespace of an environment: the chart has cluster-scoped objects named by the release."""
    return f"{name()}-{env}"


def layers(env: str) -> list[Path]:
    """The values files of an environment over chart/values.yaml, in Helm's order: a later one wins. Secrets follow."""
    files = [ROOT / "config" / "hub.yaml", ROOT / "config" / f"{env}.yaml"]
    *_, differences = (read(file) for file in [CHART / "values.yaml", *files])
    if differences.get("environment") != env:
        was = differences.get("environment") or "missing"
        stop(f"config/{env}.yaml: environment is {was}; write `environment: {env}`")
    return files


def image_tag(env: str) -> str:
    """The tag of the image that image/ makes: no file holds it, its content does. Empty where there is no image/."""
    if not IMAGE.is_dir():
        return ""
    for path in [CHART / "values.yaml", *layers(env)]:
        node = read(path)
        for key in ("jupyterhub", "singleuser", "image"):
            node = (node or {}).get(key)
        node = node or {}
        if tag := node.get("tag"):
            stop(
                f"{path.relative_to(ROOT)}: jupyterhub.singleuser.image.tag is '{tag}', but what image/ holds "
                "decides it (`make image-tag` prints it): set it to ''"
            )
        if str(node.get("name")).startswith(DOCKER_STACKS):
            stop(
                f"{path.relative_to(ROOT)}: jupyterhub.singleuser.image.name is '{node['name']}', where nobody pushes "
                "what image/ makes: leave the image's own name there, and change its base, FROM in image/Dockerfile"
            )
    return tree.tree_hash(ROOT, IMAGE.name)


def layer_arguments(env: str) -> list[str | Path]:
    """The layers of an environment as arguments of Helm. Secrets follow."""
    files = [argument for layer in layers(env) for argument in ("--values", layer)]
    tag = image_tag(env)
    return [*files, "--set-string", f"jupyterhub.singleuser.image.tag={tag}"] if tag else files


def merge(base: dict, over: dict) -> dict:
    """Two layers as Helm merges them: mappings key by key, null removes, anything else replaces."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def values(env: str) -> dict:
    """The values of an environment without its secrets, as Helm sees them."""
    merged: dict = {}
    for layer in [CHART / "values.yaml", *layers(env)]:
        merged = merge(merged, read(layer))
    if tag := image_tag(env):
        merged = merge(merged, {"jupyterhub": {"singleuser": {"image": {"tag": tag}}}})
    return merged


def image(env: str = "prod") -> str:
    """The image that the students of an environment get, as Kubernetes pulls it."""
    one = values(env)["jupyterhub"]["singleuser"]["image"]
    return f"{one['name']}:{one['tag']}"


def tool(command: str) -> str:
    """The path of a tool: the environment variable of its name in capitals, else what PATH has."""
    found = shutil.which(os.environ.get(command.upper().replace("-", "_")) or command)
    return found or stop(
        f"{command} is not there: run `mise install` (https://mise.jdx.dev), or put {command} on the PATH"
    )


def output(*command: str | Path, text: str | None = None) -> str:
    """What a command prints, given a text. Raises subprocess.CalledProcessError with its error output if it fails."""
    return subprocess.run(command, check=True, capture_output=True, input=text, text=True, cwd=ROOT).stdout


def files() -> Iterator[Path]:
    """The files of the repository, without what git, make and helm keep in it."""
    apart = {ROOT / ".git", ROOT / ".venv", CHART / "charts"}
    folders = [ROOT]
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path not in apart and not path.is_symlink():
                folders.append(path)
            elif path.is_file():
                yield path


def blanks() -> list[str]:
    """What config/, .sops.yaml and cluster/ still have to be given, each with its file and line."""
    return [
        f"{blank} ({path.relative_to(ROOT)}:{number})"
        for path in files()
        if path.relative_to(ROOT).parts[0] in ("config", ".sops.yaml", "cluster")
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for blank in re.findall(f"{BLANK}[A-Za-z0-9-]+", line)
    ]


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every value that is no mapping and no list, with the keys that lead to it."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def dotted(path: tuple[str | int, ...]) -> str:
    """A path of keys as people write it."""
    return ".".join(str(key) for key in path)


def secrets_file(env: str) -> Path:
    """The encrypted secrets of an environment."""
    return ROOT / "secrets" / f"{env}.yaml"


def recipients(metadata: dict) -> list[str]:
    """Which keys open a file, by the metadata that sops has written into it."""
    forms = {
        "age": "{recipient}",
        "kms": "{arn}",
        "gcp_kms": "{resource_id}",
        "azure_kv": "{vault_url}/keys/{name}/{version}",
    }
    return [form.format(**key) for kind, form in forms.items() for key in metadata.get(kind) or []]


def plaintext(env: str) -> str:
    """The sentence for a secrets file that somebody has decrypted where it lies. It may hold what nobody else has."""
    label = secrets_file(env).relative_to(ROOT)
    try:
        output("git", "cat-file", "-e", f"HEAD:{label}")
        back = f"`git checkout HEAD -- {label}` brings back the encrypted one"
    except subprocess.CalledProcessError:
        back = "git has none to go back to: if it holds nothing to keep, remove it and run `make secrets`"
    return (
        f"{label} is not encrypted: its values must not reach git. {back}; `sops encrypt --in-place {label}` keeps"
        " what it holds now"
    )


def decrypted(env: str) -> str:
    """The secrets of an environment as YAML, in memory only. Stops with a sentence where there is nothing to trust."""
    file = secrets_file(env)
    label = file.relative_to(ROOT)
    if not file.is_file():
        stop(f"{label} is not there: run `make secrets`, and commit what it writes")
    metadata = read(file).get("sops")
    if not metadata:
        stop(plaintext(env))
    try:
        text = output(tool("sops"), "decrypt", file)
    except subprocess.CalledProcessError as error:
        if error.returncode == SOPS_NO_KEY:
            stop(
                f"{label} cannot be opened with any key that is here; it is encrypted for"
                f" {', '.join(recipients(metadata))}. docs/secrets.md says where sops looks for a"
                " key, and how somebody who has one lets you in"
            )
        if error.returncode in SOPS_CHANGED:
            stop(
                f"{label} is not what was encrypted: somebody, or a merge, has changed it without the key."
                f" Take a good version (`git log {label}`) and change it with `make secrets-edit ENV={env}`"
            )
        stop(f"{label} cannot be decrypted: {error.stderr.strip()}")
    found = yaml.safe_load(text).get("secretsFor")
    if found != env:
        stop(f"{label} has the secrets of '{found}' (secretsFor): each environment has its own, from `make secrets`")
    return text


def secrets(env: str) -> str:
    """The secrets of an environment that can be deployed: decrypted, its own, with nothing left to fill in."""
    text = decrypted(env)
    blanks = [
        dotted(path)
        for path, value in leaves(yaml.safe_load(text))
        if any(mark in str(value) for mark in (FAKE, BLANK))
    ]
    if blanks:
        stop(f"secrets/{env}.yaml still has to be filled in: {', '.join(blanks)}; `make secrets ENV={env}` asks for it")
    return text


def helm(env: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm with all values of an environment. Its errors come back without the secrets in them; nothing is printed.

    The secrets are decrypted before helm starts and reach it through its standard input: they are on no disk, and
    helm never sees the empty file that a failed `-f <(sops decrypt ...)` would give it.
    """
    text = secrets(env)
    command = [tool("helm"), *arguments, *layer_arguments(env), "--values", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)
    values = [str(value) for path, value in leaves(yaml.safe_load(text)) if path != ("secretsFor",)]
    done.stderr = mask(done.stderr, values)
    return done


def mask(text: str, values: list[str]) -> str:
    """A text without the given values, nor their base64."""
    for value in sorted(filter(None, values), key=len, reverse=True):
        for form in (value, base64.b64encode(value.encode()).decode()):
            text = text.replace(form, "(redacted)")
    return text


SALT = os.urandom(32)


def redact(objects: list[dict]) -> list[dict]:
    """Kubernetes objects to print or compare: without the values of Secrets, wherever in the objects these appear.

    Equal values become equal marks, so that a diff shows what changes. The marks are salted anew in each process:
    nobody can guess a short value from one.
    """

    def marked(value: str) -> str:
        return f"(redacted {hmac.new(SALT, value.encode(), hashlib.sha256).hexdigest()[:8]})"

    known: dict[str, str] = {}
    for item in objects:
        if item["kind"] == "Secret":
            for value in (item.get("data") or {}).values():
                known[value] = marked(value)
                plain = base64.b64decode(value).decode(errors="replace")
                known[plain] = marked(value)
            for plain in (item.get("stringData") or {}).values():
                known[plain] = marked(base64.b64encode(plain.encode()).decode())
    # A shorter value is no secret, and its text would be found all over the place.
    long = sorted((value for value in known if len(value) >= 8), key=len, reverse=True)

    def clean(value: object) -> object:
        if isinstance(value, dict):
            return {key: marked(item) if key.startswith("checksum/") else clean(item) for key, item in value.items()}
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, str):
            for secret in long:
                value = value.replace(secret, known[secret])
        return value

    redacted = []
    for item in objects:
        if item["kind"] == "Secret":
            fields = [field for field in ("data", "stringData") if item.get(field)]
            item = item | {field: {key: known[value] for key, value in item[field].items()} for field in fields}
        redacted.append(clean(item))
    return redacted


def dependency() -> dict:
    """The jupyterhub chart that Chart.yaml names: name, version and repository."""
    return next(item for item in read(CHART / "Chart.yaml")["dependencies"] if item["name"] == "jupyterhub")


def cache() -> Path:
    """The folder in the user's cache directory that keeps packaged charts."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "z2jh-template"


def packaged_chart() -> Path:
    """The packaged jupyterhub chart: from $Z2JH_CHART, from the cache, or pulled into the cache.

    Stops with the way to get it where none of the three has it.
    """
    chart = dependency()
    file = f"{chart['name']}-{chart['version']}.tgz"
    if given := os.environ.get("Z2JH_CHART"):
        path = Path(given) / file if Path(given).is_dir() else Path(given)
        if not path.is_file():
            stop(f"Z2JH_CHART is '{given}', where there is no {file}: point it at the packaged chart, or unset it")
        found = yaml.safe_load(output(tool("helm"), "show", "chart", path))
        if (found["name"], found["version"]) != (chart["name"], chart["version"]):
            stop(f"Z2JH_CHART is '{given}', which is {found['name']} {found['version']}; chart/Chart.yaml wants {file}")
        return path
    path = cache() / file
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        pull = ["pull", chart["name"], "--repo", chart["repository"], "--version", chart["version"]]
        try:
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                output(tool("helm"), *pull, "--destination", folder)
                (Path(folder) / file).replace(path)
        except subprocess.CalledProcessError as error:
            stop(
                f"{file} cannot be had: {error.stderr.strip()}\n"
                f"Where the network allows it, run `helm {' '.join(pull)}` and set Z2JH_CHART to the file, "
                "or check without the chart: `make check OFFLINE=1`"
            )
    return path


def build_dependency() -> None:
    """Put the packaged chart where Helm looks for it."""
    source = packaged_chart()
    charts = CHART / "charts"
    charts.mkdir(exist_ok=True)
    for old in charts.iterdir():
        if old.name != source.name:
            old.unlink()
    shutil.copy(source, charts / source.name)

"""Say what deploying this working tree would change, against another commit: in words, then as a diff without secrets.

Each commit is rendered by its own scripts, with fake secrets: no cluster and no keys are needed.
"""

import argparse
import base64
import difflib
import json
import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import seats
import yaml

import hub

# What a comment on GitHub may hold is 65536 characters.
MOST = 55000
RENDER = """
import json, sys, check, hub
hub.build_dependency()
rendered = {env: {"manifests": check.render(env, hub.CHART), "values": hub.values(env)} for env in hub.ENVIRONMENTS}
json.dump(rendered, sys.stdout, default=str)
"""
SECRET = re.compile(r"(secret|password|token|keys?)$", re.IGNORECASE)
# Where a change gives everybody another, empty home.
HOMES = {
    "singleuser.storage.type",
    "singleuser.storage.homeMountPath",
    "singleuser.storage.dynamic.pvcNameTemplate",
    "singleuser.storage.static.pvcName",
    "singleuser.storage.static.subPath",
    "hub.config.KubeSpawner.slug_scheme",
}
# What a student's server is given, by its key in the chart.
SERVER = {
    "singleuser.memory.limit": "A student's memory limit",
    "singleuser.memory.guarantee": "A student's memory guarantee",
    "singleuser.cpu.limit": "A student's CPU limit",
    "singleuser.cpu.guarantee": "A student's CPU guarantee",
    "singleuser.defaultUrl": "What opens after sign-in",
}


class Side:
    """An environment of one commit: its objects, the values that its hub reads, and those of the contract."""

    def __init__(self, rendered: dict) -> None:
        self.objects = {
            (item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(rendered["manifests"]) if item
        }
        self.values = rendered["values"]
        data = self.objects["Secret", "hub"]["data"]
        self.hub = yaml.safe_load(base64.b64decode(data["values.yaml"]))
        self.leaves = {hub.dotted(path): value for path, value in hub.leaves(self.hub)}

    def of(self, key: str) -> object:
        """A value of the hub by its dotted key, mappings included."""
        found: object = self.hub
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def image(self) -> str:
        """What students get."""
        image = self.of("singleuser.image") or {}
        return f"{image.get('name')}:{image.get('tag')}"

    def template(self, kind: str, name: str) -> object:
        """The pod template of a Deployment, as Kubernetes compares it: another one restarts the pods."""
        return self.objects.get((kind, name), {}).get("spec", {}).get("template")


def rendered(root: Path) -> dict:
    """Both environments of a checkout, rendered by its own scripts."""
    done = subprocess.run([sys.executable, "-c", RENDER], cwd=root / "scripts", capture_output=True, text=True)
    if done.returncode:
        which = "this working tree" if root == hub.ROOT else "the commit to compare with"
        hub.stop(f"{which} does not render:\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def git(*arguments: str) -> str:
    """What git prints. Stops if it fails."""
    try:
        return hub.output("git", *arguments)
    except subprocess.CalledProcessError as error:
        hub.stop(f"git {' '.join(arguments)}: {error.stderr.strip()}")


def restarts(base: Side, head: Side) -> list[str]:
    """What restarts, and what people notice of it."""
    words = {
        "hub": "The hub restarts: for some seconds nobody can sign in or start a server. Running servers stay as they "
        "are.",
        "proxy": "The proxy restarts: every open notebook loses its connection for some seconds and comes back. Cells "
        "go on running.",
        "autohttps": "The entrance for https restarts: every open notebook loses its connection for some seconds.",
        "user-scheduler": "The scheduler of the students' servers restarts: a start may take a moment longer.",
    }
    lines = []
    for name, sentence in words.items():
        old, new = base.template("Deployment", name), head.template("Deployment", name)
        if old and new and old != new:
            lines.append(sentence)
    return lines


def objects(base: Side, head: Side) -> list[str]:
    """Which objects come and go, and what that costs."""
    lines = []
    for title, here, there in (("comes", head, base), ("goes", base, head)):
        names = sorted(f"{kind} {name}" for kind, name in here.objects.keys() - there.objects.keys())
        if names:
            lines.append(f"It {title}: {', '.join(names)}.")
    for kind, name in base.objects.keys() - head.objects.keys():
        if kind in ("PersistentVolumeClaim", "PersistentVolume"):
            lines.append(f"DANGER: the {kind} {name} goes, and what is on it with it.")
    for key in base.objects.keys() & head.objects.keys():
        old, new = base.objects[key], head.objects[key]
        if key[0] == "PersistentVolumeClaim" and old["spec"] != new["spec"]:
            lines.append(
                f"DANGER: the PersistentVolumeClaim {key[1]} changes; Kubernetes lets it grow, and refuses the rest."
            )
        if key == ("Service", "proxy-public") and old["spec"].get("type") != new["spec"].get("type"):
            lines.append(
                f"The hub's entrance, Service proxy-public, becomes {new['spec'].get('type')} "
                f"(it is {old['spec'].get('type')}): its address changes, and DNS has to follow."
            )
    return lines


def said(side: Side, key: str) -> object:
    """A value, in a sentence."""
    return "the default" if side.leaves.get(key) is None else side.leaves[key]


def servers(base: Side, head: Side) -> list[str]:
    """What students get when their servers start the next time."""
    lines = []
    if base.image() != head.image():
        most = head.values["course"].get("node", {}).get("max", "all")
        where = "the node" if most == 1 else f"up to {most} nodes"
        when = "before the hub changes" if head.of("prePuller.hook.enabled") else "when a server starts there"
        lines.append(
            f"The image goes from {base.image()} to {head.image()}, which is pulled on {where} {when}. "
            "Running servers keep the old one until they are stopped."
        )
    changed = sorted(
        key for key in base.leaves.keys() | head.leaves.keys() if base.leaves.get(key) != head.leaves.get(key)
    )
    rest = []
    for key in changed:
        if key in HOMES:
            lines.append(
                f"DANGER: {key} goes from {said(base, key)} to {said(head, key)}: everybody would find an "
                "empty home. Move the files first, or leave it."
            )
        elif key in SERVER:
            lines.append(
                f"{SERVER[key]} goes from {said(base, key)} to {said(head, key)}, for servers that start from then on."
            )
        elif key == "singleuser.storage.capacity":
            lines.append(
                f"The volume of a new student goes from {said(base, key)} to {said(head, key)}; "
                "volumes that are there stay as they are."
            )
        elif key == "cull.timeout":
            lines.append(f"Idle servers are stopped after {said(head, key)} seconds (now: {said(base, key)}).")
        elif key.startswith("singleuser.") and not key.startswith("singleuser.image."):
            rest.append(key.removeprefix("singleuser."))
    if rest:
        named = ", ".join(rest[:6]) + (f" and {len(rest) - 6} more" if len(rest) > 6 else "")
        lines.append(f"Servers that start from then on differ in {named}.")
    return lines


def signing_in(base: Side, head: Side) -> list[str]:
    """Who may sign in, and how."""
    lines = []
    old, new = (side.of("hub.config.JupyterHub.authenticator_class") for side in (base, head))
    if old != new:
        lines.append(
            f"Sign-in goes from {old} to {new}: where user names come out differently, people find an empty home."
        )
    changed = [
        name
        for name in sorted({*(base.of("hub.config") or {}), *(head.of("hub.config") or {})})
        if name.endswith("Authenticator") and base.of(f"hub.config.{name}") != head.of(f"hub.config.{name}")
    ]
    if changed and old == new:
        lines.append(f"Who may sign in, or how, changes: see {', '.join(changed)} below.")
    roles = [
        name
        for name in sorted({*(base.of("hub.loadRoles") or {}), *(head.of("hub.loadRoles") or {})})
        if base.of(f"hub.loadRoles.{name}") != head.of(f"hub.loadRoles.{name}")
    ]
    if roles:
        lines.append(f"Who may do what on the hub changes: see the role {', '.join(roles)} below.")
    return lines


def capacity(base: Side, head: Side) -> list[str]:
    """Seats and cost, before and after."""
    lines = []
    if not all("node" in side.values["course"] for side in (base, head)):
        return lines
    old, new = (seats.seats(side.values) for side in (base, head))
    peaks = [side.values["course"]["peak"] for side in (base, head)]
    if old.total != new.total:
        lines.append(
            f"Seats go from {old.total} to {new.total} ({new.each} on a node); the peak is {peaks[1]} students."
        )
    elif peaks[0] != peaks[1]:
        lines.append(f"The peak goes from {peaks[0]} to {peaks[1]} students; there are {new.total} seats.")
    costs = [seats.cost(side.values, date.today()) for side in (base, head)]
    if costs[0] != costs[1]:
        lines += [f"Before: {costs[0][-1]}", f"After: {costs[1][-1]}"]
    return lines


def secret_keys(base: str, env: str) -> list[str]:
    """Which secrets change: ciphertext tells which, and not what they are."""
    path = f"secrets/{env}.yaml"

    def values(text: str) -> dict:
        found = yaml.safe_load(text) or {}
        found.pop("sops", None)
        return {hub.dotted(key): value for key, value in hub.leaves(found)}

    was = subprocess.run(["git", "show", f"{base}:{path}"], cwd=hub.ROOT, capture_output=True, text=True)
    old = values(was.stdout) if was.returncode == 0 else {}
    new = values((hub.ROOT / path).read_text("utf-8")) if (hub.ROOT / path).is_file() else {}
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    if not changed:
        return []
    if not old:
        return ["The secrets of this environment are new."]
    if not new:
        return [f"DANGER: {path} goes, and without it the deploy stops."]
    lines = [f"Secrets change: {', '.join(changed)}. The hub restarts; running servers stay as they are."]
    if any("cookie" in key.lower() for key in changed):
        lines.append("Everybody has to sign in again: the secret of the cookies changes.")
    if any("secretToken" in key or "auth_token" in key for key in changed):
        lines.append("The proxy restarts: every open notebook loses its connection for some seconds and comes back.")
    return lines


def sentences(base: Side, head: Side) -> list[str]:
    """All of it for an environment."""
    lines = []
    versions = [side.objects["Deployment", "hub"]["metadata"]["labels"]["helm.sh/chart"] for side in (base, head)]
    if versions[0] != versions[1]:
        lines.append(f"The chart goes from {versions[0]} to {versions[1]}: the hub's database is copied first.")
    lines += restarts(base, head)
    for part in (servers, signing_in, capacity, objects):
        lines += part(base, head)
    return lines


def readable(side: Side, known: list[dict]) -> dict[str, str]:
    """The objects as YAML, by their names, without secrets; the hub's values are taken out of their Secret."""

    def clean(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: clean(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [clean(item, key) for item in value]
        return "(redacted)" if isinstance(value, str) and value and SECRET.search(key) else value

    shown = {f"{item['kind']} {item['metadata']['name']}": item for item in known}
    shown["What the hub reads"] = clean(side.hub)
    for item in shown.values():
        if item.get("kind") == "Secret" and "values.yaml" in (item.get("data") or {}):
            del item["data"]["values.yaml"]
    return {name: yaml.safe_dump(item, sort_keys=True, width=120) for name, item in shown.items()}


def difference(base: Side, head: Side) -> str:
    """A unified diff of all objects, without secrets."""
    both = hub.redact([*base.objects.values(), *head.objects.values()])
    old = readable(base, both[: len(base.objects)])
    new = readable(head, both[len(base.objects) :])
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, "").splitlines(), new.get(name, "").splitlines()
        lines += difflib.unified_diff(before, after, name, name, n=2, lineterm="")
    return "\n".join(lines)


def compare(ref: str) -> str:
    """The report, in Markdown."""
    try:
        commit = hub.output("git", "rev-parse", "--verify", f"{ref}^{{commit}}").strip()
    except subprocess.CalledProcessError as error:
        if "not a git repository" in error.stderr:
            hub.stop("this folder is no git repository yet: `git init`, commit, then again")
        hub.stop(f"there is no commit '{ref}': say which to compare with, `make impact BASE=main`")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "base"
        git("worktree", "add", "--quiet", "--detach", str(root), commit)
        try:
            before = rendered(root)
        finally:
            git("worktree", "remove", "--force", str(root))
    after = rendered(hub.ROOT)
    by_sentences: dict[tuple[str, ...], list[str]] = {}
    by_diff: dict[str, list[str]] = {}
    for env in hub.ENVIRONMENTS:
        base, head = Side(before[env]), Side(after[env])
        said = dict.fromkeys([*sentences(base, head), *secret_keys(commit, env)])
        by_sentences.setdefault(tuple(said), []).append(env)
        if changes := difference(base, head):
            by_diff.setdefault(changes, []).append(env)
    text = []
    for said, envs in by_sentences.items():
        text.append(f"### {' and '.join(envs)}\n")
        quiet = not any(env in names for names in by_diff.values() for env in envs)
        nothing = "Nothing changes in the cluster." if quiet else "Nobody notices anything: see the diff."
        text += [f"- {line}" for line in said] or [f"- {nothing}"]
        text.append("")
    for changes, envs in by_diff.items():
        cut = changes[: MOST // len(by_diff)]
        more = "" if cut == changes else "\n(and more: `make impact` on your computer shows all of it)"
        text.append(f"<details><summary>The objects of {' and '.join(envs)}, secrets redacted</summary>\n")
        text.append(f"```diff\n{cut}{more}\n```\n\n</details>\n")
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="the commit to compare with, such as origin/main")
    hub.say(compare(parser.parse_args().base))


if __name__ == "__main__":
    main()

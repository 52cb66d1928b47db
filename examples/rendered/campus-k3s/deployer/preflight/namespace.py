"""The namespace of an environment: whether it is there, which pods it admits, and one to try pods in before it is."""

from collections.abc import Iterator
from contextlib import contextmanager

from deployer import chart, values
from deployer.cluster import kubectl
from deployer.preflight.findings import Finding, note, ok, problem
from deployer.yaml_files import find_value

# The levels of Pod Security, and which one a name in `course.allow` needs.
LEVELS = ("privileged", "baseline", "restricted")
NEEDED = {"host-network": "privileged", "host-path": "privileged", "privileged": "privileged", "root-user": "baseline"}


def check_namespace(env: str) -> Iterator[Finding]:
    """Check that the namespace is there and labelled, or that the first deploy can create it."""
    name = chart.name_release(env)
    level = "restricted"
    if found := kubectl.read_object(env, "namespace", name):
        level = found["metadata"].get("labels", {}).get(kubectl.POD_SECURITY)
        if level:
            yield ok(f"the namespace {name} is there, its pods are held to Pod Security '{level}'")
        else:
            yield note(
                f"the namespace {name} has no Pod Security label; let an administrator run "
                f"`kubectl label namespace {name} {kubectl.POD_SECURITY}=restricted`"
            )
    elif (tried := kubectl.create_namespace(name, "--dry-run=server")).returncode == 0:
        yield ok(f"the namespace {name} is not there yet; the first deploy creates it")
    else:
        yield problem(
            f"the namespace {name} is missing and cannot be created: {tried.stderr.strip()}; "
            "let an administrator apply cluster/deployer.yaml"
        )
        return
    yield from compare_pod_security(env, level, is_there=bool(found))


def compare_pod_security(env: str, level: str | None, is_there: bool = True) -> Iterator[Finding]:
    """Check that the label of the namespace admits what `course.allow` lets students' servers have."""
    name = chart.name_release(env)
    create = "" if is_there else f"`kubectl create namespace {name}` and "
    allowed = find_value(values.read_values(env), "course", "allow") or []
    names = {name: LEVELS.index(NEEDED[name]) for name in allowed if name in NEEDED}
    widest = min(names.values(), default=len(LEVELS))
    if level in LEVELS and LEVELS.index(level) > widest:
        yield problem(
            f"course.allow: {', '.join(names)}: the namespace has the Pod Security label '{level}', which rejects such "
            f"servers. Remove it, or let an administrator run {create}`kubectl label --overwrite namespace "
            f"{name} {kubectl.POD_SECURITY}={LEVELS[widest]}`"
        )


@contextmanager
def borrow_namespace(env: str) -> Iterator[tuple[str, str]]:
    """Yield a namespace to try pods in, and why there is none: the hub's, or before it is there, one for a moment."""
    name = chart.name_release(env)
    if kubectl.read_object(env, "namespace", name):
        yield name, ""
        return
    name += "-preflight"
    # One of a run that was killed.
    kubectl.run_in(name, "delete", "namespace", name, "--ignore-not-found", "--timeout=60s")
    done = kubectl.create_namespace(name)
    try:
        yield name, done.stderr.strip() if done.returncode else ""
    finally:
        kubectl.run_in(name, "delete", "namespace", name, "--ignore-not-found", "--wait=false")

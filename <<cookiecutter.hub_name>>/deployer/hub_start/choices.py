"""The pods that students get, made without a cluster by the hub's own spawner and its hooks. Runs beside load.py.

A pod is made for each profile and choice: for a student, and where code decides, also for one of the staff, in all
groups that the configuration names.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from types import TracebackType
from typing import Any

from jupyterhub import orm
from jupyterhub.app import JupyterHub
from jupyterhub.user import User
from jupyterhub.utils import maybe_future
from kubernetes_asyncio.client import ApiClient
from kubespawner import KubeSpawner

Variant = tuple[str, dict[str, Any] | None, dict[str, str]]
Made = dict[str, Any]
SINGLEUSER = "jupyterhub.singleuser"
SNIPPETS = "jupyterhub.hub.extraConfig"
STUDENT = "a-student"
HOOKS = ("apply_user_options", "auth_state_hook", "pre_spawn_hook", "modify_pod_hook")
FORMS = ("options_form", "options_from_form", "apply_user_options")
# Seconds: more than a hook needs that waits for nothing.
LIMIT = 10
# What is wrong in the hook itself. Anything else may be the lack of a cluster, of a token, or of a file of the pod.
MISTAKES = (ImportError, NameError, SyntaxError)
# Python's audit events of what a hook must not do here: this is the machine of the owner, or of a pipeline.
EFFECTS = ("os.", "shutil.", "socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen")
HARMLESS = ("os.chdir", "os.fwalk", "os.listdir", "os.putenv", "os.scandir", "os.unsetenv", "os.walk")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class HookError(Exception):
    """A mistake in a hook."""


class Fence:
    """Rejects what reaches out of this process, for as long as the block runs."""

    def __init__(self) -> None:
        self.up = False
        sys.addaudithook(self.reject)

    def __enter__(self) -> None:
        self.up = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.up = False

    def reject(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise PermissionError for an event with an effect."""
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if self.up and (writes or (event.startswith(EFFECTS) and event not in HARMLESS)):
            raise PermissionError(f"{event} is not run here")


async def make_pods(app: JupyterHub) -> tuple[list[Made], list[str]]:
    """Return the pods, or why there is none, and warnings about code that cannot be run here."""
    if not issubclass(app.spawner_class, KubeSpawner):
        return [], []
    warnings: list[str] = []
    pods: list[Made] = []
    people = [add_person(app, STUDENT, [])]
    if has_code(app):
        groups = {*app.load_groups, *(name for role in app.load_roles for name in role.get("groups") or [])}
        people += [add_person(app, name, sorted(groups)) for name in list_staff(app)[:1]]
    warnings += warn_of_forms(app)
    with Fence():
        for person in people:
            try:
                variants = list_variants(await list_profiles(make_spawner(app, person), warnings))
            except HookError as error:
                pods.append({"key": SNIPPETS, "error": str(error)})
                continue
            pods += [await make_pod(make_spawner(app, person), warnings, *variant) for variant in variants]
    return pods, list(dict.fromkeys(warnings))


def has_code(app: JupyterHub) -> bool:
    """Return whether a hook or a class of the owner decides what a server gets."""
    spawner = app.spawner_class(config=app.config, _mock=True)
    own = not app.spawner_class.__module__.startswith("kubespawner")
    return own or callable(spawner.profile_list) or any(getattr(spawner, name, None) for name in HOOKS)


def warn_of_forms(app: JupyterHub) -> list[str]:
    """Return a warning where a form of the owner takes what no profile lists."""
    set_here = {name for section in ("KubeSpawner", "Spawner") for name in app.config[section]}
    return [
        f"{SNIPPETS}: {name} is your own, so no guard checks what students may ask for with it. Check it yourself."
        for name in FORMS
        if name in set_here
    ][:1]


def list_staff(app: JupyterHub) -> list[str]:
    """Return the names of the staff."""
    named = [name for role in app.load_roles for name in role.get("users") or []]
    return [*sorted(app.authenticator.admin_users), *named]


def add_person(app: JupyterHub, name: str, groups: list[str]) -> User:
    """Return a user of the hub, whose database is in memory."""
    person = orm.User.find(app.db, name) or orm.User(name=name)
    app.db.add(person)
    for group in groups:
        found = orm.Group.find(app.db, group) or orm.Group(name=group)
        app.db.add(found)
        if person not in found.users:
            found.users.append(person)
    app.db.commit()
    return app.users[person]


def make_spawner(app: JupyterHub, person: User) -> KubeSpawner:
    """Return a spawner as JupyterHub makes it. A profile changes the configuration in place, which is a copy."""
    spawner = person._new_spawner("", spawner_class=app.spawner_class, config=deepcopy(app.config))
    # As JupyterHub has them when a server starts.
    spawner.api_token, spawner.port = "token", 8888
    return spawner


async def run_hook(name: str, warnings: list[str], action: Callable[[], Any], otherwise: Any = None) -> Any:
    """Return what a hook returns. Raises HookError for a mistake in it, and warns of what it lacks here."""
    try:
        return await asyncio.wait_for(maybe_future(action()), LIMIT)
    except MISTAKES as error:
        raise HookError(f"{name}: {describe(error)}") from error
    except Exception as error:
        warnings.append(
            f"{SNIPPETS}: {name} does not run without the cluster ({describe(error)}), so no guard checks what it "
            "changes. Check it yourself."
        )
        return otherwise


async def list_profiles(spawner: KubeSpawner, warnings: list[str]) -> list[dict[str, Any]]:
    """Return the profiles that a person may choose."""
    profiles = spawner.profile_list
    if callable(profiles):
        profiles = await run_hook("profile_list", warnings, lambda: spawner.profile_list(spawner))
    return profiles or []


def list_variants(profiles: list[dict[str, Any]]) -> Iterator[Variant]:
    """Yield what a student may choose: where it is in the values, the profile, and the options."""
    if not profiles:
        yield SINGLEUSER, None, {}
    for number, profile in enumerate(profiles):
        key, options = f"{SINGLEUSER}.profileList[{number}]", profile.get("profile_options") or {}
        # A student types the value of an option that has no choices.
        typed = {f"{name}--unlisted-choice": "x" for name, option in options.items() if not option.get("choices")}
        if not any((options[name.partition("--")[0]].get("unlisted_choice") or {}).get("enabled") for name in typed):
            yield key, profile, {}
            for name, option in options.items():
                for choice in option.get("choices") or {}:
                    yield f"{key}.profile_options.{name}.choices.{choice}", profile, {name: choice}


async def make_pod(
    spawner: KubeSpawner, warnings: list[str], key: str, profile: dict[str, Any] | None, options: dict[str, str]
) -> Made:
    """Return the pod that KubeSpawner makes for a choice, or why it makes none."""
    made: Made = {"key": key}

    async def keep_pod() -> None:
        """Do what KubeSpawner does when a server starts, but without the cluster."""
        if profile:
            await spawner.load_user_options()
        pod = await spawner.get_pod_manifest()
        if spawner.modify_pod_hook:
            pod = await run_hook("modify_pod_hook", warnings, lambda: spawner.modify_pod_hook(spawner, pod), pod)
            if pod is None:
                raise HookError("modify_pod_hook: it returns nothing, and must return the pod")
        made["pod"] = ApiClient().sanitize_for_serialization(pod)

    spawner.profile_list, spawner.user_options = [deepcopy(profile)] if profile else [], options
    # A class of the owner may have a start() of its own, which ends here, too.
    spawner._start = keep_pod
    try:
        await run_hook("auth_state_hook", warnings, lambda: spawner.run_auth_state_hook(None))
        if getattr(spawner, "apply_user_options", None):
            await run_hook("apply_user_options", warnings, lambda: spawner._run_apply_user_options(options))
        await run_hook("pre_spawn_hook", warnings, spawner.run_pre_spawn_hook)
        await asyncio.wait_for(maybe_future(spawner.start()), LIMIT)
    except HookError as error:
        return {"key": SNIPPETS, "error": str(error)}
    except Exception as error:
        return {"key": key, "error": describe(error)}
    return made


def describe(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"

"""`make check` loads the hub's configuration with the packages of the hub image: what crashes a hub is found there."""

import os

import pytest
import yaml

from repositories import merge, run_deployer, run_python
from students import Dumper

PROD = "config/prod.yaml"
# Loads what is rendered with the packages of the tests, which are those of deployer/hub.lock: no installation.
LOAD = """
import sys
from pathlib import Path
import yaml
from deployer import chart
from deployer.errors import UserError
from deployer.hub_start import check
chart.build_dependency()
rendered = {"prod": [item for item in yaml.safe_load_all(chart.render("prod")) if item]}
try:
    print("\\n".join(check.load_configurations(rendered, Path(sys.executable))["prod"]))
except UserError as error:
    print(error)
"""
CILOGON = {
    "JupyterHub": {"authenticator_class": "cilogon"},
    "SharedPasswordAuthenticator": None,
    "CILogonOAuthenticator": {
        "allowed_idps": {
            "https://idp.example.edu/idp": {"username_derivation": {"username_claim": "sub"}, "allow_all": True}
        }
    },
}
# A change of hub.* in prod, and the output.
CRASHES = {
    "none": ({}, "the hub would start"),
    "a name in a snippet": (
        {"extraConfig": {"own": "x = 1\nc.JupyterHub.base_url = no_such_name"}},
        "config/prod.yaml: jupyterhub.hub.extraConfig.own: line 2 fails, so the hub would not start (NameError: name "
        "'no_such_name' is not defined). Correct it.",
    ),
    "a scope": (
        {"loadRoles": {"graders": {"scopes": ["access:serverz"], "groups": ["graders"]}}},
        "prod: the hub would not start (ScopeNotFound: \"Scope 'access:serverz' for role graders does not exist\")",
    ),
    "a regular expression": (
        {"config": {"Authenticator": {"username_pattern": "((", "blocked_users": ["robot-student-user"]}}},
        "prod: the hub would not start (error: missing ), unterminated subpattern",
    ),
    "a template of names": (
        {"config": {"KubeSpawner": {"pod_name_template": "{nobody}-{user_server}"}}},
        "prod: the hub would not start (KeyError: 'nobody')",
    ),
    "a file of the pod": (
        {"extraConfig": {"own": "open('/srv/hub/words.txt')"}},
        "not checked whether the hub starts: its configuration reads what is not on this machine",
    ),
    "an image of the owner": (
        {"image": {"name": "quay.io/university/hub", "tag": "2026-11-02"}},
        "not checked whether the hub starts: the hub has an image of its own (quay.io/university/hub:2026-11-02)",
    ),
    "another sign-in, which no snippet replaces": (
        {
            "config": {"JupyterHub": {"authenticator_class": "github"}, "Authenticator": {"allowed_users": ["ada"]}},
            "extraConfig": {"zz": "assert c.JupyterHub.authenticator_class == 'github'"},
        },
        "the hub would start",
    ),
    "an old name": (
        {"config": CILOGON, "extraConfig": {"sign-in": ""}},
        "the hub would start\nwarning: CILogonOAuthenticator.allowed_idps is deprecated",
    ),
}


def add(repository, **hub: object) -> None:
    """Give prod values of jupyterhub.hub, and nothing else."""
    values = {"environment": "prod", "jupyterhub": {"hub": hub}}
    (repository / PROD).write_text(yaml.safe_dump(values), encoding="utf-8")


@pytest.mark.parametrize("name", CRASHES)
def test_configuration_is_loaded_as_in_the_pod(name, edited, chart):
    hub, expected = CRASHES[name]
    repository = edited()
    add(repository, **hub)
    done = run_python(repository, LOAD)
    assert expected in done.stdout, done.stdout + done.stderr


def test_pod_of_each_profile_and_choice_is_made(edited, chart):
    """By the real KubeSpawner: what it or Kubernetes would reject, a student would see first."""
    claim = {"data": {"name": "data", "persistentVolumeClaim": {"name": "data"}}}
    mounts = {name: {"name": name, "mountPath": "/data"} for name in ("One", "two")}
    overrides: list[dict] = [
        {"node_selector": "gpu"},
        {"volumes": claim},
        {"volumes": {name: {"name": name, "emptyDir": {}} for name in mounts}, "volume_mounts": mounts},
        {"node_selector": {"gpu": "t4"}, "extra_resource_limits": {"nvidia.com/gpu": "1"}},
    ]
    choices = {
        "a": {"display_name": "A"},
        "b": {"display_name": "B", "kubespawner_override": {"tolerations": {"key": "x"}}},
    }
    typed = {"unlisted_choice": {"enabled": True, "display_name": "Any", "kubespawner_override": {"image": "{value}"}}}
    profiles = [{"display_name": str(number), "kubespawner_override": item} for number, item in enumerate(overrides)]
    profiles.append({"display_name": "options", "profile_options": {"size": {"choices": choices}}})
    profiles.append({"display_name": "typed", "profile_options": {"image": typed}})
    repository = edited()
    values = {"environment": "prod", "jupyterhub": {"singleuser": {"profileList": profiles}}}
    (repository / PROD).write_text(yaml.safe_dump(values), encoding="utf-8")
    said = run_python(repository, LOAD).stdout.splitlines()
    trait = "trait of a KubeSpawner instance expected a dict, not the str 'gpu'."
    expected = {
        "[0]": f"TraitError: The 'node_selector' {trait}",
        "[1]": "spec.volumes.0.persistentVolumeClaim is not valid for Kubernetes 1.37: 'claimName' is a required "
        "property",
        "[2]": "the volume 'One' needs a name of lower-case letters, digits and hyphens, 63 at most",
        "[2] ": "the container 'notebook' mounts two volumes at /data",
        "[4].profile_options.size.choices.b": "AttributeError: Expected object of type 'dict' (or 'V1Toleration') but "
        "got 'str'.",
    }
    assert said == [
        f"config/prod.yaml: jupyterhub.singleuser.profileList{where.strip()}: no server would start ({problem}). "
        "Correct it there, or in jupyterhub.hub.config.KubeSpawner."
        for where, problem in expected.items()
    ]


def test_guards_read_what_code_has_set(edited, chart):
    """In words that no pattern finds: the settings in use count."""
    snippet = """
setattr(c.KubeSpawner, "uid", 0)
c.KubeSpawner.extra_pod_config |= {"host" + "Network": True}
c.KubeSpawner.volumes |= {"node": {"name": "node", "host" + "Path": {"path": "/etc"}}}
c.Authenticator |= {"allow_" + "all": bool(1), "blocked_" + "users": {"somebody"}}
c.Authenticator.username_map = {"guest": "instructor"}
c.JupyterHub.load_roles += [{"name": "user", "scopes": ["self", "access:servers"]}]
"""
    github = {"JupyterHub": {"authenticator_class": "github"}, "SharedPasswordAuthenticator": None}
    rule = {"GitHubOAuthenticator": {"allowed_organizations": ["course"], "scope": ["read:org"]}}
    repository = edited()
    add(repository, config=github | rule, extraConfig={"own": snippet, "sign-in": ""})
    said = run_python(repository, LOAD).stdout.splitlines()
    expected = [
        "KubeSpawner.extra_pod_config.hostNetwork: students' servers would share the network",
        "KubeSpawner.uid: students' servers would run as root (0)",
        "KubeSpawner.volumes.node.hostPath: students' servers would mount a folder of their node (/etc)",
        "GitHubOAuthenticator.blocked_users: 'robot-student-user' is missing",
        "GitHubOAuthenticator.allow_all: anybody on the internet with a GitHub account may sign in",
        "GitHubOAuthenticator.username_map: 'guest' would sign in as 'instructor', who is staff",
        "loadRoles.user.scopes: 'access:servers' gives every student power",
    ]
    assert len(said) == len(expected), "\n".join(said)
    for sentence in expected:
        assert any(
            line.startswith("prod: jupyterhub.hub.extraConfig: its code sets what guards reject: ") and sentence in line
            for line in said
        ), (sentence, said)


def test_guards_read_the_pods_as_hooks_leave_them(edited, chart):
    """The chart renders none of it: profiles for a person, hooks before and after the pod, and a file of code."""
    snippet = """
async def choose(spawner):
    staff = [{"display_name": "Root", "kubespawner_override": {"uid": 0}}] if spawner.user.name == "instructor" else []
    return [{"display_name": "Large", "kubespawner_override": {"mem_limit": None, "mem_guarantee": None}}, *staff]

def prepare(spawner):
    spawner.image = "quay.io/course/image:latest"

c.KubeSpawner.profile_list, c.Spawner.pre_spawn_hook = choose, prepare
"""
    file = """
async def change(spawner, pod):
    pod.spec.host_network = True
    return pod

c.KubeSpawner.modify_pod_hook = change
"""
    path = "/usr/local/etc/jupyterhub/jupyterhub_config.d/own.py"
    repository = edited()
    add(repository, extraConfig={"own": snippet}, extraFiles={"own": {"mountPath": path, "stringData": file}})
    said = run_python(repository, LOAD).stdout.splitlines()
    expected = [
        "profileList[0]: spec.hostNetwork: students' servers would share the network",
        "profileList[0]: spec.containers[0].image: 'quay.io/course/image:latest' is another image after each push.",
        "profileList[0]: spec.containers[0].resources.limits.memory: there is none",
        "profileList[1]: spec.containers[0].securityContext.runAsUser: students' servers would run as root (0)",
    ]
    begin = "prod: jupyterhub.hub.extraConfig: its code sets what guards reject: the pod of jupyterhub.singleuser."
    assert len(said) == len(expected) and all(line.startswith(begin) for line in said), "\n".join(said)
    for sentence in expected:
        assert sentence in "\n".join(said), (sentence, said)


def test_hooks_have_no_effect_here_and_may_lack_the_cluster(edited, chart, tmp_path):
    """A hook that needs the cluster is a warning; a hook that fails in the cluster, too, is an error."""
    hooks = f"""
async def prepare(spawner):
    open("{tmp_path}/made", "w")

async def change(spawner, pod):
    await spawner.api.read_namespaced_secret("token", "default")
    return pod

c.KubeSpawner.pre_spawn_hook, c.KubeSpawner.modify_pod_hook = prepare, change
c.KubeSpawner.options_form = "<input name=size>"
"""
    repository = edited()
    add(repository, extraConfig={"own": hooks})
    said = run_python(repository, LOAD).stdout.splitlines()
    key = "warning: jupyterhub.hub.extraConfig"
    assert said[0] == "the hub would start" and len(said) == 4, said
    assert said[1].startswith(f"{key}: options_form is your own, so no guard checks what students may ask for")
    assert said[2].startswith(
        f"{key}: pre_spawn_hook does not run without the cluster (PermissionError: open is not run"
    )
    assert said[3].startswith(f"{key}: modify_pod_hook does not run without the cluster (")
    assert list(tmp_path.glob("made")) == []
    add(repository, extraConfig={"own": "c.KubeSpawner.modify_pod_hook = lambda spawner, pod: None"})
    assert run_python(repository, LOAD).stdout == (
        "config/prod.yaml: jupyterhub.hub.extraConfig: no server would start (modify_pod_hook: it returns nothing, and "
        "must return the pod). Correct it there.\n"
    )


def test_providers_that_code_adds_are_checked(edited, chart):
    google = {"http://google.com/accounts/o8/id": {"username_derivation": {"username_claim": "sub"}, "allow_all": True}}
    repository = edited()
    config = {key: value for key, value in CILOGON.items() if key != "CILogonOAuthenticator"}
    add(repository, config=config, extraConfig={"own": f"c.CILogonOAuthenticator.idps = {google}", "sign-in": ""})
    said = run_python(repository, LOAD).stdout
    assert (
        "its code sets what guards reject: jupyterhub.hub.config.CILogonOAuthenticator.idps.'http://google.com" in said
    ), said


def test_snippet_sees_no_token_of_the_pipeline(edited, chart):
    repository = edited()
    add(repository, extraConfig={"own": "import os\nraise RuntimeError(sorted(os.environ))"})
    done = run_python(repository, LOAD, env={**os.environ, "CI_TOKEN": "x"})
    assert "RuntimeError" in done.stdout and "HUB_SERVICE_HOST" in done.stdout, done.stdout + done.stderr
    assert "CI_TOKEN" not in done.stdout


@pytest.mark.parametrize("form", ["list", "map"])
def test_course_files_are_mounted_beside_the_owners_volumes(form, edited, chart):
    """In both forms of the chart: a list in config/ would replace a map in chart/values.yaml."""
    repository = edited(course_content="https://git.example.edu/course.git")
    volume, mount = {"name": "data", "emptyDir": {}}, {"name": "data", "mountPath": "/data"}
    storage = {"extraVolumes": [volume], "extraVolumeMounts": [mount]}
    if form == "map":
        storage = {"extraVolumes": {"ours": volume}, "extraVolumeMounts": {"ours": mount}}
    wanted = 'assert {"course-files", "data"} <= {item["name"] for item in c.KubeSpawner.VOLUMES.values()}'
    snippet = "\n".join(wanted.replace("VOLUMES", trait) for trait in ("volumes", "volume_mounts"))
    hub = {"extraConfig": {"own": snippet}}
    values = {"environment": "prod", "jupyterhub": {"hub": hub, "singleuser": {"storage": storage}}}
    (repository / PROD).write_text(yaml.safe_dump(values), encoding="utf-8")
    done = run_python(repository, LOAD)
    assert done.stdout == "the hub would start\n", done.stdout + done.stderr


def test_snippet_that_is_not_python_is_rejected_without_the_chart(edited):
    repository = edited()
    add(repository, extraConfig={"own": "x = 1\nif x\n    pass\n"})
    done = run_deployer(repository, "check", "--offline")
    assert done.returncode == 1
    assert "config/prod.yaml: jupyterhub.hub.extraConfig.own: line 2 is not Python (expected ':'). Correct it." in (
        done.stderr
    )


def test_check_warns_of_what_only_the_owners_code_can_have(edited):
    repository = edited()
    own = {"UsageQuota": {"hard": 20}, "Authenticator": {"campus": "x", "own_trait": 1}}
    snippet = "class Own(Authenticator):\n    own_trait = 1\n"
    add(repository, config=own, extraConfig={"own": snippet})
    done = run_deployer(repository, "check", "--offline")
    assert done.returncode == 0, done.stderr
    assert "prod: warning: jupyterhub.hub.config.UsageQuota: the chart's hub image has no class" in done.stdout
    assert "prod: warning: jupyterhub.hub.config.Authenticator.campus: the chart's hub image has no" in done.stdout
    assert "own_trait" not in done.stdout


def test_check_shows_what_helm_and_the_guards_warn_of(each_helm, edited):
    repository = edited()
    values = {
        "environment": "prod",
        "jupyterhub": {
            "singleuser": {"extraEnv": [{"name": "A", "value": "b"}]},
            "hub": {"config": {"GitHubOAuthenticator": {"allow_all": True}}},
        },
    }
    (repository / PROD).write_text(yaml.dump(values, Dumper=Dumper), encoding="utf-8")
    done = run_deployer(repository, "check", "--offline", HELM=each_helm)
    assert done.returncode == 0, done.stderr
    assert (
        "prod: warning: config/prod.yaml: jupyterhub.singleuser.extraEnv: the chart's own entries are lost "
        "(JUPYTERHUB_SINGLEUSER_APP:jupyter_server.serverapp.ServerApp), because this value is not a map."
    ) in done.stdout
    assert "prod: warning: jupyterhub.hub.config.GitHubOAuthenticator: authenticator_class is 'shared-" in done.stdout


def test_environments_with_one_host_are_rejected(edited):
    repository = edited(hub_domain="hub.example.edu", tls="ingress")
    for env in "staging", "prod":
        change = {"ingress": {"hosts": ["hub.example.edu"], "tls": [{"hosts": ["hub.example.edu"], "secretName": "x"}]}}
        change["hub"] = {"config": {"JupyterHub": {"public_url": "https://hub.example.edu/"}}}
        file = repository / f"config/{env}.yaml"
        values = merge(yaml.safe_load(file.read_text(encoding="utf-8")), {"jupyterhub": change})
        file.write_text(yaml.dump(values, Dumper=Dumper), encoding="utf-8")
    done = run_deployer(repository, "check", "--offline")
    assert done.returncode == 1
    assert "config/prod.yaml: 'hub.example.edu' is a host name of staging, too" in done.stderr


def test_text_in_place_of_the_snippets_is_rejected_without_their_code(edited):
    repository = edited()
    add(repository, extraConfig="c.x = 1")
    done = run_deployer(repository, "check", "--offline")
    assert done.returncode == 1
    assert "jupyterhub.hub.extraConfig: it is a text (c.x = 1), and must be a map." in done.stderr
    assert "show_announcements" not in done.stderr


def test_errors_of_nested_schemas_are_said_once(edited):
    repository = edited()
    add(repository, config={"Authenticator": {"allowed_users": 12}, "GithubOAuthenticator": {"scope": []}})
    done = run_deployer(repository, "check", "--offline")
    assert done.returncode == 1
    assert "jupyterhub.hub.config.Authenticator.allowed_users: it is a number (" in done.stderr
    assert "GithubOAuthenticator: there is no such key (did you mean GitHubOAuthenticator?)" in done.stderr
    assert "failed" not in done.stderr and "- at" not in done.stderr

"""Read the values of the chart as its own jupyterhub_config.py does, where the chart is not on this machine.

Only what a hub without a cluster can show is read: no volumes, affinities, tolerations or pull secrets. A test of the
template compares the result with that of the chart's file.
"""

import re
from typing import Any

Values = dict[str, Any]

HUB_TRAITS = (
    "concurrent_spawn_limit",
    "active_server_limit",
    "base_url",
    "allow_named_servers",
    "named_server_limit_per_user",
    "authenticate_prometheus",
    "redirect_to_server",
    "shutdown_on_logout",
    "template_paths",
    "template_vars",
)
# The traits of KubeSpawner, and the keys under singleuser where they are not the same in camel case.
SPAWNER_TRAITS = {
    "start_timeout": "",
    "events_enabled": "events",
    "uid": "",
    "fs_gid": "",
    "mem_limit": "memory.limit",
    "mem_guarantee": "memory.guarantee",
    "cpu_limit": "cpu.limit",
    "cpu_guarantee": "cpu.guarantee",
    "environment": "extraEnv",
    "profile_list": "",
}
# hub.config must not set these: the chart takes them from its secrets.
SECRET_TRAITS = {
    "JupyterHub": ("proxy_auth_token", "cookie_secret", "services"),
    "ConfigurableHTTPProxy": ("auth_token",),
    "CryptKeeper": ("keys",),
}


def convert_to_camel_case(trait: str) -> str:
    """Return the key of the values that sets a trait."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), trait)


def find(values: Values, path: str, default: Any = None) -> Any:
    """Return the value at a dotted path, or the default where the path ends before."""
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            return default
        found = found[key]
    return found


def list_culler(cull: Values, base_url: str) -> list[str]:
    """Return the command of the service that stops idle servers."""
    command = ["python3", "-m", "jupyterhub_idle_culler", f"--url=http://localhost:8081{base_url}hub/api"]
    options = {"timeout": "timeout", "every": "cull-every", "concurrency": "concurrency"}
    command += [f"--{option}={cull[key]}" for key, option in options.items() if cull.get(key)]
    command += ["--cull-users"] if cull.get("users") else []
    command += [] if cull.get("adminUsers") else ["--cull-admin-users=false"]
    command += ["--remove-named-servers"] if cull.get("removeNamedServers") else []
    return command + ([f"--max-age={cull['maxAge']}"] if cull.get("maxAge") else [])


def load_culling(c: Any, cull: Values) -> None:
    """Add the service that stops idle servers, and its role."""
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    scopes += ["admin:users"] if cull.get("users") else []
    name = "jupyterhub-idle-culler"
    c.JupyterHub.services.append({"name": name, "command": list_culler(cull, c.JupyterHub.get("base_url", "/"))})
    c.JupyterHub.load_roles.append({"name": name, "scopes": scopes, "services": [name]})


def load(c: Any, values: Values) -> None:
    """Set on the configuration what the values of the jupyterhub chart say, its defaults included."""
    hub, user = values["hub"], values["singleuser"]
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.last_activity_interval = 60
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
    for trait in HUB_TRAITS:
        if (value := hub.get(convert_to_camel_case(trait))) is not None:
            c.JupyterHub[trait] = value
    if (limit := hub.get("consecutiveFailureLimit")) is not None:
        c.Spawner.consecutive_failure_limit = limit
    for trait, path in SPAWNER_TRAITS.items():
        if (value := find(user, path or convert_to_camel_case(trait))) is not None:
            c.KubeSpawner[trait] = value
    if image := find(user, "image.name"):
        c.KubeSpawner.image = f"{image}:{user['image']['tag']}" if user["image"].get("tag") else image
    # Code in hub.extraConfig adds to all of these.
    c.KubeSpawner.volumes, c.KubeSpawner.volume_mounts = {}, {}
    c.JupyterHub.services, c.JupyterHub.load_roles = [], []
    if values["cull"].get("enabled"):
        load_culling(c, values["cull"])
    for name, service in (hub.get("services") or {}).items():
        token = {"api_token": service["apiToken"]} if service.get("apiToken") else {}
        c.JupyterHub.services.append({"name": name, **{k: v for k, v in service.items() if k != "apiToken"}, **token})
    for name, role in (hub.get("loadRoles") or {}).items():
        c.JupyterHub.load_roles.append({"name": name, **role})
    c.Spawner.cmd = user.get("cmd")
    if (url := user.get("defaultUrl")) is not None:
        c.Spawner.default_url = url
    if (secret := hub.get("cookieSecret")) is not None:
        c.JupyterHub.cookie_secret = secret
    c.CryptKeeper.keys = find(values, "hub.config.CryptKeeper.keys", [])
    if find(values, "debug.enabled"):
        c.JupyterHub.log_level = "DEBUG"
        c.Spawner.debug = True
    for section, traits in (hub.get("config") or {}).items():
        c[section].update({key: value for key, value in traits.items() if key not in SECRET_TRAITS.get(section, ())})
    for name, code in sorted((hub.get("extraConfig") or {}).items()):
        # The names that the chart's own file has when it runs this.
        exec(compile(code, name, "exec"), {"c": c, "get_config": lambda key, default=None: find(values, key, default)})  # noqa: S102

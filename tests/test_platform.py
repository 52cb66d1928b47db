"""What the answers about https, nodes, storage, sizes and interfaces make of a hub, seen in its rendered objects."""

import itertools
import json
import os
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader
from kubernetes_asyncio.client import V1Container, V1Pod, V1PodSpec, V1VolumeMount

from repositories import TEMPLATE, change_values, objects, render, run_deployer, run_python

DOMAIN = {"hub_domain": "hub.example.edu"}
CONTENT = "https://git.example.edu/course/content.git"
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def hub(bake):
    """`hub("prod", platform="gke", …)`: the rendered objects by kind and name."""

    @cache
    def rendered(env: str, answers: tuple[tuple[str, str], ...]) -> dict[tuple[str, str], dict]:
        return {(item["kind"], item["metadata"]["name"]): item for item in objects(render(bake(**dict(answers)), env))}

    return lambda env, **answers: rendered(env, tuple(sorted(answers.items())))


def values(repository: Path, env: str = "prod") -> dict:
    """The values of an environment over chart/values.yaml, as Helm merges them."""
    code = "import json, sys; from deployer import values; print(json.dumps(values.read_values(sys.argv[1])))"
    return json.loads(run_python(repository, code, env, check=True).stdout)


def ways_of_https(found: dict[tuple[str, str], dict]) -> list[str]:
    """Which of the ways to end https are there, read from the objects and not from the values."""
    service = found["Service", "proxy-public"]["spec"]
    ports = {port["name"]: port["targetPort"] for port in service["ports"]}
    ways = {
        "autohttps": ("Deployment", "autohttps") in found,
        "ingress": ("Ingress", "jupyterhub") in found,
        "gateway": ("HTTPRoute", "jupyterhub") in found,
        "offload": ports == {"https": "http"},
    }
    return [way for way, there in ways.items() if there]


@pytest.mark.parametrize(
    ("tls", "platform"),
    [
        ("autohttps", "any"),
        ("autohttps", "eks"),
        ("autohttps", "aks"),
        ("ingress", "k3s"),
        ("gateway", "gke"),
        ("gateway", "k3s"),
        ("gateway", "any"),
        *(("offload", platform) for platform in QUESTIONS["platform"]),
    ],
)
def test_exactly_one_way_of_https_is_on(hub, chart: Path, tls: str, platform: str) -> None:
    found = hub("prod", tls=tls, platform=platform, **DOMAIN)
    assert ways_of_https(found) == [tls]
    service = found["Service", "proxy-public"]["spec"]
    public = {"autohttps": "LoadBalancer", "offload": "NodePort" if platform in ("any", "k3s") else "LoadBalancer"}
    assert service["type"] == public.get(tls, "ClusterIP")


def test_without_https_the_hub_stays_inside_the_cluster(hub, chart: Path) -> None:
    found = hub("prod")
    assert ways_of_https(found) == []
    assert found["Service", "proxy-public"]["spec"]["type"] == "ClusterIP"


ACME = {
    "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
    "prod": "https://acme-v02.api.letsencrypt.org/directory",
}


@pytest.mark.parametrize("env", ACME)
@pytest.mark.parametrize("tls", ["ingress", "gateway"])
def test_staging_asks_lets_encrypts_staging_server(hub, tls: str, env: str) -> None:
    issuer = hub(env, tls=tls, platform="any", **DOMAIN)["Issuer", "letsencrypt"]
    assert issuer["spec"]["acme"]["server"] == ACME[env]


@pytest.mark.parametrize("env", ACME)
def test_traefik_asks_lets_encrypts_staging_server_for_staging(hub, chart: Path, env: str) -> None:
    settings = hub(env, tls="autohttps", platform="any", **DOMAIN)["ConfigMap", "autohttps"]["data"]["traefik.yaml"]
    assert re.findall(r"https://acme-\S+", settings) == [ACME[env]]


@pytest.mark.parametrize(("env", "host"), [("staging", "staging.hub.example.edu"), ("prod", "hub.example.edu")])
def test_each_environment_has_its_host(hub, chart: Path, env: str, host: str) -> None:
    ingress = hub(env, tls="ingress", platform="any", **DOMAIN)["Ingress", "jupyterhub"]["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == [host]
    assert ingress["tls"] == [{"hosts": [host], "secretName": "hub-tls"}]
    gateway = hub(env, tls="gateway", platform="any", **DOMAIN)
    assert {listener["hostname"] for listener in gateway["Gateway", "hub"]["spec"]["listeners"]} == {host}
    assert gateway["HTTPRoute", "jupyterhub"]["spec"]["hostnames"] == [host]
    autohttps = hub(env, tls="autohttps", platform="any", **DOMAIN)
    assert host in autohttps["ConfigMap", "autohttps"]["data"]["dynamic.yaml"]


def test_the_route_is_attached_to_the_listener_for_https(hub, chart: Path) -> None:
    found = hub("prod", tls="gateway", platform="gke", **DOMAIN)
    [parent] = found["HTTPRoute", "jupyterhub"]["spec"]["parentRefs"]
    assert (parent["name"], parent["sectionName"]) == ("hub", "https")
    listeners = {listener["name"]: listener for listener in found["Gateway", "hub"]["spec"]["listeners"]}
    assert listeners["https"]["tls"]["certificateRefs"] == [{"name": "hub-tls"}]
    solver = found["Issuer", "letsencrypt"]["spec"]["acme"]["solvers"][0]["http01"]["gatewayHTTPRoute"]
    assert solver["parentRefs"][0]["sectionName"] == "http"
    assert {("HealthCheckPolicy", "proxy-public"), ("GCPBackendPolicy", "proxy-public")} <= set(found)


@pytest.mark.parametrize("platform", QUESTIONS["platform"])
def test_nodes_are_chosen_as_the_platform_has_them(hub, bake, chart: Path, platform: str) -> None:
    answers = {"platform": platform, "tls": "offload", **DOMAIN}
    found = hub("prod", **answers)
    kinds = {kind for kind, _ in found}
    core = found["Deployment", "hub"]["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    autoscaled = platform in ("gke", "eks", "aks")
    assert ("requiredDuringSchedulingIgnoredDuringExecution" in core) == autoscaled
    # Where a service account deploys that is bound to its namespaces, nothing is outside of them.
    assert bool(kinds & {"ClusterRole", "ClusterRoleBinding", "PriorityClass"}) == autoscaled
    volumes = found["PersistentVolumeClaim", "hub-db-dir"]["spec"].get("storageClassName")
    homes = values(bake(**answers))["jupyterhub"]["singleuser"]["storage"].get("dynamic", {}).get("storageClass")
    classes = {"any": None, "gke": "standard-rwo", "eks": "gp3", "aks": "managed-csi", "k3s": "local-path"}
    assert volumes == homes == classes[platform]


@pytest.mark.parametrize("architecture", QUESTIONS["architecture"])
def test_only_nodes_that_the_image_is_for(hub, bake, chart: Path, architecture: str) -> None:
    wanted = {} if architecture == "both" else {"kubernetes.io/arch": architecture}
    assert values(bake(architecture=architecture))["jupyterhub"]["singleuser"].get("nodeSelector", {}) == wanted
    puller = hub("prod", architecture=architecture)["DaemonSet", "hook-image-puller"]["spec"]["template"]["spec"]
    assert puller.get("nodeSelector", {}) == wanted


def test_the_share_is_one_for_each_environment_and_outlives_the_release(hub) -> None:
    for env in ("staging", "prod"):
        found = hub(env, storage="nfs")
        volume = found["PersistentVolume", f"data-science-hub-{env}-shared"]
        claim = found["PersistentVolumeClaim", "shared"]
        assert volume["spec"]["nfs"]["path"].endswith(f"/{env}")
        assert volume["spec"]["claimRef"] == {"namespace": f"data-science-hub-{env}", "name": "shared"}
        assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
        assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        for item in (volume, claim):
            assert item["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(
    ("user", "read_only"),
    [
        ({}, True),
        ({"roles": ["user"]}, True),
        ({"admin": True}, False),
        ({"roles": ["user", "course-staff"]}, False),
        ({"group_roles": ["course-staff"]}, False),
    ],
)
def test_only_the_staff_writes_to_the_shared_folder(bake, user: dict, read_only: bool) -> None:
    repository = bake(storage="nfs")
    code = (repository / "chart" / "files" / "shared_folder.py").read_text(encoding="utf-8")
    [hook] = [
        line for line in values(repository)["jupyterhub"]["hub"]["extraConfig"].values() if "shared_folder" in line
    ]
    assert "/etc/course/shared_folder.py" in hook
    assert '["open_for_staff"]' in hook
    mounts = values(repository)["jupyterhub"]["singleuser"]["storage"]["extraVolumeMounts"]
    assert mounts["shared"]["readOnly"] is True
    given = SimpleNamespace(
        admin=user.get("admin", False),
        roles=[SimpleNamespace(name=name) for name in user.get("roles", [])],
        groups=[SimpleNamespace(roles=[SimpleNamespace(name=name) for name in user.get("group_roles", [])])],
    )
    home = V1VolumeMount(name="home", mount_path="/home/jovyan", sub_path="homes/alice")
    shared = V1VolumeMount(name="home", mount_path="/home/jovyan/shared", sub_path="shared", read_only=True)
    pod = V1Pod(spec=V1PodSpec(containers=[V1Container(name="notebook", volume_mounts=[home, shared])]))
    module: dict = {}
    exec(compile(code, "shared_folder.py", "exec"), module)  # noqa: S102 (as the hub does)
    module["open_for_staff"](SimpleNamespace(user=given), pod)
    assert shared.read_only is read_only
    assert home.read_only is None


@pytest.mark.parametrize(("interface", "url"), [("lab", "/lab"), ("notebook", "/tree"), ("vscode", "/vscode")])
def test_the_interface_opens(bake, interface: str, url: str) -> None:
    user = values(bake(interface=interface, image_name="registry.example.edu/a/b"))["jupyterhub"]["singleuser"]
    assert user["defaultUrl"] == url
    assert user["extraEnv"]["JUPYTERHUB_SINGLEUSER_APP"] == "jupyter_server.serverapp.ServerApp"
    assert user["cmd"] == "jupyterhub-singleuser"


@pytest.mark.parametrize("interface", QUESTIONS["interface"])
def test_the_image_gets_what_the_interface_needs(bake, interface: str) -> None:
    """Each program with a checksum; nothing where the base is an image that has it."""
    programs = {"rstudio": "rstudio-server-", "vscode": "code-server-"}
    for base, wanted in (("r-notebook", interface), ("registry.example.edu/ready/image:1", None)):
        image = bake(interface=interface, image_base=base, image_name="registry.example.edu/a/b") / "image"
        text = (image / "Dockerfile").read_text(encoding="utf-8")
        assert [name for name, program in programs.items() if program in text] == [wanted] * (wanted in programs)
        downloads = re.findall(r"https://\S+", text)
        assert len(re.findall(r"\b[0-9a-f]{64}\b", text.partition("USER 0")[2])) >= len(downloads)


def test_the_home_is_where_the_image_has_it(bake) -> None:
    image = "registry.example.edu/rocker/binder:4.5"
    user = values(bake(interface="rstudio", image_base=image, storage="nfs"))["jupyterhub"]["singleuser"]
    assert user["storage"]["homeMountPath"] == "/home/rstudio"
    assert user["storage"]["extraVolumeMounts"]["shared"]["mountPath"] == "/home/rstudio/shared"
    assert "homeMountPath" not in values(bake(storage="nfs"))["jupyterhub"]["singleuser"]["storage"]


def test_course_content_is_fetched_by_the_servers_own_command(hub, bake) -> None:
    merged = values(bake(course_content=CONTENT))["jupyterhub"]
    user = merged["singleuser"]
    path = "/etc/course/fetch_course.py"
    assert user["cmd"] == ["python3", path, "jupyterhub-singleuser"]
    assert user["extraEnv"]["COURSE_CONTENT"] == CONTENT
    assert f'"mountPath": "{os.path.dirname(path)}"' in merged["hub"]["extraConfig"]["course-files"]
    files = hub("prod", course_content=CONTENT)["ConfigMap", "course-files"]["data"]
    assert files["fetch_course.py"] == (bake(course_content=CONTENT) / "chart/files/fetch_course.py").read_text("utf-8")
    # KubeSpawner formats the strings of its configuration.
    assert not re.search(r"[{}]", json.dumps(user["cmd"]) + "".join(user["extraEnv"].values()))


@pytest.mark.parametrize(
    ("url", "cidr", "port"),
    [
        ("https://10.1.2.3/course.git", "10.1.2.3/32", 443),
        ("https://192.168.7.8:8443/course.git", "192.168.7.8/32", 8443),
        ("git@172.16.0.9:group/course.git", "172.16.0.9/32", 22),
        ("ssh://git@git.internal:2222/course.git", "fill-in--address-of-the-git-server/32", 2222),
        ("https://git/course.git", "fill-in--address-of-the-git-server/32", 443),
    ],
)
def test_one_rule_lets_pods_reach_a_git_server_with_a_private_address(bake, url: str, cidr: str, port: int) -> None:
    [rule] = values(bake(course_content=url))["jupyterhub"]["singleuser"]["networkPolicy"]["egress"]
    assert rule == {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"port": port}]}


@pytest.mark.parametrize(
    "url", [CONTENT, "https://172.32.0.1/a.git", "https://8.8.8.8/a.git", "git@github.com:a/b.git"]
)
def test_a_public_git_server_needs_no_rule(bake, url: str) -> None:
    assert "networkPolicy" not in values(bake(course_content=url))["jupyterhub"]["singleuser"]


@pytest.mark.parametrize(("peak", "size"), [(1, 30), (30, 30), (31, 300), (300, 300), (301, 3000), (3000, 3000)])
def test_sizes_follow_the_class(bake, peak: int, size: int) -> None:
    found = values(bake(students=str(peak)))
    hub = found["jupyterhub"]["hub"]
    assert found["course"]["sizedFor"] == size >= peak
    assert hub["activeServerLimit"] > size, "the staff and the robot student want a server too"
    assert hub["concurrentSpawnLimit"] >= min(peak, 200)


def test_a_larger_class_never_gets_less() -> None:
    source = (TEMPLATE / "templates" / "lib" / "sizes.jinja").read_text(encoding="utf-8")
    markers = QUESTIONS["_jinja2_env_vars"]
    sizes = Environment(**markers).from_string(source).module.sizes

    def number(value: object) -> float:
        amount, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(value)).groups()
        return float(amount) * {"": 1, "m": 1e-3, "Mi": 2**20, "Gi": 2**30}[unit]

    for smaller, larger in itertools.pairwise(sizes):
        for key in smaller.keys() - {"cull_every"}:
            assert number(smaller[key]) <= number(larger[key]), key
    for size in sizes:
        assert number(size["hub_memory"]) <= number(size["hub_most"])
        assert size["proxy_heap"] * 2**20 < number(size["proxy_most"]), "Node.js must notice before the kernel does"


GUARANTEES = ["1K", "256M", "1G", "2G", "3G", "7G", "32G", "150G"]


@pytest.mark.parametrize("platform", QUESTIONS["platform"])
def test_the_default_nodes_seat_the_peak(platform: str) -> None:
    markers = QUESTIONS["_jinja2_env_vars"]
    jinja = Environment(loader=FileSystemLoader(TEMPLATE / "templates"), **markers)
    piece = jinja.from_string('<% from "lib/nodes.jinja" import course_node with context %><% print course_node() %>')
    for architecture in QUESTIONS["architecture"]:
        for storage in QUESTIONS["storage"]:
            for guarantee in GUARANTEES:
                for peak in (1, 20, 200, 3000):
                    answers = {
                        "__pieces": "",
                        "platform": platform,
                        "architecture": architecture,
                        "storage": storage,
                        "memory_guarantee": guarantee,
                        "memory_limit": guarantee,
                        "peak_students": str(peak),
                    }
                    node = yaml.safe_load(piece.render(cookiecutter=answers))
                    memory = (int(node["memory"][:-1]) - int(node["reserved"][:-1])) * 2**30
                    each = memory // (int(guarantee[:-1]) * 1024 ** ("KMGT".index(guarantee[-1]) + 1))
                    each = min(each, node["pods"], int(node["cpu"] / 0.05), node.get("disks", each))
                    assert each * node["max"] >= peak + 2, (answers, node)
                    assert ("disks" in node) <= (storage == "per-student")


def test_the_default_nodes_pass_the_guards(hub) -> None:
    """With the guards' own arithmetic, where disks, memory, nodes of the largest class, and the limit alone bind."""
    for answers in (
        {"platform": "eks", "students": "3000", "memory_limit": "512M"},
        {"platform": "aks", "students": "300", "memory_limit": "1G"},
        {"platform": "k3s", "students": "60", "memory_limit": "6G", "architecture": "arm64"},
        {"students": "5", "memory_limit": "16G", "memory_guarantee": "2G"},
    ):
        assert hub("prod", **answers)


def test_idle_kernels_and_terminals_end(hub, chart: Path) -> None:
    secret = hub("prod")["Secret", "singleuser"]["stringData"]
    settings = json.loads(secret["jupyter_server_config.json"])
    assert settings["MappingKernelManager"]["cull_idle_timeout"] == 3600
    assert settings["TerminalManager"]["cull_inactive_timeout"] == 3600


def test_what_the_charts_security_page_asks_for_is_on(hub, bake, chart: Path) -> None:
    found = values(bake())["jupyterhub"]
    spawner = found["hub"]["config"]["KubeSpawner"]
    assert spawner["slug_scheme"] == "safe"
    assert spawner["container_security_context"]["capabilities"] == {"drop": ["ALL"]}
    policies = {name for kind, name in hub("prod") if kind == "NetworkPolicy"}
    assert policies == {"hub", "proxy", "singleuser"}
    for name in policies:
        text = json.dumps(hub("prod")["NetworkPolicy", name]["spec"]["egress"])
        reached = re.findall(r'\{"cidr": "169\.254\.169\.254/32"\}', text)
        # The one that is left is for names, on port 53.
        assert len(reached) <= 1, name
    assert "serviceAccountName" not in found["singleuser"]


CLOUDS = ["gke", "eks", "aks"]
# The clouds' own tools write down what they are asked here, for lack of a cloud. What FOUND matches is there.
TOOL = r"""#!/bin/sh
echo "$(basename "$0") $*" >> "$ASKED"
[ -t 0 ] || cat >> "$ASKED"
case "$(basename "$0") $*" in
  kubectl\ config*) printf %s "$CONTEXT" ;;
  kubectl\ *deployments*) printf %s "$HUBS" ;;
  kubectl\ *persistentvolumeclaims*) echo '{"items": []}' ;;
  *node-pools\ list*|*list-nodegroups*) echo core students bio7 ;;
  *\ describe*|*\ show*|*get\ cluster*) echo "$*" | grep --quiet --extended-regexp "$FOUND" ;;
esac
"""


@pytest.fixture
def ask_cloud(tmp_path: Path):
    """`ask_cloud(repository, "create")`: a command of cluster/, its result, and what the cloud's tools were asked."""
    for name in ("gcloud", "eksctl", "aws", "az", "kubectl", "helm"):
        tool = tmp_path / "tools" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(TOOL, encoding="utf-8")
        tool.chmod(0o755)

    def ask(repository: Path, do: str, found: str = "^$", context: str = "", hubs: str = '{"items": []}'):
        where = repository / "cluster" / "where.sh"
        where.write_text(re.sub(r"fill-in--\S+", "somewhere", where.read_text("utf-8")), encoding="utf-8")
        asked = tmp_path / "asked"
        asked.write_text("", encoding="utf-8")
        path = f"{tmp_path / 'tools'}:{os.environ['PATH']}"
        environ = {"PATH": path, "ASKED": str(asked), "FOUND": found, "CONTEXT": context, "HUBS": hubs}
        return run_deployer(repository, "cluster", do, **environ), asked.read_text(encoding="utf-8")

    return ask


@pytest.mark.parametrize("do", ["create", "autoscale", "fixed"])
@pytest.mark.parametrize("platform", CLOUDS)
def test_a_script_of_the_cluster_reads_the_course_contract(edited, ask_cloud, platform: str, do: str) -> None:
    repository = edited(platform=platform)
    rejected = run_deployer(repository, "cluster", do)
    assert rejected.returncode == 1
    assert "cluster/where.sh: " in rejected.stderr
    done, text = ask_cloud(repository, do)
    assert done.returncode == 0, done.stderr
    node = values(repository)["course"]["node"]
    if do == "create":
        assert node["machine"] in text
        assert re.search(r"hub\.jupyter\.org_dedicated", text)
        assert "hub.jupyter.org/node-purpose" in text
        assert re.search(r"clusters create|create cluster|aks create", text)
    assert re.search(rf"(--max-nodes|--nodes-max|--max-count|maxSize:|--num-nodes|--node-count) {node['max']}\b", text)
    capitals = "CLUSTER|CORE_NODES|CORE_MAX|POOL|DEDICATED|MACHINE|MAX|REGION|ZONE"
    assert not re.search(rf"\b({capitals})\b", text.replace("SECOND_ZONE", "ZONE"))


@pytest.mark.parametrize("platform", CLOUDS)
def test_a_hub_in_the_cluster_of_another_one(edited, ask_cloud, platform: str) -> None:
    """It makes its own pool, changes its own pool, and leaves the cluster and the other pools as they are."""
    repository = edited(platform=platform, cluster_name="teaching")
    done, text = ask_cloud(repository, "create", found="teaching")
    assert done.returncode == 0, done.stderr
    assert not re.search(r"clusters create|create cluster|aks create|upgrade --install", text)
    assert "teaching" in text and "data-science-hub" not in text
    own = {"nodeSelector": {"hub.jupyter.org/pool": "bio7"}}
    change_values(repository / "config/hub.yaml", {"jupyterhub": {"singleuser": own}})
    _, text = ask_cloud(repository, "create", found="get cluster|clusters describe|aks show")
    assert re.search("node-pools create bio7|nodepool add .*--name bio7|create nodegroup(.|\n)* name: bio7\n", text)
    assert re.search("org_dedicated=bio7:NoSchedule|value: bio7", text)
    assert not re.search(r"clusters create|create cluster|aks create", text)
    for do in "autoscale", "fixed":
        _, text = ask_cloud(repository, do)
        assert "bio7" in text and "students" not in text
    rejected, text = ask_cloud(repository, "delete")
    assert (rejected.returncode, text) == (1, "")
    assert "nothing was deleted: the cluster teaching is not this hub's alone (data-science-hub)" in rejected.stderr
    own["nodeSelector"]["hub.jupyter.org/pool"] = "bio-7"
    change_values(repository / "config/hub.yaml", {"jupyterhub": {"singleuser": own}})
    rejected, text = ask_cloud(repository, "create")
    assert (rejected.returncode, text) == (1, "")
    assert "the pool 'bio-7' is not a name that every cloud takes" in rejected.stderr


HUBS = '{"items": [{"metadata": {"namespace": "bio-7-prod", "name": "hub"}, "spec": {"replicas": %d}}]}'


@pytest.mark.parametrize("platform", CLOUDS)
def test_nodes_of_a_cluster_stay_while_a_hub_needs_them(edited, ask_cloud, platform: str) -> None:
    repository = edited(platform=platform)
    cases = [
        ("pause", "gke_somewhere_data-science-hub-2", HUBS % 0, "kubectl asks 'gke_somewhere_data-science-hub-2'"),
        ("pause", "gke_somewhere_data-science-hub", HUBS % 1, "hubs run in this cluster (bio-7-prod/hub)"),
        (
            "delete",
            "data-science-hub.eu.eksctl.io",
            HUBS % 0,
            "hubs are in the cluster data-science-hub (bio-7-prod/hub)",
        ),
    ]
    for do, context, hubs, message in cases:
        rejected, text = ask_cloud(repository, do, context=context, hubs=hubs)
        assert (rejected.returncode, message in rejected.stderr) == (1, True), rejected.stderr
        assert not re.search(r"^(gcloud|eksctl|az|aws) ", text, flags=re.MULTILINE)
    done, text = ask_cloud(repository, "pause", context="data-science-hub", hubs=HUBS % 0)
    assert done.returncode == 0, done.stderr
    assert platform == "aks" or all(re.search(rf"(--node-pool|--name) {pool}\b", text) for pool in ("core", "bio7"))
    where = repository / "cluster" / "where.sh"
    where.write_text(where.read_text("utf-8").replace("CORE_NODES=1", "CORE_NODES=3"), encoding="utf-8")
    _, text = ask_cloud(repository, "resume")
    assert re.search(r"--(num-nodes|nodes|node-count) 3\b", text)


def test_the_deployers_account_is_bound_to_its_namespaces(bake) -> None:
    repository = bake(platform="k3s", storage="nfs", tls="ingress", **DOMAIN)
    items = list(yaml.safe_load_all((repository / "cluster" / "deployer.yaml").read_text(encoding="utf-8")))
    bound = [item for item in items if item["kind"] == "RoleBinding" and item["roleRef"]["name"] == "admin"]
    assert {item["metadata"]["namespace"] for item in bound} == {"data-science-hub-staging", "data-science-hub-prod"}
    for item in items:
        if item["kind"] == "ClusterRole":
            for rule in item["rules"]:
                writes = set(rule["verbs"]) - {"get", "list", "watch", "create"}
                assert not writes or rule["resourceNames"], "whatever can be changed is named"


def test_any_contact_gets_the_certificates(bake) -> None:
    contact = "*%a@example.edu"
    repository = bake(tls="ingress", hub_domain="hub.example.edu", contact_email=contact)
    issuer = next(item for item in objects(render(repository, "prod")) if item["kind"] == "Issuer")
    assert issuer["spec"]["acme"]["email"] == contact

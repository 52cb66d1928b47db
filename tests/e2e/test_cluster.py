"""A hub with the default answers on a real cluster: first deploy, upgrades under a running kernel, failures, recovery.

The tests go on from each other, in this order. `make e2e` runs them; they remove what they have made.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import requests

from students import CRASH, OTHER_IMAGE, TIMEOUT, sign_in


def test_from_zero_to_the_login_page(repository, helm: str) -> None:
    start = time.monotonic()
    said = repository.deploy()
    took = time.monotonic() - start
    print(f"{helm}: zero to a hub that the robot student has tried: {took:.0f} s")
    assert "robot student: all checks passed" in said
    assert "network policies are enforced" in said
    assert f"the namespace {repository.name}-staging is not there yet; the first deploy creates it" in said
    label = "--output=jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/enforce}"
    assert repository.kubectl("staging", "get", "namespace", f"{repository.name}-staging", label) == "restricted"
    for check in ("memory: limited to 2G", "metadata:", "kubernetes: no credential", "network:", "restart: a file in"):
        assert f"s  {check}" in said
    assert repository.kubectl("staging", "get", "pvc", "--output=name").split() == ["persistentvolumeclaim/hub-db-dir"]


def test_the_login_page_answers(address: str) -> None:
    page = requests.get(f"{address}/hub/login", timeout=10)
    assert page.ok and 'name="password"' in page.text


def test_status_says_what_runs(repository) -> None:
    said = repository.run_deployer("status", "--env=staging").stdout
    head = repository.run("git", "log", "-1", "--format=%h %s").stdout.strip()
    assert f"revision 1 is deployed, {head}, chart 4.4.0" in said
    assert "No student has a server." in said
    assert "robot passed" in said


def test_a_kernel_stays_connected_through_the_first_upgrade(repository, student) -> None:
    pods, proxy = repository.read_uids("staging"), repository.read_uids("staging", "component=proxy")
    hub = repository.read_uids("staging", "component=hub")
    start = time.monotonic()
    repository.change({"jupyterhub": {"cull": {"timeout": 1800}}}, "Stop idle servers after half an hour")
    repository.deploy()
    assert student.closed is None
    gap = student.gap(start)
    print(f"longest silence of the kernel in {time.monotonic() - start:.0f} s: {gap:.2f} s")
    assert gap < 1
    assert (repository.read_uids("staging"), repository.read_uids("staging", "component=proxy")) == (pods, proxy)
    assert repository.read_uids("staging", "component=hub") != hub


def test_an_older_commit_does_not_go_over_a_newer_one(repository) -> None:
    """A late approval, or a run that is started again."""
    before = repository.kubectl("staging", "get", "secrets", "--selector=owner=helm", "--output=name")
    repository.run("git", "checkout", "--quiet", "--detach", "HEAD~1")
    said = repository.deploy(check=False)
    assert "does not have in its history. Nothing was changed." in said and "ALLOW_OLDER=y" in said
    # Another branch does not have it either.
    repository.run("git", "commit", "--quiet", "--allow-empty", "--message=A branch from before")
    assert "does not have in its history" in repository.deploy(check=False)
    assert repository.kubectl("staging", "get", "secrets", "--selector=owner=helm", "--output=name") == before
    for branch in ("HEAD", "main"):
        repository.run("git", "checkout", "--quiet", branch)
        repository.run_deployer("deploy", "--env=staging", f"--timeout={TIMEOUT}", "--allow-older")
        head = repository.run("git", "log", "-1", "--format=%h %s").stdout.strip()
        assert f"is deployed, {head}" in repository.run_deployer("status", "--env=staging").stdout


def test_another_image_leaves_a_running_kernel_alone(repository, student) -> None:
    pods = repository.read_uids("staging")
    start = time.monotonic()
    name, _, tag = OTHER_IMAGE.partition(":")
    image = {"name": name, "tag": tag}
    change = {"jupyterhub": {"singleuser": {"image": image}}, "robotStudent": {"imports": ["jupyter_server"]}}
    repository.change(change, "Another image")
    repository.deploy()
    assert repository.read_uids("staging") == pods
    assert student.closed is None and student.gap(start) < 1
    assert "ada" in repository.run_deployer("status", "--env=staging").stdout


def rolled_back(repository, student, said: str, because: str) -> None:
    """A bad change is gone from the cluster, and the student has noticed nothing."""
    assert because in said, said
    assert "is back at what revision" in said
    assert "the robot student passes; 1 server of students kept running" in said
    assert student.closed is None
    assert repository.secret("staging") not in said
    repository.undo()


def test_an_image_that_does_not_exist_is_rolled_back(repository, student) -> None:
    pods, start = repository.read_uids("staging"), time.monotonic()
    image = {"name": "registry.invalid/no/such-image", "tag": "1"}
    repository.change({"jupyterhub": {"singleuser": {"image": image}}}, "An image that does not exist")
    said = repository.deploy(check=False)
    # The cluster's word for it, and not that the time is over.
    assert "FAILED: helm upgrade: pod hook-image-puller" in said and "ImagePullBackOff: registry.invalid" in said
    rolled_back(repository, student, said, "registry.invalid/no/such-image")
    assert repository.read_uids("staging") == pods and student.gap(start) < 1


def test_an_authenticator_that_crashes_the_hub_is_rolled_back(repository, student) -> None:
    pods, start = repository.read_uids("staging"), time.monotonic()
    repository.change({"jupyterhub": {"hub": {"extraConfig": {"zz-broken": CRASH}}}}, "A broken authenticator")
    said = repository.deploy(check=False)
    assert "FAILED: helm upgrade: pod hub-" in said and "CrashLoopBackOff" in said
    rolled_back(repository, student, said, "this authenticator crashes the hub")
    assert repository.read_uids("staging") == pods and student.gap(start) < 1


def test_a_server_that_crashes_is_shown_and_rolled_back(repository, student) -> None:
    """The hub deletes the pod before anybody could look; what it said is in the deploy's log all the same."""
    command = ["python3", "-c", "raise SystemExit('an extension of the course is not here')"]
    repository.change({"jupyterhub": {"singleuser": {"cmd": command}}}, "A server that crashes")
    said = repository.deploy(check=False)
    assert "--- pod jupyter-robot-student-user: " in said and "exit code 1" in said, said
    assert "--- events of jupyter-robot-student-user" in said and "BackOff: Back-off restarting" in said, said
    rolled_back(repository, student, said, "\nan extension of the course is not here\n")


def test_a_volume_that_cannot_be_made_is_rolled_back(repository, student, tmp_path) -> None:
    pods, start = repository.read_uids("staging"), time.monotonic()
    (tmp_path / "class.yaml").write_text(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: e2e-broken}\n"
        "provisioner: none.invalid/e2e\n"
    )
    repository.run("kubectl", "apply", f"--filename={tmp_path}/class.yaml")
    storage = {"storage": {"dynamic": {"storageClass": "e2e-broken"}}, "startTimeout": 60}
    repository.change({"jupyterhub": {"singleuser": storage}}, "A volume that cannot be made")
    try:
        rolled_back(repository, student, repository.deploy(check=False), "spawn: the server does not start")
    finally:
        repository.run("kubectl", "delete", "storageclass", "e2e-broken")
    assert repository.read_uids("staging") == pods and student.gap(start) < 1


def test_a_storage_class_that_is_not_there_changes_nothing(repository) -> None:
    repository.change(
        {"jupyterhub": {"singleuser": {"storage": {"dynamic": {"storageClass": "no-such-class"}}}}}, "No such class"
    )
    said = repository.deploy(check=False)
    assert "nothing was changed: 1 problem" in said and "storageClass is no-such-class" in said
    repository.undo()


def test_a_hub_that_fits_on_no_node_changes_nothing(repository) -> None:
    resources = {kind: {"memory": "900Gi"} for kind in ("requests", "limits")}
    repository.change({"jupyterhub": {"hub": {"resources": resources}}}, "A very large hub")
    said = repository.deploy(check=False)
    assert "nothing was changed: 1 problem" in said
    assert "no node has room for the pod `hub`, which requests" in said and "921600Mi" in said
    repository.undo()


def test_a_dirty_tree_is_rejected(repository) -> None:
    path = repository.folder / "config" / "staging.yaml"
    before = path.read_text("utf-8")
    path.write_text(before + "# by the way\n", "utf-8")
    assert "the working tree is not what is committed" in repository.deploy(check=False)
    path.write_text(before, "utf-8")


def kill_in(repository, env: str, state: str, how: signal.Signals = signal.SIGKILL) -> str:
    """Start a deploy and stop it when its revision is in a state: what it said. SIGKILL goes to Helm as well."""
    # One that was interrupted earlier is pending for ever.
    look = ["get", "secrets", f"--selector=owner=helm,status={state}", "--output=name"]
    before = repository.kubectl(env, *look, check=False)
    deploy = subprocess.Popen(
        [sys.executable, "-m", "deployer", "deploy", f"--env={env}", "--timeout=20s"],
        cwd=repository.folder,
        env=repository.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 90
    while repository.kubectl(env, *look, check=False) in ("", before):
        assert time.monotonic() < end and deploy.poll() is None, f"the release never was {state}"
        time.sleep(0.1)
    if how == signal.SIGKILL:
        os.killpg(deploy.pid, how)
    else:
        deploy.send_signal(how)
    return deploy.communicate()[0]


def test_an_interrupted_upgrade_is_repaired(repository, student) -> None:
    pods, start = repository.read_uids("staging"), time.monotonic()
    repository.change({"jupyterhub": {"cull": {"timeout": 2400}}}, "Stop idle servers after forty minutes")
    kill_in(repository, "staging", "pending-upgrade")
    # The time that another deploy would have is not waited for: nobody renews the Lease of the one that was killed.
    said = repository.deploy(timeout="60m")
    assert "Waiting until it ends, 7200 seconds at most; if it was killed, 30 seconds." in said
    assert "was interrupted (pending-upgrade): back to revision" in said
    assert "robot student: all checks passed" in said
    assert repository.read_uids("staging") == pods and student.closed is None and student.gap(start) < 1


def test_a_deploy_that_is_stopped_leaves_nothing_pending(repository, student) -> None:
    pods = repository.read_uids("staging")
    repository.change({"jupyterhub": {"cull": {"timeout": 3000}}}, "Stop idle servers after fifty minutes")
    said = kill_in(repository, "staging", "pending-upgrade", signal.SIGTERM)
    # Interrupted, Helm marks its revision as failed, if it still can.
    assert re.search(r"was interrupted \((failed|pending-upgrade)\): back to revision", said), said
    assert "Traceback" not in said
    assert f"is deployed, {repository.run('git', 'log', '-1', '--format=%h', 'HEAD~1').stdout.strip()}" in (
        repository.run_deployer("status", "--env=staging").stdout
    )
    repository.undo()
    assert repository.read_uids("staging") == pods and student.closed is None


def test_a_first_install_that_fails_is_left_and_mended(repository) -> None:
    image = {"name": "registry.invalid/no/such-proxy", "tag": "1"}
    proxy = {"proxy": {"chp": {"image": image}}}
    repository.change({"jupyterhub": proxy}, "A proxy image that does not exist", "config/prod.yaml")
    said = repository.deploy("prod", check=False, timeout="20s")
    assert "is left as it is: there is no good revision to roll back to" in said
    assert "service/proxy-public" in repository.kubectl("prod", "get", "services", "--output=name")
    repository.undo()
    kill_in(repository, "prod", "pending-upgrade")
    assert "robot student: all checks passed" in repository.deploy("prod", timeout="60s")
    repository.kubectl("prod", "delete", "namespace", f"{repository.name}-prod", "--wait")


def test_an_interrupted_first_install_is_repaired(repository) -> None:
    kill_in(repository, "prod", "pending-install")
    said = repository.deploy("prod", timeout="60s")
    assert "was interrupted (pending-install), and none before it ran: Helm forgets it" in said
    assert "robot student: all checks passed" in said


def test_each_rollback_goes_to_an_earlier_commit(repository, student) -> None:
    repository.change({"course": {"contact": "first@example.edu"}}, "The first contact")
    first = repository.run("git", "log", "-1", "--format=%h").stdout.strip()
    repository.deploy()
    for text in "second", "third":
        repository.change({"course": {"contact": f"{text}@example.edu"}}, f"The {text} contact")
        repository.deploy()
    # The same commit once more.
    repository.deploy()
    for _ in range(2):
        done = repository.run_deployer("rollback", "--env=staging", f"--timeout={TIMEOUT}")
        assert "is what revision" in done.stdout and "robot student: all checks passed" in done.stdout
    said = repository.run_deployer("status", "--env=staging").stdout
    assert re.search(rf"is deployed, {first}", said), said
    assert student.closed is None


def users(repository) -> list[str]:
    """The users in the hub's database."""
    code = (
        "import sqlite3; base = sqlite3.connect('/srv/jupyterhub/jupyterhub.sqlite'); "
        "print(*[name for name, in base.execute('select name from users')])"
    )
    return repository.kubectl("staging", "exec", "deployment/hub", "--", "python3", "-c", code).split()


def test_a_rollback_across_a_chart_version_brings_the_database_back(
    repository, student, helm: str, chart: Path, tmp_path: Path
) -> None:
    with tarfile.open(chart) as packed:
        packed.extractall(tmp_path, filter="data")
    metadata = tmp_path / "jupyterhub" / "Chart.yaml"
    metadata.write_text(metadata.read_text("utf-8").replace("version: 4.4.0", "version: 4.4.1"), "utf-8")
    charts = tmp_path / "charts"
    repository.run(helm, "package", str(tmp_path / "jupyterhub"), f"--destination={charts}")
    shutil.copy(chart, charts)
    repository.environ["Z2JH_CHART"] = str(charts)
    wrapper = repository.folder / "chart" / "Chart.yaml"
    wrapper.write_text(wrapper.read_text("utf-8").replace("version: 4.4.0", "version: 4.4.1"), "utf-8")
    repository.run("git", "commit", "--quiet", "--all", "--message=Another chart")
    pods, start = repository.read_uids("staging"), time.monotonic()
    said = repository.deploy()
    assert "the chart goes from 4.4.0 to 4.4.1: copying the hub's database" in said
    sign_in(student.base, "eve", repository.secret("staging"))
    assert {"ada", "eve"} <= set(users(repository))
    done = repository.run_deployer("rollback", "--env=staging", f"--timeout={TIMEOUT}")
    assert "restoring the hub's database of chart 4.4.0" in done.stdout
    assert "robot student: all checks passed" in done.stdout
    assert "ada" in users(repository) and "eve" not in users(repository)
    # Eve's server started when she signed in.
    assert set(pods.split()) < set(repository.read_uids("staging").split())
    assert student.closed is None and student.gap(start) < 1

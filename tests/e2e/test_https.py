"""HTTPS by an ingress, with certificates that cert-manager gets from a test authority, such as pebble.

Besides a cluster these tests need what `NEEDED` lists. The authority's address is put in place of Let's Encrypt's.
"""

import base64
import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from students import CRASH, Repository, Student

NEEDED = {
    "E2E_DOMAIN": "a domain; it and staging. before it lead to the ingress controller from here and from the authority",
    "E2E_INGRESS_CLASS": "the class of that controller",
    "E2E_ACME_DIRECTORY": "the address of the authority's directory, for cert-manager",
    "E2E_ACME_CA": "a PEM file with what signed the certificate of that address",
    "E2E_ACME_ROOT": "a PEM file with what signs the certificates of the hub",
}
MISSING = [f"${name}, {meaning}" for name, meaning in NEEDED.items() if not os.environ.get(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {'; '.join(MISSING)}")


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """HTTPS by an ingress."""
    return {"tls": "ingress", "hub_domain": os.environ["E2E_DOMAIN"]}


@pytest.fixture(scope="module")
def host() -> str:
    """The name of the hub of staging."""
    return f"staging.{os.environ['E2E_DOMAIN']}"


@pytest.fixture(scope="module")
def address(repository: Repository, host: str) -> Iterator[str]:
    """The hub of staging once it has its certificate. Whatever reads it trusts the authority's root."""
    issuer = repository.folder / "chart" / "templates" / "issuer.yaml"
    bundle = base64.b64encode(Path(os.environ["E2E_ACME_CA"]).read_bytes()).decode()
    directory = f"server: {os.environ['E2E_ACME_DIRECTORY']}\n    caBundle: {bundle}"
    text, count = re.subn("server: https://acme-.*", directory, issuer.read_text(encoding="utf-8"))
    assert count == 1
    issuer.write_text(text, encoding="utf-8")
    controller = {"ingressClassName": os.environ["E2E_INGRESS_CLASS"]}
    repository.change({"jupyterhub": {"ingress": controller}}, "The controller and the authority of these tests")
    start = time.monotonic()
    repository.deploy(timeout="5m")
    repository.kubectl("staging", "wait", "certificate/hub-tls", "--for=condition=Ready", "--timeout=180s")
    print(f"the first certificate after {time.monotonic() - start:.0f} s, the deploy included")
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("REQUESTS_CA_BUNDLE", os.environ["E2E_ACME_ROOT"])
        wait_until_served(host)
        yield f"https://{host}"


@pytest.fixture(scope="module")
def student(repository: Repository, address: str) -> Student:
    """A student who has signed in over HTTPS, with a kernel that ticks through a websocket over TLS."""
    password = repository.secret("staging", "jupyterhub.hub.config.SharedPasswordAuthenticator.user_password")
    found = Student(address, "ada", password)
    found.tick(3600)
    return found


def read_served(host: str) -> dict:
    """The certificate with which the hub answers, verified against the root and the name."""
    context = ssl.create_default_context(cafile=os.environ["E2E_ACME_ROOT"])
    plain = socket.create_connection((host, 443), timeout=10)
    with context.wrap_socket(plain, server_hostname=host) as connection:
        return connection.getpeercert()


def wait_until_served(host: str, other_than: str = "") -> str:
    """The serial number of the certificate, once the controller has it."""
    end = time.monotonic() + 60
    while True:
        try:
            if (serial := read_served(host)["serialNumber"]) != other_than:
                return serial
        except OSError:
            pass
        assert time.monotonic() < end, "the controller does not serve the certificate"
        time.sleep(1)


def test_the_certificate_is_for_the_hosts_name(address: str, host: str) -> None:
    assert read_served(host)["subjectAltName"] == (("DNS", host),)
    requests.get(f"{address}/hub/login", timeout=10).raise_for_status()


def test_a_student_works_over_https(student: Student) -> None:
    """Cookies are for HTTPS only, and the kernel's websocket stays open."""
    # JupyterHub leaves the flag out of _xsrf, whose value opens nothing.
    assert {cookie.name for cookie in student.session.cookies if not cookie.secure} <= {"_xsrf"}
    start = time.monotonic()
    time.sleep(5)
    assert student.gap(start) < 2
    assert student.closed is None


def test_a_failed_deploy_its_rollback_and_another_deploy_leave_the_certificate(
    repository: Repository, student: Student, host: str
) -> None:
    before, start = read_served(host), time.monotonic()
    repository.change({"jupyterhub": {"hub": {"extraConfig": {"zz-broken": CRASH}}}}, "A hub that does not start")
    said = repository.deploy(check=False)
    assert "is back at what revision" in said
    repository.undo()
    repository.deploy()
    assert read_served(host) == before
    assert student.closed is None
    print(f"the longest silence of the kernel: {student.gap(start):.1f} s")


def test_a_lost_certificate_is_issued_again(repository: Repository, student: Student, host: str) -> None:
    before = read_served(host)["serialNumber"]
    repository.kubectl("staging", "delete", "secret", "hub-tls")
    assert wait_until_served(host, other_than=before) != before
    assert student.closed is None


def test_the_robot_student_passes_behind_https(repository: Repository, address: str) -> None:
    print(repository.run_deployer("test-hub", "--env=staging").stdout)

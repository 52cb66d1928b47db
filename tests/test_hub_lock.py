"""deployer/hub.lock has the packages of the hub image of the pinned chart, and the tests run with the same."""

import re
from importlib.metadata import version

import write_hub_lock

LOCK = write_hub_lock.LOCK.read_text(encoding="utf-8")


def test_lock_is_of_the_pinned_chart():
    assert LOCK.startswith(write_hub_lock.HEADER.format(version=write_hub_lock.chart_version()))


def test_tests_have_the_versions_of_the_lock():
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", LOCK, flags=re.MULTILINE))
    names = ("jupyterhub", "jupyterhub-kubespawner", "jupyterhub-ltiauthenticator", "oauthenticator", "traitlets")
    assert {name: locked[name] for name in names} == {name: version(name) for name in names}


def test_every_package_has_a_hash():
    assert LOCK.count("\n") > LOCK.count("--hash=sha256:") > len(re.findall(r"^[a-z0-9-]+==", LOCK, flags=re.MULTILINE))


FROZEN = """\
# by pip-compile
jupyterhub==5.5.0
    # via
    #   -r unfrozen/requirements.txt
    #   oauthenticator
oauthenticator==17.4.0
    # via -r unfrozen/requirements.txt
tornado==6.5.7
    # via
    #   jupyterhub
    #   oauthenticator
"""


def test_packages_of_the_image_are_read_from_its_frozen_list():
    assert write_hub_lock.direct(FROZEN) == ["jupyterhub", "oauthenticator"]
    assert write_hub_lock.pins(FROZEN)["tornado"] == "6.5.7"

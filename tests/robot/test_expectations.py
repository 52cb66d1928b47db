"""What the chart tells the robot student to expect of a hub."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from robot_hubs import expected_of


@pytest.mark.parametrize("tls", ["none", "autohttps", "ingress", "gateway", "offload"])
def test_the_way_in_leads_to_the_proxys_plain_port(bake, chart: Path, tls: str) -> None:
    domain = {} if tls == "none" else {"hub_domain": "hub.example.edu"}
    expect, rendered = expected_of(bake(tls=tls, **domain), "prod")
    url = urlsplit(expect["url"])
    service = next(i for i in rendered if i["kind"] == "Service" and i["metadata"]["name"] == url.hostname)
    port = next(item for item in service["spec"]["ports"] if item["port"] == (url.port or 80))
    proxy = next(i for i in rendered if i["kind"] == "Deployment" and i["metadata"]["name"] == "proxy")
    labels = proxy["spec"]["template"]["metadata"]["labels"]
    assert url.scheme == "http" and port["targetPort"] == "http"
    assert service["spec"]["selector"].items() <= labels.items()
    assert {"name": "http", "containerPort": 8000} in proxy["spec"]["template"]["spec"]["containers"][0]["ports"]


ALLOW = {"shared-password": "", "lti13": "", "cilogon": "https://idp.example.edu/idp/shibboleth"}


@pytest.mark.parametrize("sign_in", ["shared-password", "github", "google", "cilogon", "microsoft", "lti13", "oidc"])
def test_the_robot_knows_every_sign_in(bake, robot, sign_in: str) -> None:
    allow = ALLOW.get(sign_in, "example-org" if sign_in == "github" else "example.edu")
    expect, rendered = expected_of(bake(sign_in=sign_in, sign_in_allow=allow), "staging")
    found = robot.load_authenticator(**expect["signIn"])
    assert hasattr(found, "authorize_url") == (sign_in != "shared-password")
    if sign_in != "shared-password":
        assert found.authorize_url.startswith("https://")
    if sign_in not in ("shared-password", "lti13"):
        assert found.oauth_callback_url == "http://localhost:8000/hub/oauth_callback"
    pod = next(item for item in rendered if item["kind"] == "Pod")
    # The id is in the address of the provider's page, which everybody sees; nothing else of the secrets is here.
    assert set(re.findall(r"fake-for-rendering--[a-z0-9-]+", json.dumps(pod))) <= {"fake-for-rendering--ask--client-id"}

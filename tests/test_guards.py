"""Each guard of the chart: the mistake in config/ is refused with its sentence, the smallest correct change passes."""

import os
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree
from typing import NamedTuple

import pytest
import yaml

from repositories import build_dependency

CLUSTER = ("--api-versions", "apiregistration.k8s.io/v1")
CONFIG = "jupyterhub.hub.config"
USER = "jupyterhub.singleuser"
PUBLIC = {"jupyterhub.proxy.service.type": "LoadBalancer"}
LETS_ENCRYPT = PUBLIC | {
    "jupyterhub.proxy.https.enabled": True,
    "jupyterhub.proxy.https.hosts": ["hub.example.edu"],
    "jupyterhub.proxy.https.letsencrypt.contactEmail": "team@university.edu",
}
INGRESS = {
    "jupyterhub.ingress.enabled": True,
    "jupyterhub.ingress.hosts": ["hub.example.edu"],
    "jupyterhub.ingress.tls": [{"hosts": ["hub.example.edu"], "secretName": "hub-tls"}],
}
GATEWAY = {
    "jupyterhub.httpRoute.enabled": True,
    "jupyterhub.httpRoute.hostnames": ["hub.example.edu"],
    "jupyterhub.httpRoute.gateway": {"name": "hub", "namespace": "", "sectionName": "https"},
}
GITHUB = {
    f"{CONFIG}.JupyterHub.authenticator_class": "github",
    f"{CONFIG}.SharedPasswordAuthenticator": None,
    f"{CONFIG}.Authenticator": None,
    f"{CONFIG}.GitHubOAuthenticator.allowed_organizations": ["course"],
}
LTI = {
    f"{CONFIG}.JupyterHub.authenticator_class": "ltiauthenticator.lti13.auth.LTI13Authenticator",
    f"{CONFIG}.SharedPasswordAuthenticator": None,
    "jupyterhub.hub.loadRoles.admin": None,
    f"{CONFIG}.LTI13Authenticator": {"username_key": "sub", "allow_all": True, "client_id": ["hub"]},
}
NODES = {
    f"{USER}.memory": {"limit": "2G", "guarantee": "2G"},
    "course.students": 21,
    "course.peak": 21,
    "course.node": {"memory": "14G", "max": 3},
}
PAST = str(date.today() - timedelta(days=1))
FUTURE = str(date.today() + timedelta(days=90))
LATER = str(date.today() + timedelta(days=91))
WEEKLY = {
    "jupyterhub.scheduling.podPriority.enabled": True,
    "course.calendar": {"timezone": "Europe/Berlin", "classTimes": ["mon 10:00-11:30"], "termEnds": FUTURE},
}
SECRETS = {"secretsFor": "prod"}
# What a test may say of secrets; they are the last layer.
SECRET = ("secretsFor", "jupyterhub.hub.cookieSecret", f"{CONFIG}.SharedPasswordAuthenticator")


def profile(**override: object) -> dict:
    """A profile list with one profile, which overrides something."""
    return {f"{USER}.profileList": [{"display_name": "Large", "kubespawner_override": override}]}


class Mistake(NamedTuple):
    """What somebody writes into config/, what the guard says, and the smallest change that is right."""

    wrong: dict
    sentence: str
    right: dict
    # On a real cluster only; with the secrets of prod.
    real: bool = False
    # The schema of the jupyterhub chart accepts it: the numbers of the twelve.
    twelve: int = 0
    # What the jupyterhub chart says by itself, before the guard has a say.
    chart_says: str = ""


MISTAKES = {
    "own list of blocked names": Mistake(
        {f"{CONFIG}.Authenticator.blocked_users": ["mallory"]},
        "jupyterhub.hub.config.Authenticator.blocked_users: 'robot-student-user' is missing, so a student could sign "
        "in with the name of the robot student and take over its server. Add it: [robot-student-user, mallory]",
        {f"{CONFIG}.Authenticator.blocked_users": ["robot-student-user", "mallory"]},
    ),
    "empty list of blocked names": Mistake(
        {f"{CONFIG}.Authenticator.blocked_users": []},
        "Authenticator.blocked_users: 'robot-student-user' is missing, so a student could sign in with the name of the "
        "robot student and take over its server. Add it: [robot-student-user]",
        {},
    ),
    "blocked names of one authenticator": Mistake(
        {f"{CONFIG}.SharedPasswordAuthenticator.blocked_users": ["mallory"]},
        "jupyterhub.hub.config.SharedPasswordAuthenticator.blocked_users: 'robot-student-user' is missing",
        {f"{CONFIG}.Authenticator.blocked_users": ["robot-student-user", "mallory"]},
    ),
    "addresses where names are ids of the LMS": Mistake(
        LTI | {"jupyterhub.hub.loadRoles.course-staff": {"scopes": ["admin-ui"], "users": ["hopper@a.edu"]}},
        "jupyterhub.hub.loadRoles.course-staff.users: 'hopper@a.edu' is an e-mail address, and username_key of "
        "LTI13Authenticator is 'sub', the LMS's id. Write the id; or, if people have homes under their addresses, set "
        "username_key: email",
        LTI | {"jupyterhub.hub.loadRoles.course-staff": {"scopes": ["admin-ui"], "users": ["4711"]}},
    ),
    "unit Gi": Mistake(
        {f"{USER}.memory.limit": "2Gi"},
        "jupyterhub.singleuser.memory.limit: '2Gi' is in units that JupyterHub does not read; write a number with "
        "K, M, G or T after it, such as 512M or 2G",
        {f"{USER}.memory.limit": "2G"},
        twelve=1,
    ),
    "unit Mi": Mistake(
        {f"{USER}.memory.guarantee": "512Mi"},
        "jupyterhub.singleuser.memory.guarantee: '512Mi' is in units",
        {f"{USER}.memory.guarantee": "512M"},
    ),
    "unit in a profile": Mistake(
        profile(mem_limit="4Gi"),
        "jupyterhub.singleuser.profileList[0].kubespawner_override.mem_limit: '4Gi' is in units",
        profile(mem_limit="4G"),
    ),
    "unit in a choice of a profile": Mistake(
        {
            f"{USER}.profileList": [
                {
                    "display_name": "Any",
                    "profile_options": {"size": {"choices": {"xl": {"kubespawner_override": {"mem_limit": "8GB"}}}}},
                }
            ]
        },
        "profileList[0].profile_options.size.choices.xl.kubespawner_override.mem_limit: '8GB' is in units",
        {
            f"{USER}.profileList": [
                {
                    "display_name": "Any",
                    "profile_options": {"size": {"choices": {"xl": {"kubespawner_override": {"mem_limit": "8G"}}}}},
                }
            ]
        },
    ),
    "unit of a node": Mistake(
        NODES | {"course.node": {"memory": "14GiB", "max": 3}},
        "course.node.memory: '14GiB' is in units",
        NODES,
    ),
    "limit below guarantee": Mistake(
        {f"{USER}.memory": {"limit": "1G", "guarantee": "1025M"}},
        "jupyterhub.singleuser.memory.limit: 1G is below jupyterhub.singleuser.memory.guarantee, 1025M; raise the "
        "limit or lower the guarantee",
        {f"{USER}.memory": {"limit": "1G", "guarantee": "1024M"}},
        twelve=2,
    ),
    "limit of a profile below guarantee": Mistake(
        profile(mem_limit="1G"),
        "profileList[0].kubespawner_override.mem_limit: 1G is below jupyterhub.singleuser.memory.guarantee, 2G",
        profile(mem_limit="1G", mem_guarantee="1G"),
    ),
    "memory without a unit": Mistake(
        {f"{USER}.memory": {"limit": 2, "guarantee": 1}},
        "jupyterhub.singleuser.memory.limit: 2 is 2 bytes; JupyterHub's units are K, M, G, T: write 2G",
        {f"{USER}.memory": {"limit": "2G", "guarantee": "1G"}},
    ),
    "memory of a profile without a unit": Mistake(
        profile(mem_limit=512, mem_guarantee=512),
        "kubespawner_override.mem_limit: 512 is 512 bytes; JupyterHub's units are K, M, G, T: write 512M",
        profile(mem_limit="512M", mem_guarantee="512M"),
    ),
    "processors below guarantee": Mistake(
        {f"{USER}.cpu": {"limit": 1, "guarantee": 1.5}, "course.node.cpu": 1000},
        "jupyterhub.singleuser.cpu.limit: 1 is below jupyterhub.singleuser.cpu.guarantee, 1.5; raise the limit or "
        "lower the guarantee",
        {f"{USER}.cpu": {"limit": 1.5, "guarantee": 1.5}, "course.node.cpu": 1000},
    ),
    "unit of a home": Mistake(
        {f"{USER}.storage.capacity": "10GB"},
        "jupyterhub.singleuser.storage.capacity: '10GB' is no size for Kubernetes; write it with Gi, such as 10Gi",
        {f"{USER}.storage.capacity": "10Gi"},
    ),
    "page without a slash": Mistake(
        {f"{USER}.defaultUrl": "lab"},
        "jupyterhub.singleuser.defaultUrl: 'lab' does not begin with /; write /lab",
        {f"{USER}.defaultUrl": "/lab"},
    ),
    "minutes as seconds": Mistake(
        {"jupyterhub.cull.timeout": 60},
        "jupyterhub.cull.timeout: 60 seconds; students who read would lose their server; write seconds, such as 3600",
        {"jupyterhub.cull.timeout": 300},
    ),
    "no staff": Mistake(
        {"jupyterhub.hub.loadRoles.admin.users": []},
        "jupyterhub.hub.loadRoles.admin.users: nobody is staff; name at least one person",
        {"jupyterhub.hub.loadRoles.admin.users": ["ada"]},
    ),
    "no staff, and null as YAML reads it": Mistake(
        GITHUB | {"jupyterhub.hub.loadRoles.course-staff": {"scopes": ["admin-ui"], "users": None}},
        "jupyterhub.hub.loadRoles.course-staff.users: nobody is staff; name at least one person",
        GITHUB | {"jupyterhub.hub.loadRoles.course-staff": {"scopes": ["admin-ui"], "users": ["ada"]}},
    ),
    "role without scopes": Mistake(
        {"jupyterhub.hub.loadRoles.course-staff.users": ["ada"]},
        "jupyterhub.hub.loadRoles.course-staff.scopes: it is empty, and who has the role 'course-staff' may do "
        "nothing; put its people into jupyterhub.hub.loadRoles.admin, or write the scopes that it shall have",
        {"jupyterhub.hub.loadRoles.course-staff": {"users": ["ada"], "scopes": ["admin-ui"]}},
    ),
    "role of JupyterHub's own": Mistake(
        {"jupyterhub.hub.loadRoles.grader.groups": ["graders"]},
        "jupyterhub.hub.loadRoles.grader.scopes: it is empty",
        {"jupyterhub.hub.loadRoles.grader": {"name": "user", "groups": ["graders"]}},
    ),
    "two people in one name": Mistake(
        {"jupyterhub.hub.loadRoles.admin.users": ["ada,eva"]},
        "jupyterhub.hub.loadRoles.admin.users[0]: 'ada,eva' would be the name of one person; write each name in a line "
        "of its own, without commas and without spaces around it",
        {"jupyterhub.hub.loadRoles.admin.users": ["ada", "eva"]},
    ),
    "a space behind a name": Mistake(
        {f"{CONFIG}.SharedPasswordAuthenticator.admin_users": ["ada", "eva "]},
        "jupyterhub.hub.config.SharedPasswordAuthenticator.admin_users[1]: 'eva ' would be the name",
        {f"{CONFIG}.SharedPasswordAuthenticator.admin_users": ["ada", "eva"]},
    ),
    "names in one text": Mistake(
        {"jupyterhub.hub.loadRoles.admin.users": "ada"},
        "jupyterhub.hub.loadRoles.admin.users: 'ada' is no list, and JupyterHub would take each letter for a name",
        {"jupyterhub.hub.loadRoles.admin.users": ["ada"]},
    ),
    "memory behind the guards": Mistake(
        {f"{CONFIG}.KubeSpawner.mem_limit": "2G"},
        "jupyterhub.hub.config.KubeSpawner.mem_limit: no guard sees it there; write it as "
        "jupyterhub.singleuser.memory.limit",
        {f"{USER}.memory.limit": "2G"},
    ),
    "latest": Mistake(
        {f"{USER}.image": {"name": "quay.io/course/image", "tag": "latest"}},
        "jupyterhub.singleuser.image.tag: 'quay.io/course/image:latest' is another image every week; give a tag that "
        "does not move, or a digest",
        {f"{USER}.image": {"name": "quay.io/course/image", "tag": "2026-11-02"}},
        twelve=3,
    ),
    "no tag": Mistake(
        {f"{USER}.image": {"name": "registry.example.edu:5000/course/image", "tag": ""}},
        "jupyterhub.singleuser.image.tag: 'registry.example.edu:5000/course/image' has no tag, and means latest",
        {f"{USER}.image": {"name": "registry.example.edu:5000/course/image@sha256", "tag": "0" * 64}},
    ),
    "no tag in a profile": Mistake(
        profile(image="quay.io/course/image"),
        "profileList[0].kubespawner_override.image: 'quay.io/course/image' has no tag",
        profile(image="quay.io/course/image:2026-11-02"),
    ),
    "digest in the name": Mistake(
        {f"{USER}.image": {"name": f"quay.io/course/image@sha256:{'0' * 64}", "tag": ""}},
        "end the name before the @, and write the digest in image.tag, as in 2026-11-02@sha256:",
        {f"{USER}.image": {"name": "quay.io/course/image", "tag": f"2026-11-02@sha256:{'0' * 64}"}},
    ),
    "the chart's tag": Mistake(
        {f"{USER}.image": {"name": "quay.io/course/image", "tag": "4.4.0"}},
        "jupyterhub.singleuser.image.tag: quay.io/course/image has no tag of its own, and gets the chart's '4.4.0'",
        {f"{USER}.image": {"name": "quay.io/course/image", "tag": "2026-11-02"}},
    ),
    "authenticator": Mistake(
        GITHUB | {f"{CONFIG}.JupyterHub.authenticator_class": "gihub"},
        "jupyterhub.hub.config.JupyterHub.authenticator_class: the hub's image has no 'gihub'; it has auth0, azuread",
        GITHUB,
        twelve=4,
    ),
    "trait": Mistake(
        GITHUB | {f"{CONFIG}.GitHubOAuthenticator.allowed_organisations": ["course"]},
        "at '/jupyterhub/hub/config/GitHubOAuthenticator': additional properties 'allowed_organisations' not allowed",
        GITHUB,
        twelve=5,
    ),
    "another authenticator's settings": Mistake(
        GITHUB | {f"{CONFIG}.GoogleOAuthenticator.hosted_domain": ["example.edu"]},
        "jupyterhub.hub.config.GoogleOAuthenticator: authenticator_class is 'github', which reads "
        "GitHubOAuthenticator, OAuthenticator, Authenticator",
        GITHUB,
    ),
    "nobody": Mistake(
        GITHUB | {f"{CONFIG}.GitHubOAuthenticator.allowed_organizations": []},
        "jupyterhub.hub.config.GitHubOAuthenticator: nobody may sign in, because no rule says who; set allowed_users",
        GITHUB,
        twelve=6,
    ),
    "nobody but admins": Mistake(
        GITHUB
        | {
            f"{CONFIG}.GitHubOAuthenticator.allowed_organizations": None,
            f"{CONFIG}.Authenticator.admin_users": ["ada"],
        },
        "jupyterhub.hub.config.GitHubOAuthenticator: nobody may sign in",
        GITHUB
        | {
            f"{CONFIG}.GitHubOAuthenticator.allowed_organizations": None,
            f"{CONFIG}.Authenticator.allowed_users": ["ada"],
        },
    ),
    "nobody at cilogon": Mistake(
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "cilogon",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.CILogonOAuthenticator.allowed_idps": {"https://idp.example.edu/idp": {}},
        },
        "jupyterhub.hub.config.CILogonOAuthenticator: nobody may sign in",
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "cilogon",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.CILogonOAuthenticator.allowed_idps": {"https://idp.example.edu/idp": {"allow_all": True}},
        },
    ),
    "null": Mistake(
        GITHUB | {f"{CONFIG}.JupyterHub.authenticator_class": "null", f"{CONFIG}.GitHubOAuthenticator": None},
        "jupyterhub.hub.config.JupyterHub.authenticator_class: 'null' lets nobody in",
        GITHUB,
    ),
    "everybody": Mistake(
        GITHUB | {f"{CONFIG}.GitHubOAuthenticator.allow_all": True},
        "jupyterhub.hub.config.GitHubOAuthenticator.allow_all: everybody on the internet with a GitHub account may "
        "sign in; name who may, or set course.openToEverybody: true if that is what you want",
        GITHUB | {f"{CONFIG}.GitHubOAuthenticator.allow_all": True, "course.openToEverybody": True},
        twelve=7,
    ),
    "everybody at google": Mistake(
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "google",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.GoogleOAuthenticator.allow_all": True,
        },
        "jupyterhub.hub.config.GoogleOAuthenticator.allow_all: everybody on the internet with a Google account",
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "google",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.GoogleOAuthenticator": {"allow_all": True, "hosted_domain": ["example.edu"]},
        },
    ),
    "everybody at microsoft": Mistake(
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "azuread",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.AzureAdOAuthenticator": {"allow_all": True, "tenant_id": "common"},
        },
        "jupyterhub.hub.config.AzureAdOAuthenticator.allow_all: everybody on the internet with a Microsoft account",
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "azuread",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.AzureAdOAuthenticator": {"allow_all": True, "tenant_id": "0aa5"},
        },
    ),
    "everybody at cilogon": Mistake(
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "cilogon",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.CILogonOAuthenticator.allowed_idps": {"http://google.com/accounts/o8/id": {"allow_all": True}},
        },
        "everybody on the internet with an account there may sign in",
        GITHUB
        | {
            f"{CONFIG}.JupyterHub.authenticator_class": "cilogon",
            f"{CONFIG}.GitHubOAuthenticator": None,
            f"{CONFIG}.CILogonOAuthenticator.allowed_idps": {
                "http://google.com/accounts/o8/id": {"allowed_domains": ["example.edu"]}
            },
        },
    ),
    "the chart's own sign-in": Mistake(
        GITHUB | {f"{CONFIG}.JupyterHub.authenticator_class": "dummy", f"{CONFIG}.GitHubOAuthenticator": None},
        "everybody on the internet with any name and any password may sign in",
        GITHUB,
    ),
    "two ways of TLS": Mistake(
        LETS_ENCRYPT | INGRESS,
        "jupyterhub.ingress.enabled and jupyterhub.proxy.https.enabled: these are 2 ways of TLS at once; keep one",
        INGRESS,
        twelve=8,
    ),
    "load balancer without TLS": Mistake(
        PUBLIC,
        "jupyterhub.proxy.service.type: LoadBalancer would serve the sign-in page over plain HTTP; make the type "
        "ClusterIP without externalIPs, or set jupyterhub.proxy.https",
        LETS_ENCRYPT,
        twelve=9,
    ),
    "node port without TLS": Mistake(
        {"jupyterhub.proxy.service.type": "NodePort"},
        "jupyterhub.proxy.service.type: NodePort would serve the sign-in page over plain HTTP",
        {"jupyterhub.proxy.service.type": "ClusterIP"},
    ),
    "external address without TLS": Mistake(
        {"jupyterhub.proxy.service.externalIPs": ["192.0.2.1"]},
        "jupyterhub.proxy.service.externalIPs: the addresses would serve the sign-in page over plain HTTP",
        {"jupyterhub.proxy.service.externalIPs": []},
    ),
    "offload with port 80": Mistake(
        LETS_ENCRYPT | {"jupyterhub.proxy.https.type": "offload"},
        "jupyterhub.proxy.service.disableHttpPort: with https.type offload, port 80 of the LoadBalancer would serve",
        LETS_ENCRYPT | {"jupyterhub.proxy.https.type": "offload", "jupyterhub.proxy.service.disableHttpPort": True},
    ),
    "ingress without TLS": Mistake(
        INGRESS | {"jupyterhub.ingress.tls": []},
        "jupyterhub.ingress.tls: no entry has the host 'hub.example.edu', which would be served over plain HTTP",
        INGRESS,
    ),
    "route to plain HTTP": Mistake(
        GATEWAY | {"jupyterhub.httpRoute.gateway": {"name": "hub", "sectionName": "http"}},
        "jupyterhub.httpRoute.gateway.sectionName: 'http' includes plain HTTP; name the Gateway's listener for https",
        GATEWAY,
    ),
    "callback over plain HTTP": Mistake(
        GITHUB | {f"{CONFIG}.OAuthenticator.oauth_callback_url": "http://hub.example.edu/hub/oauth_callback"},
        "jupyterhub.hub.config.OAuthenticator.oauth_callback_url: 'http://hub.example.edu/hub/oauth_callback' sends "
        "the sign-in over plain HTTP; begin it with https://",
        GITHUB | {f"{CONFIG}.OAuthenticator.oauth_callback_url": "http://localhost:8000/hub/oauth_callback"},
    ),
    "https without hosts": Mistake(
        LETS_ENCRYPT | {"jupyterhub.proxy.https.hosts": []},
        "jupyterhub.proxy.https.hosts: it is empty, and https needs the host name that people type; write it in "
        "config/prod.yaml",
        LETS_ENCRYPT,
        twelve=10,
    ),
    "https without contact": Mistake(
        LETS_ENCRYPT | {"jupyterhub.proxy.https.letsencrypt.contactEmail": ""},
        "jupyterhub.proxy.https.letsencrypt.contactEmail: it is empty, and Let's Encrypt wants an address",
        LETS_ENCRYPT,
        chart_says="proxy.https.letsencrypt.contactEmail is a required field",
    ),
    "contact at example.edu": Mistake(
        SECRETS | LETS_ENCRYPT | {"jupyterhub.proxy.https.letsencrypt.contactEmail": "course-team@example.edu"},
        "jupyterhub.proxy.https.letsencrypt.contactEmail: Let's Encrypt refuses 'course-team@example.edu'",
        SECRETS | LETS_ENCRYPT,
        real=True,
    ),
    "ingress without hosts": Mistake(
        INGRESS | {"jupyterhub.ingress.hosts": []},
        "jupyterhub.ingress.hosts: it is empty, and the ingress would take every host name",
        INGRESS,
    ),
    "route without hosts": Mistake(
        GATEWAY | {"jupyterhub.httpRoute.hostnames": []},
        "jupyterhub.httpRoute.hostnames: it is empty, and the route would take every host name",
        GATEWAY,
    ),
    "callback to another host": Mistake(
        INGRESS
        | GITHUB
        | {f"{CONFIG}.OAuthenticator.oauth_callback_url": "https://hub.example.org/hub/oauth_callback"},
        "jupyterhub.hub.config.OAuthenticator.oauth_callback_url: 'https://hub.example.org/hub/oauth_callback' leads "
        "away from the hub of prod, which is at hub.example.edu; give it that host in config/prod.yaml",
        INGRESS
        | GITHUB
        | {f"{CONFIG}.OAuthenticator.oauth_callback_url": "https://HUB.example.edu:443/hub/oauth_callback"},
    ),
    "callback to one's own computer": Mistake(
        LETS_ENCRYPT
        | GITHUB
        | {f"{CONFIG}.GitHubOAuthenticator.oauth_callback_url": "http://localhost:8000/hub/oauth_callback"},
        "GitHubOAuthenticator.oauth_callback_url: 'http://localhost:8000/hub/oauth_callback' leads away from the hub",
        GITHUB | {f"{CONFIG}.GitHubOAuthenticator.oauth_callback_url": "http://localhost:8000/hub/oauth_callback"},
    ),
    "callback of a gateway": Mistake(
        GATEWAY | GITHUB | {f"{CONFIG}.OAuthenticator.oauth_callback_url": "https://example.edu/hub/oauth_callback"},
        "'https://example.edu/hub/oauth_callback' leads away from the hub of prod, which is at hub.example.edu",
        GATEWAY
        | GITHUB
        | {
            "jupyterhub.httpRoute.hostnames": ["*.example.edu"],
            f"{CONFIG}.OAuthenticator.oauth_callback_url": "https://hub.example.edu/hub/oauth_callback",
        },
    ),
    "the chart's example gateway": Mistake(
        GATEWAY | {"jupyterhub.httpRoute.gateway": {"name": "your-gateway", "sectionName": "https"}},
        "jupyterhub.httpRoute.gateway.name: 'your-gateway' is the chart's example",
        GATEWAY,
    ),
    "placeholders without priority": Mistake(
        {"jupyterhub.scheduling": {"podPriority": {"enabled": False}, "userPlaceholder": {"replicas": 3}}},
        "jupyterhub.scheduling.userPlaceholder.replicas: 3 placeholders would keep students out; set "
        "jupyterhub.scheduling.podPriority.enabled: true",
        {"jupyterhub.scheduling": {"podPriority": {"enabled": True}, "userPlaceholder": {"replicas": 3}}},
        twelve=11,
    ),
    "profile without a name": Mistake(
        {f"{USER}.profileList": [{"description": "4 GB"}]},
        "jupyterhub.singleuser.profileList[0].display_name: it is empty, and without the name the page that offers "
        "the profiles fails; write what students shall read",
        {f"{USER}.profileList": [{"display_name": "Large", "description": "4 GB"}]},
        twelve=12,
    ),
    "peak above students": Mistake(
        {"course.students": 20, "course.peak": 21},
        "course.peak: 21 is above course.students, 20",
        {"course.students": 21, "course.peak": 21},
    ),
    "peak above sizes": Mistake(
        NODES | {"course.sizedFor": 20},
        "course.peak: 21 is above course.sizedFor, 20, the number that the limits in chart/values.yaml are made for",
        NODES | {"course.sizedFor": 21},
    ),
    "seats below peak": Mistake(
        NODES | {"course.node": {"memory": "14G", "reserved": "1M", "max": 3}},
        "course.peak: 21 students are more than the 18 seats of 3 nodes with 6 each, where memory is what ends first; "
        "raise course.node.max to 4, take larger nodes, or lower jupyterhub.singleuser.memory.guarantee (2G)",
        NODES,
    ),
    "processors end first": Mistake(
        NODES | {f"{USER}.cpu.guarantee": 1, "course.node": {"memory": "14G", "cpu": 6, "max": 3}},
        "where cpu is what ends first; raise course.node.max to 4, take larger nodes, or lower "
        "jupyterhub.singleuser.cpu.guarantee (1); `make seats`",
        NODES | {f"{USER}.cpu.guarantee": 0.5, "course.node": {"memory": "14G", "cpu": 6, "max": 3}},
    ),
    "seats of the default profile": Mistake(
        NODES | profile(mem_guarantee="4G", mem_limit="4G"),
        "or lower mem_guarantee of the profile 'Large' (4G)",
        NODES | profile(mem_guarantee="2G", mem_limit="4G"),
    ),
    "disks end first": Mistake(
        NODES | {"course.node": {"memory": "14G", "disks": 6, "max": 3}},
        "the 18 seats of 3 nodes with 6 each, where disks is what ends first; raise course.node.max to 4, take larger "
        "nodes; `make seats`",
        NODES | {"course.node": {"memory": "14G", "disks": 6, "max": 3}, f"{USER}.storage": {"type": "none"}},
    ),
    "class in the past": Mistake(
        WEEKLY | {"course.calendar": WEEKLY["course.calendar"] | {"termEnds": PAST}},
        f"course.calendar.classTimes: 'mon 10:00-11:30' can only come after course.calendar.termEnds, {PAST}, which "
        "is past; give the next term's last day, or make classTimes [] until then",
        WEEKLY,
    ),
    "class after the term": Mistake(
        WEEKLY | {"course.calendar": WEEKLY["course.calendar"] | {"classTimes": [f"{LATER} 10:00-11:30"]}},
        f"course.calendar.classTimes[0]: '{LATER} 10:00-11:30' is after course.calendar.termEnds, {FUTURE}",
        WEEKLY | {"course.calendar": WEEKLY["course.calendar"] | {"classTimes": [f"{FUTURE} 10:00-11:30"]}},
    ),
    "class that ends before it starts": Mistake(
        WEEKLY
        | {"course.calendar": WEEKLY["course.calendar"] | {"classTimes": ["mon 10:00-11:30", "tue 11:30-10:00"]}},
        "course.calendar.classTimes[1]: 'tue 11:30-10:00' ends before it starts; correct its times",
        WEEKLY,
    ),
    "no class": Mistake(
        WEEKLY | {"course.calendar": WEEKLY["course.calendar"] | {"classTimes": ["Monday at ten"]}},
        "course.calendar.classTimes[0]: 'Monday at ten' is no class; write it as 'mon 10:00-11:30'",
        WEEKLY,
    ),
    "no day": Mistake(
        WEEKLY | {"course.calendar": WEEKLY["course.calendar"] | {"termEnds": "2099-02-30"}},
        "course.calendar.termEnds: '2099-02-30' is no day of any year; write it as 2027-02-12",
        WEEKLY | {"course.calendar": WEEKLY["course.calendar"] | {"termEnds": "2099-02-28"}},
    ),
    "no time zone": Mistake(
        WEEKLY | {"course.calendar": WEEKLY["course.calendar"] | {"timezone": "Europe/Berlinn"}},
        "course.calendar.timezone: there is no time zone 'Europe/Berlinn'; write an IANA name",
        WEEKLY,
    ),
    "still encrypted": Mistake(
        {"jupyterhub.hub.cookieSecret": "ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:YmF6,type:str]"},
        "jupyterhub.hub.cookieSecret: it is still encrypted; use `make deploy ENV=prod`",
        {},
    ),
    "secrets of the other environment": Mistake(
        {"secretsFor": "staging"},
        "secretsFor: secrets/staging.yaml is on its way to prod; use `make deploy ENV=prod`",
        {"secretsFor": "prod"},
    ),
    "fake secrets": Mistake(
        SECRETS | {"secretsFor": "rendering"},
        "secretsFor: these are the fake secrets of chart/ci/fake-secrets.yaml, which everybody knows",
        SECRETS,
        real=True,
    ),
    "a fake secret": Mistake(
        SECRETS | {"jupyterhub.hub.cookieSecret": "fake-for-rendering--cookie-secret"},
        "jupyterhub.hub.cookieSecret: it is the fake of chart/ci/fake-secrets.yaml, which everybody knows",
        SECRETS,
        real=True,
    ),
    "no secrets": Mistake(
        SECRETS | {"secretsFor": ""},
        "secretsFor: there are no secrets; make them with `make secrets`",
        SECRETS,
        real=True,
    ),
    "a short password": Mistake(
        {f"{CONFIG}.SharedPasswordAuthenticator.admin_password": "x" * 31},
        "jupyterhub.hub.config.SharedPasswordAuthenticator.admin_password: it has 31 characters, and JupyterHub wants",
        {f"{CONFIG}.SharedPasswordAuthenticator.admin_password": "x" * 32},
    ),
    "a blank": Mistake(
        SECRETS | {f"{CONFIG}.JupyterHub.template_vars": {"lms": "https://fill-in--lms.invalid/x"}},
        "jupyterhub.hub.config.JupyterHub.template_vars.lms: 'fill-in--lms' is a blank; write in its place",
        SECRETS | {f"{CONFIG}.JupyterHub.template_vars": {"lms": "https://lms.example.edu/x"}},
        real=True,
    ),
}


def changed(values: dict, change: dict) -> dict:
    """Values with `a.b: value` set; None takes the key away."""
    values = yaml.safe_load(yaml.safe_dump(values))
    for path, value in change.items():
        *parents, key = path.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(key, None)
        else:
            place[key] = value
    return values


Says = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def repository(bake, tmp_path_factory) -> Path:
    """A repository whose config/ the tests change, one after the other."""
    source = bake()
    return Path(copytree(source, tmp_path_factory.mktemp("guards") / source.name))


def helm_template(repository: Path, chart: Path, change: dict, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What helm says of prod when config/hub.yaml is changed."""
    file = repository / "config" / "hub.yaml"
    before = file.read_text(encoding="utf-8")
    secrets = (repository / "chart/ci/fake-secrets.yaml").read_text(encoding="utf-8")
    if "secretsFor" in change:
        secrets = secrets.replace("fake-for-rendering--", "as-good-as-a-real-one")
    said = {path: value for path, value in change.items() if path.startswith(SECRET)}
    secrets = yaml.safe_dump(changed(yaml.safe_load(secrets), said))
    (repository / "secrets.yaml").write_text(secrets, encoding="utf-8")
    file.write_text(yaml.safe_dump(changed(yaml.safe_load(before), change)), encoding="utf-8")
    layers = ["config/hub.yaml", "config/prod.yaml", "secrets.yaml"]
    files = [argument for layer in layers for argument in ("--values", layer)]
    release = f"{repository.name}-prod"
    try:
        return subprocess.run(
            [os.environ["HELM"], "template", release, chart, "--namespace", release, *files, *arguments],
            cwd=repository,
            capture_output=True,
            text=True,
        )
    finally:
        file.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def says(repository) -> Says:
    """`helm template` with the jupyterhub chart, or with the stand-in where the chart is not available."""
    build_dependency(repository)
    return lambda change, *arguments: helm_template(repository, repository / "chart", change, *arguments)


@pytest.mark.chart
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_refused_and_its_correction_passes(name, says):
    mistake = MISTAKES[name]
    arguments = CLUSTER if mistake.real else ()
    refused = says(mistake.wrong, *arguments)
    assert refused.returncode != 0
    expected = mistake.sentence if "NO_CHART" in os.environ else mistake.chart_says or mistake.sentence
    assert expected in refused.stderr
    passed = says(mistake.right, *arguments)
    assert passed.returncode == 0, passed.stderr


def test_chart_accepts_the_twelve(chart, helm, tmp_path):
    """Why the guards are there: the jupyterhub chart alone renders each of them."""
    twelve = sorted((mistake for mistake in MISTAKES.values() if mistake.twelve), key=lambda mistake: mistake.twelve)
    assert [mistake.twelve for mistake in twelve] == list(range(1, 13))
    for mistake in twelve:
        values = changed({}, mistake.wrong)["jupyterhub"]
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        command = [helm, "template", "hub", chart, "--values", tmp_path / "values.yaml"]
        accepted = subprocess.run(command, capture_output=True, text=True)
        assert accepted.returncode == 0, f"{mistake.wrong}: {accepted.stderr}"


def test_secret_is_never_shown(says):
    """Guards name keys; what they refuse may stand next to a real password."""
    password = "a-real-one-" + "x" * 32
    wrong = SECRETS | {
        f"{CONFIG}.SharedPasswordAuthenticator.user_password": f"{password} fill-in--password",
        f"{USER}.memory.limit": "2Gi",
    }
    refused = says(wrong, *CLUSTER)
    assert "SharedPasswordAuthenticator.user_password: 'fill-in--password' is a blank" in refused.stderr
    assert password not in refused.stderr


def test_pipeline_cannot_override_a_guard(says):
    refused = says({}, "--set", f"{USER}.image.name=quay.io/course/image,{USER}.image.tag=latest")
    assert "'quay.io/course/image:latest' is another image every week" in refused.stderr


def test_all_mistakes_are_said_at_once(says):
    refused = says(PUBLIC | {f"{USER}.memory.limit": "2Gi"})
    assert "memory.limit: '2Gi'" in refused.stderr
    assert "LoadBalancer would serve" in refused.stderr


@pytest.mark.parametrize("release", ["data-science-hub-staging", "hub"])
def test_release_is_of_the_environment(release, repository):
    build_dependency(repository)
    files = ["--values", "config/hub.yaml", "--values", "config/prod.yaml", "--values", "chart/ci/fake-secrets.yaml"]
    command = [os.environ["HELM"], "template", release, "chart", *files]
    refused = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert f"release: '{release}' is not 'data-science-hub-prod', which config/prod.yaml is for" in refused.stderr


def test_namespace_is_the_release_on_a_real_cluster(says):
    refused = says(SECRETS, *CLUSTER, "--namespace", "default")
    assert "namespace: 'default' is not 'data-science-hub-prod', the name of the release" in refused.stderr

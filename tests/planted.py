"""Texts with a secret in them, and texts that only look so. The values are random: a scanner passes over dummies."""

import base64
import json
import random
import secrets
import string

RANDOM = random.SystemRandom()
LETTERS = string.ascii_letters + string.digits
BECH32 = "023456789acdefghjklmnpqrstuvwxyz"


def word(length: int = 24, letters: str = LETTERS) -> str:
    """A value without order, with a digit and both cases in it."""
    return "".join(RANDOM.choices(letters, k=length - 3)) + "7xQ"


def hexadecimal(length: int = 64) -> str:
    return secrets.token_hex(length // 2)


def base64_of(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def pem(kind: str = "RSA PRIVATE KEY", size: int = 1190) -> str:
    body = base64_of(secrets.token_bytes(size))
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


def age_key(kind: str = "") -> str:
    return f"AGE-SECRET-KEY-{kind}1" + "".join(RANDOM.choices(BECH32.upper(), k=58))


def recipient() -> str:
    return "age1" + "".join(RANDOM.choices(BECH32, k=58))


def jwt() -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    claims = {"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:hub:deployer"}
    head = part(json.dumps({"alg": "RS256", "kid": word(20)}).encode())
    return f"{head}.{part(json.dumps(claims).encode())}.{part(secrets.token_bytes(256))}"


def ciphertext(size: int) -> str:
    data, iv, tag = (base64_of(secrets.token_bytes(number)) for number in (size, 32, 16))
    return f"ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:str]"


def make_planted() -> dict[str, str | bytes]:
    """The contents of files that each have a secret, by a name for each form."""

    def docker(**options: int) -> str:
        return json.dumps({"auths": {"ghcr.io": {"auth": base64_of(f"bot:{word(32)}")}}}, **options)

    def aws() -> str:
        return base64_of(secrets.token_bytes(30))

    access_key = "AKIA" + "".join(RANDOM.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    elliptic = base64_of(pem("EC PRIVATE KEY", 121))
    return {
        "github-fine-grained": f"for the bot: github_pat_{word(22)}_{word(59)}\n",
        "github": f"# ghp_{word(36)}\n",
        "gitlab": f"x = 'glpat-{word(20)}'\n",
        "client-key-data": f"users:\n  - user:\n      client-key-data: {base64_of(pem())}\n",
        "client-key-data-ec": f"    client-key-data: {elliptic}\n",
        "kubeconfig-token": f"  user:\n    token: {jwt()}\n",
        "docker-auth": docker() + "\n",
        "docker-auth-pretty": docker(indent=2) + "\n",
        "dockerconfigjson": f"data:\n  .dockerconfigjson: {base64_of(docker())}\n",
        "aws-secret": f"AWS_SECRET_ACCESS_KEY={aws()}\n",
        "aws-pair": f"export AWS_ACCESS_KEY_ID={access_key}\nexport AWS_SECRET_ACCESS_KEY={aws()}\n",
        "basic": f"curl -H 'Authorization: Basic {base64_of('admin:' + word(20))}' https://hub.example.edu\n",
        "bearer": f"Authorization: Bearer {word(40)}\n",
        "token-header": f"headers={{'Authorization': 'token {hexadecimal()}'}}\n",
        "google-oauth": f"        client_secret: GOCSPX-{word(28)}\n",
        "github-oauth": f"      client_secret: {hexadecimal(40)}\n",
        "azure-oauth": f"      client_secret: {word(3)}8Q~{word(34)}\n",
        "oidc": f"      client_secret: '{secrets.token_urlsafe(30)}4aB'\n",
        "hex": f"keys: [{hexadecimal()}]\n",
        "hex-upper": f"keys: [{hexadecimal().upper()}]\n",
        "hex-list": f"    keys:\n      - '{hexadecimal()}'\n",
        "hex-named": f"      cookieSecret: {hexadecimal()}\n",
        "hex-environment": f"JUPYTERHUB_CRYPT_KEY={hexadecimal()}\n",
        "dollar": f"      client_secret: ${word()}\n",
        "dollar-quoted": f"      password: '${word()}'\n",
        "parenthesis": f"      password: ({word()}\n",
        "less-than": f"      password: <{word()}\n",
        "block": f"      client_secret: |\n        {word(40)}\n",
        "block-folded": f"      user_password: >-\n        {word()}\n",
        "list": f"tokens:\n  - {word()}\n",
        "letters": f"      password: {word(24, string.ascii_letters)[:-3]}\n",
        "short": f"      user_password: {word(12)}\n",
        "flag": f"helm registry login --username bot --password {word(20)} ghcr.io\n",
        "json": json.dumps({"password": word(20)}) + "\n",
        "json-in-json": json.dumps({"x": json.dumps({"password": word(20)})}) + "\n",
        "kubernetes": f"apiVersion: v1\nkind: Secret\ndata:\n  password: {base64_of(word(20))}\n",
        "variable": f"REGISTRY_PASSWORD={word(20)}\n",
        "address": f"git clone https://bot:{word()}@git.example.edu/course.git\n",
        "database": f"db_url: postgresql://hub:{word(20)}@db.example.edu/hub\n",
        "utf-16": f"api_token: {hexadecimal()}\r\n".encode("utf-16"),
        "utf-16-password": f"password: {word()}\r\n".encode("utf-16"),
        "utf-16-big-endian": b"\xfe\xff" + f"password: {word()}\r\n".encode("utf-16-be"),
        "utf-16-without-a-mark": f"api_token: {hexadecimal()}\r\n".encode("utf-16-le"),
        "age": age_key() + "\n",
        "age-post-quantum": age_key("PQ-") + "\n",
        "pem": pem(),
        "google-account": json.dumps({"type": "service_account", "private_key": pem()}) + "\n",
    }


def make_clean() -> dict[str, str]:
    """The contents of files without a secret, by their names."""
    image = base64_of(b"\x89PNG\r\n\x1a\n" + secrets.token_bytes(3000))
    sops = f"    cookieSecret: {ciphertext(64)}\nsops:\n  age:\n    - recipient: {recipient()}\n      enc: |\n"
    sops += "".join(f"        {line}\n" for line in pem("AGE ENCRYPTED FILE", 200).splitlines())
    return {
        "image.yaml": f"tag: '2026-09-01@sha256:{hexadecimal()}'\nimage: quay.io/jupyter/x@sha256:{hexadecimal()}\n",
        "SHA256SUMS": f"{hexadecimal()}  helm-linux-amd64.tar.gz\n{hexadecimal()} *./other.zip\n",
        "SHA512SUMS": f"{hexadecimal(128)}  helm-linux-amd64.tar.gz\n",
        "helm.sha256": f"{hexadecimal()}\n",
        "requirements.lock": f"numpy==2.3.4 \\\n    --hash=sha256:{hexadecimal()}\n",
        "poetry.lock": f'files = [\n    {{file = "a.whl", hash = "sha256:{hexadecimal()}"}},\n]\n',
        "mise.lock": f'checksum = "sha256:{hexadecimal()}"\nurl = "https://get.helm.sh/helm.tar.gz"\n',
        "Dockerfile": f"RUN sum={hexadecimal()} && echo $sum\n",
        "package-lock.json": json.dumps({"a": {"integrity": f"sha512-{base64_of(secrets.token_bytes(64))}"}}) + "\n",
        "Chart.lock": f"digest: sha256:{hexadecimal()}\n",
        "gateway.yaml": "tokenSecretName: course-hub-oidc-token-secret-v2\nsecretKeyRef:\n  name: hub-Secret-7\n",
        "staging.yaml": f"{sops}  mac: {ciphertext(64)}\n",
        "kms.yaml": f"sops:\n  kms:\n    - enc: {base64_of(secrets.token_bytes(184))}\n",
        ".sops.yaml": f"creation_rules:\n  - age: {recipient()}\n",
        "workflow.yaml": f"uses: actions/checkout@{hexadecimal(40)}\ntoken: ${{{{ secrets.TEMPLATE_TOKEN }}}}\n",
        "fakes.yaml": "cookieSecret: fake-for-rendering--hex-64--cookie\npassword: fill-in--registry-password\n",
        "helm.yaml": "  password: {{ .Values.hub.config.Authenticator.password | b64enc }}\n",
        "job.sh": 'export AWS_SECRET_ACCESS_KEY="$REGISTRY_PASSWORD"\nTOKEN=$(gcloud auth print-access-token)\n'
        'PASSWORD="${PASSWORD:?}"\nprintenv REGISTRY_PASSWORD | buildah login --password-stdin\n',
        "code.py": 'token = os.environ["JUPYTERHUB_API_TOKEN"]\npassword = secrets.token_urlsafe(30)\n'
        'headers = {"Authorization": f"token {token}"}\nother = {"Authorization": "Bearer " + self.token}\n',
        "placeholder.yaml": "password: <the password that the registry gave you>\ntoken: $TOKEN\n"
        "client_secret: (ask the university's IT for it)\nauth: YOUR-TOKEN-HERE\n",
        "README.md": "Send `Authorization: Bearer <token>`. The password for the students is made by `make secrets`.\n"
        "Let somebody use the secrets: WITH=age1...\nPut a token (github_pat_…) into TEMPLATE_TOKEN.\n",
        "ca.yaml": f"certificate-authority-data: {base64_of(pem('CERTIFICATE', 700))}\n",
        "public.pem": pem("CERTIFICATE", 700) + pem("PUBLIC KEY", 290),
        "id_ed25519.pub": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{base64_of(secrets.token_bytes(32))[:43]} ada\n",
        "notebook.ipynb": json.dumps({"cells": [{"outputs": [{"data": {"image/png": image}}]}]}) + "\n",
        "identifiers.yaml": f"tenant_id: 1b2c3d4e-1111-2222-3333-{hexadecimal(12)}\nclient_id: Iv1.{hexadecimal(16)}\n",
        "status.yaml": f"containerID: containerd://{hexadecimal()}\n",
        "nginx.conf": f"Content-Security-Policy: script-src 'sha256-{base64_of(secrets.token_bytes(32))}'\n",
    }

from __future__ import annotations

import pytest

from bakewell.secret_shapes import secret_content, secret_name, secret_setting

KEY = "-----BEGIN {}PRIVATE KEY{}-----\nMIIB\n"

SECRET_KEYS = [
    "password",
    "db_password",
    "db_pass",
    "db_pwd",
    "api_key",
    "deploy_private_key",
    "TOKEN",
    "join-token",
    "secret",
]


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.local",
        "prod.env",
        "server.pem",
        "tls.KEY",
        "id_rsa",
        "id_ed25519",
        "id_ed25519_sk",
        "id_rsa.bak",
        ".netrc",
        ".pgpass",
        ".npmrc",
        "credentials",
        "credentials.json",
        "secrets.yaml",
        "secret.toml",
        "token",
        "vault.token",
        "kubeconfig",
        "store.p12",
        "terraform.tfstate",
        "ssh_host_rsa_key",
        ".git-credentials",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "environment",
        "env",
        "id_rsa.pub",
        "id_ed25519.pub",
        "ca.crt",
        "keyboard",
        "tokens.py",
        "monkey",
        "secretary.txt",
        "credentials.py",
        "nginx.conf",
        "key.py",
        "ssh_host_rsa_key.pub",
    ],
)
def test_names_of_other_files(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (KEY.format("", ""), "a private key"),
        (KEY.format("RSA ", ""), "a private key"),
        (KEY.format("OPENSSH ", ""), "a private key"),
        (KEY.format("PGP ", " BLOCK"), "a private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "a private key"),
        ("AGE-SECRET-KEY-1" + "Q" * 58, "an age key"),
        ("aws_access_key_id = AKIA" + "Q" * 16, "an AWS access key"),
        ("ASIA" + "7" * 16, "an AWS access key"),
        ("token: dop_v1_" + "0af" * 21 + "0", "a DigitalOcean token"),
        ("ghp_" + "a" * 36, "a GitHub token"),
        ("github_pat_" + "a" * 60, "a GitHub token"),
        ("glpat-" + "a" * 20, "a GitLab token"),
        ("xoxb-123456789012", "a Slack token"),
        ("pul-" + "0" * 40, "a Pulumi token"),
        ("hvs." + "a" * 30, "a Vault token"),
    ],
)
def test_contents_of_secrets(text: str, what: str) -> None:
    assert secret_content(b"# some lines first\n" + text.encode()) == what
    assert secret_setting("note", text) == f"`note` holds {what}"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "grep 'PRIVATE KEY' /etc/ssh",
        "ASIAN CUISINE",
        "ghp_short",
        "dop_v1_",
        "",
    ],
)
def test_contents_of_other_files(text: str) -> None:
    assert secret_content(text.encode()) is None


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_names_of_secret_settings(key: str) -> None:
    assert secret_setting(key, "x") == f"`{key}` is the name of a secret"
    assert secret_setting(key, "") is None
    assert secret_setting(key, True) is None


@pytest.mark.parametrize(
    "key", ["page_title", "compass", "pwd", "tokens_per_second", "secretary", "key", "public_key", "cluster"]
)
def test_names_of_other_settings(key: str) -> None:
    assert secret_setting(key, "x") is None

"""Which strings of an environment are never shown, and text without them."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from bakewell.masks import Masks, masked
from tests.unit.core.context.test_secret_shapes import SECRET_KEYS

SECRET = 'hunter2/"+hunter2'
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\nx9==\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_what_may_not_be_a_setting_is_masked_as_a_variable(key: str) -> None:
    name = key.upper().replace("-", "_").replace(".", "_")
    for variable in (key, name, f"MY_{name}", f"{name}_2"):
        assert Masks({variable: "hush-hush"}).mask("a hush-hush b") == "a *** b", variable


@pytest.mark.parametrize("name", ["DEPLOY_PRIVATE_KEY", "DB_PASS", "MYSQL_PWD", "PGPASSWORD", "AWS_ACCESS_KEY_ID"])
def test_names_of_variables_that_hold_secrets(name: str) -> None:
    assert Masks({name: "hush-hush"}).mask("hush-hush") == "***"


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "COMPASS_HOME", "BYPASSED", "HOME", "KEYBOARD", "EDITOR"])
def test_names_of_other_variables(name: str) -> None:
    assert Masks({name: "/home/somebody"}).mask("/home/somebody") == "/home/somebody"


def test_a_value_that_shows_a_secret_is_masked_whatever_its_name() -> None:
    assert "MIIE" not in Masks({"SIGNER": PEM}).mask(PEM)


def test_every_line_of_a_secret_is_masked() -> None:
    masks = Masks({"DEPLOY_PRIVATE_KEY": PEM})
    assert masks.mask("==> image: MIIEvQIBADANBgkq\n==> image: hkiG9w0BAQEFAASC\n==> image: x9==") == (
        "==> image: ***\n==> image: ***\n==> image: x9=="
    )
    assert masks.mask(repr(PEM)) == r"'***\n'"


@pytest.mark.parametrize(
    "value",
    [
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", "\\r\\n"),
        PEM.replace("\n", "\r\n"),
        PEM.replace("\n", " "),
        base64.b64encode(PEM.encode()).decode(),
        base64.encodebytes(PEM.encode()).decode(),
        json.dumps(PEM),
        json.dumps([{"value": PEM}]),
    ],
)
def test_the_lines_of_a_key_are_masked_however_the_variable_holds_it(value: str) -> None:
    assert Masks({"DEPLOY_PRIVATE_KEY": value}).mask("a MIIEvQIBADANBgkq b hkiG9w0BAQEFAASC") == "a *** b ***"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_TOKENS", "first-first,hush-hush"),
        ("X_TOKEN", '"hush-hush"'),
        ("X_TOKEN", "Bearer hush-hush"),
        ("API_CREDENTIALS", "joe:hush-hush"),
        ("SSHPASS", "hush-hush"),
        ("DOCKER_AUTH_CONFIG", '{"auths": {"registry": {"auth": "hush-hush"}}}'),
        ("RAILS_MASTER_KEY", "hush-hush"),
        ("SETTINGS", '{"db": {"password": "hush-hush"}}'),
        ("CREDENTIALS", '{"token": {"value": "hush-hush"}}'),
        ("DATABASE_DSN", "host=db password=hush-hush user=joe"),
        ("CONNECTION", "Server=db;Password=hush-hush;"),
        ("HOOK", "https://host/x?token=hush-hush&y=1"),
        ("HTTPS_PROXY", "joe:hush-hush@proxy:3128"),
    ],
)
def test_a_part_of_a_value_that_is_a_secret_is_masked(name: str, value: str) -> None:
    assert Masks({name: value}).mask("a hush-hush b") == "a *** b"


@pytest.mark.parametrize("value", ["a" * 1_000_000, "://a:b" * 100_000, "://a:b@" * 18_000, "a=" * 500_000])
def test_a_long_value_is_read_at_once(value: str) -> None:
    """Where a pattern begins at every character, each takes longer than a test may."""
    assert Masks({"X": value}).mask("shown") == "shown"


def test_the_secrets_in_credentials_of_json_are_masked_and_the_rest_is_not() -> None:
    document = {"type": "service_account", "keys": [{"private_key": PEM}], "client_secret": "hush-hush"}
    masks = Masks({"GOOGLE_CREDENTIALS": json.dumps(document)})
    assert masks.mask("service_account MIIEvQIBADANBgkq hush-hush") == "service_account *** ***"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET),
        '\x1b[31mhunter2\x1b[0m/"+hun\rter2',
        *(base64.b64encode(b"user:"[:length] + SECRET.encode()).decode() for length in range(4)),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_the_forms_that_programs_give_it(form: str) -> None:
    shown = Masks({"X_TOKEN": SECRET}).mask(f"<{form}>")
    assert "***" in shown
    assert "hunter2" not in shown
    assert len(shown) < 16, "at an end of base64, a character is not the secret's alone"


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("http://joe:s3cr3t-s3cr3t@proxy:3128", "password s3cr3t-s3cr3t", "password ***"),
        ("http://joe:p%40ssword@proxy:3128", "p@ssword and p%40ssword", "*** and ***"),
        ("http://joe:short@proxy:3128", "via http://joe:short@proxy:3128", "via http:***proxy:3128"),
        ("http://joe:s3cr3t-s3cr3t@proxy:3128", base64.b64encode(b"joe:s3cr3t-s3cr3t").decode(), "***Q="),
        ("postgres://joe:p@ss/w#rd-1@db/x", "as p@ss/w#rd-1", "as ***"),
        ("http://joe:p@ss@proxy:3128", "via http://joe:p@ss@proxy:3128", "via http:***proxy:3128"),
        ("https://abcdefghijklmnopqrstuvwxyz@host", "abcdefghijklmnopqrstuvwxyz", "***"),
        ("ssh://operator@host/", "ssh://operator@host/", "ssh://operator@host/"),
    ],
)
def test_what_a_url_says_of_its_user_is_masked(value: str, text: str, shown: str) -> None:
    assert Masks({"HTTPS_PROXY": value}).mask(text) == shown


def test_short_values_are_shown() -> None:
    assert Masks({"X_TOKEN": "true"}).mask("true") == "true"


def test_bytes_that_are_no_text_are_masked() -> None:
    assert Masks({"X_TOKEN": "hush\udcffhush"}).mask("hush\udcffhush") == "***"


def test_this_processs_own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PASS", "hush-hush")
    assert masked("hush-hush") == "***"

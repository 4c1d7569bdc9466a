"""A template may be anybody's: what it names is read from one folder only, what it says is text and never code."""

from __future__ import annotations

import ast
import os
import tomllib
from pathlib import Path

import pytest

from bakewell.errors import ConfigError
from bakewell.migration import Import, copying, plan
from bakewell.migration.ledger import Kind
from tests.unit.migration.conftest import Imported, deploy, image, said

SOURCE = """
source "digitalocean" "web" {{
  image         = "debian-12-x64"
  size          = "s-1vcpu-1gb"
  snapshot_name = "web-{{{{timestamp}}}}"
  {source}
}}
build {{
  sources = ["source.digitalocean.web"]
  {build}
}}
{more}
"""


def template(build: str = "", *, source: str = "", more: str = "") -> str:
    return SOURCE.format(build=build, source=source, more=more)


def script(*names: str) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return template(f'provisioner "shell" {{\n scripts = [{listed}]\n }}')


def copied(found: Import) -> set[str]:
    own = ("image.toml", "deploy.py", "checks.py")
    return {path.removeprefix("packer/images/web/") for path in found.files if not path.endswith(own)}


def beside(tmp_path: Path, files: dict[str, str]) -> Path:
    folder = tmp_path / "templates"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "name", ["../outside.sh", "a/../../outside.sh", "{root}/outside.sh", "~/.ssh/id_rsa", "link.sh"]
)
def test_what_lies_outside_is_not_read(imported: Imported, tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.sh").write_text("echo outside\n")
    folder = beside(tmp_path, {"a/inside.sh": ""})
    (folder / "link.sh").symlink_to(tmp_path / "outside.sh")
    found = imported(script(name.format(root=tmp_path)))
    assert copied(found) == set() and "is not copied" in said(found)
    assert (
        ("# script.run(" in deploy(found, "web") and "outside.sh is not copied" in said(found))
        or "~" in name
        or "link" in name
    )


def test_what_lies_in_the_folder_that_is_named_is_read(imported: Imported, tmp_path: Path) -> None:
    (tmp_path / "outside.sh").write_text("echo outside\n")
    assert copied(imported(script("../outside.sh"), root=tmp_path)) == {"files/outside.sh"}


def test_what_lies_in_the_repository_is_read(imported: Imported, tmp_path: Path) -> None:
    (tmp_path / "common").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "common/setup.sh").write_text("echo common\n")
    assert copied(imported(script("../common/setup.sh"))) == {"files/setup.sh"}
    assert copied(imported(script("common/setup.sh"))) == {"files/setup.sh"}  # as Packer, run at the top, reads it


def test_two_files_of_one_name_are_two_files(imported: Imported, tmp_path: Path) -> None:
    beside(tmp_path, {"a/run.sh": "a", "b/run.sh": "b"})
    found = imported(script("a/run.sh", "b/run.sh", "a/run.sh"))
    assert copied(found) == {"files/run.sh", "files/b-run.sh"}
    assert deploy(found, "web").count("script.run(") == 3


def test_pipes_links_and_secrets_in_a_folder_are_left(imported: Imported, tmp_path: Path) -> None:
    folder = beside(tmp_path, {"etc/app.conf": "x", "etc/.env": "A=b", "etc/key.txt": "-----BEGIN PRIVATE KEY-----"})
    os.mkfifo(folder / "etc/pipe")
    (folder / "etc/passwd").symlink_to("/etc/passwd")
    (folder / "etc/all").symlink_to("/")
    found = imported(template('provisioner "file" {\n source = "etc/"\n destination = "/etc"\n }'))
    assert copied(found) == {"files/etc/app.conf"}
    for name in (".env", "key.txt", "pipe", "passwd", "all"):
        assert f"etc/{name} is not copied" in said(found)


def test_large_files_are_left(imported: Imported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "LARGEST", 10)
    monkeypatch.setattr(copying, "MOST_BYTES", 25)
    beside(tmp_path, {"large": "x" * 11, **{str(number): "x" * 10 for number in range(4)}})
    assert copied(imported(script("large", "0", "1", "2", "3"))) == {"files/0", "files/1"}


ODD = 'a\\"\\"\\"\\n# b\\nimport os; os.system(\\"x\\")\\r\\u0000\\u2028 {secrets} \\\\'


def test_text_of_a_template_is_never_code(imported: Imported) -> None:
    """Names, values and whatever is left to do, with quotes, ends of lines and braces in it."""
    text = template(
        f"""
        provisioner "shell" {{
          inline      = ["{ODD}", "echo ${{var.x}} {ODD}"]
          max_retries = upper("{ODD}")
        }}
        provisioner "{ODD}" {{
          value = "{ODD}"
        }}
        provisioner "file" {{
          content     = "${{var.x}} {ODD}"
          destination = "{ODD}"
        }}
        """,
        source=f'ami_odd = "{ODD}"',
        more=f'variable "x" {{\n default = "{ODD}"\n description = "{ODD}"\n }}',
    )
    found = imported(text)
    tree = ast.parse(deploy(found, "web"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"io"}
    value = 'a"""\n# b\nimport os; os.system("x")\r\0\u2028 {secrets} \\'
    assert tomllib.loads(image(found, "web"))["variables"]["x"] == value
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    inline = next(call for call in calls if ast.unparse(call.func) == "script.inline")
    lines = eval(compile(ast.Expression(inline.args[0]), "deploy.py", "eval"), {"variables": {"x": value}})
    assert "\n".join(lines) == f"{value}\necho {value} {value}"


@pytest.mark.parametrize(
    "command",
    [
        "export API_TOKEN=0123456789abcdef",
        "mysql --password hunter2hunter",
        "curl -u admin:hunter2hunter https://example.org",
        "git clone https://ci:hunter2hunter@example.org/x.git",
        "echo AKIAABCDEFGHIJKLMNOP",
        "docker login -p ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "echo 'password: hunter2hunter' > x.yml",
    ],
)
def test_a_secret_in_a_command_is_neither_written_nor_said(imported: Imported, command: str) -> None:
    found = imported(template(f'provisioner "shell" {{\n inline = ["echo before", "{command}"]\n }}'))
    assert "inline: a command is left out" in said(found)
    code = deploy(found, "web")
    assert "echo before" in code and "LEFT_OUT" in code
    for secret in ("0123456789abcdef", "hunter2hunter", "AKIAABCDEFGHIJKLMNOP"):
        assert secret not in code + said(found)


@pytest.mark.parametrize(
    "command",
    [
        "sed -i 's/#PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config",
        "passwd --lock root",
        "echo 'web ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/web",
        "echo ${TOKEN} | docker login --password-stdin",
        "kubectl create secret generic x",
        'curl -H \\"Authorization: $TOKEN\\" https://example.org',
        "export DB_PASSWORD=$(openssl rand -hex 16)",
    ],
)
def test_words_that_only_sound_like_a_secret_stay(imported: Imported, command: str) -> None:
    text = template('provisioner "shell" {\n inline = ["' + command.replace("${", "$${") + '"]\n }')
    found = imported(text)
    assert said(found) == "" and "LEFT_OUT" not in deploy(found, "web")


def test_a_secret_in_what_is_left_to_do_is_hidden(imported: Imported) -> None:
    text = template(
        'provisioner "puppet" {\n admin_password = "hunter2hunter"\n options = { token = "hunter2hunter" }\n }\n'
        'post-processor "shell-local" {\n inline = ["curl -u a:hunter2hunter https://example.org"]\n }',
        source='registration_token = "hunter2hunter"\n user_data = "password: hunter2hunter"',
    )
    found = imported(text)
    everything = "".join(content.decode() for content in found.files.values())
    assert "hunter2hunter" not in everything + said(found) + said(found, Kind.settled)
    assert "admin_password = (not shown" in everything and "user_data = (not shown" in said(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("template.pkr.hcl", "source {"),
        ("template.pkr.hcl", 'x = "${'),
        ("template.pkr.hcl", "x = " + "[" * 3000 + "]" * 3000),
        ("template.pkr.hcl", "x = <<EOT\nnever closed"),
        ("template.json", "{"),
        ("template.json", '{"builders": [}'),
        ("template.json", '{"a": 1, "a": 2}'),
        ("template.json", "[" * 3000 + "]" * 3000),
        ("template.json", '{"scripts": {"build": "x"}}'),
        ("template.json", "[]"),
        ("template.pkr.hcl", "#" * 300_000),
        ("template.txt", ""),
        ("template.pkr.json", "{}"),
    ],
    ids=range(13),
)
def test_what_is_no_template_is_refused_with_file_and_remedy(imported: Imported, name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        imported(text, name)
    assert name in str(caught.value.file) and caught.value.remedy


def test_a_template_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pkr.hcl", tmp_path):
        with pytest.raises(ConfigError) as caught:
            plan([path])
        assert caught.value.remedy
    os.mkfifo(tmp_path / "pipe.pkr.hcl")
    with pytest.raises(ConfigError, match="pipe"):
        plan([tmp_path / "pipe.pkr.hcl"])


@pytest.mark.parametrize(
    "build",
    [
        'provisioner "shell" {\n inline = ["true"]\n environment_vars = ["DATABASE_URL=postgres://u:hunter2hunter2@h/db"]\n}',
        'provisioner "shell" {\n inline = ["true"]\n environment_vars = ["DBPASS=hunter2hunter2"]\n}',
        'provisioner "shell" {\n inline = ["true"]\n env = { DB_PW = "hunter2hunter2" }\n}',
        'provisioner "ansible" {\n playbook_file = "p.yml"\n'
        ' extra_arguments = ["--extra-vars", "{\\"secret_key\\": \\"hunter2hunter2\\"}"]\n}',
    ],
)
def test_a_value_that_looks_like_a_secret_is_written_nowhere(imported: Imported, tmp_path: Path, build: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "p.yml").write_text("- hosts: all\n")
    text = 'source "digitalocean" "web" {\n image = "debian-12-x64"\n}\n'
    found = imported(text + f'build {{\n sources = ["source.digitalocean.web"]\n {build}\n}}\n')
    assert found.files and not [path for path, content in found.files.items() if b"hunter2" in content]
    assert "hunter2" not in said(found)

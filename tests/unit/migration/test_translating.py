"""What single attributes and expressions become."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from bakewell.migration.blocks import machines
from bakewell.migration.blocks.machines import Machine
from bakewell.migration.blocks.shell_text import Quoting, placed
from bakewell.migration.ledger import Kind
from tests.unit.migration.conftest import Imported, deploy, image, said

TEMPLATE = """
source "amazon-ebs" "web" {{
  ami_name = "web-{{{{timestamp}}}}"
  {source}
}}
build {{
  sources = ["source.amazon-ebs.web"]
  {build}
}}
{more}
"""


def template(
    source: str = 'source_ami_filter {\n filters = { name = "debian-12-*" }\n }', build: str = "", more: str = ""
) -> str:
    return TEMPLATE.format(source=source, build=build, more=more)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("echo ", ""),
        ("echo 'a ", " b'"),
        ('echo "a ', ' b"'),
        ("echo 'it'\\''s ", "'"),
        ('echo "\\"', '"'),
        ("echo a # don't\necho ", ""),
        ("cat <<END\nit's \"", "\nEND\n"),
        ("cat <<-END >/dev/null\n\tx\n\tEND\necho '", "'"),
        ("cat <<A <<'B' >/dev/null\n'\nA\n'\nB\necho ", ""),
        ("echo \\' ", ""),
        ("echo $((1 << 2)) ", ""),
    ],
)
def test_the_shell_reads_a_secret_wherever_it_puts_variables_in(before: str, after: str) -> None:
    """Judged by the shell itself: a value with quotes and spaces in it comes out whole."""
    quoting = Quoting()
    quoting.read(before)
    text = placed("SECRET", quoting.state)
    assert text is not None
    value = "a 'b' \"c\" $(d) * ;"
    out = subprocess.run(
        ["sh", "-ec", before + text + after], env={"SECRET": value}, capture_output=True, text=True, check=True
    )
    assert value in out.stdout


def test_in_a_quoted_heredoc_it_puts_none_in(imported: Imported) -> None:
    build = """provisioner "shell" {
      inline = ["cat > /etc/x <<'END'", "token ${var.x_token}", "END", "echo ${var.x_token}"]
    }"""
    found = imported(template(build=build, more='variable "x_token" {}'))
    assert "the secret X_TOKEN in text that the shell takes as it is" in said(found)
    assert "'echo \"${X_TOKEN}\"'" in deploy(found, "web") and 'secrets=["X_TOKEN"]' in deploy(found, "web")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("s-1vcpu-512mb-10gb", Machine(1, 1)),
        ("s-2vcpu-4gb-amd", Machine(4, 2)),
        ("c-4", Machine(8, 4)),
        ("g-8vcpu-32gb", Machine(16, 8, more=True)),
        ("2gb", Machine(2, 1)),
        ("t2.micro", Machine(1, 1)),
        ("t3a.xlarge", Machine(16, 4)),
        ("t4g.nano", Machine(1, 2, arm=True)),
        ("c6gd.2xlarge", Machine(16, 8, arm=True)),
        ("m5.large", Machine(8, 2)),
        ("r6i.large", Machine(16, 2)),
        ("p4d.24xlarge", None),
        ("", None),
    ],
)
def test_sizes(name: str, found: Machine | None) -> None:
    assert machines.machine(name) == found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ubuntu-24-04-x64", "ubuntu-24.04"),
        ("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*", "ubuntu-22.04"),
        ("ubuntu:noble", "ubuntu-24.04"),
        ("debian-13-amd64-*", "debian-13"),
        ("debian:bookworm-slim", "debian-12"),
        ("al2023-ami-2023.*-x86_64", "amazon-linux-2023"),
        ("amzn2-ami-hvm-*", "amazon-linux-2"),
        ("rockylinux-9-x64", "rocky-9"),
        ("my-own-base-*", None),
        ("noble-team-base-*", None),
        ("focalpoint-app", None),
        ("debian-based-v3", None),
        ("amzn2-ami-ecs-hvm-2.0.*", None),
    ],
)
def test_stock_images(text: str, name: str | None) -> None:
    assert machines.base(text) == name


def test_an_image_that_nobody_knows_is_asked_for(imported: Imported) -> None:
    for text in (
        'source_ami = "ami-0123456789abcdef0"',
        "source_ami = var.ami",
        "source_ami = data.amazon-ami.none.id",
        "",
    ):
        found = imported(template(text, more='variable "ami" {}'))
        assert "name what it is built on in image.toml" in said(found)
        assert "# TODO template.pkr.hcl" in image(found, "web")


def test_a_base_that_is_not_locked_is_said_with_the_command(imported: Imported) -> None:
    text = 'source_ami_filter {\n filters = { name = "ubuntu-noble-*" }\n owners = ["099720109477"]\n }'
    expected = "run: bakewell lock ubuntu-24.04 --cloud aws --image '099720109477/ubuntu-noble-*'"
    assert expected in said(imported(template(text)))


def test_a_role_of_the_project_is_a_parent(imported: Imported) -> None:
    text = 'source_ami_filter {\n filters = { name = "base-*" }\n owners = ["self"]\n }'
    assert 'parent = "base"' in image(imported(template(text), roles=["base"]), "web")


def test_variables_keep_their_types(imported: Imported) -> None:
    more = """
    variable "flag" { default = true }
    variable "count-of" { default = 3 }
    variable "ratio" { default = 0.5 }
    variable "app_version" { default = "1.2" }
    variable "list" { default = ["a", "b"] }
    variable "none" { default = null }
    variable "loop" { default = "${var.loop}" }
    locals { greeting = "flag is ${var.flag}, ${var.count-of}, ${var.ratio}" }
    """
    build = """provisioner "shell" {
      env = { FLAG = var.flag, COUNT = var.count-of, RATIO = var.ratio, APP = var.app_version, B = var.list[1] }
      inline = [local.greeting, "${var.none}", "${var.loop}"]
    }"""
    found = imported(template(build=build, more=more.replace(" }\n", "\n }\n").replace("{ default", "{\n default")))
    file = tomllib.loads(image(found, "web"))
    assert file["variables"] == {"flag": True, "count_of": 3, "ratio": "0.5"}
    assert file["versions"] == {"app": "1.2"}
    scope = {"variables": {**file["variables"], "none": "x"}, "versions": file["versions"]}
    calls: list[dict[str, object]] = []

    class Script:
        @staticmethod
        def inline(lines: object, **options: object) -> None:
            calls.append({"lines": lines, **options})

    code = "\n".join(
        line
        for line in deploy(found, "web").splitlines()
        if not line.startswith(("from", "import", "identity", "seal"))
    )
    exec(
        code.replace("host.data.", "host_"),
        {"script": Script, **{f"host_{key}": value for key, value in scope.items()}},
    )
    assert calls == [
        {
            "lines": ["flag is true, 3, 0.5", "x"],
            "env": {"FLAG": True, "COUNT": 3, "RATIO": "0.5", "APP": "1.2", "B": "b"},
        }
    ]
    assert '# none = ""  # TODO' in image(found, "web") and "it leads back to itself" in said(found)


@pytest.mark.parametrize(
    ("command", "said_of"),
    [
        ("{{ .Vars }} sudo -E sh '{{ .Path }}'", ""),
        ("echo 'packer' | sudo -S env {{ .Vars }} bash -eux {{ .Path }}", ""),
        ("sudo -H -u deploy {{ .Path }}", "su deploy"),
        ("nice -n 19 {{ .Path }}", "do whatever else it did"),
    ],
)
def test_becoming_root_is_of_no_use_here(imported: Imported, command: str, said_of: str) -> None:
    build = f'provisioner "shell" {{\n inline = ["true"]\n execute_command = "{command}"\n }}'
    todo = said(imported(template(build=build)))
    assert said_of in todo if said_of else todo == ""


@pytest.mark.parametrize(
    ("arguments", "variables", "todo"),
    [
        ('"--extra-vars", "a=b c=\'d e\'"', '{"a": "b", "c": "d e"}', ""),
        ('"-e", "a=${var.x}"', '{"a": variables["x"]}', ""),
        ('"--extra-vars=a=b"', '{"a": "b"}', ""),
        ('"-e", "@vars.yml"', "", "write the values as `extra_vars`"),
        ('"--tags", "web"', "", "--tags web"),
        (
            '"-e", "db_password=hunter2"',
            '{"db_password": "{{ DB_PASSWORD }}"}, secrets=["DB_PASSWORD"]',
            "DB_PASSWORD before a build",
        ),
        (
            '"-e", "token=${var.x_token}"',
            '{"token": "{{ X_TOKEN }}"}, secrets=["X_TOKEN"]',
            "",
        ),
        ('"-vvv", "--become"', "", ""),
    ],
)
def test_arguments_of_ansible(imported: Imported, tmp_path: Path, arguments: str, variables: str, todo: str) -> None:
    build = f'provisioner "ansible" {{\n playbook_file = "play.yml"\n extra_arguments = [{arguments}]\n }}'
    text = template(build=build, more='variable "x" {\n default = "y"\n }\nvariable "x_token" {}')
    imported(text)
    (tmp_path / "templates/play.yml").write_text("- hosts: all\n")
    found = imported(text)
    options = f", extra_vars={variables}" if variables else ""
    assert f'ansible.play("ansible/play.yml"{options})' in deploy(found, "web")
    assert todo in said(found) if todo else said(found) == ""
    assert "hunter2" not in said(found) + deploy(found, "web")


def test_values_of_files_count(imported: Imported, tmp_path: Path) -> None:
    from bakewell.migration import plan

    folder = tmp_path / "templates"
    build = 'provisioner "shell" {\n inline = ["echo ${var.x}"]\n }'
    imported(template(build=build, more='variable "x" {\n default = "one"\n }'))
    (folder / "prod.pkrvars.hcl").write_text('x = "two"\nunknown = 1\n')
    found = plan([folder / "template.pkr.hcl", folder / "prod.pkrvars.hcl"])
    assert tomllib.loads(image(found, "web"))["variables"] == {"x": "two"}
    settled = said(found, Kind.settled)
    assert "prod.pkrvars.hcl:1 gives another value, which counts" in settled and "the value of unknown" in settled


def test_a_secret_in_a_file_of_values_is_neither_written_nor_said(imported: Imported, tmp_path: Path) -> None:
    """Also of a variable whose name does not tell, and of one that nothing uses."""
    from bakewell.migration import plan

    more = "".join(f'variable "{name}" {{\n sensitive = true\n }}\n' for name in ("licence", "unused", "only_region"))
    build = 'provisioner "shell" {\n inline = ["activate ${var.licence}"]\n }'
    source = 'region = var.only_region\n source_ami = "ami-1"'
    imported(template(source, build=build, more=more))
    folder = tmp_path / "templates"
    names = ("licence", "unused", "only_region", "undeclared")
    (folder / "prod.pkrvars.hcl").write_text("".join(f'{name} = "hunter2hunter"\n' for name in names))
    found = plan([folder / "template.pkr.hcl", folder / "prod.pkrvars.hcl"])
    everything = "".join(content.decode() for content in found.files.values()) + said(found) + said(found, Kind.settled)
    assert "hunter2hunter" not in everything
    assert 'secrets=["LICENCE"]' in everything and "prod.pkrvars.hcl:1: the value of licence" in said(found)


def test_names_of_roles_are_the_builds_the_images_the_sources_or_the_files(imported: Imported) -> None:
    assert [role.name for role in imported(template()).roles] == ["web"]
    named = template().replace("build {", 'build {\n  name = "Front End"')
    assert [role.name for role in imported(named).roles] == ["front-end"]
    plain = template().replace('ami_name = "web-', 'ami_name = "')
    assert [role.name for role in imported(plain).roles] == ["web"]
    generic = plain.replace('"web"', '"image"').replace("ebs.web", "ebs.image")
    assert [role.name for role in imported(generic, "shop.pkr.hcl").roles] == ["shop"]


def test_a_name_that_is_taken_is_said(imported: Imported) -> None:
    assert "role web is there already" in said(imported(template(), roles=["web"]))


@pytest.mark.parametrize(
    ("requirements", "exact"),
    [
        ("collections:\n  - name: community.general\n    version: 8.1.0\n", True),
        ("- src: geerlingguy.docker\n  version: 7.0.1\n", True),
        ("collections:\n  - community.general\n", False),
        ("collections:\n  - name: community.general\n    version: '>=8'\n", False),
        ("- src: geerlingguy.docker\n", False),
        ("collections: [\n", False),
    ],
)
def test_requirements_count_where_their_versions_are_exact(
    imported: Imported, tmp_path: Path, requirements: str, exact: bool
) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "play.yml").write_text("- hosts: all\n")
    (folder / "galaxy.yml").write_text(requirements)
    build = 'provisioner "ansible" {\n playbook_file = "play.yml"\n galaxy_file = "galaxy.yml"\n }'
    found = imported(template(build=build))
    name = "requirements.yml" if exact else "requirements.imported.yml"
    assert found.files[f"packer/images/web/ansible/{name}"].decode() == requirements
    assert ("lets versions move" in said(found)) is not exact


def provisioner(source: str, destination: str) -> str:
    return f'provisioner "file" {{\n {source}\n destination = "{destination}"\n }}\n'


def test_files_of_one_name_stay_apart(imported: Imported, tmp_path: Path) -> None:
    for path, text in {"a/config": "third", "b/conf/z": "b's", "a/conf/z": "a's"}.items():
        (tmp_path / "templates" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "templates" / path).write_text(text)
    build = "".join(
        provisioner(source, destination)
        for source, destination in [
            ('content = "first"', "/srv/a/config"),
            ('content = "second"', "/srv/b/config"),
            ('source = "a/config"', "/srv/c/config"),
            ('source = "a/conf/"', "/srv/aconf"),
            ('source = "b/conf/"', "/srv/bconf"),
        ]
    )
    found = imported(template(build=build))
    texts = {path: bytes(content).decode() for path, content in found.files.items() if "/files/" in path}
    assert sorted(texts.values()) == sorted(["first", "second", "third", "a's", "b's"])
    calls = [line for line in deploy(found, "web").splitlines() if line.startswith("files.")]
    assert len({call.partition("src=")[2].partition(",")[0] for call in calls}) == 5, calls


def test_the_name_of_a_file_is_added_to_folders_alone(imported: Imported, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "app.conf").write_text("x")
    build = provisioner('source = "app.conf"', "/etc/${var.env}/app.conf")
    build += provisioner('source = "app.conf"', "/srv/${var.env}/")
    more = 'variable "env" {\n type = string\n}'
    found = deploy(imported(template(build=build, more=more)), "web")
    assert '/app.conf" + ' not in found and found.count("app.conf") >= 3, found


@pytest.mark.parametrize(
    ("kind", "image_", "owners"),
    [
        ("amazon-ebs", "acme-golden-debian-12-*", '["self"]'),
        ("amazon-ebs", "hello-kitty-*", '["123456789012"]'),
        ("docker", "registry.acme.com/team/debian-12-java:7", ""),
        ("docker", "python:3.11-bookworm", ""),
    ],
)
def test_an_image_of_somebody_elses_is_left_to_say(imported: Imported, kind: str, image_: str, owners: str) -> None:
    """Neither the distribution that its name holds, nor a role that is called alike."""
    source = f'image = "{image_}"\n commit = true'
    if owners:
        source = f'source_ami_filter {{\n filters = {{ name = "{image_}" }}\n owners = {owners}\n }}'
    text = f'source "{kind}" "web" {{\n {source}\n}}\nbuild {{\n sources = ["source.{kind}.web"]\n}}\n'
    found = imported(text, roles=["hello"])
    assert "name what it is built on in image.toml" in said(found)
    assert 'parent = "hello"' not in image(found, "web")

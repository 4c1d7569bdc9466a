"""The comment on a pull request, from previews of the shape that `pulumi preview --json` prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bakewell.retention import Policy, plan
from pulumi_bakewell.image_retention import lines
from tests.unit.by_path import module
from tests.unit.core.worlds import NOW, droplet, image

SCRIPT = Path(__file__).parents[2] / ".github" / "preview_comment.py"
IMAGE = "bakewell:index:Images$bakewell:index:PackerImage$command:local:Command"
FLEET = "bakewell:index:RoleFleet$aws:autoscaling/group:Group"
CONTAINER = "bakewell:index:RoleContainer$command:local:Command"
DROPLET = "bakewell:index:RoleDroplet$digitalocean:index/droplet:Droplet"
FRAME = "bakewell:index:Images$bakewell:index:PackerImage"


def step(op: str, kind: str, name: str, *paths: str, create: str = "", reasons: tuple[str, ...] = ()) -> dict[str, Any]:
    state = {"oldState" if op == "delete" else "newState": {"inputs": {"create": create} if create else {}}}
    diff = {path: {"kind": "update-replace"} for path in paths} or None
    return {
        "op": op,
        "urn": f"urn:pulumi:prod::shop::{kind}::{name}",
        "detailedDiff": diff,
        "diffReasons": reasons,
        **state,
    }


def build(op: str, role: str, *paths: str) -> dict[str, Any]:
    return step(op, IMAGE, role, *paths, create=f"exec bakewell build {role}")


def comment(*steps: dict[str, Any], said: str = "", severity: str = "info") -> str:
    diagnostics = [{"message": said, "severity": severity}] if said else []
    text: str = module(SCRIPT).comment({"steps": list(steps), "diagnostics": diagnostics}, "prod", "0123456789abcdef")
    return text


def test_it_names_images_with_the_files_and_machines_with_what_changed() -> None:
    text = comment(
        step("same", "pulumi:pulumi:Stack", "shop-prod"),
        build("replace", "base", "environment.BAKEWELL_FINGERPRINT", "triggers[0]", 'triggers[1]["steps/core.py"]'),
        build("replace", "web", "triggers[0]", 'triggers[1]["(parent base)"]', 'triggers[1]["image.toml"]'),
        build("create", "api"),
        build("replace", "lost", "triggers[2]"),
        build("delete", "old"),
        step("replace", DROPLET, "web-1", "image", reasons=("image", "userData")),
        step("create", DROPLET, "api-1"),
        step("delete", DROPLET, "old-1"),
        step("replace", "bakewell:index:RoleInstance$aws:ec2/instance:Instance", "aws-web-1", "ami", reasons=("ami",)),
        step("update", FLEET, "aws-web", "launchTemplate.version", reasons=("launchTemplate",)),
        step("update", FLEET, "aws-api", "desiredCapacity", reasons=("desiredCapacity",)),
        step("replace", CONTAINER, "docker-web-1", create='exec bakewell container "$CONTAINER" --image "$IMAGE"'),
        step("replace", CONTAINER, "docker-web-1-ready", create="exec bakewell ready"),
    )
    assert text.startswith("<!-- bakewell preview of prod -->\n### Preview of `prod` at `0123456789ab`\n")
    assert "**Images to build: 4**" in text and "| `old` |" not in text
    for row in (
        "| `base` | `steps/core.py` |",
        "| `web` | `(parent base)`, `image.toml` |",
        "| `api` | new |",
        "| `lost` | its image is gone or revoked |",
        "| `web-1` | replaced | `image`, `userData` |",
        "| `api-1` | new |  |",
        "| `old-1` | deleted |  |",
        "| `aws-web-1` | replaced | `ami` |",
        "| `aws-web` | fleet, its machines replaced | `launchTemplate` |",
        "| `aws-api` | fleet, changed in place | `desiredCapacity` |",
        "| `docker-web-1` | replaced |  |",
    ):
        assert row in text.splitlines()
    assert "**Machines: 7**" in text and "Other resources" not in text


def test_it_lists_what_retention_would_delete_and_nothing_that_stays() -> None:
    old, used, new = image("old", day=-9), image("used", day=-5), image("new", day=-1)
    found = plan([old, used, new], [droplet("used")], Policy(1, frozenset(), "shop"), current={}, now=NOW)
    text = comment(said="\n".join(lines(found)))
    rows = [line for line in text.splitlines() if line.startswith("| `web-")]
    assert "**Images to delete: 1**" in text and len(rows) == 1 and rows[0].startswith("| `web-old` | `id-old` | ")


def test_what_is_no_image_and_no_machine_is_counted_and_frames_are_not() -> None:
    text = comment(
        step("create", FRAME, "web"),
        step("create", "pulumi:providers:digitalocean", "digitalocean"),
        step("replace", IMAGE, "web-sfo3", create="exec bakewell copy web sfo3"),
        step(
            "replace", "bakewell:index:ImageRetention$command:local:Command", "retention", create="exec bakewell clean"
        ),
        step("create", "bakewell:index:RoleDroplet$digitalocean:index/reservedIp:ReservedIp", "consul-1"),
    )
    assert "**Other resources: 1**" in text and "| `digitalocean:index/reservedIp:ReservedIp consul-1` | new |" in text
    assert "web" not in text and "retention" not in text


def test_nothing_to_do_is_said() -> None:
    assert comment(build("same", "web")).endswith("Nothing would change.")


def test_a_failed_preview_says_why() -> None:
    text = module(SCRIPT).comment(
        {"diagnostics": [{"message": "\x1b[31mno ~~~~ token\n", "severity": "error"}]}, "prod", "0"
    )
    assert "**The preview failed**" in text and text.endswith("~~~~text\nno ~~~ token\n~~~~")
    later = comment(build("create", "web"), said="boom", severity="error")
    assert "`web`" in later and "failed** before its end" in later and "boom" in later


def test_what_a_pull_request_writes_neither_mentions_nor_links_nor_breaks_out() -> None:
    rows = comment(build("replace", "web", 'triggers[1]["a|b`@all`.txt"]'), said="would delete x (1): see [me](u) @all")
    assert "| `web` | `ab@all.txt` |" in rows
    assert "| `x` | `1` | see  me (u)  all |" in rows


def test_a_long_one_is_cut_at_a_line_and_says_so() -> None:
    script = module(SCRIPT)
    many = comment(*(build("create", f"role-{n}") for n in range(150)))
    assert many.count("| new |") == 100 and "… and 50 more" in many
    wide = comment(
        *(build("replace", f"r{n}", *(f'triggers[1]["{"x" * 900}{i}"]' for i in range(9))) for n in range(9))
    )
    assert len(wide) < 65_536 and wide.endswith("see the job's log.") and len(wide) > script.LONGEST // 2
    failed = comment(said="line\n" * 20_000, severity="error")
    assert len(failed) < 65_536 and failed.count("~~~~") == 2


def test_from_a_file_or_from_none(tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    for content, expected in (
        (json.dumps({"steps": [build("create", "web")]}), "| `web` | new |"),
        ("", "nothing is known"),
        ("no JSON", "See the log"),
    ):
        file.write_text(content)
        done = subprocess.run([sys.executable, SCRIPT, file, "prod", "abc"], capture_output=True, text=True, check=True)
        assert expected in done.stdout

"""The examples in YAML and in TypeScript, through the plugin, and in Python: previewed, up, quiet, destroyed. The first
bakes the image, and the others take it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import pytest

from bakewell_local.sandbox.direct import OPENER
from bakewell_local.toolchain import node
from tests.e2e.cloud import CloudView
from tests.e2e.workspace import MARK, PROJECT, Workspace

PROJECT_NAME = "hello"
LANGUAGES = ("yaml", "typescript", "python")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory, cloud_environment: Mapping[str, str]) -> dict[str, Workspace]:
    """The projects in folders of their own, their stacks in one backend."""
    folder = tmp_path_factory.mktemp("languages")
    (folder / "stacks").mkdir()
    own = {"PULUMI_BACKEND_URL": f"file://{folder / 'stacks'}", "BAKEWELL_STATE": str(folder / "builds")}
    env = {**cloud_environment, **own, MARK: str(folder / "cache"), "PULUMI_STACK": "dev"}
    made = {}
    for language in LANGUAGES:
        root = folder / language
        junk = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(PROJECT / "examples" / language, root, ignore=junk)
        made[language] = Workspace(root, env, PROJECT_NAME)
        made[language].init()
    return made


def quiet(stack: Workspace) -> None:
    stack.run("pulumi", "preview", "--expect-no-changes", "--non-interactive", "--color=never")


def answers(stack: Workspace) -> int:
    """The status with which the stack's one machine answers."""
    (machine,) = stack.outputs()["machines"].values()
    with OPENER.open(machine["url"], timeout=5) as answer:
        return int(answer.status)


def test_a_program_in_yaml_bakes_boots_and_is_quiet(stacks: dict[str, Workspace]) -> None:
    stack = stacks["yaml"]
    created = {kind for (kind, _), op in stack.preview().by_type.items() if op == "create"}
    assert created >= {"Images", "PackerImage", "Machines", "RoleDroplet", "ImageRetention"}
    stack.up()
    assert answers(stack) == 200
    quiet(stack)


def test_a_program_in_typescript_adopts_that_image_and_reads_it_from_the_other_stack(
    stacks: dict[str, Workspace],
) -> None:
    stack = stacks["typescript"]
    (stack.root / "node_modules").symlink_to(node.packages(stack.root))
    stack.run("pulumi", "config", "set", "platform", "organization/hello-yaml/dev")
    stack.up()
    assert answers(stack) == 200
    ids = stack.image("hello")["ids"]
    assert ids == stacks["yaml"].image("hello")["ids"], "adopted"
    assert stack.outputs()["published"] == {"digitalocean": {"hello": ids}}
    quiet(stack)


def test_a_program_in_python_adopts_that_image(stacks: dict[str, Workspace]) -> None:
    stack = stacks["python"]
    stack.up()
    assert answers(stack) == 200
    assert stack.image("hello")["ids"] == stacks["yaml"].image("hello")["ids"], "adopted"
    quiet(stack)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_is_one_message(stacks: dict[str, Workspace], language: str) -> None:
    stack = stacks[language]
    stack.configure(keep=0)
    said = stack.preview_text(check=False)
    stack.configure(keep=3)
    # Of a component that the engine gives up because of the refusal, it may say that their connection is closing.
    errors = [line for line in said.splitlines() if "error:" in line and "grpc: the client conn" not in line]
    assert len(errors) == 1, said
    (error,) = errors
    assert ("resource 'images' has a problem: " in error) is (language != "python")
    assert "`keep` should be greater" in said and "remedy: " in said
    assert "Traceback" not in said and "    at " not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_destroyed_stack_leaves_no_machine(stacks: dict[str, Workspace], language: str, cloud: CloudView) -> None:
    before = len(cloud.droplets(PROJECT_NAME))
    stacks[language].run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive")
    assert len(cloud.droplets(PROJECT_NAME)) == before - 1

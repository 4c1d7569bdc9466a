"""What `command:local:Command` and `local.run` do, row by row."""

from __future__ import annotations

import re

import pytest

from tests.providers.conftest import NewStack
from tests.providers.stack import UNKNOWN, Run, Stack

CREATE = """
    import pulumi
    from pulumi_command import local

    def command(name, create, **options):
        return local.Command(name, create=create, **options)

    c = command("c", "echo made >> made.txt; printf 'out\\\\n\\\\n'; printf 'err\\\\n' >&2")
    command("empty", "true")
    command("stdin", "cat", stdin="given")
    command("no-stdin", "cat; echo end", stdin="")
    command("here", "pwd; basename $PWD/..")
    command("there", "pwd", dir="sub")
    command("environment", "echo $PLAIN $PULUMI_CONFIG_PASSPHRASE; echo config=$PULUMI_CONFIG locale=$LC_CTYPE",
            environment={"PLAIN": "plain", "HIDDEN": pulumi.Output.secret("hunter2")})
    command("leak", "echo $HIDDEN", environment={"HIDDEN": pulumi.Output.secret("hunter2")})
    command("only-stderr", "echo out; echo err >&2", logging=local.Logging.STDERR)
    command("silent", "echo out; echo err >&2", logging=local.Logging.NONE)
    command("python", "import sys; print(sys.argv[0])", interpreter=["python3", "-c"])
    held = command("held", "(sleep 1.5; touch held.txt) & echo started")
    command("after-held", "ls held.txt", opts=pulumi.ResourceOptions(depends_on=[held]))
    free = command("free", "(sleep 1.5; touch free.txt) >/dev/null 2>&1 & echo started")
    command("after-free", "test ! -e free.txt && echo early", opts=pulumi.ResourceOptions(depends_on=[free]))
    pulumi.export("id", c.id)
"""


@pytest.fixture(scope="module")
def created(new_stack: NewStack) -> tuple[Stack, Run, Run]:
    """A stack with many commands, its preview and its up."""
    stack = new_stack("created")
    (stack.folder / "sub").mkdir()
    stack.write(CREATE)
    before = stack.preview()
    stack_knew = stack.has("made.txt")
    assert not stack_knew, "the preview ran the command"
    done = stack.up()
    assert done.code == 0, done.said()
    return stack, before, done


def out(stack: Stack, name: str) -> str:
    return str(stack[name]["outputs"]["stdout"])


def test_preview_of_a_create_runs_nothing_and_knows_no_output(created: tuple[Stack, Run, Run]) -> None:
    _, before, _ = created
    assert before.ops("c") == ["create"]
    outputs = before.outputs("c")
    assert outputs["stdout"] == outputs["stderr"] == UNKNOWN


def test_preview_of_a_create_has_a_known_id_that_differs_from_the_later_one(created: tuple[Stack, Run, Run]) -> None:
    stack, before, _ = created
    previewed = before.outputs("rows-dev")["id"]
    assert re.fullmatch(r"c[0-9a-f]{8}", previewed)
    assert previewed != stack["c"]["id"]


def test_create_gives_an_id_of_name_and_8_hex(created: tuple[Stack, Run, Run]) -> None:
    assert re.fullmatch(r"c[0-9a-f]{8}", created[0]["c"]["id"])


def test_create_trims_exactly_one_newline(created: tuple[Stack, Run, Run]) -> None:
    assert created[0]["c"]["outputs"]["stdout"] == "out\n"
    assert created[0]["c"]["outputs"]["stderr"] == "err"


def test_empty_output_is_an_empty_string(created: tuple[Stack, Run, Run]) -> None:
    assert created[0]["empty"]["outputs"]["stdout"] == ""
    assert created[0]["empty"]["outputs"]["stderr"] == ""


def test_stdin_is_passed_through(created: tuple[Stack, Run, Run]) -> None:
    assert out(created[0], "stdin") == "given"


def test_empty_stdin_reads_eof(created: tuple[Stack, Run, Run]) -> None:
    assert out(created[0], "no-stdin") == "end"


def test_dir_defaults_to_the_project_and_is_relative_to_it(created: tuple[Stack, Run, Run]) -> None:
    stack = created[0]
    assert out(stack, "here").splitlines()[0] == str(stack.folder)
    assert out(stack, "there") == str(stack.folder / "sub")


def test_the_child_has_all_of_pulumis_environment_passphrase_and_config_included_and_no_more(
    created: tuple[Stack, Run, Run],
) -> None:
    assert out(created[0], "environment").splitlines() == ["plain provider-tests", "config={} locale="]


def test_an_environment_secret_is_encrypted_in_state(created: tuple[Stack, Run, Run]) -> None:
    record = created[0]["environment"]
    assert "hunter2" not in str(record)
    assert "ciphertext" in record["inputs"]["environment"]["HIDDEN"]
    assert record["inputs"]["environment"]["PLAIN"] == "plain"


def test_a_secret_that_the_command_prints_is_in_the_open_in_state_and_log(created: tuple[Stack, Run, Run]) -> None:
    stack, _, done = created
    assert out(stack, "leak") == "hunter2"
    assert done.lines("leak") == ["hunter2"]


def test_lines_are_logged_as_logging_says(created: tuple[Stack, Run, Run]) -> None:
    _, _, done = created
    assert sorted(done.lines("c")) == ["", "err", "out"]
    assert done.lines("only-stderr") == ["err"]
    assert done.lines("silent") == []


def test_another_interpreter_gets_the_text_as_its_last_argument(created: tuple[Stack, Run, Run]) -> None:
    assert out(created[0], "python") == "-c"


def test_create_waits_for_a_background_child_that_holds_the_pipe(created: tuple[Stack, Run, Run]) -> None:
    assert out(created[0], "after-held") == "held.txt"


def test_create_does_not_wait_for_a_background_child_whose_output_goes_elsewhere(
    created: tuple[Stack, Run, Run],
) -> None:
    assert out(created[0], "after-free") == "early"


def test_refresh_never_reruns_and_never_differs(created: tuple[Stack, Run, Run]) -> None:
    stack, _, _ = created
    made = (stack.folder / "made.txt").read_text()
    done = stack.refresh()
    assert done.code == 0
    assert set(done.ops("c")) <= {"refresh", "same"}
    assert done.diff("c") == {}
    after = stack.preview()
    assert after.ops("c") == ["same"]
    assert (stack.folder / "made.txt").read_text() == made


TRIGGERS = """
    from pulumi_command import local

    version = {version}
    local.Command(
        "c",
        create=f"echo create {{version}} >> log.txt; echo out {{version}}",
        update=f"echo update {{version}} >> log.txt",
        delete=f"echo delete {{version}} $PULUMI_COMMAND_STDOUT >> log.txt",
        triggers=[1, {{"files": {{"a/b.txt": version}}}}, "same"],
    )
    local.Command("grown", create="true", triggers=["a", "b"][:version])
    local.Command("same", create="true", triggers=[1, {{"x": [True]}}])
"""


@pytest.fixture(scope="module")
def triggered(new_stack: NewStack) -> tuple[Stack, Run, Run]:
    """Commands whose triggers change, the preview of that and its up."""
    stack = new_stack("triggered")
    stack.write(TRIGGERS.format(version=1))
    assert stack.up().code == 0
    stack.write(TRIGGERS.format(version=2))
    before = stack.preview()
    done = stack.up()
    assert done.code == 0, done.said()
    return stack, before, done


def test_a_trigger_change_replaces_create_before_delete_and_update_does_not_run(
    triggered: tuple[Stack, Run, Run],
) -> None:
    stack, before, done = triggered
    steps = ["create-replacement", "replace", "delete-replaced"]
    assert before.ops("c") == steps
    assert done.ops("c") == steps
    assert stack.file("log.txt").splitlines()[:2] == ["create 1", "create 2"]


def test_the_delete_on_replacement_runs_the_old_text_with_the_old_stdout(triggered: tuple[Stack, Run, Run]) -> None:
    assert triggered[0].file("log.txt").splitlines()[2:] == ["delete 1 out 1"]


def test_the_diff_of_a_trigger_is_pathed(triggered: tuple[Stack, Run, Run]) -> None:
    diff = triggered[1].diff("c")
    assert diff['triggers[1].files["a/b.txt"]'] == "update-replace"
    assert not any(path.startswith(("triggers[0]", "triggers[2]")) for path in diff)


def test_a_trigger_added_to_the_list_replaces(triggered: tuple[Stack, Run, Run]) -> None:
    assert triggered[1].diff("grown") == {"triggers[1]": "add-replace"}


def test_equal_triggers_do_nothing(triggered: tuple[Stack, Run, Run]) -> None:
    assert triggered[1].ops("same") == ["same"]


UPDATE = """
    import pulumi
    from pulumi_command import local

    version = {version}
    new = version == 2

    def command(name, create="echo ran >> $NAME.txt; wc -l < $NAME.txt", environment=None, **options):
        return local.Command(name, create=create, environment={{"NAME": name, **(environment or {{}})}}, **options)

    command("text", create=f"echo {{version}}; echo ran >> $NAME.txt")
    command("environment", environment={{"VERSION": str(version)}})
    command("stdin", stdin=str(version))
    command("dir", create="echo ran >> {folder}/dir.txt", dir="sub" if new else ".")
    command("logging", logging=local.Logging.STDERR if new else local.Logging.STDOUT)
    command("interpreter", interpreter=["/bin/sh", "-ec" if new else "-c"])
    command("delete", delete=f"echo {{version}}")
    command("updating", update="echo updated; echo updated >> $NAME.txt", environment={{"VERSION": str(version)}})
    command("adding", create="echo ran >> $NAME.txt; cat; wc -l < $NAME.txt", **({{"stdin": "x"}} if new else {{}}))
    first = command("first", create="echo $VERSION", environment={{"VERSION": str(version)}})
    command("by-stdout", triggers=[first.stdout])
    command("by-order", opts=pulumi.ResourceOptions(depends_on=[first]))
    command("by-id", environment={{"ID": first.id}})
    command("large", create="echo $VERSION; head -c 200000 /dev/zero | tr '\\\\0' x", logging=local.Logging.NONE,
            environment={{"VERSION": str(version)}})
    command("large-but-off", create="echo $VERSION; head -c 200000 /dev/zero | tr '\\\\0' x",
            logging=local.Logging.NONE, environment={{"VERSION": str(version)}}, add_previous_output_in_env=False)
    command("previous", create="echo $VERSION; echo now $PULUMI_COMMAND_STDOUT. >&2",
            environment={{"VERSION": str(version)}})
    command("failing", create="echo $VERSION; exit $((VERSION - 1))", environment={{"VERSION": str(version)}})
"""


@pytest.fixture(scope="module")
def updated(new_stack: NewStack) -> tuple[Stack, dict[str, str], Run, Run]:
    """Commands with one input changed each, their old IDs, the preview of that and its up."""
    stack = new_stack("updated")
    (stack.folder / "sub").mkdir()
    stack.write(UPDATE.format(version=1, folder=stack.folder))
    done = stack.up()
    assert done.code == 0, done.said()
    names = ["text", "environment", "stdin", "dir", "logging", "interpreter", "delete", "updating", "adding", "failing"]
    ids = {name: stack[name]["id"] for name in names}
    stack.write(UPDATE.format(version=2, folder=stack.folder))
    return stack, ids, stack.preview(), stack.up("--continue-on-error")


@pytest.mark.parametrize("name", ["text", "environment", "stdin", "dir", "logging", "interpreter", "delete"])
def test_any_other_input_change_updates_in_place_and_reruns_create(
    updated: tuple[Stack, dict[str, str], Run, Run], name: str
) -> None:
    stack, ids, before, done = updated
    assert before.ops(name) == done.ops(name) == ["update"]
    assert stack[name]["id"] == ids[name]
    assert stack.file(f"{name}.txt") == "ran\nran\n"


def test_an_update_reruns_update_where_it_is_set(updated: tuple[Stack, dict[str, str], Run, Run]) -> None:
    stack = updated[0]
    assert out(stack, "updating") == "updated"
    assert stack.file("updating.txt") == "ran\nupdated\n"


def test_preview_of_an_update_knows_no_output_when_an_existing_input_changed(
    updated: tuple[Stack, dict[str, str], Run, Run],
) -> None:
    assert updated[2].outputs("environment")["stdout"] == UNKNOWN


def test_preview_of_an_update_shows_stale_output_when_an_absent_input_is_added(
    updated: tuple[Stack, dict[str, str], Run, Run],
) -> None:
    stack, _, before, _ = updated
    assert before.diff("adding") == {"stdin": "add"}
    assert before.outputs("adding")["stdout"] == "1"
    assert out(stack, "adding") == "x2"


def test_a_trigger_on_stdout_previews_as_a_replacement_where_it_is_unknown(
    updated: tuple[Stack, dict[str, str], Run, Run],
) -> None:
    stack, _, before, done = updated
    assert before.ops("by-stdout") == ["create-replacement", "replace", "delete-replaced"]
    assert done.ops("by-stdout") == ["create-replacement", "replace", "delete-replaced"]
    assert stack.file("by-stdout.txt") == "ran\nran\n"


@pytest.mark.parametrize("name", ["by-order", "by-id"])
def test_depends_on_or_an_id_does_not_rerun_after_an_update_in_place(
    updated: tuple[Stack, dict[str, str], Run, Run], name: str
) -> None:
    stack, _, before, done = updated
    assert before.ops(name) == done.ops(name) == ["same"]
    assert stack.file(f"{name}.txt") == "ran\n"


def test_200_kb_of_output_makes_the_next_update_fail(updated: tuple[Stack, dict[str, str], Run, Run]) -> None:
    stack, _, _, done = updated
    assert "argument list too long" in done.said()
    assert out(stack, "large").startswith("1\n")


def test_without_previous_output_in_the_environment_it_may_be_as_long_as_it_likes(
    updated: tuple[Stack, dict[str, str], Run, Run],
) -> None:
    assert out(updated[0], "large-but-off").startswith("2\n")


def test_the_previous_output_is_in_the_environment_by_default(
    updated: tuple[Stack, dict[str, str], Run, Run],
) -> None:
    assert updated[0]["previous"]["outputs"]["stderr"] == "now 1."


def test_a_failed_update_keeps_the_old_inputs_and_outputs(updated: tuple[Stack, dict[str, str], Run, Run]) -> None:
    stack, ids, _, done = updated
    assert done.code != 0
    assert 'exit status 1: running "echo $VERSION; exit $((VERSION - 1))":\n2' in done.said()
    record = stack["failing"]
    assert record["id"] == ids["failing"]
    assert record["inputs"]["environment"]["VERSION"] == "1"
    assert record["outputs"]["stdout"] == "1"


def test_local_run_runs_in_preview_and_in_up(stack: Stack) -> None:
    stack.write(
        """
        import pulumi
        from pulumi_command import local

        done = local.run(command="echo ran >> runs.txt; echo here", environment={"A": "b"})
        pulumi.export("said", done.stdout)
        """
    )
    assert stack.preview().code == 0
    assert stack.file("runs.txt") == "ran\n"
    done = stack.up()
    assert stack.file("runs.txt") == "ran\nran\n"
    assert done.outputs("rows-dev")["said"] == "here"

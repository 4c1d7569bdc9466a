"""What `command:local:Command` does, row by row: one stack, whose program changes once, and what came of each step."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.providers.asking import Refused
from tests.providers.conftest import NewStack
from tests.providers.plugin import Plugin
from tests.providers.stack import UNKNOWN, Run, Stack, State

PROGRAM = """
    import pulumi
    from pulumi_command import local

    version = {version}
    new = version == 2
    opts = pulumi.ResourceOptions
    count = "echo ran >> $NAME.txt; wc -l < $NAME.txt"

    def made(name, create, **options):
        return local.Command(name, create=create, **options)

    def changed(name, create=count, environment=None, **options):
        return made(name, create, environment={{"NAME": name, **(environment or {{}})}}, **options)

    # What a create does.
    c = made("c", "echo made >> made.txt; printf 'out\\\\n\\\\n'; printf 'err\\\\n' >&2")
    made("empty", "true")
    made("stdin-given", "cat", stdin="given")
    made("no-stdin", "cat; echo end", stdin="")
    made("here", "pwd; basename $PWD/..")
    made("there", "pwd", dir="sub")
    made("outside", "echo $PLAIN $PULUMI_CONFIG_PASSPHRASE; echo config=$PULUMI_CONFIG locale=$LC_CTYPE",
         environment={{"PLAIN": "plain", "HIDDEN": pulumi.Output.secret("hunter2")}})
    made("leak", "echo $HIDDEN", environment={{"HIDDEN": pulumi.Output.secret("hunter2")}})
    made("only-stderr", "echo out; echo err >&2", logging=local.Logging.STDERR)
    made("silent", "echo out; echo err >&2", logging=local.Logging.NONE)
    made("python", "import sys; print(sys.argv[0])", interpreter=["python3", "-c"])
    held = made("held", "(sleep 1.5; touch held.txt) & echo started")
    made("after-held", "ls held.txt", opts=opts(depends_on=[held]))
    free = made("free", "(for i in $(seq 300); do test -e go.txt && break; sleep 0.1; done; touch free.txt)"
                        " >/dev/null 2>&1 & echo started")
    made("after-free", "test ! -e free.txt && echo early; touch go.txt", opts=opts(depends_on=[free]))
    pulumi.export("id", c.id)

    # Triggers.
    made(
        "triggered",
        f"echo create {{version}} >> log.txt; echo out {{version}}",
        update=f"echo update {{version}} >> log.txt",
        delete=f"echo delete {{version}} $PULUMI_COMMAND_STDOUT >> log.txt",
        triggers=[1, {{"files": {{"a/b.txt": version}}}}, "same"],
    )
    made("grown", "true", triggers=["a", "b"][:version])
    made("same", "true", triggers=[1, {{"x": [True]}}])

    # Any other input.
    changed("text", f"echo {{version}}; echo ran >> $NAME.txt")
    changed("environment", environment={{"VERSION": str(version)}})
    changed("stdin", stdin=str(version))
    changed("dir", "echo ran >> {folder}/dir.txt", dir="sub" if new else ".")
    changed("logging", logging=local.Logging.STDERR if new else local.Logging.STDOUT)
    changed("interpreter", interpreter=["/bin/sh", "-ec" if new else "-c"])
    changed("delete", delete=f"echo {{version}}")
    of_version = {{"VERSION": str(version)}}
    changed("updating", update="echo updated; echo updated >> $NAME.txt", environment=of_version)
    changed("adding", "echo ran >> $NAME.txt; cat; wc -l < $NAME.txt", **({{"stdin": "x"}} if new else {{}}))
    first = changed("first", "echo $VERSION", environment=of_version)
    changed("by-stdout", triggers=[first.stdout])
    changed("by-order", opts=opts(depends_on=[first]))
    changed("by-id", environment={{"ID": first.id}})
    large = "echo $VERSION; head -c 200000 /dev/zero | tr '\\\\0' x"
    changed("large", large, logging=local.Logging.NONE, environment=of_version)
    changed("large-but-off", large, logging=local.Logging.NONE, environment=of_version,
            add_previous_output_in_env=False)
    changed("previous", "echo $VERSION; echo now $PULUMI_COMMAND_STDOUT. >&2", environment=of_version)

    # Deletions.
    for name, trigger in (("replaced", version), ("updated", "constant")):
        changed(
            name,
            "echo create $VERSION $OUTSIDE >>$NAME.txt; echo out $VERSION",
            environment=of_version,
            delete="echo delete $VERSION $OUTSIDE $PULUMI_COMMAND_STDOUT >>$NAME.txt",
            triggers=[trigger],
        )
    made("undeletable", "true", triggers=[version],
         delete=f"echo {{'edited' if new else 'stored'}} >> deletes.txt; test -e allowed.txt")

    # Failures.
    changed("failing", "echo $VERSION; exit $((VERSION - 1))", environment=of_version)
    made("irreplaceable", f"echo {{version}}; exit {{version - 1}}", triggers=[version])
    if new:
        made("fails", "echo out; echo err >&2; exit 3")
        made("nowhere", "true", dir="not/there")
        made("bytes", "touch bytes.txt; printf '\\\\377'")
        made("late", "trap 'touch trapped.txt' TERM INT EXIT; while :; do sleep 0.1; done",
             opts=opts(custom_timeouts=pulumi.CustomTimeouts(create="1s")))
        made("no-program", "true", interpreter=["not-a-program"])
"""
REPLACED = ["create-replacement", "replace", "delete-replaced"]


@dataclass(frozen=True)
class Life:
    """The stack from its first preview to its end: what each step did, and the state and the files after it."""

    stack: Stack
    unborn: Run
    made: Run
    created: State
    refreshed: Run
    same: Run
    before: Run
    done: Run
    state: State
    files: dict[str, str]
    retried: Run
    pending: State
    gone: Run

    def out(self, name: str) -> str:
        return str(self.state[name]["outputs"]["stdout"])


@pytest.fixture(scope="module")
def life(new_stack: NewStack) -> Life:
    stack = new_stack("commands")
    (stack.folder / "sub").mkdir()
    stack.environment["OUTSIDE"] = "then"
    stack.write(PROGRAM.format(version=1, folder=stack.folder))
    unborn = stack.preview()
    assert not stack.has("made.txt"), "the preview ran the command"
    made = stack.up()
    assert made.code == 0, made.said()
    created = stack.state()
    refreshed, same = stack.refresh(), stack.preview()
    stack.environment["OUTSIDE"] = "now"
    stack.write(PROGRAM.format(version=2, folder=stack.folder))
    before, done = stack.preview(), stack.up("--continue-on-error")
    state, files = stack.state(), {path.stem: path.read_text() for path in stack.folder.glob("*.txt")}
    retried, pending = stack.up("--continue-on-error"), stack.state()
    (stack.folder / "allowed.txt").touch()
    gone = stack.destroy()
    assert gone.code == 0, gone.said()
    return Life(stack, unborn, made, created, refreshed, same, before, done, state, files, retried, pending, gone)


def test_preview_of_a_create_runs_nothing_and_knows_no_output(life: Life) -> None:
    assert life.unborn.ops("c") == ["create"]
    outputs = life.unborn.outputs("c")
    assert outputs["stdout"] == outputs["stderr"] == UNKNOWN


def test_an_id_is_the_name_and_8_hex_and_that_of_a_preview_is_not_the_later_one(life: Life) -> None:
    previewed, later = life.unborn.outputs("rows-dev")["id"], life.created["c"]["id"]
    assert re.fullmatch(r"c[0-9a-f]{8}", previewed)
    assert re.fullmatch(r"c[0-9a-f]{8}", later)
    assert previewed != later


@pytest.mark.parametrize(
    ("name", "stdout", "stderr"),
    [
        pytest.param("c", "out\n", "err", id="one_newline_is_trimmed"),
        pytest.param("empty", "", "", id="no_output_is_an_empty_text"),
        pytest.param("stdin-given", "given", "", id="stdin_is_passed_through"),
        pytest.param("no-stdin", "end", "", id="an_empty_stdin_reads_eof"),
        pytest.param("leak", "hunter2", "", id="a_secret_that_is_printed_is_in_the_open"),
        pytest.param("python", "-c", "", id="another_interpreter_gets_the_text_last"),
        pytest.param("after-held", "held.txt", "", id="a_create_waits_for_a_child_that_holds_the_pipe"),
        pytest.param("after-free", "early", "", id="a_create_does_not_wait_for_a_child_whose_output_goes_elsewhere"),
        pytest.param("outside", "plain provider-tests\nconfig={} locale=", "", id="all_of_pulumis_environment_no_more"),
    ],
)
def test_a_create_gives_what_the_command_prints(life: Life, name: str, stdout: str, stderr: str) -> None:
    outputs = life.created[name]["outputs"]
    assert (outputs["stdout"], outputs["stderr"]) == (stdout, stderr)


def test_dir_defaults_to_the_project_and_is_relative_to_it(life: Life) -> None:
    assert life.out("here").splitlines()[0] == str(life.stack.folder)
    assert life.out("there") == str(life.stack.folder / "sub")


def test_an_environment_secret_is_encrypted_in_state(life: Life) -> None:
    record = life.created["outside"]
    assert "hunter2" not in str(record)
    assert "ciphertext" in record["inputs"]["environment"]["HIDDEN"]
    assert record["inputs"]["environment"]["PLAIN"] == "plain"


def test_lines_are_logged_as_logging_says(life: Life) -> None:
    assert sorted(life.made.lines("c")) == ["", "err", "out"]
    assert life.made.lines("only-stderr") == ["err"]
    assert life.made.lines("silent") == []
    assert life.made.lines("leak") == ["hunter2"]


def test_refresh_never_reruns_and_never_differs(life: Life) -> None:
    assert life.refreshed.code == 0
    assert set(life.refreshed.ops("c")) <= {"refresh", "same"}
    assert life.refreshed.diff("c") == {}
    assert life.same.ops("c") == ["same"]
    assert life.files["made"] == "made\n"


def test_a_trigger_change_replaces_create_before_delete_with_the_old_text_and_stdout_and_no_update(life: Life) -> None:
    assert life.before.ops("triggered") == life.done.ops("triggered") == REPLACED
    assert life.files["log"].splitlines() == ["create 1", "create 2", "delete 1 out 1"]


def test_the_diff_of_a_trigger_is_pathed(life: Life) -> None:
    diff = life.before.diff("triggered")
    assert diff['triggers[1].files["a/b.txt"]'] == "update-replace"
    assert not any(path.startswith(("triggers[0]", "triggers[2]")) for path in diff)


def test_a_trigger_added_to_the_list_replaces_and_equal_ones_do_nothing(life: Life) -> None:
    assert life.before.diff("grown") == {"triggers[1]": "add-replace"}
    assert life.before.ops("same") == ["same"]


@pytest.mark.parametrize("name", ["text", "environment", "stdin", "dir", "logging", "interpreter", "delete"])
def test_any_other_input_change_updates_in_place_and_reruns_create(life: Life, name: str) -> None:
    assert life.before.ops(name) == life.done.ops(name) == ["update"]
    assert life.state[name]["id"] == life.created[name]["id"]
    assert life.files[name] == "ran\nran\n"


def test_an_update_reruns_update_where_it_is_set(life: Life) -> None:
    assert life.out("updating") == "updated"
    assert life.files["updating"] == "ran\nupdated\n"


def test_preview_of_an_update_knows_no_output_when_an_existing_input_changed(life: Life) -> None:
    assert life.before.outputs("environment")["stdout"] == UNKNOWN


def test_preview_of_an_update_shows_stale_output_when_an_absent_input_is_added(life: Life) -> None:
    assert life.before.diff("adding") == {"stdin": "add"}
    assert life.before.outputs("adding")["stdout"] == "1"
    assert life.out("adding") == "x2"


def test_a_trigger_on_stdout_previews_as_a_replacement_where_it_is_unknown(life: Life) -> None:
    assert life.before.ops("by-stdout") == life.done.ops("by-stdout") == REPLACED
    assert life.files["by-stdout"] == "ran\nran\n"


@pytest.mark.parametrize("name", ["by-order", "by-id"])
def test_depends_on_or_an_id_does_not_rerun_after_an_update_in_place(life: Life, name: str) -> None:
    assert life.before.ops(name) == life.done.ops(name) == ["same"]
    assert life.files[name] == "ran\n"


def test_200_kb_of_previous_output_in_the_environment_make_the_next_update_fail(life: Life) -> None:
    assert life.state["previous"]["outputs"]["stderr"] == "now 1.", "by default it is there"
    assert "argument list too long" in life.done.said()
    assert life.out("large").startswith("1\n")
    assert life.out("large-but-off").startswith("2\n")


def test_a_failed_update_keeps_the_old_inputs_and_outputs(life: Life) -> None:
    assert life.done.code != 0
    assert 'exit status 1: running "echo $VERSION; exit $((VERSION - 1))":\n2' in life.done.said()
    record = life.state["failing"]
    assert record["id"] == life.created["failing"]["id"]
    assert record["inputs"]["environment"]["VERSION"] == "1"
    assert record["outputs"]["stdout"] == "1"


@pytest.mark.parametrize(("name", "deleted"), [("replaced", ["delete 1 now out 1"]), ("updated", [])])
def test_a_command_deletes_with_its_last_environment_and_that_of_the_process(
    life: Life, name: str, deleted: list[str]
) -> None:
    """One that is replaced once the new one is there, one that is updated in place when it is destroyed."""
    assert life.files[name].splitlines() == ["create 1 then", "create 2 now", *deleted]
    assert life.gone.ops(name) == ["delete"]
    assert life.stack.file(f"{name}.txt").removeprefix(life.files[name]) == "delete 2 now out 2\n"


def test_a_nonzero_exit_is_told_with_the_command_and_its_output(life: Life) -> None:
    said = life.done.said()
    told = said[said.index("exit status 3: running ") :]
    assert told.startswith('exit status 3: running "echo out; echo err >&2; exit 3":\n')
    assert sorted(told.splitlines()[1:3]) == ["err", "out"]


def test_a_failed_replacement_leaves_the_old_resource_untouched(life: Life) -> None:
    record = life.state["irreplaceable"]
    assert record["outputs"]["stdout"] == "1"
    assert record["inputs"]["triggers"] == [1]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fails", "exit status 3: running "),
        ("nowhere", "chdir not/there: no such file or directory"),
        pytest.param("bytes", "invalid UTF-8", id="output_that_is_not_utf8_fails_after_the_command_ran"),
        pytest.param("late", "signal: killed", id="custom_timeouts_are_honoured_by_sigkill"),
        ("no-program", '"not-a-program": executable file not found in $PATH'),
    ],
)
def test_a_create_fails_in_up_only_and_leaves_nothing_in_state(life: Life, name: str, told: str) -> None:
    assert life.before.code == 0
    assert told in life.done.said()
    assert life.state.resources(name) == []
    assert "bytes" in life.files
    assert "trapped" not in life.files


def test_a_failing_delete_stays_pending_and_is_retried_with_the_stored_text(life: Life) -> None:
    assert life.retried.code != 0
    for state in (life.state, life.pending):
        assert [record.get("delete", False) for record in state.resources("undeletable")] == [False, True]
    assert (life.files["deletes"], life.stack.file("deletes.txt")[:14]) == ("stored\n", "stored\nstored\n")


@pytest.mark.stand_in("command", why="the real plugin takes asset paths, and crashes after a refresh")
def test_asset_paths_cannot_be_used(command: Plugin) -> None:
    _, failures = command.check("command:local:Command", "c", {}, create="true", assetPaths=["*.txt"])
    assert "is not implemented" in failures["assetPaths"]


@pytest.mark.stand_in("command", why="the real plugin has them")
def test_what_it_does_not_have_is_refused_with_the_way_out(command: Plugin) -> None:
    with pytest.raises(Refused, match=r"pulumi plugin install resource command 1\.2\.1"):
        command.make("command:remote:Command", "r", create="true")
    with pytest.raises(Refused, match=r"command:local:run is not implemented"):
        command.invoke("command:local:run", command="true")

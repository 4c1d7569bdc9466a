"""`provisioner "shell"`: one `script.run` for each script; inline commands are `inline`'s."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bakewell.migration.blocks.inline import STEP, environment, inline
from bakewell.migration.copying import Copied, NotCopied
from bakewell.migration.language.syntax import At, Attribute, Block
from bakewell.migration.masking import leak, printable, secret_named
from bakewell.migration.role import Python, Raw, call, commented
from bakewell.migration.values import Const, Held, Items, Joined, Table, Value, lost, plain, secret_name, word
from bakewell.migration.working import Working

_SETTLED = {
    **dict.fromkeys(
        ("remote_folder", "remote_file", "remote_path", "skip_clean", "use_env_var_file", "env_var_format", "binary"),
        "script.run places the script and removes it",
    ),
    **dict.fromkeys(("only", "except"), "the role has those provisioners alone that its sources have"),
    **dict.fromkeys(
        ("start_retry_timeout", "timeout", "pause_before"),
        "nothing to wait for; a build has one limit, `[build] timeout_minutes`",
    ),
    "type": "its label",
}
_TODO = {
    "expect_disconnect": "a build is one connection: have what needs a restart done when a machine starts",
    "max_retries": "have the script itself try again",
    "valid_exit_codes": "have the script itself end with 0",
    "override": "make one role for each source, or look at the machine in the script",
    "pause_after": "have the script itself wait for what it waits for",
}
_PLAIN_WORDS = re.compile(
    r"(?:echo|sudo|-[A-Za-z]+|--(?:login|preserve-env|non-interactive)|env|su|root|exec|bash|sh|chmod|\+x|0?[0-7]{3}|cd|/tmp"
    r"|/(?:usr/)?bin/(?:env|sudo|bash|sh)|[|;&]+|export|PATH=\S+|'[^']*'|\"[^\"]*\"|[A-Z_]+=\S*)\Z"
)


def shell(working: Working, block: Block) -> None:
    """Translate the block."""
    working.ledger.translated(block, "deploy.py")
    options = _environment(working, block)
    _execute(working, block)
    done = {"inline", "inline_shebang", "script", "scripts", "environment_vars", "env", "execute_command"}
    flag = block.get("expect_disconnect")
    if flag is not None and flag.value.source == "false":
        working.settle(block, "expect_disconnect", "it is the rule")
        done.add("expect_disconnect")
    working.rest(block, done, _SETTLED, _TODO)
    if block.get("inline") is not None:
        inline(working, block, options)
    for name in ("script", "scripts"):
        if (found := working.value(block, name)) is not None:
            attribute, value = found
            for item in value.items if isinstance(value, Items) else (value,):
                _script(working, attribute, item, options)


def _environment(working: Working, block: Block) -> dict[str, Python]:
    options: dict[str, Python] = {}
    for name in ("environment_vars", "env"):
        if (found := working.value(block, name)) is None:
            continue
        attribute, value = found
        pairs = _pairs(value)
        if pairs is None:
            working.left(attribute, value)
            continue
        for key, item in pairs:
            if lost(item):
                working.left(attribute, item, of=key)
            elif isinstance(item, Const) and item.value and _secret(key, word(item.value)):
                secret = secret_name(key)
                working.role.use(Held("secrets", secret, None, f"{attribute.at} had a value", attribute.at))
                options[key] = Raw(f'secrets["{secret}"]')
                remedy = f"it looks like a secret and is not copied: export {secret} before a build, and change it"
                working.role.todo(working.ledger.todo(attribute, remedy, what=f"{attribute.name}: {key}={'*' * 8}"))
            else:
                options[key] = working.role.python(item) if isinstance(item, Held) else working.role.text(item)
    return options


def _secret(key: str, value: str) -> bool:
    """Whether the value looks like a secret, by the variable's name or by itself."""
    return secret_named(key) or bool(re.search(r"(?i)(?:pass|pw|pwd)$", key)) or leak(f"{key}={value}") is not None


def _pairs(value: Value) -> list[tuple[str, Value]] | None:
    """Names and values of an environment, from a list of `NAME=value` or an object."""
    if isinstance(value, Table):
        return list(value.items)
    if not isinstance(value, Items):
        return None
    pairs: list[tuple[str, Value]] = []
    for item in value.items:
        parts = item.parts if isinstance(item, Joined) else (item,)
        first = parts[0]
        name, found, rest = word(first.value).partition("=") if isinstance(first, Const) else ("", "", "")
        if not found or not re.fullmatch(r"[A-Za-z_]\w*", name):
            pairs.append(("", item)) if lost(item) else pairs.append(("", Joined((Const("="), item))))
            continue
        kept = tuple(part for part in (Const(rest), *parts[1:]) if part != Const(""))
        pairs.append((name, kept[0] if len(kept) == 1 else Joined(kept) if kept else Const("")))
    return pairs


def _execute(working: Working, block: Block) -> None:
    """How Packer starts a script is of no use here, unless it does more than becoming root."""
    attribute = block.get("execute_command")
    if attribute is None:
        return
    said = re.sub(r"\{\{.*?\}\}", " ", attribute.value.source.strip('"'))
    said = re.sub(r"\$\{[^}]*\}", "x", said.replace('\\"', '"').replace("\\'", "'"))
    words = re.findall(r"'[^']*'|\"[^\"]*\"|[|;&]+|[^\s'\"|;&]+", said)
    other = re.search(r"(?:sudo|su)\b(?:\s+-[A-Za-z]+)*\s+-u\s*(\S+)|--user[= ](\S+)", said)
    user = (other[1] or other[2]) if other else "root"
    if user != "root":
        finding = working.ledger.todo(
            attribute,
            f"scripts run as root: have it run `su {printable(user)} -c …` where it has to",
            what="execute_command: with another user",
        )
        working.role.todo(finding)
        working.settle(block, "execute_command", "scripts run as root")
    elif all(_PLAIN_WORDS.match(each) or each == "x" for each in words):
        working.settle(block, "execute_command", "scripts run as root already, by their #! line")
    else:
        remedy = "scripts run as root, by their #! line: have the script itself do whatever else it did"
        working.role.todo(working.ledger.todo(attribute, remedy, what="execute_command"))


def _script(working: Working, attribute: Attribute, value: Value, options: Mapping[str, Python]) -> None:
    name = path_of(working, attribute, value)
    if name is None:
        return
    try:
        source = working.role.copier.find(name)
        if source.is_dir():
            raise NotCopied("it is a folder", "name the scripts in deploy.py, a `script.run` each")
        copied = working.role.copier.file(source, f"files/{source.name}")
    except NotCopied as error:
        working.not_copied(attribute, name, error)
        path = f"files/{name.rpartition('/')[2]}"
        working.role.lines += commented("\n".join(call("script.run", path, **environment(options))))
        return
    look(working, attribute, copied)
    working.role.steps.add(STEP)
    working.role.call("script.run", working.role.add(copied), **environment(options))


def path_of(working: Working, attribute: Attribute, value: Value) -> str | None:
    """A path that a template names; None where it is lost, which is reported."""
    found = plain(value)
    if isinstance(found, str):
        return found
    if lost(value):
        working.left(attribute, value)
    else:
        remedy = "put the file into files/ and name it in deploy.py"
        working.role.todo(working.ledger.todo(attribute, remedy, what=f"{attribute.name}: a value that is not known"))
    return None


def look(working: Working, attribute: Attribute, copied: Copied) -> None:
    """Report what in a copied script will want a look."""
    lines = copied.content.decode("utf-8", "replace").splitlines()
    if b"\r\n" in copied.content or b"\0" in copied.content:
        remedy = "write it with line feeds alone; a program goes to the machine by files.put"
        what = f"{copied.path} has line ends of Windows, or is no text"
        working.role.todo(working.ledger.todo(attribute, remedy, what=what))
    for number, line in enumerate(lines, 1):
        if why := leak(line):
            at = At(f"packer/images/{working.role.name}/{copied.path}", number, number)
            remedy = "take it out, declare it under [secrets], and name it in `secrets` of script.run"
            working.ledger.remark(at, f"line {number} looks like a secret: {why}", remedy)
    if any("PACKER_" in line for line in lines):
        remedy = "give it by `env` of script.run what it needs of PACKER_…: there are no such variables"
        working.role.todo(
            working.ledger.todo(attribute, remedy, what=f"{copied.path} reads variables that Packer sets")
        )

"""`provisioner "ansible"` and `"ansible-local"`: one `ansible.play`, with what the playbook needs in ansible/."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from bakewell.errors import ConfigError
from bakewell.migration.blocks.shell import look, path_of
from bakewell.migration.copying import Copied, NotCopied
from bakewell.migration.language.syntax import Attribute, Block
from bakewell.migration.masking import HIDDEN, leak, printable, secret_named
from bakewell.migration.role import Python
from bakewell.migration.values import Const, Held, Items, Joined, Value, held, lost, plain, secret_name, word
from bakewell.migration.working import Working
from bakewell.reading import from_yaml

STEP = "ansible"
REQUIREMENTS = "requirements.yml"
_VERSION = re.compile(r"v?\d+(\.\d+)+([-+.][0-9A-Za-z.+-]+)?|[0-9a-f]{40}")
FOLDER = "ansible"
_BESIDE = (
    "roles",
    "group_vars",
    "host_vars",
    "templates",
    "files",
    "vars",
    "tasks",
    "handlers",
    "library",
    "filter_plugins",
    "collections",
)
"""Folders that a playbook finds beside itself."""

_SETTLED = {
    **dict.fromkeys(
        (
            *(
                "user",
                "use_proxy",
                "host_alias",
                "local_port",
                "ssh_host_key_file",
                "ssh_authorized_key_file",
                "sftp_command",
            ),
            *(
                "skip_version_check",
                "ansible_env_vars",
                "use_sftp",
                "staging_directory",
                "clean_staging_directory",
                "command",
            ),
            *("keep_inventory_file", "ansible_proxy_key_type", "ansible_ssh_extra_args", "empty_groups", "timeout"),
        ),
        "ansible.play connects by itself",
    ),
    **dict.fromkeys(("only", "except"), "the role has those provisioners alone that its sources have"),
    "type": "its label",
    "pause_before": "there is nothing to wait for",
}
_TODO = {
    "inventory_file": "a play runs on one machine: have the playbook say `hosts: all`",
    "inventory_directory": "a play runs on one machine: have the playbook say `hosts: all`",
    "galaxy_command": "leave it out: collections come by the requirements file, locked",
    "roles_path": "put the roles into ansible/roles/",
    "collections_path": "name the collections in ansible/requirements.yml",
    "override": "make one role for each source",
}
_COPIED = (
    "playbook_dir",
    "role_paths",
    "playbook_paths",
    "group_vars",
    "host_vars",
    "collection_paths",
    "playbook_files",
)


def ansible(working: Working, block: Block) -> None:
    """Translate the block."""
    working.ledger.translated(block, "deploy.py")
    options, more = _arguments(working, block)
    done = {
        "playbook_file",
        "playbook_files",
        "extra_arguments",
        "galaxy_file",
        "ansible_env_vars",
        "groups",
        "inventory_groups",
        *_COPIED,
    }
    if (found := working.value(block, "ansible_env_vars")) is not None:
        working.settle(block, "ansible_env_vars", "ansible.play connects by itself")
        done.add("ansible_env_vars")
    working.rest(block, done, _SETTLED, _TODO)
    for name in (*_COPIED, "galaxy_file"):
        if (found := working.value(block, name, f"{FOLDER}/")) is not None and name != "playbook_files":
            attribute, value = found
            for item in value.items if isinstance(value, Items) else (value,):
                _beside(working, attribute, item)
    groups: list[str] = []
    for name in ("groups", "inventory_groups"):
        if (found := working.value(block, name)) is not None:
            listed = plain(found[1])
            if isinstance(listed, list) and all(isinstance(each, str) for each in listed):
                groups += listed
            else:
                working.left(*found)
    plays = []
    for name in ("playbook_file", "playbook_files"):
        if (found := working.value(block, name)) is not None:
            attribute, value = found
            items = value.items if isinstance(value, Items) else (value,)
            plays += [path for item in items if (path := _playbook(working, attribute, item)) is not None]
    for path in plays:
        working.role.steps.add(STEP)
        working.role.call(
            "ansible.play",
            path,
            extra_vars=options.extra,
            groups=groups,
            secrets=options.secrets,
            vault_password=options.vault_password,
        )
        for line in more:
            working.role.comment(line)


def _playbook(working: Working, attribute: Attribute, value: Value) -> str | None:
    """Copy a playbook with what lies beside it; gives its path."""
    name = path_of(working, attribute, value)
    if name is None:
        return None
    try:
        source = working.role.copier.find(name)
        if source.is_dir():
            raise NotCopied("it is a folder", "name the playbook")
        copied = working.role.copier.file(source, f"{FOLDER}/{source.name}")
    except NotCopied as error:
        working.not_copied(attribute, name, error)
        working.role.comment(f'ansible.play("{FOLDER}/{name.rpartition("/")[2]}")')
        return None
    path = working.role.add(copied)
    look(working, attribute, copied)
    text = copied.content.decode("utf-8", "replace")
    named = {word for line in text.splitlines() for word in re.split(r"[\s'\":,/\[\]]+", line)}
    wanted = named | {"ansible.cfg", "requirements.yml", "requirements.yaml"}
    for beside in sorted(source.parent.iterdir()):
        if beside.name in _BESIDE and beside.is_dir():
            _tree(working, attribute, beside, f"{FOLDER}/{beside.name}")
        elif beside != source and beside.suffix in (".yml", ".yaml", ".cfg") and beside.name in wanted:
            _one(working, attribute, beside)
    return path


def _one(working: Working, attribute: Attribute, path: Path) -> None:
    try:
        if path.is_symlink() or not path.is_file():
            raise NotCopied("it is a link, or no file", "put a file in its place")
        if path.stem == "requirements":
            _requirements(working, attribute, path)
        else:
            working.role.add(working.role.copier.file(path, f"{FOLDER}/{path.name}"))
    except NotCopied as error:
        working.not_copied(attribute, path.name, error)


def _tree(working: Working, attribute: Attribute, folder: Path, below: str) -> None:
    if folder.is_symlink():
        working.not_copied(attribute, folder.name, NotCopied("it is a link", "put a folder in its place"))
        return
    for copied in working.role.copier.tree(folder, below):
        if isinstance(copied, Copied):
            working.role.add(copied)
        else:
            working.not_copied(attribute, f"{folder.name}/{copied[0]}", copied[1])


def _beside(working: Working, attribute: Attribute, value: Value) -> None:
    """What a template has uploaded besides the playbook."""
    name = path_of(working, attribute, value)
    if name is None:
        return
    try:
        source = working.role.copier.find(name)
        if source.is_file():
            if attribute.name == "galaxy_file":
                _requirements(working, attribute, source)
            else:
                working.role.add(working.role.copier.file(source, f"{FOLDER}/{source.name}"))
            return
    except NotCopied as error:
        working.not_copied(attribute, name, error)
        return
    below = {"group_vars": "group_vars", "host_vars": "host_vars", "role_paths": f"roles/{source.name}"}
    where = below.get(attribute.name, "" if attribute.name == "playbook_dir" else source.name)
    _tree(working, attribute, source, f"{FOLDER}/{where}".rstrip("/"))


def _requirements(working: Working, attribute: Attribute, path: Path) -> None:
    """Collections and roles to install: under the name that counts only where each has an exact version."""
    copied = working.role.copier.file(path, f"{FOLDER}/{REQUIREMENTS}")
    if _exact(copied.content.decode("utf-8", "replace"), path):
        working.role.add(copied)
        return
    del working.role.copier.taken[copied.path]
    working.role.files.pop(copied.path, None)
    name = f"{FOLDER}/requirements.imported.yml"
    working.role.add(Copied(name, copied.content, False))
    remedy = f"state an exact version of each collection and role in {name}, and rename it to {REQUIREMENTS}"
    what = f"{attribute.name}: {printable(path.name)} lets versions move"
    working.role.todo(working.ledger.todo(attribute, remedy, what=what))


def _exact(text: str, path: Path) -> bool:
    try:
        read = from_yaml(text, path, path.name) or {}
    except ConfigError:
        return False
    tables = read if isinstance(read, dict) else {"roles": read}
    entries = [entry for table in tables.values() for entry in (table if isinstance(table, list) else [None])]
    versions = [str(entry.get("version") or "") if isinstance(entry, dict) else "" for entry in entries]
    return set(tables) <= {"collections", "roles"} and all(map(_VERSION.fullmatch, versions))


@dataclass
class _Options:
    """Of a play."""

    extra: dict[str, Python] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    vault_password: str = ""


def _arguments(working: Working, block: Block) -> tuple[_Options, list[str]]:
    """What the command line says that a play takes, and comments on other arguments."""
    options = _Options()
    attribute = block.get("extra_arguments")
    if attribute is None or (found := working.value(block, "extra_arguments")) is None:
        return options, []
    value = found[1]
    if not isinstance(value, Items):
        working.left(attribute, value)
        return options, []
    comments: list[str] = []
    after, left = False, ""
    for item in value.items:
        head = plain(item) if isinstance(item, Const) else None
        text = head if isinstance(head, str) else ""
        if text in ("-e", "--extra-vars"):
            after = True
            continue
        started = re.match(r"(--extra-vars[= ]|-e[= ]?)", _start(item))
        if after or started:
            _extra(working, attribute, _without(item, started[0] if started else ""), options)
        elif re.fullmatch(r"-v+|--verbose|-b|--become|--scp-extra-args|'-O'|-O|--ssh-extra-args|-o\s?\S+", text):
            pass
        else:
            remedy = "say it in the playbook, or see what ansible.play takes"
            if "vault" in _start(item):
                options.vault_password = "ANSIBLE_VAULT_PASSWORD"
                purpose = "opens what ansible-vault encrypted"
                working.role.use(Held("secrets", options.vault_password, None, purpose, attribute.at))
                remedy = f"export {options.vault_password} before a build: no file or program is asked for it"
            shown = _start(item)[:100]
            if not shown.startswith("-") and comments and left:
                shown = f"{left} {shown}"
                comments.pop()
            left = shown
            finding = working.ledger.todo(attribute, remedy, what=f"extra_arguments: {shown}")
            comments.append(finding.comment)
            for part in held(item):
                working.role.use(part)
            after = False
            continue
        after, left = False, ""
    return options, comments


def _start(item: Value) -> str:
    if isinstance(item, Const):
        return word(item.value)
    first = item.parts[0] if isinstance(item, Joined) else None
    return word(first.value) if isinstance(first, Const) else ""


def _without(item: Value, lead: str) -> Value:
    """The value without its first characters."""
    if not lead:
        return item
    if isinstance(item, Const):
        return Const(word(item.value)[len(lead) :])
    if isinstance(item, Joined):
        return Joined((Const(_start(item)[len(lead) :]), *item.parts[1:]))
    return item


def _extra(working: Working, attribute: Attribute, value: Value, options: _Options) -> None:
    """`a=b c=d` with values in it as a mapping. Of a secret it has the variable's name, for Ansible to put in."""
    if lost(value):
        working.left(attribute, value, of=_start(value).partition("=")[0].strip("'\" "))
        return
    inside: list[Held] = []
    text = ""
    for part in value.parts if isinstance(value, Joined) else (value,):
        if isinstance(part, Held):
            text += f"\0{len(inside)}\0"
            inside.append(part)
        elif isinstance(part, Const):
            text += word(part.value)
    try:
        bare = text.strip()
        words = shlex.split(bare[1:-1] if bare[:1] in ("'", '"') and bare[-1:] == bare[:1] else bare)
        pairs = [each.split("=", 1) for each in words]
    except ValueError:
        pairs = [[text]]
    if text.lstrip().startswith(("@", "{")) or any(len(pair) != 2 for pair in pairs):
        remedy = "write the values as `extra_vars` of ansible.play"
        # Text that is no pairs, such as JSON, may hold anything: its names alone are shown.
        shown = re.sub("\0\\d+\0", "…", text) if text.lstrip().startswith("@") else HIDDEN
        working.role.todo(working.ledger.todo(attribute, remedy, what=f"extra_arguments: {shown[:100]}"))
        for part in inside:
            working.role.use(part)
        return
    for key, found in pairs:
        pieces = re.split("\0(\\d+)\0", found)
        parts: list[Value] = [inside[int(piece)] if index % 2 else Const(piece) for index, piece in enumerate(pieces)]
        parts = [part for part in parts if part != Const("")]
        if (secret_named(key) or leak(f"{key}={found}")) and all(isinstance(part, Const) for part in parts) and parts:
            parts = [Held("secrets", secret_name(key), None, f"{attribute.at} had a value", attribute.at)]
            remedy = (
                f"it looks like a secret and is not copied: export {secret_name(key)} before a build, and change it"
            )
            working.role.todo(working.ledger.todo(attribute, remedy, what=f"extra_arguments: {key}=********"))
        for part in held(Joined(tuple(parts))):
            if part.store == "secrets" and part.key not in options.secrets:
                working.role.use(part)
                options.secrets.append(part.key)
        parts = [Const(f"{{{{ {part.key} }}}}") if _hidden(part) else part for part in parts]
        options.extra[key] = working.role.text(
            parts[0] if len(parts) == 1 else Joined(tuple(parts)) if parts else Const("")
        )


def _hidden(part: Value) -> TypeGuard[Held]:
    return isinstance(part, Held) and part.store == "secrets"

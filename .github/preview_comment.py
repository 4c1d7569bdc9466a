"""A preview as a comment on a pull request: what merging it rebuilds, replaces and deletes, and why.

    python .github/preview_comment.py PREVIEW.json STACK COMMIT

PREVIEW.json is what `pulumi preview --json` printed, whether it succeeded or not. Markdown goes to stdout. Its first
line, invisible on the page, says which comment this is, so that the next run can bring it up to date. Asks nobody
anything: all it knows is in the file.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

LONGEST = 60_000  # characters; GitHub refuses a comment of more than 65,536
_ROWS = 100
_IMAGE = "bakewell:index:PackerImage$command:local:Command"
_GROUP = "aws:autoscaling/group:Group"
_MACHINES = ("digitalocean:index/droplet:Droplet", "aws:ec2/instance:Instance", _GROUP)
_CONTAINER = "exec bakewell container "
_WOULD_DELETE = re.compile(r"^would delete (?P<name>\S+) \((?P<id>\S+)\): (?P<why>.*)$", re.MULTILINE)
_DIGEST = re.compile(r'^triggers\[1\](?:\.|\[")(?P<key>.+?)(?:"\])?$')
_WORDS = {"create": "new", "replace": "replaced", "update": "changed in place", "delete": "deleted"}

Step = Mapping[str, Any]


def comment(preview: Mapping[str, Any] | None, stack: str, commit: str) -> str:
    """The comment; `preview` is None where Pulumi printed nothing that can be read."""
    said = [f"<!-- bakewell preview of {stack} -->", f"### Preview of {_code(stack)} at {_code(commit[:12])}", ""]
    if preview is None or "steps" not in preview:
        said += ["**The preview failed**, so nothing is known of what would change.", "", *_errors(preview)]
    else:
        said += _changes(preview)
        if errors := _errors(preview):
            said += ["", "**The preview failed** before its end:", "", *errors]
    return _bounded("\n".join(said))


def _changes(preview: Mapping[str, Any]) -> list[str]:
    steps = [step for step in preview["steps"] if step["op"] in _WORDS and not _type(step).endswith("pulumi:Stack")]
    builds = [
        step for step in steps if _type(step).endswith(_IMAGE) and _create(step).startswith("exec bakewell build")
    ]
    machines = [step for step in steps if _type(step).endswith(_MACHINES) or _create(step).startswith(_CONTAINER)]
    others = [step for step in steps if _is_other(step) and step not in machines]
    deletions = list(_WOULD_DELETE.finditer("\n".join(d["message"] for d in preview.get("diagnostics", ()))))
    built = [step for step in builds if step["op"] != "delete"]
    said = _table(
        f"Images to build: {len(built)}",
        ("image", "because of"),
        ((_code(_name(step)), _why(step)) for step in built),
        "One that exists already with the same content is adopted instead.",
    )
    said += _table(
        f"Machines: {len(machines)}",
        ("machine", "", "because of"),
        ((_code(_name(s)), _word(s), ", ".join(map(_code, s.get("diffReasons") or ()))) for s in machines),
        "A replaced machine goes after its successor is there; a fleet's go on being replaced after the `up`.",
    )
    said += _table(
        f"Images to delete: {len(deletions)}",
        ("image", "ID", "because"),
        ((_code(found["name"]), _code(found["id"]), _text(found["why"])) for found in deletions),
        "By this `up`; each is looked at again before it goes. More may follow in the nightly clean.",
    )
    said += _table(
        f"Other resources: {len(others)}",
        ("resource", ""),
        ((_code(f"{_type(step).rpartition('$')[2]} {_name(step)}"), _WORDS[step["op"]]) for step in others),
    )
    return said or ["Nothing would change."]


def _is_other(step: Step) -> bool:
    """True for what is neither told above nor a mere frame: a component, a provider, a Command of ours."""
    kind = _type(step).rpartition("$")[2]
    return not kind.startswith(("bakewell:", "pulumi:providers:", "command:local:"))


def _word(step: Step) -> str:
    """What becomes of a machine, or of a fleet: another version of its launch template means other machines."""
    if not _type(step).endswith(_GROUP):
        return _WORDS[step["op"]]
    renewed = step["op"] == "update" and "launchTemplate" in (step.get("diffReasons") or ())
    return "fleet, its machines replaced" if renewed else f"fleet, {_WORDS[step['op']]}"


def _why(step: Step) -> str:
    if step["op"] == "create":
        return "new"
    paths = step.get("detailedDiff") or {}
    keys = [found["key"] for path in paths if (found := _DIGEST.match(path))]
    if keys:
        return ", ".join(map(_code, sorted(keys)))
    if "triggers[2]" in paths:
        return "its image is gone or revoked"
    return ", ".join(map(_code, sorted(paths)))


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> list[str]:
    """Nothing where there are no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return []
    more = [f"… and {len(lines) - _ROWS} more: see the job's log."] if len(lines) > _ROWS else []
    shown = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines[:_ROWS]]
    return [f"**{title}**", "", *shown, "", *more, *([note, ""] if note else [])]


def _errors(preview: Mapping[str, Any] | None) -> list[str]:
    if preview is None:
        return ["See the log of the job `preview`."]
    said = [d["message"] for d in preview.get("diagnostics", ()) if d["severity"] == "error"]
    return ["~~~~text", *(_plain(text).replace("~~~~", "~~~") for text in said), "~~~~"] if said else []


def _type(step: Step) -> str:
    """The type with those of its parents in front: `a:index:A$b:index:B`."""
    return str(step["urn"]).split("::")[2]


def _name(step: Step) -> str:
    return str(step["urn"]).split("::", 3)[3]


def _create(step: Step) -> str:
    state = step.get("newState") or step.get("oldState") or {}
    return str((state.get("inputs") or {}).get("create", ""))


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()


def _code(text: str) -> str:
    """Text that comes from the pull request, as code: it can neither link, nor mention, nor end its cell."""
    return "`" + re.sub(r"[`|\r\n]", "", text) + "`" if text else ""


def _text(text: str) -> str:
    return re.sub(r"[<>@\[\]`|\r\n]", " ", text)


def _bounded(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    cut = text[:LONGEST].rpartition("\n")[0]
    end = "\n~~~~" if cut.count("~~~~") % 2 else ""
    return f"{cut}{end}\n\n… and more than fits here: see the job's log."


def main() -> None:
    """See the module."""
    path, stack, commit = sys.argv[1:]
    try:
        preview = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        preview = None
    print(comment(preview, stack, commit))


if __name__ == "__main__":
    main()

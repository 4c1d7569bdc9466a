"""Which provider plugins the tests run with: the stand-ins, or with `BAKEWELL_TEST_PLUGINS=real` the real plugins that
the user's Pulumi home holds, and the stand-ins for the others.

`@pytest.mark.stand_in("digitalocean", why="…")` marks a test that only a stand-in can pass. Where that plugin is a real
one, the test is left out, and the end of the run says so. The functions here are hooks; tests/conftest.py has them.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from bakewell_local.sandbox.providers import home
from bakewell_local.sandbox.providers.versions import PLUGINS

VARIABLE = "BAKEWELL_TEST_PLUGINS"
MARK = "stand_in"

PYTHON = Path(__file__).with_name("python") / "python.sh"
OFFLINE = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "AWS_EC2_METADATA_DISABLED": "true",
    "PULUMI_PYTHON_CMD": str(PYTHON),
}
"""For what runs plugins in tests: a call that leaves this machine is refused, for nothing listens at that proxy. Calls
of loopback addresses use no proxy. And programs' Python is quick to say what is installed."""

_left_out: dict[str, str] = {}


def choose() -> frozenset[str]:
    """The names of the plugins that are real in this run; has every local cloud of it follow.

    Raises:
        pytest.UsageError: the variable is wrong, or asks for real plugins where there is none.
    """
    choice = os.environ.get(VARIABLE, "")
    if choice not in ("", "real"):
        raise pytest.UsageError(f"{VARIABLE}={choice}: say `real`, or leave it out for the stand-ins")
    if not choice:
        os.environ["PULUMI_HOME"] = os.devnull  # where no real plugin is found
        return frozenset()
    real = home.real_plugins()
    if not real:
        wanted = ", ".join(f"{name} {version}" for name, version in PLUGINS.items())
        raise pytest.UsageError(
            f"{VARIABLE}=real: there is no real plugin of {wanted} in $PULUMI_HOME or ~/.pulumi; "
            "`pulumi plugin install resource NAME VERSION` installs one"
        )
    return frozenset(real)


REAL = choose()


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that only a stand-in can pass, where its plugin is a real one.

    Raises:
        pytest.UsageError: a mark names no plugin, or gives no reason.
    """
    out = []
    for item in items:
        reasons = [why for mark in item.iter_markers(MARK) if (why := reason(mark, REAL))]
        if reasons:
            _left_out[item.nodeid] = "; ".join(reasons)
            out.append(item)
    if out:
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)


def reason(mark: pytest.Mark, real: Collection[str]) -> str:
    """Why a test with this mark is left out where these plugins are real; empty where it is not.

    Raises:
        pytest.UsageError: the mark names no plugin, or gives no reason.
    """
    if not mark.args or not set(mark.args) <= set(PLUGINS) or set(mark.kwargs) != {"why"}:
        raise pytest.UsageError(f'{mark}: say @pytest.mark.{MARK}("command", why="…")')
    return str(mark.kwargs["why"]) if set(real) & set(mark.args) else ""


def pytest_report_header() -> str:
    told = [f"{name} {'real' if name in REAL else 'stand-in'} v{version}" for name, version in PLUGINS.items()]
    return f"provider plugins: {', '.join(told)}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # in a worker of pytest-xdist
        output[MARK] = dict(_left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _left_out.update(getattr(node, "workeroutput", {}).get(MARK, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _left_out:
        terminalreporter.section("left out: only a stand-in can show these")
        for test, why in sorted(_left_out.items()):
            terminalreporter.line(f"{test}: {why}")

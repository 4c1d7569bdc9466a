"""What a build does from end to end, with a Packer that is quick."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakewell.build import slots
from bakewell.build.build import build
from bakewell.build.result import Result
from bakewell.build.stop import Stop
from bakewell.clouds.digitalocean.images import Images
from bakewell.errors import BakewellError, BuildError, ConfigError
from bakewell.image import REVOKED
from bakewell.settings import DigitalOceanSettings, Settings
from tests.contract.served import TOKEN
from tests.unit.build.conftest import Said, Site
from tests.waiting import until


def calls(site: Site) -> list[Any]:
    """Every call of the API so far."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    found: list[Any] = site.served.api.http.get("/sandbox/calls", headers=headers).json()["calls"]
    return found


def test_a_build_makes_a_ready_image_and_leaves_nothing_else(site: Site, said: Said) -> None:
    result = build(site.job("base"), Stop(), said.append)
    image = site.cloud.images.get(result.id)
    assert image is not None and image.ready and image.lease is None
    found = (result.action, result.role, result.home, result.regions, result.parent)
    assert found == ("built", "base", "nyc3", ("nyc3",), None)
    assert (result.name, result.fingerprint, result.run) == (image.name, image.fingerprint, image.run)
    keys = "role cloud id name fingerprint run parent home regions action seconds finished"
    line = json.dumps(result.mapping())
    assert list(json.loads(line)) == keys.split(), "one short JSON value"
    assert Result.model_validate_json(line) == result
    site.leaves()
    assert site.runs() == []
    assert not [tag for tag in image.tags if tag.startswith(("bakewell:lease", "bakewell:builder"))]
    made = [call["body"]["name"] for call in calls(site) if (call["method"], call["path"]) == ("POST", "/v2/droplets")]
    assert made[-1] == f"base-{result.run}"


def test_a_second_build_adopts_in_one_api_call_unless_it_is_forced(site: Site, said: Said) -> None:
    first = build(site.job("base"), Stop(), said.append)
    before = len(calls(site))
    second = build(site.job("base"), Stop(), said.append)
    assert [(call["method"], call["path"]) for call in calls(site)[before:]] == [("GET", "/v2/images")]
    assert (second.action, second.id, second.run) == ("adopted", first.id, first.run)
    forced = build(site.job("base", force=True), Stop(), said.append)
    assert forced.action == "built" and forced.id != first.id
    assert site.cloud.images.get(first.id) is not None, "a build deletes no finished image"


def test_a_revoked_image_is_not_adopted(site: Site, said: Said) -> None:
    first = build(site.job("base"), Stop(), said.append)
    site.cloud.images.tag(first.id, [REVOKED])
    assert build(site.job("base"), Stop(), said.append).action == "built"


def test_a_child_is_built_on_its_parents_image(site: Site, said: Said) -> None:
    base = build(site.job("base"), Stop(), said.append)
    web = build(site.job("web"), Stop(), said.append)
    assert web.parent == base.run
    assert any(f" on {base.id}," in line for line in said)


def test_a_child_without_its_parent_is_refused(site: Site, said: Said) -> None:
    with pytest.raises(BuildError, match=r"its parent base .* is not built") as caught:
        build(site.job("web"), Stop(), said.append)
    assert "bakewell build base" in caught.value.remedy
    site.leaves()


def test_a_parent_that_lives_elsewhere_is_brought_once_and_before_the_lease_begins(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = build(site.job("base"), Stop(), said.append)
    copied: list[tuple[str, str]] = []
    copy = Images.copy

    def count(images: Images, image: str, region: str) -> str:
        copied.append((image, region))
        assert site.runs() == [] and site.cloud.keys.all() == []
        return copy(images, image, region)

    monkeypatch.setattr(Images, "copy", count)
    there = Settings(digitalocean=DigitalOceanSettings(regions=["sfo3"]))
    web = build(site.job("web", settings=there), Stop(), said.append)
    assert copied == [(base.id, "sfo3")]
    assert (web.parent, web.home) == (base.run, "sfo3")


def waiting_for_a_slot(site: Site, said: Said, role: str, meanwhile: Callable[[], object]) -> Result | BuildError:
    """What becomes of a build during whose wait for the only slot something happened."""
    outcome: list[Result | BuildError] = []

    def run() -> None:
        try:
            outcome.append(build(site.job(role, cap=1), Stop(), said.append))
        except BuildError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    with slots.slot(site.state, 1, Stop(), said.append):
        thread.start()
        until(lambda: any("waiting for a free slot" in line for line in said), bool)
        meanwhile()
    thread.join(30)
    return outcome[0]


def test_a_parent_that_was_revoked_during_the_wait_for_a_slot_is_not_built_on(site: Site, said: Said) -> None:
    base = build(site.job("base"), Stop(), said.append)
    found = waiting_for_a_slot(site, said, "web", lambda: site.cloud.images.tag(base.id, [REVOKED]))
    assert isinstance(found, BuildError) and "is not built" in found.what
    site.leaves()


def test_what_another_host_built_during_the_wait_for_a_slot_is_adopted(site: Site, said: Said) -> None:
    job = site.job("base")
    elsewhere = replace(job, environment=replace(job.environment, state_dir=site.state.with_name("other")))
    built: list[Result] = []
    found = waiting_for_a_slot(site, said, "base", lambda: built.append(build(elsewhere, Stop(), said.append)))
    assert isinstance(found, Result)
    assert (found.action, found.id) == ("adopted", built[0].id)


def test_a_reaper_that_breaks_says_so_and_shows_no_traceback(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise OSError("no such luck")

    monkeypatch.setattr("bakewell.build.orphans.reap", broken)
    assert build(site.job("base"), Stop(), said.append).action == "built"
    assert "removing what dead builds left failed: unexpected OSError: no such luck" in said
    assert "Traceback" not in capfd.readouterr().err


def test_a_failed_build_names_the_step_that_failed_and_its_remedy(site: Site, said: Said) -> None:
    site.mode("base", "refuse")
    with pytest.raises(BuildError) as caught:
        build(site.job("base"), Stop(), said.append)
    assert caught.value.what.startswith(
        "image base was not built: step `nginx | Install it` failed; nothing of it is kept"
    )
    assert caught.value.remedy == "correct its version; then run: bakewell build base"


def test_a_failed_build_shows_the_end_of_its_log_and_leaves_nothing(site: Site, said: Said) -> None:
    site.mode("base", "fail")
    with pytest.raises(BuildError, match="the check failed") as caught:
        build(site.job("base"), Stop(), said.append)
    assert caught.value.file is not None and Path(caught.value.file).read_text()
    assert caught.value.exit_code == 4
    site.leaves()
    assert site.runs() == []


def test_what_a_build_fetched_stays_beside_its_log_also_where_it_failed(site: Site, said: Said) -> None:
    site.mode("base", "fetch")
    with pytest.raises(BuildError) as caught:
        build(site.job("base"), Stop(), said.append)
    folder = Path(str(caught.value.file)).with_suffix(".fetched")
    assert (folder / "root/packages.txt").read_text() == "nginx"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert f"files that the build brought back: {folder}" in said
    month_later = folder.stat().st_mtime + 31 * 86400
    slots.prune(site.state, month_later)
    assert list((site.state / "logs").iterdir()) == []


def test_tags_that_packer_forgot_are_added(site: Site, said: Said) -> None:
    site.mode("base", "untagged")
    result = build(site.job("base"), Stop(), said.append)
    image = site.cloud.images.get(result.id)
    assert image is not None and image.ready and image.run == result.run


@pytest.mark.parametrize(("mode", "complaint"), [("elsewhere", "it is called elsewhere"), ("no-manifest", "manifest")])
def test_an_image_that_is_not_what_was_asked_for_is_refused_and_removed(
    site: Site, said: Said, mode: str, complaint: str
) -> None:
    site.mode("base", mode)
    with pytest.raises(BuildError, match=complaint):
        build(site.job("base"), Stop(), said.append)
    site.leaves()


def test_the_token_is_in_no_log(site: Site, said: Said) -> None:
    site.mode("base", "leak")
    build(site.job("base"), Stop(), said.append)
    token = site.environment.token
    assert token not in "\n".join(said)
    written = [path for path in site.state.rglob("*") if path.is_file()]
    assert written and not [path for path in written if token in path.read_text(errors="replace")]
    logs = list((site.state / "logs").iterdir())
    assert [stat.S_IMODE(log.stat().st_mode) for log in logs] == [0o600]
    assert "token ***" in logs[0].read_text()


def test_files_that_change_before_they_are_staged_are_noticed(site: Site, said: Said) -> None:
    job = site.job("base")
    site.write("images/base/deploy.py", "changed = True\n")
    with pytest.raises(ConfigError, match="its files changed meanwhile"):
        build(job, Stop(), said.append)
    site.leaves()
    assert site.runs() == []


def test_two_builds_of_one_content_at_once_make_one_image(site: Site, said: Said) -> None:
    results: list[Result] = []
    threads = [
        threading.Thread(target=lambda: results.append(build(site.job("base"), Stop(), said.append))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.action for result in results) == ["adopted", "built"]
    assert len({result.id for result in results}) == 1
    assert any("waiting for it" in line for line in said)


def test_the_api_going_away_in_the_middle_fails_the_build_and_the_next_one_cleans_up(site: Site, said: Said) -> None:
    rule = {"effect": "status", "status": 403, "method": "DELETE"}
    site.served.api.post("/sandbox/faults", rule)
    site.mode("base", "fail")
    with pytest.raises(BuildError):
        build(site.job("base"), Stop(), said.append)
    site.leaves("droplets", "keys")
    site.served.api.delete("/sandbox/faults")
    site.mode("base", "")
    build(site.job("base"), Stop(), said.append)
    site.leaves()


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("log.create", BakewellError("No space left on device", remedy="free disk space")),
        ("packer.write_variables", OSError(28, "No space left on device", "variables.json")),
    ],
)
def test_a_full_disk_is_an_error_with_a_remedy_and_leaves_nothing(
    site: Site, said: Said, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(f"bakewell.build.{where}", full)
    with pytest.raises(BakewellError, match="No space left") as caught:
        build(site.job("base"), Stop(), said.append)
    assert isinstance(caught.value, BuildError) is isinstance(error, OSError) and "free disk" in caught.value.remedy
    site.leaves()
    assert site.runs() == []

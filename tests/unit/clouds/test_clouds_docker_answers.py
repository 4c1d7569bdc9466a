"""Docker's answers that are not whole: each is an error that names what was asked and the field, and nothing goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bakewell.build.clean import clean
from bakewell.clouds.docker import Docker
from bakewell.clouds.resources import BUILDER
from bakewell.errors import CloudError
from bakewell.image import Identity
from bakewell.retention import Policy
from bakewell.settings import Environment
from tests.unit.clouds.test_clouds_answers import MISSING, changed
from tests.unit.loopback import Answer, Request, answering
from tests.unit.one_proxy import OneProxy


def labels(identity: Identity, *more: str) -> dict[str, str]:
    texts = [*identity.tags(), *more]
    return {":".join(text.split(":")[:2]): ":".join(text.split(":")[2:]) for text in texts}


def who(number: int) -> Identity:
    return Identity("shop", "web", f"{number:064x}", f"{number:012x}", None, "local")


def name(number: int) -> str:
    return f"shop-web-2026-11-21-030{number}-{who(number).run[:6]}"


def tags(number: int) -> list[str]:
    return [f"bakewell/shop/web:{name(number)}", f"bakewell/shop/web:{who(number).run}.ready"]


def details(number: int) -> dict[str, Any]:
    return {
        "Id": f"sha256:{number}",
        "Config": {"Labels": labels(who(number))},
        "Comment": name(number),
        "RepoTags": tags(number),
        "Created": f"2026-11-21T03:0{number}:00.123456789Z",
        "Size": 1_500_000_000,
    }


def listed(number: int) -> dict[str, Any]:
    return {"Id": f"sha256:{number}", "ParentId": "", "RepoTags": tags(number), "Labels": labels(who(number))}


MACHINE = {"Id": "c1", "ImageID": "sha256:1", "Created": 1, "Names": ["/web-1"], "Labels": labels(who(1))}
FOREIGN = {"Id": "sha256:9", "ParentId": "sha256:1", "RepoTags": None, "Labels": None}
GONE = {"message": "No such image: x"}


@dataclass
class FakeEngine:
    """Docker's API with three finished images: a machine runs the first, nobody needs the second.

    Attributes:
        answers: by "GET /path" without the API's version; a status, or what is sent with 200.
        asked: methods and paths, in order.
    """

    address: str
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def reset(self) -> None:
        self.asked.clear()
        self.answers = {
            "GET /version": {"ApiVersion": "1.41"},
            "GET /info": {"Name": "here", "ServerVersion": "20.10"},
            "GET /images/json": [*(listed(number) for number in (1, 2, 3)), FOREIGN],
            "GET /containers/json": [MACHINE],
            **{f"GET /images/sha256:{number}/json": details(number) for number in (1, 2, 3)},
        }

    def cloud(self, folder: Path) -> Docker:
        host = f"tcp://{self.address}"
        environ = {"HOME": str(folder), "BAKEWELL_STATE": str(folder / "state"), "DOCKER_HOST": host}
        return Docker(Environment.read(environ), sleep=lambda seconds: None)


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    told = FakeEngine("")
    told.reset()

    def answer(request: Request) -> Answer:
        call = f"{request.method} {request.path.partition('?')[0].removeprefix('/v1.41')}"
        told.asked.append(call)
        answer = told.answers.get(call, (404, GONE))
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        text = body if isinstance(body, str) else json.dumps(body)
        return status, {"Content-Type": "application/json"}, text.encode()

    with answering(answer) as url:
        told.address = url.partition("//")[2]
        yield told


def act(engine: FakeEngine, folder: Path) -> list[str]:
    """`clean`, keeping one image; the names of what it deleted."""
    policy = Policy(1, frozenset(), "shop")
    cloud = engine.cloud(folder)
    done = clean(cloud, "tcp://x", folder / "state", policy, {}, lambda text: None, dry_run=False)
    return [image.name for image in done.deleted]


def test_whole_answers_let_go_what_nobody_needs(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["DELETE /images/2"] = []
    assert act(engine, tmp_path) == [name(2)]
    assert [call for call in engine.asked if call.startswith("DELETE")] == ["DELETE /images/2"]


WHOLE = ["", "<html>sign in</html>", "null", "{}", '"x"', "[null]", '["x"]', "[[]]", "[{}]"]
WHOLE += ["[" * 100_000, f'[{{"Created": {"9" * 5000}}}]']
FIELDS = {
    "GET /images/json": ("0.Id", "0.ParentId", "0.RepoTags", "0.Labels", "3.ParentId"),
    "GET /containers/json": ("0.Id", "0.ImageID", "0.Created", "0.Names", "0.Labels"),
    "GET /images/sha256:1/json": ("Id", "Config", "Size", "Created"),
}
NULLABLE = ("RepoTags", "Labels", "Names", "Config", "Created")
LEFT_OUT = ("Created",)  # by newer engines: of an image of ours it is an error all the same
WRONG: list[object] = [MISSING, None, {"x": 1}, [1], True, -1.5, ""]


@pytest.mark.parametrize("call", FIELDS)
def test_clean_deletes_nothing_where_an_answer_is_not_whole(engine: FakeEngine, tmp_path: Path, call: str) -> None:
    good = engine.answers[call]
    cases: list[tuple[str, object]] = [("Docker", body) for body in WHOLE]
    for path in FIELDS[call]:
        key = path.rpartition(".")[2]
        for value in WRONG:
            fine = (key, type(value)) in (("ParentId", str), ("Config", dict))
            if not fine and not (value is None and key in NULLABLE):
                cases.append((key, changed({"at": good}, f"at.{path}", value)["at"]))
    for named, body in cases:
        engine.reset()
        engine.answers[call] = body
        with pytest.raises(CloudError) as caught:
            act(engine, tmp_path)
        said = "when image 1 was made" if named in LEFT_OUT and "does not say" in caught.value.what else named
        assert said in caught.value.what and caught.value.remedy, (body, caught.value.what)
        assert not [asked for asked in engine.asked if asked.startswith("DELETE")], body


def test_an_image_with_other_labels_than_in_the_list_is_an_error(engine: FakeEngine, tmp_path: Path) -> None:
    for labels in (None, {}, {"bakewell:project": "shop"}):
        engine.reset()
        engine.answers["GET /images/sha256:2/json"] |= {"Config": {"Labels": labels}}
        with pytest.raises(CloudError, match="other labels than in the list"):
            engine.cloud(tmp_path).images.of("shop")


@pytest.mark.parametrize("body", ["", "<html>not found</html>", "{}", '{"message": "page not found"}'])
def test_a_404_in_other_words_than_docker_s_does_not_say_that_a_thing_is_gone(
    engine: FakeEngine, tmp_path: Path, body: str
) -> None:
    cloud = engine.cloud(tmp_path)
    asks: dict[str, Callable[[], object]] = {
        "GET /images/sha256:2/json": lambda: cloud.images.get("sha256:2"),
        "GET /containers/c1/json": lambda: cloud.builders.settle("c1"),
        "DELETE /images/2": lambda: cloud.images.delete("2"),
        "DELETE /containers/c1": lambda: cloud.builders.delete("c1"),
    }
    for call, ask in asks.items():
        engine.answers[call] = (404, body)
        with pytest.raises(CloudError):
            ask()
    engine.answers |= dict.fromkeys(asks, (404, {"message": "No such image: x, or No such container: x"}))
    assert [ask() for ask in asks.values()] == [None, [], None, None]


def test_newer_engines_leave_out_what_is_empty(engine: FakeEngine, tmp_path: Path) -> None:
    engine.answers["GET /images/base/json"] = {
        "Id": "sha256:7",
        "Config": {},
        "Size": 1,
        "Created": "2026-11-02T00:00:00Z",
    }
    assert engine.cloud(tmp_path).bases.stock("base").date == "2026-11-02"
    assert engine.cloud(tmp_path).images.tags("base") == ()


def test_a_builder_is_settled_by_whole_answers_only(engine: FakeEngine, tmp_path: Path) -> None:
    good = {"State": {"Paused": False}, "Config": {"Labels": labels(who(2), BUILDER)}}
    engine.answers["GET /containers/c2/json"] = good
    assert engine.cloud(tmp_path).builders.settle("c2") == ["2"]
    for path in ("State", "State.Paused", "Config"):
        for value in (MISSING, None, 1):
            engine.answers["GET /containers/c2/json"] = changed(good, path, value)
            with pytest.raises(CloudError, match=path.rpartition(".")[2]):
                engine.cloud(tmp_path).builders.settle("c2")


def test_an_engine_on_this_machine_is_asked_by_no_proxy(
    engine: FakeEngine, one_proxy: OneProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://{one_proxy.address}")
    assert engine.cloud(tmp_path).account.check() == "here, Docker 20.10"
    assert one_proxy.asked == []


def test_a_password_in_docker_host_is_in_no_error(tmp_path: Path) -> None:
    for host in ("tcp://ann:s3cret@127.0.0.1:1", "tcp://ann:s3cret@192.0.2.1:1", "ann:s3cret@127.0.0.1:1"):
        environ = {"HOME": str(tmp_path), "DOCKER_HOST": host}
        with pytest.raises(Exception, match=r"\*\*\*@1") as caught:
            Docker(Environment.read(environ)).images.of("shop")
        assert "s3cret" not in str(caught.value) and caught.value.__cause__ is None

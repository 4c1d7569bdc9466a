"""Retries, waits, pages and errors of an API."""

from __future__ import annotations

import gzip
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from bakewell.clouds.digitalocean import DigitalOcean, bodies
from bakewell.clouds.resources import Key
from bakewell.errors import CloudError
from tests.unit.clouds.conftest import Script

ACCOUNT = {"account": {"status": "active", "email": "a@b", "uuid": "b6fr89"}}
NOTHING = {"droplets": [], "links": {}, "meta": {"total": 0}}
BUSY = {"id": "too_many_requests", "message": "API Rate limit exceeded."}
BROKEN = {"id": "server_error", "message": "Unexpected server-side error"}


def test_the_token_is_sent_as_a_bearer_token(script: Script) -> None:
    assert script.answer(200, ACCOUNT).cloud().account.check() == "a@b"
    assert script.tokens == ["Bearer the-secret-token"]


def test_429_waits_as_retry_after_tells(script: Script) -> None:
    script.answer(429, BUSY, retry_after="7").answer(200, ACCOUNT)
    assert script.cloud().account.check() == "a@b"
    assert script.slept == [7.0]


def test_429_that_asks_for_too_long_a_wait_is_an_error_that_says_when(script: Script) -> None:
    script.answer(429, BUSY, retry_after="3000")
    with pytest.raises(CloudError, match="rate limited") as caught:
        script.cloud().account.check()
    assert "3000 s" in caught.value.remedy and script.slept == []


@pytest.mark.parametrize("told", ["²", "9" * 400, "-5", "soon"])
def test_429_that_tells_no_time_waits_five_seconds(script: Script, told: str) -> None:
    script.answer(429, BUSY, retry_after=told, ratelimit_reset=told).answer(200, ACCOUNT)
    script.cloud().account.check()
    assert script.slept == [5.0]


def test_a_refusal_that_nests_without_end_is_an_error(script: Script) -> None:
    script.answer(400, "[" * 100_000)
    with pytest.raises(CloudError, match=r"400 \(100000 bytes that are no JSON\)"):
        script.cloud().account.check()


def test_5xx_is_tried_again_with_growing_pauses(script: Script) -> None:
    script.answer(500, BROKEN).answer(503, "not json").answer(200, ACCOUNT)
    assert script.cloud().account.check() == "a@b"
    assert script.slept == [0.5, 1.0]


def test_5xx_stops_after_five_more_tries_and_names_the_call(script: Script) -> None:
    script.answer(500, BROKEN)
    with pytest.raises(CloudError, match=r"GET http://127\.0\.0\.1:\d+/v2/account: 500 after 6 tries") as caught:
        script.cloud().account.check()
    assert len(script.asked) == 6 and caught.value.remedy
    assert script.slept == [0.5, 1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "DIGITALOCEAN_TOKEN"),
        (403, "scopes"),
        *((status, "") for status in (400, 402, 404, 405, 409, 412, 422, 423)),
    ],
)
def test_every_refusal_says_what_to_do_and_not_the_token(script: Script, status: int, said: str) -> None:
    script.answer(status, {"id": "no", "message": "no"})
    with pytest.raises(CloudError, match=str(status)) as caught:
        script.cloud().account.check()
    assert caught.value.remedy and said in caught.value.remedy and caught.value.exit_code == 3
    assert len(script.asked) == 1 and "the-secret-token" not in str(caught.value)


@pytest.fixture
def raw() -> Iterator[Callable[[bytes], str]]:
    """An API that sends just these bytes to whoever asks, and goes on with `more` where there is no end of them."""
    servers: list[socketserver.ThreadingTCPServer] = []

    def serve(answer: bytes, more: bytes = b"") -> str:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    """The request's headers."""
                with suppress(OSError):
                    self.wfile.write(answer)
                    while more:
                        self.wfile.write(more)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


WHOLE_LIST = b'{"droplets": [], "meta": {"total": 0}}'


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 100\r\n\r\n" + WHOLE_LIST,
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(WHOLE_LIST), WHOLE_LIST),
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(WHOLE_LIST)[:-20],
    ],
    ids=["shorter than it says", "without its last chunk", "no chunks", "half of what was compressed"],
)
def test_a_body_that_breaks_off_is_no_answer(raw: Callable[[bytes], str], answer: bytes) -> None:
    with pytest.raises(CloudError, match=r"no answer|no JSON"):
        DigitalOcean(raw(b"HTTP/1.1 200 OK\r\n" + answer), "x", sleep=lambda _: None).references.all()


def test_a_body_without_an_end_is_no_answer(raw: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    for name, limit, more in (("LARGEST", 100_000, b" " * 10_000), ("PATIENCE", 0.2, b" ")):
        with monkeypatch.context() as limits:
            limits.setattr(bodies, name, limit)
            with pytest.raises(CloudError, match=r"no answer \(its body has no end"):
                DigitalOcean(raw(begin, more), "x", sleep=lambda _: None).references.all()


def test_an_api_that_is_not_there_is_an_error_soon(script: Script) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    slept: list[float] = []
    cloud = DigitalOcean(f"http://127.0.0.1:{port}", "t", sleep=slept.append)
    with pytest.raises(CloudError, match="no answer") as caught:
        cloud.account.check()
    assert "DIGITALOCEAN_API_URL" in caught.value.remedy
    assert slept == [0.5, 1.0] and "0x" not in str(caught.value)


def page(numbers: Sequence[int], total: int, more: bool) -> dict[str, object]:
    links = {"pages": {"next": "https://elsewhere.example/v2/account/keys?page=2"}} if more else {}
    keys = [{"id": n + 1, "name": f"bakewell-{n:012x}-99"} for n in numbers]
    return {"ssh_keys": keys, "links": links, "meta": {"total": total}}


def test_every_page_is_read_from_the_endpoint_itself(script: Script) -> None:
    for _ in range(2):
        script.answer(200, page(range(200), 250, True)).answer(200, page(range(200, 250), 250, False))
    assert len(script.cloud().keys.all()) == 250
    pages = ["/v2/account/keys?page=1&per_page=200", "/v2/account/keys?page=2&per_page=200"]
    assert [path for _, path, _ in script.asked] == [*pages, *pages]


def test_an_unreadable_page_leaves_nothing_to_act_on(script: Script) -> None:
    script.answer(200, page(range(200), 250, True)).answer(500, BROKEN)
    with pytest.raises(CloudError, match="500"):
        script.cloud().keys.all()


def ids(keys: list[Key]) -> list[int]:
    return sorted(int(key.id) - 1 for key in keys)


def test_an_item_deleted_between_two_pages_hides_no_other(script: Script) -> None:
    # 5 goes after the first page: 200 moves up to that page, and 249 items of 249 come back all the same.
    script.answer(200, page(range(200), 250, True)).answer(200, page(range(201, 250), 249, False))
    for _ in range(2):
        first = page([n for n in range(201) if n != 5], 249, True)
        script.answer(200, first).answer(200, page(range(201, 250), 249, False))
    assert ids(script.cloud().keys.all()) == [n for n in range(250) if n != 5]


def test_an_item_made_between_two_pages_comes_once_and_hides_no_other(script: Script) -> None:
    # 250 is made after the first page, before all others: 199 moves down to the second page and comes twice.
    script.answer(200, page(range(200), 250, True)).answer(200, page(range(199, 250), 251, False))
    for _ in range(2):
        script.answer(200, page([250, *range(199)], 251, True)).answer(200, page(range(199, 250), 251, False))
    assert ids(script.cloud().keys.all()) == list(range(251))


def test_a_list_that_shrank_to_one_page_is_whole(script: Script) -> None:
    script.answer(200, page(range(200), 201, True)).answer(200, page(range(0), 200, False))
    script.answer(200, page(range(1, 201), 200, False))
    assert ids(script.cloud().keys.all()) == list(range(1, 201))
    assert len(script.asked) == 3


def test_a_long_list_that_never_keeps_still_is_an_error(script: Script) -> None:
    for n in range(5):
        script.answer(200, page(range(n, 200 + n), 250, True)).answer(200, page(range(200 + n, 250 + n), 250, False))
    with pytest.raises(CloudError, match="could not be read whole in 4 tries"):
        script.cloud().keys.all()
    assert len(script.asked) == 8


def test_a_list_that_changed_while_it_was_read_is_read_again(script: Script) -> None:
    script.answer(200, page(range(3), 4, False)).answer(200, page(range(4), 4, False))
    assert len(script.cloud().keys.all()) == 4


def test_a_post_that_succeeded_although_it_failed_finds_its_key(script: Script) -> None:
    name = "bakewell-0123456789ab-99"
    taken = {"id": "unprocessable_entity", "message": "SSH Key is already in use on your account"}
    script.answer(500, BROKEN).answer(422, taken)
    script.answer(200, {"ssh_keys": [{"id": 5, "name": name}], "meta": {"total": 1}})
    assert script.cloud().keys.create(name, "ssh-ed25519 AAAA") == "5"


def test_a_key_that_is_refused_is_an_error(script: Script) -> None:
    script.answer(422, {"id": "unprocessable_entity", "message": "bad key"}).answer(200, page([], 0, False))
    with pytest.raises(CloudError, match="bad key"):
        script.cloud().keys.create("bakewell-0123456789ab-99", "x")


def test_accounts_without_autoscale_pools_have_none(script: Script) -> None:
    created = "2026-11-21T03:00:00Z"
    droplet = {"id": 1, "name": "web", "image": {"id": 9}, "tags": [], "created_at": created}
    script.answer(200, {"droplets": [droplet], "meta": {"total": 1}})
    script.answer(200, NOTHING).answer(404, {"id": "not_found", "message": "no"})
    assert [str(r) for r in script.cloud().references.all()] == ["droplet web (1)"]


def test_autoscale_pools_refer_to_their_image(script: Script) -> None:
    pool = {"id": "p1", "name": "workers", "droplet_template": {"image": "77"}}
    script.answer(200, NOTHING).answer(200, NOTHING).answer(200, {"autoscale_pools": [pool], "meta": {"total": 1}})
    assert [(r.image_id, r.kind) for r in script.cloud().references.all()] == [("77", "autoscale pool")]


def test_an_account_that_is_locked_is_an_error(script: Script) -> None:
    script.answer(200, {"account": ACCOUNT["account"] | {"status": "locked"}})
    with pytest.raises(CloudError, match="locked"):
        script.cloud().account.check()

"""The ASGI middleware: what clients are told, what is charged, and what becomes of a grant when something breaks."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Iterator
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request as WebRequest
from starlette.responses import JSONResponse
from starlette.responses import RedirectResponse
from starlette.responses import Response
from starlette.responses import StreamingResponse
from starlette.routing import Route

import pricelang
from pricelang.account.journal import LedgerError
from pricelang.adapters import asgi
from pricelang.adapters import grants
from pricelang.adapters.asgi import Answer
from pricelang.adapters.asgi import PricelangMiddleware
from pricelang.adapters.asgi import Problem
from pricelang.adapters.asgi import Request

RULES = """
ruleset small
  currency USD

account
  daily_limit  USD, optional
  rpm          number, default 100

usage chat
  model          text
  input_tokens   tokens
  output_tokens  tokens

usage story
  letters  characters of prompt

price chat
  input:   input_tokens at $1 per 1K tokens
  output:  output_tokens at $2 per 1K tokens

price story
  fee:  letters at $10 per 1K characters

funds
  pay for chat and story

topup "Add funds"
  | pay | bonus |
  |-----|-------|
  | $1  | 0%    |

limit daily_spend "Daily spending limit"
  spend each day may reach account.daily_limit
  refuse with 402

limit requests_per_minute "Requests per minute"
  requests each minute may not exceed account.rpm
  refuse with 429

limit tokens_per_minute "Tokens per minute"
  input_tokens each minute may not exceed 5,000
  refuse with 429

limit sliding "Tokens in a minute"
  output_tokens in any 60 seconds may not exceed 5,000
  refuse with 429

limit funds_left "Account balance"
  balance may fall to $0
  refuse chat and story with 402
"""

NOON = datetime(2026, 2, 17, 12, 0, 10, tzinfo=UTC)
CHAT = {"type": "chat", "account": "acme", "model": "m", "input_tokens": 10, "output_tokens": 20}  # $0.05
App = Callable[..., Any]


class Clock:
    """A clock that goes on by a microsecond at each look, and by more when it is told to."""

    def __init__(self) -> None:
        self.at = NOON
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            self.at += timedelta(microseconds=1)
            return self.at


class Gate:
    """A ledger with an account, an app behind the middleware, and a client in front."""

    def __init__(self, ledger: pricelang.Ledger, **attributes: object) -> None:
        self.ledger = ledger
        self.clock = Clock()
        self.calls: list[Any] = []
        self.usage: Any = CHAT
        first = {"at": NOON, "account": "acme"}
        assert ledger.apply({**first, "id": "s", "type": "signup", **attributes}).accepted
        assert ledger.apply({**first, "id": "t", "type": "topup", "amount": "1"}).accepted

    def app(self, handler: App, **options: Any) -> Starlette:
        async def counted(request: WebRequest) -> Response:
            self.calls.append(request.scope.get("pricelang"))
            found = handler(request)
            return await found if asyncio.iscoroutine(found) else found  # type: ignore[no-any-return]

        async def usage(request: Request) -> Mapping[str, object] | None:
            found = self.usage
            if callable(found):
                found = found(request)
                return await found if asyncio.iscoroutine(found) else found  # type: ignore[no-any-return]
            return found  # type: ignore[no-any-return]

        settings = {"ledger": self.ledger, "usage": usage, "now": self.clock, **options}
        return Starlette(
            routes=[Route("/chat", counted, methods=["GET", "POST"])],
            middleware=[Middleware(PricelangMiddleware, **settings)],
        )

    def send(self, handler: App, times: int = 1, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Sends the same request some times, one after the other; the last answer."""

        async def work() -> httpx.Response:
            transport = httpx.ASGITransport(self.app(handler, **options), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                for _ in range(times):
                    answer = await client.post("/chat", json={"prompt": "hello"}, headers=headers)
                return answer

        return run(work())

    @property
    def spent(self) -> Fraction:
        """What was charged so far, with nothing still reserved."""
        state = self.ledger.state("acme")
        assert not state.holds
        return 1 - Fraction(self.ledger.balance("acme"))

    def journal(self) -> list[tuple[object, object]]:
        return [(one.event["type"], one.outcome["decision"]) for one in self.ledger.history("acme")][2:]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def fine(request: WebRequest) -> Response:
    return JSONResponse({"ok": True})


def counting(request: WebRequest) -> Response:
    request.scope["pricelang"].used(output_tokens=7)
    return JSONResponse({"ok": True})


def broken(request: WebRequest) -> Response:
    raise ValueError("the model fell over")


@pytest.fixture(scope="module")
def rules() -> pricelang.Ruleset:
    return pricelang.load_text(RULES)


@pytest.fixture(params=["memory", "sqlite"])
def gate(request: pytest.FixtureRequest, rules: pricelang.Ruleset, tmp_path: Path) -> Iterator[Gate]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/ledger.db"
    with pricelang.Ledger.open(url, rules) as ledger:
        yield Gate(ledger)


@pytest.fixture
def book(rules: pricelang.Ruleset) -> Iterator[pricelang.Ledger]:
    with pricelang.Ledger.open("memory://", rules) as ledger:
        yield ledger


# --- let through ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [0, 8])
def test_what_was_used_is_charged(gate: Gate, threads: int) -> None:
    answer = gate.send(counting, threads=threads)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert gate.spent == Fraction("0.024")  # 10 × 0.001 + 7 × 0.002
    assert gate.journal() == [("authorize", "accepted"), ("settle", "accepted")]
    meter = gate.calls[0]
    assert str(meter.reserved) == "0.05"
    assert str(meter.balance) == "0.95"
    assert meter.hold.startswith("request/acme/")
    with pytest.raises(RuntimeError, match="the answer has ended"):
        meter.used(output_tokens=1)


def test_an_app_that_says_nothing_is_charged_the_estimates(gate: Gate) -> None:
    gate.send(fine)
    assert gate.spent == Fraction("0.05")


def test_a_function_may_say_what_was_used(gate: Gate) -> None:
    def actual(answer: Answer) -> Mapping[str, object] | None:
        assert answer.complete
        assert answer.headers["content-type"] == "application/json"
        assert answer.record["input_tokens"] == 10
        return {"output_tokens": answer.json()["tokens"]} if answer.status == 200 else None

    gate.send(lambda request: JSONResponse({"tokens": 3}), actual=actual)
    assert gate.spent == Fraction("0.016")
    gate.send(lambda request: JSONResponse({"tokens": 3}, 404), actual=actual)
    assert gate.spent == Fraction("0.016")


def test_what_is_free_passes_untouched(gate: Gate) -> None:
    gate.usage = None
    answer = gate.send(fine)
    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers
    assert gate.calls == [None]
    assert gate.journal() == []


def test_the_body_can_be_read_by_both(gate: Gate) -> None:
    async def usage(request: Request) -> Mapping[str, object]:
        asked = await request.json()
        assert (request.method, request.path, request.query) == ("POST", "/chat", "")
        assert await request.body() == b'{"prompt":"hello"}'
        return {**CHAT, "input_tokens": len(asked["prompt"])}

    async def handler(request: WebRequest) -> Response:
        return JSONResponse(await request.json())

    gate.usage = usage
    assert gate.send(handler).json() == {"prompt": "hello"}
    assert gate.spent == Fraction("0.045")
    refused = gate.send(handler, largest_body=5)
    assert (refused.status_code, refused.json()["code"]) == (413, "body-too-large")


def test_accepted_answers_tell_what_is_left(gate: Gate) -> None:
    answer = gate.send(fine, times=3)
    assert answer.headers["ratelimit-policy"] == (
        '"requests_per_minute";q=100;w=60, "tokens_per_minute";q=5000;qu="token";w=60, "sliding";q=5000;qu="token";w=60'
    )
    assert answer.headers["ratelimit"] == (
        '"requests_per_minute";r=97;t=50, "tokens_per_minute";r=4970;t=50, "sliding";r=4940'
    )
    assert "ratelimit" not in gate.send(fine, figures=False).headers
    assert "ratelimit" not in gate.send(lambda request: RedirectResponse("/there")).headers
    own = gate.send(lambda request: Response(headers={"RateLimit": '"own";r=1'}))
    assert own.headers.get_list("ratelimit") == ['"own";r=1']


def test_figures_that_cannot_be_had_cost_no_request(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(account: str) -> None:
        raise LedgerError("gone")

    monkeypatch.setattr(gate.ledger, "state", fails)
    answer = gate.send(fine)
    assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)


def test_texts_are_counted_and_not_kept(gate: Gate) -> None:
    gate.usage = {"type": "story", "account": "acme", "prompt": "twelve chars"}
    gate.send(fine)
    assert gate.spent == Fraction("0.12")
    assert gate.calls[0].record["letters"] == 12
    gate.send(lambda request: (request.scope["pricelang"].used(letters=3), fine(request))[1])
    assert gate.spent == Fraction("0.15")
    assert "twelve" not in json.dumps([dict(one.event) for one in gate.ledger.history("acme")])


def test_other_scopes_pass_untouched(book: pricelang.Ledger) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    async def work() -> None:
        gated = PricelangMiddleware(app, book, lambda request: CHAT)
        for kind in ("lifespan", "websocket"):
            await gated({"type": kind}, None, None)  # type: ignore[arg-type]

    run(work())
    assert seen == [{"type": "lifespan"}, {"type": "websocket"}]


# --- refused --------------------------------------------------------------------------------------------------------


def test_a_daily_limit_is_402_until_midnight(book: pricelang.Ledger) -> None:
    gate = Gate(book, daily_limit="0.05")
    answer = gate.send(fine, times=2)
    assert answer.status_code == 402
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "43190"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["ratelimit-policy"] == '"daily_spend";q=0;qu="USD";w=86400'
    assert answer.headers["ratelimit"] == '"daily_spend";r=0;t=43190'
    told = answer.json()
    assert told.pop("id").startswith("request/acme/")
    assert told == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Request cannot be satisfied as assigned quota has been exceeded",
        "status": 402,
        "detail": told["detail"],
        "instance": "/chat",
        "limit": "daily_spend",
        "limits": [
            {
                "name": "daily_spend",
                "asked": "0.05",
                "used": "0.05",
                "allowed": "0.05",
                "unit": "USD",
                "status": 402,
                "retry_at": "2026-02-18T00:00:00Z",
                "message": told["detail"],
            }
        ],
        "retry_at": "2026-02-18T00:00:00Z",
        "retry_after": 43190,
        "balance": "0.95",
        "violated-policies": ["daily_spend"],
    }
    assert told["detail"].startswith("Daily spending limit: ")
    assert len(gate.calls) == 1
    gate.clock.at = NOON + timedelta(seconds=43190)
    assert gate.send(fine).status_code == 200


def test_too_many_requests_are_429(book: pricelang.Ledger) -> None:
    gate = Gate(book, rpm=2)
    answer = gate.send(fine, times=3)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "50")
    assert answer.headers["ratelimit"] == '"requests_per_minute";r=0;t=50'
    assert answer.json()["limit"] == "requests_per_minute"
    assert len(gate.calls) == 2


def test_an_empty_balance_is_402_and_waiting_does_not_help(gate: Gate) -> None:
    gate.usage = {**CHAT, "output_tokens": 500}
    answer = gate.send(fine, times=2)
    assert answer.status_code == 402
    assert "retry-after" not in answer.headers
    assert "ratelimit" not in answer.headers
    told = answer.json()
    assert (told["type"], told["title"], told["limit"]) == ("about:blank", "Payment Required", "funds_left")
    assert (told["retry_at"], told["retry_after"], told["balance"]) == (None, None, "-0.01")


def test_a_request_larger_than_the_limit_is_never_let_through(gate: Gate) -> None:
    gate.usage = {**CHAT, "input_tokens": 6000}
    answer = gate.send(fine)
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers
    assert answer.headers["ratelimit"] == '"tokens_per_minute";r=5000'
    assert "never" in answer.json()["detail"]
    assert gate.calls == []


def test_an_account_that_has_not_signed_up_is_403(gate: Gate) -> None:
    gate.usage = {**CHAT, "account": "nobody"}
    answer = gate.send(fine)
    assert answer.status_code == 403
    assert (answer.json()["code"], answer.json()["field"]) == ("unknown-account", "account")
    assert gate.calls == []


def test_bad_usage_is_400_with_its_field(gate: Gate) -> None:
    gate.usage = {**CHAT, "output_tokens": -1}
    answer = gate.send(fine)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "output_tokens"
    assert gate.calls == []


def test_usage_may_answer_itself(gate: Gate) -> None:
    def usage(request: Request) -> None:
        raise Problem(401, "who are you?", {"code": "no-key"}, {"WWW-Authenticate": "Bearer"})

    gate.usage = usage
    answer = gate.send(fine)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "who are you?",
        "instance": "/chat",
        "code": "no-key",
    }


# --- when something breaks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_of_the_app_costs_nothing(gate: Gate, status: int) -> None:
    answer = gate.send(lambda request: Response("no", status))
    assert answer.status_code == status
    assert gate.spent == 0
    assert gate.journal() == [("authorize", "accepted"), ("release", "accepted")]


def test_an_app_that_raises_costs_nothing(gate: Gate) -> None:
    assert gate.send(broken).status_code == 500
    assert gate.spent == 0


def test_what_was_said_before_an_error_is_charged(gate: Gate) -> None:
    def handler(request: WebRequest) -> Response:
        request.scope["pricelang"].used(output_tokens=1)
        raise ValueError

    assert gate.send(handler).status_code == 500
    assert gate.spent == Fraction("0.012")


def test_what_cannot_be_charged_is_charged_as_estimated(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: WebRequest) -> Response:
        request.scope["pricelang"].used(pages=1, account="other", id="x")
        return fine(request)

    gate.send(handler)
    assert gate.spent == Fraction("0.05")
    assert "charged as estimated" in caplog.text


def test_a_function_that_fails_leaves_the_estimates(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    def actual(answer: Answer) -> Mapping[str, object]:
        raise KeyError("tokens")

    gate.send(fine, actual=actual)
    assert gate.spent == Fraction("0.05")
    assert "`actual` failed" in caplog.text


def test_a_store_that_fails_lets_nothing_through(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(gate.ledger.store, "transact", fails)
    answer = gate.send(fine)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["code"] == "ledger-failed"
    assert "disk" not in answer.text
    assert gate.calls == []


def test_a_store_that_fails_at_the_end_is_tried_again(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(asgi, "PAUSES", (0.01, 0.01))
    settle = gate.ledger.settle
    left = [1]

    def fails(hold: str, record: Mapping[str, object]) -> object:
        if left and left.pop():
            raise LedgerError("a moment please")
        return settle(hold, record)

    monkeypatch.setattr(gate.ledger, "settle", fails)
    assert gate.send(counting).status_code == 200
    assert gate.spent == Fraction("0.024")
    left.extend([1, 1, 1])
    assert gate.send(counting).status_code == 200
    assert 'used {"output_tokens": 7}' in caplog.text
    assert len(gate.ledger.state("acme").holds) == 1


def test_a_slow_store_does_not_hold_up_others(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    authorize = gate.ledger.authorize

    def slow(record: Mapping[str, object]) -> object:
        time.sleep(0.2)
        return authorize(record)

    monkeypatch.setattr(gate.ledger, "authorize", slow)

    async def work() -> int:
        transport = httpx.ASGITransport(gate.app(fine))
        ticks = 0
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            request = asyncio.create_task(client.get("/chat"))
            while not request.done():
                await asyncio.sleep(0.01)
                ticks += 1
            assert request.result().status_code == 200
        return ticks

    assert run(work()) > 5


# --- streams, and clients that go away ------------------------------------------------------------------------------


def stream(request: WebRequest) -> Response:
    async def pieces() -> AsyncIterator[str]:
        for count in range(1, 6):
            request.scope["pricelang"].used(output_tokens=count)
            yield f"word{count} "
            await asyncio.sleep(0.01)

    return StreamingResponse(pieces())


def test_a_stream_is_settled_at_its_end(gate: Gate) -> None:
    answer = gate.send(stream)
    assert answer.text.split() == ["word1", "word2", "word3", "word4", "word5"]
    assert gate.spent == Fraction("0.02")


def test_the_end_of_an_answer_comes_after_its_charge(gate: Gate) -> None:
    seen = []

    def later() -> None:
        seen.append(gate.spent)

    gate.send(lambda request: JSONResponse({}, background=BackgroundTask(later)))
    assert seen == [Fraction("0.05")]


def raw(gate: Gate, handler: App, hang_up: int, **options: Any) -> list[Any]:
    """A request over plain ASGI whose client goes away after some pieces of the answer."""
    sent: list[Any] = []

    async def work() -> None:
        gone = asyncio.Event()
        asked = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

        async def receive() -> Any:
            for message in asked:
                return message
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if sum(one["type"] == "http.response.body" for one in sent) >= hang_up:
                gone.set()

        scope = {"type": "http", "method": "POST", "path": "/chat", "headers": [], "query_string": b""}
        await gate.app(handler, **options)(scope, receive, send)

    run(work())
    return sent


def test_a_client_that_hangs_up_pays_for_what_it_got(gate: Gate) -> None:
    raw(gate, stream, hang_up=2)
    assert Fraction("0.01") < gate.spent < Fraction("0.02")
    assert gate.journal()[-1] == ("settle", "accepted")


def test_a_client_that_hangs_up_pays_the_estimates_where_nothing_was_said(gate: Gate) -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "more "
            await asyncio.sleep(0.01)

    raw(gate, lambda request: StreamingResponse(endless()), hang_up=2)
    assert gate.spent == Fraction("0.05")


@pytest.mark.parametrize("said", [True, False])
def test_a_request_that_is_cancelled_is_settled(gate: Gate, said: bool) -> None:
    async def work() -> None:
        started = asyncio.Event()

        async def handler(request: WebRequest) -> Response:
            if said:
                request.scope["pricelang"].used(output_tokens=2)
            started.set()
            await asyncio.sleep(60)
            return fine(request)

        transport = httpx.ASGITransport(gate.app(handler))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            request = asyncio.create_task(client.get("/chat"))
            await started.wait()
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request

    run(work())
    until(lambda: not gate.ledger.state("acme").holds)
    assert gate.spent == (Fraction("0.014") if said else 0)


@pytest.mark.parametrize("fails", [True, False])
def test_a_grant_nobody_waits_for_any_more_is_given_back(
    gate: Gate, fails: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    authorize = gate.ledger.authorize
    asked, go = threading.Event(), threading.Event()

    def slow(record: Mapping[str, object]) -> object:
        asked.set()
        go.wait(10)
        if fails:
            raise LedgerError("nobody hears this")
        return authorize(record)

    monkeypatch.setattr(gate.ledger, "authorize", slow)

    async def work() -> None:
        transport = httpx.ASGITransport(gate.app(fine))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            request = asyncio.create_task(client.get("/chat"))
            await asyncio.to_thread(asked.wait, 10)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            go.set()
            await asyncio.sleep(0.1)

    run(work())
    gc.collect()
    assert "never retrieved" not in caplog.text
    if not fails:
        until(lambda: ("release", "accepted") in gate.journal())
    assert gate.spent == 0
    assert gate.calls == []


def test_a_client_that_goes_away_before_it_asked_is_nobody(gate: Gate) -> None:
    async def usage(request: Request) -> Mapping[str, object]:
        await request.body()
        return CHAT

    async def work() -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            raise AssertionError

        gated = PricelangMiddleware(gate.app(fine), gate.ledger, usage)
        await gated({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)

    run(work())
    assert (gate.calls, gate.journal()) == ([], [])


def until(done: Callable[[], bool]) -> None:
    for _ in range(500):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to be")


# --- requests that come again ---------------------------------------------------------------------------------------

KEY = {"Idempotency-Key": '"8e03978e"'}


def test_a_key_is_charged_once(gate: Gate) -> None:
    assert gate.send(counting, headers=KEY).status_code == 200
    again = gate.send(counting, times=3, headers={"Idempotency-Key": "8e03978e"})
    assert (again.status_code, again.json()["code"]) == (409, "answered-before")
    assert len(gate.calls) == 1
    assert gate.spent == Fraction("0.024")
    assert gate.calls[0].hold == "request/acme/8e03978e"


def test_an_app_may_answer_a_key_again_itself(gate: Gate) -> None:
    assert gate.send(counting, times=3, headers=KEY, repeats=True).status_code == 200
    assert [one.again for one in gate.calls] == [False, True, True]
    assert gate.spent == Fraction("0.024")


def test_a_key_with_other_usage_is_422(gate: Gate) -> None:
    gate.send(fine, headers=KEY)
    gate.usage = {**CHAT, "output_tokens": 21}
    answer = gate.send(fine, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "id-conflict")
    gate.usage = {**CHAT, "id": "t"}
    assert gate.send(fine).status_code == 422


def test_a_key_may_come_again_after_an_error(gate: Gate) -> None:
    assert gate.send(broken, times=2, headers=KEY).status_code == 500
    assert gate.send(counting, headers=KEY).status_code == 200
    assert gate.calls[-1].hold == "request/acme/8e03978e/3"
    assert gate.spent == Fraction("0.024")


def test_a_key_may_come_again_after_a_refusal(book: pricelang.Ledger) -> None:
    gate = Gate(book, rpm=1)
    gate.send(fine)
    assert gate.send(fine, headers=KEY).status_code == 429
    gate.clock.at += timedelta(seconds=60)
    assert gate.send(fine, headers=KEY).status_code == 200


def test_a_key_that_ran_out_is_decided_anew(gate: Gate) -> None:
    hold = gate.ledger.authorize({**CHAT, "id": "request/acme/8e03978e", "at": NOON}).hold
    answer = gate.send(counting, headers=KEY)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (409, "in-progress", "1")
    gate.clock.at += timedelta(hours=1)
    assert gate.send(counting, headers=KEY).status_code == 200
    assert gate.calls[-1].hold == f"{hold}/2"


def test_a_key_is_its_accounts_own(gate: Gate) -> None:
    gate.ledger.apply({"id": "s2", "type": "signup", "at": NOON, "account": "other/1"})
    gate.ledger.apply({"id": "t2", "type": "topup", "at": NOON, "account": "other/1", "amount": "1"})
    gate.send(fine, headers=KEY)
    gate.usage = {**CHAT, "account": "other/1"}
    assert gate.send(fine, headers=KEY).status_code == 200
    assert gate.calls[-1].hold == "request/other%2F1/8e03978e"


def test_no_key_gets_in_the_way_of_a_settlement(gate: Gate) -> None:
    assert gate.send(fine, headers={"Idempotency-Key": "a/settle"}).status_code == 200
    assert gate.send(fine, headers={"Idempotency-Key": "a"}).status_code == 200
    assert gate.send(fine, headers={"Idempotency-Key": "a/2"}).status_code == 200
    assert gate.spent == Fraction("0.15")
    assert gate.send(fine, headers={"Idempotency-Key": "x" * 256}).status_code == 400


def test_one_of_many_with_the_same_key_goes_through(gate: Gate) -> None:
    async def slow(request: WebRequest) -> Response:
        await asyncio.sleep(0.1)
        return fine(request)

    codes = together(gate, slow, 10, headers=KEY)
    assert sorted(codes) == [200, *[409] * 9]
    assert gate.spent == Fraction("0.05")


def test_a_key_used_up_is_refused(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "MOST_ATTEMPTS", 2)
    answer = gate.send(broken, times=3, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "key-used-up")


# --- many at once, and a real server --------------------------------------------------------------------------------


def together(gate: Gate, handler: App, many: int, headers: Mapping[str, str] | None = None) -> list[int]:
    async def work() -> list[int]:
        transport = httpx.ASGITransport(gate.app(handler))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answers = await asyncio.gather(*(client.get("/chat", headers=headers) for _ in range(many)))
        return [one.status_code for one in answers]

    return run(work())  # type: ignore[no-any-return]


def test_fifty_at_once_over_a_balance_for_twenty(gate: Gate) -> None:
    codes = together(gate, fine, 50)  # $1 at $0.05 each
    assert (codes.count(200), codes.count(402)) == (20, 30)
    assert gate.spent == 1
    assert len(gate.calls) == 20


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """The app behind a real socket."""
    uvicorn = pytest.importorskip("uvicorn")
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", http="h11")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


def test_over_a_socket(gate: Gate) -> None:
    with serving(gate.app(stream)) as url, httpx.Client(base_url=url) as client:
        answer = client.post("/chat", json={})
        assert (answer.status_code, answer.text.split()[-1]) == (200, "word5")
        assert gate.spent == Fraction("0.02")  # settled before the end was sent
        gate.usage = {**CHAT, "input_tokens": 6000}
        refused = client.post("/chat", json={})
        assert (refused.status_code, refused.json()["limit"]) == (429, "tokens_per_minute")
        gate.usage = CHAT
        with client.stream("POST", "/chat", json={}) as answer:
            next(answer.iter_raw())
        until(lambda: not gate.ledger.state("acme").holds)
        assert gate.spent >= Fraction("0.032")


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_LEDGER", f"sqlite:///{tmp_path}/gateway.db")
    path = Path(__file__).parent.parent / "examples" / "gateway" / "app.py"
    names: dict[str, Any] = {"__name__": "gateway", "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)

    async def work() -> None:
        transport = httpx.ASGITransport(names["app"])
        key = {"Authorization": "Bearer sk-demo"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=key) as client:
            body = {"model": "llama-3.3-70b", "prompt": "who are you", "max_tokens": 6}
            answer = await client.post("/v1/chat", json=body)
            assert answer.json() == {"answer": "I am not a model at"}
            assert (await client.post("/v1/chat", json={**body, "stream": True})).text == "I am not a model at "
            # 3 words in at $0.20, 6 out at $0.60 per million, twice
            assert (await client.get("/v1/balance")).json() == {"account": "demo", "balance": "9.9999916"}
            assert (await client.post("/v1/chat", json={**body, "model": "x"})).status_code == 400
            assert (await client.post("/v1/chat", json=[1])).status_code == 400
            assert (await client.post("/v1/chat", headers={"Authorization": ""})).status_code == 401

    run(work())
    names["ledger"].close()

"""START HERE: an ASGI middleware that lets requests through by a ledger, and charges them for what they used.

    usage(request) → reserve → the app, which says what it used → settle, or release where nothing was

Refused requests are answered here and never reach the app. It needs asyncio, and no web framework.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import MutableMapping
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from typing import TypeVar

from pricelang.account.journal import LedgerError
from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Outcome
from pricelang.adapters.grants import Grant
from pricelang.adapters.grants import Grants
from pricelang.adapters.grants import now_in_utc
from pricelang.adapters.told import Headers
from pricelang.adapters.told import Problem as Problem
from pricelang.adapters.told import Standing
from pricelang.adapters.told import fields_of
from pricelang.adapters.told import problem_of
from pricelang.number import decimal_or_fraction

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("pricelang.asgi")

RETRY_AFTER = 5
"""Seconds that a client is told to wait when the ledger's store fails."""

PATIENCE = 1.0
"""The last piece of an answer waits so many seconds for the settlement, and then goes out before it."""

PAUSES = (0.1, 1.0, 5.0)
"""Seconds between attempts to settle when the store fails."""


class _Gone(Exception):
    """The client went away before it had sent its whole request."""


class Request:
    """A request as `usage` sees it. `headers` has lower-case names; a field sent twice is joined by commas."""

    def __init__(self, scope: Scope, receive: Receive, largest_body: int) -> None:
        self.scope = scope
        self.method = str(scope["method"])
        self.path = str(scope["path"])
        self.query = bytes(scope.get("query_string", b"")).decode("latin-1")
        self.headers = _named(scope["headers"])
        self._receive = receive
        self._largest = largest_body
        self._body: bytes | None = None
        self._played = False

    async def body(self) -> bytes:
        """The whole body; the app gets it all the same. Raises `Problem` 413 for one larger than `largest_body`."""
        if self._body is None:
            pieces: list[bytes] = []
            size, more = 0, True
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                more = message.get("more_body", False)
                if size > self._largest:
                    raise Problem(413, f"the body has more than {self._largest:,} bytes", {"code": "body-too-large"})
            self._body = b"".join(pieces)
        return self._body

    async def json(self) -> Any:
        """The body read as JSON. Raises `Problem` 400 where it is none."""
        try:
            return json.loads(await self.body())
        except ValueError as error:
            raise Problem(400, f"the body is not JSON: {error}", {"code": "not-json"}) from None

    async def receive(self) -> Message:
        """What the app receives: the body that was read, or what comes."""
        if self._body is None or self._played:
            return await self._receive()
        self._played = True
        return {"type": "http.request", "body": self._body, "more_body": False}


class Answer:
    """What the app answered, as `actual` sees it: `status`, `headers` as in a request, and the body in pieces.

    `complete` is False where the client went away or the app failed before the end. `record` has the estimates.
    """

    def __init__(self, record: Mapping[str, object]) -> None:
        self.record = record
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.pieces: list[bytes] = []
        self.begun = False
        self.complete = False

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError where it is none."""
        return json.loads(self.body)


class Meter:
    """`scope["pricelang"]`: what the app knows of its grant, and where it says what was really used.

    `record` is the usage record with its estimates, `said` what was said so far. `again`: the request was answered
    before and is not charged anew (only with `repeats=True`).
    """

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self.said: dict[str, object] | None = None
        self.closed = False

    @property
    def hold(self) -> str:
        return self._grant.hold

    @property
    def record(self) -> Mapping[str, object]:
        return self._grant.record

    @property
    def again(self) -> bool:
        return self._grant.again

    @property
    def reserved(self) -> Decimal | Fraction:
        """What the estimates cost, in the ruleset's currency."""
        return decimal_or_fraction(self._grant.outcome.reserved or Fraction(0))

    @property
    def balance(self) -> Decimal | Fraction | None:
        """What is available with that taken off."""
        return self._grant.outcome.balance

    def used(self, **fields: object) -> None:
        """Says what was used: fields of the record, which take the place of the estimates.

        It may be said again as more is used, with the totals so far: what was said last counts, even if the app fails
        or the client goes away. RuntimeError once the answer has ended.
        """
        if self.closed:
            raise RuntimeError(f"{self.hold}: the answer has ended, and what was used is settled")
        self.said = {**(self.said or {}), **fields}


Usage = Callable[[Request], Mapping[str, object] | Awaitable[Mapping[str, object] | None] | None]
Actual = Callable[[Answer], Mapping[str, object] | None]


class PricelangMiddleware:
    """Decides requests by a ledger. Websockets and the lifespan pass untouched.

    - `usage(request)`, plain or async, gives the usage record of a request with estimates: `type`, `account`, fields.
      None: the request is free and passes untouched. `at` is now unless it is given. It may raise `Problem`.
    - `actual(answer)`, a plain function, gives the fields that were really used, if the app itself does not say so by
      `scope["pricelang"].used(...)`; None where it does not know. With it, bodies of answers are kept until they end.
    - `key_header`: the header that makes a request the same when it comes again; "" for none.
    - `repeats`: a request that was answered and comes again reaches the app, which keeps its answers by key, and is not
      charged; otherwise it is answered 409.
    - `threads`: how many threads the ledger is called from, twice: for what is asked and for what is settled. 0: the
      ledger is called in the event loop, which is quicker for `memory://` and for nothing else.
    - `figures`: accepted answers carry RateLimit fields; that reads the account once more.
    - `largest_body`: bytes of a request's body that `usage` may read.
    - `now`: the clock, as a datetime with a zone.
    """

    def __init__(
        self,
        app: App,
        ledger: Ledger,
        usage: Usage,
        *,
        actual: Actual | None = None,
        key_header: str = "Idempotency-Key",
        repeats: bool = False,
        threads: int = 8,
        figures: bool = True,
        largest_body: int = 16_000_000,
        now: Callable[[], datetime] = now_in_utc,
    ) -> None:
        self.app = app
        self._usage = usage
        self._actual = actual
        self._key_header = key_header.lower()
        self._repeats = repeats
        self._largest_body = largest_body
        self._program = ledger.program
        self._standing = Standing(ledger) if figures else None
        self._grants = Grants(ledger, now, PAUSES if threads else ())
        self._asking = ThreadPoolExecutor(threads, "pricelang-ask") if threads else None
        self._settling = ThreadPoolExecutor(threads, "pricelang-settle") if threads else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive, self._largest_body)
        try:
            found = await self._decide(request)
        except _Gone:
            return
        except Problem as problem:
            await _answer(problem, scope, send)
            return
        if found is None:
            await self.app(scope, request.receive, send)
            return
        grant, headers = found
        await _Exchange(self, request, grant, headers, send).run()

    async def _decide(self, request: Request) -> tuple[Grant, Headers] | None:
        """The grant of a request, and what its answer is to carry; None where it is free. Raises `Problem`."""
        usage = self._usage(request)
        if inspect.isawaitable(usage):
            usage = await usage
        if usage is None:
            return None
        record = dict(usage)
        key = request.headers.get(self._key_header) if self._key_header else None
        try:
            found, headers = await self._ask(lambda: self._granted(record, key))
        except LedgerError as error:
            log.error("the ledger failed, and a request was not let through: %s", error)
            message = "what this account may use cannot be looked up now; nothing was charged"
            raise Problem(503, message, {"code": "ledger-failed"}, {"retry-after": str(RETRY_AFTER)}) from None
        if isinstance(found, Grant):
            if found.again and not self._repeats:
                message = "this request was answered before, and charged; its answer is not kept"
                raise Problem(409, message, {"code": "answered-before", "id": found.hold})
            return found, headers
        raise problem_of(found, self._program)

    def _granted(self, record: Mapping[str, object], key: str | None) -> tuple[Grant | Outcome, Headers]:
        """Asks the ledger; called in a thread."""
        found = self._grants.ask(record, key)
        if not isinstance(found, Grant) or self._standing is None:
            return found, []
        try:
            told = fields_of(self._standing.items(found.record))
        except Exception:  # the request was granted, and goes on without them
            log.exception("%s: no RateLimit fields", found.hold)
            told = {}
        return found, [(name.encode(), value.encode("latin-1")) for name, value in told.items()]

    async def _ask(self, work: Callable[[], tuple[Grant | Outcome, Headers]]) -> tuple[Grant | Outcome, Headers]:
        """The work in a thread. Where nobody waits for it any more, what it grants is given back."""
        if self._asking is None:
            return work()
        future = self._asking.submit(work)
        here = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(here)
        except asyncio.CancelledError:
            here.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else looks at it
            future.add_done_callback(self._give_back)
            raise

    def _give_back(self, future: Future[tuple[Grant | Outcome, Headers]]) -> None:
        if future.exception() is None:
            found, _ = future.result()
            if isinstance(found, Grant) and not found.again:
                self.settle(found, None)

    # --- for one exchange

    def settle(self, grant: Grant, used: Mapping[str, object] | None) -> Future[None] | None:
        """Begins to settle a grant, or to release it for None; what was begun is finished whatever becomes of us."""
        if self._settling is None:
            self._grants.close(grant, used)
            return None
        return self._settling.submit(self._grants.close, grant, used)

    @property
    def keeps_bodies(self) -> bool:
        return self._actual is not None

    def verdict(self, answer: Answer, said: Mapping[str, object] | None) -> Mapping[str, object] | None:
        """What an answer is charged for: what was said, the estimates ({}), or nothing (None)."""
        told: Mapping[str, object] | None = None
        if self._actual is not None and answer.status:
            try:
                told = self._actual(answer)
            except Exception:
                log.exception("`actual` failed: what the app said is charged, or the estimates")
        if said is not None or told is not None:
            return {**(told or {}), **(said or {})}
        if 0 < answer.status < 400 and (answer.begun or answer.complete):
            return {}
        return None


class _Exchange:
    """One request that was let through, until it is settled."""

    def __init__(self, owner: PricelangMiddleware, request: Request, grant: Grant, told: Headers, send: Send) -> None:
        self._owner = owner
        self._request = request
        self._grant = grant
        self._told = told
        self._send = send
        self._meter = Meter(grant)
        self._answer = Answer(grant.record)

    async def run(self) -> None:
        """Runs the app. However it ends, the grant is settled or released."""
        scope = {**self._request.scope, "pricelang": self._meter}
        try:
            await self._owner.app(scope, self._request.receive, self.send)
        finally:
            await self._settled()

    async def send(self, message: Message) -> None:
        answer = self._answer
        match message["type"]:
            case "http.response.start":
                headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
                answer.status = message["status"]
                answer.headers = _named(headers)
                if not 300 <= answer.status < 400:  # a client should follow a redirect at once
                    headers += [one for one in self._told if one[0].decode() not in answer.headers]
                message = {**message, "headers": headers}
            case "http.response.body":
                piece = message.get("body", b"")
                answer.begun = answer.begun or bool(piece)
                if self._owner.keeps_bodies and piece:
                    answer.pieces.append(bytes(piece))
                if not message.get("more_body", False):
                    answer.complete = True
                    await self._settled()
            case "http.response.pathsend" | "http.response.zerocopysend":
                answer.begun = True
        await self._send(message)

    async def _settled(self) -> None:
        """Settles once; waits for it a while, so that who has the whole answer finds it charged."""
        if self._meter.closed:
            return
        self._meter.closed = True
        if self._grant.again:
            return
        future = self._owner.settle(self._grant, self._owner.verdict(self._answer, self._meter.said))
        if future is not None:
            await asyncio.wait([asyncio.wrap_future(future)], timeout=PATIENCE)


async def _answer(problem: Problem, scope: Scope, send: Send) -> None:
    body = problem.body(str(scope["path"]))
    start = {"type": "http.response.start", "status": problem.status, "headers": problem.fields(len(body))}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _named(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw, text in headers:
        name, value = bytes(raw).decode("latin-1").lower(), bytes(text).decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found

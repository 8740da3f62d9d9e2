"""A gateway before a make-believe model: every request is let through by a ledger, and charged for its tokens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as WebRequest
from starlette.responses import JSONResponse
from starlette.responses import Response
from starlette.responses import StreamingResponse
from starlette.routing import Route

import pricelang
from pricelang.adapters.asgi import PricelangMiddleware
from pricelang.adapters.asgi import Problem
from pricelang.adapters.asgi import Request

RULES = Path(__file__).parents[2] / "rulesets" / "tensoras"
KEYS = {"sk-demo": "demo"}  # API key → account
ANSWER = "I am not a model at all but I do count my words"

ledger = pricelang.Ledger.open(os.environ.get("GATEWAY_LEDGER", "sqlite:///gateway.db"), pricelang.load(RULES))

if "demo" not in ledger.accounts():
    first = {"at": datetime.now(UTC), "account": "demo"}
    ledger.apply({**first, "id": "demo/signup", "type": "signup", "plan": "Developer", "daily_limit": "5"})
    ledger.apply({**first, "id": "demo/topup", "type": "topup", "amount": "10"})


def account_of(headers: dict[str, str]) -> str:
    account = KEYS.get(headers.get("authorization", "").removeprefix("Bearer "))
    if account is None:
        raise Problem(401, "send an API key: Authorization: Bearer sk-demo", headers={"www-authenticate": "Bearer"})
    return account


async def usage(request: Request) -> dict[str, object] | None:
    """What a request may come to: all of its words, and as many more as it asks for at most."""
    if request.path != "/v1/chat":
        return None
    account = account_of(request.headers)
    asked = await request.json()
    if not isinstance(asked, dict) or not isinstance(asked.get("prompt"), str):
        raise Problem(400, "the body is an object with a model and a prompt")
    return {
        "type": "chat",
        "account": account,
        "model": asked.get("model"),
        "input_tokens": len(asked["prompt"].split()),
        "output_tokens": asked.get("max_tokens", 1000),
    }


async def chat(request: WebRequest) -> Response:
    asked = await request.json()
    words = ANSWER.split()[: asked.get("max_tokens", 1000)]
    meter = request.scope["pricelang"]
    if not asked.get("stream"):
        meter.used(output_tokens=len(words))
        return JSONResponse({"answer": " ".join(words)})

    async def stream() -> AsyncIterator[str]:
        for count, word in enumerate(words, 1):
            meter.used(output_tokens=count)  # said as it goes: a client that hangs up pays for what it got
            yield f"{word} "
            await asyncio.sleep(0.05)

    return StreamingResponse(stream(), media_type="text/plain")


async def balance(request: WebRequest) -> Response:
    account = KEYS.get(request.headers.get("authorization", "").removeprefix("Bearer "))
    if account is None:
        return Response(status_code=401)
    return JSONResponse({"account": account, "balance": str(await asyncio.to_thread(ledger.balance, account))})


app = Starlette(
    routes=[Route("/v1/chat", chat, methods=["POST"]), Route("/v1/balance", balance)],
    middleware=[Middleware(PricelangMiddleware, ledger=ledger, usage=usage)],
)

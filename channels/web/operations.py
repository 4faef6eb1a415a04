"""For those who run it: is it alive, is it ready, what is it doing; and Rasa's way back in."""

from __future__ import annotations

import hmac
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from channels.house import House
from core.errors import Unauthorized, Unavailable

router = APIRouter()


@router.get("/healthz", summary="Alive")
async def healthz() -> dict[str, str]:
    """Answers while the process runs."""
    return {"status": "ok"}


@router.get("/readyz", summary="Ready to answer citizens")
async def readyz(request: Request, response: Response) -> dict[str, Any]:
    """200 when citizens get answers; the parts show what is missing. Rasa may still load: answers are then direct."""
    state = House.of(request).state()
    response.status_code = 200 if state["status"] == "ready" else 503
    return state


@router.get("/metrics", summary="Prometheus metrics")
async def metrics(request: Request) -> Response:
    """Counts and times; no personal data."""
    return Response(House.of(request).metrics.page(), media_type=CONTENT_TYPE_LATEST)


@router.post("/internal/actions", include_in_schema=False)
async def actions(request: Request) -> dict[str, Any]:
    """Rasa's action webhook."""
    house = House.of(request)
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), house.actions_token.encode()):
        raise Unauthorized()
    if house.actions is None:
        raise Unavailable()
    # The domain is left out on the wire, because no action reads it; the executor asks for one all the same.
    result = await house.actions.run({"domain": {}, **await request.json()})
    return result.model_dump() if result else {"events": [], "responses": []}

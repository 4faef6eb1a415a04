"""Where the platform calls: each account at an address of its own."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from channels.house import House
from channels.wechat.envelope import Refused
from channels.wechat.letters import Incoming, Outgoing
from channels.wechat.office import Counter
from channels.wechat.replies import apology
from core.errors import BangbanError

ACKNOWLEDGED = "success"  # said to the platform where nothing is said to the citizen now

router = APIRouter(include_in_schema=False)
log = structlog.get_logger()


@router.get("/wechat/callback")
@router.get("/wechat/{name}/callback")
async def verify(request: Request) -> Response:
    """The platform asks whether this address is ours."""
    counter = _counter(request)
    if counter is None:
        return _no(404)
    try:
        return PlainTextResponse(counter.envelope.echo(request.query_params))
    except Refused:
        return _no(403)


@router.post("/wechat/callback")
@router.post("/wechat/{name}/callback")
async def receive(request: Request) -> Response:
    """A message or an event."""
    counter, house = _counter(request), House.of(request)
    if counter is None:
        return _no(404)
    try:
        incoming = counter.envelope.open(await request.body(), request.query_params)
    except Refused:
        house.metrics.called("refused")
        log.warning("wechat.refused", account=counter.name)
        return _no(403)
    if incoming is None:
        house.metrics.called("silent")
        return PlainTextResponse(ACKNOWLEDGED)
    with structlog.contextvars.bound_contextvars(sender=incoming.sender), house.metrics.turn():
        sealed = counter.envelope.seal(await _answer(request, incoming), incoming)
    return Response(sealed, media_type="text/plain" if sealed == ACKNOWLEDGED else "application/xml")


async def _answer(request: Request, incoming: Incoming) -> Outgoing:
    house = House.of(request)
    assert house.office is not None
    try:
        outgoing = await house.office.turns.answer(incoming, request.is_disconnected)
        house.metrics.called("answered" if outgoing.parts or outgoing.staff else "silent")
    except Exception as error:  # shared memory away: better an apology than the platform's own error
        house.metrics.called("failed")
        log.error("wechat.failed", reason=type(error).__name__)
        outgoing = apology(incoming, str(BangbanError()))
    log.info("wechat.turn", kind=incoming.kind, said=outgoing != Outgoing())
    return outgoing


def _counter(request: Request) -> Counter | None:
    office = House.of(request).office
    # Of the path alone: a name in the query is anybody's.
    return office.counter(request.path_params.get("name", "")) if office else None


def _no(status: int) -> Response:
    return PlainTextResponse("", status_code=status)

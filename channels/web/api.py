"""The public REST contract: chat, search, type-ahead, guides."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter

from bot.conversation import sender_of
from channels.house import House
from channels.web import limits
from core.errors import BangbanError, Invalid
from core.privacy import seal
from core.text import normalise
from core.types import Act, Answer, GuideRef, Message, Reply
from index.catalogue import Target
from knowledge.changes import IndexedGuide
from knowledge.export import json_schema

IDEMPOTENT = 600  # seconds a reply is kept for a retry of the same message
WAITS = 60  # looks, a quarter of a second apart, for the reply to a message that is still being answered

router = APIRouter()
REPLY = TypeAdapter(Reply)


class Ask(BaseModel):
    """A message from a citizen: exactly one of `text` and `choice`."""

    model_config = ConfigDict(extra="forbid")

    session: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", description="made by the client, random, kept between turns")
    text: str = Field("", max_length=20_000, description="what was typed")
    choice: str = Field("", max_length=200, description="the id of a choice that was offered")
    region: str | None = Field(None, pattern=r"^\d{6}(\d{3}){0,2}$", description="code of the region asked about")


class Rating(BaseModel):
    """Whether a turn helped, and what is wrong with it."""

    model_config = ConfigDict(extra="forbid")

    session: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", description="the session that asked")
    turn: str = Field(pattern=r"^[A-Za-z0-9_-]{16,64}$", description="`turn` of the reply")
    useful: StrictBool
    comment: str = Field("", max_length=200, description="in the citizen's words; personal data in it is not kept")


class Found(BaseModel):
    """One guide that fits."""

    guide: GuideRef
    score: float
    matched: str


class Hits(BaseModel):
    """Guides that fit, best first."""

    hits: list[Found]


class Suggested(BaseModel):
    """A text to ask with."""

    text: str
    guide: GuideRef | None


class Suggestions(BaseModel):
    """Texts to go on with, best first."""

    suggestions: list[Suggested]


class Questions(BaseModel):
    """Everyday questions that many ask."""

    questions: list[str]


Region = Annotated[
    str | None, Query(pattern=r"^\d{6}(\d{3}){0,2}$", description="region code; the deployment's own by default")
]


@router.post("/api/chat", response_model=Reply, summary="One turn of a conversation")
async def chat(
    ask: Ask,
    request: Request,
    key: Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9_-]{8,64}$")] = None,
) -> Response:
    """Answer one message. A retry with the same Idempotency-Key gets the same reply and is answered once."""
    house = House.of(request)
    await limits.message(house, request)
    message = Message(session=ask.session, text=ask.text, choice=ask.choice, region=ask.region)
    with house.metrics.turn():
        if key is None:
            return _json(REPLY.dump_json(await house.conversation.turn(message)))
        return _json((await _once(house, f"reply:{ask.session}:{key}", message)).encode())


@router.post("/api/feedback", status_code=204, summary="Whether an answer helped")
async def feedback(rating: Rating, request: Request) -> None:
    """Rate a turn of one's own; the last rating holds. Of keys that are not known, or not the session's, nothing is told."""
    house = House.of(request)
    await limits.rating(house, request, rating.session)
    comment = seal(normalise(rating.comment))
    house.journal.rate(rating.turn, sender_of(rating.session), rating.useful, comment)


@router.get("/api/search", summary="Guides that fit a question")
async def search(
    request: Request,
    q: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    region: Region = None,
) -> Hits:
    """Search without a conversation."""
    house = House.of(request)
    hits = await asyncio.to_thread(house.search, normalise(q), region, limit)
    return Hits(
        hits=[
            Found(guide=hit.target.ref, score=round(hit.score, 4), matched=hit.text)
            for hit in hits
            if isinstance(hit.target, IndexedGuide)
        ]
    )


@router.get("/api/suggest", summary="Type-ahead")
async def suggest(request: Request, q: Annotated[str, Query(max_length=50)], region: Region = None) -> Suggestions:
    """Names of guides and everyday questions that hold what was typed."""
    found = House.of(request).suggest(normalise(q), region)
    return Suggestions(suggestions=[Suggested(text=one.text, guide=_cited(one.target)) for one in found])


@router.get("/api/hot", summary="Questions to begin with")
async def hot(request: Request, region: Region = None) -> Questions:
    """Everyday questions that surely have an answer here."""
    house = House.of(request)
    return Questions(questions=[question for question, _ in await asyncio.to_thread(house.hot, region)])


@router.get("/api/guides/{guide_id}", summary="A published guide, whole")
async def guide(guide_id: int, request: Request) -> dict[str, Any]:
    """The guide with all its fields, its version and its region's name."""
    house = House.of(request)
    published = (await asyncio.to_thread(house.offer, guide_id)).published
    return {
        "id": published.id,
        "version": published.version,
        "region_name": house.regions.full_name(published.guide.region),
        **published.guide.model_dump(mode="json"),
    }


@router.get("/api/schema", summary="JSON Schema of a guide")
async def schema() -> dict[str, Any]:
    """What /api/guides and imports are made of."""
    return json_schema()


def error_body(error: BangbanError) -> dict[str, Any]:
    """What an error looks like to clients: the contract's `error` act, and nothing internal."""
    answer = TypeAdapter(Answer).dump_python(Answer(Act.ERROR, str(error)), mode="json")
    return {"code": error.code, "message": str(error), "messages": [answer]}


def _cited(target: Target) -> GuideRef | None:
    return target.ref if isinstance(target, IndexedGuide) else None


async def _once(house: House, name: str, message: Message) -> str:
    """The reply kept for this message, else a new one; a second try waits for the first."""
    for _ in range(WAITS):
        if await house.cache.add(name, "", IDEMPOTENT):
            try:
                reply = REPLY.dump_json(await house.conversation.turn(message)).decode()
            except BaseException:
                await house.cache.delete(name)
                raise
            # Locked, because whoever reads the link to a slip in it has the appointment.
            await house.cache.set(name, house.vault.lock(reply), IDEMPOTENT)
            return reply
        kept = await house.cache.get(name)
        if kept:
            return house.vault.unlock(kept)
        await asyncio.sleep(0.25)
    raise Invalid("这句话还在处理，请稍后再看。")


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})

"""The portal: pages that work without scripts and show the widget in use."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.templating import Jinja2Templates

from channels.house import House
from core.text import normalise
from knowledge import hours
from knowledge.changes import IndexedGuide
from knowledge.export import linked

HERE = Path(__file__).parent
SERVICES = 12  # hot services on the front page

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(HERE / "templates")


@router.get("/", response_class=HTMLResponse)
async def portal(request: Request) -> HTMLResponse:
    """The front page: search box, hot questions and services, halls, the widget."""
    house = House.of(request)
    asked = await asyncio.to_thread(house.hot, None)
    services = {guide.id: {"id": guide.id, "name": guide.name, "department": guide.department} for _, guide in asked}
    halls = await asyncio.to_thread(house.halls)
    return page(
        request,
        "portal.html",
        hot=[question for question, _ in asked][:8],
        services=list(services.values())[:SERVICES],
        halls=[hall.model_dump(mode="json") for hall in halls],
    )


@router.get("/search", response_class=HTMLResponse)
async def search(request: Request, q: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """Hits for those without scripts."""
    house = House.of(request)
    hits = await asyncio.to_thread(house.search, normalise(q), None, 20) if q.strip() else []
    rules = house.index.thresholds
    shown = [
        {"guide": hit.target, "matched": hit.text, "region_name": house.regions.full_name(hit.target.region)}
        for hit in hits
        if isinstance(hit.target, IndexedGuide) and hit.score >= rules.suggest
    ]
    return page(request, "search.html", q=q, hits=shown)


@router.get("/guides/{guide_id}", response_class=HTMLResponse)
async def guide(guide_id: int, request: Request) -> HTMLResponse:
    """One guide, readable and printable."""
    house = House.of(request)
    offer = await asyncio.to_thread(house.offer, guide_id)
    published = offer.published
    ref = {
        "id": published.id,
        "version": published.version,
        "verified_at": published.guide.verified_at,
        "region_name": house.regions.full_name(published.guide.region),
    }
    described = [_described(place.hours) for place in published.guide.places]
    json_ld = json.dumps(linked(published, house.regions), ensure_ascii=False)
    return page(
        request, "guide.html", guide=published.guide, ref=ref, hours=described, json_ld=json_ld,
        bookable=bool(offer.windows),
    )  # fmt: skip


@router.get("/widget.js", response_class=FileResponse)
async def widget() -> FileResponse:
    """The one script to embed."""
    return FileResponse(
        HERE / "static" / "widget.js", media_type="text/javascript", headers={"Cache-Control": "public, max-age=300"}
    )


def page(request: Request, name: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page with what all pages show."""
    house = House.of(request)
    shared = {
        "root": request.scope.get("root_path", ""),
        "region": house.settings.region,
        "region_name": house.regions.name(house.settings.region),
        "hotline": house.settings.hotline,
        "csp_nonce": request.state.nonce,
    }
    return templates.TemplateResponse(request, name, shared | context, status_code=status)


def _described(opening: Any) -> str:
    return (opening.text or hours.describe(opening)) if opening else ""

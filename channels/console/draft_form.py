"""The form of a draft as a page: checked, with what a colleague wrote meanwhile, and begun anew where the draft is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from channels.console import guide_form, pages
from channels.console.clerks import Clerk
from channels.console.forms import Sent
from channels.console.guide_checks import check, is_date, is_link
from channels.console.guide_form import Document, Problem
from channels.console.guide_parcel import pack, unpack
from channels.console.guide_sections import SELDOM, anchors, hint, opening, sections
from channels.house import House
from core import clock
from knowledge import drafts, publishing, standing
from knowledge.differences import differences, marked, merge
from knowledge.drafts import Draft
from knowledge.regions import Regions
from knowledge.schema import Guide
from staff.accounts import every
from staff.permissions import Act

TOOLS: dict[str, Any] = {
    "hint": hint, "opening": opening, "blank": guide_form.blank, "SELDOM": SELDOM, "is_link": is_link, "is_date": is_date, "marked": marked
}  # fmt: skip
LATELY = timedelta(minutes=15)  # that a colleague who wrote in a draft may still be at it
CHOICE = 400  # regions that one can still choose among; a code is typed where there are more


def names(session: Session) -> dict[str, str]:
    """What people call those on record by their login names."""
    return {account.name: account.called for account in every(session)}


def written(
    request: Request,
    clerk: Clerk,
    draft: Draft,
    loose: Mapping[str, Any],
    *,
    problems: tuple[Problem, ...] = (),
    focus: str = "",
    status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """The form of a draft with `loose` in it, checked."""
    house, scopes = House.of(request), clerk.scopes(Act.EDIT_GUIDES)
    checked = check(guide_form.tidy(loose), house.regions)
    checked = replace(checked, problems=(*problems, *checked.problems))
    made = guide_form.fields(loose, checked.problems)
    with house.reading() as session:
        stands = publishing.read(session, draft.guide) if draft.guide else None
        latest = publishing.read_version(session, stands.id, stands.version) if stands else None
        called = names(session)
        departments = {*standing.departments(session, scopes), *(name for _, name in scopes if name)}
    return pages.page(
        request, clerk, "guides/form.html", status=status, draft=draft, checked=checked,
        sections=sections(made, focus), anchors=anchors(made, checked.problems), focus=focus, stands=stands,
        latest=latest,
        behind=bool(stands and stands.version != draft.base), called=called, fixed=bool(draft.guide),
        places=() if draft.guide else _places(house.regions, scopes), departments=sorted(departments),
        **TOOLS, **context,
    )  # fmt: skip


def lately(draft: Draft, clerk: Clerk, now: datetime) -> int | None:
    """How many minutes ago a colleague was at this draft; None where nobody was, or long ago."""
    since = now - draft.updated_at
    return (
        None if draft.updated_by == clerk.name or draft.returned or since > LATELY else int(since.total_seconds() / 60)
    )


def together(
    request: Request, clerk: Clerk, theirs: Draft, mine: Document, sent: Sent, gone: bool = False
) -> HTMLResponse:
    """What two typed, brought together, with a question where both changed the same; nothing is saved yet.

    `gone`: the draft it was typed into is no more, and `theirs` is one begun anew.
    """
    base = unpack(sent.get("was"))
    merged, headings = merge(base, mine, theirs.document)
    titles = {info.title: key for key, info in Guide.model_fields.items()}
    clashes = [
        (key, differences({key: theirs.document.get(key)}, {key: mine.get(key)}))
        for title in headings
        if (key := titles.get(title))
    ]
    return written(
        request, clerk, theirs, merged, edition=theirs.edition, was=pack(theirs.document), why=sent.get("why"),
        theirs=differences(base, theirs.document), clashes=clashes, outdated=True, gone=gone, status=409,
    )  # fmt: skip


def decided(document: Document, sent: Sent) -> Document:
    """The document with the other's words, as they were shown, in the fields where the clerk chose them."""
    chosen = {key for key, side in _taken(sent).items() if side == "theirs"}
    theirs = unpack(sent.get("was")) if chosen else {}
    kept = {key: value for key, value in document.items() if key not in chosen}
    return kept | {key: theirs[key] for key in chosen if key in theirs}


def still_asked(mine: Document, sent: Sent) -> dict[str, Any]:
    """The questions of `together` again with what was chosen, where rows were arranged before anything was saved."""
    taken = _taken(sent)
    theirs = unpack(sent.get("was")) if taken else {}
    clashes = [(key, differences({key: theirs.get(key)}, {key: mine.get(key)})) for key in taken]
    return {"clashes": clashes, "taken": taken, "outdated": bool(taken), "gone": bool(sent.get("gone"))}


def _taken(sent: Sent) -> dict[str, str]:
    """Whose words were chosen of each field that was asked about: mine or theirs."""
    return {key: side for key in Guide.model_fields if (side := sent.get(f"take.{key}"))}


def anew(session: Session, clerk: Clerk, sent: Sent) -> tuple[Draft, Document]:
    """A draft in the place of one that was published or thrown away meanwhile, and what was typed into that.

    Raises GuideMissing, Forbidden.
    """
    mine, guide = guide_form.tidy(guide_form.typed(sent.pairs)), _guide(session, sent)
    if guide is None:
        draft = drafts.begin_new(session, mine, by=clerk.name, at=clock.now())
    else:
        draft = drafts.begin(session, guide, by=clerk.name, at=clock.now())
        mine |= {key: draft.document[key] for key in drafts.KEYS}
    clerk.require(Act.EDIT_GUIDES, draft.region, draft.department)
    return draft, mine


def _guide(session: Session, sent: Sent) -> int | None:
    """The guide that the form was of; one that was new then may have been published since."""
    if sent.get("guide"):
        return sent.number("guide")
    was = unpack(sent.get("was")) if sent.get("was") else {}
    return publishing.find(session, str(was.get("region", "")), str(was.get("local_code", "")))


def _places(regions: Regions, scopes: standing.Scopes) -> tuple[tuple[str, str], ...]:
    """The regions within `scopes` with their names, each before what lies in it; none where there are too many."""
    found: dict[str, str] = {}
    left = [code for code, _ in reversed(scopes)]
    while left and len(found) <= CHOICE:
        code = left.pop()
        if code not in found:
            found[code] = regions.full_name(code)
            left += reversed(regions.children(code))
    return tuple(found.items()) if len(found) <= CHOICE else ()

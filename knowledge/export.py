"""Guides out of the record: JSON and JSONL for machines, CSV for spreadsheets, JSON-LD for the open web."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.tables import harmless
from knowledge.documents import document
from knowledge.hours import describe
from knowledge.models import GuideRow
from knowledge.publishing import Published, read_many
from knowledge.regions import Regions, shortest
from knowledge.schema import Contact, Duration, Guide, Hours, Place, Status
from knowledge.standing import Scopes, within
from knowledge.wording import heading

SCHEMA_FILE = Path(__file__).parent.parent / "docs" / "schema" / "guide.schema.json"
SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"
BATCH = 500
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

COLUMNS: tuple[str, ...] = (
    "local_code",
    "region",
    "name",
    "parent_name",
    "kind",
    "department",
    "level",
    "audience",
    "case_type",
    "legal_time",
    "promised_time",
    "conditions",
    "materials",
    "steps",
    "charged",
    "fees",
    "results",
    "laws",
    "channels",
    "visits",
    "places",
    "urls",
    "consult",
    "complain",
    "progress",
    "source_url",
    "verified_at",
)


class Form(StrEnum):
    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    JSONLD = "jsonld"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a guide, as published in docs/schema/guide.schema.json."""
    return {"$schema": SCHEMA_ID, **Guide.model_json_schema()}


def write_schema() -> None:
    """Bring docs/schema/guide.schema.json into step with the models."""
    SCHEMA_FILE.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA_FILE.write_text(json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def published(
    session: Session, *, regions: Sequence[str] = (), scopes: Scopes | None = None, today: date | None
) -> Iterator[Published]:
    """All guides citizens may see on `today`, by id; of these regions only where any are named.

    `scopes` limits them to pairs of a region, with all inside it, and a department or "". Without `today` all that are
    published come, also those that are not in force.
    """
    last = 0
    while True:
        query = select(GuideRow.id).where(GuideRow.id > last, GuideRow.status == Status.PUBLISHED.value)
        if regions:
            query = query.where(GuideRow.region.in_(map(shortest, regions)))
        if scopes is not None:
            query = query.where(within(GuideRow.region, GuideRow.department_name, scopes))
        ids = session.scalars(query.order_by(GuideRow.id).limit(BATCH)).all()
        if not ids:
            return
        found = read_many(session, ids)
        yield from (found[number] for number in ids if today is None or found[number].visible_on(today))
        last = ids[-1]


def export(
    session: Session,
    out: TextIO,
    form: Form,
    *,
    regions: Regions,
    today: date,
    codes: Sequence[str] = (),
    scopes: Scopes | None = None,
) -> int:
    """Write guides to `out` (opened with newline="" for CSV) and return how many. `codes` and `scopes` limit them."""
    rows = published(session, regions=codes, scopes=scopes, today=today)
    if form is Form.CSV:
        return _csv(out, rows)
    records = (linked(one, regions) if form is Form.JSONLD else record(one) for one in rows)
    if form is Form.JSONL:
        return sum(1 for one in records if out.write(json.dumps(one, ensure_ascii=False) + "\n"))
    return _array(
        out,
        records,
        '{"@context": "https://schema.org", "@graph": [' if form is Form.JSONLD else "[",
        "]}" if form is Form.JSONLD else "]",
    )


def record(one: Published) -> dict[str, Any]:
    """A guide with its id and version; `--mapping guide` imports it again."""
    return {"id": one.id, "version": one.version} | document(one.guide)


def _array(out: TextIO, records: Iterator[dict[str, Any]], opening: str, closing: str) -> int:
    out.write(opening)
    count = 0
    for count, one in enumerate(records, 1):
        out.write(("\n" if count == 1 else ",\n") + json.dumps(one, ensure_ascii=False))
    out.write(f"\n{closing}\n")
    return count


def _csv(out: TextIO, rows: Iterator[Published]) -> int:
    writer = csv.writer(out)
    writer.writerow([*(heading((name,), Guide) for name in COLUMNS), "版本"])
    count = 0
    for one in rows:
        writer.writerow([*(harmless(_cell(getattr(one.guide, name))) for name in COLUMNS), one.version])
        count += 1
    return count


def _cell(value: Any) -> str:
    """A value as one readable cell; the parts of a list stand on lines of their own."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "\n".join(_cell(one) for one in value)
    if isinstance(value, Duration):
        return f"{value.days} 个{value.unit}" if value.days else "当场办结"
    if isinstance(value, Hours):
        return describe(value)
    if hasattr(value, "model_fields_set"):
        return "，".join(text for name in type(value).model_fields if (text := _cell(getattr(value, name))))
    return str(value)


def linked(one: Published, regions: Regions) -> dict[str, Any]:
    """A guide as a schema.org GovernmentService, for JSON-LD."""
    guide = one.guide
    return _lean(
        {
            "@type": "GovernmentService",
            "@id": guide.source_url or f"urn:bangban:{guide.region}:{guide.local_code}",
            "identifier": [
                {"@type": "PropertyValue", "propertyID": heading((name,), Guide), "value": getattr(guide, name)}
                for name in ("local_code", "basic_code", "impl_code", "item_code")
                if getattr(guide, name)
            ],
            "version": str(one.version),
            "name": guide.name,
            "alternateName": guide.aliases,
            "serviceType": guide.kind,
            "provider": {
                "@type": "GovernmentOrganization",
                "name": guide.department.name,
                "identifier": guide.department.code,
            },
            "areaServed": {
                "@type": "AdministrativeArea",
                "name": regions.full_name(guide.region),
                "identifier": guide.region,
            },
            "audience": [{"@type": "Audience", "audienceType": who} for who in guide.audience],
            "termsOfService": "\n".join(guide.conditions),
            "category": guide.theme,
            "isRelatedTo": guide.bundle,
            "availableChannel": _channels(guide),
            "serviceOutput": [
                {"@type": "Thing", "name": result.name, "url": result.sample_url} for result in guide.results
            ],
            "offers": [{"@type": "Offer", "name": fee.name, "description": fee.standard} for fee in guide.fees]
            or ([{"@type": "Offer", "price": 0, "priceCurrency": "CNY"}] if guide.charged is False else []),
            "processingTime": _cell(guide.promised_time),
            "potentialAction": _booking(guide),
            "subjectOf": _questions(guide),
            "dateModified": guide.verified_at.isoformat() if guide.verified_at else None,
        }
    )


def _channels(guide: Guide) -> list[dict[str, Any]]:
    consult, complain = _contact(guide.consult, "咨询"), _contact(guide.complain, "监督投诉")
    online = [
        {"@type": "ServiceChannel", "name": name, "serviceUrl": url}
        for name, url in (
            ("网上办理", guide.urls.online),
            ("手机办理", guide.urls.mobile),
            ("进度查询", guide.urls.status),
        )
        if url
    ]
    counters = [
        {"@type": "ServiceChannel", "name": "窗口办理", "serviceLocation": _location(place)} for place in guide.places
    ]
    phones = [
        {"@type": "ServiceChannel", "name": point["contactType"], "servicePhone": point}
        for point in (consult, complain)
        if point
    ]
    return [*online, *counters, *phones]


def _contact(contact: Contact | None, kind: str) -> dict[str, Any] | None:
    if contact is None or not (contact.phone or contact.url):
        return None
    return {"@type": "ContactPoint", "contactType": kind, "telephone": contact.phone, "url": contact.url}


def _location(place: Place) -> dict[str, Any]:
    geo = {"@type": "GeoCoordinates", "latitude": place.latitude, "longitude": place.longitude}
    return {
        "@type": "Place",
        "name": place.name,
        "address": place.address,
        "telephone": place.phone,
        "geo": geo if place.latitude is not None and place.longitude is not None else None,
        "openingHoursSpecification": [
            {
                "@type": "OpeningHoursSpecification",
                "dayOfWeek": [WEEK[day - 1] for day in rule.days],
                "opens": rule.opens,
                "closes": rule.closes,
            }
            for rule in (place.hours.rules if place.hours else [])
        ],
    }


def _booking(guide: Guide) -> dict[str, Any] | None:
    if guide.booking is None or not guide.booking.offered:
        return None
    return {"@type": "ReserveAction", "name": "预约", "target": guide.booking.url, "description": guide.booking.rule}


def _questions(guide: Guide) -> dict[str, Any] | None:
    asked = [
        {"@type": "Question", "name": one.question, "acceptedAnswer": {"@type": "Answer", "text": one.answer}}
        for one in guide.faq
    ]
    return {"@type": "FAQPage", "mainEntity": asked} if asked else None


def _lean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: lean for key, part in value.items() if (lean := _lean(part)) not in (None, "", [], {})}
    return [_lean(part) for part in value] if isinstance(value, list) else value

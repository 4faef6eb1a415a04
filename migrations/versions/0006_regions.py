"""Guides, curated questions and halls under the shortest code of their region: 980102000000 was a second 980102."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
GUIDES = sa.table(
    "guides",
    *map(sa.column, ("id", "item", "region", "local_code", "revision", "digest")),
    sa.column("content", DOCUMENT),
)
FAQS = sa.table("faqs", *map(sa.column, ("code", "region", "revision")), sa.column("content", DOCUMENT))
HALLS = sa.table("halls", *map(sa.column, ("region", "name")), sa.column("content", DOCUMENT))
DRAFTS = sa.table("drafts", *map(sa.column, ("id", "region")), sa.column("document", DOCUMENT))
PROPOSED = sa.table("import_guides", *map(sa.column, ("batch", "place", "region")), sa.column("document", DOCUMENT))
BATCHES = sa.table("import_batches", *map(sa.column, ("id", "region")))
COUNTER = sa.table("revision", sa.column("value"))
OTHERS = ((DRAFTS, ("id",), "document"), (PROPOSED, ("batch", "place"), "document"), (BATCHES, ("id",), ""))
AT_HALLS = (("desk_halls", "name"), ("desk_exceptions", "hall"), ("appointments", "hall"))

log = logging.getLogger("alembic.runtime.migration")


def upgrade() -> None:
    database = op.get_bind()
    guides, faqs = _long(database, GUIDES, "id"), _long(database, FAQS, "code")
    if guides or faqs:  # search follows what has a new revision
        database.execute(sa.update(COUNTER).values(value=COUNTER.c.value + 1))
    now = database.execute(sa.select(COUNTER.c.value)).scalar()
    for row in guides:
        _guide(database, row, now)
    for row in faqs:
        values = _shortened(row, "content") | {"revision": now}
        database.execute(sa.update(FAQS).where(FAQS.c.code == row.code).values(values))
    for row in _long(database, HALLS, "name"):
        _hall(database, row)
    for table, keys, held in OTHERS:
        for row in _long(database, table, *keys):
            same = [table.c[key] == getattr(row, key) for key in keys]
            database.execute(sa.update(table).where(*same).values(_shortened(row, held)))


def downgrade() -> None:
    """Both codes name the same region."""


def _guide(database: sa.Connection, row: Any, now: Any) -> None:
    values = _shortened(row, "content")
    taken = sa.select(GUIDES.c.id).where(GUIDES.c.region == values["region"], GUIDES.c.local_code == row.local_code)
    if other := database.execute(taken).scalar():
        log.warning("guide %s has the code of guide %s and keeps region %s", row.id, other, row.region)
        return
    values |= {"digest": _digest(values["content"] | {"item": row.item}), "revision": now}
    database.execute(sa.update(GUIDES).where(GUIDES.c.id == row.id).values(values))


def _hall(database: sa.Connection, row: Any) -> None:
    values = _shortened(row, "content")
    own = (HALLS.c.name == row.name, HALLS.c.region == row.region)
    if database.execute(sa.select(HALLS.c.name).where(own[0], HALLS.c.region == values["region"])).scalar():
        log.warning("a hall of region %s has a namesake in %s and stays", row.region, values["region"])
        return
    database.execute(sa.update(HALLS).where(*own).values(values))
    for name, hall in AT_HALLS:
        table = sa.table(name, sa.column("region"), sa.column(hall))
        at = (table.c.region == row.region, table.c[hall] == row.name)
        database.execute(sa.update(table).where(*at).values(region=values["region"]))


def _long(database: sa.Connection, table: sa.TableClause, *keys: str) -> list[Any]:
    region = table.c.region
    query = sa.select(*table.c).where(sa.func.length(region) > 6, region.like("%000"))
    rows = database.execute(query.order_by(*(table.c[key] for key in keys)))
    return [row for row in rows if row.region.isdecimal()]  # in a draft, anything may stand


def _shortened(row: Any, held: str) -> dict[str, Any]:
    region = row.region
    while len(region) > 6 and region.endswith("000"):
        region = region[:-3]
    document = getattr(row, held) if held else None
    return {"region": region} | ({held: document | {"region": region}} if document else {})


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()

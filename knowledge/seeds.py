"""The demonstration city: YAML files written for this project, loaded into an empty or older database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import Invalid
from knowledge import faqs, hours, regions
from knowledge.models import GuideRow, SeedDigest
from knowledge.publishing import Change, publish_all, save_hall, withdraw
from knowledge.reports import Report
from knowledge.revisions import lock
from knowledge.schema import Faq, Guide, Hall, Status
from knowledge.wording import explain

SEEDS = Path(__file__).parent / "seeds"
BY = "演示数据"
NAME = "demo"
HALL_FIELDS = ("name", "address", "phone", "latitude", "longitude", "transport", "hours")

Kind = TypeVar("Kind", bound=BaseModel)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SeedError(Invalid):
    """演示数据有错误。"""

    code = "seed_error"

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Seeds:
    """All that the seed files say, checked."""

    regions: tuple[regions.Region, ...]
    halls: tuple[Hall, ...]
    guides: tuple[Guide, ...]
    faqs: tuple[Faq, ...]


def load_demo(session: Session, *, at: datetime, folder: Path = SEEDS) -> Report:
    """Bring the database to what the seed files say. A second time it reads no YAML and does nothing.

    Guides that staff have edited since are left as staff made them. Raises SeedError naming file and entry.
    """
    wanted = _digest(folder)
    if _loaded(session, NAME, wanted):
        return Report()
    seeds = read(folder)
    report = _load(session, seeds, at)
    session.merge(SeedDigest(name=NAME, digest=wanted, loaded_at=at))
    session.flush()
    return report


def load_regions(session: Session, *, at: datetime) -> None:
    """Bring only the country's regions into the database, for a deployment without the demonstration city."""
    wanted = hashlib.sha256(regions.CSV.read_bytes()).hexdigest()
    if _loaded(session, "regions", wanted):
        return
    regions.save_regions(session, regions.read_regions())
    session.merge(SeedDigest(name="regions", digest=wanted, loaded_at=at))
    session.flush()


def read(folder: Path = SEEDS) -> Seeds:
    """Read and check all seed files. Raises SeedError with every error, each naming file and entry."""
    errors: list[str] = []
    halls = [_make(Hall, entry, where, errors) for where, entry in _entries(folder / "halls.yml", errors)]
    by_name = {hall.name: hall for hall in halls if isinstance(hall, Hall)}
    guides: list[Guide | None] = []
    for path in sorted((folder / "guides").glob("*.yml")):
        for where, entry in _entries(path, errors):
            for one in _implementations(entry):
                guides.append(_guide(one, by_name, f"{where}（{one.get('local_code', '无编码')}）", errors))
    questions = [_make(Faq, entry, where, errors) for where, entry in _entries(folder / "faq.yml", errors)]
    table = _regions(folder / "regions.yml", errors)
    good = [guide for guide in guides if guide is not None]
    known = {guide.local_code for guide in good}
    errors += _repeated("本地编码", [guide.local_code for guide in good])
    errors += _repeated("问题编号", [faq.code for faq in questions if faq is not None])
    if not errors:
        for faq in questions:
            lost = [code for code in (faq.guides if faq else []) if code not in known]
            errors += [f"faq.yml {faq.code}：没有本地编码为 {code} 的指南" for code in lost if faq]
    if errors:
        raise SeedError(errors)
    return Seeds(tuple(table), tuple(by_name.values()), tuple(good), tuple(faq for faq in questions if faq is not None))


def _loaded(session: Session, name: str, wanted: str) -> bool:
    """Whether these files were loaded already. Replicas that start together load them once: the second waits."""

    def found() -> bool:
        stored = session.get(SeedDigest, name, populate_existing=True)
        return stored is not None and stored.digest == wanted

    if found():
        return True
    lock(session)
    return found()


def _load(session: Session, seeds: Seeds, at: datetime) -> Report:
    regions.save_regions(session, seeds.regions)
    for hall in seeds.halls:
        save_hall(session, hall)
    query = select(GuideRow.id, GuideRow.region, GuideRow.local_code, GuideRow.updated_by, GuideRow.status)
    rows = session.execute(query).all()
    edited = {(row.region, row.local_code) for row in rows if row.updated_by != BY}
    ours = [guide for guide in seeds.guides if (guide.region, guide.local_code) not in edited]
    changes = publish_all(session, ours, by=BY, at=at)
    wanted = {(guide.region, guide.local_code) for guide in seeds.guides}
    report = Report(
        new=changes.count(Change.NEW), changed=changes.count(Change.CHANGED), same=changes.count(Change.SAME)
    )
    for row in rows:
        dropped = row.updated_by == BY and (row.region, row.local_code) not in wanted
        if dropped and row.status != Status.WITHDRAWN:
            withdraw(session, row.id, by=BY, at=at)
            report.missing.append(row.local_code)
    for faq in seeds.faqs:
        stored = faqs.read(session, faq.code)
        if stored is None or stored.by in ("", BY):
            faqs.write(session, faq, by=BY, at=at)
    return report


def _digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files the seeds are made of."""
    total = hashlib.sha256()
    for path in [regions.CSV, Path(hours.__file__), *sorted(folder.rglob("*.yml"))]:
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def _entries(path: Path, errors: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each entry of a YAML list with where it stands, e.g. `halls.yml 第 2 条`."""
    if not path.exists():
        return
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        errors.append(f"{path.name}：不是有效的 YAML：{error}")
        return
    if content is not None and not isinstance(content, list):
        errors.append(f"{path.name}：应当是一个列表")
        return
    for number, entry in enumerate(content or [], 1):
        if isinstance(entry, dict):
            yield f"{path.name} 第 {number} 条", entry
        else:
            errors.append(f"{path.name} 第 {number} 条：应当是一组“字段: 内容”")


def _implementations(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    shared = {key: value for key, value in entry.items() if key != "implementations"}
    return [shared | own for own in entry.get("implementations") or [{}]]


def _guide(entry: dict[str, Any], halls: Mapping[str, Hall], where: str, errors: list[str]) -> Guide | None:
    places = []
    for place in entry.get("places") or []:
        name = place.get("hall") if isinstance(place, dict) else None
        if name is not None and name not in halls:
            errors.append(f"{where}：halls.yml 中没有“{name}”")
            return None
        places.append(_place(place, halls[name]) if name else _with_hours(place))
    return _make(Guide, entry | ({"places": places} if places else {}), where, errors)


def _place(place: Mapping[str, Any], hall: Hall) -> dict[str, Any]:
    shared = {name: getattr(hall, name) for name in HALL_FIELDS}
    return _with_hours(shared | {key: value for key, value in place.items() if key != "hall"})


def _with_hours(entry: Any) -> Any:
    """The entry with hours as rules, where they were given as plain words."""
    if not isinstance(entry, dict):
        return entry
    given = entry.get("hours")
    if isinstance(given, str):
        return entry | {"hours": hours.parse(given)}
    if isinstance(given, dict) and given.get("text") and not given.get("rules"):
        return entry | {"hours": given | {"rules": hours.parse(given["text"]).rules}}
    return entry


def _make(kind: type[Kind], entry: Any, where: str, errors: list[str]) -> Kind | None:
    try:
        return kind.model_validate(_with_hours(entry))
    except ValidationError as error:
        errors.extend(f"{where}，{field}：{why}" for field, why in explain(error, kind))
        return None


def _repeated(title: str, codes: Sequence[str]) -> list[str]:
    return [f"{title} {code} 出现了多次" for code in dict.fromkeys(codes) if codes.count(code) > 1]


def _regions(path: Path, errors: list[str]) -> list[regions.Region]:
    try:
        return regions.read_regions(*([path] if path.exists() else []))
    except (KeyError, TypeError, yaml.YAMLError) as error:
        errors.append(f"{path.name}：缺少字段或格式不对：{error}")
        return []

"""When citizens will see what a draft says, where that is not at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from knowledge.publishing import Published


def outlook(document: Mapping[str, Any], stands: Published | None, today: date) -> str:
    """What approving a draft means for citizens, in a sentence; "" where they see it at once."""
    begins, ends = _day(document.get("effective_from")), _day(document.get("effective_to"))
    seen = stands if stands and stands.visible_on(today) else None
    if ends and ends < today:
        gone = f"，现在公布的第 {seen.version} 版也会撤下来" if seen else ""
        return f"失效日期 {ends} 已经过了：通过以后，群众看不到这份指南{gone}。"
    if begins is None or begins <= today:
        return ""
    if seen is None:
        return f"实施日期是 {begins}：通过以后，群众要到那天才看得到，在那之前查不到这份指南。"
    until = seen.guide.effective_to
    gap = f"；但第 {seen.version} 版 {until} 以后就失效，中间这段时间群众查不到这份指南" if _gap(until, begins) else ""
    return f"实施日期是 {begins}，到那天才公布，在那之前群众看到的仍是第 {seen.version} 版{gap}。"


def landed(published: Published, today: date) -> str:
    """What citizens see of a guide that was just published."""
    begins = published.guide.effective_from
    if published.visible_on(today):
        return "已发布，群众现在就能看到。"
    if begins and begins > today:
        return f"已发布，群众 {begins} 起才能看到。"
    return "已发布，但是失效日期已经过了，群众看不到。"


def _gap(until: date | None, begins: date) -> bool:
    return until is not None and until + timedelta(days=1) < begins


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:  # nothing, or not finished
        return None

"""What of a standing guide an import leaves as it is: what the source does not know, and what it merely repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from knowledge import workbook
from knowledge.coverage import told
from knowledge.documents import document
from knowledge.mapping import Rules
from knowledge.pairing import pairs
from knowledge.phrasing import called
from knowledge.schema import Guide
from knowledge.wording import record

Document = dict[str, Any]


def kept(guide: Guide, before: Document, rules: Rules) -> Guide:
    """The guide that a file makes of one that stands with the document `before`; `rules` are as far as the file goes.

    What the file does not speak of stays. So does what it says as our own workbook would say what stands: there, words
    are cleaned and conditions cut anew, and single days and corrected hours have no column.
    """
    said = document(guide)
    if rules.as_is or said == before:
        return guide
    echo = workbook.echo(Guide.model_validate(before), rules) if rules.exported else None
    return Guide.model_validate(_record(said, before, echo or before, told(rules.fields), Guide))


def _record(
    said: Document, before: Document, echo: Document, fields: Mapping[str, Any], kind: type[BaseModel]
) -> Document:
    made = {}
    for name in dict.fromkeys((*said, *before)):
        now, was, again = (one.get(name) for one in (said, before, echo))
        if name not in fields:
            value = now if was is None else was
        elif now == again:
            value = was
        elif isinstance(now or was, list) and fields[name]:
            value = _entries(now or [], was or [], again or [], fields[name], _kind(kind, name))
        elif fields[name]:
            value = _part(now or {}, was or {}, again or {}, fields[name], _kind(kind, name))
        else:
            value = _hours(now, was, again) if isinstance(now, dict) and isinstance(was, dict) else now
        if value not in (None, "", [], {}):
            made[name] = value
    return made


def _part(said: Document, before: Document, echo: Document, fields: Mapping[str, Any], kind: Any) -> Document:
    if said.get("name") != echo.get("name"):
        return said  # another department has another code
    made = _record(said, before, echo, fields, kind)
    # A note alone is no time limit.
    whole = all(name in made for name, field in kind.model_fields.items() if field.is_required())
    return made if whole else {}


def _entries(
    said: Sequence[Document], before: Sequence[Document], echo: Sequence[Document], fields: Mapping[str, Any], kind: Any
) -> list[Document]:
    if len(echo) != len(before):  # an entry was lost on its way through the workbook
        echo = before
    made = list(said)
    for old, new in pairs(echo, said):
        if called(echo[old]) == called(said[new]):
            made[new] = _record(said[new], before[old], echo[old], fields, kind)
    return made


def _hours(said: Document, before: Document, echo: Document | None) -> Document:
    """Hours of the same words keep their corrected rules; single days are in no file's words."""
    if said.get("text") == (echo or before).get("text"):
        return before
    return said | ({"exceptions": before["exceptions"]} if "exceptions" in before else {})


def _kind(kind: type[BaseModel], name: str) -> Any:
    return record(kind.model_fields[name].annotation)

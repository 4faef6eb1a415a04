"""Administrative divisions: codes, names, who lies within whom, and which ones a sentence names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import ColumnElement, delete, false, insert, or_, select
from sqlalchemy.orm import Session

from knowledge.models import RegionRow

NATION = "000000"
CSV = Path(__file__).parent / "regions.csv"

WORDS = Path(__file__).parent / "region_words.yml"


@cache
def _words() -> dict[str, tuple[str, ...]]:
    lists = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return {name: tuple(words.split()) for name, words in lists.items()}


def shortest(code: str) -> str:
    """The shortest code of the same region: departments also write 330602 as 330602000000."""
    while len(code) > 6 and code.endswith("000"):
        code = code[:-3]
    return code


def significant(code: str) -> str:
    """The digits that a region's code shares with all regions inside it: 330600 -> 3306, 000000 -> nothing."""
    code = shortest(code)
    while len(code) <= 6 and code.endswith("00"):
        code = code[:-2]
    return code


def inside(column: Any, codes: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a row of that region's code lies in one of `codes`, or is of one itself."""
    return or_(false(), *(column.startswith(significant(code), autoescape=True) for code in codes))


@dataclass(frozen=True, slots=True)
class Region:
    code: str
    name: str
    short_name: str
    level: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    codes: tuple[str, ...]
    full: bool
    word: str


class Regions:
    """A fixed table of regions. Codes may have 6, 9 or 12 digits; unknown ones are placed by their digits."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self._known = {region.code: region for region in regions}
        self._children: dict[str, list[str]] = {}
        for region in self._known.values():
            if region.parent is not None:
                self._children.setdefault(region.parent, []).append(region.code)

    @classmethod
    def read(cls, *seeds: Path) -> Regions:
        """The country's table, with the regions of further YAML files."""
        return cls(read_regions(*seeds))

    @classmethod
    def load(cls, session: Session) -> Regions:
        """The table as the database has it."""
        query = select(RegionRow.code, RegionRow.name, RegionRow.short_name, RegionRow.level, RegionRow.parent)
        return cls(Region(*row) for row in session.execute(query.order_by(RegionRow.code)))

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, code: str) -> bool:
        return self.canonical(code) in self._known

    def canonical(self, code: str) -> str:
        """The shortest code of the same place: 450602000000 is 450602."""
        return shortest(code)

    def ancestors(self, code: str) -> tuple[str, ...]:
        """The region itself first, then what it lies in, the nation last."""
        chain = [self.canonical(code)]
        while chain[-1] != NATION:
            chain.append(self._parent(chain[-1]))
        return tuple(chain)

    def _parent(self, code: str) -> str:
        if code in self._known:
            return self._known[code].parent or NATION
        if len(code) > 6:
            return self.canonical(code[:-3])
        for shorter in (code[:4] + "00", code[:2] + "0000"):
            if shorter != code and (shorter in self._known or shorter.endswith("0000")):
                return shorter
        return NATION

    def within(self, code: str, region: str) -> bool:
        """Whether `code` is `region` or lies in it."""
        return self.canonical(region) in self.ancestors(code)

    def children(self, code: str) -> tuple[str, ...]:
        """The known regions directly below, by code."""
        return tuple(sorted(self._children.get(self.canonical(code), ())))

    def level(self, code: str) -> str:
        """国家级 to 村级."""
        code = self.canonical(code)
        if code in self._known:
            return self._known[code].level
        if len(code) > 6:
            return "乡级" if len(code) == 9 else "村级"
        return "省级" if code.endswith("0000") else "市级" if code.endswith("00") else "县级"

    def name(self, code: str) -> str:
        """The official name; of an unknown region, the nearest known one it lies in."""
        return self._known[self._nearest(code)].name if self._nearest(code) else ""

    def short_name(self, code: str) -> str:
        """The everyday name, 防城港 for 防城港市."""
        return self._known[self._nearest(code)].short_name if self._nearest(code) else ""

    def full_name(self, code: str) -> str:
        """The name as people write it in an address, without the province where a city is named: 防城港市港口区."""
        chain = [one for one in self.ancestors(code) if one in self._known and one != NATION]
        if not chain:
            return self.name(NATION)
        city = next((one for one in chain[1:]), None)
        return (self.name(city) if city and self.level(chain[0]) not in ("省级", "市级") else "") + self.name(chain[0])

    def _nearest(self, code: str) -> str:
        return next((one for one in self.ancestors(code) if one in self._known), "")

    def city(self, code: str) -> str | None:
        """The city `code` is or lies in (a municipality counts as one); None above city level."""
        chain = self.ancestors(code)
        for one in chain:
            if self.level(one) == "市级":
                return one
        below_province = self.level(chain[0]) not in ("国家级", "省级")
        province = next((one for one in chain if self.level(one) == "省级"), None)
        return province if below_province or (province and self.name(province).endswith("市")) else None

    @cached_property
    def _names(self) -> dict[str, list[tuple[str, bool]]]:
        names: dict[str, list[tuple[str, bool]]] = {}
        never = set(_words()["never"])
        ordinary = {"县级": set(_words()["ordinary_counties"]), "省级": set(_words()["ordinary_provinces"])}
        for region in self._known.values():
            if region.name in never or region.code == NATION:
                continue
            names.setdefault(region.name, []).append((region.code, True))
            usable = len(region.short_name) > 1 and region.short_name != region.name
            if usable and region.short_name not in ordinary.get(region.level, ()):
                names.setdefault(region.short_name, []).append((region.code, False))
        return names

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, ...]]:
        """How long the names are that begin with a character, longest first."""
        lengths: dict[str, set[int]] = {}
        for name in self._names:
            lengths.setdefault(name[0], set()).add(len(name))
        return {first: tuple(sorted(known, reverse=True)) for first, known in lengths.items()}

    def find(self, text: str, near: str) -> list[str]:
        """The regions a citizen's words name, those around `near` first, then in the order of the words.

        Full names count anywhere, short names of provinces and cities too, short names of counties only in the
        city of `near`. A county's name borne in several cities counts where the city is named or `near` lies.
        """
        found: list[str] = []
        mentions = list(self._mentions(text, near))
        named = [code for mention in mentions if len(mention.codes) == 1 for code in mention.codes]
        for mention in mentions:
            code = self._choose(mention, named, near)
            if code is not None and code not in found:
                found.append(code)
        # 防城港市港口区 names one place, not two.
        found = [code for code in found if not any(other != code and self.within(other, code) for other in found)]
        around = self.city(near) or self.canonical(near)
        return sorted(found, key=lambda code: not self.within(code, around))

    def _mentions(self, text: str, near: str) -> Iterable[_Mention]:
        city = self.city(near)
        start = 0
        last: _Mention | None = None
        while start < len(text):
            mention = None
            for length in self._lengths.get(text[start], ()):
                end = min(start + length, len(text))
                entries = self._names.get(text[start:end])
                if entries:
                    mention = self._judge(text, start, end, entries, city, last)
                    if mention:
                        break
            if mention:
                yield mention
                last, start = mention, mention.end
            else:
                start += 1

    def _judge(
        self,
        text: str,
        start: int,
        end: int,
        entries: Sequence[tuple[str, bool]],
        city: str | None,
        last: _Mention | None,
    ) -> _Mention | None:
        word, after = text[start:end], text[end:]
        led = last is not None and last.end == start
        cued = led or start == 0 or text[:start].endswith(_words()["cues"])
        codes = [code for code, full in entries if full]
        if codes:
            blocked = (
                _words()["area_words"]
                if word.endswith("区")
                else _words()["market_words"]
                if word.endswith("市")
                else ()
            )
            if after.startswith(blocked):
                return None
            if len(word) == 2 or word in _words()["generic"]:
                # 和县, 成县: two characters that also meet by chance at the border of other words.
                codes = [
                    code for code in codes if (led and self._follows(code, last)) or self._beside(code, city, cued)
                ]
            return _Mention(start, end, tuple(codes), True, word) if codes else None
        if after.startswith(_words()["streets"]):
            return None
        codes = []
        for code, _ in entries:
            county = self.level(code) == "县级"
            if county and not (city and self.within(code, city)) and not (led and self._follows(code, last)):
                continue
            strict = not county and self.level(code) == "市级" and word in _words()["ordinary_cities"]
            if strict and (after.startswith(_words()["compounds"]) or not (cued and start > 0)):
                continue
            codes.append(code)
        wide = [code for code in codes if self.level(code) == "省级"] or codes  # 吉林 is the province, 海南 too
        return _Mention(start, end, tuple(wide), False, word) if wide else None

    def _follows(self, code: str, last: _Mention | None) -> bool:
        return last is not None and any(self.within(code, above) for above in last.codes)

    def _beside(self, code: str, city: str | None, cued: bool) -> bool:
        return cued and city is not None and self.within(code, city)

    def _choose(self, mention: _Mention, named: Sequence[str], near: str) -> str | None:
        if len(mention.codes) == 1:
            return mention.codes[0]
        for above in (*reversed(named), *self.ancestors(near)[:-1]):
            inside = [code for code in mention.codes if self.within(code, above)]
            if len(inside) == 1:
                return inside[0]
        return None


def read_regions(*seeds: Path) -> list[Region]:
    """The rows of regions.csv and of the YAML files given. Raises OSError or KeyError where a file is wrong."""
    with CSV.open(encoding="utf-8", newline="") as lines:
        regions = [_region(row) for row in csv.DictReader(lines)]
    for path in seeds:
        regions += [_region(row) for row in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
    return regions


def save_regions(session: Session, regions: Sequence[Region]) -> None:
    """Replace the stored table."""
    session.execute(delete(RegionRow).execution_options(synchronize_session=False))
    rows = [
        {"code": one.code, "name": one.name, "short_name": one.short_name, "level": one.level, "parent": one.parent}
        for one in regions
    ]
    if rows:
        session.execute(insert(RegionRow), rows)


def _region(row: dict[str, Any]) -> Region:
    parent = str(row["parent"]) if row["parent"] else None
    return Region(str(row["code"]), row["name"], row["short_name"], row["level"], parent)

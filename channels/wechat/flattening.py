"""Text for people in a chat that shows no markup: Markdown flattened, nothing left that could be a tag."""

from __future__ import annotations

import html
import re
import unicodedata

_URL = re.compile(r"""(https?://[^\s<>"'，。；、！？：（）【】《》“”]+)""")
_BREAKS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
# Direction marks can make a link look like another; the joiners of emoji and their variants stay.
_INVISIBLE = re.compile(r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[\da-fA-F]{1,6}|[a-zA-Z]{2,8});")
# The platform does not say whether &lt; in a message is shown as < or as it stands, and its clients differ; a bare <
# may begin a tag. The full-width signs can be neither mistaken, and read the same.
_SIGNS = str.maketrans("<>&", "＜＞＆")
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,}).*$")
_RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,}|={3,})\s*$")
_HEADING = re.compile(r"^\s*#{1,6}\s+(.*?)\s*#*\s*$")
_BULLET = re.compile(r"^\s*[-*+•]\s+")
_QUOTE = re.compile(r"^\s*>\s?")
_CELLS = re.compile(r"^\s*\|(.+)\|\s*$")
_DASHES = re.compile(r"^\s*\|(?:\s*:?-+:?\s*\|)+\s*$")
_BOLD = re.compile(
    # 138****8000 and 张** are masked, not bold.
    r"(?<!\*)\*\*(?![\s*，。；、：）])([^*\n]{1,300}?)(?<!\s)\*\*(?!\*)|(?<!\w)__(?![\s_])([^_\n]{1,300}?)(?<!\s)__(?!\w)"
)
_CODE = re.compile(r"(?<!`)`{1,3}([^`\n]{1,300})`{1,3}(?!`)")
_LINK = re.compile(
    r"""!?\[([^\[\]\n]{0,200})\]\(<?((?:https?://|mailto:|tel:|/|\#)\S{0,600}?)>?(?:\s+["'][^"'\n]*["'])?\)"""
)


def flat(text: str) -> str:
    """`text` as plain paragraphs: without markup, control characters and more than one empty line."""
    clean = _printable(_BREAKS.sub("\n", text))
    lines = _untabled([line for line in clean.split("\n") if not _FENCE.match(line) and not _RULE.match(line)])
    told = "\n".join(_line(line).rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", told).strip()


def inline(text: str) -> str:
    """`text` in one line, such as a label."""
    return " ".join(flat(text).split())


def _printable(text: str) -> str:
    kept = (c for c in _INVISIBLE.sub("", text) if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept)


def _line(line: str) -> str:
    line = _QUOTE.sub("", line)
    line = _BULLET.sub("· ", _HEADING.sub(r"\1", line))
    line = _LINK.sub(_named, line)
    line = _CODE.sub(r"\1", _BOLD.sub(lambda found: found[1] or found[2], line))
    # An address keeps its signs: with a full-width ＆ it would lead elsewhere.
    return "".join(part if at % 2 else _signs(part) for at, part in enumerate(_URL.split(line)))


def _signs(text: str) -> str:
    meant = _ENTITY.sub(lambda found: html.unescape(found[0]).replace("\xa0", " "), text)
    return _printable(meant).translate(_SIGNS)


def _named(link: re.Match[str]) -> str:
    label, url = link[1].strip(), link[2]
    if not label or label == url:
        return f"{url} "
    # Where it leads is seen: a guide's words cannot dress it up.
    return f"{label}：{url} " if _URL.match(url) else label


def _untabled(lines: list[str]) -> list[str]:
    """Tables row by row, each cell named by its column."""
    told: list[str] = []
    names: list[str] = []
    for at, line in enumerate(lines):
        cells = _CELLS.match(line)
        if not cells:
            names = []
            told.append(line)
        elif _DASHES.match(line):
            continue
        elif at + 1 < len(lines) and _DASHES.match(lines[at + 1]) and not names:
            names = _row(cells[1])
            if at + 2 >= len(lines) or not _CELLS.match(lines[at + 2]):
                told.append("，".join(names))
        else:
            row = _row(cells[1])
            named = zip(names + [""] * len(row), row, strict=False)
            told.append("，".join(f"{name}：{cell}" if name else cell for name, cell in named if cell))
    return told


def _row(cells: str) -> list[str]:
    return [cell.strip() for cell in cells.split("|")]

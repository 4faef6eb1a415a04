"""A long text in parts that each fit into one message, cut where a reader would pause."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CRUMB = 80  # characters more are taken along rather than left as a part of their own
_LONGEST = 1024  # bytes of what is never cut
_FULL = 0.5  # of the room: a part is at least as full, lest the first says nothing but who is in charge
_ANCHOR = r'<a\ href="[^"]*">[^<]*</a>'
# What is never cut. Emoji are sequences: a flag of two letters, a family joined by U+200D, a skin behind a hand.
_MARKS = r"[\u0300-\u036f\u200c\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_ATOM = re.compile(
    rf"""{_ANCHOR}
    |https?://[^\s<>"'，。；、！？：（）【】《》“”]{{1,600}}
    |[!-;=?-~]{{1,64}}(?:{_MARKS})*                        # words, dates, times, phone numbers
    |[\U0001f1e6-\U0001f1ff]{{2}}
    |\n+
    |.(?:{_MARKS}|\u200d.){{0,16}}""",
    re.VERBOSE | re.DOTALL,
)
_HREF = re.compile(r'<a href="[^"]*">([^<]*)</a>')
_MENU = "weixin://bizmsgmenu"
_SENTENCE, _CLAUSE = "。！？；!?;…", "，、：,:"


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never cut, its bytes and the characters seen, and how good a place to pause is behind it: 4 is best."""

    text: str
    size: int
    length: int
    pause: int


def seen(text: str) -> str:
    """The text as people see it: links by their labels."""
    return _HREF.sub(r"\1", text)


def split(text: str, size: int, length: int) -> tuple[str, ...]:
    """`text` in parts of at most `size` bytes of UTF-8 and about `length` characters as they are seen."""
    text = text.strip()
    if len(text.encode()) <= size and len(seen(text)) <= length + _CRUMB:
        return (text,) if text else ()
    rest, made = list(_pieces(text)), []
    while rest:
        at = len(rest) if _fits(rest, size, length + _CRUMB) else _pause(rest, size, length)
        made.append("".join(piece.text for piece in rest[:at]).strip())
        rest = rest[at:]
    return tuple(part for part in made if part)


def cut(text: str, length: int) -> tuple[str, str]:
    """`text` in two, the first of at most `length` characters, without cutting a sign or a word."""
    at = 0
    for found in _ATOM.finditer(text):
        if found.end() > length:
            break
        at = found.end()
    return (text[:at], text[at:]) if at else (text[:length], text[length:])


def _pieces(text: str) -> Iterator[_Piece]:
    for found in _ATOM.finditer(text):
        atom, following = found[0], text[found.end() : found.end() + 60]
        if len(atom.encode()) > _LONGEST and not atom.startswith("<a "):
            yield from (_piece(one, 0) for one in atom)  # nothing that long means anything whole
        else:
            yield _piece(atom, _pause_after(atom, following))


def _piece(text: str, pause: int) -> _Piece:
    return _Piece(text, len(text.encode()), len(seen(text) if text.startswith("<a ") else text), pause)


def _pause_after(atom: str, following: str) -> int:
    if atom.startswith("\n"):
        # The choices stay together, if they can.
        return 4 if len(atom) > 1 else 1 if _MENU in following else 3
    if following[:1] in "”’）)】》」' \n":
        return 0  # an end is not left alone at the beginning of the next part
    return 2 if atom[-1] in _SENTENCE or atom in "”）" else 1 if atom[-1] in _CLAUSE else 0


def _fits(pieces: list[_Piece], size: int, length: int) -> bool:
    return sum(piece.size for piece in pieces) <= size and sum(piece.length for piece in pieces) <= length


def _pause(pieces: list[_Piece], size: int, length: int) -> int:
    """Behind how many pieces to pause: at the best place in the room, the last of several, or where the room ends."""
    best, rank, most = 1, -1, length
    for at, piece in enumerate(pieces, 1):
        size, length = size - piece.size, length - piece.length
        if (size < 0 or length < 0) and at > 1:
            break
        full = 1 - length / most >= _FULL
        worth = piece.pause if full else -1
        if worth >= rank:
            best, rank = at, worth
    return best

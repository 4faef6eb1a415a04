"""Answers as texts of WeChat: short paragraphs, choices to tap with their numbers, links, and nothing else marked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote

from channels.wechat.flattening import flat, inline
from channels.wechat.splitting import cut, split
from channels.wechat.wording import say
from core.types import Act, Answer, Choice, GuideRef, Link

LIMIT = 2048  # bytes of UTF-8 that the platform takes in one text
MORE = "more"  # the id of 继续
_AIM = 600  # characters to be read at once, as the platform advises
_URL = 1024  # bytes; a longer address leaves no room for words
_LABEL = 60  # characters that can be tapped; the rest of a label follows as text
_SENT = 16  # characters that a tap sends, seen as the citizen's own words
_HEAVY = 1300  # bytes of choices, from which on a tap sends but the number: encoded, a character takes nine
_WEB = re.compile(r"https?://\S+\Z")
_RESERVED = ":/?#[]@!$&()*+,;=%-._~"
_NUMBERED = re.compile(r"^(\d{1,2})\. (?=\S)(.+)$")
_SOURCE = "来源："
_ASIDE = re.compile(r"[（(：\s]")

Linked = Callable[[Link], str | None]


def tap(sent: str, choice: str, label: str) -> str:
    """A link that sends `sent` when it is tapped, with the id of a choice."""
    address = f"weixin://bizmsgmenu?msgmenucontent={quote(sent, safe='')}&msgmenuid={quote(choice, safe=':')}"
    tapped, rest = cut(label, _LABEL)
    return f'<a href="{address}">{tapped}</a>{rest}'


CONTINUE = (
    f"\n\n{say('more', link=tap(say('more_label'), MORE, say('more_label')))}"  # ends a part that is not the last
)
ROOM = LIMIT - len(CONTINUE.encode())  # bytes of a part, so that this can follow it


def render(answers: Sequence[Answer], linked: Linked) -> tuple[str, ...]:
    """The texts that say `answers`, each of at most ROOM bytes of UTF-8; CONTINUE ends all but the last where one waits for it.

    `linked` gives the address to use for a link of an answer, or None to leave it out. Emergencies come first.
    """
    urgent = [answer for answer in answers if answer.act is Act.EMERGENCY]
    others = [answer for answer in answers if answer.act is not Act.EMERGENCY]
    asking = [answer for answer in others if answer.choices]
    blocks = [flat(answer.text) for answer in urgent]
    for answer in others:
        waits = bool(asking) and answer is asking[-1]
        blocks += _blocks(answer, linked, waits=waits, alone=asking == [answer])
    return _parts("\n\n".join(block for block in blocks if block))


def plain(text: str) -> tuple[str, ...]:
    """The texts that say `text`, without any markup."""
    return _parts(flat(text))


def _parts(text: str) -> tuple[str, ...]:
    return split(text, ROOM, _AIM)


def _blocks(answer: Answer, linked: Linked, *, waits: bool, alone: bool) -> Iterator[str]:
    """The paragraphs of one answer; the choices come last, near the thumb.

    `waits`: it is the last with choices, which numbers are for. `alone`: no other answer has choices.
    """
    listed = _listed(answer)
    links = {f"{link.label}：{link.url}": link for link in answer.links}
    lines = [line for line in answer.text.split("\n") if line not in listed]
    paragraphs = "\n".join(lines).split("\n\n")
    yield from (_paragraph(one, answer, links, linked) for one in paragraphs if not _is_source(one, answer))
    # What the text does not name, such as the slip of an appointment.
    further = [link for line, link in links.items() if line not in lines]
    yield "\n".join(filter(None, (_link(link, answer, linked) for link in further)))
    if answer.guide and any(_is_source(one, answer) for one in paragraphs):
        yield _source(answer.guide, linked)
    yield _offered(answer, listed if waits else {}, alone=alone)


def _listed(answer: Answer) -> dict[str, Choice]:
    """The lines of the text that are choices with their numbers, which the bot understands. Ways out have none."""
    left, found = list(answer.choices), {}
    for line in answer.text.split("\n"):
        number = _NUMBERED.match(line)
        choice = number and next((one for one in left if one.label == number[2]), None)
        if choice:
            left.remove(choice)
            found[line] = choice
    return found


def _is_source(paragraph: str, answer: Answer) -> bool:
    return answer.guide is not None and paragraph.startswith(_SOURCE)


def _paragraph(text: str, answer: Answer, links: Mapping[str, Link], linked: Linked) -> str:
    told = []
    for is_link, lines in groupby(text.split("\n"), links.__contains__):
        if is_link:
            told += [_link(links[line], answer, linked) for line in lines]
        else:
            told.append(flat("\n".join(_unnumbered(line) if _misleads(answer) else line for line in lines)))
    return "\n".join(filter(None, told))


def _misleads(answer: Answer) -> bool:
    """Whether a number in the text would be taken for a choice: 2 says the second choice, not the second appointment."""
    return answer.act is Act.BOOK and bool(answer.choices)


def _unnumbered(line: str) -> str:
    return _NUMBERED.sub(r"· \2", line)


# -- links --


def _link(link: Link, answer: Answer, linked: Linked) -> str:
    """A link to tap; a number as text, which the platform makes one to call, unless the answer says it already."""
    if link.url.startswith("tel:"):
        number, label = inline(link.url[4:]), inline(link.label)
        return "" if number in answer.text else label if number in label else f"{label}：{number}"
    return _anchor(inline(link.label) or inline(link.url), linked(link))


def _anchor(label: str, address: str | None) -> str:
    if not address or not _WEB.match(address):
        return ""
    # Nothing in an address ends the attribute that holds it.
    whole = quote(address, safe=_RESERVED)
    return f'<a href="{whole}">{label}</a>' if len(whole) <= _URL else ""


def _source(guide: GuideRef, linked: Linked) -> str:
    checked = f"，{guide.verified_at:%Y-%m-%d} 核实" if guide.verified_at else ""
    told = f"{_SOURCE}{guide.department}《{guide.name}》第 {guide.version} 版{checked}"
    label = say("whole_guide")
    return "\n".join(filter(None, (inline(told), _anchor(label, linked(Link(label, f"/guides/{guide.id}"))))))


# -- choices --


def _offered(answer: Answer, listed: Mapping[str, Choice], *, alone: bool) -> str:
    """The choices to tap, one a line, with the numbers by which the bot knows them too."""
    numbers = {choice.id: line.partition(".")[0] for line, choice in listed.items()}
    if not numbers and alone and answer.act is Act.ANSWER:
        numbers = {choice.id: str(n) for n, choice in enumerate(answer.choices, 1)}  # guides beside a curated question
    told = _tappable(answer.choices, numbers, brief=False)
    return told if len(told.encode()) <= _HEAVY else _tappable(answer.choices, numbers, brief=True)


def _tappable(choices: Sequence[Choice], numbers: Mapping[str, str], *, brief: bool) -> str:
    lines = []
    shown = [one for one in choices if inline(one.label)]
    for choice in sorted(shown, key=lambda one: one.id not in numbers):  # ways out follow the list
        number = numbers.get(choice.id, "")
        sent = number if number and brief else _sent(choice, choices, number)
        lines.append(f"{number}. " * bool(number) + tap(sent, choice.id, inline(choice.label)))
    return "\n".join(lines)


def _sent(choice: Choice, choices: Sequence[Choice], number: str) -> str:
    """What a tap shows as the citizen's words: short, and by itself enough to know the choice, should its id be lost."""
    label = inline(choice.label)
    short = _ASIDE.split(label, maxsplit=1)[0]
    known = 2 <= len(short) <= _SENT and sum(short in inline(one.label) for one in choices) == 1
    return short if known else number or cut(label, _SENT)[0]

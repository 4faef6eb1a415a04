"""Personal details given while booking: taken from the raw message, checked and locked; only their kinds travel on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from bot import facets, names
from bot.booking import words
from bot.dialogue import Dialogue
from bot.draft import Step
from bot.guard import plain
from bot.times import wanted
from bot.understanding import Wish, from_words
from core import clock
from core.errors import Invalid
from core.names import like_name
from core.privacy import Finding, Sort, find, seal
from core.text import normalise
from core.vault import Unreadable, Vault
from desk import people

_CHECKS: dict[str, Callable[[str], str]] = {"phone": people.check_phone, "identity": people.check_identity}
_SORTS = {"name": Sort.NAME, "phone": Sort.MOBILE, "identity": Sort.IDENTITY}
_OF_SORT = {sort: field for field, sort in _SORTS.items()}
_STEPS = {Step.NAME: "name", Step.PHONE: "phone", Step.IDENTITY: "identity"}
_LABELS = re.compile(
    r"(?:我|本人|他|她)?的?(?:我叫|姓名|名字|全名|手机号?码?|电话号?码?|联系电话|联系方式|身份证(?:件)?号?码?|证件号码?|号码)\s*(?:就?是|叫|为|:|：)?"
)
_CALLED = re.compile(
    r"^.{0,8}?(?:叫做?|名字是)\s*(?=.)|^(?:(?:我|本人|他|她|名字)的?)?(?:叫做?|就?是|姓名|就?写|填)\s*(?=.)"
)
_AFTER = re.compile(r"\s*(?:谢谢|这个名字|来办|办理?|的|吧|啊|呀|了)$")
_GAPS = re.compile(r"[\s,，。.;；:：、/!！]+")
_CLAUSES = re.compile(r"[，,。.;；!！\n]+")
_DIGITS = str.maketrans("零〇一二三四五六七八九幺", "001234567891")
_MANY_DIGITS = re.compile(r"(?:[0-9０-９零〇一二三四五六七八九幺][\s\-—]*){6,}")
_WEEKDAY = re.compile(r"(?:下个?)?周[一二三四五六日天末]")
_MARKS = re.compile(rf"(?:〔(?:{'|'.join(_OF_SORT)})〕)+")
# 电话 before 〔手机号〕; the 身份证 of 补身份证 is what is to be booked.
_LABEL_OF = re.compile(rf"(?<![补办换领约丢了])(?:{_LABELS.pattern})\s*(?=〔)")
# 张星座 is a name and 星座 is small talk; these wishes are not spoken in words that people are called by.
_WISHES = (Wish.HUMAN, Wish.COMPLAINT, Wish.GREET, Wish.THANKS, Wish.BYE, Wish.BOOK)
_COMMANDS = ("mine", "cancel", "change", "stop", "back", "other_hall", "other_day", "other_time", "agree", "refuse", "slots", "place",
             "same", "wrong_name", "wrong_phone", "wrong_identity", "quiet", "remind",
             "withhold", "why_detail", "venting")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """What is known so far of whom a booking is for, each detail as checked or empty."""

    name: str = ""
    phone: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """The dialogue with the details locked in it. `text` is what may travel on in place of the message; `noted` are the
    sorts kept that nobody had asked for."""

    dialogue: Dialogue
    text: str
    noted: tuple[Sort, ...] = ()


def take(raw: str, dialogue: Dialogue, vault: Vault) -> Taken | None:
    """Take the details out of a message. None where it holds none: a question, a command, talk about something else.

    While a detail is asked, whatever is not plainly a command or a question is taken for it and travels on as its kind
    alone, right or wrong.
    """
    draft = dialogue.draft
    if draft and draft.moving:
        return None
    found = {_OF_SORT[one.sort]: one for one in find(raw) if one.sort in _OF_SORT}
    if draft is None and not (found and _begins(raw)):
        return None
    asked = _STEPS.get(draft.step) if draft else None
    if draft is None or asked is None:
        return _in_passing(raw, found, dialogue, vault)
    if not found and not _MANY_DIGITS.search(raw) and _travels(normalise(raw), dialogue):
        return None
    said = _values(names.dotted(raw), found, asked)
    person, wrong = _checked(unlock(vault, draft.person), said, said_so=names.said_so(raw))
    trouble = next((wrong[field] for field in (asked, *wrong) if field in wrong), "")
    marks = "".join(f"〔{_SORTS[field]}〕" for field in _SORTS if field in said)
    made = replace(draft, person=lock(vault, person), trouble=trouble)
    return Taken(replace(dialogue, draft=made), marks)


def apart(text: str) -> str:
    """What a message says besides the details it gave: 松风区 of 我叫〔姓名〕，电话〔手机号〕，松风区."""
    if not _MARKS.search(text):
        return text
    bare = _MARKS.sub(" ", _LABEL_OF.sub("", names.unlabelled(text)))
    return _GAPS.sub(" ", re.sub(r"(?:我|名字)?(?:叫|就?是)\s*$", "", bare)).strip()


def lock(vault: Vault, person: Given) -> str:
    """A person, unreadable without a key."""
    return vault.lock(json.dumps(asdict(person), ensure_ascii=False))


def unlock(vault: Vault, locked: str) -> Given:
    """The person of a draft: nobody yet where there is none, or where its key is gone."""
    try:
        return Given(**json.loads(vault.unlock(locked))) if locked else Given()
    except Unreadable:
        return Given()


def _begins(raw: str) -> bool:
    """Whether a message may begin a booking, details and all."""
    return from_words(normalise(raw)).wish is Wish.BOOK


def _in_passing(raw: str, found: dict[str, Finding], dialogue: Dialogue, vault: Vault) -> Taken | None:
    """Details given before, or after, they were asked: the valid ones are kept, and the sealed message travels on."""
    if not found:
        return None
    draft = dialogue.draft
    person, wrong = _checked(
        unlock(vault, draft.person if draft else ""), {field: one.value for field, one in found.items()}, said_so=True
    )  # fmt: skip
    locked = lock(vault, person)
    kept = replace(dialogue, draft=replace(draft, person=locked)) if draft else replace(dialogue, given=locked)
    return Taken(
        kept, seal(plain(raw)), tuple(_SORTS[field] for field in _SORTS if field in found and field not in wrong)
    )


def _travels(text: str, dialogue: Dialogue) -> bool:
    """Whether a message is plainly no detail: a choice, a command of booking, a time, a question, and no name in it."""
    if dialogue.picked(text) or dialogue.counts(text):
        return True
    name = _named(text)
    if name and not _WEEKDAY.fullmatch(name):
        return any(words.says(kind, text) for kind in ("stop", "back", "agree"))
    # 阿依古丽，要带什么？ holds a question and a name that no list of surnames knows.
    clauses = [clause for clause in _CLAUSES.split(text) if facets.topic(clause)]
    return all(map(_is_plain_talk, clauses)) if clauses else _is_plain_talk(text)


def _is_plain_talk(clause: str) -> bool:
    if any(words.says(kind, clause) for kind in _COMMANDS) or words.says("asking", clause):
        return True
    understood = from_words(clause)
    if understood.facets or understood.wish in _WISHES:
        return True
    # 登记人周一鸣 holds a day too, and more than that.
    return bool(wanted(clause, today=clock.today())) and not facets.topic(words.item(clause))


def _values(raw: str, found: dict[str, Finding], asked: str) -> dict[str, str]:
    """What the message gives, by field; at least what was asked, however it looks."""
    said = {field: one.value for field, one in found.items()}
    rest = raw
    for one in sorted(found.values(), key=lambda one: -one.start):
        rest = f"{rest[: one.start]} {rest[one.end :]}"
    if not found and (digits := _MANY_DIGITS.search(rest)):
        said[asked if asked != "name" else "phone"] = digits[0]
        rest = rest.replace(digits[0], " ")
    name = _named(rest) or _plain(rest)
    if "name" not in said and name and asked == "name":
        said["name"] = name
    return said if said else {asked: rest}


def _named(text: str) -> str:
    """What looks like a name among the words of a message: 张伟 of 就写张伟吧，谢谢; empty where nothing does."""
    parts = (_plain(part) for part in _GAPS.split(_LABELS.sub(" ", text)))
    return next((part for part in parts if like_name(part)), "")


def _plain(text: str) -> str:
    """A message without the words around a name."""
    return _AFTER.sub("", names.bare(_CALLED.sub("", _GAPS.sub(" ", _LABELS.sub(" ", text)).strip()))).strip()


def _checked(person: Given, said: dict[str, str], *, said_so: bool) -> tuple[Given, dict[str, str]]:
    """The person with what is valid of what was said, and what was wrong with the rest, by field."""
    wrong: dict[str, str] = {}
    for field, value in said.items():
        try:
            checked = (
                names.check(value, said_so=said_so) if field == "name" else _CHECKS[field](value.translate(_DIGITS))
            )
            person = replace(person, **{field: checked})
        except Invalid as error:
            wrong[field] = str(error)
    return person, wrong

"""One normaliser for everything people type and departments publish."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal

_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ"
_PINYIN = re.compile(rf"(?<=[\u3400-\u9fff])(?:[(（][a-zü]{{0,5}}[{_TONED}][a-zü]{{0,5}}[)）])+")
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_MARKS = 30
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")
# Full-width forms that are Chinese punctuation stay: 。，：；！？（）“” carry the sentence.
_WIDTH = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B) if chr(code - 0xFEE0).isalnum()} | str.maketrans(
    "\u3000／＋－＠％．＆＝\u2236\ufe55\u00a0\r", " /+-@%.&=：： \n"
)


def normalise(text: str) -> str:
    """`text` with half-width letters and digits, simplified characters, and without what nobody meant to write.

    Control and zero-width characters and pinyin injected behind characters, as in 推進(jìn), are removed;
    spaces are folded, line breaks kept. Chinese punctuation stays as it is.
    """
    text = _INVISIBLE.sub("", text.translate(_WIDTH))
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Co", "Cn"})
    # Composed only now: what stood between a letter and its accent is gone.
    text = _PINYIN.sub("", composed(text))
    return _LINES.sub("\n", _SPACES.sub(" ", _simplifier().convert(text))).strip()


def composed(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """`text` in that normal form of Unicode, in time that grows with its length alone. All text from outside comes here.

    Python sorts the marks of a letter in time that grows with the square of their number, and lets nobody else run
    meanwhile: a message of them would stop the process. Of more than 30 in a row, as many as stream-safe text has
    (UAX #15), the rest is dropped.
    """
    return unicodedata.normalize(form, _crowds().sub(r"\1", text))


def bigrams(text: str) -> list[str]:
    """Overlapping pairs of neighbouring Chinese characters in `text`."""
    return [run[i : i + 2] for run in re.findall(r"[\u3400-\u9fff]+", text) for i in range(len(run) - 1)]


@cache
def _crowds() -> re.Pattern[str]:
    """More marks in a row than are kept, the first of them as a group."""
    signs = map(chr, range(0x300, 0x20000))
    marks = "".join(one for one in signs if unicodedata.combining(unicodedata.normalize("NFKD", one)[0]))
    # What most text is made of need not be looked up among them.
    return re.compile(rf"(?![\0-\u02ff\u4e00-\u9fff])([{marks}]{{{_MARKS}}})[{marks}]+")


@cache
def _simplifier():  # type: ignore[no-untyped-def]
    from opencc import OpenCC  # loads its tables on first use

    return OpenCC("t2s")

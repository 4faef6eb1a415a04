"""Published words without what web pages and bad conversions left in them."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from core.text import normalise

_TAGS = (
    "a|b|br|center|div|em|font|h[1-6]|hr|i|img|li|"
    "o:p|ol|p|pre|script|section|small|span|strong|style|sub|sup|table|tbody|td|th|thead|tr|u|ul"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
_NOT_A_TAG = re.compile(rf"<(?!/?(?:{_TAGS})(?:\s[^<>]*)?/?>|!--)", re.IGNORECASE)
_BLOCKS = ("br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "table", "tr", "ul")

_BUTTONS = (
    "查看详情|查看更多|点击查看|点击下载|立即下载|下载附件|"
    "附件下载|空表下载|样表下载|展开全部|展开更多|点击展开|返回顶部"
)
_RESIDUE_LINE = re.compile(
    rf"[\[【(（]?(?:{_BUTTONS}|办理步骤|查看|详情|更多|下载|展开|收起|打印|收藏|复制)"
    r"[\]】)）]?[>》∨∧▼▲]*"
)
_RESIDUE_END = re.compile(
    rf"(?:\s*[\[【(（](?:{_BUTTONS}|下载|展开|收起|详情)[\]】)）]"
    rf"|\s+(?:{_BUTTONS}|下载|展开|收起|详情)|(?<=[。；，、：:）)])(?:{_BUTTONS}))$"
)
_NOTHING = re.compile(r"(?:暂无|没有|无)[。.]?|[-/、—]+|null|none|n/a|undefined|暂无(?:数据|内容)", re.IGNORECASE)
_HAN = "㐀-鿿"
_BETWEEN = re.compile(rf"(?<=[{_HAN}）》”])([,;:?!])(?=[{_HAN}（《“\n]|$)")
_FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！"}


@lru_cache(maxsize=8192)  # dumps repeat the same sentences for hundreds of guides
def clean(text: str) -> str:
    """Plain text: no markup, entities, page buttons or injected pinyin; simplified; "" for 无 and the like."""
    text = _unescape(_without_markup(text))
    # Escaped markup shows itself only after the first round.
    text = normalise(_unescape(_without_markup(text)))
    lines = [_RESIDUE_END.sub("", line).strip() for line in text.split("\n")]
    lines = [line for line in lines if line and not _RESIDUE_LINE.fullmatch(line)]
    while lines and _NOTHING.fullmatch(lines[-1]):
        lines.pop()
    text = _brackets("\n".join(lines))
    return _BETWEEN.sub(lambda mark: _FULL[mark[1]], text)


def _without_markup(text: str) -> str:
    if not _TAG.search(text):
        return text
    from bs4 import BeautifulSoup  # takes a while to import, and most texts have no markup

    # 《关于修改<建筑法>的决定》 is a title, not a tag.
    soup = BeautifulSoup(_NOT_A_TAG.sub("&lt;", text), "html.parser")
    for hidden in soup(["script", "style"]):
        hidden.decompose()
    for block in soup(_BLOCKS):
        block.insert_before("\n")
        block.append("\n") if block.name != "br" else block.insert_after("")
    for cell in soup(["td", "th"]):
        cell.append(" ")
    return soup.get_text()


def _unescape(text: str) -> str:
    return html.unescape(html.unescape(text)) if "&" in text else text


def _brackets(text: str) -> str:
    """Each closing bracket in the width of its opening one: （首次申请) becomes （首次申请）."""
    signs = list(text)
    opened: list[str] = []
    for place, sign in enumerate(signs):
        if sign in "(（":
            opened.append(sign)
        elif sign in ")）" and opened:
            signs[place] = ")" if opened.pop() == "(" else "）"
    return "".join(signs)

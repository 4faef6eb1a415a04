"""Everyday questions find the guide that is meant: at once, or among the choices offered."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from channels.evaluation import sets
from core.types import Act, Answer, Choice
from tests.bot.conftest import City, Talk

QUESTIONS = [(one.text, set(one.guides)) for one in sets.everyday()]
LEAST = 0.85  # share found at once or among the choices
AT_ONCE = 0.80  # share answered, or asked no more than the district

SERVICES = {
    "房屋权属证明": ("我要去开个有没有房子的证明", "yq-bdc-001"),
    "纳税证明": ("完税证明在哪打印", "yq-sj-013"),
    "港澳通行证再次签注": ("通行证上香港签注没了想再签", "yq-crj-004"),
    "行驶证补换": ("行驶证搞丢了补办", "yq-jg-003"),
    "驾驶证补换": ("驾照丢了咋补办一本", "yq-jg-002"),
    "会计从业资格证": ("会计从业资格证还能办不", "yq-kj-001"),
    "结婚登记预约": ("想约个日子去领结婚证", "yq-mz-001"),
    "交通违法罚没款": ("违章罚款在哪里缴", "yq-jg-006"),
    "个人社保查询": ("我社保交没交在哪查", "yq-sb-001"),
    "公积金查询": ("想看看自己公积金余额", "yq-gjj-001"),
}
BUNDLES = {
    "企业开办": ("新开一家公司，执照公章发票一起办", "yq-yjs-001"),
    "准营": ("开火锅店要办的证能一次办齐吗", "yq-yjs-002"),
    "员工录用": ("新招的员工社保公积金怎么一起上", "yq-yjs-003"),
    "涉企不动产登记": ("公司买的厂房要过户", "yq-yjs-004"),
    "简易注销": ("公司没生意了想走简易注销", "yq-yjs-005"),
    "新生儿出生": ("娃刚生下来，出生证户口医保一起办", "yq-yjs-006"),
    "灵活就业": ("跑外卖没单位怎么一次办好社保", "yq-yjs-007"),
    "公民婚育": ("刚领证结婚，后面那些手续一次办", "yq-yjs-008"),
    "扶残助困": ("残疾人能享受的补助一起申请", "yq-yjs-009"),
    "军人退役": ("儿子退伍回家要办哪些手续", "yq-yjs-010"),
    "二手房过户": ("买二手房过户，水电气一块儿过", "yq-yjs-011"),
    "退休": ("下个月就退休了要跑哪些手续", "yq-yjs-012"),
    "身后": ("家里老人没了，后面那些手续咋办", "yq-yjs-013"),
    "毕业生就业": ("大学毕业找到工作，档案户口怎么弄", "yq-yjs-014"),
    "交房即交证": ("新房收房当天想把房产证也拿了", "yq-yjs-015"),
}


def _code(local: str) -> str:
    """The code without the district: 低保 is one matter in three districts."""
    return re.sub(r"-(sf|zx|ml)$", "", local)


def _stands_for(choice: Choice) -> str:
    return _code(choice.guide.local_code) if choice.guide else choice.id.removeprefix("faq:")


def _meant(said: Answer, city: City) -> set[str]:
    """What was answered: the guide, or the curated question by its code."""
    if said.guide:
        return {_code(said.guide.local_code)}
    if said.act is Act.ANSWER:
        asked = re.search(r"常见问题《(.+)》$", said.text)
        assert asked
        faq = next(one for one in city.index.search(asked[1], city.regions.ancestors("980100"), 1))
        return {faq.target.code} if hasattr(faq.target, "code") else set()
    offered = {_stands_for(choice) for choice in said.choices}
    return offered if len(offered) == 1 else set()


def _offered(said: Answer) -> set[str]:
    return {_stands_for(choice) for choice in said.choices}


def test_most_everyday_questions_find_their_guide(city: City, talks: Callable[[], Talk]) -> None:
    at_once, offered, missed = 0, 0, []
    for words, codes in QUESTIONS:
        said = talks().say(words)
        if _meant(said, city) & codes:
            at_once += 1
        elif _offered(said) & codes:
            offered += 1
        else:
            got = said.guide.name if said.guide else [choice.label for choice in said.choices] or said.text[:30]
            missed.append(f"{words}: {sorted(codes)}, but {said.act} {got}")
    print(f"{len(QUESTIONS)} asked, {at_once} at once, {offered} offered, {len(missed)} missed", *missed, sep="\n")
    assert len(QUESTIONS) >= 60
    assert (at_once + offered) / len(QUESTIONS) >= LEAST
    assert at_once / len(QUESTIONS) >= AT_ONCE


@pytest.mark.parametrize("service", SERVICES)
def test_each_convenience_service_is_found_from_an_everyday_question(talk: Talk, service: str) -> None:
    words, code = SERVICES[service]
    said = talk.say(words)
    assert said.guide, said.text
    assert said.guide.local_code == code


@pytest.mark.parametrize("bundle", BUNDLES)
def test_each_bundle_is_found_or_offered_from_an_everyday_question(talk: Talk, bundle: str) -> None:
    words, code = BUNDLES[bundle]
    said = talk.say(words)
    assert code in ({said.guide.local_code} if said.guide else _offered(said)), said.text


def test_an_abolished_certificate_is_said_to_be_abolished(talk: Talk) -> None:
    assert "取消" in talk.say("会计从业资格证怎么考").text

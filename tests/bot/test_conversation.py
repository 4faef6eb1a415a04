"""One turn from message to reply, with and without an engine that understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversation import Conversation, sender_of
from bot.dialogue import Dialogue, Turn
from bot.observing import Observed
from core.cache import MemoryCache
from core.errors import Invalid, TooLarge, TooMany
from core.types import Act, Answer, Facet, Message, Reply
from core.vault import Vault, new_key
from tests.bot.conftest import CITY, City

SESSION = "session-0001"
VAULT = Vault([new_key()])


@dataclass
class Fake:
    """An engine that gives what it is told to, and remembers what it heard."""

    gives: Callable[[Dialogue], Turn | None]
    heard: list[tuple[str, str, Dialogue]] = field(default_factory=list)

    async def turn(self, sender: str, text: str, dialogue: Dialogue) -> Turn | None:
        self.heard.append((sender, text, dialogue))
        return self.gives(dialogue)


def converse(
    city: City,
    engine: Fake | None = None,
    *,
    per_minute: int = 0,
    cache: MemoryCache | None = None,
    observe: Callable[[Observed], None] = lambda observed: None,
) -> Conversation:
    return Conversation(
        city.assistant,
        city.regions,
        cache or MemoryCache(),
        engine,
        VAULT,
        region=CITY,
        longest=100,
        per_minute=per_minute,
        observe=observe,
    )


async def say(talk: Conversation, text: str, session: str = SESSION, **other: str) -> Reply:
    return await talk.turn(Message(session, text, **other))


async def test_without_an_engine_the_answer_is_direct(city: City) -> None:
    talk = converse(city)
    reply = await say(talk, "身份证丢了咋补")
    assert reply.session == SESSION
    assert reply.messages[0].guide
    assert reply.messages[0].guide.local_code == "yq-sfz-003"


async def test_an_engine_that_has_no_answer_is_answered_for(city: City) -> None:
    for gives in (lambda _: None, lambda dialogue: Turn((), dialogue)):
        engine = Fake(gives)
        reply = await say(converse(city, engine), "身份证丢了咋补")
        assert len(engine.heard) == 1
        assert reply.messages[0].guide


async def test_a_typing_mistake_is_mended_before_anybody_reads_it(city: City) -> None:
    engine = Fake(lambda _: None)
    reply = await say(converse(city, engine), "身份正丢了，要带什么才料")
    assert [text for _, text, _ in engine.heard] == ["身份证丢了，要带什么材料"]
    assert Facet.MATERIALS in reply.messages[0].facets


async def test_an_engines_turn_is_said_and_remembered(city: City) -> None:
    number = city.guide("yq-crj-001").id
    engine = Fake(
        lambda dialogue: Turn((Answer(Act.ANSWER, "引擎说的"),), dialogue.about(number, (Facet.FEE,), "护照"))
    )
    talk = converse(city, engine)
    assert (await say(talk, "护照多少钱")).messages[0].text == "引擎说的"
    engine.gives = lambda _: None
    reply = await say(talk, "那要带什么")
    assert reply.messages[0].guide
    assert reply.messages[0].guide.id == number
    assert engine.heard[1][2].guide == number


async def test_the_engine_never_learns_the_session_and_hears_sealed_words_only(city: City) -> None:
    engine = Fake(lambda _: None)
    await say(converse(city, engine), "/身份证110105194912310021丢了，电话13800138000")
    sender, text, _ = engine.heard[0]
    assert SESSION not in sender
    assert sender == sender_of(SESSION)
    assert "1101" not in text
    assert "1380" not in text
    assert not text.startswith("/")


async def test_emergencies_and_refusals_never_reach_the_engine(city: City) -> None:
    engine = Fake(lambda _: None)
    talk = converse(city, engine)
    assert (await say(talk, "着火了")).messages[0].act is Act.EMERGENCY
    assert (await say(talk, "帮我办个假身份证")).messages[0].act is Act.REFUSE
    assert engine.heard == []


async def test_an_emergency_does_not_make_it_forget_the_guide(city: City) -> None:
    talk = converse(city)
    await say(talk, "身份证丢了咋补")
    await say(talk, "我老伴晕倒了")
    assert (await say(talk, "那要带什么")).messages[0].guide


async def test_personal_data_is_noted_as_sealed(city: City) -> None:
    reply = await say(converse(city), "我的身份证13800138000丢了咋补")
    assert len(reply.messages) == 2
    note = reply.messages[1]
    assert note.act is Act.SMALLTALK
    assert "手机号" in note.text
    assert "已经隐去" in note.text


_digits = st.text("0123456789", min_size=8, max_size=8)
_identities = st.builds(
    lambda area, born, rest, last: f"{area}{born}{rest}{last}",
    st.sampled_from(["110105", "330602", "510104", "980102"]),
    st.sampled_from(["19491231", "19800101", "20051130"]),
    st.text("0123456789", min_size=3, max_size=3),
    st.sampled_from("0123456789Xx"),
)
_phones = st.builds(lambda head, rest: f"1{head}{rest}", st.sampled_from(["38", "59", "86", "99"]), _digits).map(
    lambda digits: digits + "0"
)
_sentences = st.sampled_from(
    [
        "{}", "我的号码是{}，身份证丢了咋补", "{}是我电话让人工打给我", "护照{}多少钱", "不是{}", "着火了快打{}", "要投诉，电话{}", "帮{}办个假身份证",
        "竹溪区{}低保", "上海{}社保", "预约 {} 结婚", "/{}", "天气{}",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sentence=_sentences, number=_identities | _phones, spaced=st.booleans())
async def test_an_identity_or_phone_number_is_never_said_back_or_kept(
    city: City, sentence: str, number: str, spaced: bool
) -> None:
    typed = f"{number[:3]} {number[3:7]} {number[7:]}" if spaced else number
    cache = MemoryCache()
    engine = Fake(lambda _: None)
    talk = converse(city, engine, cache=cache)
    reply = await say(talk, sentence.format(typed))
    kept = await cache.get(f"dialogue:{sender_of(SESSION)}") or ""
    heard = "".join(text for _, text, _ in engine.heard)
    for text in (repr(reply.messages), kept, heard):
        assert number not in re.sub(r"\s", "", text)
        assert number[3:] not in re.sub(r"\s", "", text)


async def test_too_many_messages_are_told_how_long_to_wait(city: City) -> None:
    talk = converse(city, per_minute=2)
    await say(talk, "你好")
    await say(talk, "谢谢")
    with pytest.raises(TooMany) as refused:
        await say(talk, "再见")
    assert 0 < refused.value.retry_after <= 60
    assert str(refused.value.retry_after) in str(refused.value)
    await say(talk, "你好", session="session-0002")  # others are not held up


async def test_messages_that_are_refused_count_too(city: City) -> None:
    talk = converse(city, per_minute=1)
    with pytest.raises(Invalid):
        await say(talk, "？？")
    with pytest.raises(TooMany):
        await say(talk, "你好")


async def test_a_message_is_words_or_a_choice_and_not_both_or_neither(city: City) -> None:
    talk = converse(city)
    for message in (Message(SESSION, "你好", "human"), Message(SESSION), Message(SESSION, "  ")):
        with pytest.raises(Invalid):
            await talk.turn(message)


async def test_a_message_above_the_cap_is_too_large(city: City) -> None:
    with pytest.raises(TooLarge):
        await say(converse(city), "办" * 101)


async def test_a_choice_is_answered_without_the_engine(city: City) -> None:
    engine = Fake(lambda _: None)
    talk = converse(city, engine)
    asked = (await say(talk, "孩子上户口要带什么")).messages[0]
    reply = await talk.turn(Message(SESSION, choice=asked.choices[1].id))
    assert reply.messages[0].guide
    assert reply.messages[0].guide.local_code == "yq-hj-001-zx"
    assert len(engine.heard) == 1


async def test_the_region_of_the_portal_is_where_it_is_answered(city: City) -> None:
    reply = await say(converse(city), "低保怎么申请", region="980104")
    assert reply.messages[0].guide
    assert reply.messages[0].guide.local_code == "yq-mz-008-ml"


async def test_a_long_code_of_a_region_is_the_same_region(city: City) -> None:
    reply = await say(converse(city), "低保怎么申请", region="980104000000")
    assert reply.messages[0].guide
    assert reply.messages[0].guide.local_code == "yq-mz-008-ml"


@pytest.mark.parametrize("region", ["999999", "12", "abc"])
async def test_an_unknown_region_is_invalid(city: City, region: str) -> None:
    with pytest.raises(Invalid, match="区划代码"):
        await say(converse(city), "低保怎么申请", region=region)


async def test_what_was_said_is_forgotten_where_another_regions_portal_is_opened(city: City) -> None:
    talk = converse(city)
    await say(talk, "低保要什么材料", region="980103")
    elsewhere = (await say(talk, "多少钱", region="980104")).messages[0]
    assert elsewhere.guide is None
    assert elsewhere.act is Act.CLARIFY


async def test_a_district_chosen_in_the_citys_portal_is_kept(city: City) -> None:
    talk = converse(city)
    await say(talk, "低保要什么材料", region=CITY)
    await say(talk, "竹溪区", region=CITY)
    reply = (await say(talk, "残疾证怎么办", region=CITY)).messages[0]
    assert reply.guide
    assert reply.guide.local_code == "yq-mz-013-zx"


async def test_a_conversation_goes_on_in_a_district_with_all_that_was_said(city: City) -> None:
    talk = converse(city)
    await talk.move(SESSION, "980103")
    assert await talk.remembered(SESSION) is None, "nothing has begun"
    await say(talk, "身份证丢了咋补")
    await talk.move(SESSION, "980103")
    dialogue = await talk.remembered(SESSION)
    assert dialogue is not None
    assert (dialogue.region, dialogue.guide) == ("980103", city.guide("yq-sfz-003").id)
    assert (await say(talk, "要带什么")).messages[0].guide
    with pytest.raises(Invalid):
        await talk.move(SESSION, "999999")


async def test_a_conversation_is_forgotten_for_good(city: City) -> None:
    talk = converse(city)
    await say(talk, "身份证丢了咋补")
    await say(talk, "身份证丢了咋补", "session-0002")
    await talk.forget(SESSION)
    assert await talk.remembered(SESSION) is None
    assert await talk.remembered("session-0002") is not None
    assert (await say(talk, "要带什么")).messages[0].guide is None


async def test_two_sessions_never_mix(city: City) -> None:
    talk = converse(city)
    await say(talk, "身份证丢了咋补", session="session-aaaa")
    await say(talk, "结婚登记去哪办", session="session-bbbb")
    fresh = (await say(talk, "那要带什么", session="session-cccc")).messages[0]
    one = (await say(talk, "那要带什么", session="session-aaaa")).messages[0]
    other = (await say(talk, "那要带什么", session="session-bbbb")).messages[0]
    assert fresh.guide is None
    assert one.guide
    assert other.guide
    assert (one.guide.local_code, other.guide.local_code) == ("yq-sfz-003", "yq-mz-001")


async def test_a_memory_of_another_version_is_begun_anew(city: City) -> None:
    cache = MemoryCache()
    await cache.set(f"dialogue:{sender_of(SESSION)}", '{"from": "another version"}', 60)
    reply = await say(converse(city, cache=cache), "身份证丢了咋补")
    assert reply.messages[0].guide

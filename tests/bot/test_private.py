"""Personal details are checked, locked and never travel: not to the engine, not into the cache, not back in the clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import private
from bot.dialogue import Dialogue, Turn
from bot.draft import Draft, Step
from bot.private import Given, take, unlock
from core.privacy import Sort
from core.types import Choice
from core.vault import Vault, new_key
from tests.bot.conftest import CITY, IDENTITY, Chat, Halls

VAULT = Vault([new_key()])
ZHANG = Given("张伟", "13800138000")


def asked(step: Step, person: Given | None = None, **fields: object) -> Dialogue:
    """A dialogue in which that is asked."""
    locked = private.lock(VAULT, person) if person else ""
    return Dialogue(CITY, draft=replace(Draft("key", guide=1, step=step, person=locked), **fields))  # type: ignore[arg-type]


def taken(text: str, step: Step = Step.NAME, person: Given | None = None) -> tuple[Given, str | None, str]:
    """Whom the message makes it, what travels on, and what was wrong."""
    made = take(text, asked(step, person), VAULT)
    assert made, text
    assert made.dialogue.draft
    return unlock(VAULT, made.dialogue.draft.person), made.text, made.dialogue.draft.trouble


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("张伟", "张伟"), ("我叫张伟", "张伟"), ("姓名：李娜", "李娜"), ("欧阳娜娜", "欧阳娜娜"), ("张明星", "张明星"), ("何时", "何时"),
        ("阿依古丽·买买提", "阿依古丽·买买提"), ("John Smith", "John Smith"), ("周一鸣", "周一鸣"), ("王早", "王早"), ("叫李娜吧", "李娜"), ("张伟，要带什么？", "张伟"), ("就写周一鸣吧，谢谢", "周一鸣"), ("我的是 周一鸣", "周一鸣"),
        ("張偉", "張偉"), ("佘大江", "佘大江"), ("上官婉儿", "上官婉儿"), ("我叫阿卜杜拉买买提", "阿卜杜拉买买提"), ("阿卜杜拉.买买提", "阿卜杜拉·买买提"),
        ("姓名是阿依古丽", "阿依古丽"), ("我老公李强", "李强"), ("办理人是我老公李强", "李强"), ("我爸叫张大江", "张大江"),
    ],
)  # fmt: skip
def test_a_name_is_taken_as_it_is_written(text: str, name: str) -> None:
    assert taken(text) == (Given(name), "〔姓名〕", "")


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "138 0013 8000",
        "我的电话是138-0013-8000",
        "+86 13800138000",
        "１３８００１３８０００",
        "一三八零零一三八零零零",
    ],
)
def test_a_phone_number_is_taken_however_it_is_written(text: str) -> None:
    assert taken(text, Step.PHONE, Given("张伟")) == (ZHANG, "〔手机号〕", "")


def test_an_identity_number_is_taken() -> None:
    assert taken(IDENTITY.lower(), Step.IDENTITY, ZHANG) == (replace(ZHANG, identity=IDENTITY), "〔身份证号〕", "")


@pytest.mark.parametrize(
    "text",
    [
        "张伟 13800138000",
        "张伟，13800138000",
        "我叫张伟，电话是13800138000",
        "姓名张伟 手机号13800138000",
        "13800138000，张伟",
        "张伟13800138000",
    ],
)
def test_name_and_phone_in_one_message_are_both_taken(text: str) -> None:
    assert taken(text) == (ZHANG, "〔姓名〕〔手机号〕", "")


def test_all_three_in_one_message_are_taken() -> None:
    person, text, _ = taken(f"张伟 13800138000 {IDENTITY}")
    assert person == replace(ZHANG, identity=IDENTITY)
    assert text == "〔姓名〕〔手机号〕〔身份证号〕"


@pytest.mark.parametrize(
    ("text", "step", "words"),
    [
        ("1380013800", Step.PHONE, "手机号好像不对"), ("23800138000", Step.PHONE, "手机号好像不对"), ("我没有", Step.PHONE, "手机号"),
        ("110105194912310020", Step.IDENTITY, "身份证号好像不对"), ("11010519491231", Step.IDENTITY, "身份证号好像不对"),
        ("我先想想看", Step.NAME, "姓名请写证件上的全名"), ("那个谁", Step.NAME, "姓名请写证件上的全名"), ("x", Step.NAME, "姓名请写证件上的全名"),
        ("等一下", Step.NAME, "没听出姓名"), ("等等再说", Step.NAME, "没听出姓名"), ("第一个", Step.NAME, "没听出姓名"),
        ("我想给家里老人办一件很要紧的事情", Step.NAME, "姓名请写证件上的全名"), ("0571-88123456", Step.PHONE, "手机号好像不对"),
    ],
)  # fmt: skip
def test_what_is_no_valid_detail_is_sealed_wholly_and_told(text: str, step: Step, words: str) -> None:
    person, travels, trouble = taken(text, step)
    assert person == Given()
    assert travels
    assert private.apart(travels) == ""
    assert words in trouble


@pytest.mark.parametrize(
    "text",
    ["要带什么", "多少钱", "能停车吗", "为什么要电话？", "转人工", "返回", "上一步", "不约了", "算了", "换个大厅", "换一天", "改到周五", "明天下午三点",
     "嗯 对的", "没毛病", "我不想说电话", "要身份证干啥用啊", "咋还要电话", "取消掉", "不去了", "最早的", "我的预约", "取消预约", "再见", "周一", "要不要身份证", "竹溪区", "去市政务服务中心"],
)  # fmt: skip
@pytest.mark.parametrize("step", [Step.NAME, Step.PHONE, Step.IDENTITY])
def test_a_command_or_a_question_is_no_detail(text: str, step: Step) -> None:
    assert take(text, asked(step), VAULT) is None


@pytest.mark.parametrize("text", ["阿依古丽，谢谢", "阿依古丽，要带什么？", "谢谢，阿依古丽", "登记人周一鸣"])
def test_a_name_beside_plain_talk_does_not_travel(text: str) -> None:
    _, travels, _ = taken(text)
    assert travels == "〔姓名〕"


async def test_a_name_given_with_the_wish_reaches_the_booking_and_nothing_else(halls: Halls) -> None:
    ear = Ear()
    chat = Chat(halls, engine=ear)
    answer = await chat.say("预约护照，周一上午9点，办理人是我老公李强，电话13812345906")
    assert "请核对" in answer
    assert "李*，138****5906" in answer
    assert "已经隐去" not in answer
    assert not any("李强" in heard or "13812345906" in heard for heard in ear.heard)
    assert (await chat.dialogue()).given == ""


def test_a_choice_is_no_detail() -> None:
    dialogue = replace(asked(Step.NAME), choices=(Choice("book:last", "还用上次的"),))
    for text in ("1", "还用上次的", "第一个"):
        assert take(text, dialogue, VAULT) is None


def test_nothing_is_taken_where_nothing_is_booked_or_only_moved() -> None:
    assert take("张伟 13800138000", Dialogue(CITY), VAULT) is None
    assert take("张伟 13800138000", asked(Step.CONFIRM, moving=3), VAULT) is None


def test_a_detail_given_early_is_kept_and_the_rest_travels() -> None:
    made = take("我叫张伟，电话13800138000，松风区", asked(Step.HALL), VAULT)
    assert made
    assert made.text == "我叫〔姓名〕，电话〔手机号〕，松风区"
    assert made.noted == (Sort.NAME, Sort.MOBILE)
    assert made.dialogue.draft
    assert unlock(VAULT, made.dialogue.draft.person) == ZHANG
    assert private.apart("我叫〔姓名〕，电话〔手机号〕，松风区") == "松风区"


@pytest.mark.parametrize(
    ("text", "name", "travels"),
    [
        ("预约护照 后天三点 我叫张伟", "张伟", "预约护照 后天三点 我叫〔姓名〕"),
        ("给我爸预约护照，爸爸叫佘大江", "佘大江", "给我爸预约护照，爸爸叫〔姓名〕"),
        ("约补身份证，她叫李娜，松风区", "李娜", "约补身份证,她叫〔姓名〕,松风区"),
        ("预约护照，办理人是我老公李强", "李强", "预约护照,办理人是我老公〔姓名〕"),
        ("帮我老公李强预约护照", "李强", "帮我老公〔姓名〕预约护照"),
    ],
)  # fmt: skip
def test_a_name_in_the_message_that_begins_a_booking_is_kept_and_does_not_travel(
    text: str, name: str, travels: str
) -> None:
    made = take(text, Dialogue(CITY), VAULT)
    assert made
    assert unlock(VAULT, made.dialogue.given) == Given(name)
    assert made.text.replace("，", ",") == travels.replace("，", ",")
    assert "姓名" not in private.apart(made.text)
    assert "老公" not in private.apart(made.text)


@pytest.mark.parametrize(
    "text", ["给我妈高龄补贴预约", "预约护照，我爸叫我来的", "给孩子预约护照", "我妈叫什么名字要预约吗"]
)
def test_what_is_no_name_is_left_alone(text: str) -> None:
    assert take(text, Dialogue(CITY), VAULT) is None


def test_a_wrong_detail_given_early_is_left_to_be_asked() -> None:
    made = take("我的号码是 110105194912310020", asked(Step.DAY), VAULT)
    assert made
    assert made.text == "我的号码是 〔身份证号〕"
    assert made.noted == ()
    assert made.dialogue.draft
    assert unlock(VAULT, made.dialogue.draft.person) == Given()


def test_a_person_whose_key_is_gone_is_asked_again() -> None:
    assert unlock(Vault([new_key()]), private.lock(VAULT, ZHANG)) == Given()


# -- in a conversation --


@dataclass
class Ear:
    """An engine that hears and does not answer."""

    gives: Callable[[Dialogue], Turn | None] = lambda _: None
    heard: list[str] = field(default_factory=list)

    async def turn(self, sender: str, text: str, dialogue: Dialogue) -> Turn | None:
        self.heard += [text, dialogue.dump()]
        return self.gives(dialogue)


_names = st.sampled_from(
    ["张伟", "李娜", "欧阳娜娜", "阿依古丽·买买提", "John Smith", "周一鸣", "何时", "张明星", "我不说", "王 芳"]
)
_phones = st.builds(
    lambda head, rest: f"1{head}{rest}",
    st.sampled_from(["38", "59", "86", "99", "2"]),
    st.text("0123456789", min_size=7, max_size=9),
)
_said = st.sampled_from(["{}", "我叫{}", "我的是 {}", "{}，谢谢", "就写{}吧", "  {}  ", "{}。"])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=_names, phone=_phones, first=_said, second=_said)
async def test_what_is_given_while_it_is_asked_never_travels(
    halls: Halls, name: str, phone: str, first: str, second: str
) -> None:
    ear = Ear()
    chat = Chat(halls, engine=ear)
    await chat.say("约补身份证，松风区，明天下午3点")
    for text in (first.format(name), "李娜", second.format(phone), "13900139000"):
        assert await chat.say(text)
    kept = (await chat.dialogue()).dump()
    for text in (*ear.heard, kept):
        assert name not in text
        assert phone not in text
        assert "13900139000" not in text
        assert "李*" not in text


async def test_the_notice_of_sealing_is_kept_out_of_these_steps(chat: Chat) -> None:
    await chat.say("约补身份证，松风区，明天下午3点")
    for text in ("张伟", "13800138000"):
        assert "已经隐去" not in await chat.say(text)
    assert len(chat.last) == 1


async def test_details_before_a_booking_are_sealed_as_ever(chat: Chat) -> None:
    assert "已经隐去" in await chat.say("我叫张伟，电话13800138000，身份证丢了咋补")


async def test_whom_was_booked_for_last_is_shown_masked_and_remembered_without(chat: Chat) -> None:
    await chat.say("约补身份证，松风区，明天下午3点")
    await chat.say("张伟，13800138000")
    await chat.say("确认")
    assert "张*，138****8000" in await chat.say("约补身份证，松风区，周一下午3点")
    kept = (await chat.dialogue()).dump()
    assert "还用上次的" in kept
    assert "张*" not in kept
    assert "请核对" in await chat.tap("还用上次的")
    assert "张" not in (await chat.dialogue()).dump()

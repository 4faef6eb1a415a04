"""Booking by talking, in the demonstration city, understood by words alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dialogue import Dialogue
from core.types import Act
from desk.appointments import Status
from tests.bot.conftest import CITY, IDENTITY, Chat, Halls
from tests.desk.conftest import at

THURSDAY, FRIDAY, SATURDAY, MONDAY = (date(2026, 10, day) for day in (15, 16, 17, 19))
SONGFENG = "松风区政务服务中心"
LOST = "yq-sfz-003"  # 居民身份证丢失补领
BEFORE_NATIONAL_DAY = datetime(2026, 9, 28, 1, 0, tzinfo=UTC)

# What is said, or tapped where it begins with !, and what must be in the answer; ~ before what must not be.
Talk = list[tuple[str, list[str]]]
TALKS: dict[str, Talk] = {
    "step by step": [
        ("我要预约", ["办哪件事"]),
        ("身份证丢了补一个", ["哪个大厅", "松风区政务服务中心", "竹溪区政务服务中心", "最早"]),
        ("松风区", ["哪一天方便", "明天（10月16日，周五）", "上午余12"]),
        ("明天", ["几点方便", "上午", "下午"]),
        ("上午", ["上午9:00（余2）", "上午11:30", "~下午1:00"]),
        ("十点", ["好的，“居民身份证丢失补领”，明天（10月16日，周五）上午10:00，松风区政务服务中心", "姓名"]),
        ("张伟", ["手机号是多少"]),
        ("13800138000", ["请核对", "居民身份证丢失补领", "张*，138****8000", "确认，前一天提醒我", "~张伟"]),
        ("!前一天提醒", ["约好了", "预约号", "带什么", "怎么去", "松涛路", "会在这里提醒您", "~138"]),
    ],
    "everything at once, and the earliest": [
        ("约明天下午松风区补身份证，最早的", ["明天（10月16日，周五）中午12:00", "姓名"]),
        ("张伟 13800138000", ["请核对", "张*，138****8000"]),
        ("确认，不用提醒", ["约好了", "~会在这里提醒您"]),
        ("要带什么材料", ["要准备", "~接着约"]),
        ("身份证", ["首次申领"]),
    ],
    "a question while matters are offered": [
        ("预约", ["哪件事"]),
        ("身份证", ["哪一件"]),
        ("结婚登记怎么办", ["“结婚登记", "~您去哪个"]),
    ],
    "any time of a morning will do": [
        ("约补身份证，竹溪区", ["哪一天方便"]),
        ("下周三上午都行", ["10月21日（周三）上午9:00，竹溪区政务服务中心"]),
    ],
    "a day on which the hall is shut": [
        ("约补身份证，松风区", ["哪一天方便"]),
        ("周六", ["后天（10月17日，周六）大厅周末不办公", "哪一天方便", "10月19日（周一）"]),
        ("周末", ["周末不办公", "哪一天方便"]),
        ("明年1月5号", ["还没放号", "现在可以约到", "哪一天方便"]),
        ("19号上午9点", ["10月19日（周一）上午9:00", "姓名"]),
    ],
    "a time that there is none of": [
        ("约补身份证，松风区", ["哪一天方便"]),
        ("明天早上8点", ["上午8:00没有号", "1. 上午9:00", "10月19日（周一）"]),
        ("第一个", ["明天（10月16日，周五）上午9:00", "姓名"]),
    ],
    "questions in between": [
        ("约补身份证，松风区", ["哪一天方便"]),
        ("要带什么", ["要准备", "接着约：", "哪一天方便"]),
        ("能停车吗", ["停车场", "接着约：", "哪一天方便"]),
        ("护照多少钱", ["120元", "接着约：", "哪一天方便"]),
        ("周六上班吗", ["接着约：", "哪一天方便"]),
        ("着火了", ["119", "~接着约"]),
        ("明天上午九点", ["明天（10月16日，周五）上午9:00", "姓名"]),
        ("要带身份证复印件吗", ["接着约：", "姓名"]),
        ("李娜", ["手机号是多少"]),
    ],
    "steps back and changes of mind": [
        ("约补身份证，松风区，明天上午9点", ["姓名"]),
        ("上一步", ["明天（10月16日，周五）几点方便"]),
        ("上一步", ["哪一天方便"]),
        ("上一步", ["哪个大厅"]),
        ("上一步", ["第一步", "哪个大厅"]),
        ("竹溪区", ["哪一天方便"]),
        ("周一上午9点", ["10月19日（周一）上午9:00，竹溪区政务服务中心"]),
        ("张伟", ["手机号"]),
        ("换一天", ["哪一天方便"]),
        ("明天上午10点", ["手机号"]),
        ("13800138000", ["上午10:00", "竹溪区政务服务中心", "张*"]),
        ("换个大厅", ["哪个大厅"]),
        ("梅岭区", ["上午10:00", "梅岭区政务服务中心", "张*"]),
        ("改时间", ["明天（10月16日，周五）几点方便"]),
        ("下午三点", ["请核对", "下午3:00"]),
        ("不对", ["哪里不对", "请核对"]),
        ("名字错了", ["姓名"]),
        ("李娜", ["请核对", "李*，138****8000"]),
        ("电话错了", ["手机号"]),
        ("13900139000", ["请核对", "李*，139****9000"]),
        ("算了，不约了", ["好的，不约了"]),
        ("我的预约", ["没有查到您的预约"]),
    ],
    "an item that takes no appointments": [
        ("预约驾驶证期满换证", ["不用预约", "直接到窗口", "办公时间", "周一至周六"]),
        ("要带什么", ["机动车驾驶证期满换证", "~接着约"]),
    ],
    "an item that is better done online": [
        ("预约失业保险金申领", ["在网上就能办", "还是要预约"]),
        ("在网上办", ["可以网上办理", "~接着约"]),
        ("约明天上午办失业保险金", ["在网上就能办"]),
        ("还是要预约", ["哪个大厅"]),
        ("随便", ["明天（10月16日，周五）上午", "姓名"]),
    ],
    "who names a time means to come": [
        ("预约失业保险金申领", ["在网上就能办"]),
        ("明天上午", ["哪个大厅", "~网上"]),
        ("松风区", ["明天（10月16日，周五）"]),
    ],
    "a window that needs the identity number": [
        ("约结婚登记，松风区，明天下午3点", ["下午3:00", "姓名"]),
        ("我叫张伟，电话是13800138000", ["身份证号"]),
        ("110105194912310020", ["身份证号好像不对", "身份证号（18 位）"]),
        (IDENTITY, ["请核对", "身份证 1****************X"]),
        ("确认", ["约好了", "双方居民身份证"]),
    ],
    "a wrong phone and a wrong name": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("我先想想", ["姓名请写证件上的全名", "姓名"]),
        ("欧阳娜娜", ["手机号"]),
        ("1380013800", ["手机号好像不对", "手机号是多少"]),
        ("不告诉你行不行", ["手机号是多少"]),
        ("一三八零零一三八零零零", ["请核对", "欧***，138****8000"]),
    ],
    "booked, shown, changed and cancelled": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("张伟，13800138000", ["请核对"]),
        ("确认，提醒我", ["约好了", "会在这里提醒您", "下午2:00以前可以改时间或者取消"]),
        ("我的预约", ["您有 1 个预约", "明天（10月16日，周五）下午3:00", "张*", "~张伟"]),
        ("改到下周一", ["您要改的是", "10月19日（周一）几点方便"]),
        ("上午十点", ["改成下面这个时间", "10月19日（周一）上午10:00"]),
        ("确认", ["改好了", "预约号不变", "10月19日（周一）上午10:00", "张*"]),
        ("改约下午", ["10月19日（周一）这些时间有号", "下午3:00", "~上午9:00"]),
        ("不改了", ["原来的预约还在", "10月19日（周一）上午10:00"]),
        ("取消预约", ["要取消这个预约吗"]),
        ("不", ["没有取消"]),
        ("取消预约", ["要取消这个预约吗"]),
        ("是的", ["已经取消了", "10月19日（周一）上午10:00"]),
        ("我的预约", ["没有查到您的预约"]),
    ],
    "a second person on the same day, and which of two": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("张伟，13800138000", ["请核对"]),
        ("确认", ["约好了"]),
        ("再约一个补身份证，松风区，明天下午3点", ["还用上次的：张*，138****8000"]),
        ("李娜", ["手机号"]),
        ("13900139000", ["请核对", "李*，139****9000"]),
        ("确认", ["约好了", "李*"]),
        ("我的预约", ["您有 2 个预约", "1. ", "张*", "2. ", "李*"]),
        ("我的预约", ["您有 2 个预约"]),
        ("2", ["李*", "~张*"]),
        ("我的预约", ["您有 2 个预约"]),
        ("取消预约", ["哪一个"]),
        ("2", ["要取消这个预约吗"]),
        ("确认取消", ["已经取消了"]),
        ("我的预约", ["您有 1 个预约"]),
    ],
    "the same person twice on a day is refused, and goes on": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("张伟，13800138000", ["请核对"]),
        ("确认", ["约好了"]),
        ("再约一个补身份证，松风区，明天下午4点", ["还用上次的"]),
        ("1", ["请核对", "张*"]),
        ("确认", ["这一天已经约过这件事了"]),
        ("换一天", ["哪一天方便"]),
        ("周一上午九点", ["请核对", "张*", "10月19日"]),
        ("确认", ["约好了"]),
    ],
    "another item in its place": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("约护照", ["竹溪区政务服务中心", "普通护照"]),
        ("预约离婚登记", ["好的，“离婚登记”，明天（10月16日，周五）下午3:00，松风区政务服务中心"]),
        ("预约竹溪区的离婚登记", ["好的，“离婚登记”，明天（10月16日，周五）下午3:00，竹溪区政务服务中心"]),
    ],
    "a matter that may be one of several": [
        ("约松风区明天上午的身份证", ["哪一件", "居民身份证首次申领", "居民身份证丢失补领"]),
        ("居民身份证丢失补领", ["明天（10月16日，周五）这些时间有号", "上午9:00", "~下午"]),
        ("随便几点都行", ["明天（10月16日，周五）上午9:00，松风区政务服务中心"]),
        ("我妈叫陈秀兰", ["手机号"]),
        ("手机号 13800138003", ["请核对", "陈**，138****8003"]),
    ],
    "an appointment moved to another hall, said once more": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("张伟，13800138000", ["请核对"]),
        ("确认", ["约好了"]),
        ("确认", ["约好了"]),
        ("我要预约", ["哪个大厅"]),
        ("改预约", ["您要改的是", "哪一天方便"]),
        ("换个大厅", ["哪个大厅"]),
        ("竹溪区", ["哪一天方便"]),
        ("下周一上午十点", ["改成下面这个时间", "竹溪区政务服务中心"]),
        ("确认", ["改好了", "竹溪区政务服务中心"]),
        ("我的预约", ["您有 1 个预约", "10月19日（周一）上午10:00"]),
        ("我的预约", ["您有 1 个预约", "~要取消"]),
    ],
    "another city": [
        ("预约上海的居住证", ["还没有收录上海市"]),
    ],
    "whether one must book": [
        ("身份证丢了咋补", ["居民身份证丢失补领"]),
        ("要不要先预约才能去", ["可以预约", "现在预约"]),
        ("!现在预约", ["哪个大厅"]),
        ("不预约能直接去吗", ["可以预约", "接着约：", "哪个大厅"]),
    ],
    "a remark that finds nothing at the last question": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("我自己", ["没听出姓名", "给谁办"]),
        ("张伟 13800138000", ["请核对"]),
        ("错了", ["哪里不对", "请核对"]),
        ("谢谢", ["不客气", "请核对", "~约好了"]),
        ("我要坐飞船去月球", ["没有找到", "接着约：请核对"]),
        ("好的", ["再问一遍", "~约好了"]),
    ],
    "all facts in the first message": [
        (
            "我叫张伟 想预约补身份证 13800138000 松风区 周一上午十点",
            ["请核对", "居民身份证丢失补领", "10月19日（周一）上午10:00", "张*，138****8000"],
        ),
    ],
    "refused at the last question": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("张伟 13800138000", ["请核对"]),
        ("约错了 取消掉", ["好的，不约了"]),
        ("我的预约", ["没有查到您的预约"]),
    ],
    "not understood at the last question, a nod books nothing": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("张伟 13800138000", ["请核对"]),
        ("这不太合适吧", ["没听明白", "请核对"]),
        ("是的", ["再问一遍", "请核对", "~约好了"]),
        ("嗯 对的", ["约好了"]),
    ],
    "a nod after an emergency books nothing": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("张伟 13800138000", ["请核对"]),
        ("着火了", ["119"]),
        ("好的", ["再问一遍", "请核对", "~约好了"]),
        ("没毛病", ["约好了"]),
        ("取消预约", ["要取消这个预约吗"]),
        ("着火了", ["119"]),
        ("好的", ["~已经取消"]),
    ],
    "ordinary nods go on": [
        ("约补身份证，松风区", ["哪一天方便"]),
        ("没问题", ["哪一天方便", "~再见"]),
        ("好嘞", ["哪一天方便", "~不客气"]),
        ("明天下午3点", ["姓名"]),
        ("要得", ["姓名"]),
        ("张伟 13800138000", ["请核对"]),
        ("对的没错就这样", ["约好了"]),
    ],
    "no name at all": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        ("等一下", ["没听出姓名", "给谁办"]),
        ("第一个", ["没听出姓名", "给谁办"]),
        ("佘大江", ["手机号"]),
    ],
    "what a detail is for, and the way to do without": [
        ("约结婚登记，松风区，明天下午3点", ["姓名"]),
        ("张伟", ["手机号"]),
        ("咋还要电话", ["时间有变动时通知您", "现场取号", "0000-5550200", "手机号是多少"]),
        ("我不想说电话", ["时间有变动时通知您", "手机号是多少"]),
        ("13800138000", ["身份证号"]),
        ("要身份证干啥用啊", ["核对是不是本人", "过后删掉", "现场取号", "身份证号（18 位）"]),
        ("我不想给身份证号", ["核对是不是本人", "身份证号（18 位）"]),
    ],
    "facts said with the wish": [
        (
            "预约护照 后天三点 我叫张伟，电话13800138000",
            ["姓名和手机号记下了", "周末不办公", "哪一天方便", "~已经隐去"],
        ),
        ("周一下午三点", ["请核对", "张*，138****8000"]),
    ],
    "the time is kept while the day is picked, and a change is said": [
        ("约补身份证，松风区", ["哪一天方便"]),
        ("上午十点", ["哪一天方便"]),
        ("!10月19日", ["10月19日（周一）上午10:00", "姓名"]),
        ("张伟", ["手机号"]),
        ("改到周二上午九点", ["好的", "10月20日（周二）上午9:00", "手机号"]),
        ("真是烦死了，问个没完", ["您慢慢来", "手机号", "~要准备"]),
    ],
    "the matters on offer are kept": [
        ("预约", ["办哪件事"]),
        ("身份证", ["哪一件"]),
        ("下周一上午9点", ["哪一件", "居民身份证丢失补领"]),
        ("丢了", ["“居民身份证丢失补领”，您去哪个大厅"]),
        ("松风区", ["10月19日（周一）上午9:00", "姓名"]),
        ("约居住证", ["“居民身份证丢失补领”还没确认，就不约了", "您去哪个区"]),
    ],
    "a district's item in another district": [
        ("办居住证", ["哪个区"]),
        ("帮我预约", ["您去哪个区"]),
        ("竹溪区", ["在网上就能办"]),
        ("还是要预约", ["竹溪区政务服务中心办"]),
        ("周一上午九点", ["竹溪区政务服务中心", "姓名"]),
        ("张伟", ["手机号"]),
        ("梅岭区", ["好的", "10月19日（周一）上午9:00，梅岭区政务服务中心", "手机号"]),
        ("换个大厅", ["您去哪个区"]),
        ("松风区", ["10月19日（周一）上午9:00，松风区政务服务中心", "手机号"]),
    ],
    "one of two is named": [
        ("约补身份证，松风区，明天下午3点", ["姓名"]),
        (f"张伟 13800138000 {IDENTITY}", ["请核对", "~身份证 1"]),
        ("那就约吧", ["约好了"]),
        ("约护照 周一上午9点", ["还用上次的"]),
        ("李娜 13900139000", ["请核对"]),
        ("确认", ["约好了"]),
        ("忘记预约号了", ["您有 2 个预约"]),
        ("约好了吗", ["您有 2 个预约"]),
        ("改到周二", ["哪一个"]),
        ("!丢失补领", ["您要改的是：居民身份证丢失补领", "10月20日（周二）几点方便"]),
        ("不改了", ["原来的预约还在"]),
        ("把护照的改到周三", ["您要改的是：普通护照首次申领", "10月21日（周三）几点方便"]),
        ("不改了", ["原来的预约还在"]),
        ("取消第二个", ["要取消这个预约吗？普通护照首次申领"]),
        ("不", ["没有取消"]),
        ("把补身份证的取消了", ["要取消这个预约吗？居民身份证丢失补领"]),
        ("不", ["没有取消"]),
        ("护照不去了", ["要取消这个预约吗？普通护照首次申领"]),
        ("是的", ["已经取消了：普通护照首次申领"]),
    ],
    "the soonest of all halls": [
        ("约补身份证，最快的", ["今天（10月15日，周四）上午9:30", "姓名"]),
    ],
    "a bare word is asked about": [
        ("我要预约不动产登记", ["哪一件", "不动产登记资料查询"]),
    ],
    "whether, anywhere in the message": [
        ("办结婚登记要预约吗", ["可以预约", "现在预约"]),
    ],
    "nothing to change": [
        ("改预约", ["没有查到您的预约"]),
        ("取消预约", ["没有查到您的预约"]),
        ("名字改成两个字要什么材料", ["姓名变更登记"]),
    ],
}


@pytest.mark.parametrize("name", TALKS)
async def test_a_whole_conversation(chat: Chat, name: str) -> None:
    for said, expected in TALKS[name]:
        answer = await (chat.tap(said[1:]) if said.startswith("!") else chat.say(said))
        for words in expected:
            assert (words.removeprefix("~") in answer) != words.startswith("~"), (said, words, answer)


async def ready(chat: Chat, hour: str = "下午3点") -> None:
    """Until only the confirmation is left."""
    await chat.say(f"约补身份证，松风区，明天{hour}")
    assert "请核对" in await chat.say("张伟，13800138000")


async def test_a_holiday_is_named(chat: Chat) -> None:
    chat.halls.watch.time = BEFORE_NATIONAL_DAY
    await chat.say("约补身份证，松风区")
    answer = await chat.say("10月1号")
    assert "10月1日（周四），国庆节放假。" in answer
    assert "哪一天方便" in answer


async def test_a_day_that_staff_closed_says_why(chat: Chat) -> None:
    chat.halls.close(SONGFENG, FRIDAY, "电路检修，全天停电")
    await chat.say("约补身份证，松风区")
    assert "电路检修，全天停电" in await chat.say("明天上午")


async def test_a_full_time_offers_the_free_ones_around_it(chat: Chat) -> None:
    chat.halls.book(LOST, SONGFENG, at(FRIDAY, 10), many=2)
    await chat.say("约补身份证，松风区")
    answer = await chat.say("明天上午十点")
    assert "明天（10月16日，周五）上午10:00已经约满了" in answer
    labels = [choice.label for choice in chat.last[0].choices]
    assert labels[:4] == ["上午9:30（余2）", "上午10:30（余2）", "上午9:00（余2）", "上午11:00（余2）"]
    assert labels[4].startswith("10月19日（周一）上午10:00")
    assert "上午10:30" in await chat.say("2")


async def test_a_full_morning_is_said_to_be_full_and_left_out(chat: Chat) -> None:
    for half in range(6):
        chat.halls.book(LOST, SONGFENG, at(FRIDAY, 9 + half // 2, half % 2 * 30), many=2)
    answer = await chat.say("约补身份证，松风区")
    assert "明天（10月16日，周五）上午满 下午余20" in answer
    assert "上午已经约满了" in await chat.say("明天上午")


async def test_somebody_faster_costs_a_time_and_nothing_else(chat: Chat) -> None:
    await ready(chat)
    chat.halls.book(LOST, SONGFENG, at(FRIDAY, 15), many=2)
    answer = await chat.tap("确认，不用提醒")
    assert "这个时间刚刚约满了" in answer
    assert "下午2:30" in answer
    answer = await chat.say("1")
    assert "请核对" in answer
    assert "张*，138****8000" in answer
    assert "约好了" in await chat.say("确认")


async def test_a_hall_that_closes_before_the_confirmation_offers_another_day(chat: Chat) -> None:
    await ready(chat)
    chat.halls.close(SONGFENG, FRIDAY, "临时消防演练")
    answer = await chat.tap("确认，不用提醒")
    assert "临时消防演练" in answer
    assert "哪一天方便" in answer


async def test_a_confirmation_tapped_twice_books_once_and_shows_the_same(chat: Chat) -> None:
    await ready(chat)
    confirm = next(choice.id for choice in chat.last[0].choices if "不用提醒" in choice.label)
    first, second = await chat.tap(confirm), await chat.tap(confirm)
    assert first == second
    assert len(chat.halls.desk.mine(chat.owner)) == 1


async def test_two_confirmations_at_the_same_moment_book_once(chat: Chat) -> None:
    await ready(chat)
    confirm = next(choice.id for choice in chat.last[0].choices if "不用提醒" in choice.label)
    await asyncio.gather(*(chat.tap(confirm) for _ in range(4)))
    assert len(chat.halls.desk.mine(chat.owner)) == 1


async def test_a_booking_whose_answer_was_lost_follows_the_last_change(chat: Chat) -> None:
    await ready(chat)
    kept = await chat.dialogue()
    await chat.tap("确认，不用提醒")
    await chat.cache.set(f"dialogue:{chat.owner.removeprefix('web:')}", kept.dump(), 60)
    await chat.say("改时间")
    await chat.say("下午四点")
    assert "下午4:00" in await chat.say("确认")
    assert [one.starts for one in chat.halls.desk.mine(chat.owner)] == [at(FRIDAY, 16)]


async def test_nobody_touches_anothers_appointment(chat: Chat, halls: Halls) -> None:
    made = halls.book(LOST, SONGFENG, at(FRIDAY, 10))
    for act in ("change", "cancel", "drop", "keep"):
        answer = await chat.tap(f"book:{act}:{made.id}")
        assert "没有查到您的预约" in answer
        assert made.number not in answer
    assert halls.desk.held(made.id).appointment == made


@pytest.mark.parametrize(
    "choice",
    ["book:", "book:hall:x", "book:day:2026-13-01", "book:time:1", "book:part:xx", "book:yes:other", "book:guide:999999999",
     "book:guide:0", "book:change:9999999999", "book:drop:-1", "book:last", "book:nonsense"],
)  # fmt: skip
@pytest.mark.parametrize("amid", [False, True])
async def test_a_made_up_choice_does_no_harm(chat: Chat, choice: str, amid: bool) -> None:
    if amid:
        await chat.say("约补身份证，松风区")
    assert await chat.tap(choice)
    assert chat.halls.desk.mine(chat.owner) == ()


async def test_the_result_holds_what_is_needed_and_no_code(chat: Chat) -> None:
    await ready(chat)
    await chat.tap("确认，不用提醒")
    (answer,), (made,) = chat.last, chat.halls.desk.mine(chat.owner)
    code = chat.halls.desk.held(made.id).details
    assert code
    assert answer.act is Act.BOOK
    labels = {fact.label: fact.value for fact in answer.facts}
    assert labels["预约号"] == made.number
    assert labels["办理人"] == "张*"
    assert labels["地点"] == SONGFENG
    assert code.code not in repr(answer)
    assert [choice.label for choice in answer.choices] == ["我的预约", "改时间", "取消预约"]
    slip = answer.links[0].url
    assert slip.startswith("/book/slip/")
    assert chat.halls.desk.by_slip(slip.rpartition("/")[2]) == made


async def test_a_displaced_appointment_is_shown_as_such_and_moved(chat: Chat) -> None:
    await ready(chat)
    await chat.tap("确认，不用提醒")
    chat.halls.close(SONGFENG, FRIDAY, "设备检修")
    assert "大厅临时有变，请改时间" in await chat.say("我的预约")
    await chat.tap("改时间")
    await chat.say("周一上午九点")
    assert "改好了" in await chat.say("确认")
    (made,) = chat.halls.desk.mine(chat.owner)
    assert (made.status, made.starts) == (Status.BOOKED, at(MONDAY, 9))


async def test_who_leaves_a_displaced_appointment_as_it_is_hears_that_it_will_not_take_place(chat: Chat) -> None:
    await ready(chat)
    await chat.tap("确认，不用提醒")
    chat.halls.close(SONGFENG, FRIDAY, "设备检修")
    await chat.say("改时间")
    assert "办不了了" in await chat.say("不改了")
    await chat.say("取消预约")
    assert "办不了了" in await chat.say("不取消")


@pytest.mark.parametrize("said", ["那给我取消吧", "知道了，取消掉", "帮我退了吧"])
async def test_who_only_says_cancel_is_asked_about_the_appointment_there_is(chat: Chat, said: str) -> None:
    await ready(chat)
    await chat.tap("确认，不用提醒")
    await chat.say("结婚登记要带什么")
    assert "要取消这个预约吗" in await chat.say(said)


async def test_an_old_tap_does_not_cancel_what_was_moved_since(chat: Chat) -> None:
    await ready(chat)
    await chat.tap("确认，不用提醒")
    await chat.say("取消预约")
    (old,) = [one.id for one in chat.last[0].choices if one.id.startswith("book:drop:")]
    await chat.say("不取消")
    await chat.say("改到周一上午九点")
    await chat.say("确认")
    assert "要取消这个预约吗" in await chat.tap(old)
    assert [one.status for one in chat.halls.desk.mine(chat.owner)] == [Status.BOOKED]
    assert "已经取消了" in await chat.say("是的")


async def test_too_late_to_change_is_told_in_the_desks_words(chat: Chat) -> None:
    await ready(chat, "上午9点")
    await chat.tap("确认")
    chat.halls.watch.pass_(hours=24)
    assert "来不及" in await _cancelled(chat)
    assert len(chat.halls.desk.mine(chat.owner)) == 1


async def _cancelled(chat: Chat) -> str:
    await chat.say("取消预约")
    return await chat.say("确认")


async def test_no_reminder_is_offered_whose_moment_is_over(chat: Chat) -> None:
    chat.halls.watch.pass_(hours=9)  # half past five in the afternoon
    await ready(chat)
    assert [choice.label for choice in chat.last[0].choices][:1] == ["确认预约"]


async def test_a_hall_without_free_times_says_so(chat: Chat) -> None:
    for days in range(40):
        chat.halls.close(SONGFENG, THURSDAY + timedelta(days=days), "装修")
    assert "松风区政务服务中心（云桥市松风区松涛路18号），近期约满了" in await chat.say("约补身份证")
    assert "近期都约满了" in await chat.say("松风区")
    assert "哪个大厅" in await chat.tap("换个大厅")


_POOL = [choice for talk in TALKS.values() for choice, _ in talk if not choice.startswith("!")]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.sampled_from(_POOL), min_size=3, max_size=7), taps=st.lists(st.integers(0, 9), max_size=3))
async def test_whatever_is_said_in_whatever_order_is_answered(halls: Halls, said: list[str], taps: list[int]) -> None:
    chat = Chat(halls, session=f"session-{uuid4().hex}")
    for n, text in enumerate(said):
        answer = await chat.say(text)
        assert answer
        assert "None" not in answer
        offered = [choice.id for one in chat.last for choice in one.choices]
        if n < len(taps) and offered:
            assert await chat.tap(offered[taps[n] % len(offered)])
    kept = await chat.dialogue()
    assert Dialogue.load(kept.dump()) == kept
    assert all(one.owner == chat.owner for one in halls.desk.mine(chat.owner))


def test_a_dialogue_written_before_there_were_drafts_is_read() -> None:
    old = '{"region":"980100","guide":3,"facets":[],"audience":null,"choices":[],"asked":"身份证","earlier":[]}'
    assert Dialogue.load(old) == Dialogue(CITY, guide=3, asked="身份证")


async def test_a_draft_survives_being_written_down(chat: Chat) -> None:
    await ready(chat)
    kept = await chat.dialogue()
    assert kept.draft
    assert kept.draft.day == FRIDAY
    assert Dialogue.load(kept.dump()) == kept


async def test_the_key_of_a_draft_is_its_own(chat: Chat) -> None:
    await chat.say("约补身份证，松风区")
    one = (await chat.dialogue()).draft
    await chat.say("不约了")
    await chat.say("约补身份证，松风区")
    other = (await chat.dialogue()).draft
    assert one
    assert other
    assert one.key != other.key

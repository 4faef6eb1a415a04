"""Signatures, encryption, XML: what is let in, and what goes out."""

from __future__ import annotations

import hmac

import pytest
import xmltodict
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.wechat.envelope import Envelope, Refused
from channels.wechat.letters import Incoming, Kind, Outgoing
from core.settings import WeChatAccount
from tests.desk.conftest import Watch
from tests.wechat import citizen
from tests.wechat.citizen import ACCOUNT, Citizen, Sealed, seal, verification

WATCH = Watch()
NOW = int(WATCH.time.timestamp())
ENVELOPE = Envelope(ACCOUNT, window=300, now=WATCH)
OTHER = WeChatAccount(token="otherToken", aes_key="z" * 42 + "A", appid="wx9999999999999999", secret="x" * 32)


@pytest.fixture
def zhang() -> Citizen:
    return Citizen(ACCOUNT, "o-zhang")


def opened(letter: citizen.Letter) -> Incoming:
    sealed = letter.sealed(at=NOW)
    incoming = ENVELOPE.open(sealed.body, sealed.params)
    assert incoming is not None
    return incoming


def asked(sealed: Sealed, envelope: Envelope = ENVELOPE, **changes: str) -> Incoming | None:
    return envelope.open(sealed.body, sealed.params | changes)


# -- the address is verified --


def test_the_platforms_echo_comes_back_as_it_was() -> None:
    assert ENVELOPE.echo(verification(ACCOUNT, "echo <b>& 中文", at=NOW)) == "echo <b>& 中文"


@pytest.mark.parametrize(
    "changes", [{"signature": ""}, {"signature": "0" * 40}, {"signature": "签名"}, {"nonce": "other"}]
)
def test_an_echo_with_a_wrong_signature_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        ENVELOPE.echo(verification(ACCOUNT, at=NOW) | changes)


def test_an_echo_without_a_query_is_refused() -> None:
    with pytest.raises(Refused):
        ENVELOPE.echo({})


# -- what is let in --


def test_a_signed_and_encrypted_text_is_read(zhang: Citizen) -> None:
    incoming = opened(zhang.says("身份证丢了怎么补"))
    assert (incoming.kind, incoming.text, incoming.openid, incoming.appid) == (
        Kind.TEXT,
        "身份证丢了怎么补",
        "o-zhang",
        ACCOUNT.appid,
    )
    assert incoming.to == citizen.MAILBOX


def test_a_message_in_plain_text_is_refused(zhang: Citizen) -> None:
    sealed = zhang.says("你好").sealed(at=NOW)
    with pytest.raises(Refused):
        ENVELOPE.open(zhang.says("你好").xml.encode(), sealed.params)


@pytest.mark.parametrize(
    "changes",
    [
        {"msg_signature": ""},
        {"msg_signature": "0" * 40},
        {"nonce": "0"},
        {"timestamp": str(NOW + 1)},
        {"timestamp": ""},
    ],
)
def test_a_message_with_a_wrong_signature_is_refused(zhang: Citizen, changes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        asked(zhang.says("你好").sealed(at=NOW), **changes)


def test_signatures_are_compared_in_constant_time_alone(zhang: Citizen, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda made, given: compared.append(given))  # which says: not equal
    sealed, query = zhang.says("你好").sealed(at=NOW), verification(ACCOUNT, at=NOW)
    with pytest.raises(Refused):
        asked(sealed)
    with pytest.raises(Refused):
        ENVELOPE.echo(query)
    assert compared == [sealed.params["msg_signature"].encode(), query["signature"].encode()]


def test_the_signature_of_the_query_alone_is_not_enough(zhang: Citizen) -> None:
    sealed = zhang.says("你好").sealed(at=NOW)
    with pytest.raises(Refused):
        asked(sealed, msg_signature=sealed.params["signature"])


def test_a_message_to_another_account_is_refused(zhang: Citizen) -> None:
    with pytest.raises(Refused):
        asked(seal(ACCOUNT, zhang.says("你好").xml, at=NOW, appid=OTHER.appid))
    with pytest.raises(Refused):
        asked(seal(OTHER, zhang.says("你好").xml, at=NOW))


@pytest.mark.parametrize("late", [-301, 301, -86_400, 10**9])
def test_a_message_of_another_time_is_refused(zhang: Citizen, late: int) -> None:
    with pytest.raises(Refused):
        asked(zhang.says("你好").sealed(at=NOW + late))


@pytest.mark.parametrize("late", [-299, 0, 299])
def test_the_window_leaves_room_for_clocks_that_differ(zhang: Citizen, late: int) -> None:
    assert asked(zhang.says("你好").sealed(at=NOW + late))


def test_signed_rubbish_is_nothing_rather_than_an_error() -> None:
    for xml in ("", "<xml/>", "<xml><MsgType>text</MsgType></xml>", "kein XML", "<a><b></a>", "<xml>" * 500, "[]"):
        sealed = seal(ACCOUNT, xml, at=NOW)
        assert asked(sealed) is None, xml


def test_nothing_is_parsed_before_its_signature_is_checked(zhang: Citizen, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[object] = []
    monkeypatch.setattr(xmltodict, "parse", parsed.append)
    for body in (b"<xml>" + b"<a/>" * 10_000 + b"</xml>", b"<xml>" * 10_000, zhang.says("你好").sealed(at=NOW).body):
        with pytest.raises(Refused):
            ENVELOPE.open(body, {"timestamp": str(NOW), "nonce": "n", "msg_signature": "0" * 40})
    assert parsed == []


def test_an_entity_in_the_document_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
    with pytest.raises(Refused):
        ENVELOPE.open(bomb, {"timestamp": str(NOW)})


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=2000),
    query=st.dictionaries(st.sampled_from(["timestamp", "nonce", "msg_signature"]), st.text()),
)
def test_whatever_else_comes_is_refused(body: bytes, query: dict[str, str]) -> None:
    with pytest.raises(Refused):
        ENVELOPE.open(body, query)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 400), flip=st.integers(0, 255), at=st.integers(0, 400))
def test_a_signed_but_broken_ciphertext_is_refused_or_nothing(cut: int, flip: int, at: int) -> None:
    encrypted = citizen.encrypt(ACCOUNT, Citizen(ACCOUNT, "o-zhang").says("你好").xml)
    broken = encrypted[:-cut] if cut else encrypted
    broken = broken[:at] + chr(flip) + broken[at + 1 :]
    params = {"timestamp": str(NOW), "nonce": "n"}
    params["msg_signature"] = citizen.sign(ACCOUNT.token, str(NOW), "n", broken)
    body = f"<xml><Encrypt><![CDATA[{broken}]]></Encrypt></xml>".encode("utf-8", "surrogatepass")
    try:
        read = ENVELOPE.open(body, params)
    except Refused:
        return
    assert read is None or read.openid == "o-zhang"


# -- what is read --


@pytest.mark.parametrize(
    ("letter", "kind"),
    [
        (lambda z: z.speaks("护照怎么办"), Kind.VOICE),
        (lambda z: z.shows(), Kind.UNREADABLE),
        (lambda z: z.films(), Kind.UNREADABLE),
        (lambda z: z.sends_link("题", "https://a.example"), Kind.UNREADABLE),
        (lambda z: z.message("hologram"), Kind.UNREADABLE),
        (lambda z: z.sends_place(0.1, 100.2, "云桥市"), Kind.LOCATION),
        (lambda z: z.joins(), Kind.JOINED),
        (lambda z: z.joins("region:980102"), Kind.JOINED),
        (lambda z: z.scans("region:980102"), Kind.SCANNED),
        (lambda z: z.clicks("book:mine"), Kind.CLICKED),
        (lambda z: z.leaves(), Kind.LEFT),
        (lambda z: z.opens("https://a.example"), Kind.SILENT),
        (lambda z: z.is_at(0.1, 100.2), Kind.SILENT),
        (lambda z: z.got_template(), Kind.SILENT),
        (lambda z: z.event("user_gift_card_2030"), Kind.SILENT),
        (lambda z: z.meets("kf2001@gh_0123"), Kind.STAFF_CAME),
        (lambda z: z.parts("kf2001@gh_0123"), Kind.STAFF_WENT),
    ],
)  # fmt: skip
def test_each_message_and_event_is_known_by_its_kind(zhang: Citizen, letter, kind: Kind) -> None:
    assert opened(letter(zhang)).kind is kind


def test_the_scene_of_a_qr_code_is_the_same_for_who_joins_and_for_who_follows_already(zhang: Citizen) -> None:
    assert opened(zhang.joins("region:980102")).choice == opened(zhang.scans("region:980102")).choice == "region:980102"


def test_a_tapped_choice_carries_its_id(zhang: Citizen) -> None:
    incoming = opened(zhang.says("结婚登记", tapped="guide:12:how"))
    assert (incoming.text, incoming.choice) == ("结婚登记", "guide:12:how")


def test_a_place_is_read_as_numbers_and_nonsense_as_none(zhang: Citizen) -> None:
    assert opened(zhang.sends_place(0.12, 100.25, "松风路")).position == (0.12, 100.25)
    for x, y in (("nan", "1"), ("x", "1"), ("91", "1"), ("1", "181"), ("inf", "0")):
        assert opened(zhang.message("location", Location_X=x, Location_Y=y)).position is None


def test_control_characters_do_not_get_in(zhang: Citizen) -> None:
    assert opened(zhang.says("身份证\u007f丢了\ufffe")).text == "身份证丢了"


def test_every_try_of_a_message_has_the_same_key_and_no_other_message_has(zhang: Citizen) -> None:
    letter = zhang.says("你好")
    assert opened(letter).key == opened(letter).key
    assert opened(zhang.says("你好")).key != opened(letter).key


def test_the_same_number_from_another_citizen_is_another_message(zhang: Citizen) -> None:
    li = Citizen(ACCOUNT, "o-li")
    assert opened(zhang.says("你好", number=7)).key != opened(li.says("你好", number=7)).key


def test_events_without_a_number_are_told_apart_by_who_when_and_what(zhang: Citizen) -> None:
    li = Citizen(ACCOUNT, "o-li")
    keys = [
        opened(one).key for one in (zhang.clicks("hello"), zhang.clicks("human"), li.clicks("hello"), zhang.joins())
    ]
    assert len(set(keys)) == 4
    again = zhang.clicks("hello")
    assert opened(again).key == opened(again).key


def test_an_openid_that_is_none_is_nothing(zhang: Citizen) -> None:
    for openid in ("", "a b", "x" * 65, "中文"):
        assert asked(Citizen(ACCOUNT, openid).says("你好").sealed(at=NOW)) is None


# -- what goes out --

SAID = Incoming("key", ACCOUNT.appid, "o-zhang", citizen.MAILBOX, Kind.TEXT, text="你好")


def read(outgoing: Outgoing) -> dict[str, str] | None:
    return Citizen(ACCOUNT, "o-zhang").reads(ENVELOPE.seal(outgoing, SAID))


def test_a_reply_is_encrypted_signed_and_goes_back_where_it_came_from() -> None:
    reply = read(Outgoing(("到窗口办。",)))
    assert reply is not None
    assert (reply["MsgType"], reply["Content"]) == ("text", "到窗口办。")
    assert (reply["ToUserName"], reply["FromUserName"]) == ("o-zhang", citizen.MAILBOX)
    assert reply["CreateTime"] == str(NOW)


def test_no_reply_is_the_word_that_the_platform_takes_for_none() -> None:
    assert ENVELOPE.seal(Outgoing(), SAID) == "success"


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=400)
    | st.sampled_from(["]]>", "a]]>b]]>", "]]]>>", "</Content><MsgType>news</MsgType>", "\ud800", "\x00"])
)
def test_whatever_an_answer_holds_stays_inside_its_content(text: str) -> None:
    reply = read(Outgoing((text,)))
    assert reply is not None
    assert set(reply) == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"}
    printable = "".join(
        c for c in text if c in "\t\n\r" or (c >= " " and c not in "\x7f\ufffe\uffff" and not 0xD800 <= ord(c) < 0xE000)
    )
    assert reply["Content"] == printable.replace("\r\n", "\n").replace("\r", "\n")


def test_customer_service_takes_over_with_the_account_where_one_is_named() -> None:
    assert read(Outgoing(staff="any"))["MsgType"] == "transfer_customer_service"  # type: ignore[index]
    reply = read(Outgoing(staff="kf2001@gh_0123"))
    assert reply is not None
    assert (reply["MsgType"], reply["KfAccount"]) == ("transfer_customer_service", "kf2001@gh_0123")

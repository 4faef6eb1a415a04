"""Whatever is posted to the callback of the whole application: no failure, no traceback, no detail, no memory kept."""

from __future__ import annotations

import gc
import io
import itertools
import logging
import random
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import httpx
import psutil
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.settings import Settings
from tests.channels.conftest import home
from tests.wechat import citizen
from tests.wechat.citizen import ACCOUNT, Citizen, Sealed, seal
from tests.wechat.opened import Opened
from tests.wechat.platform_server import PlatformServer

PATH = "/wechat/callback"
PRIVATE = (ACCOUNT.token, ACCOUNT.aes_key, ACCOUNT.secret)
GENERIC = re.compile(r"^$|^success$|^\{\"code\":\"(too_large|not_found|invalid)\"")
_numbers = itertools.count(1)
LEAK = 64 * 2**20  # bytes by which the process may grow over all of this: caches fill, nothing else stays


@pytest.fixture(scope="module")
def opened(running_platform: PlatformServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    own = {f"wechat_{name}": getattr(ACCOUNT, name) for name in ("token", "aes_key", "appid", "secret")}
    made = Settings(
        home=home(tmp_path_factory.mktemp("fuzz")), rasa=False, rate_limit=0, log_level="INFO", encoder="none",
        wechat_api_base=running_platform.base, **own,
    )  # fmt: skip
    with Opened(made) as opened:
        yield opened


@pytest.fixture(autouse=True)
def logs(opened: Opened) -> Iterator[None]:
    """Nothing is written of a failure, nor of a secret, whatever a test posts."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    try:
        with structlog.testing.capture_logs() as events:
            yield
            opened.quiet()
        gc.collect()  # a task's exception that nobody asked for is told when it is forgotten
    finally:
        logging.getLogger().removeHandler(handler)
    text = f"{events}{written.getvalue()}"
    assert [one for one in events if one["log_level"] in {"error", "critical"}] == []
    assert "Traceback" not in text
    assert not [one for one in PRIVATE if one in text]


def fuzz(many: int) -> Any:
    """The same examples at every run, so that this takes the same time."""
    unhurried = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=many, deadline=None, derandomize=True, database=None, suppress_health_check=unhurried)


def send(opened: Opened, body: bytes, query: str | dict[str, str] = "") -> httpx.Response:
    """Post, and check what holds for every answer."""
    params = {"params": query} if isinstance(query, dict) else {}
    address = PATH if isinstance(query, dict) or not query else f"{PATH}?{query}"
    response = opened.client.post(address, content=body, **params)  # type: ignore[arg-type]
    assert response.status_code in {200, 403, 413}, (response.status_code, response.text)
    if response.status_code == 200:
        Citizen(ACCOUNT, "o-fuzz").reads(response.text)  # well-formed, rightly signed
    else:
        assert GENERIC.match(response.text), response.text
    return response


def refused(opened: Opened, body: bytes, query: str | dict[str, str] = "") -> None:
    assert send(opened, body, query).status_code == 403


def wrapped(encrypted: str) -> Sealed:
    """Any ciphertext, rightly signed."""
    params = seal(ACCOUNT, "").params
    params["msg_signature"] = citizen.sign(ACCOUNT.token, params["timestamp"], params["nonce"], encrypted)
    return Sealed(params, f"<xml><Encrypt>{escape(encrypted)}</Encrypt></xml>".encode())


def another(letter: str) -> str:
    """The letter as a new one of somebody new: a known one would be answered as before."""
    number = next(_numbers)
    return re.sub(r"(<MsgId>)\d+(?=</MsgId>)", rf"\g<1>{number}", letter.replace("o-fuzz", f"o-{number}"))


TEXT = "<xml><ToUserName>gh_0</ToUserName><FromUserName>o-fuzz</FromUserName><CreateTime>{at}</CreateTime><MsgType>{type}</MsgType>{more}</xml>"
ELEMENTS = (
    "ToUserName", "FromUserName", "CreateTime", "MsgType", "Content", "MsgId", "Event", "EventKey", "MediaId",
    "Recognition", "Label", "Location_X", "Location_Y", "bizmsgmenuid", "ScanCodeInfo", "SendPicsInfo", "Ticket",
)  # fmt: skip
TYPES = ("text", "image", "voice", "video", "shortvideo", "location", "link", "event", "device_event", "hologram", "")
EVENTS = (
    "subscribe", "unsubscribe", "SCAN", "LOCATION", "CLICK", "VIEW", "scancode_waitmsg", "pic_weixin", "location_select",
    "TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH", "subscribe_msg_popup_event", "kf_create_session", "kf_close_session",
    "kf_switch_session", "user_consume_card", "submit_membercard_user_info", "qualification_verify_fail", "人", "\n",
)  # fmt: skip
PRINTABLE = st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in range(32) if n not in (9, 10)])
STRANGE = st.sampled_from(
    ["\u202e\u2066囗", "e\u0301" * 200, "👨‍👩‍👧‍👦" * 40, "\ufeff你好", "ﷺ" * 300, "\U0010fffd", "١٢٣", "Ⅷ①㈠", "\u00ad" * 500,
     "İıſK", "ß" * 400, "\u3000", "0" * 5000, "-1", "1e308", "9" * 400, "nan", "]]>", "<![CDATA[", "%s%n{0}", "${jndi:x}",
     "' OR 1=1--", "../../etc/passwd", "\r\nX: y", "ask:", "guide:", "guide:99999999999999999999:how", "book:drop:1",
     "region:" + "9" * 30, "region:²", "qrscene_" * 50, "faq:-1", "book:mine", "human"]
)  # fmt: skip
WORDS = st.one_of(STRANGE, st.text(PRINTABLE, max_size=60))


# -- not even an envelope --


@fuzz(60)
@given(body=st.binary(max_size=3000))
def test_bytes_of_any_kind_are_refused(opened: Opened, body: bytes) -> None:
    refused(opened, body, seal(ACCOUNT, "<xml/>").params)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"<xml>",
        b"<xml/>",
        b"<xml><Encrypt/></xml>",
        b"<xml><Encrypt><a/></Encrypt></xml>",
        b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        b"<xml Encrypt='a'>text</xml>",
        b"<xml xmlns='urn:x'><Encrypt>a</Encrypt></xml>",
        b"<other><Encrypt>a</Encrypt></other>",
        b"<xml><Encrypt>a</Encrypt></xml><xml/>",
        b"{}",
        b"[]",
        b"\x00" * 65536,
        b"\xff\xfe<\x00x\x00m\x00l\x00/\x00>\x00",
        b"<?xml version='1.0' encoding='utf-7'?><xml><Encrypt>+AGE-</Encrypt></xml>",
        b"<?xml version='1.0' encoding='no-such'?><xml><Encrypt>a</Encrypt></xml>",
        b"<?xml version='1.0' encoding='utf-16'?><xml><Encrypt>a</Encrypt></xml>",
        b"<?xml version='1.0' encoding='gb2312'?><xml><Encrypt>\xc4\xe3</Encrypt></xml>",
        b"<?xml-stylesheet href='http://127.0.0.1/'?><xml><Encrypt>a</Encrypt></xml>",
        b"<xml>" * 13_000,
        b"<xml>" * 5_900 + b"</xml>" * 5_900,
        b"<xml>" + b"<Encrypt>a</Encrypt>" * 3_000 + b"</xml>",
        b"<xml " + b" ".join(b"a%d='1'" % n for n in range(6_000)) + b"/>",
        b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><xml><Encrypt>&a;</Encrypt></xml>",
        b"<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'><xml><Encrypt>a</Encrypt></xml>",
        b"<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]><xml><Encrypt>a</Encrypt></xml>",
        b"<!DOCTYPE x [<!ENTITY a0 'ha'>" + b"".join(
            b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
        ) + b"]><xml><Encrypt>&a11;</Encrypt></xml>",
        b"<!DOCTYPE x [<!ENTITY a '" + b"a" * 30_000 + b"'>]><xml><Encrypt>" + b"&a;" * 10_000 + b"</Encrypt></xml>",
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_documents_of_any_shape_are_refused(opened: Opened, body: bytes) -> None:
    refused(opened, body, seal(ACCOUNT, "<xml/>").params)


@fuzz(40)
@given(cut=st.integers(0, 400), at=st.integers(0, 400), put=st.binary(max_size=4))
def test_an_envelope_that_was_damaged_is_refused_or_read_as_it_was(
    opened: Opened, cut: int, at: int, put: bytes
) -> None:
    sealed = Citizen(ACCOUNT, "o-fuzz").shows().sealed()
    whole = sealed.body[: len(sealed.body) - cut]
    send(opened, whole[:at] + put + whole[at + len(put) :], sealed.params)


# -- ciphertexts and signatures --


@fuzz(60)
@given(encrypted=st.binary(max_size=2000).map(lambda raw: raw.hex()) | st.text(PRINTABLE, max_size=300))
def test_a_ciphertext_that_is_none_is_refused(opened: Opened, encrypted: str) -> None:
    sealed = wrapped(encrypted)
    refused(opened, sealed.body, sealed.params)


def test_ciphertexts_of_every_length_are_refused(opened: Opened) -> None:
    chance = random.Random(7)
    whole = citizen.encrypt(ACCOUNT, TEXT.format(at=1, type="text", more=""))
    lengths = [*range(100), *range(100, len(whole), 13)]
    for encrypted in [*(whole[:length] for length in lengths), *("A" * 4 * n for n in range(0, 50, 3))]:
        sealed = wrapped(encrypted)
        refused(opened, sealed.body, sealed.params)
    for blocks in range(1, 20):  # decrypts into rubbish
        sealed = wrapped(citizen.base64.b64encode(chance.randbytes(16 * blocks)).decode())
        refused(opened, sealed.body, sealed.params)


def test_signatures_of_every_length_are_refused(opened: Opened) -> None:
    sealed = Citizen(ACCOUNT, "o-fuzz").shows().sealed()
    right = sealed.params["msg_signature"]
    wrong = [right[:length] for length in range(40)] + [right + right[:n] for n in range(1, 41, 7)]
    wrong += [right.upper() + "x", "\x00", "签名" * 20, "a" * 20_000, sealed.params["signature"]]
    for signature in wrong:
        refused(opened, sealed.body, sealed.params | {"msg_signature": signature})
        got = opened.client.get(PATH, params=sealed.params | {"signature": signature[:-1], "echostr": "e"})
        assert (got.status_code, got.content) == (403, b"")


@fuzz(60)
@given(
    query=st.dictionaries(
        st.sampled_from(["signature", "msg_signature", "timestamp", "nonce", "echostr", "openid", "encrypt_type"]),
        st.text(PRINTABLE, max_size=80) | STRANGE,
    ),
    raw=st.binary(max_size=60),
)
def test_a_query_that_is_not_the_platforms_is_refused(opened: Opened, query: dict[str, str], raw: bytes) -> None:
    body = Citizen(ACCOUNT, "o-fuzz").shows().sealed().body
    refused(opened, body, query)
    refused(opened, body, quote(raw, safe="%&=+;"))
    assert opened.client.get(PATH, params=query).status_code == 403


@pytest.mark.parametrize("bytes_", [65_536, 65_537, 500_000, 5_000_000])
def test_a_huge_body_is_refused(opened: Opened, bytes_: int) -> None:
    response = send(opened, b"<xml>" + b"a" * (bytes_ - 5), seal(ACCOUNT, "<xml/>").params)
    assert response.status_code == (413 if bytes_ > 65_536 else 403)


def test_a_huge_query_is_refused(opened: Opened) -> None:
    body = Citizen(ACCOUNT, "o-fuzz").shows().sealed().body
    for query in (f"nonce={'9' * 50_000}", "a=b&" * 12_000, f"timestamp={'1' * 50_000}"):
        refused(opened, body, query)


# -- from the platform, but of no known shape --


@fuzz(250)
@given(
    type=st.sampled_from(TYPES),
    event=st.sampled_from(EVENTS),
    fields=st.lists(st.tuples(st.sampled_from(ELEMENTS), WORDS), max_size=8),
    at=st.sampled_from(["1", "", "0", "-5", "x", "9" * 30, "1.5"]),
)
def test_a_letter_with_any_fields_is_answered_or_passed_over(
    opened: Opened, type: str, event: str, fields: list[tuple[str, str]], at: str
) -> None:
    more = f"<Event>{escape(event)}</Event>" if type == "event" else ""
    more += "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields)
    sealed = seal(ACCOUNT, another(TEXT.format(at=at, type=type, more=more)))
    assert send(opened, sealed.body, sealed.params).status_code == 200


@fuzz(250)
@given(
    letter=st.sampled_from(
        [
            Citizen(ACCOUNT, "o-fuzz").says("护照怎么办").xml,
            Citizen(ACCOUNT, "o-fuzz").speaks("护照怎么办").xml,
            Citizen(ACCOUNT, "o-fuzz").sends_place(0.1, 100.2, "云桥市").xml,
            Citizen(ACCOUNT, "o-fuzz").joins("region:980102").xml,
            Citizen(ACCOUNT, "o-fuzz").clicks("hello").xml,
            Citizen(ACCOUNT, "o-fuzz").meets("kf2001@gh_0").xml,
        ]
    ),
    which=st.integers(0, 20),
    how=st.sampled_from(
        ["missing", "empty", "twice", "nested", "deep", "huge", "list", "cdata", "attribute", "comment"]
    ),
    value=WORDS,
)
def test_a_letter_of_which_one_element_is_wrong_is_answered_or_passed_over(
    opened: Opened, letter: str, which: int, how: str, value: str
) -> None:
    elements = re.findall(r"<(\w+)>[^<]*</\1>", letter)
    name = elements[which % len(elements)]
    found = re.search(rf"<{name}>([^<]*)</{name}>", letter)
    assert found
    whole, inside = found[0], found[1]
    changed = {
        "missing": "",
        "empty": f"<{name}/>",
        "twice": whole * 2,
        "nested": f"<{name}><{name}>{inside}</{name}></{name}>",
        "deep": f"<{name}>{'<a>' * 3000}{'</a>' * 3000}</{name}>",
        "huge": f"<{name}>{inside * (9_000 // max(1, len(inside)))}</{name}>",
        "list": f"<{name}><item>{inside}</item><item/></{name}>",
        "cdata": f"<{name}><![CDATA[{value.replace(']]>', '')}]]></{name}>",
        "attribute": f"<{name} a='1'>{inside}</{name}>",
        "comment": f"<{name}>{inside}<!-- c --><?p i?></{name}>",
    }[how]
    sealed = seal(ACCOUNT, another(letter.replace(whole, changed)))
    assert send(opened, sealed.body, sealed.params).status_code == 200


@pytest.mark.parametrize(
    "xml",
    [
        "",
        " ",
        "<xml/>",
        "null",
        "[]",
        "\x00\x01",
        "<xml>" * 9_000,
        "<xml>" * 3_000 + "</xml>" * 3_000,
        "<?xml version='1.0' encoding='utf-16'?>" + TEXT.format(at=1, type="text", more="<Content>你好</Content>"),
        "<?xml version='1.0' encoding='gbk'?>" + TEXT.format(at=1, type="text", more="<Content>你好</Content>"),
        "<?xml version='1.0' encoding='no-such'?>" + TEXT.format(at=1, type="text", more="<Content>你好</Content>"),
        "\ufeff" + TEXT.format(at=1, type="text", more="<Content>你好</Content>"),
        "<!DOCTYPE x [<!ENTITY a 'b'>]>" + TEXT.format(at=1, type="text", more="<Content>&a;</Content>"),
        TEXT.format(at=1, type="text", more="<Content>&undefined;</Content>"),
        TEXT.format(at=1, type="text", more="<Content>&#0;&#xD800;</Content>"),
        TEXT.format(at=1, type="event", more="<Event><a/></Event><EventKey><b/></EventKey>"),
        TEXT.replace("<MsgType>{type}</MsgType>", "<MsgType><a>text</a></MsgType>").format(at=1, more=""),
        TEXT.replace("o-fuzz", "o-" + "z" * 5000).format(at=1, type="text", more="<Content>x</Content>"),
        TEXT.format(at=1, type="text", more="<Content>" + "你" * 12_000 + "</Content>"),
        TEXT.format(at=1, type="event", more="<Event>CLICK</Event><EventKey>" + "guide:" * 6_000 + "</EventKey>"),
    ],
    ids=lambda xml: repr(xml[:40]),
)
def test_what_is_signed_but_makes_no_sense_is_taken_without_a_word_of_failure(opened: Opened, xml: str) -> None:
    sealed = seal(ACCOUNT, xml)
    send(opened, sealed.body, sealed.params)


@fuzz(60)
@given(text=WORDS)
def test_any_words_are_answered(opened: Opened, text: str) -> None:
    sealed = Citizen(ACCOUNT, "o-words").says(text).sealed()
    response = send(opened, sealed.body, sealed.params)
    assert response.status_code == 200
    reply = Citizen(ACCOUNT, "o-words").reads(response.text)
    assert reply
    assert 0 < len(reply["Content"].encode()) <= 2048


# -- memory --


def test_refusals_keep_no_memory(opened: Opened) -> None:
    params = seal(ACCOUNT, "<xml/>").params
    bodies = [b"<xml>" * 13_000, b"<xml><Encrypt>" + b"A" * 65_000 + b"</Encrypt></xml>", b"a" * 200_000]
    process = psutil.Process()

    def round_() -> None:
        for body in bodies:
            send(opened, body, params | {"nonce": "n" * 20_000})

    for _ in range(10):
        round_()
    gc.collect()
    before = process.memory_info().rss
    for _ in range(60):
        round_()
    gc.collect()
    assert process.memory_info().rss - before < LEAK

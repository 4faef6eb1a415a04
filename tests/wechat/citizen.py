"""A citizen with WeChat: writes what the platform would post to us, signed and encrypted for real, and reads what we reply.

    zhang = Citizen(ACCOUNT, "o-zhang")             # or platform.citizen("o-zhang"), whom the platform knows
    letter = zhang.says("孩子出生了怎么上户口")        # the plain XML, with its MsgId
    sealed = letter.sealed()                        # one try of the platform; sealing again is the next try
    answer = client.post("/wechat/callback", params=sealed.params, content=sealed.body)
    zhang.reads(answer.text)                        # {"MsgType": "text", "Content": "…"}, or None for no reply

The cipher is written here once more, after the platform's document, so that it is not checked against itself.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct
import time
from dataclasses import dataclass, field
from itertools import count
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core import clock
from core.settings import WeChatAccount

ACCOUNT = WeChatAccount(
    token="bangbanTests",
    aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    appid="wx0123456789abcdef",
    secret="0123456789abcdef0123456789abcdef",
)
MAILBOX = "gh_0123456789ab"  # the account's original id, to which citizens write
_numbers = count(time.time_ns() // 100)  # never those of an earlier run


@dataclass(frozen=True)
class Sealed:
    """One request of the platform: its query and its body."""

    params: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Letter:
    """What a citizen did, as plain XML. The platform tries it up to three times: seal it anew for each."""

    account: WeChatAccount
    openid: str
    xml: str

    def sealed(self, *, at: int | None = None, nonce: str | None = None) -> Sealed:
        """Signed and encrypted. `at` is the request's time in seconds (now); a `nonce` may be repeated."""
        return seal(self.account, self.xml, openid=self.openid, at=at, nonce=nonce)


@dataclass
class Window:
    """How many messages of customer service may still be sent, and until when (seconds)."""

    left: int
    ends: float


@dataclass
class Citizen:
    """Who writes, and what reached them besides replies: `received` texts, `typing` signs and `notices`."""

    account: WeChatAccount
    openid: str
    follows: bool = True
    accepts: bool = True  # subscription messages
    received: list[str] = field(default_factory=list)
    notices: list[dict] = field(default_factory=list)
    typing: int = 0
    windows: dict[str, Window] = field(default_factory=dict)

    def says(self, text: str, *, tapped: str = "", number: int | None = None) -> Letter:
        """A text; `tapped` is the id of a choice in a message (bizmsgmenu) whose words were then sent."""
        return self.message("text", number, Content=text, bizmsgmenuid=tapped)

    def speaks(self, recognition: str = "", *, media: str = "voice-1", format: str = "amr") -> Letter:
        return self.message("voice", MediaId=media, Format=format, Recognition=recognition)

    def shows(self, media: str = "picture-1") -> Letter:
        return self.message("image", PicUrl="http://mmbiz.qpic.cn/1", MediaId=media)

    def films(self, media: str = "video-1") -> Letter:
        return self.message("video", MediaId=media, ThumbMediaId="thumb-1")

    def sends_place(self, latitude: float, longitude: float, label: str = "") -> Letter:
        return self.message("location", Location_X=latitude, Location_Y=longitude, Scale=15, Label=label)

    def sends_link(self, title: str, url: str) -> Letter:
        return self.message("link", Title=title, Description=title, Url=url)

    def joins(self, scene: str = "") -> Letter:
        """Follows the account, by a QR code with `scene` if there is one."""
        self.follows = True
        key = {"EventKey": f"qrscene_{scene}", "Ticket": "ticket-1"} if scene else {"EventKey": ""}
        return self.event("subscribe", **key)

    def scans(self, scene: str) -> Letter:
        return self.event("SCAN", EventKey=scene, Ticket="ticket-1")

    def clicks(self, key: str) -> Letter:
        return self.event("CLICK", EventKey=key)

    def opens(self, url: str) -> Letter:
        return self.event("VIEW", EventKey=url, MenuId=400000001)

    def is_at(self, latitude: float, longitude: float) -> Letter:
        """The position that WeChat reports by itself."""
        return self.event("LOCATION", Latitude=latitude, Longitude=longitude, Precision=40.0)

    def leaves(self) -> Letter:
        self.follows = False
        self.windows.clear()
        return self.event("unsubscribe", EventKey="")

    def meets(self, staff: str) -> Letter:
        """Somebody of customer service takes the citizen on."""
        return self.event("kf_create_session", KfAccount=staff)

    def parts(self, staff: str) -> Letter:
        return self.event("kf_close_session", KfAccount=staff, CloseType="KF")

    def got_template(self, status: str = "success") -> Letter:
        """The platform's report on a template message."""
        return self.event("TEMPLATESENDJOBFINISH", MsgID=next(_numbers), Status=status)

    def message(self, type: str, number: int | None = None, /, **fields: object) -> Letter:
        """A message of any type. Empty fields are left out."""
        self.windows["message"] = Window(5, _now() + 48 * 3600)
        return self._letter(MsgType=type, **fields, MsgId=number or next(_numbers))

    def event(self, event: str, **fields: object) -> Letter:
        """An event of any type."""
        if event in ("subscribe", "SCAN", "CLICK"):
            self.windows["moment"] = Window(3, _now() + 60)
        return self._letter(MsgType="event", Event=event, **fields)

    def reads(self, body: str | bytes) -> dict[str, str] | None:
        """The reply to a callback: its fields by name. None where nothing is said; fails where it is not readable."""
        text = body.decode() if isinstance(body, bytes) else body
        return None if text in ("", "success") else unseal(self.account, text)

    def _letter(self, **fields: object) -> Letter:
        known = {"ToUserName": MAILBOX, "FromUserName": self.openid, "CreateTime": int(_now())}
        inner = "".join(
            f"<{name}>{escape(str(value))}</{name}>" for name, value in (known | fields).items() if value != ""
        )
        return Letter(self.account, self.openid, f"<xml>{inner}</xml>")


def seal(
    account: WeChatAccount,
    xml: str,
    *,
    openid: str = "o-somebody",
    at: int | None = None,
    nonce: str | None = None,
    appid: str | None = None,
) -> Sealed:
    """Any plain text as the platform posts it. `appid` is another account's, by mistake."""
    stamp, nonce = str(_now() if at is None else at).partition(".")[0], nonce or secrets.token_hex(5)
    locked = encrypt(account, xml, appid=appid)
    params = {
        "signature": sign(account.token, stamp, nonce),
        "timestamp": stamp,
        "nonce": nonce,
        "openid": openid,
        "encrypt_type": "aes",
        "msg_signature": sign(account.token, stamp, nonce, locked),
    }
    body = f"<xml><ToUserName><![CDATA[{MAILBOX}]]></ToUserName><Encrypt><![CDATA[{locked}]]></Encrypt></xml>"
    return Sealed(params, body.encode())


def verification(account: WeChatAccount, echo: str = "7519102938475", *, at: int | None = None) -> dict[str, str]:
    """The query by which the platform verifies an address: the answer must be `echo`."""
    stamp, nonce = str(_now() if at is None else at).partition(".")[0], secrets.token_hex(5)
    return {"signature": sign(account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo}


def unseal(account: WeChatAccount, body: str) -> dict[str, str]:
    """The fields of an encrypted reply, signature and AppID checked; nested ones by their own names."""
    outer = {part.tag: part.text or "" for part in ElementTree.fromstring(body)}
    assert set(outer) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}, body
    signed = sign(account.token, outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
    assert outer["MsgSignature"] == signed, "the reply is wrongly signed"
    inner = ElementTree.fromstring(decrypt(account, outer["Encrypt"]))
    assert inner.tag == "xml"
    return {part.tag: part.text or "" for part in inner.iter() if not len(part)}


def sign(*parts: str) -> str:
    """The platform's signature."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def encrypt(account: WeChatAccount, text: str, *, appid: str | None = None) -> str:
    """AES-256-CBC over 16 random bytes, the length, the text and the AppID, padded to 32 bytes; in base64."""
    told = text.encode()
    plain = secrets.token_bytes(16) + struct.pack(">I", len(told)) + told + (appid or account.appid).encode()
    padding = 32 - len(plain) % 32
    sealing = _cipher(account).encryptor()
    return base64.b64encode(sealing.update(plain + bytes([padding]) * padding) + sealing.finalize()).decode()


def decrypt(account: WeChatAccount, locked: str) -> str:
    """The text of a ciphertext for this account."""
    opening = _cipher(account).decryptor()
    plain = opening.update(base64.b64decode(locked, validate=True)) + opening.finalize()
    assert 1 <= plain[-1] <= 32, "the padding is wrong"
    plain = plain[16 : -plain[-1]]
    (length,) = struct.unpack(">I", plain[:4])
    assert plain[4 + length :].decode() == account.appid, "meant for another account"
    return plain[4 : 4 + length].decode()


def _cipher(account: WeChatAccount) -> Cipher:
    key = base64.b64decode(account.aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def _now() -> float:
    return clock.now().timestamp()

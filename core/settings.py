"""All settings, each with a safe default. Read from BANGBAN_* variables, else from `bangban.env` in the working folder."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEMO_PROVINCE = "98"
DEMO_REGION = "980100"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")
_FORMS = {
    "token": (re.compile(r"[A-Za-z0-9]{3,32}"), " 3 到 32 个字母或数字，和公众平台里的 Token 一样"),
    "aes_key": (re.compile(r"[A-Za-z0-9]{43}"), " 43 个字母或数字，和公众平台里的 EncodingAESKey 一样"),
    "appid": (re.compile(r"[A-Za-z0-9]{6,32}"), "字母和数字，和公众平台里的 AppID 一样"),
    "secret": (re.compile(r"[A-Za-z0-9]{16,128}"), "至少 16 个字母或数字，和公众平台里的 AppSecret 一样"),
    "staff": (re.compile(r"(any|[^@\s]+@[^@\s]+)?"), " any，或者一个完整的客服账号，例如 kf2001@gh_0123"),
}
STAFF_TOKEN = 16  # least characters of a staff token


class Template(BaseModel):
    """A template or subscription message of an Official Account: its id, and what goes into each of its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    sort: Literal["template", "subscribe"] = "template"
    # e.g. {"thing1": "item", "time2": "when"}; what there is: channels/wechat/fields.py
    fields: dict[str, str] = Field(min_length=1)


class WeChatAccount(BaseModel):
    """A WeChat Official Account (服务号) in safe mode (安全模式); all of it is found in the account's backend."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: str
    aes_key: str
    appid: str
    secret: str
    region: str = Field("", pattern=r"^(\d{6}(\d{3}){0,2})?$", description="empty: the deployment's region")
    # Where customer service is switched on: `any` of its staff, or one such as kf2001@gh_0123. Empty: by telephone.
    staff: str = ""
    templates: dict[Literal["remind", "displaced"], Template] = {}

    def template(self, notice: str) -> Template | None:
        """The one for notices of that kind."""
        return next((one for kind, one in self.templates.items() if kind == notice), None)

    @field_validator("token", "aes_key", "appid", "secret", "staff")
    @classmethod
    def _as_in_the_backend(cls, value: str, info: ValidationInfo) -> str:
        return _formed(str(info.field_name), value)


def _formed(name: str, value: str) -> str:
    """`value` as the platform's backend has it. Raises ValueError, which does not repeat it: most are secret."""
    form, told = _FORMS[name]
    if not form.fullmatch(value):
        raise ValueError(f"要写成{told}")
    return value


class Settings(BaseSettings):
    """What a deployment may change. `bangban doctor` prints them with what is missing."""

    model_config = SettingsConfigDict(
        env_prefix="BANGBAN_", env_file="bangban.env", extra="ignore", hide_input_in_errors=True
    )

    home: Path = Field(Path("var"), description="folder for database, index, models and logs")
    host: str = Field("127.0.0.1", description="address the web server listens on")
    port: int = Field(8000, ge=1, le=65535, description="port the web server listens on")
    region: str = Field(DEMO_REGION, pattern=r"^\d{6}(\d{3}){0,2}$", description="region answered for by default")
    title: str = Field("", description="name shown on pages; empty: the region's name and 帮办")
    hotline: str = Field("12345", description="the government hotline given when nothing else helps")
    staff_phone: str = Field("12345", description="line on which a person answers")
    staff_hours: str = Field("每天 24 小时", description="when that line is staffed, in words")
    demo: bool | None = Field(
        None, description="load the demonstration city; unset: only where it is the region served"
    )

    database_url: str = Field("", description="SQLAlchemy address; empty: SQLite under home")
    redis_url: str = Field("", description="Redis for several processes; empty: memory of this process")

    keys: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="keys that lock personal data, comma separated, the newest first; empty: one made and kept in home",
    )
    staff_tokens: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="who may use the staff interface, as name:token, comma separated; empty: nobody",
    )
    public_url: str = Field(
        "", description="address citizens reach this at, for links sent to them; empty: relative links"
    )

    encoder: str = Field("", description="model name or folder; empty: the default encoder; 'none': lexical only")
    index_poll: float = Field(0.25, gt=0, le=5, description="seconds between looks for published changes")

    rasa: bool = Field(True, description="run Rasa; off: direct answers only")
    rasa_url: str = Field("", description="a Rasa run elsewhere; empty: the application runs its own")
    rasa_port: int = Field(0, ge=0, le=65535, description="port of the own Rasa; 0: a free one")
    rasa_token: str = Field("", description="token shared with Rasa; empty: a fresh one at each start")
    actions_token: str = Field(
        "", description="token Rasa shows when it calls actions; empty: a fresh one at each start"
    )
    rasa_deadline: float = Field(2.0, gt=0, le=30, description="seconds a turn waits for Rasa before a direct answer")

    rate_limit: int = Field(30, ge=0, description="messages a session may send a minute; 0: no limit")
    rate_limit_address: int = Field(
        300, ge=0, description="messages one network address may send a minute; 0: no limit"
    )
    booking_limit_address: int = Field(
        30, ge=0, description="appointments one network address may book an hour on pages and by program; 0: no limit"
    )
    message_limit: int = Field(500, ge=20, le=4000, description="longest message, in characters")
    trusted_proxies: str = Field("127.0.0.1", description="proxies whose X-Forwarded-For is believed")
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="portals that may embed the widget, comma separated"
    )
    wechat_token: str = Field("", description="Token of the Official Account's server configuration")
    wechat_aes_key: str = Field("", description="its EncodingAESKey, 43 characters")
    wechat_appid: str = Field("", description="its AppID; empty: no WeChat")
    wechat_secret: str = Field("", description="its AppSecret")
    wechat_staff: str = Field("", description="its customer service: any, or an account; empty: by telephone")
    wechat_templates: dict[Literal["remind", "displaced"], Template] = Field(
        default_factory=dict, description="its messages for reminders, as JSON by notice: remind, displaced"
    )
    wechat_accounts: dict[str, WeChatAccount] = Field(
        default_factory=dict, description="further Official Accounts by name, as JSON; each may have its region"
    )
    wechat_api_base: str = Field("https://api.weixin.qq.com", description="address of the platform's API")
    wechat_open_base: str = Field("https://open.weixin.qq.com", description="address of the platform's sign-in page")
    wechat_window: int = Field(300, ge=30, le=3600, description="seconds by which a callback's time may differ")
    wechat_handoff: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description="online applications that citizens are handed to, as host=token, comma separated",
    )
    speech_url: str = Field("", description="speech recogniser: an OpenAI-style /v1/audio/transcriptions address")
    speech_key: str = Field("", description="its key, if it wants one")
    speech_model: str = Field("whisper-1", description="its model")
    own_approval: bool = Field(False, description="let whoever changed a guide approve it too; for offices of one")
    staff_hours_signed_in: int = Field(10, ge=1, le=24, description="hours after which staff sign in again")
    oidc_issuer: str = Field("", description="single sign-on for staff: the issuer's address; empty: passwords alone")
    oidc_client_id: str = Field("", description="who we are there")
    oidc_client_secret: str = Field("", description="the secret agreed on there")
    oidc_title: str = Field("统一身份认证", description="what its button says")
    journal_days: int = Field(180, ge=1, le=3650, description="days that what citizens asked is kept, sealed")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level logged")

    @field_validator("cors_origins", "keys", "staff_tokens", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _as_browsers_send_them(cls, value: list[str]) -> list[str]:
        return [origin.rstrip("/") for origin in value]

    @field_validator("staff_tokens")
    @classmethod
    def _named(cls, value: list[str]) -> list[str]:
        if any(not name or len(token) < STAFF_TOKEN for name, _, token in (one.partition(":") for one in value)):
            raise ValueError(f"每项写成 名字:口令，口令至少 {STAFF_TOKEN} 个字符")
        return value

    @field_validator("wechat_handoff", mode="before")
    @classmethod
    def _applications(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [one.strip().partition("=") for one in value.split(",") if one.strip()]
        if not all(_HOST.fullmatch(host.lower()) and len(token) >= STAFF_TOKEN for host, _, token in pairs):
            raise ValueError(
                f"每项写成 域名=口令，例如 zwfw.example.gov.cn=…，域名不带 https:// 和路径，口令至少 {STAFF_TOKEN} 个字符"
            )
        if len({token for _, _, token in pairs}) < len(pairs):  # by which they are told apart
            raise ValueError("每个域名各用一个口令，不能相同")
        return {host.lower(): token for host, _, token in pairs}

    @field_validator("wechat_token", "wechat_aes_key", "wechat_appid", "wechat_secret", "wechat_staff")
    @classmethod
    def _as_in_the_backend(cls, value: str, info: ValidationInfo) -> str:
        return _formed(str(info.field_name).removeprefix("wechat_"), value) if value else value

    @field_validator("wechat_accounts")
    @classmethod
    def _addressable(cls, value: dict[str, WeChatAccount]) -> dict[str, WeChatAccount]:
        if wrong := [name for name in value if not _NAME.fullmatch(name)]:
            raise ValueError(f"公众号名字只能用小写字母、数字和短横线，最长 20 个字符：{'、'.join(wrong)}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        appids = [account.appid for account in self.wechat.values()]
        if twice := sorted({appid for appid in appids if appids.count(appid) > 1}):
            raise ValueError(
                f"同一个公众号设置了两次（AppID {'、'.join(twice)}），请在 BANGBAN_WECHAT_ACCOUNTS 里去掉一个"
            )
        return self

    @cached_property
    def wechat(self) -> dict[str, WeChatAccount]:
        """The Official Accounts by name; the one of BANGBAN_WECHAT_APPID has the empty name. Raises ValueError."""
        own = {
            "token": self.wechat_token,
            "aes_key": self.wechat_aes_key,
            "appid": self.wechat_appid,
            "secret": self.wechat_secret,
        }
        if not any(own.values()):
            return self.wechat_accounts
        if wrong := [f"BANGBAN_WECHAT_{name.upper()}" for name, value in own.items() if not value]:
            raise ValueError(f"公众号设置不全，还缺 {'、'.join(wrong)}")
        account = WeChatAccount(**own, staff=self.wechat_staff, templates=self.wechat_templates)
        return {"": account, **self.wechat_accounts}

    @property
    def loads_demo(self) -> bool:
        """Whether the demonstration city is loaded."""
        return self.region.startswith(DEMO_PROVINCE) if self.demo is None else self.demo

    @cached_property
    def database(self) -> str:
        """The database's address, SQLite under `home` unless set."""
        return self.database_url or f"sqlite:///{(self.home / 'bangban.db').absolute()}"

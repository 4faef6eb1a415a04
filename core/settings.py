"""All settings, each with a safe default. Read from BANGBAN_* variables, else from `bangban.env` in the working folder."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEMO_PROVINCE = "98"
DEMO_REGION = "980100"
STAFF_TOKEN = 16  # least characters of a staff token


class Settings(BaseSettings):
    """What a deployment may change. `bangban doctor` prints them with what is missing."""

    model_config = SettingsConfigDict(env_prefix="BANGBAN_", env_file="bangban.env", extra="ignore")

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

    @property
    def loads_demo(self) -> bool:
        """Whether the demonstration city is loaded."""
        return self.region.startswith(DEMO_PROVINCE) if self.demo is None else self.demo

    @cached_property
    def database(self) -> str:
        """The database's address, SQLite under `home` unless set."""
        return self.database_url or f"sqlite:///{(self.home / 'bangban.db').absolute()}"

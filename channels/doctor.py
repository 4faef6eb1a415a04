"""What is configured, what is missing, and how to mend it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot import supervisor
from core import clock, database
from core.errors import Invalid
from core.settings import Settings
from core.vault import KEPT, find_vault
from desk import upkeep
from desk.calendar import Calendar
from index import weights
from index.embedder import onnx_file
from knowledge import migrating
from knowledge.changes import count
from knowledge.models import FaqRow
from knowledge.regions import Regions
from knowledge.seeds import SEEDS
from staff import accounts
from staff.accounts import Account
from staff.grants import manages

HOLIDAYS_AHEAD = 60  # days before a year begins by which its holidays should be known


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    state: Literal["好", "注意", "缺"]
    name: str
    told: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """Look at everything a deployment needs; changes nothing."""
    yield _region(settings)
    yield _disk(settings)
    yield from _database(settings)
    yield _encoder(settings)
    yield from _rasa(settings)
    yield shared_memory(settings)
    yield _embedding(settings)
    yield _wechat(settings)


def _region(settings: Settings) -> Check:
    known = Regions.read(SEEDS / "regions.yml")
    if settings.region not in known:
        return Check("缺", "区划", f"{settings.region} 不是已知的区划代码", "改 BANGBAN_REGION，例如 450600")
    return Check("好", "区划", f"{known.full_name(settings.region)}（{settings.region}）")


def _disk(settings: Settings) -> Check:
    place = settings.home if settings.home.exists() else Path()
    free = shutil.disk_usage(place).free // 2**20
    if free < 200:
        return Check("缺", "磁盘", f"只剩 {free} MB", "清理磁盘，或用 BANGBAN_HOME 换位置")
    return Check("好", "磁盘", f"{settings.home.absolute()}，剩 {free} MB")


def _database(settings: Settings) -> Iterator[Check]:
    where = settings.database_url.split("@")[-1] if settings.database_url else "SQLite（内置）"
    if (
        settings.database.startswith("sqlite")
        and not (settings.home / "bangban.db").exists()
        and not settings.database_url
    ):
        yield Check("注意", "数据库", f"{where}，还没有建", "运行 make serve 会自动建好")
        return
    made = database.engine(settings.database)
    try:
        if migrating.stored(made) != migrating.head():
            yield Check("注意", "数据库", f"{where}，表结构不是最新", "重新启动服务会自动升级")
            return
        with database.sessions(made)() as session:
            guides = count(session)
            faqs = session.scalar(select(func.count()).select_from(FaqRow))
            desk = [holidays(Calendar.load(session), clock.today()), *keys(session, settings)]
            desk.append(staff(accounts.every(session), settings))
    except SQLAlchemyError as error:
        yield Check(
            "缺", "数据库", f"{where} 连不上（{type(error).__name__}）", "检查 BANGBAN_DATABASE_URL 和数据库服务"
        )
        return
    finally:
        made.dispose()
    state: Literal["好", "缺"] = "好" if guides else "缺"
    yield Check(
        state, "数据库", f"{where}，{guides} 份指南，{faqs} 条常见问题", "" if guides else "用 bangban import 导入指南"
    )
    yield from desk


def holidays(calendar: Calendar, today: date) -> Check:
    """Whether the holidays of the time that is booked for are known."""
    until = calendar.announced_until(today.year)
    if (until - today).days >= HOLIDAYS_AHEAD:
        return Check("好", "放假安排", f"已录到 {until.year} 年底")
    year = until.year + 1
    told = f"{year} 年的放假安排还没有录入，{year} 年的日期现在不能预约"
    return Check("注意", "放假安排", told, "国务院公布后，更新软件，或者用工作人员接口整年录入")


def keys(session: Session, settings: Settings) -> Iterator[Check]:
    """Whether the keys that lock personal data are where they belong, and fit what is stored."""
    try:
        vault = find_vault(settings.keys, settings.home)
    except Invalid as error:
        yield Check("缺", "密钥", str(error), "见 docs/appointments.md")
        return
    if lost := upkeep.unreadable(session, vault):
        yield Check("缺", "密钥", f"{lost} 个预约的个人信息打不开", "把原来的密钥加到 BANGBAN_KEYS 的最后")
    if settings.database_url and not settings.keys:
        told = f"只存在这台机器上（{settings.home / KEPT}），别的机器打不开数据库里的个人信息"
        yield Check("注意", "密钥", told, "用 BANGBAN_KEYS 设置，步骤见 docs/appointments.md")
    elif not lost:
        yield Check("好", "密钥", "由 BANGBAN_KEYS 设置" if settings.keys else f"存在 {settings.home / KEPT}，请备份")


def staff(every: Sequence[Account], settings: Settings) -> Check:
    """Whether somebody can sign in to the console and manage its accounts."""
    by = f"，可用{settings.oidc_title}登录" if settings.oidc_issuer else ""
    enabled = [one for one in every if one.enabled]
    if not enabled:
        return Check("注意", "工作人员账号", f"还没有能用的账号{by}", "启动服务会建第一个，或运行 bangban staff add")
    waiting = [one.name for one in enabled if one.must_change and manages(one.grants)]
    told = f"{len(enabled)} 个{by}"
    if waiting:
        told += f"，管理员 {'、'.join(waiting)} 的一次性密码还没有用"
        return Check("注意", "工作人员账号", told, f"登录后台改掉它；忘了就运行 bangban staff reset {waiting[0]}")
    return Check("好", "工作人员账号", told)


def _encoder(settings: Settings) -> Check:
    name = settings.encoder
    if name == "none":
        return Check("注意", "语义模型", "已关闭，只用词语检索，找得不够准", "去掉 BANGBAN_ENCODER=none")
    if not name:
        if onnx_file(weights.SHIPPED):
            return Check("好", "语义模型", "随软件附带（ONNX）")
        return Check("缺", "语义模型", f"{weights.SHIPPED} 里的模型文件不见了", "重新取一份完整的代码")
    if Path(name).is_dir() and onnx_file(Path(name)):
        return Check("好", "语义模型", f"{name}（ONNX）")
    try:
        import sentence_transformers  # noqa: F401
    except ImportError:
        return Check("缺", "语义模型", f"{name} 需要 sentence-transformers", "uv sync --extra sentence-transformers")
    return Check("好", "语义模型", f"{name}（sentence-transformers）")


def _rasa(settings: Settings) -> Iterator[Check]:
    if not settings.rasa:
        yield Check("注意", "Rasa", "已关闭，只有直接回答", "去掉 BANGBAN_RASA=false")
        return
    if settings.rasa_url:
        missing = [name for name in ("rasa_token", "actions_token") if not getattr(settings, name)]
        told = f"使用外部的 {settings.rasa_url}"
        remedy = "、".join(f"BANGBAN_{name.upper()}" for name in missing)
        yield Check("缺" if missing else "好", "Rasa", told, f"请设置 {remedy}" if missing else "")
        return
    if supervisor.python() is None:
        yield Check("缺", "Rasa", "运行环境没有装", "运行 make setup（需要 Python 3.10，uv 会自动寻找或下载）")
        return
    model = supervisor.model_file(settings.home)
    yield Check("好", "Rasa", "运行环境已装好")
    if model.exists():
        made = datetime.fromtimestamp(model.stat().st_mtime, clock.CHINA)
        yield Check("好", "Rasa 模型", f"已训练，{made:%Y-%m-%d %H:%M}")
    else:
        yield Check("注意", "Rasa 模型", "输入有变化，还没有训练", "启动服务时自动训练，或运行 bangban train")


def shared_memory(settings: Settings) -> Check:
    """Where conversations and limits are kept, and whether that can be reached."""
    if not settings.redis_url:
        return Check("好", "缓存", "本进程内存（多个进程一起服务时请设 BANGBAN_REDIS_URL）")
    try:
        from core.cache import RedisCache

        asyncio.run(RedisCache(settings.redis_url).get("doctor"))
    except ImportError:
        return Check("缺", "缓存", "没有装 Redis 客户端", "uv sync --extra redis")
    except Exception as error:  # whatever the client raises means: not reachable
        return Check("缺", "缓存", f"Redis 连不上（{type(error).__name__}）", "检查 BANGBAN_REDIS_URL")
    return Check("好", "缓存", "Redis")


def _embedding(settings: Settings) -> Check:
    if settings.cors_origins:
        return Check("好", "网页嵌入", "允许：" + "、".join(settings.cors_origins))
    return Check("注意", "网页嵌入", "只有本站页面能用组件", "要嵌到别的网站，设 BANGBAN_CORS_ORIGINS=https://门户域名")


def _wechat(settings: Settings) -> Check:
    if not settings.wechat:
        return Check("好", "微信", "没有接公众号（要接，见 docs/wechat.md）")
    told = "、".join(name or account.appid for name, account in settings.wechat.items())
    if not settings.public_url:
        return Check("缺", "微信", f"公众号 {told}，没有对外地址", "设 BANGBAN_PUBLIC_URL=https://对外的域名")
    return Check("好", "微信", f"公众号 {told}（用 bangban wechat check 逐项检查）")

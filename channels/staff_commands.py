"""`bangban staff` and `bangban audit`: accounts of the staff, and the record of what was done."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from channels import terminal
from channels.terminal import BY_HAND, Failed, out
from staff.permissions import Grant, Role

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from channels.house import House
    from staff.accounts import Account

app = typer.Typer(help="工作人员账号：新建、权限、停用、重置密码", no_args_is_help=True)
audit = typer.Typer(help="操作记录：核对、导出", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="登录名")]
Roles = Annotated[list[Role], typer.Option("--role", help="角色，可以写多次")]
Region = Annotated[str | None, typer.Option(help="管哪个地区（区划代码），不填用 BANGBAN_REGION")]
Department = Annotated[str, typer.Option(help="只管这个部门，不填是所有部门")]


@app.command()
def add(
    name: Name,
    called: Annotated[str, typer.Option(help="姓名")],
    role: Roles,
    region: Region = None,
    department: Department = "",
    sso: Annotated[
        bool, typer.Option("--sso", help="用统一身份认证登录，不设密码；登录名要和那边的用户名一样")
    ] = False,
) -> None:
    """新建账号，显示一次性密码。"""
    from channels.console import invited
    from core import clock
    from staff import accounts

    settings = terminal.settings()
    if sso and not settings.oidc_issuer:
        raise Failed("还没有设置统一身份认证（BANGBAN_OIDC_ISSUER），不能加 --sso。")
    subject = invited.waiting(name) if sso else None
    with terminal.database(settings) as house, house.writing.begin() as session:
        grants = _grants(session, role, region or house.settings.region, department)
        now = clock.now()
        account, password = accounts.make(session, name, called, grants=grants, by=BY_HAND, at=now, subject=subject)
        _record(house, session, "account.make", account)
    out.print(f"已建好账号 {account.name}（{account.called}）。", markup=False, highlight=False)
    if sso:
        told = f"本人用{settings.oidc_title}第一次登录时，账号就归本人使用。"
        out.print(told, markup=False, highlight=False)
    _tell(password)


@app.command("list")
def list_() -> None:
    """列出所有账号。"""
    from knowledge.regions import Regions
    from staff import accounts

    with terminal.database(terminal.settings()) as house, house.reading() as session:
        regions, every = Regions.load(session), accounts.every(session)
    for one in every:
        roles = "；".join(
            f"{grant.role.spoken} {regions.full_name(grant.region)}{' ' + grant.department if grant.department else ''}"
            for grant in one.grants
        )
        state = "" if one.enabled else "，已停用"
        waiting = "，还没有改一次性密码" if one.must_change else ""
        out.print(
            f"{one.name}  {one.called}  {roles or '没有权限'}{state}{waiting}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
    if not every:
        out.print("还没有账号。", highlight=False)


@app.command()
def reset(name: Name) -> None:
    """重置密码：给一个新的一次性密码，解除锁定，所有已登录的地方都退出。"""
    from core import clock
    from staff import accounts

    with terminal.database(terminal.settings()) as house, house.writing.begin() as session:
        account = accounts.find(session, name)
        password = accounts.reset(session, account.id, at=clock.now())
        _record(house, session, "account.reset", account)
    _tell(password)


@app.command()
def disable(name: Name) -> None:
    """停用账号，所有已登录的地方都退出。"""
    _enable(name, False)
    out.print("已停用。", highlight=False)


@app.command()
def enable(name: Name) -> None:
    """重新启用账号。"""
    _enable(name, True)
    out.print("已启用。", highlight=False)


@app.command()
def grant(name: Name, role: Roles, region: Region = None, department: Department = "") -> None:
    """增加权限。"""
    _change(name, role, region, department, lambda had, named: (*had, *named))


@app.command()
def revoke(name: Name, role: Roles, region: Region = None, department: Department = "") -> None:
    """收回权限。"""
    _change(name, role, region, department, lambda had, named: tuple(one for one in had if one not in named))


@audit.command()
def verify(
    known: Annotated[str, typer.Option(help="日志里的一条，写成 编号:校验值，一并核对")] = "",
) -> None:
    """核对操作记录有没有被改动、删除。不完整时退出码为 1。"""
    if known and not re.fullmatch(r"\d{1,18}:[0-9a-f]{64}", known):
        raise Failed("--known 写成 编号:校验值，例如日志里 audit 那一行的 number 和 digest。")
    number, _, digest = known.partition(":")
    with terminal.database(terminal.settings()) as house, house.reading() as session:
        verdict = house.audit.verify(session, known=(int(number), digest) if known else None)
    if not verdict.ok:
        raise Failed(f"操作记录从第 {verdict.broken} 条起不可信：{verdict.told}。前 {verdict.count} 条没有问题。")
    out.print(f"操作记录完整，共 {verdict.count} 条。", highlight=False)


@audit.command()
def export(file: Annotated[Path, typer.Argument(help="要写的文件，.jsonl 或 .csv")]) -> None:
    """导出全部操作记录。"""
    from staff.exporting import Form, lines

    form = Form.JSONL if file.suffix == ".jsonl" else Form.CSV
    with (
        terminal.database(terminal.settings()) as house,
        house.reading() as session,
        file.open("w", encoding="utf-8", newline="") as text,
    ):
        text.writelines(lines(house.audit.every(session), form))
    out.print(f"已写到 {file}", markup=False, highlight=False)


def _enable(name: str, enabled: bool) -> None:
    from staff import accounts

    with terminal.database(terminal.settings()) as house, house.writing.begin() as session:
        account = accounts.enable(session, accounts.find(session, name).id, enabled)
        _record(house, session, "account.enable", account, enabled=enabled)


def _change(
    name: str,
    roles: list[Role],
    region: str | None,
    department: str,
    changed: Callable[[tuple[Grant, ...], tuple[Grant, ...]], tuple[Grant, ...]],
) -> None:
    from staff import accounts

    with terminal.database(terminal.settings()) as house, house.writing.begin() as session:
        before = accounts.find(session, name)
        named = _grants(session, roles, region or house.settings.region, department)
        after = accounts.set_grants(session, before.id, changed(before.grants, named))
        _record(house, session, "account.grants", after, before=_listed(before.grants))
    out.print(f"现在的权限：{'；'.join(_listed(after.grants)) or '没有'}", markup=False, highlight=False)


def _grants(session: Session, roles: list[Role], region: str, department: str) -> tuple[Grant, ...]:
    """Raises Failed for a region that nobody knows."""
    from knowledge.regions import Regions

    regions = Regions.load(session)
    if region not in regions:
        raise Failed(f"没有区划代码 {region}，请检查。")
    return tuple(Grant(role, regions.canonical(region), department.strip()) for role in roles)


def _record(house: House, session: Session, act: str, account: Account, **detail: object) -> None:
    from core import clock

    detail = {"grants": _listed(account.grants), **detail}
    house.audit.record(
        session, who=BY_HAND, act=act, subject=f"account:{account.name}", region=account.region, detail=detail,
        at=clock.now(),
    )  # fmt: skip


def _listed(grants: tuple[Grant, ...]) -> list[str]:
    return [f"{one.role.spoken} {one.region} {one.department}".strip() for one in grants]


def _tell(password: str) -> None:
    from staff.accounts import ONE_TIME

    if password:
        told = f"一次性密码：{password}\n{ONE_TIME.days} 天内有效，第一次登录后要改成自己的。只显示这一次。"
        out.print(told, markup=False, highlight=False)

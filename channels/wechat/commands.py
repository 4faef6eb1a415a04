"""`bangban wechat`: check an Official Account, and give it its menu."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from channels import terminal
from channels.terminal import Failed, out
from core.settings import Settings, WeChatAccount

if TYPE_CHECKING:
    from channels.wechat.platform import Platform

app = typer.Typer(help="微信公众号：检查、菜单", no_args_is_help=True)
menu = typer.Typer(help="公众号的菜单：设置、查看", no_args_is_help=True)
app.add_typer(menu, name="menu")

T = TypeVar("T")
Which = Annotated[str | None, typer.Option("--account", help="哪个公众号：名字或 AppID")]


@app.command()
def check(account: Which = None) -> None:
    """检查公众号：设置、回调地址、权限、菜单，哪里不对、怎么改。有缺的，退出码为 1。"""
    from channels.wechat.checking import examine

    settings = terminal.settings()
    whole = True
    for name, one in _chosen(settings, account).items():
        out.print(f"\n公众号 {titled(name, one)}", markup=False, highlight=False)
        whole = terminal.show(examine(settings, name)) and whole
    raise typer.Exit(0 if whole else 1)


@menu.command()
def apply(
    file: Annotated[
        Path | None, typer.Argument(help="菜单文件，不填用随软件附带的", exists=True, dir_okay=False)
    ] = None,
    account: Which = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查、看样子，不发给微信")] = False,
) -> None:
    """检查菜单文件，再设为公众号的菜单。"""
    from channels.wechat import menu as menus

    settings = terminal.settings()
    name, one = _only(_chosen(settings, account))
    made = menus.load(file or menus.SHIPPED, menus.pages(settings, name))
    _print(made)
    if dry_run:
        out.print("菜单没有问题，还没有发给微信。", highlight=False)
        return
    _ask(settings, one, lambda platform: platform.apply_menu(made))
    out.print(
        f"菜单已设为公众号 {titled(name, one)} 的菜单。手机上最多过 5 分钟看到；重新关注马上看到。", highlight=False
    )


@menu.command()
def show(account: Which = None) -> None:
    """看公众号现在的菜单。"""
    settings = terminal.settings()
    for name, one in _chosen(settings, account).items():
        out.print(f"公众号 {titled(name, one)}", markup=False, highlight=False)
        kept = _ask(settings, one, lambda platform: platform.menu())
        _print(kept or {})


def titled(name: str, account: WeChatAccount) -> str:
    """An account, for people who may have several."""
    return f"{name}（{account.appid}）" if name else account.appid


def _chosen(settings: Settings, wanted: str | None) -> dict[str, WeChatAccount]:
    """The accounts meant, by name. Raises Failed where there are none."""
    every = settings.wechat
    if not every:
        raise Failed("还没有设置公众号。要接公众号，先设 BANGBAN_WECHAT_APPID 等几项，见 docs/wechat.md。")
    if wanted is None:
        return every
    if found := {name: one for name, one in every.items() if wanted in {name, one.appid}}:
        return found
    raise Failed(f"没有叫 {wanted} 的公众号，有：{_listed(every)}。")


def _only(accounts: dict[str, WeChatAccount]) -> tuple[str, WeChatAccount]:
    if len(accounts) > 1:
        raise Failed(f"有几个公众号，请用 --account 说明是哪一个：{_listed(accounts)}。")
    return next(iter(accounts.items()))


def _listed(accounts: dict[str, WeChatAccount]) -> str:
    return "、".join(titled(name, one) for name, one in accounts.items())


def _print(made: dict[str, Any]) -> None:
    from channels.wechat.menu import lines

    for line in lines(made) if made else ["还没有菜单，用 bangban wechat menu apply 设置。"]:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _ask(settings: Settings, account: WeChatAccount, act: Callable[[Platform], Awaitable[T]]) -> T:
    """What the platform answers. Its token is kept by this process alone, and for no longer. Raises Failed."""
    from channels.wechat.platform import Platform, PlatformError
    from channels.wechat.remedies import mend
    from core.cache import MemoryCache
    from core.vault import Vault, new_key

    async def asked() -> T:
        platform = Platform(account, MemoryCache(), Vault([new_key()]), base=settings.wechat_api_base)
        try:
            return await act(platform)
        except PlatformError as error:
            what, remedy = mend(error.code, str(error))
            raise Failed(f"{what}。办法：{remedy}。") from None
        finally:
            await platform.close()

    return asyncio.run(asked())

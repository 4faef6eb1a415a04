"""What the platform lets an account do, found out by asking for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from channels.doctor import Check
from channels.wechat import menu
from channels.wechat.envelope import ANYBODY
from channels.wechat.fields import NAMES
from channels.wechat.probe import Probe, Told
from channels.wechat.remedies import mend
from core.settings import Template, WeChatAccount

# Nobody has this openid: asking to write to it shows whether writing is allowed, and reaches no one.
NOBODY = "bangban-check-nobody"
_ALLOWED = {0, 40003, 43004, 45015, 45047, 45072, 45080, 45081}  # all but 0 are about this citizen alone
_FIELD = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")
_NOTICES = {"remind": "预约提醒", "displaced": "停办通知"}


def examine(probe: Probe, account: WeChatAccount) -> Iterator[Check]:
    """Look at every permission the account uses. The probe has signed in."""
    yield _messages(probe)
    yield _typing(probe)
    yield from _templates(probe, account)
    yield _staff(probe, account)
    yield _menu(probe)


def _messages(probe: Probe) -> Check:
    body = {"touser": NOBODY, "msgtype": "text", "text": {"content": "检查"}}
    told = probe.post("/cgi-bin/message/custom/send", body)
    if told.code in _ALLOWED:
        return Check("好", "客服消息", "可以发")
    what, remedy = mend(told.code, told.message)
    return Check("注意", "客服消息", f"{what}；来不及当场答的，要等群众再发一条消息才看得到", remedy)


def _typing(probe: Probe) -> Check:
    told = probe.post("/cgi-bin/message/custom/typing", {"touser": NOBODY, "command": "Typing"})
    if told.code in _ALLOWED:
        return Check("好", "正在输入", "可以显示")
    what, remedy = mend(told.code, told.message)
    return Check("注意", "正在输入", f"{what}；等的时候看不到“对方正在输入”，别的不受影响", remedy)


def _templates(probe: Probe, account: WeChatAccount) -> Iterator[Check]:
    lists = {sort: _listed(probe, sort) for sort in {one.sort for one in account.templates.values()}}
    for notice, title in _NOTICES.items():
        template = account.template(notice)
        if template is None:
            told = "没有设置模板，48 小时内没来过消息的群众，要等他下次来才看得到"
            yield Check("注意", title, told, f"在 BANGBAN_WECHAT_TEMPLATES 里写上 {notice}，见 docs/wechat.md")
        else:
            yield _template(title, template, lists[template.sort])


def _listed(probe: Probe, sort: str) -> Told | dict[str, str]:
    """The account's templates of a sort: their wording by id."""
    if sort == "subscribe":
        told, name = probe.get("/wxaapi/newtmpl/gettemplate"), "priTmplId"
        every = told.data.get("data")
    else:
        told, name = probe.get("/cgi-bin/template/get_all_private_template"), "template_id"
        every = told.data.get("template_list")
    if told.code != 0 or not isinstance(every, list):
        return told
    return {str(one.get(name)): str(one.get("content", "")) for one in every if isinstance(one, dict)}


def _template(title: str, template: Template, listed: Told | dict[str, str]) -> Check:
    if isinstance(listed, Told):
        what, remedy = mend(listed.code, listed.message)
        return Check("缺", title, f"查不到公众号的模板：{what}", remedy)
    content = listed.get(template.id)
    if content is None:
        kind = "订阅通知" if template.sort == "subscribe" else "模板消息"
        return Check("缺", title, "公众号里没有这个模板", f"在公众平台的“{kind}”里核对模板 ID，再填一次")
    if odd := sorted(set(template.fields.values()) - set(NAMES)):
        return Check("缺", title, f"没有 {'、'.join(odd)} 这些内容可填", f"fields 右边只写：{'、'.join(NAMES)}")
    known = set(_FIELD.findall(content))
    if strange := sorted(set(template.fields) - known):
        told = f"模板里没有 {'、'.join(strange)} 这些字段"
        return Check("缺", title, told, f"fields 里只用模板有的：{'、'.join(sorted(known))}")
    if template.sort == "template" and (left := sorted(known - set(template.fields))):
        told = f"模板的 {'、'.join(left)} 没有填"
        return Check("注意", title, told, "微信可能因此不发，请在 fields 里补上")
    return Check("好", title, "模板找到了，字段也对")


def _staff(probe: Probe, account: WeChatAccount) -> Check:
    if not account.staff:
        return Check("好", "人工客服", "没有设置，找人工时给电话")
    told = probe.get("/cgi-bin/customservice/getonlinekflist")
    if told.code != 0:
        what, remedy = mend(told.code, told.message)
        return Check("缺", "人工客服", f"查不到谁在线：{what}", remedy)
    online = [str(one.get("kf_account")) for one in told.data.get("kf_online_list") or []]
    if account.staff == ANYBODY and online:
        return Check("好", "人工客服", f"现在 {len(online)} 人在线")
    if account.staff in online:
        return Check("好", "人工客服", f"{account.staff} 在线")
    who = "没有人" if account.staff == ANYBODY else f"{account.staff} 不"
    told_so = f"现在{who}在线，找人工时给电话"
    return Check(
        "注意", "人工客服", told_so, "请客服人员登录公众平台的“客服”；一直这样，就核对 BANGBAN_WECHAT_STAFF 的写法"
    )


def _menu(probe: Probe) -> Check:
    told = probe.get("/cgi-bin/menu/get")
    if told.code != 0:
        what, remedy = mend(told.code, told.message)
        return Check("注意", "菜单", what, remedy)
    shown = told.data.get("menu")
    shown = shown if isinstance(shown, dict) else {}
    if strange := menu.strangers(shown):
        told_so = f"点了没有回答的按钮：{'、'.join(strange)}"
        return Check("注意", "菜单", told_so, "改好菜单文件，运行 bangban wechat menu apply")
    return Check("好", "菜单", f"{len(shown.get('button') or [])} 个按钮，都认识")

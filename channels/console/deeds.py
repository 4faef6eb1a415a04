"""The record in words: acts, what they were done to, and what changed."""

from __future__ import annotations

import json
from typing import Any

from channels.console.people import role
from desk.rules import Block, Rules, WindowRules
from knowledge.regions import Regions
from staff.audit import Entry
from staff.permissions import Grant, Role

ACTS = {
    "sign.in": "登录", "sign.failed": "登录失败", "sign.locked": "登录失败太多，账号锁定", "sign.out": "退出",
    "account.make": "添加账号", "account.grants": "改账号角色", "account.rename": "改姓名",
    "account.enable": "停用或启用账号", "account.reset": "重置密码", "account.unlock": "解锁账号",
    "account.password": "改自己的密码", "account.bind": "绑定统一身份", "account.link": "绑定统一身份",
    "draft.save": "保存草稿", "draft.discard": "放弃草稿", "guide.submit": "提交审核",
    "guide.return": "退回修改", "guide.publish": "公布办事指南", "guide.approve": "通过，到实施日期公布",
    "guide.withdraw": "下架办事指南", "guide.teach": "给指南加问法", "faq.write": "改常见问题",
    "faq.switch": "启用或停用常见问题", "guide.export": "导出办事指南", "import.propose": "上传导入文件",
    "import.submit": "提交导入", "import.discard": "撤销导入", "import.apply": "批准导入",
    "import.return": "退回导入", "desk.rules": "改预约规则", "desk.hours": "改办公时间", "desk.year": "录入节假日",
    "desk.day": "改一天的安排", "desk.reveal": "查看预约人电话", "desk.end": "登记到场或未到",
    "journal.settle": "处理群众问题", "audit.export": "导出操作记录", "keys.rotate": "更换密钥",
}  # fmt: skip
_KINDS = {
    "guide": "办事指南", "draft": "草稿", "faq": "常见问题", "account": "账号", "import": "导入", "hall": "大厅",
    "audit": "操作记录", "keys": "密钥", "day": "日期", "year": "年份", "appointment": "预约", "journal": "群众问题", "file": "文件",
}  # fmt: skip
_KEYS = {
    "before": "原来", "after": "改成", "grants": "角色", "called": "姓名", "enabled": "启用", "address": "网络地址",
    "by": "方式", "expired": "一次性密码已过期", "everywhere": "所有设备", "form": "格式", "who": "经办人", "act": "操作",
    "subject": "对象", "since": "从", "until": "到", "version": "版本", "count": "数量", "question": "问题", "name": "名称",
    "change": "变动", "fields": "改了哪些", "changed": "改了哪些", "settled": "处理的问题", "what": "怎样处理", "turns": "条数",
    "opened": "开放预约", "shut": "停止预约", "day": "日期", "hours": "时间", "weekly": "恢复每周时间", "displaced": "受影响的预约",
    "status": "结果", "hall": "大厅", "new": "新增", "updated": "修改", "withdrawn": "下架", "uploaded": "上传的人",
    "revived": "已下架的", "left": "还没有导入",
    "taken_back": "收回修改", "restored": "恢复的版本", "same": "没有变化", "wrong": "有问题的行", "mapping": "字段对照",
    "missing": "文件里没有", "refused": "有问题的行", "region": "地区", "waits": "等实施日期的", "moved": "没有导入的",
    "drafted": "有没写完的草稿",
}  # fmt: skip
# What a key means in one act alone.
_OF_ACTS = {
    ("guide.publish", "by"): "编写的人", ("guide.approve", "by"): "编写的人", ("import.apply", "by"): "经办人", ("import.apply", "changed"): "修改",
}  # fmt: skip
_VALUES = {"password": "密码", "oidc": "统一身份认证", "attended": "到场", "missed": "未到", "ignored": "不用处理"}
_CHANGES = {"new": "新写", "changed": "修改", "same": "没有改动"}
_RULES = {name: str(rule.title) for name, rule in Rules.model_fields.items()}
_SECRET = {"keys"}  # locked, and of use to no reader


def act(name: str) -> str:
    """登录失败, for sign.failed."""
    return ACTS.get(name, name)


def subject(text: str) -> str:
    """账号 wangfang, for account:wangfang."""
    kind, _, which = text.partition(":")
    return f"{_KINDS[kind]} {which}".strip() if kind in _KINDS else text


def written(text: str) -> str:
    """account:wangfang, for 账号 wangfang; what is in no such words stays as it is."""
    spoken, _, which = text.partition(" ")
    kind = next((kind for kind, word in _KINDS.items() if word == spoken), "")
    return f"{kind}:{which}" if kind else text


def detail(entry: Entry, regions: Regions) -> list[tuple[str, str]]:
    """What changed, as pairs of a heading and its text."""
    about_roles = entry.act in ("account.make", "account.grants")
    # PostgreSQL keeps no order.
    order = {name: place for place, name in enumerate(_KEYS)}
    names = sorted(entry.detail.keys() - _SECRET, key=lambda name: (order.get(name, len(order)), name))
    return [
        (heading(entry.act, name), _said(name, entry.detail[name], regions if about_roles else None)) for name in names
    ]


def heading(act: str, name: str) -> str:
    """What a detail of such an act is called."""
    return _OF_ACTS.get((act, name)) or _KEYS.get(name, name)


def _said(name: str, value: Any, regions: Regions | None) -> str:
    match name, value:
        case "changed", dict():
            return "；".join(
                f"{_RULES.get(rule, rule)}由 {_ruled(old)} 改成 {_ruled(new)}" for rule, (old, new) in value.items()
            )
        case "change", str():
            return _CHANGES.get(value, value)
        case (("what" | "subject"), str()):
            return _VALUES.get(value) or subject(value)
        case "hours", []:
            return "全天不办公"
        case "act", str():
            return act(value)
    return _spoken(value, regions)


def _ruled(value: Any) -> str:
    """A rule's value: a number, yes or no, a block (3 次，90 天以内，暂停 30 天), or the windows with rules of their own."""
    if isinstance(value, dict) and value.keys() == Block.model_fields.keys():
        return f"{value['most']} 次、{value['days']} 天以内、暂停 {value['pause']} 天"
    if isinstance(value, dict):
        return "、".join(f"{name}（{_window(own)}）" for name, own in value.items()) or "无"
    return _spoken(value, None)


def _window(own: dict[str, Any]) -> str:
    titles = {name: str(field.title) for name, field in WindowRules.model_fields.items()}
    told = [f"{titles.get(name, name)} {_spoken(one, None)}" for name, one in own.items() if one is not None]
    return "，".join(told) or "和大厅一样"


def _spoken(value: Any, regions: Regions | None) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "；".join(_spoken(one, regions) for one in value) or "无"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value)
    return _role(text, regions) if regions else _VALUES.get(text, text)


def _role(text: str, regions: Regions) -> str:
    """编辑，云桥市，全部部门, for editor 980100."""
    name, _, place = text.partition(" ")
    region, _, department = place.partition(" ")
    return role(Grant(Role(name), region, department), regions) if name in list(Role) else text

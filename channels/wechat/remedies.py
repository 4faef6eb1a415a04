"""What an error of the platform means to whoever runs the account, and how to mend it."""

from __future__ import annotations

import re

SECRET_WRONG = "AppSecret 不对，请在公众平台的“设置与开发 > 基本配置”重置 AppSecret，填到 BANGBAN_WECHAT_SECRET"
_MENDS = {
    -1: ("微信平台正忙", "过几分钟再试一次"),
    40001: ("AppSecret 不对，或者令牌刚刚失效", SECRET_WRONG),
    40002: ("微信平台不接受取令牌的方式", "检查 BANGBAN_WECHAT_API_BASE 是不是 https://api.weixin.qq.com"),
    40013: ("AppID 不对", "把公众平台“设置与开发 > 基本配置”里的 AppID 填到 BANGBAN_WECHAT_APPID"),
    40014: ("令牌已失效", "过一分钟再试；还不行，看有没有别的程序在强制刷新这个公众号的令牌"),
    40125: ("AppSecret 不对", SECRET_WRONG),
    40243: ("AppSecret 已被冻结", "在公众平台的“设置与开发 > 基本配置”解冻 AppSecret"),
    42001: ("令牌已过期", "过一分钟再试；还不行，检查服务器的时间"),
    45009: ("今天的调用次数用完了", "明天再试，或者在公众平台的“接口权限”里清零"),
    45011: ("调用得太快", "过一分钟再试"),
    46003: ("还没有菜单", "运行 bangban wechat menu apply"),
    48001: ("没有这项权限", "用已认证的服务号，并在公众平台的“接口权限”里看这一项是不是“已获得”"),
    48002: ("接收方拒收", "请他在公众号的设置里打开“接收消息”"),
    48004: ("这个接口被封禁", "在公众平台的“通知中心”看封禁的原因和解封的时间"),
    50002: ("公众号的接口受到限制", "在公众平台的“通知中心”看原因"),
    50004: ("不许使用取令牌的接口", "在公众平台的“通知中心”看原因"),
    50007: ("公众号已被冻结", "在公众平台的“通知中心”看原因"),
    61024: ("公众号已交给第三方平台管理", "请第三方平台取消授权，或由它代为发送"),
    65400: ("没有开通客服功能", "在公众平台的“客服”里开通"),
    89503: ("这台服务器的地址要公众号管理员同意", "请公众号管理员在微信里确认这次调用，再试一次"),
    89506: ("公众号管理员拒绝了这台服务器的地址", "和公众号管理员说好，24 小时后再试"),
    89507: ("公众号管理员拒绝了这台服务器的地址", "和公众号管理员说好，1 小时后再试"),
}
_ADDRESS = re.compile(r"invalid ip ([0-9a-fA-F.:]+)")


def mend(code: int | None, message: str = "") -> tuple[str, str]:
    """What an error says, and one sentence on how to mend it. `message` is the platform's own, of which only an address is told."""
    if code is None:
        return "连不上微信平台", "让这台服务器能访问 BANGBAN_WECHAT_API_BASE（默认 https://api.weixin.qq.com）"
    if code == 40164:  # invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist
        found = _ADDRESS.search(message)
        address = found[1] if found else "这台服务器的出口地址"
        return "这台服务器的地址不在白名单里", f"在公众平台“设置与开发 > 基本配置”的 IP 白名单里加上 {address}"
    known = _MENDS.get(code)
    return known or (f"微信平台返回错误 {code}", f"在微信官方文档的“全局返回码”里查 {code}")

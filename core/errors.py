"""Errors people may see. The class docstring's first line is the message; nothing internal is added to it."""

from __future__ import annotations


class BangbanError(Exception):
    """出了点问题，请稍后再试。"""

    status = 500
    code = "internal"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class Invalid(BangbanError):
    """提交的内容不符合要求，请检查后再试。"""

    status = 422
    code = "invalid"


class NotFound(BangbanError):
    """没有找到您要的内容，可能已经下线。"""

    status = 404
    code = "not_found"


class TooLarge(BangbanError):
    """内容太长了，请说得简短一些。"""

    status = 413
    code = "too_large"


class TooMany(BangbanError):
    """您发得太快了，请稍等一会儿再试。"""

    status = 429
    code = "too_many"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"您发得太快了，请过 {retry_after} 秒再试。")
        self.retry_after = retry_after


class Unauthorized(BangbanError):
    """没有权限。"""

    status = 401
    code = "unauthorized"


class Forbidden(BangbanError):
    """您的账号没有做这件事的权限，请联系管理员。"""

    status = 403
    code = "forbidden"


class Conflict(BangbanError):
    """别人刚刚改过，请看看再提交。"""

    status = 409
    code = "conflict"


class Unavailable(BangbanError):
    """服务正在启动，请稍后再试。"""

    status = 503
    code = "unavailable"

"""A draft of a guide, and for what a step with it can be refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import Conflict, Forbidden, Invalid, NotFound
from knowledge.models import DraftRow
from knowledge.publishing import Published
from knowledge.schema import Status


@dataclass(frozen=True, slots=True)
class Draft:
    """A guide being changed, or made (`guide` is None, `base` 0); `base` is the version it was begun from.

    `editors` are all who wrote in it; `why` is the author's reason, `answer` the reviewer's when it was sent back.
    """

    id: int
    guide: int | None
    base: int
    region: str
    department: str
    name: str
    status: Status
    edition: int
    document: dict[str, Any]
    editors: tuple[str, ...]
    why: str
    answer: str
    made_at: datetime
    made_by: str
    updated_at: datetime
    updated_by: str

    @staticmethod
    def of(row: DraftRow) -> Draft:
        """The draft that a row holds."""
        return Draft(
            id=row.id,
            guide=row.guide,
            base=row.base,
            region=row.region,
            department=row.department_name,
            name=row.name,
            status=Status(row.status),
            edition=row.edition,
            document=row.document,
            editors=tuple(row.editors),
            why=row.why,
            answer=row.answer,
            made_at=row.made_at,
            made_by=row.made_by,
            updated_at=row.updated_at,
            updated_by=row.updated_by,
        )

    @property
    def returned(self) -> bool:
        """Whether a reviewer sent it back, and it was not submitted again."""
        return self.status is Status.DRAFT and bool(self.answer)


class NoDraft(NotFound):
    """没有这份草稿，可能已经发布或删除。"""

    code = "draft_missing"


class VersionMissing(NotFound):
    """这份办事指南没有这个版本。"""

    code = "version_missing"


class DraftOpen(Conflict):
    """这份办事指南有一份没有完成的草稿，请先处理那份草稿。"""

    code = "draft_open"

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft


class Outdated(Conflict):
    """这份草稿刚刚被别人改过，请对照后再提交。"""

    code = "draft_outdated"

    def __init__(self, theirs: Draft) -> None:
        super().__init__()
        self.theirs = theirs


class InReview(Conflict):
    """这份草稿正在审核或者等着生效，撤回或退回之后才能修改。"""

    code = "draft_in_review"


class NotInReview(Conflict):
    """这份草稿没有提交审核，或者已经撤回。"""

    code = "draft_not_in_review"


class KeyFixed(Invalid):
    """已有的办事指南不能改区划代码和本地编码，请另建一份。"""

    code = "key_fixed"


class KeyTaken(Conflict):
    """这个区划里已经有同一本地编码的办事指南，请换一个编码，或者修改那一份。"""

    code = "key_taken"


class OwnChange(Forbidden):
    """您参与了这份草稿的编写，请由另一位审核人员审核。"""

    code = "own_change"


class NotYours(Forbidden):
    """您没有参与这份草稿的编写，不能撤回。"""

    code = "not_yours"


class Incomplete(Invalid):
    """草稿还有没填好的地方，请补全后再提交。"""

    code = "draft_incomplete"

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        super().__init__()
        self.problems = problems  # path, heading, reason


class Moved(Conflict):
    """办事指南在起草之后已经变动，请先把变动并入草稿，再提交审核。"""

    code = "guide_moved"

    def __init__(self, current: Published, headings: tuple[str, ...]) -> None:
        what = f"“{'”“'.join(headings)}”已另有修改" if headings else "状态已经改变"
        super().__init__(f"办事指南在起草之后{what}，请先把变动并入草稿，再提交审核。")
        self.current = current
        self.headings = headings  # of what both changed; empty where it was withdrawn, or taken up, in between

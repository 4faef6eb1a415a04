"""A service guide as it is exchanged: imported, edited, exported, shown.

An item (事项) is what is the same everywhere; a guide (办事指南) is the item as one region
carries it out. Field titles are the headings clerks see in forms, spreadsheets and findings.
Enumerations are Chinese labels, because public systems contradict each other's numbers.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from knowledge.regions import shortest

Text = Annotated[str, StringConstraints(strip_whitespace=True)]
# One region is one key, however many noughts a department writes behind it.
RegionCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,2}$"), AfterValidator(shortest)]


class Record(BaseModel):
    """Common rules of all parts: unknown fields are refused, so that a typo is never lost in silence."""

    model_config = ConfigDict(extra="forbid", use_enum_values=False)


class Kind(StrEnum):
    PERMIT = "行政许可"
    PUNISHMENT = "行政处罚"
    COERCION = "行政强制"
    LEVY = "行政征收"
    PAYMENT = "行政给付"
    INSPECTION = "行政检查"
    CONFIRMATION = "行政确认"
    REWARD = "行政奖励"
    RULING = "行政裁决"
    OTHER = "其他行政权力"
    PUBLIC_SERVICE = "公共服务"


class Audience(StrEnum):
    PERSON = "自然人"
    COMPANY = "法人"
    ORGANISATION = "其他组织"


class Level(StrEnum):
    NATION = "国家级"
    PROVINCE = "省级"
    CITY = "市级"
    COUNTY = "县级"
    TOWN = "乡级"
    VILLAGE = "村级"


class CaseType(StrEnum):
    IMMEDIATE = "即办件"
    PROMISED = "承诺件"


class Channel(StrEnum):
    WINDOW = "窗口"
    ONLINE = "网上"
    POST = "邮寄"
    KIOSK = "自助"


class OnlineDepth(StrEnum):
    """How far an application can be taken online, least first."""

    ADVICE = "咨询"
    FILING = "收件"
    PRECHECK = "预审"
    ACCEPTANCE = "受理"
    HANDLING = "办理"
    RESULT = "结果反馈"
    CERTIFICATE = "电子证照"


class CrossRegion(StrEnum):
    NONE = "无"
    NATION = "全国"
    PROVINCES = "跨省"
    PROVINCE = "全省"
    CITY = "市域"


class DayUnit(StrEnum):
    WORKING = "工作日"
    CALENDAR = "自然日"


class Copy(StrEnum):
    ORIGINAL = "原件"
    COPY = "复印件"
    EITHER = "原件或复印件"
    BOTH = "原件和复印件"


class Medium(StrEnum):
    PAPER = "纸质"
    ELECTRONIC = "电子"
    EITHER = "纸质或电子"
    BOTH = "纸质和电子"


class Source(StrEnum):
    APPLICANT = "自备"
    GOVERNMENT = "政府核发"
    OTHER = "其他"


class Necessity(StrEnum):
    REQUIRED = "必要"
    OPTIONAL = "非必要"
    DEFERRABLE = "容缺后补"
    EXEMPT = "免交"


class Status(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"  # a draft that waits for its date
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Department(Record):
    name: Text = Field(title="部门名称", min_length=1)
    code: Text | None = Field(None, title="统一社会信用代码")


class Law(Record):
    name: Text = Field(title="法律法规名称", min_length=1)
    number: Text | None = Field(None, title="文号")
    article: Text | None = Field(None, title="条款")
    text: Text | None = Field(None, title="条文")


class Duration(Record):
    """A time limit; 0 days means done on the spot."""

    days: int = Field(title="天数", ge=0)
    unit: DayUnit = Field(DayUnit.WORKING, title="单位")
    note: Text | None = Field(None, title="说明")


class Material(Record):
    name: Text = Field(title="材料名称", min_length=1)
    copy_kind: Copy | None = Field(None, title="原件或复印件")
    medium: Medium | None = Field(None, title="纸质或电子")
    originals: int | None = Field(None, title="原件份数", ge=0)
    copies: int | None = Field(None, title="复印件份数", ge=0)
    source: Source | None = Field(None, title="来源")
    necessity: Necessity = Field(Necessity.REQUIRED, title="必要性")
    condition: Text | None = Field(None, title="什么情况需要")
    form_url: Text | None = Field(None, title="空白表格")
    sample_url: Text | None = Field(None, title="示例样表")
    basis: Text | None = Field(None, title="要求依据")
    replaced_by: Text | None = Field(None, title="可替代的电子证照")
    note: Text | None = Field(None, title="填报须知")


class Fee(Record):
    name: Text = Field(title="收费项目", min_length=1)
    standard: Text | None = Field(None, title="收费标准")
    basis: Text | None = Field(None, title="收费依据")
    reducible: Text | None = Field(None, title="减免规定")
    online_payment: bool | None = Field(None, title="能否网上缴费")


class Step(Record):
    name: Text = Field(title="环节", min_length=1)
    days: Text | None = Field(None, title="环节时限")
    who: Text | None = Field(None, title="办理人")
    standard: Text | None = Field(None, title="审查标准")
    result: Text | None = Field(None, title="环节结果")


class Result(Record):
    name: Text = Field(title="结果名称", min_length=1)
    sample_url: Text | None = Field(None, title="结果样本")


class Question(Record):
    question: Text = Field(title="问题", min_length=1)
    answer: Text = Field(title="回答", min_length=1)


class Deferral(Record):
    """告知承诺 or 容缺受理: what is promised or brought later, by when, and what happens otherwise."""

    content: Text = Field(title="内容", min_length=1)
    deadline: Text | None = Field(None, title="期限")
    liability: Text | None = Field(None, title="责任")


class WeeklyRule(Record):
    """Open from `opens` to `closes` ("HH:MM") on each of `days`; `workdays_only` follows the official calendar."""

    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(title="星期（1 为周一）", min_length=1)
    opens: str = Field(title="开始", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    closes: str = Field(title="结束", pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
    workdays_only: bool = Field(True, title="法定节假日除外")


class HoursException(Record):
    """A single day that differs from the weekly rules; no times means closed."""

    day: date = Field(title="日期")
    opens: str | None = Field(None, title="开始", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    closes: str | None = Field(None, title="结束", pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
    note: Text | None = Field(None, title="说明")


class Hours(Record):
    """Opening hours: the published words, and what could be understood of them."""

    text: Text = Field("", title="原文")
    rules: list[WeeklyRule] = Field(default_factory=list, title="每周规则")
    exceptions: list[HoursException] = Field(default_factory=list, title="例外日期")


class Place(Record):
    name: Text | None = Field(None, title="场所名称")
    address: Text | None = Field(None, title="地址")
    window: Text | None = Field(None, title="窗口")
    latitude: float | None = Field(None, title="纬度", ge=-90, le=90)
    longitude: float | None = Field(None, title="经度", ge=-180, le=180)
    transport: Text | None = Field(None, title="交通指引")
    hours: Hours | None = Field(None, title="办公时间")
    phone: Text | None = Field(None, title="场所电话")


class Contact(Record):
    phone: Text | None = Field(None, title="电话")
    url: Text | None = Field(None, title="网址")
    address: Text | None = Field(None, title="地址")
    text: Text | None = Field(None, title="原文")


class Urls(Record):
    online: Text | None = Field(None, title="网上办理网址")
    mobile: Text | None = Field(None, title="手机办理入口")
    status: Text | None = Field(None, title="进度查询网址")


class Booking(Record):
    offered: bool = Field(title="是否可预约")
    rule: Text | None = Field(None, title="预约规则")
    url: Text | None = Field(None, title="预约网址")
    phone: Text | None = Field(None, title="预约电话")


class Item(Record):
    """What is the same in every region. Two guides with equal items share one stored row."""

    name: Text = Field(title="事项名称", min_length=1, max_length=300)
    basic_code: Text | None = Field(None, title="基本编码")
    parent_name: Text | None = Field(None, title="主项名称")
    kind: Kind | None = Field(None, title="事项类型")
    audience: list[Audience] = Field(default_factory=list, title="服务对象")
    aliases: list[Text] = Field(default_factory=list, title="别名")
    questions: list[Text] = Field(default_factory=list, title="群众常用问法")
    theme: Text | None = Field(None, title="主题")
    bundle: Text | None = Field(None, title="所属一件事")
    conditions: list[Text] = Field(default_factory=list, title="受理条件")
    laws: list[Law] = Field(default_factory=list, title="办理依据")
    case_type: CaseType | None = Field(None, title="办件类型")
    legal_time: Duration | None = Field(None, title="法定办结时限")
    materials: list[Material] = Field(default_factory=list, title="申请材料")
    charged: bool | None = Field(None, title="是否收费")
    fees: list[Fee] = Field(default_factory=list, title="收费项目")
    steps: list[Step] = Field(default_factory=list, title="办理流程")
    results: list[Result] = Field(default_factory=list, title="办理结果")
    faq: list[Question] = Field(default_factory=list, title="常见问题")
    promise_handling: Deferral | None = Field(None, title="告知承诺")
    deferrable: Deferral | None = Field(None, title="容缺受理")


class Guide(Item):
    """An item as one region carries it out: the unit that is published, cited and versioned."""

    local_code: Text = Field(title="本地编码", min_length=1, max_length=200)
    impl_code: Text | None = Field(None, title="实施编码")
    item_code: Text | None = Field(None, title="业务办理项编码")
    region: RegionCode = Field(title="区划代码")
    level: Level | None = Field(None, title="行使层级")
    department: Department = Field(title="实施部门")
    entrusted: Text | None = Field(None, title="委托部门")
    joint: list[Text] = Field(default_factory=list, title="联办机构")
    promised_time: Duration | None = Field(None, title="承诺办结时限")
    channels: list[Channel] = Field(default_factory=list, title="办理形式")
    visits: int | None = Field(None, title="到现场次数", ge=0)
    visit_reason: Text | None = Field(None, title="必须到现场的原因")
    not_online_reason: Text | None = Field(None, title="不能网办的原因")
    online_depth: OnlineDepth | None = Field(None, title="网办深度")
    cross_region: CrossRegion | None = Field(None, title="通办范围")
    how_online: Text | None = Field(None, title="网上怎么办")
    how_offline: Text | None = Field(None, title="线下怎么办")
    places: list[Place] = Field(default_factory=list, title="办理地点")
    urls: Urls = Field(default_factory=Urls, title="网址")
    booking: Booking | None = Field(None, title="预约")
    consult: Contact | None = Field(None, title="咨询方式")
    complain: Contact | None = Field(None, title="监督投诉")
    review: Contact | None = Field(None, title="行政复议")
    lawsuit: Contact | None = Field(None, title="行政诉讼")
    progress: Text | None = Field(None, title="进度查询方式")
    effective_from: date | None = Field(None, title="实施日期")
    effective_to: date | None = Field(None, title="失效日期")
    source_url: Text | None = Field(None, title="来源网址")
    verified_at: date | None = Field(None, title="核实日期")


ITEM_FIELDS: frozenset[str] = frozenset(Item.model_fields)


class Faq(Record):
    """A curated question with its answer, not tied to one field of one guide."""

    code: Text = Field(title="编号", min_length=1, max_length=200)
    region: RegionCode = Field(title="区划代码")
    question: Text = Field(title="问题", min_length=1)
    variants: list[Text] = Field(default_factory=list, title="其他问法")
    answer: Text = Field(title="回答", min_length=1)
    guides: list[Text] = Field(default_factory=list, title="相关指南（本地编码）")
    enabled: bool = Field(True, title="启用")


class Hall(Record):
    """A government service hall of the region; guides name it in their places."""

    name: Text = Field(title="大厅名称", min_length=1)
    region: RegionCode = Field(title="区划代码")
    address: Text = Field(title="地址", min_length=1)
    phone: Text | None = Field(None, title="电话")
    latitude: float | None = Field(None, title="纬度", ge=-90, le=90)
    longitude: float | None = Field(None, title="经度", ge=-180, le=180)
    transport: Text | None = Field(None, title="交通指引")
    hours: Hours = Field(title="办公时间")

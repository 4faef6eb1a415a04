"""The spreadsheet clerks fill in, made from mappings/template.yml so that both always agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from knowledge.mapping import Rules, load
from knowledge.schema import Guide
from knowledge.wording import enumeration

ROWS = 500  # rows prepared with drop-down lists
NOTES = {
    "本地编码": "本地给这份指南的编号，在同一区划内不能重复；再次导入时按它找到原来的指南。",
    "区划代码": "6 位区划代码，如市本级或某个区；不填则用导入时指定的区划。",
    "服务对象": "可填多个，用顿号分开，如“自然人、法人”。",
    "办理形式": "可填多个，用顿号分开，如“窗口、网上、邮寄”。",
    "别名": "群众或文件里的其他叫法，多个用分号分开。",
    "群众常用问法": "群众平时怎么问，多个用分号分开，如“身份证丢了怎么办；补身份证去哪”。",
    "受理条件": "每条一行，或写成“1.…2.…”。",
    "法定办结时限的天数": "只填数字；当场办结填 0。",
    "承诺办结时限的天数": "只填数字；即办件填 0，且不能超过法定时限。",
    "到现场次数": "只填数字；不用到现场填 0，大于 0 时请填“必须到现场的原因”。",
    "办公时间": "照公布的写，如“工作日：上午09:00-12:00，下午13:30-17:00（法定节假日除外）”。",
    "核实日期": "最近一次核对内容的日期，如 2026-10-15。",
    "咨询方式的电话": "带区号，多个用顿号分开；不要与投诉电话相同。",
    "原件份数": "只填数字。",
    "复印件份数": "只填数字。",
}
EXAMPLE: dict[str, dict[str, str]] = {
    "办事指南": {
        "本地编码": "示例-001",
        "事项名称": "居民身份证补领（示例，请删除本行）",
        "区划代码": "980102",
        "实施部门": "云桥市公安局松风分局",
        "事项类型": "行政确认",
        "行使层级": "县级",
        "服务对象": "自然人",
        "别名": "补办身份证",
        "群众常用问法": "身份证丢了怎么办；补身份证去哪",
        "受理条件": "1.居民身份证遗失或严重损坏\n2.本人申请",
        "办件类型": "承诺件",
        "法定办结时限的天数": "60",
        "法定办结时限的单位": "自然日",
        "承诺办结时限的天数": "20",
        "承诺办结时限的单位": "自然日",
        "是否收费": "是",
        "办理形式": "窗口",
        "到现场次数": "1",
        "必须到现场的原因": "现场采集指纹和照片",
        "不能网办的原因": "要现场采集指纹",
        "咨询方式的电话": "0000-5550201",
        "监督投诉的电话": "12345",
        "核实日期": "2026-10-15",
    },
    "办理地点": {
        "本地编码": "示例-001",
        "场所名称": "松风区政务服务中心",
        "地址": "云桥市松风区松涛路18号",
        "窗口": "2楼公安综合窗口",
        "办公时间": "工作日：上午09:00-12:00，下午13:30-17:00（法定节假日除外）",
        "场所电话": "0000-5550200",
    },
    "申请材料": {
        "本地编码": "示例-001",
        "材料名称": "居民户口簿",
        "原件或复印件": "原件",
        "原件份数": "1",
        "来源": "政府核发",
        "必要性": "必要",
    },
    "办理流程": {
        "本地编码": "示例-001",
        "环节": "受理",
        "环节时限": "当场",
        "办理人": "窗口民警",
        "环节结果": "出具领证凭证",
    },
    "收费项目": {
        "本地编码": "示例-001",
        "收费项目": "居民身份证工本费（补领）",
        "收费标准": "40元/证",
        "收费依据": "示例文件（请填实际文号）",
    },
    "办理结果": {"本地编码": "示例-001", "结果名称": "中华人民共和国居民身份证"},
    "办理依据": {"本地编码": "示例-001", "法律法规名称": "中华人民共和国居民身份证法", "条款": "第十一条"},
    "常见问题": {"本地编码": "示例-001", "问题": "可以让家人代办吗？", "回答": "示例回答：补领要本人到场。"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its sheet and heading, whether it must be filled, and what may be chosen."""

    sheet: str
    heading: str
    required: bool
    options: tuple[str, ...] = ()
    several: bool = False

    @property
    def note(self) -> str:
        given = NOTES.get(self.heading, "")
        if self.options:
            given += ("可填多个：" if self.several else "从下拉列表选：") + "、".join(self.options) + "。"
        return given


def columns(rules: Rules | None = None) -> list[Column]:
    """All columns of the template, main sheet first, in the order of the mapping."""
    rules = rules or load("template")
    main = rules.sheet or "办事指南"
    found: list[Column] = []
    nested: list[Column] = []
    for target, rule in rules.fields.items():
        if isinstance(rule, dict) and "each" in rule:
            part = _part(target)
            sheet = str(rule["from"])
            nested.append(Column(sheet, rules.key, True))
            nested += [_column(sheet, name, one, part) for name, one in rule["each"].items()]
        else:
            found.append(_column(main, target, rule, Guide))
    return found + nested


def write(path: Path) -> None:
    """Write the template workbook (.xlsx). Raises OSError where the folder cannot be written."""
    from openpyxl import Workbook  # half a second to import, and only the template and imports need it

    book = Workbook()
    intro = book.active
    intro.title = "填写说明"
    _introduce(intro)
    sheets: dict[str, list[Column]] = {}
    for column in columns():
        sheets.setdefault(column.sheet, []).append(column)
    for name, wanted in sheets.items():
        _fill(book.create_sheet(name), wanted)
    book.active = 1
    book.save(path)


def _column(sheet: str, target: str, rule: Any, model: type[BaseModel]) -> Column:
    heading = str(rule["from"] if isinstance(rule, dict) else rule)
    info, required = None, True
    here: type[BaseModel] | None = model
    for step in target.split("."):
        info = here.model_fields[step] if here else None
        required = required and bool(info and info.is_required())
        here = _model(info.annotation) if info else None
    # The region may be named once for the whole file.
    required = required and target != "region"
    labels = enumeration(info.annotation) if info else None
    options = tuple(label.value for label in labels) if labels else ()
    if isinstance(rule, dict) and "labels" in rule:
        options = ("是", "否")
    return Column(sheet, heading, required, options, isinstance(rule, dict) and "split" in rule)


def _part(target: str) -> type[BaseModel]:
    model = _model(Guide.model_fields[target].annotation)
    assert model is not None, target
    return model


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model(part))), None)


def _introduce(sheet: Any) -> None:
    from openpyxl.styles import Alignment, Font

    for line in (
        "办事指南填写说明",
        "1. 一行一份指南，填在“办事指南”表；带 * 的列必须填。",
        "2. 地点、材料、流程、收费、结果、依据、常见问题各有一张表，一行一条，用“本地编码”与指南对应。",
        "3. 标“示例”的行是虚构的，只作参考，导入时会跳过；请不要把正式指南的编码写成“示例”开头。",
        "4. 不知道的格子留空，不要填“无”“详见窗口”；没有的内容系统会如实告诉群众指南没有写明。",
        "5. 请不要改动表头和表名。",
        "6. 导入：bangban import 文件名.xlsx --mapping template --region 区划代码；先加 --dry-run 可以只看差别。",
        "",
    ):
        sheet.append([line])
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.append(["表", "列", "必填", "怎么填"])
    for cell in sheet[sheet.max_row]:
        cell.font = Font(bold=True)
    for column in columns():
        sheet.append([column.sheet, column.heading, "是" if column.required else "", column.note])
        sheet.cell(sheet.max_row, 4).alignment = Alignment(wrap_text=True, vertical="top")
    for letter, width in zip("ABCD", (14, 26, 8, 90), strict=True):
        sheet.column_dimensions[letter].width = width


def _fill(sheet: Any, wanted: list[Column]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for place, column in enumerate(wanted, 1):
        head = sheet.cell(1, place, column.heading + ("*" if column.required else ""))
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="FFE699" if column.required else "DDEBF7")
        head.alignment = Alignment(wrap_text=True, vertical="center")
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = max(12, min(36, 2 * len(column.heading) + 4))
        example = sheet.cell(2, place, EXAMPLE.get(column.sheet, {}).get(column.heading, ""))
        example.font = Font(italic=True, color="808080")
        for row in range(2, ROWS + 2):
            sheet.cell(row, place).number_format = "@"  # else a code like 001 loses its noughts
        if column.options and not column.several:
            choice = DataValidation(type="list", formula1=f'"{",".join(column.options)}"', allow_blank=True)
            choice.error = "请从下拉列表中选择"
            sheet.add_data_validation(choice)
            choice.add(f"{letter}2:{letter}{ROWS + 1}")
    sheet.freeze_panes = "C2"

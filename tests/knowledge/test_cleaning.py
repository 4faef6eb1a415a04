from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.cleaning import clean


@pytest.mark.parametrize(
    ("published", "read"),
    [
        ("<p>年满&nbsp;16&nbsp;周岁</p><p>本地户籍</p>", "年满 16 周岁\n本地户籍"),
        ("第一行<br/>第二行<br>第三行", "第一行\n第二行\n第三行"),
        ("<ul><li>户口簿</li><li>照片</li></ul>", "户口簿\n照片"),
        ("&lt;p&gt;转义过的&amp;nbsp;段落&lt;/p&gt;", "转义过的 段落"),
        ("<style>p{color:red}</style>正文<script>alert(1)</script>", "正文"),
        ("《关于修改<建筑法>的决定》", "《关于修改<建筑法>的决定》"),
        ("面积<90平方米且>60平方米", "面积<90平方米且>60平方米"),
        ("办理步骤\n办理结果:受理通知书", "办理结果：受理通知书"),
        ("申请表【点击下载】", "申请表"),
        ("户口簿原件 查看详情", "户口簿原件"),
        ("条件一\n展开\n收起", "条件一"),
        ("活动照常展开", "活动照常展开"),
        ("材料真实有效\n无", "材料真实有效"),
        ("无", ""),
        ("暂无", ""),
        (" - ", ""),
        ("", ""),
        ("无犯罪记录证明", "无犯罪记录证明"),
        ("２０２６年１０月，Ａ４纸", "2026年10月，A4纸"),
        ("核发（首次申请)", "核发（首次申请）"),
        ("材料齐全,真实有效;自愿申请", "材料齐全，真实有效；自愿申请"),
        ("网址:https://yunqiao.example/a,b?c=1", "网址:https://yunqiao.example/a,b?c=1"),
        ("費用:每證20元", "费用：每证20元"),
        ("推進(jìn)政務(wù)服務(wù)", "推进政务服务"),
        ("零\u200b宽\ufeff字符\x07与\u3000空格", "零宽字符与 空格"),
    ],
)
def test_what_a_page_left_behind_is_removed(published: str, read: str) -> None:
    assert clean(published) == read


@given(st.text())
def test_cleaning_never_fails(text: str) -> None:
    assert isinstance(clean(text), str)


@given(st.text(alphabet="<>&;/pbr无\n 下载（）()年a1,:"))
def test_cleaning_fragments_of_markup_never_fails(text: str) -> None:
    clean(text)


@given(st.text(alphabet="身份证办理，。（）:, \n12ab"))
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    assert clean(clean(text)) == clean(text)

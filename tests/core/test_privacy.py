import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.privacy import Sort, find, mask, seal, unmarked

IDENTITY = "11010119900307123X"  # the format only: made up for these tests


def kinds(text: str) -> list[Sort]:
    return [one.sort for one in find(text)]


@pytest.mark.parametrize(
    "written",
    [
        "110101199003071234",
        IDENTITY,
        IDENTITY.lower(),
        "110101 19900307 123X",
        "110101-1990-0307-1234",
        "１１０１０１１９９００３０７１２３Ｘ",
        "一一零一零一一九九零零三零七一二三四",
        "一一零一零一 一九九零零三零七 一二三四",
        "壹壹零壹零壹壹玖玖零零叁零柒壹贰叁肆",
    ],
)
def test_an_identity_number_is_sealed_however_it_is_written(written):
    assert seal(f"我的身份证是{written}，丢了") == "我的身份证是〔身份证号〕，丢了"


def test_an_old_identity_number_of_fifteen_digits_is_sealed():
    assert seal("旧证110101900307123能用吗") == "旧证〔身份证号〕能用吗"


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "+8613800138000",
        "+86 138 0013 8000",
        "8613800138000",
        "１３８００１３８０００",
        "幺三八零零幺三八零零零",
        "一三八 零零一三 八零零零",
    ],
)
def test_a_mobile_number_is_sealed_however_it_is_written(written):
    assert seal(f"打我电话{written}吧") == "打我电话〔手机号〕吧"


@pytest.mark.parametrize("written", ["6222021234567890123", "6222 0212 3456 7890", "6222-0212-3456-7890-123"])
def test_a_bank_card_is_sealed(written):
    assert seal(f"卡号{written}。") == "卡号〔银行卡号〕。"


@pytest.mark.parametrize("written", ["E12345678", "ea1234567", "H12345678", "Ｅ１２３４５６７８"])
def test_a_passport_or_permit_is_sealed(written):
    assert seal(f"护照{written}过期") == "护照〔证件号〕过期"


@pytest.mark.parametrize("written", ["浙A12345", "浙a12345", "京AD12345", "粤B·F1234挂", "沪A D5678"])
def test_a_number_plate_is_sealed(written):
    assert Sort.PLATE in kinds(f"车牌{written}的违章")
    assert not re.search(r"\d", seal(f"车牌{written}的违章"))


def test_an_email_address_is_sealed():
    assert seal("发到zhang.san+a@mail.example.cn行吗") == "发到〔邮箱〕行吗"
    assert seal("发到ｚｓ＠ｍａｉｌ．ｃｎ行吗") == "发到〔邮箱〕行吗"


@pytest.mark.parametrize("written", ["0571-85551234", "010 85551234", "0000-5550123"])
def test_a_landline_with_its_area_code_is_sealed(written):
    assert seal(f"家里{written}") == "家里〔电话号码〕"


@pytest.mark.parametrize(
    ("said", "sealed"),
    [
        ("我叫王小明，身份证丢了", "我叫〔姓名〕，身份证丢了"),
        ("姓名：欧阳小明", "姓名：〔姓名〕"),
        ("姓名:李四 电话13800138000", "姓名:〔姓名〕 电话〔手机号〕"),
        ("我叫李四13800138000", "我叫〔姓名〕〔手机号〕"),
        ("名字是阿依古丽·买买提。", "名字是〔姓名〕。"),
        ("我儿子叫李小明，今年上小学要什么材料", "我儿子叫〔姓名〕，今年上小学要什么材料"),
        ("我爸叫张大江今年65岁", "我爸叫〔姓名〕今年65岁"),
        ("我女儿叫阿依古丽，上学要什么", "我女儿叫〔姓名〕，上学要什么"),
        ("申请人：赵敏，低保怎么办", "申请人：〔姓名〕，低保怎么办"),
        ("办理人张伟，怎么查进度", "办理人〔姓名〕，怎么查进度"),
        ("给我老公李强办护照要什么", "给我老公〔姓名〕办护照要什么"),
        ("登记人John Smith，居住证怎么办", "登记人〔姓名〕，居住证怎么办"),
    ],
)
def test_a_name_is_sealed_where_the_writer_says_so(said, sealed):
    assert seal(said) == sealed


@pytest.mark.parametrize(
    "text",
    [
        "身份证丢了怎么补",
        "2024年1月1日以后出生的能办吗",
        "有效期2014.05.06-2024.05.06，还能用吗",
        "2024-01-01 2024-12-31 的社保",
        "二〇二四年一月十五日",
        "一年缴3000元还是12000.50元",
        "注册资本1000万元，1,000,000元也行",
        "打12345还是110、120、12315、12333",
        "咨询电话5550123、85551234、400-820-8820",
        "上午08:30-12:00，下午13:30-17:00",
        "松风路1号2楼301室，邮编310000",
        "户口本姓名变更",
        "姓名写错了怎么改",
        "孩子名字叫什么好",
        "身份证上名字是错的，怎么改",
        "名字是繁体，能改吗",
        "帮我叫辆车",
        "我妈叫救护车，能报销吗",
        "他叫我来办的",
        "申请人本人办理",
        "申请人：残疾人",
        "申请人和代办人都要来吗",
        "申请人年龄要求",
        "申请人是农民，怎么办",
        "申请人APP登录不了",
        "给我妈高龄补贴去哪办",
        "公交G1路到K528路",
        "新Windows系统打不开网页",
        "一、二、三、四、五、六、七、八、九、十、一、二",
    ],
)
def test_an_ordinary_sentence_stays_as_it_is(text):
    assert seal(text) == text
    assert mask(text) == text


@pytest.mark.parametrize(
    ("said", "sealed"),
    [
        ("我家住松风路18号3栋2单元501，社保卡丢了怎么补", "我家住〔住址〕，社保卡丢了怎么补"),
        ("我住云桥市松风区听雨路27号1楼，户口怎么迁", "我住云桥市松风区〔住址〕，户口怎么迁"),
        ("我家住竹溪区青石镇石桥村三组15号", "我家住竹溪区青石镇〔住址〕"),
        ("住在幸福小区5栋2单元301室想装电梯", "住在〔住址〕想装电梯"),
        ("我妈住在和平街道建设路六十六号二单元四零一", "我妈住在和平街道〔住址〕"),
        ("俺家在李家庄村12号", "俺家在〔住址〕"),
        ("帮我寄到松风路18号3栋501", "帮我寄到〔住址〕"),
        ("家庭住址是松风路18号阳光花园3号楼1201室", "家庭住址是〔住址〕"),
        ("松风路18号3栋2单元501停水了", "〔住址〕停水了"),
        ("张三住在松风路20号", "张三住在〔住址〕"),
        ("户籍地址松风路1号2楼301室", "户籍地址〔住址〕"),
        ("我叫王小明，住松风路18号，电话13800138000", "我叫〔姓名〕，住〔住址〕，电话〔手机号〕"),
        ("家住和平路5号的老人能办吗", "家住〔住址〕的老人能办吗"),
    ],
)
def test_where_somebody_lives_is_sealed_and_the_district_stays(said, sealed):
    assert seal(said) == sealed


@pytest.mark.parametrize(
    "text",
    [
        "江山大道88号政务中心在哪",
        "我家在江山大道88号政务服务中心旁边",
        "我家住松风区，去哪办身份证",
        "我住在竹溪区青石镇，社保在哪办",
        "我户口在青石镇石桥村，怎么迁",
        "住建局在江山大道88号吗",
        "住房公积金中心是松涛路18号吗",
        "住院报销去松涛路18号吗",
        "云桥市松风区望桥大道100号市民之家A座1至4楼",
        "公司地址是松风路8号A座1201室要变更",
        "住在村里3年了能落户吗",
        "我家住5楼想加装电梯",
        "3栋2单元想加装电梯",
        "听雨路41号1楼几点下班",
    ],
)
def test_the_address_of_an_office_and_the_name_of_a_district_stay(text):
    assert seal(text) == text


def test_nothing_is_left_where_something_was_sealed_for_those_who_search():
    assert unmarked(seal(f"我爸叫张大江，{IDENTITY}丢了〔材料〕")) == "丢了〔材料〕"
    assert unmarked(seal("给我老公李强约护照，申请人：赵敏。怎么办")) == "给我老公约护照，怎么办"


def test_findings_say_where_they_were_found():
    text = f"我叫李四，{IDENTITY}，13800138000"
    assert kinds(text) == [Sort.NAME, Sort.IDENTITY, Sort.MOBILE]
    assert all(text[one.start : one.end] == one.value for one in find(text))


def test_a_long_number_beside_a_mobile_number_is_sealed_too():
    assert not re.search(r"\d", seal("编号123456789012 13800138000"))


@pytest.mark.parametrize("between", ["", " ", "，", "\n", "和"])
@pytest.mark.parametrize("other", ["13800138000", IDENTITY, "6222021234567890123", "E12345678", "0571-85551234"])
def test_two_numbers_side_by_side_leave_no_long_run_of_digits(between, other):
    if not between and other[0].isdigit():
        other = "X" + other  # two numbers without anything between are one number
    assert not re.search(r"\d{6,}", seal(f"{IDENTITY[:-1]}4{between}{other}"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("110101199003071234", "110*************34"),
        ("138 0013 8000", "138******00"),
        ("浙A12345", "浙****45"),
        ("E12345678", "E******78"),
        ("zhangsan@mail.example", "z***@mail.example"),
        ("我叫王小明", "我叫王**"),
        ("我家住松风路18号3栋", "我家住松风******"),
    ],
)
def test_a_masked_number_shows_only_its_ends(said, shown):
    assert mask(said) == shown


PIECES = st.sampled_from(
    [
        "13800138000", "+86 138 0013 8000", IDENTITY, "6222 0212 3456 7890", "E12345678", "浙A12345", "a@b.cn",
        "我叫", "姓名：", "王小明", "0571-85551234", "2024-01-01", "一二三四五六", "１２３", "123", "x", "-", " ", "，", "@",
        ".", "·", "86", "+", "0", "张", "号", "我家住", "松风路", "18号", "3栋", "2单元",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join))
def test_sealing_again_changes_nothing(text):
    assert seal(seal(text)) == seal(text)


@given(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=8).map("".join))
def test_nothing_sealed_can_be_read_in_what_is_left(text):
    for one in find(text):
        if len(re.sub(r"\D", "", one.value)) >= 11:
            assert one.value not in seal(text)
    assert not re.search(r"(?<!\d)[0-9]{11,}", seal(text))


@given(st.text(max_size=60))
def test_sealing_and_masking_take_any_text(text):
    assert isinstance(seal(text), str)
    assert len(find(text)) <= len(text)
    mask(text)

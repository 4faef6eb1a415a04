from __future__ import annotations

import threading

import pytest

COUNTY, CITY, PROVINCE, NATION = "330602", "330600", "330000", "000000"
OTHER_COUNTY, OTHER_CITY, OTHER_PROVINCE = "330102", "330100", "440000"


# -- whose guides are seen --


@pytest.mark.parametrize("region", [COUNTY, CITY, PROVINCE, NATION])
def test_a_citizen_sees_the_guides_of_the_own_region_and_of_those_above(house, guide, region):
    house.take(guide(1, "居民身份证补领", region))
    assert house.found("身份证补领", COUNTY) == [1]


@pytest.mark.parametrize("region", [OTHER_COUNTY, OTHER_CITY, OTHER_PROVINCE, "330603"])
def test_a_guide_of_another_place_is_never_seen(house, words_only, guide, region):
    for searched in (house, words_only):
        searched.take(guide(1, "居民身份证补领", region))
        assert searched.hits("居民身份证补领", COUNTY) == []
        assert searched.suggested("身份证", COUNTY) == []


def test_the_nearest_of_several_regions_answers(house, guide):
    shared = [guide(i, "居民身份证补领", r) for i, r in enumerate((NATION, PROVINCE, CITY, COUNTY), 1)]
    house.take(*shared)
    assert [(hit.target.id, hit.distance) for hit in house.hits("身份证补领", COUNTY)] == [(4, 0)]
    assert [(hit.target.id, hit.distance) for hit in house.hits("身份证补领", "330603")] == [(3, 1)]
    assert [(hit.target.id, hit.distance) for hit in house.hits("身份证补领", OTHER_CITY)] == [(2, 1)]
    assert [(hit.target.id, hit.distance) for hit in house.hits("身份证补领", "440106")] == [(1, 3)]


def test_the_nearest_answers_also_where_its_text_differs_from_that_above(house, guide):
    house.take(
        guide(1, "居民身份证补领", CITY, aliases=("身份证丢了",)),
        guide(2, "居民身份证补领", COUNTY, aliases=("证件遗失",)),
    )
    (hit,) = house.hits("身份证丢了", COUNTY)
    assert (hit.target.id, hit.distance) == (2, 0)
    assert hit.score > house.index.thresholds.answer, "the county's guide answers with the score of the name"


def test_where_only_districts_have_a_guide_all_of_them_are_named(house, guide):
    house.take(
        guide(1, "老年人优待证", "330602"),
        guide(2, "老年人优待证", "330603", conditions_text="年满六十周岁"),
        guide(3, "老年人优待证", "330102"),
    )
    (hit,) = house.hits("老年人优待证", CITY)
    assert {one.id for one in hit.inside} == {1, 2}
    assert hit.target in hit.inside


def test_the_city_s_own_guide_needs_no_question_which_district(house, guide):
    house.take(guide(1, "老年人优待证", "330602", conditions_text="甲"), guide(2, "老年人优待证", CITY))
    (hit,) = house.hits("老年人优待证", CITY)
    assert (hit.target.id, hit.inside) == (2, ())


def test_of_a_question_that_a_city_and_its_district_curate_alike_the_district_s_comes_first(house, faq):
    for code, region in (("a", CITY), ("b", COUNTY), ("c", NATION)):
        house.take(faq(code, "办事大厅几点上班", region=region))
    assert house.found("办事大厅几点上班", COUNTY) == ["b", "a", "c"]
    assert house.found("办事大厅几点上班", CITY) == ["a", "c"]


@pytest.mark.parametrize(
    ("around", "citizen", "found"),
    [
        (CITY, CITY, [1]),  # its own, whatever its counties call gs-1
        (CITY, COUNTY, [1]),
        (COUNTY, COUNTY, [2]),
        ("330603", "330603", [1]),
        (OTHER_CITY, OTHER_CITY, [5]),
    ],
)
def test_a_local_code_means_the_guide_of_the_region_that_uses_it(house, guide, around, citizen, found):
    places = enumerate((CITY, COUNTY, OTHER_PROVINCE, "330604", OTHER_COUNTY), 1)
    house.take(*(guide(i, f"事项{i}", r, local_code="gs-1") for i, r in places))
    assert house.linked("gs-1", around, citizen) == found
    house.take(gone=found)
    assert found[0] not in house.linked("gs-1", around, citizen)


def test_where_only_districts_use_a_local_code_each_citizen_is_offered_the_own(house, guide):
    house.take(*(guide(i, "事项", r, local_code="gs-1") for i, r in enumerate((COUNTY, "330603", OTHER_COUNTY), 1)))
    assert house.linked("gs-1", CITY, CITY) == [1, 2]
    assert house.linked("gs-1", CITY, COUNTY) == [1]
    assert house.linked("gs-1", CITY, "330604") == []
    assert house.linked("gs-2", CITY, CITY) == []


def test_a_region_written_with_twelve_digits_is_the_same_region(house, guide):
    house.take(guide(1, "居民身份证补领", "330602000000"))
    (hit,) = house.hits("身份证补领", COUNTY)
    assert (hit.distance, hit.inside) == (0, ())
    house.take(gone=[1])
    assert len(house.index) == 0


def test_a_village_sees_its_town_and_the_town_s_guides_are_inside_the_county(house, guide):
    house.take(guide(1, "宅基地审批", "330602100"))
    assert house.found("宅基地审批", "330602100003") == [1]
    assert [one.id for one in house.hits("宅基地审批", COUNTY)[0].inside] == [1]
    assert house.found("宅基地审批", "330602101") == []


# -- following the truth --


def test_a_withdrawn_guide_is_never_found(house, words_only, guide):
    for searched in (house, words_only):
        searched.take(guide(1, "居民身份证补领"), guide(2, "户口迁移"))
        searched.take(gone=[1])
        assert 1 not in searched.found("居民身份证补领", COUNTY)
        assert searched.suggested("居民身份证", COUNTY) == []
        assert searched.index.target(1) is None
        assert len(searched.index) == 1


def test_what_was_never_there_may_be_gone(house, guide):
    house.take(guide(1, "户口迁移"), gone=[99, "nothing"])
    assert house.found("户口迁移", COUNTY) == [1]


def test_a_renamed_guide_is_found_under_its_new_name_and_not_under_the_old(words_only, guide):
    words_only.take(guide(1, "船舶检验"))
    words_only.take(guide(1, "渔业捕捞许可", version=2))
    assert words_only.found("捕捞许可", COUNTY) == [1]
    assert words_only.found("船舶检验", COUNTY) == []
    assert words_only.index.target(1).version == 2
    assert words_only.index.texts == 1


def test_a_renamed_guide_is_known_by_its_new_texts_in_meaning_too(house, guide):
    house.take(guide(1, "暂住证办理"))
    house.take(guide(1, "居住登记", version=2))
    assert [hit.text for hit in house.hits("暂住证办理", COUNTY)] == ["居住登记"]


def test_a_guide_that_leaves_an_item_shared_with_others_leaves_them_there(house, guide):
    house.take(guide(1, "户口迁移", COUNTY), guide(2, "户口迁移", "330603"))
    house.take(guide(1, "户口迁入", COUNTY))
    assert house.found("户口迁移", "330603") == [2]
    assert [hit.target.name for hit in house.hits("户口迁移", COUNTY)] == ["户口迁入"]


def test_a_text_shared_by_a_hundred_regions_is_encoded_once(house, encoder, guide):
    house.take(*(guide(i, "居民身份证补领", f"33{i:04}", questions=("身份证丢了咋补",)) for i in range(101, 201)))
    assert sorted(encoder.asked) == sorted(["居民身份证补领", "身份证丢了咋补"])
    assert (len(house.index), house.index.texts) == (100, 2)


def test_a_text_is_not_encoded_again_after_a_restart(house, house_of, encoder, guide):
    house.take(guide(1, "居民身份证补领"))
    encoder.asked.clear()
    again = house_of(encoder)
    again.take(guide(1, "居民身份证补领"), guide(2, "户口迁移"))
    assert encoder.asked == ["户口迁移"]
    assert again.found("居民身份证补领", COUNTY)[0] == 1


def test_taking_in_the_same_again_changes_nothing(house, guide, faq):
    everything = [guide(1, "户口迁移"), guide(2, "居民身份证补领", CITY), faq("f1", "周末开门吗")]
    house.take(*everything)
    before = house.found("户口", COUNTY), len(house.index), house.index.texts
    house.take(*everything)
    assert (house.found("户口", COUNTY), len(house.index), house.index.texts) == before


def test_a_failure_half_way_is_made_good_when_the_change_comes_again(house, store, guide, monkeypatch):
    both = [guide(1, "户口迁移", COUNTY), guide(2, "户口迁移", "330603")]
    with monkeypatch.context() as broken:
        broken.setattr(store, "put_words", lambda _: (_ for _ in ()).throw(OSError("no space left")))
        with pytest.raises(OSError, match="no space"):
            house.take(*both)
    house.take(*both)
    assert house.found("户口迁移", COUNTY) == [1]
    assert house.found("户口迁移", "330603") == [2]


def test_new_texts_are_found_by_words_before_they_are_encoded(house, guide):
    house.index.apply(changes_of(guide(1, "户口迁移")))
    assert not house.index.by_meaning
    assert house.index.thresholds == house.index.rules.words
    assert house.found("户口迁移", COUNTY) == [1]
    while house.index.encode_some():
        pass
    assert house.index.by_meaning
    assert house.index.thresholds == house.index.rules.meaning
    assert house.found("户口迁移", COUNTY) == [1]


def test_many_texts_are_encoded_in_steps(house, encoder, guide):
    house.index.apply(changes_of(*(guide(i, f"第{i}号事项办理") for i in range(1, 151))))
    left = [house.index.encode_some() for _ in range(4)]
    assert left[-2:] == [0, 0]
    assert left == sorted(left, reverse=True)
    assert left[0] > 0
    assert len(encoder.asked) == len(set(encoder.asked)) == 150


def test_a_text_dropped_while_it_was_being_encoded_stays_dropped(house, encoder, guide, monkeypatch):
    house.index.apply(changes_of(guide(1, "户口迁移"), guide(2, "居住登记")))
    encode = encoder.encode

    def meanwhile(texts):
        monkeypatch.setattr(encoder, "encode", encode)
        house.index.apply(changes_of(gone=(1,)))
        return encode(texts)

    monkeypatch.setattr(encoder, "encode", meanwhile)
    assert house.index.encode_some() == 0
    assert house.found("户口迁移", COUNTY) == [2]


# -- answering --


def test_the_best_text_of_a_guide_speaks_for_it(house, guide):
    house.take(guide(1, "居民身份证补领", questions=("我的身份证丢了咋办",), faq=("可以别人代领吗",)))
    assert house.hits("我的身份证丢了咋办", COUNTY)[0].text == "我的身份证丢了咋办"
    assert house.hits("可以别人代领吗", COUNTY)[0].text == "可以别人代领吗"


def test_better_fits_come_first_and_no_more_than_asked_for(house, guide):
    house.take(*(guide(i, f"户口迁移{'附加说明' * i}") for i in range(1, 21)))
    hits = house.hits("户口迁移", COUNTY, 5)
    assert len(hits) == 5
    assert hits[0].target.id == 1
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_candidate_behind_many_of_other_cities_is_still_found(house, words_only, guide):
    far = [guide(i, f"身份证补领第{i}种", "440106") for i in range(1, 1001)]
    for searched in (house, words_only):
        searched.take(*far, guide(5000, "身份证补领以及其他许多事项的统一办理说明", COUNTY))
        assert searched.found("身份证补领", COUNTY) == [5000]


def test_a_curated_question_is_found_by_itself_and_its_variants(house, words_only, faq):
    for searched in (house, words_only):
        searched.take(faq("f1", "大厅周末开门吗", variants=["星期六上班吗"]))
        assert searched.found("周末开门吗", COUNTY) == ["f1"]
        assert searched.found("星期六上班", COUNTY) == ["f1"]
        assert searched.found("周末开门吗", OTHER_COUNTY) == []


def test_a_curated_question_taken_out_of_use_is_not_found(house, faq):
    house.take(faq("f1", "大厅周末开门吗"))
    house.take(gone=["f1"])
    assert house.hits("大厅周末开门吗", COUNTY) == []


def test_without_an_encoder_words_alone_find(words_only, guide):
    words_only.take(guide(1, "居民身份证补领"), guide(2, "内河船舶登记"))
    assert words_only.found("身份证", COUNTY) == [1]
    assert not words_only.index.by_meaning
    assert words_only.index.encode_some() == 0


def test_an_everyday_word_finds_the_official_one(words_only, guide):
    words_only.take(guide(1, "居民户口簿补发"), guide(2, "船舶登记"))
    assert words_only.found("户口本", COUNTY)[0] == 1


def test_a_typing_mistake_by_sound_is_read_as_what_was_meant(words_only, guide):
    words_only.take(guide(1, "失业保险金申领"), guide(2, "营业执照补领"))
    assert words_only.found("营叶直照", "330602")[:1] == [2]


@pytest.mark.parametrize("query", ["", "  ", "。。。", "吗", "\n"])
def test_a_query_without_content_does_no_harm(house, words_only, guide, query):
    house.take(guide(1, "户口迁移"))
    words_only.take(guide(1, "户口迁移"))
    assert words_only.hits(query, COUNTY) == []
    assert all(hit.score < house.index.thresholds.answer for hit in house.hits(query, COUNTY))


def test_an_empty_index_finds_nothing(house, words_only):
    for searched in (house, words_only):
        assert searched.hits("身份证", COUNTY) == []
        assert searched.suggested("身", COUNTY) == []
        assert not searched.covers(COUNTY)


def test_without_a_region_nothing_is_found(house, guide):
    house.take(guide(1, "户口迁移"))
    assert house.index.search("户口迁移", ()) == []
    assert house.index.suggest("户口", ()) == []


def test_suggestions_hold_what_was_typed_and_begin_with_it_where_they_can(house, guide, faq):
    house.take(
        guide(1, "换领居民身份证"),
        guide(2, "身份证补领", questions=("身份证丢了咋补",)),
        faq("f1", "身份证多久能拿到"),
        guide(3, "户口迁移"),
        guide(4, "身份证核验", OTHER_CITY),
    )
    assert house.suggested("身份证", COUNTY) == ["身份证补领", "身份证多久能拿到", "换领居民身份证"]
    assert house.suggested("身份证", COUNTY, limit=1) == ["身份证补领"]
    assert house.suggested("", COUNTY) == []


def test_a_region_is_covered_by_guides_of_its_own_around_it_or_inside_it_but_not_by_the_nation_s(house, guide):
    house.take(guide(1, "护照签发", NATION))
    assert not house.covers(COUNTY)
    house.take(guide(2, "户口迁移", CITY))
    assert house.covers(COUNTY)
    assert house.covers(CITY)
    assert house.covers(PROVINCE)
    assert not house.covers(OTHER_CITY)
    house.take(gone=[2])
    assert not house.covers(COUNTY)
    assert house.covers(NATION)


def test_searching_goes_on_while_changes_are_taken_in(house, guide):
    house.take(guide(1, "居民身份证补领"))
    failures: list[BaseException] = []
    seen: list[bool] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                seen.append(1 in house.found("居民身份证补领", COUNTY))
                house.suggested("身份", COUNTY)
                house.covers(COUNTY)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(30):
        house.take(*(guide(i, f"户口{turn}迁移{i}") for i in range(2, 12)), gone=[2, 3])
    done.set()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert seen
    assert all(seen)


def test_everyday_words_find_official_guides_by_meaning(house_of, real_encoder, guide):
    searched = house_of(real_encoder)
    names = ["居民身份证补领", "结婚登记", "机动车驾驶证换领", "城乡居民基本养老保险参保登记", "食品经营许可"]
    searched.take(*(guide(i, name) for i, name in enumerate(names)))
    assert searched.hits("身份证丢了怎么补", COUNTY)[0].target.name == "居民身份证补领"
    assert searched.hits("我要结婚去哪里登记", COUNTY)[0].target.name == "结婚登记"
    assert searched.hits("驾照到期了", COUNTY)[0].target.name == "机动车驾驶证换领"
    nonsense = searched.hits("今天天气真好适合放风筝", COUNTY)
    assert all(hit.score < searched.index.thresholds.answer for hit in nonsense)


def changes_of(*guides, gone=()):
    from knowledge.changes import Changes

    return Changes(revision=1, guides=guides, gone=tuple(gone), faqs=(), faqs_gone=())

"""A question gets the clause that answers it, or silence; an edited policy is taken up without a restart."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index.adapters import fit_or_load
from index.clauses import PolicyError
from index.encoder import Encoder, Vector
from index.library import Answer, Library
from index.packaged_model import Progress
from index.recognizer import Recognizer
from index.training import Examples, IntentsError

ROOT = Path(__file__).resolve().parents[1]
Open = Callable[[], Library]
Ask = Callable[[str, str], Answer]


@pytest.fixture
def ask(library: Library, recognizer: Recognizer) -> Ask:
    def ask_as_a_customer(shop: str, text: str) -> Answer:
        reading = recognizer.read(text)
        return library.ask(shop, reading.text, reading.topics)

    return ask_as_a_customer


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    """Copy the five policies, to be edited."""
    return shutil.copytree(ROOT / "knowledge", tmp_path / "knowledge")


@pytest.fixture
def index(tmp_path: Path, home: Path, library: Library) -> Path:
    """Name the index of an own data directory, for which all real clauses are encoded already."""
    assert library.shelves
    memo = tmp_path / "home" / "memo"
    memo.mkdir(parents=True)
    for encoded in (home / "memo").glob("passages-*.npz"):
        shutil.copy(encoded, memo)
    return tmp_path / "home" / "index"


@pytest.fixture
def reopen(knowledge: Path, index: Path, encoder: Encoder, training: tuple[Examples, ...], quiet: Progress) -> Open:
    return lambda: Library.open(knowledge, index.parent, encoder, training, quiet)


@pytest.fixture
def own(reopen: Open) -> Library:
    return reopen()


def numbers(answer: Answer) -> list[str]:
    return [found.clause.number for found in answer.clauses]


def text_of(library: Library, shop: str, number: str) -> str:
    return library.shelves[shop].policy.by_number[number].text


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def times(index: Path) -> dict[str, int]:
    return {str(path.relative_to(index)): path.stat().st_mtime_ns for path in index.rglob("*")}


@pytest.mark.parametrize(
    ("shop", "text", "number"),
    [
        ("protorg", "Сколько лет вы держите мои данные?", "5.1"),
        ("protorg", "Объясните, что за cookies такие", "1.1.6"),
        ("protorg", "Отдаёте ли вы мои данные курьерам?", "5.2"),
        ("protorg", "Куда писать вопросы по политике?", "9.3"),
        ("allurauto", "За сколько дней вы ответите на претензию?", "8.2"),
        ("allurauto", "При каких условиях вы обязаны блокировать данные?", "6.2.4"),
        ("jetu", "Куда писать вопросы по политике?", "5.9"),
        ("jetu", "Можете ли вы менять политику без моего согласия?", "5.8"),
        ("proeducation", "Куда писать вопросы по политике?", "5.9"),
        ("homeshop", "Каким образом отказываются от рассылки?", "4.3"),
        ("homeshop", "Что будет, если я отключу куки?", "3.3"),
        ("homeshop", "За сколько дней вы ответите на претензию?", "6.2"),
    ],
)
def test_a_question_gets_the_clause_that_answers_it(ask: Ask, shop: str, text: str, number: str) -> None:
    answer = ask(shop, text)
    assert numbers(answer)[0] == number
    assert (answer.silent_on, answer.missing) == ("", "")


@pytest.mark.parametrize(
    ("shop", "text", "topic"),
    [
        ("protorg", "За сколько дней вы ответите на претензию?", "claim_term"),
        ("protorg", "Каким образом отказываются от рассылки?", "unsubscribe_how"),
        ("protorg", "При каких условиях вы обязаны блокировать данные?", "right_block"),
        ("jetu", "Сколько лет вы держите мои данные?", "retention"),
        ("homeshop", "Куда писать вопросы по политике?", "contact"),
        ("homeshop", "Уходят ли мои данные за пределы Казахстана?", "crossborder"),
        ("allurauto", "По какому порядку у вас удаляют данные?", "deletion"),
    ],
)
def test_what_the_policy_does_not_say_is_named_and_no_clause_stands_in_for_it(
    ask: Ask, training: tuple[Examples, ...], shop: str, text: str, topic: str
) -> None:
    about = {examples.topic: examples.about for examples in training}
    assert ask(shop, text) == Answer((), silent_on=about[topic])


def test_topics_that_the_policy_answers_outweigh_a_smaller_silent_one(library: Library) -> None:
    answer = library.ask("protorg", "сколько хранятся мои данные и копии", {"retention": 0.6, "backup": 0.4})
    assert (numbers(answer)[0], answer.silent_on) == ("5.1", "")
    silent = library.ask("protorg", "сколько хранятся мои данные и копии", {"retention": 0.2, "backup": 0.8})
    assert (silent.clauses, silent.silent_on) == ((), "о резервных копиях и уничтожении")


def test_only_the_shares_of_the_topics_count(library: Library) -> None:
    sure = library.ask("jetu", "можно ли менять политику", {"policy_change": 0.9, "law": 0.1})
    unsure = library.ask("jetu", "можно ли менять политику", {"policy_change": 0.09, "law": 0.01})
    assert numbers(sure) == numbers(unsure)
    assert numbers(sure)[0] == "5.8"


def test_clauses_of_a_topic_come_in_the_owners_order(library: Library) -> None:
    answer = library.ask("protorg", "передаёте ли мои данные", {"share_third_parties": 1.0})
    assert numbers(answer)[:2] == list(library.shelves["protorg"].topics["share_third_parties"][:2]) == ["5.2", "5.3"]


def test_without_any_topic_the_nearest_clauses_are_given(library: Library) -> None:
    answer = library.ask("protorg", "внесение изменений в политику без согласия пользователя", {})
    assert numbers(answer)[0] == "9.1"


def test_of_a_topics_clauses_the_one_that_the_question_names_comes_first(library: Library) -> None:
    topic = {"share_third_parties": 1.0}
    assert library.shelves["protorg"].topics["share_third_parties"][:2] == ("5.2", "5.3")
    state = "передаёте ли вы данные уполномоченным органам государственной власти по основаниям законодательства"
    assert numbers(library.ask("protorg", state, topic))[0] == "5.3"


def test_at_most_three_clauses_are_given_best_first(ask: Ask) -> None:
    scores = [found.score for found in ask("protorg", "Отдаёте ли вы мои данные курьерам?").clauses]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


@pytest.mark.parametrize(
    ("shop", "text", "given"),
    [
        ("protorg", "что написано в пункте 5.2", ["5.2"]),
        ("homeshop", "что написано в пункте 5.2", ["5.2", "5.2.1"]),
        ("protorg", "раздел 9 целиком", ["9.1", "9.2", "9.3", "9.4"]),
        ("homeshop", "весь второй раздел", ["2.1", "2.2"]),
        ("jetu", "покажите пункт 1.1", ["1.1"]),
    ],
)
def test_a_clause_asked_for_by_number_is_given_by_number(ask: Ask, shop: str, text: str, given: list[str]) -> None:
    assert numbers(ask(shop, text)) == given


def test_a_section_asked_for_by_number_is_given_whole(ask: Ask) -> None:
    answer = ask("protorg", "раздел три")
    assert answer.whole == "3"
    assert numbers(answer)[:3] == ["3.1", "3.2", "3.2.1"]
    assert numbers(answer)[-1] == "3.4"


@pytest.mark.parametrize(("text", "missing"), [("пункт 7.9", "7.9"), ("седьмой раздел", "7"), ("пункт 5.2.1", "5.2.1")])
def test_a_number_that_the_policy_lacks_is_named(ask: Ask, text: str, missing: str) -> None:
    assert ask("protorg", text) == Answer((), missing=missing)


def test_five_shops_are_open_with_their_owners_topics(library: Library) -> None:
    assert sorted(library.shelves) == ["allurauto", "homeshop", "jetu", "proeducation", "protorg"]
    assert all("passport_iin" in shelf.silent for shelf in library.shelves.values())
    assert len({shelf.edition for shelf in library.shelves.values()}) == 5


def test_nothing_is_read_again_when_nothing_changed(own: Library, index: Path) -> None:
    shelves, before = own.shelves, times(index)
    assert not own.refresh()
    assert own.shelves is shelves
    assert times(index) == before


def test_nothing_is_built_again_by_the_next_start(own: Library, reopen: Open, index: Path) -> None:
    before = times(index)
    again = reopen()
    assert times(index) == before
    assert {shop: shelf.edition for shop, shelf in again.shelves.items()} == {
        shop: shelf.edition for shop, shelf in own.shelves.items()
    }


def test_slices_of_other_adapters_are_made_again(
    own: Library, knowledge: Path, index: Path, encoder: Encoder, training: tuple[Examples, ...], quiet: Progress
) -> None:
    assert own.shelves
    before = set(times(index))
    adapters = fit_or_load(training, encoder, index.parent, quiet)
    others = replace(adapters, clause_map=2 * adapters.clause_map)
    Library(knowledge, index.parent, encoder, training, others).refresh()
    assert len(before) == len(times(index)) == 5
    assert before.isdisjoint(times(index))


def test_an_edited_clause_is_taken_up_and_the_other_shops_stay(own: Library, knowledge: Path, index: Path) -> None:
    before, folders = dict(own.shelves), times(index)
    edit(knowledge / "homeshop" / "policy.txt", "в любое время, кликнув по ссылке", "раз в год, кликнув по ссылке")
    assert own.refresh()
    assert "раз в год" in text_of(own, "homeshop", "4.3")
    assert own.shelves["homeshop"].edition != before["homeshop"].edition
    assert own.shelves["jetu"].edition == before["jetu"].edition
    after = times(index)
    assert {name for name in folders if name not in after} == {name for name in folders if name.startswith("homeshop-")}
    assert all(after[name] == folders[name] for name in folders if name in after)


def test_only_the_words_that_were_edited_are_encoded(own: Library, knowledge: Path) -> None:
    edit(knowledge / "homeshop" / "policy.txt", "в любое время, кликнув по ссылке", "раз в год, кликнув по ссылке")
    seen: list[tuple[int, int]] = []
    own.refresh(lambda done, total: seen.append((done, total)))
    assert seen == [(2, 2)]  # the clause alone, and with its heading


def test_a_moved_answer_is_found_by_its_new_words(own: Library, knowledge: Path) -> None:
    edit(
        knowledge / "protorg" / "policy.txt",
        "- 9.4. Действующая",
        "- 9.4. Хомяки заказчика живут в клетке. Действующая",
    )
    own.refresh()
    assert numbers(own.ask("protorg", "где живут хомяки заказчика", {}))[0] == "9.4"


def test_the_nearer_a_clause_the_more_doubt_it_outweighs(library: Library) -> None:
    doubtful = {"share_third_parties": 0.2, "passport_iin": 0.2}  # one has a clause in protorg, one has none
    near = "передаёте ли вы персональные данные пользователя третьим лицам, курьерским службам, организациям связи"
    assert numbers(library.ask("protorg", near, doubtful, off_topic=0.3))[0] == "5.2"
    far = library.ask("protorg", "сколько лет черепахе", doubtful, off_topic=0.3)
    assert (far.clauses, far.silent_on) == ((), "")
    silent = library.ask("protorg", "сколько лет черепахе", doubtful, off_topic=0.1)
    assert (silent.clauses, silent.silent_on) == ((), "о паспорте и ИИН")


def test_what_is_rather_a_wish_is_hardly_doubted(library: Library) -> None:
    text, masses = "как перестать получать письма", {"unsubscribe_how": 0.001, "passport_iin": 0.002}
    assert library.ask("protorg", text, masses, off_topic=0.008).clauses
    assert not library.ask("protorg", text, {name: 100 * mass for name, mass in masses.items()}, 0.7).clauses


def test_a_clauses_score_falls_with_the_doubt(library: Library) -> None:
    text, topics = "кому вы передаёте данные", {"share_third_parties": 0.9}
    sure, unsure = (library.ask("protorg", text, topics, off_topic).clauses[0].score for off_topic in (0.0, 0.4))
    assert 1 > sure > unsure > 0.5
    assert library.doubt("protorg", text, topics, 0.0) < library.doubt("protorg", text, topics, 0.4) < 0


def test_an_edited_list_of_topics_is_taken_up(own: Library, knowledge: Path) -> None:
    topics = {"retention": 1.0}
    assert own.ask("jetu", "сколько хранятся данные", topics).silent_on == "о сроках хранения"
    edit(knowledge / "jetu" / "topics.yml", "  retention: []", '  retention: ["3.1"]')
    assert own.refresh()
    assert numbers(own.ask("jetu", "сколько хранятся данные", topics))[0] == "3.1"


def test_a_mistake_in_a_policy_leaves_the_old_one_in_use(own: Library, knowledge: Path, index: Path) -> None:
    path = knowledge / "protorg" / "policy.txt"
    shelves, before = own.shelves, times(index)
    edit(path, "- 5.6. Администрация", "- 5.4. Администрация")
    for _ in range(2):
        with pytest.raises(PolicyError) as caught:
            own.refresh()
        assert (caught.value.path, caught.value.line) == (path, 100)
    assert own.shelves is shelves
    assert times(index) == before
    assert numbers(own.ask("protorg", "пункт 5.6", {})) == ["5.6"]
    edit(path, "- 5.4. Администрация сайта совместно", "- 5.6. Отныне Администрация сайта совместно")
    assert own.refresh()
    assert text_of(own, "protorg", "5.6").startswith("Отныне Администрация")


def test_a_mistake_in_a_list_of_topics_leaves_all_shops_in_use(own: Library, knowledge: Path) -> None:
    shelves = own.shelves
    edit(knowledge / "jetu" / "topics.yml", "  retention: []", '  retention: ["77.1"]')
    edit(knowledge / "homeshop" / "policy.txt", "в любое время, кликнув по ссылке", "раз в год, кликнув по ссылке")
    with pytest.raises(IntentsError) as caught:
        own.refresh()
    assert (caught.value.path, caught.value.what) == (
        knowledge / "jetu" / "topics.yml",
        "темы retention: в политике нет пункта 77.1",
    )
    assert own.shelves is shelves
    assert "в любое время" in text_of(own, "homeshop", "4.3")


def test_a_question_in_flight_keeps_the_edition_it_began_with(
    own: Library, knowledge: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = encoder.query

    def edited_meanwhile(text: str) -> Vector:
        edit(knowledge / "homeshop" / "policy.txt", "в любое время, кликнув по ссылке", "раз в год, кликнув по ссылке")
        assert own.refresh()
        return query(text)

    topics = {"unsubscribe_how": 1.0}
    monkeypatch.setattr(encoder, "query", edited_meanwhile)
    answer = own.ask("homeshop", "как отказаться от ваших писем", topics)
    monkeypatch.undo()
    assert numbers(answer)[0] == "4.3"
    assert "в любое время" in answer.clauses[0].clause.text
    assert "раз в год" in own.ask("homeshop", "как отказаться от ваших писем", topics).clauses[0].clause.text


def test_a_new_shop_is_taken_up_and_a_closed_one_is_gone(own: Library, knowledge: Path) -> None:
    (knowledge / "tulpar").mkdir()
    (knowledge / "tulpar" / "policy.md").write_text("1. Имя.\n2. Данные храним один год.\n", encoding="utf-8")
    shutil.rmtree(knowledge / "jetu")
    assert own.refresh()
    assert sorted(own.shelves) == ["allurauto", "homeshop", "proeducation", "protorg", "tulpar"]
    assert numbers(own.ask("tulpar", "пункт 2", {})) == ["2"]
    assert numbers(own.ask("tulpar", "сколько лет хранятся данные", {}))[0] == "2"


def test_a_shop_without_a_list_of_topics_gets_a_proposal(own: Library, knowledge: Path) -> None:
    (knowledge / "homeshop" / "topics.yml").unlink()
    assert own.refresh()
    shelf = own.shelves["homeshop"]
    best = {topic: shelf.topics[topic][:1] for topic in ("claim_term", "cookies_off", "policy_change", "breach_notice")}
    assert best == {
        "claim_term": ("6.2",),
        "cookies_off": ("3.3",),
        "policy_change": ("7.1",),
        "breach_notice": ("5.4.4",),
    }
    assert numbers(own.ask("homeshop", "за сколько дней ответите на претензию", {"claim_term": 1.0}))[0] == "6.2"


def test_a_proposal_is_silent_where_no_clause_is_like_the_answers_elsewhere(own: Library, knowledge: Path) -> None:
    (knowledge / "homeshop" / "topics.yml").unlink()
    own.refresh()
    assert own.ask("homeshop", "дадите ли копию данных", {"portability": 1.0}).silent_on == "о выдаче копии данных"
    assert own.ask("homeshop", "пишете ли звонки", {"calls": 1.0}).clauses == ()


def test_two_policies_in_one_shop_are_refused(own: Library, knowledge: Path) -> None:
    second = knowledge / "jetu" / "policy.md"
    second.write_text("1. Имя.\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="Оставьте один файл политики"):
        own.refresh()
    assert "jetu" in own.shelves
    second.unlink()
    assert not own.refresh()


def test_an_empty_room_of_policies_is_refused(
    tmp_path: Path, encoder: Encoder, training: tuple[Examples, ...], quiet: Progress
) -> None:
    (tmp_path / "knowledge").mkdir()
    with pytest.raises(PolicyError, match=r"Положите текст политики в knowledge/<магазин>/policy\.txt"):
        Library.open(tmp_path / "knowledge", tmp_path, encoder, training, quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["knowledge"]


@pytest.fixture
def unmapped(own: Library, knowledge: Path) -> Library:
    """Open the shops when the owner of one has mapped nothing."""
    (knowledge / "protorg" / "topics.yml").unlink()
    assert own.refresh()
    return own


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Сколько лет вы держите мои данные?", "5.1"),
        ("Вы можете поменять политику без предупреждения?", "9.1"),
        ("Куда писать вопросы по политике?", "9.3"),
        ("Объясните, что за cookies такие", "1.1.6"),
    ],
)
def test_a_policy_that_nobody_mapped_answers(unmapped: Library, recognizer: Recognizer, text: str, number: str) -> None:
    reading = recognizer.read(text)
    answer = unmapped.ask("protorg", reading.text, reading.topics)
    assert numbers(answer)[0] == number
    assert all(0 < found.score <= 1 for found in answer.clauses)


def test_a_policy_that_nobody_mapped_can_be_silent(unmapped: Library, recognizer: Recognizer) -> None:
    reading = recognizer.read("нейросети на моих переписках обучаете?")
    answer = unmapped.ask("protorg", reading.text, reading.topics)
    assert answer.clauses == ()
    assert answer.silent_on


def test_only_the_words_that_were_edited_in_an_unmapped_policy_are_encoded(unmapped: Library, knowledge: Path) -> None:
    edit(knowledge / "protorg" / "policy.txt", "- 9.4. Действующая", "- 9.4. Отныне действующая")
    seen: list[tuple[int, int]] = []
    unmapped.refresh(lambda done, total: seen.append((done, total)))
    assert seen == [(2, 2)]


def test_a_topic_that_the_owner_left_out_is_proposed(own: Library, knowledge: Path) -> None:
    edit(knowledge / "protorg" / "topics.yml", '  retention: ["5.1"]\n', "")
    assert own.refresh()
    assert own.shelves["protorg"].topics["retention"][0] == "5.1"
    assert "passport_iin" in own.shelves["protorg"].silent

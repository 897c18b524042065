"""A clause or a section that the customer names by number is found; other numbers are left alone."""

import pytest

from index.references import Reference, find_reference, is_unmistakable


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("что написано в пункте 5.2", "5.2"),
        ("Прочитайте мне пункт 4.1.10, пожалуйста", "4.1.10"),
        ("п. 3.3.1", "3.3.1"),
        ("п5.4", "5.4"),
        ("п.п. 5.3", "5.3"),
        ("подпункт 4.1.2 объясните", "4.1.2"),
        ("пункт номер 9.3", "9.3"),
        ("пункт под номером 9.3", "9.3"),
        ("статья 6 это о чём", "6"),
        ("глава 2", "2"),
        ("параграф 8", "8"),
        ("5-й пункт", "5"),
        ("6.1 пункт", "6.1"),
        ("пункт 5,2", "5.2"),
        ("пункт 5 . 2", "5.2"),
        ("Пункт 7.", "7"),
    ],
)
def test_a_number_beside_its_noun_is_a_reference(text: str, number: str) -> None:
    assert find_reference(text) == Reference(number, whole=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("раздел три", "3"),
        ("что в первом разделе", "1"),
        ("второй раздел", "2"),
        ("в пункте пятом", "5"),
        ("шестая глава", "6"),
        ("седьмой раздел", "7"),
        ("восьмой пункт", "8"),
        ("раздел девять", "9"),
        ("раздел десять", "10"),
        ("раздел одиннадцать", "11"),
        ("двенадцатый раздел", "12"),
    ],
)
def test_a_number_in_words_is_a_reference(text: str, number: str) -> None:
    assert find_reference(text) == Reference(number, whole=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [("show me section 5.2", "5.2"), ("clause 3", "3"), ("5.2 тармақ", "5.2"), ("4 бөлім", "4"), ("тармак 6.1", "6.1")],
)
def test_references_are_read_in_english_and_kazakh(text: str, number: str) -> None:
    assert find_reference(text) == Reference(number, whole=False)


@pytest.mark.parametrize("text", ["4.2", "а 4.2?", "и 4.2", "покажи 4.2", "4.2.", " 4,2 "])
def test_a_message_that_is_a_number_alone_is_a_reference(text: str) -> None:
    assert find_reference(text) == Reference("4.2", whole=False)


@pytest.mark.parametrize(
    "text",
    ["раздел 5 целиком", "пятый раздел полностью", "весь раздел 5", "покажи всю главу 5", "whole section 5"],
)
def test_a_customer_may_ask_for_all_of_a_section(text: str) -> None:
    assert find_reference(text) == Reference("5", whole=True)


def test_the_first_of_two_references_is_taken() -> None:
    assert find_reference("сравните пункт 5.2 и пункт 5.3") == Reference("5.2", whole=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "куда уходят мои данные",
        "мне 30 лет",
        "ответ обещали за 30 календарных дней",
        "мой номер +7 701 123 45 67",
        "заказ 5512 ещё не пришёл",
        "пункт выдачи 5 закрыт",
        "в пункте выдачи №3 очередь",
        "пункт самовывоза 2",
        "что в этом пункте",
        "пункт 100",
        "7",
    ],
)
def test_other_numbers_are_no_references(text: str) -> None:
    assert find_reference(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("пункт пять точка два", "5.2"),
        ("пункт 4-2", "4.2"),
        ("пункт № 5.2", "5.2"),
        ("§ 5.2", "5.2"),
        ("раздел V", "5"),
        ("второй пункт пятого раздела", "5.2"),
        ("раздел 4, подпункт 4.1.8", "4.1.8"),
        ("раздел 5, пункт 3", "5.3"),
        ("что такое 3.3.1", "3.3.1"),
        ("процитируй 2.1", "2.1"),
        ("менеджер сослался на пункт 6.2.4, что там написано в политике, если дословно", "6.2.4"),
    ],
)
def test_a_number_may_be_said_in_many_ways(text: str, number: str) -> None:
    found = find_reference(text)
    assert found is not None
    assert found.number == number


@pytest.mark.parametrize("text", ["дали 2.5 литра", "версия 3.3.1", "в 10.30 привезли", "глава компании"])
def test_a_number_of_something_else_is_no_reference(text: str) -> None:
    assert find_reference(text) is None


@pytest.mark.parametrize(
    "text", ["пункт 4.2", "покажи раздел 4", "а в третьем пункте?", "в пункте 5.2 мне непонятно всё от начала"]
)
def test_a_dotted_number_or_a_short_message_can_mean_nothing_else(text: str) -> None:
    reference = find_reference(text)
    assert reference is not None
    assert is_unmistakable(reference, text)


def test_a_number_in_a_longer_sentence_can_mean_something_else() -> None:
    text = "пункт 3 на карте закрыт, вчера приезжал зря"
    reference = find_reference(text)
    assert reference is not None
    assert not is_unmistakable(reference, text)

"""A policy is read clause by clause, word for word; what cannot be read names file, line and remedy."""

from pathlib import Path

import pytest

from index.clauses import Policy, PolicyError, order, read_policy

KNOWLEDGE = Path(__file__).resolve().parents[1] / "knowledge"
TERMS = "1.1 1.1.1 1.1.2 1.1.3 1.1.4 1.1.5 1.1.6 1.1.7"
PURPOSES = "4.1 4.1.1 4.1.2 4.1.3 4.1.4 4.1.5 4.1.6 4.1.7 4.1.8 4.1.9 4.1.10 4.1.11 4.1.12"
LEARNING = (
    "1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 1.10 1.11",
    "2.1 2.2 2.2.1 2.2.2 2.2.3 2.2.4 2.3",
    "3.1 3.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.2.6 3.2.7 3.2.8 3.2.9 3.3 3.4",
    "4.1 4.1.1 4.1.2 4.2 4.2.1 4.3 4.3.1 4.3.2 4.3.3 4.4",
    "5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8 5.9 5.10",
)
NUMBERS = {  # counted by hand in the policies
    "protorg": (
        TERMS,
        "2.1 2.2 2.3 2.4",
        "3.1 3.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.3 3.3.1 3.3.2 3.4",
        PURPOSES,
        "5.1 5.2 5.3 5.4 5.5 5.6",
        "9.1 9.2 9.3 9.4",
    ),
    "allurauto": (
        TERMS,
        "2.1 2.2 2.3 2.4",
        "3.1 3.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.3 3.3.1 3.3.2 3.4",
        PURPOSES,
        "5.1 5.2 5.3 5.4 5.5 5.6",
        "6.1 6.1.1 6.1.2 6.2 6.2.1 6.2.2 6.2.3 6.2.4",
        "7.1 7.2 7.2.1 7.2.2 7.2.3",
        "8.1 8.2 8.3 8.4",
        "9.1 9.2 9.3 9.4",
    ),
    "jetu": LEARNING,
    "proeducation": LEARNING,
    "homeshop": (
        "1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9",
        "2.1 2.2",
        "3.1 3.2 3.3 3.4",
        "4.1 4.2 4.2.1 4.2.2 4.2.3 4.2.4 4.2.5 4.2.6 4.2.7 4.2.8 4.2.9 4.2.10 4.3",
        "5.1 5.1.1 5.1.2 5.2 5.2.1 5.3 5.3.1 5.3.2 5.4 5.4.1 5.4.2 5.4.3 5.4.4",
        "6.1 6.2 6.3",
        "7.1 7.2",
    ),
}
COUNTS = {"protorg": 46, "allurauto": 63, "jetu": 51, "proeducation": 51, "homeshop": 46}
PIXEL = (
    "Интернет-магазин защищает Данные, которые автоматически передаются в процессе просмотра рекламных блоков и при "
    'посещении страниц, на которых установлен статистический скрипт системы ("пиксель"):\n'
    "IP адрес;\n"
    "информация из cookies;\n"
    "информация о браузере (или иной программе, которая осуществляет доступ к показу рекламы);\n"
    "время доступа;\n"
    "адрес страницы, на которой расположен рекламный блок;\n"
    "реферер (адрес предыдущей страницы)."
)
IN_SECRET = (
    "обеспечить хранение конфиденциальной информации в тайне, не разглашать без предварительного письменного "
    "разрешения Пользователя переданных персональных данных, за исключением передачи данных в целях выполнения заказа "
    "Пользователя (курьерским службам, организациям почтовой связи, банкам и т.п.), а также уполномоченным "
    "государственным органам Республики Казахстан в порядке, установленным законодательством РК;"
)
TEXTS = {
    ("protorg", "1.1.5"): (
        "«Пользователь сайта Интернет-магазина (далее ? Пользователь)» – лицо, имеющее доступ к Сайту, посредством "
        "сети Интернет и использующее Сайт интернет-магазина."
    ),
    ("protorg", "3.3"): PIXEL,
    ("protorg", "3.3.1"): (
        "Отключение cookies может повлечь невозможность доступа к частям сайта Интернет-магазина, требующим "
        "авторизации."
    ),
    ("protorg", "9.3"): (
        "Все предложения или вопросы по настоящей Политике конфиденциальности следует сообщать info@protorg.kz"
    ),
    ("allurauto", "1.1.1"): (
        "«Администрация сайта Интернет-магазина (далее – Администрация сайта) » – уполномоченные сотрудники на "
        "управление сайтом, действующие от имен компании ТОО «_____» ,которые организуют и (или) осуществляет "
        "обработку персональных данных, а также определяет цели обработки персональных данных, состав персональных "
        "данных, подлежащих обработке, действия (операции), совершаемые с персональными данными."
    ),
    ("allurauto", "3.1"): (
        "Настоящая Политика конфиденциальности устанавливает обязательства Администрации сайта интернет-магазина по "
        "неразглашению и обеспечению режима защиты конфиденциальности персональных данных, которые Пользователь "
        "предоставляет по запросу Администрации сайта при регистрации на сайте интернет-магазина или при оформлении "
        "заказа для приобретения Товара."
    ),
    ("allurauto", "3.3"): PIXEL,
    ("allurauto", "6.2.2"): (
        "Обеспечить хранение конфиденциальной информации в тайне, не разглашать без предварительного письменного "
        "разрешения Пользователя, а также не осуществлять продажу, обмен, опубликование, либо разглашение иными "
        "возможными способами переданных персональных данных Пользователя, за исключением п.п. 5.2. и 5.3. настоящей "
        "Политики Конфиденциальности."
    ),
    ("allurauto", "9.4"): (
        "Действующая Политика конфиденциальности размещена на странице по адресу https://www.allurauto.kz/"
    ),
    ("jetu", "1.11"): (
        "IP-адрес — уникальный сетевой адрес узла в компьютерной сети, построенной по протоколу IP, позволяющий "
        "определить местонахождение Покупателя. Интернет-магазин не отслеживает местоположение, подробнее чем город "
        "и область."
    ),
    ("jetu", "4.1.2"): (
        "изменять, дополнять предоставленную информацию в случае обнаружения некорректных данных при пользовании "
        "Интернет-магазином."
    ),
    ("jetu", "5.10"): (
        "Продавец не несет ответственности за действия третьих лиц, получивших в результате использования Интернета "
        "доступ к информации о Покупателе, за последствия использования информации, которая доступна любому "
        "пользователю сети Интернет."
    ),
    ("proeducation", "4.3.2"): IN_SECRET,
    ("proeducation", "5.9"): (
        "Все предложения или вопросы по поводу настоящей Политики конфиденциальности следует сообщать по адресу: "
        "sales@proeducation.kz"
    ),
    ("homeshop", "4.2.10"): "Предоставления Покупателю кредита (рассрочки) от партнерских банков",
    ("homeshop", "4.3"): (
        "В случае, если Посетитель получает email-письма, он вправе отказаться от получения рассылки в любое время, "
        "кликнув по ссылке «Отписаться» внизу письма."
    ),
    ("homeshop", "5.2.1"): (
        "На доступ и редактирование информации о персональных данных в любое время через веб-интерфейс, "
        "предоставляемый в рамках сервисов."
    ),
    ("homeshop", "5.4.2"): (
        "Пользователь соглашается с тем, что Администрация сайта вправе передавать персональные данные третьим лицам, "
        "в частности, Продавцам, работающим в системе Noteshop в случае оформления заказов через них, курьерским "
        "службам, организациями почтовой связи, операторам электросвязи, исключительно в целях выполнения заказа "
        "Пользователя, оформленного на Сайте, включая доставку товара"
    ),
    ("homeshop", "7.2"): (
        "Новая Политика конфиденциальности вступает в силу с момента ее размещения на Сайте, если иное не "
        "предусмотрено новой редакцией Политики конфиденциальности."
    ),
}
HEADINGS = {
    "protorg": {
        "1": "ОПРЕДЕЛЕНИЕ ТЕРМИНОВ",
        "2": "ОБЩИЕ ПОЛОЖЕНИЯ",
        "3": "ПРЕДМЕТ ПОЛИТИКИ КОНФИДЕНЦИАЛЬНОСТИ",
        "4": "ЦЕЛИ СБОРА ПЕРСОНАЛЬНОЙ ИНФОРМАЦИИ ПОЛЬЗОВАТЕЛЯ",
        "5": "СПОСОБЫ И СРОКИ ОБРАБОТКИ ПЕРСОНАЛЬНОЙ ИНФОРМАЦИИ",
        "9": "ДОПОЛНИТЕЛЬНЫЕ УСЛОВИЯ",
    },
    "homeshop": {
        "1": "Определение терминов",
        "2": "Общие положения",
        "3": "Предмет политики персональных данных",
        "4": "Цели сбора и обработки персональных данных",
        "5": "Права и обязанности сторон",
        "6": "Разрешение споров",
        "7": "Дополнительные условия",
    },
}
MAY_USE = "Персональные данные Пользователя Администрация сайта интернет-магазина может использовать в целях:"
LEAD_INS = (
    ("protorg", "4.1.10", "4.1", MAY_USE),
    ("protorg", "1.1.7", "1.1", "В настоящей Политике конфиденциальности используются следующие термины:"),
    ("protorg", "3.3.2", "3.3", ""),  # 3.3 is a full sentence
    ("allurauto", "6.2.4", "6.2", "Администрация сайта обязана:"),
    ("jetu", "4.1.2", "4.1", "Покупатель обязан:"),
    ("homeshop", "5.2.1", "5.2", "Пользователь вправе"),
)


def policy_of(shop: str) -> Policy:
    return read_policy(KNOWLEDGE / shop / "policy.txt")


def read(folder: Path, content: str | bytes) -> Policy:
    path = folder / "policy.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_policy(path)


def clauses(folder: Path, content: str | bytes) -> dict[str, str]:
    return {clause.number: clause.text for clause in read(folder, content).clauses}


def refusal(folder: Path, content: str | bytes) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        read(folder, content)
    assert caught.value.path == folder / "policy.txt"
    assert str(caught.value).startswith(f"{caught.value.path}:{caught.value.line}: ")
    assert caught.value.remedy in str(caught.value)
    return caught.value


@pytest.mark.parametrize("shop", NUMBERS)
def test_every_clause_of_a_shop_is_found_in_order(shop: str) -> None:
    expected = " ".join(NUMBERS[shop]).split()
    assert len(expected) == COUNTS[shop]
    assert [clause.number for clause in policy_of(shop).clauses] == expected


@pytest.mark.parametrize(("shop", "number"), TEXTS)
def test_a_clause_is_read_word_for_word(shop: str, number: str) -> None:
    assert policy_of(shop).by_number[number].text == TEXTS[shop, number]


@pytest.mark.parametrize("shop", NUMBERS)
def test_no_clause_carries_another_number_or_a_mark_of_layout(shop: str) -> None:
    for clause in policy_of(shop).clauses:
        assert clause.text == clause.text.strip()
        assert "**" not in clause.text
        assert "<http" not in clause.text
        assert not clause.text.startswith(("-", "*", clause.number))


@pytest.mark.parametrize("shop", HEADINGS)
def test_headings_are_found_wherever_they_stand(shop: str) -> None:
    assert {section.number: section.heading for section in policy_of(shop).sections} == HEADINGS[shop]


def test_a_heading_right_under_a_clause_is_not_glued_to_it() -> None:
    policy = policy_of("homeshop")
    assert policy.by_number["4.3"].text.endswith("«Отписаться» внизу письма.")
    assert policy.by_number["5.1"].heading == "Права и обязанности сторон"
    assert policy.by_number["6.3"].text.endswith("законодательством Республики Казахстан.")
    assert policy.by_number["7.1"].heading == "Дополнительные условия"


@pytest.mark.parametrize(("shop", "number", "parent", "lead_in"), LEAD_INS)
def test_a_point_knows_the_clause_above_it_and_the_words_it_finishes(
    shop: str, number: str, parent: str, lead_in: str
) -> None:
    clause = policy_of(shop).by_number[number]
    assert (clause.parent, clause.lead_in) == (parent, lead_in)


def test_a_clause_right_below_its_section_has_no_parent() -> None:
    clause = policy_of("protorg").by_number["9.3"]
    assert (clause.parent, clause.lead_in, clause.section) == (None, "", "9")


def test_a_clause_knows_its_line_in_the_file() -> None:
    policy = policy_of("protorg")
    lines = (KNOWLEDGE / "protorg" / "policy.txt").read_text(encoding="utf-8").splitlines()
    assert policy.by_number["3.3.1"].line == 66
    assert all(clause.number in lines[clause.line - 1] for clause in policy.clauses)


def test_protorg_has_no_sections_six_to_eight() -> None:
    policy = policy_of("protorg")
    assert [policy.in_section(number) for number in ("6", "7", "8")] == [(), (), ()]
    assert [clause.number for clause in policy.in_section("9")] == ["9.1", "9.2", "9.3", "9.4"]


def test_clauses_under_a_clause_are_its_own_and_not_its_neighbours() -> None:
    under = policy_of("jetu").under("1.1"), policy_of("homeshop").under("5.4")
    assert [[clause.number for clause in found] for found in under] == [[], ["5.4.1", "5.4.2", "5.4.3", "5.4.4"]]


@pytest.mark.parametrize(
    ("shop", "start", "end"),
    [
        ("protorg", "ПОЛИТИКА КОНФИДЕНЦИАЛЬНОСТИ", "сайта Интернет-магазина, программ и продуктов Интернет-магазина."),
        ("allurauto", "Публичная оферта. Конфиденциальность персональных данных", "продуктов Интернет-магазина."),
        (
            "jetu",
            "Политика конфиденциальности персональных данных",
            "во время пользования ими сайтом Интернет-магазина.",
        ),
        (
            "homeshop",
            "Политика конфиденциальности персональных данных",
            "и Пользователем во время использования Сайта.",
        ),
    ],
)
def test_what_stands_before_the_first_section_is_the_preamble(shop: str, start: str, end: str) -> None:
    preamble = policy_of(shop).preamble
    assert (preamble[: len(start)], preamble[-len(end) :]) == (start, end)


def test_a_sentence_of_the_preamble_broken_by_a_blank_line_is_whole() -> None:
    assert "Интернет-магазин «PROtorg.kz», расположенный на доменном имени protorg.kz" in policy_of("protorg").preamble


@pytest.mark.parametrize("shop", NUMBERS)
def test_the_five_policies_leave_no_number_out(shop: str) -> None:
    assert policy_of(shop).gaps == ()


def test_days_at_the_start_of_a_line_are_not_a_clause(tmp_path: Path) -> None:
    text = "8. Споры\n8.1. Ответ даётся в течение\n30 календарных дней.\n8.2. Дальше - суд.\n"
    assert clauses(tmp_path, text) == {"8.1": "Ответ даётся в течение 30 календарных дней.", "8.2": "Дальше - суд."}


@pytest.mark.parametrize("before", ["п.", "п.п.", "пункте", "в разделе", "статье"])
def test_a_reference_broken_by_a_line_is_not_a_clause(tmp_path: Path, before: str) -> None:
    text = f"5. Передача\n5.1. Кроме того, что названо в {before}\n5.2. настоящей политики.\n5.2. Курьерам.\n"
    found = clauses(tmp_path, text)
    assert " ".join(found["5.1"].split()) == f"Кроме того, что названо в {before} 5.2. настоящей политики."
    assert found["5.2"] == "Курьерам."


def test_a_reference_elsewhere_in_the_middle_of_a_sentence_is_not_a_clause(tmp_path: Path) -> None:
    text = "3. Предмет\n3.1. Кроме случаев п.п. 5.2. и\n5.3. настоящей политики.\n3.2. Ещё.\n"
    assert clauses(tmp_path, text) == {"3.1": "Кроме случаев п.п. 5.2. и 5.3. настоящей политики.", "3.2": "Ещё."}


def test_sections_may_be_left_out(tmp_path: Path) -> None:
    policy = read(tmp_path, "5. Способы\n5.1. Любым.\n\n9. Прочее\n9.1. Политика меняется.\n")
    assert [(section.number, section.heading) for section in policy.sections] == [("5", "Способы"), ("9", "Прочее")]
    assert [clause.number for clause in policy.clauses] == ["5.1", "9.1"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Раздел 1. Общее", "Раздел 2. Сбор"),
        ("ГЛАВА I. Общее", "ГЛАВА II. Сбор"),
        ("Статья 1: Общее", "Статья 2: Сбор"),
        ("Статья 1\nОбщее", "Статья 2\nСбор"),
        ("§ 1. Общее", "§ 2. Сбор"),
        ("I. Общее", "II. Сбор"),
    ],
)
def test_sections_may_be_named_or_have_roman_numbers(tmp_path: Path, first: str, second: str) -> None:
    policy = read(tmp_path, f"{first}\n\n1.1. Политика действует.\n\n{second}\n\nМы собираем имя.\n")
    assert [(section.number, section.heading) for section in policy.sections] == [("1", "Общее"), ("2", "Сбор")]
    assert [(clause.number, clause.text) for clause in policy.clauses] == [
        ("1.1", "Политика действует."),
        ("2", "Мы собираем имя."),
    ]


def test_points_counted_through_all_chapters_belong_to_their_chapter(tmp_path: Path) -> None:
    text = "Глава 1. Общее\n1. Раз.\n2. Два.\nГлава 2. Сбор\n3. Три.\n"
    assert clauses(tmp_path, text) == {"1": "1. Раз.\n2. Два.", "2": "3. Три."}


def test_a_law_that_is_named_at_the_start_of_a_line_is_no_section(tmp_path: Path) -> None:
    text = "1. Общее\n1.1. Данные хранит\nСтатья 12 Закона и\nГлава 3 Кодекса.\n1.2. Два.\n"
    assert clauses(tmp_path, text) == {"1.1": "Данные хранит Статья 12 Закона и Глава 3 Кодекса.", "1.2": "Два."}


def test_a_small_gap_between_clauses_is_read_and_recorded(tmp_path: Path) -> None:
    policy = read(tmp_path, "1. Общее\n1.1. Раз.\n1.2. Два.\n\n1.4. Четыре.\n1.5. Пять.\n")
    assert [clause.number for clause in policy.clauses] == ["1.1", "1.2", "1.4", "1.5"]
    assert policy.gaps == ((5, "1.4"),)


@pytest.mark.parametrize("number", ["1.2", "1.1", "1.9", "4.7"])
def test_a_number_out_of_order_is_refused_with_its_line(tmp_path: Path, number: str) -> None:
    error = refusal(tmp_path, f"1. Общее\n1.1. Раз.\n1.2. Два.\n\n{number}. Ещё раз.\n")
    assert (error.line, error.what) == (5, f"после 1.2 стоит {number}")
    assert "номера идут по порядку и не повторяются" in error.remedy


def test_a_file_in_another_encoding_is_refused_with_its_first_wrong_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, b"1. General\n1.1. Text.\n" + "1.2. Данные.\n".encode("cp1251"))
    assert (error.line, error.remedy) == (3, "Сохраните файл в кодировке UTF-8.")


@pytest.mark.parametrize("content", ["", "\n\n", "Мы бережём ваши данные.\nЧестно.\n"])
def test_a_file_without_numbers_is_refused(tmp_path: Path, content: str) -> None:
    error = refusal(tmp_path, content)
    assert (error.line, error.what) == (1, "нет ни одного пронумерованного пункта")


@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_number_alone_on_its_line_takes_the_words_below(tmp_path: Path, blank: str) -> None:
    text = f"1. Общее\n1.1.\n{blank}Данные хранятся\nгод.\n1.2. Два.\n"
    assert clauses(tmp_path, text) == {"1.1": "Данные хранятся год.", "1.2": "Два."}


@pytest.mark.parametrize("rest", ["1.3. Три.\n", ""])
def test_an_empty_clause_is_refused_with_its_line(tmp_path: Path, rest: str) -> None:
    error = refusal(tmp_path, f"1. Общее\n1.1. Раз.\n1.2.\n\n{rest}")
    assert (error.line, error.what) == (3, "пункт 1.2 пуст")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_byte_order_marks_of_windows_change_nothing(tmp_path: Path, end: str, mark: bytes) -> None:
    text = "1. Общее\n1.1. Данные хранятся\nгод.\n1.2. Два.\n".replace("\n", end)
    policy = read(tmp_path, mark + text.encode())
    assert [clause.text for clause in policy.clauses] == ["Данные хранятся год.", "Два."]
    assert (policy.preamble, policy.sections[0].heading) == ("", "Общее")


def test_numbers_of_one_level_are_clauses(tmp_path: Path) -> None:
    policy = read(tmp_path, "Политика\n\n1. Мы храним имя.\n2. Мы не храним\nпаспорт.\n3. Пишите нам.\n")
    texts = {clause.number: clause.text for clause in policy.clauses}
    assert texts == {"1": "Мы храним имя.", "2": "Мы не храним паспорт.", "3": "Пишите нам."}
    assert policy.preamble == "Политика"


def test_markdown_headings_and_bold_are_taken_off(tmp_path: Path) -> None:
    text = "# Политика\n\n## 1. **Общее**\n\n**1.1.** Данные **хранятся** год.\n\n### 1.2. Прочее\n\n* 1.2.1. Почта.\n"
    policy = read(tmp_path, text)
    texts = {clause.number: clause.text for clause in policy.clauses}
    assert texts == {"1.1": "Данные хранятся год.", "1.2": "Прочее", "1.2.1": "Почта."}
    assert (policy.preamble, policy.sections[0].heading) == ("Политика", "Общее")


def test_items_of_a_list_keep_their_lines_and_lose_their_marks(tmp_path: Path) -> None:
    text = "1. Сбор\n1.1. Мы храним:\n- имя,\n• телефон\n— адрес\n\n1.2. И всё.\n"
    assert clauses(tmp_path, text) == {"1.1": "Мы храним:\nимя,\nтелефон\nадрес", "1.2": "И всё."}


def test_a_new_paragraph_of_a_clause_begins_a_new_line(tmp_path: Path) -> None:
    text = "1. Сбор\n1.1. Имя, телефон\n\nПаспорт не нужен.\n1.2. И всё.\n"
    assert clauses(tmp_path, text)["1.1"] == "Имя, телефон\nПаспорт не нужен."


def test_links_in_angle_brackets_stay_as_addresses(tmp_path: Path) -> None:
    text = "1. Связь\n1.1. Сайт <https://protorg.kz/политика>, почта <mailto:info@protorg.kz>.\n"
    assert clauses(tmp_path, text)["1.1"] == "Сайт https://protorg.kz/политика, почта mailto:info@protorg.kz."


def test_unbreakable_spaces_and_tabs_part_a_number_from_its_words(tmp_path: Path) -> None:
    assert clauses(tmp_path, "1.\u00a0Общее\n1.1.\u00a0Имя.\n1.2\tАдрес.\n") == {"1.1": "Имя.", "1.2": "Адрес."}


def test_ten_comes_after_nine() -> None:
    assert sorted(["4.1.10", "4.2", "4.1.9", "4.1"], key=order) == ["4.1", "4.1.9", "4.1.10", "4.2"]


def test_prose_right_under_a_heading_answers_as_the_section(tmp_path: Path) -> None:
    policy = read(tmp_path, "1. Файлы cookie\nСайт сохраняет файлы.\nИх можно отключить.\n2. Контакты\nПишите нам.\n")
    assert policy.by_number["1"].text == "Сайт сохраняет файлы.\nИх можно отключить."
    assert policy.by_number["1"].heading == "Файлы cookie"


def test_a_table_and_a_lettered_list_keep_their_lines(tmp_path: Path) -> None:
    table = "1. СРОКИ\nДанные | Срок\nИмя | 1 год\nЧеки | 5 лет\n"
    policy = read(tmp_path, table + "2. ЦЕЛИ\n2.1. Данные нужны для\nа) доставки\nб) оплаты\n")
    assert policy.by_number["1"].text == "Данные | Срок\nИмя | 1 год\nЧеки | 5 лет"
    assert policy.by_number["2.1"].text == "Данные нужны для\nа) доставки\nб) оплаты"


def test_a_table_copied_with_tabs_keeps_its_rows_and_the_clause_after_it(tmp_path: Path) -> None:
    table = "Данные\tГде нужны (цель)\nИмя (по желанию)\tв пунктах\n1.2.\tКарту видит банк.\n"
    policy = read(tmp_path, "1. СРОКИ\n1.1.\tДанные указаны в таблице.\n" + table)
    assert policy.by_number["1.1"].text == (
        "Данные указаны в таблице.\nДанные | Где нужны (цель)\nИмя (по желанию) | в пунктах"
    )
    assert policy.by_number["1.2"].text == "Карту видит банк."

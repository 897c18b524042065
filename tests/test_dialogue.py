"""A conversation leads from a wish to a ticket, answers what is asked on the way, and sends nothing without a yes.

Aigul writes to the shops; Daniyar, in another chat, must never see what is hers.
"""

# ruff: noqa: F401, F811  # a fixture is imported by its name and then asked for by it

from datetime import date

import pytest
from house_fixtures import AFFIRM, Chat, Enter, enter, house

from bot.dialogue import LONGEST_MESSAGE
from bot.house import House
from index.recognizer import Reading, Recognizer

AIGUL = "aigul@example.kz"
PHONE = "+77011234567"
DELETE = "Сотрите мой профиль навсегда"
COMPLAIN = "Жалуюсь: мой номер передали мошенникам"
CALLS = "Вчера утром звонили из чужого банка и знали мою фамилию"
RECTIFY = "В моём профиле опечатка в фамилии, исправьте"
NEW_NAME = "В анкете написано Ахметова, а надо Сериккызы"
ABROAD = "Передаёте ли вы мои сведения за рубеж?"
RETENTION = "Сколько лет вы держите мои данные?"
COOKIES = "Что такое cookies?"
TWO_WISHES = "Отпишите меня от смс и удалите мой профиль из базы"
CORRECT_CONTACT, CORRECT_DETAILS = '/correct{"slot":"contact"}', '/correct{"slot":"details"}'
JETU, HOMESHOP = '/choose_shop{"shop":"jetu"}', '/choose_shop{"shop":"homeshop"}'


async def to_the_details(chat: Chat) -> None:
    await chat.says(COMPLAIN, AIGUL)
    assert chat.asked == "details"


async def to_the_summary(chat: Chat) -> None:
    await chat.says(DELETE, AIGUL)
    assert chat.asked == "confirmed"


# a request


async def test_a_wish_is_a_ticket_after_a_contact_and_a_yes(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE)
    assert aigul.heard("utter_request_begins", kind="delete")
    assert aigul.heard("utter_policy_silent_on_request")
    assert (aigul.turn.outcome, aigul.asked) == ("request", "contact")
    await aigul.says(AIGUL)
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    [ticket] = aigul.tickets
    assert (ticket.number, ticket.shop, ticket.kind) == ("PRO-2026-000001", "protorg", "delete")
    assert (ticket.words, ticket.details, ticket.contact, ticket.identity) == (DELETE, "", AIGUL, "typed")
    assert (ticket.clause, ticket.edition) == ("", "23 апреля 2020 г.")
    assert (ticket.route, ticket.route_source, ticket.deadline) == ("info@protorg.kz", "9.3", None)
    assert aigul.heard("utter_ticket_opened", number=ticket.number, route=ticket.route)
    assert aigul.asked is None


async def test_a_complaint_is_asked_for_details_and_names_the_clause_and_its_deadline(enter: Enter) -> None:
    aigul = enter("allurauto")
    await aigul.says(COMPLAIN)
    clause = aigul.house.rooms.library.shelves["allurauto"].policy.by_number["8.2"]
    assert aigul.heard("utter_policy_on_request", number="8.2", text=clause.text)
    await aigul.says("8 701 123 45 67")
    assert aigul.asked == "details"
    await aigul.says(CALLS)
    assert aigul.asked == "confirmed"
    assert CALLS in aigul.text
    await aigul.says("да")
    [ticket] = aigul.tickets
    assert (ticket.kind, ticket.words, ticket.details, ticket.contact) == ("complain", COMPLAIN, CALLS, PHONE)
    assert (ticket.clause, ticket.clause_text) == ("8.2", clause.text)
    assert (ticket.deadline, ticket.deadline_source) == (date(2026, 12, 21), "8.2")
    values = {"number": ticket.number, "route": ticket.route, "deadline": "21.12.2026", "deadline_clause": "8.2"}
    assert aigul.heard("utter_ticket_opened", **values)


async def test_a_correction_is_asked_what_to_correct(enter: Enter) -> None:
    aigul = enter("homeshop")
    await aigul.says(RECTIFY, AIGUL)
    assert aigul.asked == "details"
    await aigul.says(NEW_NAME, "да")
    [ticket] = aigul.tickets
    assert (ticket.kind, ticket.words, ticket.details, ticket.clause) == ("rectify", RECTIFY, NEW_NAME, "5.1.2")


async def test_a_question_on_which_the_policy_is_silent_is_put_to_the_shop(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(ABROAD)
    assert (aigul.turn.outcome, aigul.clauses) == ("silent", [])
    assert aigul.heard("utter_silent", about="о передаче данных за границу")
    await aigul.taps("/question")
    assert aigul.heard("utter_request_begins", kind="question")
    assert aigul.asked == "contact"
    await aigul.says(AIGUL)
    assert aigul.asked == "confirmed"
    assert ABROAD in aigul.text
    await aigul.taps(AFFIRM)
    [ticket] = aigul.tickets
    assert (ticket.kind, ticket.details, ticket.contact) == ("question", ABROAD, AIGUL)


async def test_a_question_to_the_shop_may_be_asked_out_of_nothing(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.commands("/question")
    await aigul.says(AIGUL)
    assert aigul.asked == "details"
    await aigul.says("Есть ли у вас программа лояльности?")
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    [ticket] = aigul.tickets
    assert (ticket.kind, ticket.details) == ("question", "Есть ли у вас программа лояльности?")


@pytest.mark.parametrize(
    ("shop", "words", "kind", "clause"),
    [
        ("allurauto", "Заморозьте мои данные, пока идёт проверка", "block", "6.2.4"),
        ("homeshop", "Больше не присылайте мне рекламные смс никогда", "unsubscribe", "4.3"),
        ("jetu", "Пришлите мне копию всего, что вы обо мне храните", "access", "4.2.1"),
        ("proeducation", "Забираю назад своё согласие на обработку данных", "withdraw_consent", ""),
    ],
)
async def test_the_other_wishes_go_the_same_way(enter: Enter, shop: str, words: str, kind: str, clause: str) -> None:
    aigul = enter(shop)
    await aigul.says(words, AIGUL)
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    [ticket] = aigul.tickets
    assert (ticket.shop, ticket.kind, ticket.words, ticket.clause) == (shop, kind, words, clause)


async def test_a_shop_without_an_address_keeps_the_request_and_names_where_to_write(enter: Enter) -> None:
    aigul = enter("jetu")
    await aigul.says(DELETE, AIGUL, "да")
    [ticket] = aigul.tickets
    shop = aigul.house.rooms.shops["jetu"]
    values = {"number": ticket.number, "contact_clause": "5.9", "postal": shop.postal}
    assert ticket.route == ""
    assert aigul.heard("utter_ticket_without_route", **values)


async def test_a_contact_in_the_first_message_is_not_asked_for_again(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(f"{DELETE}, моя почта {AIGUL}")
    assert aigul.asked == "confirmed"
    assert AIGUL in aigul.text


async def test_a_complaint_that_tells_all_is_not_asked_for_details(enter: Enter) -> None:
    aigul = enter("allurauto")
    told = "Жалоба: вчера вечером мне звонили мошенники и знали мой адрес и фамилию"
    await aigul.says(told, AIGUL)
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    assert [ticket.details for ticket in aigul.tickets] == [told]


async def test_a_phone_shared_by_telegram_is_confirmed_and_a_typed_one_is_not(enter: Enter) -> None:
    aigul, daniyar = enter("protorg", "tg:1"), enter("protorg", "tg:2")
    await aigul.says(DELETE)
    await aigul.shares("77011234567")
    await aigul.says("да")
    await daniyar.says(DELETE, "+7 701 123 45 67", "да")
    assert [(ticket.contact, ticket.identity) for ticket in aigul.tickets] == [(PHONE, "telegram")]
    assert [(ticket.contact, ticket.identity) for ticket in daniyar.tickets] == [(PHONE, "typed")]


async def test_another_contact_typed_over_a_shared_phone_is_not_confirmed(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE)
    await aigul.shares(PHONE)
    await aigul.taps(CORRECT_CONTACT)
    assert aigul.asked == "contact"
    await aigul.says(AIGUL, "да")
    assert [(ticket.contact, ticket.identity) for ticket in aigul.tickets] == [(AIGUL, "typed")]


async def test_details_can_be_corrected_at_the_summary(enter: Enter) -> None:
    aigul = enter("allurauto")
    await to_the_details(aigul)
    await aigul.says("Звонили второго ноября с чужого номера")
    await aigul.taps(CORRECT_DETAILS)
    assert aigul.asked == "details"
    await aigul.says(CALLS, "да")
    assert [ticket.details for ticket in aigul.tickets] == [CALLS]


async def test_a_request_may_go_without_a_contact(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE)
    await aigul.taps("/skip")
    assert aigul.heard("utter_slot_given_up", requested_slot="contact")
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    assert [(ticket.contact, ticket.identity) for ticket in aigul.tickets] == [("", "none")]


async def test_the_same_wish_again_joins_the_open_ticket(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE, AIGUL, "да", "Сотрите мой профиль из вашей базы", AIGUL, "да")
    [ticket] = aigul.tickets
    assert aigul.heard("utter_ticket_extended", number=ticket.number)
    assert [event.what for event in aigul.house.rooms.tickets.events(ticket.number)] == ["opened", "added"]


# beside a form


async def test_a_question_at_the_contact_is_answered_and_the_form_goes_on(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE, RETENTION)
    assert (aigul.clauses[0], aigul.asked) == ("5.1", "contact")
    await aigul.says(AIGUL, "да")
    assert [(ticket.kind, ticket.words, ticket.contact) for ticket in aigul.tickets] == [("delete", DELETE, AIGUL)]


async def test_a_question_at_the_details_is_answered_and_is_no_detail(enter: Enter) -> None:
    aigul = enter("allurauto")
    await to_the_details(aigul)
    await aigul.says("В какой срок отвечают на претензию?")
    assert (aigul.clauses[0], aigul.asked) == ("8.2", "details")
    await aigul.says(CALLS, "да")
    assert [(ticket.kind, ticket.details) for ticket in aigul.tickets] == [("complain", CALLS)]


async def test_a_question_at_the_summary_is_answered_and_nothing_is_sent_yet(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says(COOKIES)
    assert (aigul.clauses[0], aigul.asked, aigul.tickets) == ("1.1.6", "confirmed", [])
    await aigul.says("да")
    assert [(ticket.kind, ticket.details) for ticket in aigul.tickets] == [("delete", "")]


async def test_a_clause_asked_for_by_number_is_shown_and_the_form_goes_on(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE, "покажи пункт 9.3")
    assert (aigul.clauses, aigul.asked) == (["9.3"], "contact")


async def test_the_menu_is_shown_and_the_form_goes_on(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.commands("/help")
    assert aigul.heard("utter_help")
    assert aigul.asked == "confirmed"


async def test_the_button_of_the_wish_that_is_in_hand_asks_on(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE)
    await aigul.commands("/delete")
    assert aigul.asked == "contact"
    await aigul.says(AIGUL, "да")
    assert [ticket.kind for ticket in aigul.tickets] == ["delete"]


# the way out


@pytest.mark.parametrize("step", ["contact", "details", "confirmed"])
@pytest.mark.parametrize("way", ["typed", "typed otherwise", "button", "command"])
async def test_a_request_can_be_dropped_at_every_step(enter: Enter, step: str, way: str) -> None:
    aigul = enter("allurauto")
    await aigul.says(COMPLAIN, *{"contact": [], "details": [AIGUL], "confirmed": [AIGUL, CALLS]}[step])
    assert aigul.asked == step
    if way == "button":
        await aigul.taps("/cancel")
    elif way == "command":
        await aigul.commands("/cancel")
    else:
        await aigul.says("отмена" if way == "typed" else "передумал")
    assert aigul.heard("utter_request_dropped")
    assert (aigul.state.get("form"), aigul.tickets) == (None, [])
    assert aigul.nothing_waits_to_leave
    assert not [kept for kept in (COMPLAIN, AIGUL, CALLS) if kept in aigul.memory]
    await aigul.says("да")
    assert aigul.heard("utter_nothing_to_confirm")


@pytest.mark.parametrize("no", ["нет", "не надо", "жоқ", "no"])
async def test_no_at_the_summary_sends_nothing(enter: Enter, no: str) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says(no)
    assert aigul.heard("utter_request_dropped")
    assert (aigul.asked, aigul.tickets, aigul.nothing_waits_to_leave) == (None, [], True)


async def test_without_a_form_there_is_nothing_to_confirm_or_to_cancel(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says("да")
    assert aigul.heard("utter_nothing_to_confirm")
    await aigul.says("нет")
    assert aigul.heard("utter_nothing_to_confirm")
    await aigul.says("отмена")
    assert aigul.heard("utter_nothing_to_cancel")


async def test_a_story_that_sounds_like_another_wish_is_a_detail(enter: Enter) -> None:
    aigul = enter("allurauto")
    story = "Я просил отмену рассылки, но мошенники всё равно звонят каждый день"
    await to_the_details(aigul)
    await aigul.says(story, "да")
    assert [(ticket.kind, ticket.details) for ticket in aigul.tickets] == [("complain", story)]


# going on


@pytest.mark.parametrize(
    ("question", "fragment", "clause"),
    [
        ("кому вы передаёте мои данные?", "а банкам?", "5.2"),
        ("как отключить cookies?", "а что это?", "1.1.6"),
        ("сколько хранятся мои данные?", "а история покупок?", "3.4"),
    ],
)
async def test_a_fragment_goes_on_with_the_question_before_it(
    enter: Enter, question: str, fragment: str, clause: str
) -> None:
    aigul = enter("allurauto")
    await aigul.says(question, fragment)
    assert aigul.clauses[0] == clause


async def test_more_and_next_lead_on_from_a_clause(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says("пункт 5.2", "дальше")
    assert aigul.text.startswith("PROtorg.kz, пункт 5.3.")
    await aigul.says("подробнее")
    assert aigul.text.startswith("PROtorg.kz, раздел 5.")


async def test_a_clause_that_only_begins_a_sentence_brings_its_items_and_next_leads_behind_them(enter: Enter) -> None:
    aigul = enter("homeshop")
    await aigul.says("пункт 5.2")
    assert "5.2.1. На доступ и редактирование" in aigul.text
    await aigul.says("дальше")
    assert aigul.text.startswith("Homeshop.kz, пункт 5.3.")


@pytest.mark.parametrize("word", ["дальше", "Подробнее"])
async def test_where_nothing_was_shown_next_and_more_lead_nowhere(enter: Enter, word: str) -> None:
    aigul = enter("homeshop")
    await aigul.says(word)
    assert aigul.heard("utter_not_understood")


async def test_the_contact_may_be_left_out_by_its_number(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE, "1")
    assert ("оставим без контакта" in aigul.text, aigul.asked) == (True, "confirmed")


async def test_next_leads_on_from_a_section(enter: Enter) -> None:
    aigul = enter("homeshop")
    await aigul.says("раздел 5", "дальше")
    assert aigul.text.startswith("Homeshop.kz, пункт 6.1.")


async def test_two_wishes_that_are_nearly_as_likely_are_asked_about(
    enter: Enter, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(text: str) -> Reading:
        return Reading(text, {"delete": 0.5, "unsubscribe": 0.4, **dict.fromkeys(("block", "access"), 0.05)})

    monkeypatch.setattr(recognizer, "read", torn)
    aigul = enter("protorg")
    await aigul.says("уберите меня")
    assert aigul.heard("utter_which_wish", wish="delete", rival="unsubscribe")
    assert aigul.asked is None
    await aigul.taps("/unsubscribe")
    assert aigul.asked == "contact"


async def test_two_questions_of_a_message_get_both_clauses(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says("кому вы передаёте мои данные и сколько их храните?")
    assert set(aigul.clauses[:2]) == {"5.1", "5.2"}
    for number in ("5.1", "5.2"):
        assert f"PROtorg.kz, пункт {number}." in aigul.text


async def test_a_clause_that_comes_up_for_both_questions_is_given_once(enter: Enter) -> None:
    aigul = enter("homeshop")
    await aigul.says("что такое cookies? и как их отключить?")
    assert set(aigul.clauses[:2]) == {"1.9", "3.3"}
    assert len(aigul.clauses) == len(set(aigul.clauses))


@pytest.mark.parametrize("text", ["我的数据保存多久？", "ما هي البيانات"])
async def test_a_language_that_is_none_of_the_three_hears_which_they_are(enter: Enter, text: str) -> None:
    aigul = enter("protorg")
    await aigul.says(text)
    assert aigul.heard("utter_unknown_language")


# asking again


async def test_a_contact_is_asked_for_twice_more_and_then_done_without(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE)
    for answer in ("мой", "тот же"):
        await aigul.says(answer)
        assert aigul.heard("utter_bad_contact")
        assert aigul.asked == "contact"
    await aigul.says("никакого")
    assert aigul.heard("utter_slot_given_up", requested_slot="contact")
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    assert [(ticket.kind, ticket.contact) for ticket in aigul.tickets] == [("delete", "")]


@pytest.mark.parametrize("no", ["нет", "не знаю", "не скажу"])
async def test_no_to_the_contact_means_without_one(enter: Enter, no: str) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE, no)
    assert aigul.heard("utter_slot_given_up", requested_slot="contact")
    assert aigul.asked == "confirmed"


@pytest.mark.parametrize("doubtful", ["подробнее", "потом", "хз"])
async def test_only_a_plain_yes_sends(enter: Enter, doubtful: str) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says(doubtful)
    assert aigul.asked == "confirmed"
    assert aigul.tickets == []


async def test_talk_at_the_summary_is_answered_and_is_no_detail(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says("где мои обращения?")
    assert aigul.heard("utter_no_tickets")
    assert aigul.asked == "confirmed"
    assert aigul.state["slots"]["details"] is None


async def test_another_contact_at_the_summary_replaces_the_first(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says("лучше на почту daniyar@example.kz", "да")
    assert [(ticket.contact, ticket.details) for ticket in aigul.tickets] == [("daniyar@example.kz", "")]


async def test_a_shop_named_in_the_middle_takes_the_request_there(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.commands('/choose_shop{"shop":"jetu"}')
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    assert [(ticket.shop, ticket.kind) for ticket in aigul.tickets] == [("jetu", "delete")]


async def test_a_start_in_the_middle_drops_the_request_and_opens_the_shop(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.commands('/start{"shop":"jetu"}')
    assert aigul.heard("utter_request_dropped")
    assert (aigul.state["slots"]["shop"], aigul.asked, aigul.tickets) == ("jetu", None, [])


@pytest.mark.parametrize(("asked", "shown"), [("раздел 9", "раздел 9."), ("3.3 целиком", "пункт 3.3 целиком.")])
async def test_what_is_asked_for_whole_is_shown_whole(enter: Enter, asked: str, shown: str) -> None:
    aigul = enter("protorg")
    await aigul.says(asked)
    number = asked.split()[asked.split(maxsplit=1)[0] == "раздел"]
    policy = aigul.house.rooms.library.shelves["protorg"].policy
    assert aigul.text.startswith(f"PROtorg.kz, {shown}")
    for clause in policy.in_section(number) or (policy.by_number[number], *policy.under(number)):
        assert all(line in aigul.text for line in clause.text.splitlines())


async def test_details_are_asked_for_twice_more_and_then_done_without(enter: Enter) -> None:
    aigul = enter("allurauto")
    await to_the_details(aigul)
    for answer in ("ну", "тут"):
        await aigul.says(answer)
        assert aigul.heard("utter_details_too_short")
        assert aigul.asked == "details"
    await aigul.says("вот")
    assert aigul.heard("utter_slot_given_up", requested_slot="details")
    assert aigul.asked == "confirmed"


async def test_a_yes_is_asked_for_twice_more_and_then_the_request_is_put_aside(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    for answer in ("погода", "товар"):
        await aigul.says(answer)
        assert aigul.heard("utter_yes_or_no")
        assert aigul.asked == "confirmed"
    await aigul.says("аккумулятор")
    assert aigul.heard("utter_request_put_aside")
    assert (aigul.asked, aigul.tickets, aigul.nothing_waits_to_leave) == (None, [], True)
    assert AIGUL not in aigul.memory
    await aigul.taps("/delete")
    assert aigul.asked == "contact"


async def test_each_question_of_a_form_has_its_own_three_tries(enter: Enter) -> None:
    aigul = enter("allurauto")
    await aigul.says(COMPLAIN, "мой", "тот же", AIGUL, "ну", "тут")
    assert aigul.heard("utter_details_too_short")
    assert aigul.asked == "details"


# buttons


@pytest.mark.parametrize("typed", ["Да, отправить", "да, отправить!", "ДА, ОТПРАВИТЬ", "1"])
async def test_a_button_can_be_typed_by_its_words_or_number(enter: Enter, typed: str) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says(typed)
    assert [ticket.kind for ticket in aigul.tickets] == ["delete"]


async def test_every_number_of_the_summary_does_what_its_button_says(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    assert aigul.buttons == [AFFIRM, CORRECT_CONTACT, CORRECT_DETAILS, "/cancel"]
    await aigul.says("2")
    assert aigul.asked == "contact"
    await aigul.says(PHONE, "4")
    assert aigul.heard("utter_request_dropped")


async def test_a_button_works_once(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.taps_again(AFFIRM, "message 7")
    assert len(aigul.tickets) == 1
    before = aigul.state
    await aigul.taps_again(AFFIRM, "message 7")
    assert aigul.heard("utter_old_button")
    assert (aigul.state, len(aigul.tickets)) == (before, 1)


async def test_an_old_yes_sends_no_other_request(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.taps_again(AFFIRM, "message 7")
    await aigul.says("Больше не присылайте мне рекламные смс никогда", AIGUL)
    await aigul.taps_again(AFFIRM, "message 7")
    assert aigul.heard("utter_old_button")
    assert [ticket.kind for ticket in aigul.tickets] == ["delete"]


async def test_a_yes_before_the_summary_sends_nothing(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE)
    await aigul.commands(AFFIRM)
    assert (aigul.asked, aigul.tickets) == ("contact", [])


async def test_clauses_and_sections_open_from_the_buttons_of_an_answer(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(RETENTION)
    await aigul.taps('/show_clause{"number":"5.2"}')
    policy = aigul.house.rooms.library.shelves["protorg"].policy
    assert policy.by_number["5.2"].text in aigul.text
    await aigul.taps('/show_section{"number":"5"}')
    assert [clause.number for clause in policy.in_section("5") if clause.text not in aigul.text] == []


# the summary


async def test_words_at_the_summary_are_added_to_the_request(enter: Enter) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says("Номер моего заказа 5512")
    assert aigul.heard("utter_details_added")
    assert (aigul.asked, aigul.tickets) == ("confirmed", [])
    await aigul.says("да")
    assert [ticket.details for ticket in aigul.tickets] == ["Номер моего заказа 5512"]


async def test_words_at_the_summary_do_not_replace_what_was_told_before(enter: Enter) -> None:
    aigul = enter("allurauto")
    await to_the_details(aigul)
    await aigul.says(CALLS, "Номер моего заказа 5512", "да")
    assert [ticket.details for ticket in aigul.tickets] == [f"{CALLS}\nНомер моего заказа 5512"]


# two wishes


async def test_two_wishes_of_a_message_are_taken_one_after_the_other(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(TWO_WISHES, AIGUL)
    assert aigul.heard("utter_ask_request_form_confirmed", kind="delete")
    await aigul.says("да")
    assert aigul.heard("utter_next_wish")
    assert aigul.heard("utter_request_begins", kind="unsubscribe")
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    kinds = [(ticket.kind, ticket.contact, ticket.identity) for ticket in aigul.tickets]
    assert kinds == [("delete", AIGUL, "typed"), ("unsubscribe", AIGUL, "typed")]
    assert (aigul.state.get("form"), AIGUL in aigul.memory) == (None, False)


async def test_the_second_wish_is_sent_only_after_its_own_yes(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(TWO_WISHES, AIGUL, "да", "нет")
    assert [ticket.kind for ticket in aigul.tickets] == ["delete"]
    assert AIGUL not in aigul.memory


async def test_another_wish_tapped_in_the_middle_of_a_form_comes_next(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE)
    await aigul.commands("/unsubscribe")
    assert aigul.asked == "contact"
    await aigul.says(AIGUL, "да")
    assert aigul.heard("utter_next_wish")
    await aigul.says("да")
    assert [ticket.kind for ticket in aigul.tickets] == ["delete", "unsubscribe"]


# the shop


async def test_a_new_chat_is_introduced_once(enter: Enter) -> None:
    aigul = enter()
    await aigul.commands("/start")
    assert aigul.heard("utter_intro")
    await aigul.commands("/help")
    assert not aigul.heard("utter_intro")


@pytest.mark.parametrize("way", [JETU, "жету", "Jetu.kz", "number"])
async def test_the_shop_is_asked_first_and_then_the_waiting_question_is_answered(enter: Enter, way: str) -> None:
    aigul = enter()
    await aigul.says(COOKIES)
    assert aigul.heard("utter_ask_shop")
    assert (aigul.clauses, JETU in aigul.buttons) == ([], True)
    if way == JETU:
        await aigul.taps(JETU)
    else:
        await aigul.says(str(aigul.buttons.index(JETU) + 1) if way == "number" else way)
    assert (aigul.state["slots"]["shop"], aigul.clauses[0]) == ("jetu", "1.10")


async def test_the_shop_is_asked_first_and_then_the_waiting_wish_is_taken(enter: Enter) -> None:
    aigul = enter()
    await aigul.says(DELETE)
    assert (aigul.asked, aigul.heard("utter_ask_shop")) == (None, True)
    await aigul.taps(HOMESHOP)
    assert aigul.asked == "contact"
    await aigul.says(AIGUL, "да")
    assert [(ticket.shop, ticket.kind, ticket.words) for ticket in aigul.tickets] == [("homeshop", "delete", DELETE)]


async def test_the_last_question_is_asked_of_another_shop(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(COOKIES)
    assert aigul.clauses[0] == "1.1.6"
    await aigul.says("а у хоумшопа?")
    assert (aigul.state["slots"]["shop"], aigul.clauses[0]) == ("homeshop", "1.9")
    await aigul.says("а что у Jetu?")
    assert (aigul.state["slots"]["shop"], aigul.clauses[0]) == ("jetu", "1.10")


async def test_a_shop_named_in_a_question_is_the_one_that_answers(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says("Что пишет Homeshop о том, что такое cookies?")
    assert (aigul.state["slots"]["shop"], aigul.clauses[0]) == ("homeshop", "1.9")


async def test_a_shop_named_before_any_question_is_chosen(enter: Enter) -> None:
    aigul = enter()
    await aigul.says("я покупал в Homeshop")
    assert aigul.heard("utter_shop_chosen")
    assert aigul.state["slots"]["shop"] == "homeshop"


async def test_where_there_is_one_shop_it_is_not_asked_for(house: House, enter: Enter) -> None:
    for shop in set(house.shop_names) - {"homeshop"}:
        del house.shop_names[shop]
    aigul = enter()
    await aigul.says(COOKIES)
    assert aigul.clauses[0] == "1.9"


# what nobody can read


@pytest.mark.parametrize("text", ["", "   ", "🙂", "👍🏽❤️", "?!…", "—", "\n\n"])
async def test_a_message_without_a_word_is_not_guessed_at(enter: Enter, text: str) -> None:
    aigul = enter("protorg")
    await aigul.says(text)
    assert aigul.heard("utter_not_understood")
    assert (aigul.turn.reading, aigul.turn.outcome) == (None, "chat")


@pytest.mark.parametrize("text", ["", "🙂", "?!…"])
async def test_a_message_without_a_word_leaves_an_open_form_as_it_is(enter: Enter, text: str) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says(text)
    assert aigul.heard("utter_not_understood")
    await aigul.says("да")
    assert [ticket.kind for ticket in aigul.tickets] == ["delete"]


async def test_of_a_very_long_message_the_beginning_is_read(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(f"{DELETE}. {'о' * 10_000}")
    assert aigul.heard("utter_too_long")
    await aigul.says(f"{COOKIES} " * 500)
    assert aigul.heard("utter_too_long")
    assert aigul.turn.reading is not None
    assert len(aigul.turn.reading.text) <= LONGEST_MESSAGE


async def test_a_very_long_story_is_kept_as_far_as_it_was_read(enter: Enter) -> None:
    aigul = enter("allurauto")
    await to_the_details(aigul)
    await aigul.says(f"{CALLS}. " * 300)
    assert aigul.heard("utter_too_long")
    assert aigul.asked == "confirmed"
    await aigul.says("да")
    [ticket] = aigul.tickets
    assert ticket.details == (f"{CALLS}. " * 300)[:LONGEST_MESSAGE].strip()


@pytest.mark.parametrize(
    ("shop", "text", "number", "sections"),
    [("protorg", "что в пункте 77.7", "77.7", "1–5, 9"), ("homeshop", "раздел 9", "9", "1–7")],
)
async def test_a_clause_that_the_policy_lacks_is_not_replaced_by_another(
    enter: Enter, shop: str, text: str, number: str, sections: str
) -> None:
    aigul = enter(shop)
    await aigul.says(text)
    assert aigul.heard("utter_no_such_clause", number=number, sections=sections)
    assert (aigul.turn.outcome, aigul.clauses) == ("silent", [])


async def test_a_button_of_a_clause_that_is_gone_says_so(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.commands('/show_clause{"number":"77.7"}')
    assert aigul.heard("utter_no_such_clause", number="77.7", sections="1–5, 9")


@pytest.mark.parametrize("text", ["/", "/nonsense", "/show_clause{bad json}"])
async def test_an_unknown_payload_that_was_typed_is_read_as_a_message(enter: Enter, text: str) -> None:
    aigul = enter("protorg")
    await aigul.says(text)
    assert (aigul.state.get("form"), aigul.clauses, aigul.tickets) == (None, [], [])
    await aigul.says(DELETE, text, AIGUL, "да")
    assert [(ticket.kind, ticket.words) for ticket in aigul.tickets] == [("delete", DELETE)]


@pytest.mark.parametrize("payload", ["/skip", "/correct"])
async def test_a_button_of_a_form_does_nothing_without_one(enter: Enter, payload: str) -> None:
    aigul = enter("protorg")
    await aigul.commands(payload)
    assert aigul.heard("utter_not_understood")
    assert aigul.state.get("form") is None


async def test_what_is_no_matter_of_privacy_is_said_to_be_none(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says("где мой заказ")
    assert aigul.heard("utter_out_of_scope")
    assert aigul.turn.outcome == "offtopic"


async def test_a_bare_query_in_a_clauses_own_words_gets_the_clause_though_it_sounds_like_shopping(enter: Enter) -> None:
    aigul = enter("homeshop")
    await aigul.says("кредит партнерские банки")
    assert aigul.turn.reading
    assert aigul.turn.reading.best == "out_of_scope"
    assert aigul.turn.outcome == "clauses"
    assert "банк" in aigul.turn.clauses[0]["text"]


# what is remembered


async def test_nothing_personal_is_remembered_after_a_ticket(enter: Enter) -> None:
    aigul = enter("allurauto")
    await aigul.says(COMPLAIN, AIGUL, CALLS, "Номер моего заказа 5512", "да")
    assert len(aigul.tickets) == 1
    assert not [kept for kept in (COMPLAIN, AIGUL, CALLS, "5512") if kept in aigul.memory]


async def test_a_finished_request_leaves_no_contact_for_the_next_one(enter: Enter) -> None:
    aigul = enter("protorg")
    await aigul.says(DELETE, AIGUL, "да", "Больше не присылайте мне рекламные смс никогда")
    assert aigul.asked == "contact"


async def test_a_chat_sees_its_own_requests_only(enter: Enter) -> None:
    aigul, daniyar = enter("protorg", "tg:1"), enter("protorg", "tg:2")
    await aigul.says(DELETE, AIGUL, "да")
    [ticket] = aigul.tickets
    await aigul.says("мои обращения")
    line = {"number": ticket.number, "kind": "delete", "status": "opened", "updated": "21.11.2026"}
    assert aigul.heard("utter_ticket_line", **line)
    await daniyar.says("мои обращения")
    assert daniyar.heard("utter_no_tickets")
    await daniyar.says(f"что с моей заявкой {ticket.number}?")
    assert daniyar.heard("utter_no_such_ticket", number=ticket.number)


async def test_one_dialogue_serves_two_chats_at_once(enter: Enter) -> None:
    aigul, daniyar = enter("protorg", "tg:1"), enter("homeshop", "tg:2")
    await aigul.says(DELETE)
    await daniyar.says(RECTIFY)
    await aigul.says(AIGUL)
    await daniyar.says("daniyar@example.kz", NEW_NAME)
    await aigul.says("да")
    await daniyar.says("да")
    assert [(ticket.shop, ticket.kind, ticket.contact) for ticket in aigul.tickets] == [("protorg", "delete", AIGUL)]
    [ticket] = daniyar.tickets
    assert (ticket.shop, ticket.kind, ticket.contact) == ("homeshop", "rectify", "daniyar@example.kz")


@pytest.mark.parametrize(
    "text",
    [
        "погода",
        "Номер моего заказа 5512",
        COOKIES,
        "привет",
        "а?",
        "удалить",
        "thanks but no",
        "да нет",
        "ладно, не отправляйте",
    ],
)
async def test_nothing_is_sent_without_a_yes(enter: Enter, text: str) -> None:
    aigul = enter("protorg")
    await to_the_summary(aigul)
    await aigul.says(text)
    assert (aigul.tickets, aigul.nothing_waits_to_leave) == ([], True)

"""A message is read as a wish, a question about a topic, or talk; the examples are learnt once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from index.encoder import Encoder
from index.packaged_model import Progress
from index.recognizer import Reading, Recognizer, fit_or_load
from index.training import INTENTS, TOPIC, Examples

SMALL = (
    Examples("delete", ("удалите мой аккаунт", "сотрите мои данные", "уничтожьте мой профиль")),
    Examples("unsubscribe", ("отпишите от рассылки", "не шлите рекламу", "хватит писем")),
    Examples("greet", ("привет", "здравствуйте", "добрый день")),
    Examples("ask_policy/retention", ("сколько хранятся данные", "срок хранения", "как долго храните")),
)


class Watch:
    """Hears what the fitting reports: each stage, and how many texts were encoded."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.encoded = 0

    def __call__(self, stage: str) -> Progress:
        self.stages.append(stage)
        return self._count if stage == "examples" else lambda _done, _total: None

    def _count(self, _done: int, total: int) -> None:
        self.encoded = total


Fit = Callable[[tuple[Examples, ...]], tuple[Recognizer, Watch]]


@pytest.fixture
def fit(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fit:
    monkeypatch.setattr("index.memo.SHIPPED", tmp_path)

    def fit_in_an_own_home(training: tuple[Examples, ...]) -> tuple[Recognizer, Watch]:
        watch = Watch()
        return fit_or_load(training, encoder, tmp_path, watch), watch

    return fit_in_an_own_home


def kept(home: Path) -> list[tuple[str, int]]:
    return [(path.name, path.stat().st_mtime_ns) for path in (home / "recognizer").iterdir()]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Уничтожьте мою учётную запись вместе со всеми сведениями", "delete"),
        ("Заморозьте мои данные, пока идёт проверка", "block"),
        ("Вы передали мой номер мошенникам, требую объяснений", "complain"),
        ("Больше не присылайте мне рекламные смс никогда", "unsubscribe"),
        ("Пришлите мне копию всего, что вы обо мне храните", "access"),
        ("Исправьте фамилию в моём профиле, там опечатка", "rectify"),
        ("Настоящим забираю своё согласие на обработку моих данных", "withdraw_consent"),
        ("что с моей заявкой PRO-2026-000041?", "ticket_status"),
        ("соедините меня с живым оператором", "human"),
        ("я покупал в Homeshop", "choose_shop"),
        ("здравствуйте всем", "greet"),
        ("до свидания, всем пока", "goodbye"),
        ("огромное вам спасибо", "thanks"),
        ("да, всё верно", "affirm"),
        ("нет, не верно", "deny"),
        ("отмена, передумал", "cancel"),
    ],
)
def test_each_wish_and_each_piece_of_talk_is_recognised(recognizer: Recognizer, text: str, intent: str) -> None:
    assert recognizer.read(text).best == intent


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Сколько лет вы держите мои данные?", "retention"),
        ("Объясните, что за cookies такие", "cookies_what"),
        ("Можете ли вы менять политику без моего согласия?", "policy_change"),
        ("Если данные утекут, вы мне об этом сообщите?", "breach_notice"),
        ("Уходят ли мои данные за пределы Казахстана?", "crossborder"),
    ],
)
def test_a_question_is_recognised_with_its_topic(recognizer: Recognizer, text: str, topic: str) -> None:
    reading = recognizer.read(text)
    assert reading.best == "ask_policy"
    assert max(reading.topics, key=lambda name: reading.topics[name]) == topic


@pytest.mark.parametrize(
    ("wish", "intent", "question", "topic"),
    [
        ("Сотрите мой профиль полностью", "delete", "По какому порядку у вас удаляют данные?", "deletion"),
        ("Отпишите меня от ваших писем", "unsubscribe", "Каким образом отказываются от рассылки?", "unsubscribe_how"),
        ("Поставьте обработку моих данных на паузу", "block", "При каких условиях вы обязаны блокировать данные?",
         "right_block"),
        ("Замените мой телефон в профиле на новый", "rectify", "Обязан ли я сообщать о смене телефона?", "update_duty"),
        ("Возвращаю себе согласие на обработку", "withdraw_consent", "Каков порядок отзыва согласия?", "withdrawal"),
        ("Подаю претензию: мой номер попал к мошенникам", "complain", "В какой срок отвечают на претензию?",
         "claim_term"),
    ],
)  # fmt: skip
def test_a_wish_and_a_question_about_its_rule_are_told_apart(
    recognizer: Recognizer, wish: str, intent: str, question: str, topic: str
) -> None:
    assert recognizer.read(wish).best == intent
    asked = recognizer.read(question)
    assert asked.best == "ask_policy"
    assert max(asked.topics, key=lambda name: asked.topics[name]) == topic


def test_a_wish_in_the_form_of_a_question_stays_a_wish(recognizer: Recognizer) -> None:
    assert recognizer.read("А можно как-нибудь совсем убрать мой профиль?").best == "delete"


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("Профиль не удалите, уберите рекламу с моего номера и пришлите, что у вас на меня есть",
         ("unsubscribe", "access")),
        ("Удалять аккаунт не надо, просто исправьте фамилию", ("rectify",)),
        ("Не надо удалять, только отпишите от рассылки", ("unsubscribe",)),
        ("Отзываю согласие. И удалите профиль", ("withdraw_consent", "delete")),
    ],
)  # fmt: skip
def test_what_is_wished_is_told_from_what_is_denied(recognizer: Recognizer, text: str, wishes: tuple[str, ...]) -> None:
    assert set(recognizer.read(text).intents) == set(wishes)


@pytest.mark.parametrize(
    "text",
    [
        "Удалите, пожалуйста, один товар из корзины",
        "Удалите позицию из моего заказа номер 5512",
        "Жалоба: аккумулятор пришёл разбитый",
        "Отпишитесь, когда курьер выедет",
        "Исправьте цену в чеке",
        "Пришлите чек за прошлый заказ",
        "Когда привезут мой заказ?",
        "сколько стоит аккумулятор на камри",
    ],
)
def test_the_words_of_a_wish_about_goods_are_no_wish(recognizer: Recognizer, text: str) -> None:
    reading = recognizer.read(text)
    assert (reading.best, reading.others) == ("out_of_scope", ())
    assert reading.wish_mass < 0.5


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("Удалите мою учётную запись и отпишите меня от рассылки.", {"delete", "unsubscribe"}),
        ("Отпишите меня от смс и удалите мой профиль из базы", {"delete", "unsubscribe"}),
        ("Исправьте мою фамилию. Пришлите копию всех моих данных.", {"rectify", "access"}),
        ("Отзываю согласие на обработку данных. Пришлите копию всех моих данных.", {"withdraw_consent", "access"}),
    ],
)
def test_both_wishes_of_a_message_are_recognised(recognizer: Recognizer, text: str, wishes: set[str]) -> None:
    reading = recognizer.read(text)
    assert len(reading.intents) == 2
    assert set(reading.intents) == wishes
    assert reading.intents[0] == reading.best == reading.wish


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Не надо удалять мои данные, просто отпишите от рассылки", "unsubscribe"),
        ("Не нужно меня отписывать, удалите мой аккаунт", "delete"),
    ],
)
def test_a_wish_that_is_refused_in_the_same_breath_is_not_counted(recognizer: Recognizer, text: str, wish: str) -> None:
    assert recognizer.read(text).intents == (wish,)


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        (
            "снимите меня с рассылки и расскажите, какие сведения обо мне лежат в базе",
            {"unsubscribe", "access"},
        ),
        ("delete my profile and stop sending me newsletters", {"delete", "unsubscribe"}),
        ("ваши пуши надоели, уберите их", {"unsubscribe"}),
        ("сотрите мой профиль, чтобы мне больше никто не звонил", {"delete"}),
    ],
)
def test_what_only_explains_a_wish_is_no_wish_of_its_own(recognizer: Recognizer, text: str, wishes: set[str]) -> None:
    assert set(recognizer.read(text).intents) == wishes


def test_a_question_beside_a_question_brings_no_wish(recognizer: Recognizer) -> None:
    assert recognizer.read("Объясните, что за cookies такие. И сколько лет вы держите данные?").intents == (
        "ask_policy",
    )


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("cjnhbnt vjq frrfeyn yfdctulf", "delete"),
        ("Jngbibnt vtyz jn hfccskrb", "unsubscribe"),
        ("Crjkmrj dhtvtyb ds [hfybnt lfyyst", "ask_policy"),
        ("sotrite moy akkaunt navsegda", "delete"),
        ("otpishite menya pozhaluysta ot vashih pisem", "unsubscribe"),
        ("ispravte moyu familiyu v profile", "rectify"),
        ("chto za cookies takie", "ask_policy"),
        ("удолите мой акаунт пожалуста", "delete"),
        ("исправте маю фамилию", "rectify"),
        ("СОТРИТЕ МОЙ ПРОФИЛЬ НЕМЕДЛЕННО", "delete"),
        ("менің барлық деректерімді өшіріңізші", "delete"),
        ("please unsubscribe me from your newsletter", "unsubscribe"),
        ("please erase all my personal data", "delete"),
    ],
)
def test_a_message_is_understood_however_it_was_typed(recognizer: Recognizer, text: str, intent: str) -> None:
    assert recognizer.read(text).best == intent


@pytest.mark.parametrize("typed", ["cjnhbnt vjq frrfeyn yfdctulf", "sotrite moj akkaunt navsegda"])
def test_a_reading_gives_the_message_as_it_was_meant(recognizer: Recognizer, typed: str) -> None:
    meant = recognizer.read("сотрите мой аккаунт навсегда")
    assert recognizer.read(typed).text == meant.text == "сотрите мой аккаунт навсегда"


@pytest.mark.parametrize("text", ["Сотрите мой профиль", "Что за cookies?", "", "?", "5.2", "🙂", "а" * 3000])
def test_probabilities_of_all_intents_and_topics_make_one(
    recognizer: Recognizer, training: tuple[Examples, ...], text: str
) -> None:
    reading = recognizer.read(text)
    assert set(reading.probabilities) == {examples.intent for examples in training}
    assert sum(reading.probabilities.values()) == pytest.approx(1.0, abs=1e-4)
    assert reading.best in {*INTENTS, "ask_policy"}
    assert 0 < reading.confidence <= 1.0001


def test_the_confidence_of_a_question_is_shared_by_its_topics() -> None:
    found = {"delete": 0.2, "access": 0.1, TOPIC + "retention": 0.4, TOPIC + "backup": 0.3}
    reading = Reading("сколько хранят копии", found)
    assert (reading.best, reading.intents) == ("ask_policy", ("ask_policy",))
    assert reading.topics == {"retention": 0.4, "backup": 0.3}
    assert reading.confidence == pytest.approx(0.7)
    assert reading.wish == "delete"
    assert reading.wish_mass == pytest.approx(0.3)


def test_a_wish_is_sure_when_it_has_most_of_the_probability() -> None:
    sure = Reading("удалите", {"delete": 0.5, "withdraw_consent": 0.3, TOPIC + "deletion": 0.2})
    doubtful = Reading("удалите", {"delete": 0.3, "withdraw_consent": 0.2, TOPIC + "deletion": 0.5})
    assert (sure.best, sure.is_sure_wish) == ("delete", True)
    assert (doubtful.best, doubtful.is_sure_wish, doubtful.wish) == ("ask_policy", False, "delete")


def test_a_wish_that_is_asked_must_be_surer_than_one_that_is_said() -> None:
    likely = {"rectify": 0.9, TOPIC + "update_duty": 0.1}
    said, asked = Reading("поменяйте мне номер", likely), Reading("как поменять номер", likely)
    assert (said.best, said.is_sure_wish) == ("rectify", True)
    assert (asked.best, asked.is_sure_wish) == ("rectify", False)
    assert Reading("поменяете мне номер?", {"rectify": 0.996}).is_sure_wish


def test_what_happened_is_asked_of_no_rule() -> None:
    assert Reading("откуда у вас мой номер?", {"access": 0.85}).is_sure_wish
    assert not Reading("как у вас удаляют?", {"delete": 0.85}).is_sure_wish


@pytest.mark.parametrize("text", ["что написано в пункте 5.2", "xnj yfgbcfyj d geyrnt 5.2", "раздел три целиком"])
def test_a_clause_named_by_number_is_a_question(recognizer: Recognizer, text: str) -> None:
    reading = recognizer.read(text)
    assert (reading.best, reading.names_clause, reading.confidence) == ("ask_policy", True, 1.0)


def test_a_sure_wish_that_names_a_clause_stays_a_wish(recognizer: Recognizer) -> None:
    reading = recognizer.read("Сотрите мой профиль на основании пункта 5.2")
    assert (reading.best, reading.names_clause) == ("delete", True)


def test_the_best_wish_comes_before_the_others() -> None:
    found = {"delete": 0.8, "greet": 0.1, TOPIC + "deletion": 0.1}
    reading = Reading("удалите и отпишите", found, others=("unsubscribe",))
    assert (reading.intents, reading.confidence) == (("delete", "unsubscribe"), 0.8)


def test_examples_are_learnt_once(fit: Fit, tmp_path: Path) -> None:
    first, watch = fit(SMALL)
    assert (watch.stages, watch.encoded) == (["examples", "recognizer"], 12)
    before = kept(tmp_path)
    second, watch = fit(SMALL)
    assert watch.stages == []
    assert kept(tmp_path) == before
    assert second.read("сотрите профиль") == first.read("сотрите профиль")
    assert second.read("сотрите профиль").best == "delete"


def test_a_changed_example_is_learnt_and_only_it_is_encoded(fit: Fit, tmp_path: Path) -> None:
    before, _ = fit(SMALL)
    [(outdated, _)] = kept(tmp_path)
    greet = Examples("greet", ("привет", "здравствуйте", "физкульт-ура, товарищи"))
    after, watch = fit(tuple(greet if examples.intent == "greet" else examples for examples in SMALL))
    assert (watch.stages, watch.encoded) == (["examples", "recognizer"], 1)
    [(current, _)] = kept(tmp_path)
    assert current != outdated
    chances = [recognizer.read("физкульт-ура, товарищи").probabilities["greet"] for recognizer in (before, after)]
    assert chances[1] > max(chances[0], 0.5)


def test_words_that_only_describe_a_topic_are_not_learnt(fit: Fit) -> None:
    fit(SMALL)
    *others, retention = SMALL
    _, watch = fit((*others, Examples(retention.intent, retention.texts, "о сроках", "как долго хранят")))
    assert watch.stages == []


def test_a_recogniser_in_use_keeps_answering_while_another_is_learnt(fit: Fit) -> None:
    in_use, _ = fit(SMALL)
    fit(SMALL[:-1])
    assert in_use.read("какой у вас срок хранения").best == "ask_policy"

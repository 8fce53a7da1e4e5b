from __future__ import annotations

import base64
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tokenizers
from made_corpus import documents, write_split

from corpusmill.curate.errors import InputError
from corpusmill.train import Tokenizer, train_tokenizer
from corpusmill.train.tokenizer import vocabularies
from corpusmill.train.tokenizer.bpe import SPECIAL_TOKENS
from corpusmill.train.tokenizer.report import bytes_per_token
from corpusmill.train.tokenizer.training import QWEN2_SPLIT, shares

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


def test_every_character_of_unicode_survives(tokenizer: Tokenizer) -> None:
    # All of the planes that hold anything, and samples of the private ones.
    points = [chr(c) for c in (*range(0x40000), *range(0xE0000, 0x110000, 31)) if not 0xD800 <= c < 0xE000]
    texts = ["".join(points[first : first + 256]) for first in range(0, len(points), 256)]
    for text, ids in zip(texts, tokenizer.encode_batch(texts), strict=True):
        assert tokenizer.decode(ids) == text


def test_readers_find_qwen2s_pieces(tokenizer_folder: Path) -> None:
    file = json.loads((tokenizer_folder / "tokenizer.json").read_text("utf-8"))
    split, byte_level = file["pre_tokenizer"]["pretokenizers"]
    assert split["pattern"] == {"Regex": QWEN2_SPLIT}
    assert (split["behavior"], split["invert"]) == ("Isolated", False)
    assert (byte_level["type"], byte_level["add_prefix_space"], byte_level["use_regex"]) == ("ByteLevel", False, False)
    assert file["decoder"]["type"] == "ByteLevel"
    assert file["normalizer"] is None
    assert file["model"]["type"] == "BPE"
    assert file["model"]["byte_fallback"] is False
    # As transformers' Qwen2 and llama.cpp's "qwen2" cut: a letter run with one mark or blank before it, single digits.
    backend = tokenizers.Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))
    pieces = [span for _, span in backend.pre_tokenizer.pre_tokenize_str("第12条，I'll pay 3.5元!\n\n  好")]
    text = "第12条，I'll pay 3.5元!\n\n  好"
    expected = ["第", "1", "2", "条", "，I", "'ll", " pay", " ", "3", ".", "5", "元", "!\n\n", " ", " 好"]
    assert [text[a:b] for a, b in pieces] == expected


def test_shares_follow_the_temperature() -> None:
    sizes = {"en": 8000, "zh": 2000}
    assert shares(sizes, 1000, 1) == {"en": 800, "zh": 200}
    assert shares(sizes, 900, 2) == {"en": 600, "zh": 300}
    # What one cannot fill goes to the others, in proportion to their weights.
    assert shares({"a": 100, "b": 4000, "c": 2000}, 3100, 1.0) == pytest.approx({"a": 50, "b": 2033, "c": 1016}, abs=3)
    assert shares({"a": 100, "b": 4000, "c": 2000}, 3100) == {"a": 100, "b": 1500, "c": 1500}


def test_sample_is_balanced_over_domains(tmp_path: Path) -> None:
    docs = [("法院听取了漫长的故事。", "zh", "Hans")] * 900 + [("患者记住了医生的建议。", "zh", "Hans")] * 100
    write_split(tmp_path / "corpus", "train", docs)
    path = tmp_path / "corpus" / "train" / "part-00000.parquet"
    table = pq.read_table(path)
    domains = pa.array(["legal"] * 900 + ["medical"] * 100)
    pq.write_table(table.append_column("domain", domains), path)
    train_tokenizer(tmp_path / "corpus", tmp_path / "even", vocab_size=300, sample_bytes=6000)
    train_tokenizer(tmp_path / "corpus", tmp_path / "natural", vocab_size=300, sample_bytes=6000, temperature=1)
    for name, expected in (("even", {"legal": 3000, "medical": 3000}), ("natural", {"legal": 5400, "medical": 600})):
        report = json.loads((tmp_path / name / "report.json").read_text("utf-8"))
        assert {d["domain"]: d["bytes"] for d in report["sampled_domains"]} == pytest.approx(expected, abs=2)
        assert set(report["by_domain"]) == {"legal", "medical"}
    # The smaller domain's words are learned where it had an equal part.
    even, natural = (Tokenizer.load(tmp_path / name) for name in ("even", "natural"))
    assert len(even.encode("患者记住了医生的建议。")) < len(natural.encode("患者记住了医生的建议。"))


WORDS = ["不当得利", "缔约过失责任", "habeas corpus", "tachycardia"]


def test_added_words_are_one_token_and_other_text_is_cut_as_before(
    corpus: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("# 法律\n" + "\n".join(WORDS) + "\n\n", "utf-8")
    made = train_tokenizer(corpus, tmp_path / "tokenizer", vocab_size=512, add_words=words)
    assert len(made) == len(tokenizer) == 512
    for word in ("不当得利", "缔约过失责任", "tachycardia", " tachycardia", " corpus"):
        assert len(made.encode(word)) == 1
        assert len(tokenizer.encode(word)) > 3
    assert len(made.encode("habeas corpus")) == 2  # the split pattern parts words at blanks
    # No list of added tokens, which readers handle each in their own way: merges, like the others.
    file = json.loads((tmp_path / "tokenizer" / "tokenizer.json").read_text("utf-8"))
    assert [t["content"] for t in file["added_tokens"]] == SPECIAL_TOKENS
    assert len(made.encode("构成不当得利的，应当返还")) < len(tokenizer.encode("构成不当得利的，应当返还"))
    for text in TEXTS:
        assert made.decode(made.encode(text)) == text
    # Merges learned early are untouched, so ordinary text costs hardly more.
    text = "The court heard the long story. 法院听取了漫长的故事。"
    assert len(made.encode(text)) <= 2 * len(tokenizer.encode(text))
    again = train_tokenizer(corpus, tmp_path / "again", vocab_size=512, add_words=WORDS)
    assert again.fingerprint() == made.fingerprint()


def test_added_words_errors(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="list of words"):
        train_tokenizer(corpus, tmp_path / "out", vocab_size=512, add_words=tmp_path / "none.txt")
    many = [f"{a}{b}{c}" for a in "甲乙丙丁" for b in "戊己庚辛" for c in "壬癸子丑"]
    with pytest.raises(InputError, match="give fewer words or raise vocab_size"):
        train_tokenizer(corpus, tmp_path / "out", vocab_size=400, add_words=many)
    assert not (tmp_path / "out" / "report.json").exists()


def ranks_file(folder: Path, tokenizer_folder: Path) -> Path:
    """A tokenizer of ours as tiktoken would keep it: tokens and ranks, no merges."""
    letters = {letter: byte for byte, letter in vocabularies._byte_letters().items()}
    model = json.loads((tokenizer_folder / "tokenizer.json").read_text("utf-8"))["model"]
    tokens = [t for t in sorted(model["vocab"], key=model["vocab"].get) if t not in SPECIAL_TOKENS]
    lines = [b"%s %d" % (base64.b64encode(bytes(letters[c] for c in token)), rank) for rank, token in enumerate(tokens)]
    path = folder / "qwen.tiktoken"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines))
    return path


def test_ranks_of_tiktoken_count_as_the_tokenizer_they_were_made_of(
    tokenizer: Tokenizer, tokenizer_folder: Path, tmp_path: Path
) -> None:
    count = vocabularies.counter(ranks_file(tmp_path, tokenizer_folder))
    texts = [text for text, _, _ in documents(200, seed=9)] + TEXTS
    assert count(texts) == [len(ids) for ids in tokenizer.encode_batch(texts)]
    assert vocabularies.counter(tokenizer_folder)(texts) == count(texts)
    (tmp_path / "bad.tiktoken").write_text("no ranks here\n")
    with pytest.raises(InputError, match=r"bad\.tiktoken cannot be read as a vocabulary"):
        vocabularies.counter(tmp_path / "bad.tiktoken")


def test_report_compares_with_what_is_installed(
    corpus: Path, tokenizer_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks_file(tmp_path / "site" / "dashscope" / "resources", tokenizer_folder)
    (tmp_path / "site" / "dashscope" / "__init__.py").write_text("raise RuntimeError('never imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    train_tokenizer(corpus, tmp_path / "out", vocab_size=400, compare=[tokenizer_folder])
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    others = report["others"]
    assert others["qwen (dashscope)"] == others[str(tokenizer_folder)]
    assert set(others["words"]) == {"zh", "en", "all", "by_domain"}
    # 512 tokens stand for more bytes each than 400.
    assert others["qwen (dashscope)"]["all"] > report["bytes_per_token"]["all"]
    # jieba's 法院 and 听取 have 6 bytes; marks count too.
    assert 4 < others["words"]["zh"] < 8

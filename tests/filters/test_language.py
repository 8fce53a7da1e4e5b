"""The language step: columns, rules, backends, and how well it does on labelled text."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError
from corpusmill.curate.step import failures
from corpusmill.filters import language as language_module
from corpusmill.filters.language import CLAIMED, Language, iso_codes, language_of_label

CASES = [
    ("患者否认高血压病史，无发热。", "zh", "Hans"),
    ("本公司依法承擔賠償責任。", "zh", "Hant"),
    ("山中相送", "zh", "Hans"),
    ("The court shall decide within ten days.", "en", "Latn"),
    ("東京都千代田区", "ja", "Jpan"),
    ("大阪府警察本部捜査第一課", "ja", "Jpan"),
    ("これは日本語の文章です。", "ja", "Jpan"),
    ("안녕하세요, 반갑습니다.", "ko", "Kore"),
    ("Съешь же ещё этих мягких французских булок.", "ru", "Cyrl"),
    ("Das Gericht entscheidet innerhalb von zehn Tagen.", "de", "Latn"),
    ("هذا النص مكتوب باللغة العربية.", "ar", "Arab"),
    ("ខ្ញុំស្រឡាញ់ភាសាខ្មែរ", "km", "Khmr"),
    ("廣東話係好難學嘅語言", "zh", "Hant"),
    ("详情请见https://example.com/abc/def.html，谢谢大家！", "zh", "Hans"),
    ("患者服用 Aspirin 100mg qd, 并口服 Metformin Hydrochloride Sustained Release", "zh", "Hans"),
    ("患者 Aspirin 100mg 口服", "zh", "Hans"),
    ("本非魂斗罗系列作品，以《Arc Hound》（アークハウンド）为名发售。", "zh", "Hans"),
    ("参见古音 (日本汉字音)。", "zh", "Hans"),
    ("मोक्ष की तलाश है।", "hi", "Deva"),
    ("आवेदक लिखित स्वरुपात किंवा फॅक्स अथवा इंटरनेट वर अर्ज करु शकतात.", "mr", "Deva"),
    ("We met in 北京 last week to discuss the agreement.", "en", "Latn"),
    ("中文里偶尔出现の字也还是中文，不会因此变成日文。", "zh", "Hans"),
]
NOTHING = ["", "   ", "12345 67.8", "😀😀 !!!", "https://www.example.com/a/b?c=d&e=f http://foo.example/bar"]
CODE = ["for(i=0;i<n;i++){a[i]=b[i]*c;}", "<div class='x'><a href='#'></a></div>", "asdfghjkl qwerty zxcvb"]


def labelled(step: Language, *texts: str):
    docs = step.measure(Documents.from_texts(texts))
    return list(zip(docs.languages, docs.scripts, docs.signals["language_score"].tolist(), strict=True))


@pytest.mark.parametrize(("text", "language", "script"), CASES)
def test_language_and_script(text: str, language: str, script: str) -> None:
    [(found, found_script, score)] = labelled(Language(), text)
    assert (found, found_script) == (language, script)
    assert 0.4 <= score <= 1


def test_chinese_written_alike_in_both_scripts_is_hans_but_kept_as_either() -> None:
    texts = [
        "山中相送",
        "本公司依法承擔賠償責任。",
        "本公司依法承担赔偿责任。",
        "Hello, how are you today?",
        "大阪府警察本部捜査第一課",
    ]
    docs = Language(keep=["zh-Hant"]).measure(Documents.from_texts(texts))
    assert docs.scripts == ["Hans", "Hant", "Hans", "Latn", "Jpan"]
    assert docs.signals["language_kept"].tolist() == [1, 1, 0, 0, 0]
    assert [None if s != s else s for s in docs.signals["script_score"].tolist()] == [0.5, 1, 1, None, None]
    # No language, no guess at its script.
    assert [found[:2] for found in labelled(Language(), "山中{}[]<>")] == [("und", "Hani")]


@pytest.mark.parametrize("text", NOTHING)
def test_no_letters_no_language(text: str) -> None:
    assert labelled(Language(), text) == [("und", "Zyyy", 0.0)]


@pytest.mark.parametrize("text", CODE)
def test_code_and_noise_have_no_language(text: str) -> None:
    [(language, script, score)] = labelled(Language(), text)
    assert (language, script) == ("und", "Latn")
    assert score < 0.4


def test_columns_and_signals() -> None:
    docs = Language(keep=["zh"]).measure(Documents.from_texts(["你好世界 ok", "hello there, my friend"]))
    assert docs.table["language_score"].to_pylist() == docs.signals["language_score"].tolist()
    assert docs.signals["han_ratio"].tolist() == pytest.approx([4 / 6, 0.0])
    assert docs.signals["language_kept"].tolist() == [1.0, 0.0]
    assert set(Language(keep=["zh"]).signal_names) == set(docs.signals)
    bare = Language().measure(Documents.from_texts(["你好"]))
    assert set(bare.signals) == set(Language().signal_names) == {"language_score", "script_score", "han_ratio"}


def test_a_document_does_not_depend_on_its_batch(texts: list[str]) -> None:
    step = Language()
    assert labelled(step, *texts) == [labelled(step, text)[0] for text in texts]


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (["zh"], [0, 1, 2]),
        (["en"], [3]),
        (["zh-Hant"], [1, 2]),
        (["zh-Hans", "en"], [0, 2, 3]),
        (["und"], [5]),
        (None, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_keep_names_what_it_drops(keep: list[str] | None, kept: list[int]) -> None:
    texts = [CASES[0][0], CASES[1][0], CASES[2][0], CASES[3][0], CASES[9][0], "123"]
    step = Language(keep=keep)
    broken = list(failures(step, step.measure(Documents.from_texts(texts))))
    assert {row for row, *_ in broken} == set(range(6)) - set(kept)
    assert all((rule.name, value, limit) == ("keep", 0.0, 1.0) for _, rule, value, limit in broken)


def test_min_score_may_differ_by_language() -> None:
    texts = ["患者否认高血压病史，无发热。", "The court shall decide within ten days."]
    step = Language(min_score={"default": 0.0, "zh": 0.999})
    broken = list(failures(step, step.measure(Documents.from_texts(texts))))
    assert [(row, rule.name) for row, rule, *_ in broken] == [(0, "min_score")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": ["cn"]}, "unknown language 'cn'"),
        ({"keep": ["zh-hant"]}, "did you mean 'Hant'"),
        ({"keep": []}, "drop every document"),
        ({"keep": ["sw"]}, "backend 'eld' cannot tell 'sw'"),
        ({"backend": "fasttext"}, "needs a model"),
        ({"model": "lid.176"}, "the backend is 'eld'"),
        ({"keep": ["xx", "zh-Abcd"]}, "unknown language 'xx'.*unknown script 'Abcd'"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Language(**options)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(CorpusmillError, match=r"no fastText model at /nowhere/lid\.bin"):
        Language(backend="fasttext", model="/nowhere/lid.bin").prepare()


def test_lid_176_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from corpusmill.curate import fetch

    monkeypatch.setattr(fetch, "cached", lambda name: None)
    with pytest.raises(CorpusmillError, match=r"run: corpusmill fetch lid\.176"):
        Language(backend="fasttext", model="lid.176").prepare()
    monkeypatch.setattr(fetch, "cached", lambda name: tmp_path / f"{name}.ftz")
    with pytest.raises(CorpusmillError, match=r"no fastText model at .*lid\.176\.ftz"):
        Language(backend="fasttext", model="lid.176").prepare()


def test_a_fasttext_model_with_labels_like_glotlid(tmp_path: Path, texts: list[str]) -> None:
    import fasttext

    labels = ("cmn_Hani", "eng_Latn")
    lines = tmp_path / "train.txt"
    lines.write_text("".join(f"__label__{labels[i % 2]} {text}\n" for i, text in enumerate(texts)), encoding="utf-8")
    model = fasttext.train_supervised(
        input=str(lines), minn=1, maxn=3, dim=8, bucket=5000, epoch=10, lr=0.5, thread=1, verbose=0
    )
    model.save_model(str(tmp_path / "lid.bin"))
    step = Language(backend="fasttext", model=str(tmp_path / "lid.bin"), keep=["zh-Hans"])
    found = labelled(step, "今天天气很好，\n我们去公园。", "The weather is nice today.", "123")
    assert [(language, script) for language, script, _ in found] == [("zh", "Hans"), ("en", "Latn"), ("und", "Zyyy")]
    assert all(0.5 < score <= 1 for _, _, score in found[:2])


@pytest.mark.parametrize(
    ("label", "language"),
    [
        ("__label__zh", "zh"),
        ("__label__cmn_Hani", "zh"),
        ("__label__zho_Hant", "zh"),
        ("__label__yue_Hani", "yue"),
        ("__label__arb_Arab", "ar"),
        ("__label__als_Latn", "sq"),
        ("__label__als", "als"),
        ("__label__zxx_Zxxx", "und"),
    ],
)
def test_labels(label: str, language: str) -> None:
    assert language_of_label(label) == language


def test_iso_codes_agree_with_eld() -> None:
    import eldc

    assert len(set(iso_codes().values())) == 184
    assert all(iso_codes()[three] == two for two, three in zip(eldc.LANGUAGES, eldc.LANGUAGES_ISO2T, strict=True))


def test_langdetect_gives_the_same_answer_twice() -> None:
    step = Language(backend="langdetect", keep=["zh", "en"])
    texts = ["今天天气很好，我们去公园散步。", "The weather is nice today.", "Das Wetter ist heute schön.", "ok la"]
    first = labelled(step, *texts)
    assert [language for language, *_ in first[:3]] == ["zh", "en", "de"]
    assert all(labelled(step, *texts) == first for _ in range(3))


@pytest.mark.parametrize(
    ("guesses", "text", "expected"),
    [
        ([("ko", 0.7), ("zh", 0.28)], "約翰文書，為約翰福音、約翰一書的總稱", ("zh", "Hant", 1.0)),
        ([("zh", 0.9), ("en", 0.3)], "The court shall decide", ("und", "Latn", 0.3)),
        ([("ru", 0.9), ("en", 0.6)], "The court shall decide", ("en", "Latn", 0.6)),
        ([("zh", 0.9)], "안녕하세요, 반갑습니다", ("ko", "Kore", 1.0)),
        ([("yue", 0.9)], "山中相送", ("yue", "Hant", 0.9)),
        ([("qqq", 0.9)], "The court shall decide", ("qqq", "Latn", 0.9)),
    ],
)
def test_script_overrules_a_detector_that_cannot_be_right(
    monkeypatch: pytest.MonkeyPatch, guesses: list[tuple[str, float]], text: str, expected: tuple[str, str, float]
) -> None:
    monkeypatch.setattr(language_module, "_detector", lambda backend, model: lambda texts: [guesses for _ in texts])
    [(language, script, score)] = labelled(Language(), text)
    assert (language, script) == expected[:2]
    assert score == pytest.approx(expected[2])


def load(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize(("name", "least"), [("sentences75", 0.99), ("word_pairs75", 0.95)])
def test_accuracy_for_the_languages_it_claims(shared_data: Path, name: str, least: float) -> None:
    rows = [row for row in load(shared_data / "langid" / f"{name}.jsonl.gz") if row["lang"] in CLAIMED]
    assert len({row["lang"] for row in rows}) == 52
    found = labelled(Language(), *(row["text"] for row in rows))
    right = [language == row["lang"] for (language, *_), row in zip(found, rows, strict=True)]
    assert sum(right) / len(right) >= least
    for code in ("zh", "en", "ja", "ko"):
        mine = [ok for ok, row in zip(right, rows, strict=True) if row["lang"] == code]
        assert sum(mine) / len(mine) >= least, code


@pytest.mark.parametrize(("name", "script"), [("wiki_hans", "Hans"), ("wiki_hant", "Hant")])
def test_chinese_wikipedia(shared_data: Path, name: str, script: str) -> None:
    texts = [row["text"] for row in load(shared_data / "zh" / f"{name}.jsonl.gz")]
    found = labelled(Language(), *texts)
    assert sum(pair[:2] == ("zh", script) for pair in found) / len(found) > 0.995
    sentences = [s for text in texts for s in re.findall(r"[^。！？\n]+[。！？]?", text) if len(s) >= 8]
    found = labelled(Language(), *sentences)
    assert sum(pair[:2] == ("zh", script) for pair in found) / len(found) > 0.99

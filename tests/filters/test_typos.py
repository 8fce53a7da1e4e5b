"""Typo fixing: edits where the model has earned it, counts elsewhere, and never touches protected text."""

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import InputError
from corpusmill.filters.confusions import NEVER, confusions, sounds, wrong_words
from corpusmill.filters.typo_chinese import sentences
from corpusmill.filters.typo_english import sentences_english
from corpusmill.filters.typo_model import Measured, TypoModel, train_typos
from corpusmill.filters.typos import FixTypos, apply, guess_language

SUBJECTS_ZH = ["人民法院", "人民政府", "公安机关", "检察机关", "行政部门", "仲裁机构", "审判委员会", "监督管理机构"]
VERBS_ZH = ["依照法律规定", "根据本案事实", "按照有关程序", "结合调查情况", "综合全部证据"]
OBJECTS_ZH = [
    "作出处理决定",
    "审查申请材料",
    "保护合法权益",
    "送达法律文书",
    "公布调查结果",
    "组织专家评估",
    "提供法律援助",
]
SUBJECTS_EN = ["government", "committee", "department", "university", "commission", "association", "corporation"]
VERBS_EN = ["published", "discussed", "considered", "approved", "presented", "completed", "described"]
OBJECTS_EN = ["report", "agreement", "programme", "investigation", "recommendation", "development plan"]


def corpus(seed: int, n: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    out = []
    for _ in range(n):
        zh = "，".join(rng.choice(SUBJECTS_ZH) + rng.choice(VERBS_ZH) + rng.choice(OBJECTS_ZH) for _ in range(2)) + "。"
        en = f"The {rng.choice(SUBJECTS_EN)} {rng.choice(VERBS_EN)} the {rng.choice(OBJECTS_EN)} and the {rng.choice(SUBJECTS_EN)} {rng.choice(VERBS_EN)} it."
        out += [(zh, "zh"), (en, "en")]
    return out


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("typos") / "model.npz"
    train_typos(corpus(1, 6000), path)
    return path


def run(step: FixTypos, texts: list[str], languages: list[str | None]) -> Documents:
    return step.transform(Documents.from_texts(texts, language=languages))


def test_fixes_what_it_has_learnt(model: Path) -> None:
    out = run(
        FixTypos(model=str(model)),
        [
            "人民法院依照法律规定作出处理决订，公安机关根据本案事实送达法律文书。",
            "The goverment published the report and the comittee discussed it.",
        ],
        ["zh", "en"],
    )
    assert out.texts == [
        "人民法院依照法律规定作出处理决定，公安机关根据本案事实送达法律文书。",
        "The government published the report and the committee discussed it.",
    ]
    assert out.signals["typos_fixed"].tolist() == [1, 2]
    assert out.signals["typo_suspects"].tolist() == [0, 0]


def test_clean_text_stays(model: Path) -> None:
    texts = corpus(2, 300)
    out = run(FixTypos(model=str(model)), [t for t, _ in texts], [language for _, language in texts])
    assert out.texts == [t for t, _ in texts]
    assert out.signals["typos_fixed"].sum() == 0


def test_measures_itself_on_injected_errors(model: Path) -> None:
    measured = TypoModel.load(model).measured
    for language in ("zh", "en"):
        assert measured[language].sentences >= 200
        assert measured[language].precision >= 0.97
        assert measured[language].recall >= 0.3
        assert measured[language].clean_changed <= 0.002


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("人民法院依照法律规定作出处理决订，公安机关根据本案事实送达法律文书。", "zh"),
        ("The goverment published the report.", "en"),
    ],
)
def test_refuses_below_the_bar_and_counts(model: Path, tmp_path: Path, text: str, language: str) -> None:
    known = TypoModel.load(model)
    weak = {k: replace(v, precision=0.9) for k, v in known.measured.items()}
    harmful = {k: replace(v, clean_changed=0.05) for k, v in known.measured.items()}
    for i, measured in enumerate((weak, harmful)):
        path = tmp_path / f"{i}.npz"
        replace(known, measured=measured).save(path)
        out = run(FixTypos(model=str(path)), [text], [language])
        assert out.texts == [text]
        assert out.signals["typo_suspects"].tolist() == [1]
        assert out.signals["typos_fixed"].tolist() == [0]
    lenient = FixTypos(model=str(tmp_path / "0.npz"), min_precision=0.8)
    assert run(lenient, [text], [language]).signals["typos_fixed"].tolist() == [1]


def test_tag_mode_and_no_model_never_edit(model: Path) -> None:
    texts = ["人民法院依照法律规定作出处理决订。", "The goverment published it.", "他必竟是个孩子，脉博很快。"]
    for step in (FixTypos(), FixTypos(model=str(model), mode="tag")):
        out = run(step, texts, ["zh", "en", "zh"])
        assert out.texts == texts
        assert out.signals["typo_suspects"][1:].tolist() == [1, 2]
        assert out.signals["typos_fixed"].tolist() == [0, 0, 0]


def test_other_domains_and_languages_are_left_alone(model: Path) -> None:
    texts = ["昨晚我们去江边看烟花，孩门都很开心。", "Das Goverment hat es veröffentlicht.", "東京都の決訂"]
    out = run(FixTypos(model=str(model)), texts, ["zh", "de", "ja"])
    assert out.texts == texts


def test_protected_text_is_never_edited(model: Path) -> None:
    texts = [
        "人民法院依照法律规定“作出处理决订”，不构成正当防卫，依照第二百三十四条，用药100mg。",
        'The committee described the "goverment" at https://goverment.example/goverment and GOVERMENT-1.',
    ]
    assert run(FixTypos(model=str(model)), texts, ["zh", "en"]).texts == texts


def test_terms_are_never_edited(model: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("goverment\n决订\n", "utf-8")
    texts = ["The goverment published the report.", "人民法院依照法律规定作出处理决订。"]
    assert run(FixTypos(model=str(model)), texts, ["en", "zh"]).texts != texts
    assert run(FixTypos(model=str(model), terms=str(terms)), texts, ["en", "zh"]).texts == texts


def test_user_confusions_extend_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# mine\n嘉家\n甲方\t乙方\n", "utf-8")
    table = confusions(str(path))
    assert "家" in table["嘉"]
    assert "乙" in table["甲"]
    with pytest.raises(InputError, match="UTF-8"):
        confusions(str(tmp_path / "none.txt"))


def test_no_confusion_writes_or_removes_a_negation_or_numeral() -> None:
    table = confusions()
    assert not NEVER & set(table)
    assert not NEVER & set("".join(table.values()))
    assert "再" in table["在"]
    assert "帐" in sounds()["账"]
    assert all(w != r for w, r in wrong_words().items())


def test_too_little_text_measures_nothing_and_so_refuses(tmp_path: Path) -> None:
    path = tmp_path / "small.npz"
    small = train_typos(corpus(1, 60), path)
    assert all(m.precision == 0 for m in small.measured.values())
    step = FixTypos(model=str(path))
    assert not step.may_edit("zh")
    assert not step.may_edit("en")


def test_saved_model_is_the_trained_one(model: Path, tmp_path: Path) -> None:
    loaded = TypoModel.load(model)
    loaded.save(tmp_path / "again.npz")
    again = TypoModel.load(tmp_path / "again.npz")
    assert again.words == loaded.words
    assert loaded.chinese is not None
    assert again.chinese is not None
    assert (again.chinese.counts.entries == loaded.chinese.counts.entries).all()
    texts = ["人民法院依照法律规定作出处理决订，公安机关根据本案事实送达法律文书。"]
    assert again.chinese.edits(texts) == loaded.chinese.edits(texts) != [[]]
    assert again.measured == loaded.measured
    assert train_typos(corpus(1, 6000)).measured == loaded.measured


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train_typos"):
        FixTypos(model=str(tmp_path / "none.npz")).prepare()
    (tmp_path / "bad.npz").write_bytes(b"not a model")
    with pytest.raises(InputError, match="not a typo model"):
        FixTypos(model=str(tmp_path / "bad.npz")).prepare()
    with pytest.raises(ValidationError):
        FixTypos(mode="both")


def test_small_parts() -> None:
    assert list(sentences("这是第一个句子。 这是第二个？\n短")) == ["这是第一个句子。", "这是第二个？", "短"]
    assert list(sentences_english("This is a sentence. And here is another!\nShort")) == [
        "This is a sentence.",
        "And here is another!",
    ]
    assert guess_language("今天天气很好 ok") == "zh"
    assert guess_language("The weather is fine") == "en"
    assert guess_language("Погода") is None
    assert apply("abcd", []) == "abcd"
    assert Measured().clean_changed == 1.0


@pytest.mark.slow
def test_real_statutes_and_real_errors(shared_data: Path, tmp_path: Path) -> None:
    with gzip.open(shared_data / "legal/zh_statutes.jsonl.gz", "rt", encoding="utf-8") as lines:
        laws = [(json.loads(line)["text"], "zh") for line in lines]
    path = tmp_path / "law.npz"
    measured = train_typos(laws, path).measured["zh"]
    assert measured.precision >= 0.97
    assert measured.recall >= 0.3
    with gzip.open(shared_data / "spell/ecspell_law_train.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    out = run(FixTypos(model=str(path)), [r["text"] for r in rows], ["zh"] * len(rows)).texts
    right = wrong = 0
    for row, fixed in zip(rows, out, strict=True):
        for before, after, gold in zip(row["text"], fixed, row["target"], strict=False):
            if after != before:
                right += after == gold
                wrong += after != gold
    assert right >= 100
    assert right / (right + wrong) >= 0.95

"""Typo fixing: edits where the model has earned it, counts elsewhere, and never touches protected text."""

import gzip
import json
import random
from collections import Counter as Tally
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import InputError
from corpusmill.filters.text.buffers import readonly
from corpusmill.filters.typos.calibrate import Trial
from corpusmill.filters.typos.candidates import NEAR_SOUND, SHAPE, SOUND, candidates, near_sound
from corpusmill.filters.typos.chinese import ChineseModel, allowed, sentences
from corpusmill.filters.typos.confusions import NEVER, confusions, sounds, wrong_words
from corpusmill.filters.typos.counts import ORDER, Counter, code_row, count_run
from corpusmill.filters.typos.english import LENIENT, MIDDLE, STRICT, edits_english, sentences_english
from corpusmill.filters.typos.kernel import FACTS
from corpusmill.filters.typos.model import Measured, TypoModel, train_typos
from corpusmill.filters.typos.steps import FixTypos, apply, guess_language

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


def test_two_wrong_characters_side_by_side_are_mended(model: Path) -> None:
    out = run(
        FixTypos(model=str(model)), ["监督管理机构综合全部正距组织专家评估，人民政府依照法律规定公布调查结果。"], ["zh"]
    )
    assert out.texts == ["监督管理机构综合全部证据组织专家评估，人民政府依照法律规定公布调查结果。"]
    assert out.signals["typos_fixed"].tolist() == [2]


def test_user_confusions_reach_the_model(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("卓\t律\n", "utf-8")
    texts = ["人民法院依照法卓规定作出处理决定，公安机关根据本案事实送达法律文书。"]
    assert run(FixTypos(model=str(model)), texts, ["zh"]).texts == texts
    mended = run(FixTypos(model=str(model), confusions=str(path)), texts, ["zh"]).texts
    assert mended == [texts[0].replace("法卓", "法律")]


@pytest.mark.parametrize(
    ("text", "at", "char", "may"),
    [
        ("依照法律规定作出处理决订。", 11, "定", True),
        ("由张小订处理决定。", 3, "定", False),  # may be a name
        ("处理决订，处理决订，处理决订。", 3, "定", False),  # the author's own way
        ("处理决订3项。", 3, "定", False),  # beside a number
        ("依照《处理决订》办理。", 6, "定", False),  # a title
        ("他慢慢的走。", 3, "地", False),  # usage decides
        ("是都者。", 1, "者", False),  # function words stand anywhere
    ],
)
def test_guards(text: str, at: int, char: str, may: bool) -> None:
    assert allowed(text, at, char) is may


def test_candidates_are_by_sound_near_sound_and_shape_and_of_one_script() -> None:
    known = frozenset("治制志资痛疼桶组织未定")
    table = candidates(known)
    assert table.of("制")["治"] == SOUND | NEAR_SOUND
    assert table.of("制")["资"] == NEAR_SOUND
    assert table.of("桶")["痛"] & SHAPE
    assert table.of("組") == {}  # Traditional: another step converts
    assert "未" not in table.of("味")
    assert table.of("未") == {}
    assert near_sound("zhuang") == near_sound("zuan")
    assert near_sound("nin") == near_sound("ling")


def test_counts_are_those_of_a_slow_count() -> None:
    rng = random.Random(3)
    texts = ["".join(rng.choice("甲乙丙丁，") for _ in range(rng.randrange(5, 40))) for _ in range(300)]
    counter = Counter()
    counter.add([*texts, *texts])  # a sentence counts once
    counts = counter.counts()
    slow: Tally[str] = Tally()
    for text in dict.fromkeys(texts):
        for n in range(1, ORDER + 1):
            slow.update(text[i : i + n] for i in range(len(text) - n + 1))
    row, starts = code_row(["甲乙丙", "乙丁甲乙，", "丙丙丙丙丙"])
    for text, start in zip(["甲乙丙", "乙丁甲乙，", "丙丙丙丙丙"], starts.tolist(), strict=True):
        for n in range(1, len(text) + 1):
            expected = slow[text[:n]]
            if n > 3 and expected < 2:
                expected = 0
            assert count_run(readonly(row), start, n, counts.table) == expected


def test_a_model_that_was_trained_again_is_read_again(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    known = TypoModel.load(model)
    replace(known, measured={}).save(path)
    step = FixTypos(model=str(path))
    assert not step.may_edit("en")
    known.save(path)
    assert step.may_edit("en")


def test_english_is_as_strict_as_its_vocabulary_demands() -> None:
    words = {"government": 50, "considerable": 40, "considerably": 3}
    far = "a goverrmant considarabble"
    assert [e.text for e in edits_english("The goverment and a considarabble", words, MIDDLE)] == ["government"]
    assert [e.text for e in edits_english(far, words, LENIENT)] == ["government", "considerable"]
    assert edits_english(far, words, MIDDLE) == edits_english(far, words, STRICT) == []


def test_a_small_english_text_is_measured_on_all_of_its_parts() -> None:
    texts = [(t, c) for t, c in corpus(1, 900) if c == "en"]
    found = train_typos(texts)
    assert found.measured["en"].sentences == len({t for t, _ in texts}) > 800  # a tenth would be ninety
    assert found.measured["en"].precision_low >= 0.97
    assert found.strictness == LENIENT


@pytest.mark.parametrize("word", ["avascular", "bipolarity", "transplantable"])
def test_english_words_made_with_a_prefix_or_suffix_are_left(word: str) -> None:
    words = {"vascular": 50, "polarity": 50, "transplantation": 50, "transplantable": 0}
    assert edits_english(f"The {word} tissue", words, MIDDLE) == []
    assert [e.text for e in edits_english("The vasculur tissue", words, MIDDLE)] == ["vascular"]


def test_threshold_keeps_both_bars_by_the_ends_of_their_intervals() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    right = rng.random(n) < 0.7
    scores = np.where(right, rng.normal(5, 1.5, n), rng.normal(1.5, 1.2, n))
    trial = Trial(scores, right, ~right & (rng.random(n) < 0.5), np.arange(n), rng.random(n), np.ones(n, np.int64))
    strict, loose = trial.threshold(0.99, 0.002), trial.threshold(0.9, 0.05)
    assert loose < strict < 8
    measured = trial.measure(strict)
    assert measured.precision > measured.precision_low >= 0.99
    assert measured.clean_changed < measured.clean_changed_high <= 0.002
    assert trial.threshold(0.99999, 0.0) == np.inf


def test_facts_of_a_pair_and_of_a_word_are_those_of_a_slow_count() -> None:
    texts = [text for text, language in corpus(5, 400) if language == "zh"]
    counter = Counter()
    counter.add(texts)
    found = ChineseModel(counter.counts()).propose(
        ["人民法院依照法律规定作出处理决订，公安机关根据本案事实送达法律文书。"]
    )
    (j,) = [j for j in range(len(found.at)) if found.right(j) == "定"]
    facts = dict(zip([name for name in FACTS if name != "kind"], found.facts[j].tolist(), strict=False))
    seen = "\n".join(dict.fromkeys(texts))
    total = len(seen.replace("\n", ""))
    assert facts["new_best_pair"] == pytest.approx(np.log(1 + max(seen.count("决定"), seen.count("定，"))), abs=1e-3)
    assert facts["new_tie"] == pytest.approx(
        np.log(seen.count("决定") * total / seen.count("决") / seen.count("定")), abs=1e-3
    )
    assert facts["new_word_seen"] == pytest.approx(np.log(1 + seen.count("决定")), abs=1e-3)


@pytest.mark.parametrize(("own", "harm"), [(0.0, 0.004), (0.003, 0.004), (0.006, 0.002)])
def test_own_typos_are_not_overrated_and_true_harm_stays_under_the_bar(own: float, harm: float) -> None:
    rng, n, bar = np.random.default_rng(0), 8000, 0.002
    estimates = []
    kept_promise = 0
    for _ in range(40):
        # An injected error or an own typo scores 4 and some; harm scores 1 and a little, and falls off.
        injected, typos = rng.normal(4, 2.5, n), rng.normal(4, 2.5, rng.binomial(n, own))
        wrong = 1 + rng.exponential(0.9, rng.binomial(n, harm))
        scores = np.concatenate([injected, typos, wrong])
        clean = np.arange(len(scores)) >= n
        sentence = np.concatenate([np.arange(n), rng.choice(n, len(typos) + len(wrong), replace=False)])
        trial = Trial(scores, ~clean, clean, sentence, np.zeros(n), np.ones(n, np.int64))
        estimates.append(trial.own_typos())
        kept_promise += bool(harm * np.exp(-(trial.threshold(0.97, bar) - 1) / 0.9) <= bar)
    assert own / 2 <= np.mean(estimates) <= own + bar / 20
    assert kept_promise >= 38


def test_traditional_chinese_learns_from_traditional_text(tmp_path: Path) -> None:
    from opencc import OpenCC

    convert = OpenCC("s2t").convert
    path = tmp_path / "hant.npz"
    train_typos([(convert(t), c) for t, c in corpus(1, 3000) if c == "zh"], path)
    text = convert("人民法院依照法律规定作出处理决定，公安机关根据本案事实送达法律文书。")
    broken = text.replace("決定", "決訂")
    assert broken != text
    assert run(FixTypos(model=str(path)), [broken, text], ["zh", "zh"]).texts == [text, text]


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
    errors = sum(a != b for r in rows for a, b in zip(r["text"], r["target"], strict=True))
    for row, fixed in zip(rows, out, strict=True):
        for before, after, gold in zip(row["text"], fixed, row["target"], strict=False):
            if after != before:
                right += after == gold
                wrong += after != gold
    assert right >= 0.3 * errors
    assert right / (right + wrong) >= 0.97
    clean = [(r["text"], o) for r, o in zip(rows, out, strict=True) if r["text"] == r["target"]]
    assert sum(a != b for a, b in clean) <= 0.002 * len(clean)
    with gzip.open(shared_data / "zh/news_docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        news = [s for line in lines for s in sentences(json.loads(line)["text"])][:5000]
    assert (
        sum(a != b for a, b in zip(news, run(FixTypos(model=str(path)), news, ["zh"] * len(news)).texts, strict=True))
        <= 5
    )

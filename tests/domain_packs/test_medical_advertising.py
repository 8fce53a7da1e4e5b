"""Clinics and miracle cures are told from medicine; sources carry the trust that a user puts in them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.domain_packs.medical.advertising import MedicalAdvertising
from corpusmill.domain_packs.medical.sources import SourceTrust

ADVERTISING = [
    "祖传秘方，包治百病，三天见效，永不复发，无效退款！货到付款，加微信免费领取。咨询热线：400-800-1234。",
    "北京某某白癜风专科医院引进德国技术，专家坐诊，签约治疗，绿色疗法。在线咨询，网上预约，健康热线400-123-4567，来院路线请点击咨询。",
    "我们男科医院采用微创无痛技术，名医坐诊，优惠活动进行中，预约热线 010-88888888，微信咨询享优惠套餐，立即抢购。" * 2,
    "祖傳秘方，包治百病，永不復發，無效退款！貨到付款，加微信免費領取，正品保證，立即訂購。",
]
MEDICINE = [
    "患者因反复上腹痛三年入院。胃镜示十二指肠球部溃疡，幽门螺杆菌阳性。予奥美拉唑20mg每日两次，阿莫西林1.0g每日两次，疗程十四天，无不良反应。",
    "白癜风是一种常见的后天性色素脱失性皮肤病。目前尚无法彻底治愈，治疗方法包括外用糖皮质激素、光疗等，应在专科医院由专业医生指导。",
    "医生您好，请问哪家医院看癫痫比较好？您好，建议到三级甲等医院神经内科就诊，完善脑电图检查，明确诊断后规范用药，不要轻信偏方。",
    "本品用于治疗高血压。用法用量：口服，一次一片，一日一次。不良反应：头痛、头晕、水肿。禁忌：对本品过敏者禁用。国药准字H20013154。",
    "患者無發熱，無咳嗽，雙肺呼吸音清。診斷：急性支氣管炎。予止咳藥物口服，兩週後門診複查。",
]


def dropped(texts: list[str], step: MedicalAdvertising | None = None, language: str = "zh") -> list[bool]:
    step = step or MedicalAdvertising()
    docs = step.measure(Documents.from_texts(texts, language=[language] * len(texts)))
    rows = {row for row, *_ in failures(step, docs)}
    return [row in rows for row in range(len(texts))]


ENGLISH = [
    "VIAGRA delivered to your door! No prescription needed, lowest prices, shipped overnight. Click here to order now.",
    "The health discovery that reverses aging while burning fat, without dieting or exercise! As seen on TV. Click here.",
    "Human Growth Hormone Therapy: lose weight while building lean muscle, reversing the ravages of aging all at once.",
]
ENGLISH_MEDICINE = [
    "The patient takes sildenafil (Viagra) 50 mg as needed. He was advised to lose weight and to stop smoking.",
    "Growth hormone deficiency is treated with daily injections; side effects include headache and fluid retention.",
    "Q: Can I buy antibiotics without a prescription? A: No. Ask your doctor, who will examine you and choose the right drug for "
    "the infection, its dose and how long to take it; leftover tablets should not be used.",
]


def test_english_golden_cases() -> None:
    assert dropped(ENGLISH, language="en") == [True] * 3
    assert dropped(ENGLISH_MEDICINE, language="en") == [False] * 3
    assert dropped(ENGLISH, language="de") == [False] * 3


def test_golden_cases() -> None:
    assert dropped(ADVERTISING) == [True] * len(ADVERTISING)
    assert dropped(MEDICINE) == [False] * len(MEDICINE)


def test_one_phrase_in_a_short_answer_is_no_advertisement_and_phrases_may_be_ones_own(tmp_path: Path) -> None:
    assert dropped(["听说有祖传秘方，请不要相信。"]) == [False]
    own = tmp_path / "own.txt"
    own.write_text("不要相信\n", encoding="utf-8")
    assert dropped(["不要相信" * 20], MedicalAdvertising(phrases=str(own))) == [True]
    assert dropped(ADVERTISING[:1], MedicalAdvertising(phrases=str(own), max_clinic_names=None)) == [False]


def test_real_questions_and_answers_stay(shared_data: Path) -> None:
    with gzip.open(shared_data / "sft/medical_zh_1k.jsonl.gz", "rt", encoding="utf-8") as f:
        texts = ["\n".join(turn["value"] for turn in json.loads(line)["conversations"]) for line in f]
    assert sum(dropped(texts)) <= 0.01 * len(texts)


def test_trust_follows_the_first_pattern_that_matches() -> None:
    step = SourceTrust(trust={"guidelines/*": 1, "*forum*": 0.2}, otherwise=0.6, min_source_trust=0.5)
    sources = ["Guidelines/forum.txt", "health-forum.csv", "news.txt", None]
    docs = step.measure(Documents.from_texts(["a"] * 4, source=sources))
    assert docs.signals["source_trust"].tolist() == pytest.approx([1, 0.2, 0.6, 0.6])
    assert [row for row, *_ in failures(step, docs)] == [1]
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        SourceTrust(trust={"*": 7})

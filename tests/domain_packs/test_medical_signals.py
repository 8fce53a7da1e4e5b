from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.domain_packs import MedicalSignals, lexicon
from corpusmill.domain_packs.medical.icd_names import FILE, names, tabular

RECORD = "患者因发热、咳嗽3天入院，既往史：高血压。予阿司匹林100mg口服，每日3次，复查血常规。"
NOTE = "The patient has hypertension and diabetes mellitus. Metformin 500 mg orally twice daily; follow-up in 2 weeks."
NEWS = "北京举行新年音乐会，艺术家们精湛的表演深深打动了观众，不断报以经久不息的热烈掌声。"
SPEECH = "My friends, we meet tonight at a time when the whole country looks forward to the spring and to its children."


def measure(*texts: str) -> dict[str, np.ndarray]:
    return MedicalSignals().measure(Documents.from_texts(texts)).signals


def test_records_are_denser_in_medical_terms_than_news_in_both_languages() -> None:
    terms = measure(RECORD, NEWS, NOTE, SPEECH)["medical_terms"]
    assert terms[0] > 0.3
    assert terms[2] > 0.3
    assert terms[1] == terms[3] == 0
    assert measure("患者無發熱，診斷：肺炎")["medical_terms"][0] > 0.5


@pytest.mark.parametrize(
    "dose",
    [
        "100mg",
        "0.5-1 g/kg",
        "80 mmHg",
        "12.5 mmol/L",
        "5 µg",
        "500毫克",
        "2片",
        "120次/分",
        "36.8℃",
        "每日3次",
        "一日三次",
        "每8小时一次",
        "twice daily",
        "b.i.d.",
        "every 8 hours",
    ],
)
def test_each_form_of_dose_counts_once(dose: str) -> None:
    for text in (f"予{dose}，", f"give {dose} now"):
        assert measure(text)["medical_doses"][0] == pytest.approx(1000 / len(text)), text


@pytest.mark.parametrize("text", ["for 5 months", "1998年5月3日", "12 lions", "第3次会议", "每天早上"])
def test_other_numbers_are_no_doses(text: str) -> None:
    assert measure(text)["medical_doses"][0] == 0


@pytest.mark.parametrize("code", ["E11.9", "S72.001A", "HP:0000003", "国药准字H20013154"])
def test_codes_count_once_and_also_beside_chinese(code: str) -> None:
    for text in (f"诊断{code}，", f"coded {code} here"):
        assert measure(text)["medical_codes"][0] == pytest.approx(1000 / len(text)), text
    assert measure("Version A12 and B2B, 1.2.3")["medical_codes"][0] == 0


def test_nothing_is_dropped_unless_a_bound_is_set() -> None:
    docs = Documents.from_texts([RECORD, NEWS, NOTE, SPEECH, ""])
    free = MedicalSignals()
    assert not list(failures(free, free.measure(docs)))
    strict = MedicalSignals(min_medical_terms=0.02)
    assert [row for row, *_ in failures(strict, strict.measure(docs))] == [1, 3, 4]
    listed = MedicalSignals(max_medical_codes=20)
    codes = Documents.from_texts(["E11.9 E11.8 E11.7 E11.6 E11.5", NOTE])
    assert [row for row, *_ in failures(listed, listed.measure(codes))] == [0]


def test_names_of_diseases_are_counted_and_covered_once() -> None:
    text = "She has carpal tunnel syndrome and hernias. No Wilson's disease."
    chinese = "患者诊断为Wilson's disease，予青霉胺。"
    signals = measure(text, chinese, "She has a car and a tunnel.", "a\x00b")
    assert signals["medical_diseases"] == pytest.approx([3000 / len(text), 1000 / len(chinese), 0, 0])
    # What lies in a name counts once, also where a term (disease, hernia) lies inside: 22 + 6 (hernia) + 16 characters.
    assert signals["medical_terms"][0] == pytest.approx(44 / len(text))
    assert signals["medical_terms"][1] > 16 / len(chinese)
    assert signals["medical_terms"][2] == signals["medical_terms"][3] == 0


@pytest.mark.parametrize(
    "word", ["cholestasis", "appendectomy", "amoxicillin", "cyclosporine", "leukocytes", "Arthroscopy"]
)
def test_words_are_known_by_their_endings(word: str) -> None:
    text = f"We saw {word} here."
    assert measure(text)["medical_terms"][0] == pytest.approx(len(word) / len(text))


@pytest.mark.parametrize("word", ["academia", "program", "aroma", "geography", "theology", "bitsize"])
def test_other_words_are_not(word: str) -> None:
    assert measure(f"We saw {word} here.")["medical_terms"][0] == 0


def test_names_are_made_of_a_classification_as_people_write_them(tmp_path: Path) -> None:
    """The whole list, made again from a piece of its source."""
    diags = [
        ("J40", "Bronchitis, not specified as acute or chronic", []),
        (
            "J42",
            "Unspecified chronic bronchitis",
            ["Chronic tracheitis", "Carpal tunnel syndrome (of wrist) NOS", "Bronchitis"],
        ),
        ("N32", "Other specified disorders of bladder", ["Calcified bladder", "Contracted bladder"]),
        ("W01", "Sunstroke rash", ["Asthma attack"]),
    ]
    body = "".join(
        f"<diag><name>{c}</name><desc>{d}</desc><inclusionTerm>{''.join(f'<note>{n}</note>' for n in ns)}</inclusionTerm></diag>"
        for c, d, ns in diags
    )
    (tmp_path / "t.xml").write_text(f"<ICD10CM.tabular><chapter>{body}</chapter></ICD10CM.tabular>")
    assert names(tabular(tmp_path / "t.xml")) == [
        "bronchitis", "calcified bladder", "carpal tunnel syndrome", "chronic tracheitis", "contracted bladder",
    ]  # fmt: skip
    shipped = lexicon.shipped("medical", FILE)
    assert len(shipped) == len(set(shipped)) > 6000
    assert {"carpal tunnel syndrome", "bronchitis", "wilson's disease"} <= set(shipped)

from __future__ import annotations

import numpy as np
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.domain_packs import EducationSignals, ExamMarks

PAPER = (
    "1．下列数中是质数的是（　　）\nA．21 B．27 C．29 D．33\n【答案】C\n"
    "2．7的平方是＿＿＿＿。\n【答案】49\n3．谁写了《静夜思》？\n答案：李白"
)
QUIZ = "1. What is the main idea of the passage?\n2. The capital of France is ____.\n3. State Ohm's law. [2 marks]\nAnswer: V = IR"
NEWS = "昨天下午，许多市民带着孩子来到新建的湿地公园散步。\n1998年那里还是一片荒地。"
TALK = "We walked along the river for an hour.\n12 people came with us."


def test_exercises_and_their_answers_are_counted_in_both_languages() -> None:
    signals = EducationSignals().measure(Documents.from_texts([PAPER, QUIZ, NEWS, TALK])).signals
    assert signals["exercises"][0] == pytest.approx(3000 / len(PAPER))
    assert signals["exercises"][1] == pytest.approx(3000 / len(QUIZ))
    assert signals["exercises"][2] == signals["exercises"][3] == 0
    assert signals["answered"][0] == 1
    assert signals["answered"][1] == pytest.approx(1 / 3)
    assert np.isnan(signals["answered"][2:]).all()


def test_teaching_text_is_denser_in_terms() -> None:
    plans = [
        "教学目标：理解勾股定理。课后作业：练习题。",
        "教學目標：國中課綱的學習單",
        "Lesson plan: students revise the quadratic equation.",
    ]
    terms = EducationSignals().measure(Documents.from_texts([*plans, NEWS, TALK])).signals["education_terms"]
    assert terms[:3].min() > 0.3
    assert terms[3:].max() == 0


def test_bare_questions_can_be_dropped_and_nothing_is_by_default() -> None:
    docs = Documents.from_texts([PAPER, QUIZ, NEWS])
    free = EducationSignals()
    assert not list(failures(free, free.measure(docs)))
    strict = EducationSignals(min_answered=0.5)
    assert [row for row, *_ in failures(strict, strict.measure(docs))] == [1]


@pytest.mark.parametrize(
    "mark",
    [
        "第3页（共8页）",
        "第3页 共8页",
        "高三数学试题 第2页（共6页）",
        "Page 3 of 12",
        "绝密★启用前",
        "…………○…………密…………○…………封…………○…………线…………○…………",
        "学科网（北京）股份有限公司",
        "© UCLES 2019 0580/42",
        "[Turn over",
        "DO NOT WRITE IN THIS AREA",
        "BLANK PAGE",
        "学校：________ 班级：________ 姓名：________",
        "Candidate name ____________ Centre number ______",
    ],
)
def test_a_mark_of_the_paper_is_cut_out_and_recorded(mark: str) -> None:
    docs = ExamMarks().transform(Documents.from_texts([f"{PAPER}\n{mark}\n{QUIZ}"]))
    assert docs.texts == [f"{PAPER}\n{QUIZ}"]
    assert [r.text for r in docs.removed] == [mark]


@pytest.mark.parametrize(
    "line",
    [
        "这道题见课本第3页。",
        "See page 3 of the booklet for the formula.",
        "学校组织学生参观了博物馆。",
        "The page was blank.",
        "请在答题卡上写明姓名和班级。",
        "密封线内不要答题是考试的基本要求之一，监考老师反复提醒。",
        "Turn over the card and read the question on its back.",
    ],
)
def test_text_that_speaks_of_such_things_stays(line: str) -> None:
    assert ExamMarks().transform(Documents.from_texts([line])).texts == [line]

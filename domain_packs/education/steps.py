"""What makes a text teaching material: terms, exercises, their answers; and the marks that exam papers carry on every page."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import polars as pl

from ...curate.documents import Documents
from ...curate.step import AtLeast, AtMost, Filter, Threshold, Transform
from .. import lexicon
from ..marked_lines import cut_marked_lines

LEXICON = ("terms-en.txt", "terms-zh-Hans.txt", "terms-zh-Hant.txt")

EXERCISES = (
    # 1. / 12． / 第3题 / （4） at a line's start and asking: a blank, a bracket to fill in, a question mark, or marks
    r"(?m)^\s*(?:第\s?\d{1,3}\s?[题題][:：.．、]?|\d{1,3}\s?[.．、)）]|[（(]\d{1,2}[)）])[^\n]{2,400}?(?:[（(][\s　]{1,12}[)）]|_{2,}|＿{2,}|[?？]|\(\d{1,2}\s?marks?\)|\[\d{1,2}\s?marks?\])",
    # Question 5: ..., Exercise 3.2, Q7., 例 3, 练习 2
    r"(?m)^\s*(?:(?:Question|Exercise|Problem|Example)\s+\d+(?:\.\d+)*|Q\.?\s?\d{1,3}|(?:例|练习|練習|习题|習題)\s?\d{1,3})[:：.．)\s]",
)
"""Regular expressions (Rust syntax) for the heads of exercises."""

ANSWERS = (
    r"(?m)^\s*(?:【\s?(?:答案|解析|解答|详解|詳解|分析|点评|點評)\s?】|(?:参考|參考)?(?:答案|解答|解析)\s?[:：]|故选\s?[:：]?\s?[A-D]|解\s?[:：])",
    r"(?m)^\s*(?i:answers?|solutions?|explanation|worked solution)\s?(?:\d{1,3})?\s?[:：.]",
)
"""Regular expressions (Rust syntax) for the heads of answers."""

MARKS = {
    "page": r"^\s*(?:第\s?\d{1,3}\s?[页頁]\s?[（(，,/]?\s?共\s?\d{1,3}\s?[页頁]\s?[）)]?|(?i:page)\s+\d{1,3}\s+(?i:of)\s+\d{1,3})\s*$"
    r"|[^\n]{0,40}(?:试题|試題|试卷|試卷)[^\n]{0,12}第\s?\d{1,3}\s?[页頁]",
    "seal": r"^[\s　]*(?:绝密|絕密|机密|機密)?\s?[★☆]\s?(?:启用前|啟用前|使用前)[\s　]*$|^[…\.．·○Ｏ〇\-—_\s　]{0,60}(?:密|封|线|線|装|裝|订|訂|内|內|外)"
    r"(?:[…\.．·○〇\-—_\s　]{2,}(?:密|封|线|線|装|裝|订|訂|内|內|外|不|要|答|题|題)){2,}[…\.．·○〇\-—_\s　]*$",
    "publisher": r"(?:学科网|菁优网|金太阳教育|组卷网|高考资源网|中学学科网|ks5u|[Kk][Ss]5[Uu]|21世纪教育网|zxxk|jyeoo)[^\n]{0,60}$"
    r"|(?i:©|\(c\)|copyright)\s*(?:UCLES|AQA|OCR|Pearson|Edexcel|WJEC|College Board|IBO?)[^\n]{0,80}$",
    "instruction": r"^\s*(?i:\[?turn over\]?|blank page|do not write (?:in|outside) (?:this|the) (?:area|box|margin)|leave (?:this space )?blank|end of (?:questions|paper|test))\s*[.▶►]?\s*$"
    r"|^\s*(?:请|請)?在?各?[题題]目?的?答[题題]区域[内內]作答[^\n]{0,40}$",
    "candidate": r"^\s*(?:学校|學校|班级|班級|姓名|准考证号|准考證號|考号|考號|座位号|座號)[:：]?[\s_＿　]+(?:(?:学校|學校|班级|班級|姓名|准考证号|准考證號|考号|考號|座位号|座號)[:：]?[\s_＿　]*)+$"
    r"|^\s*(?i:(?:candidate|centre) (?:name|number))[:\s_]+(?:(?i:(?:candidate|centre) (?:name|number))[:\s_]*)*$",
}
"""By rule: a line with this is a mark of the paper, not of its text: page feet, the seal line, who sells the scan."""


class EducationSignals(Filter):
    """Measures how much of a text teaches: terms, exercises, and whether exercises come with answers. Drops nothing by default."""

    name: ClassVar[str] = "education_signals"

    terms: str | None = None
    """A file of your own terms, one a line, in place of the pack's."""
    min_education_terms: Annotated[Threshold, AtLeast("education_terms")] = None
    """Least share of the characters that lie in a term of teaching."""
    max_exercises: Annotated[Threshold, AtMost("exercises")] = None
    """Most exercises for every 1,000 characters: bare question banks have ten and more."""
    min_answered: Annotated[Threshold, AtLeast("answered")] = None
    """Least number of answers for each exercise, at most 1. Not measured, so never a reason, below three exercises."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(lexicon.own(self.terms) if self.terms else lexicon.shipped("education", *LEXICON))

    def measure(self, docs: Documents) -> Documents:
        text = pl.col("text")
        exercises, answers = (
            pl.sum_horizontal(*(text.str.count_matches(p) for p in found)).cast(pl.Float64)
            for found in (EXERCISES, ANSWERS)
        )
        counted = lexicon.texts(docs).select(exercises.alias("exercises"), answers.alias("answers"))
        asked = counted["exercises"].to_numpy()
        answered = np.minimum(counted["answers"].to_numpy() / np.maximum(asked, 1), 1)
        return docs.with_signals(
            {
                "education_terms": lexicon.coverage(docs, self._patterns()),
                "exercises": lexicon.per_thousand(docs, EXERCISES),
                "answered": np.where(asked >= 3, answered, np.nan),
            }
        )


class ExamMarks(Transform):
    """Cuts out what exam papers carry on every page: page feet, the seal line, names of scan sellers, boxes for the candidate.

    Lines of more than 600 characters stay. What is cut is recorded.
    """

    name: ClassVar[str] = "exam_marks"

    def transform(self, docs: Documents) -> Documents:
        return cut_marked_lines(docs, MARKS, self.name)

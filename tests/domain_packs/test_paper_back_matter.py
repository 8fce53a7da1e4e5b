"""References and boilerplate of papers: what goes, what must stay."""

from __future__ import annotations

import pytest

from corpusmill.curate.documents import Documents
from corpusmill.domain_packs import PaperBackMatter

EN = """Aspirin in stroke

Received 3 March 2011; accepted in revised form 5 May 2011

Methods

We gave 75 mg a day to 12 patients [1,2]. The study had no funding limit on references.

Results

Arm   n   Dose (mg)
A   12   75
B   14   0.5

Conflict of interest: none declared.

Acknowledgements

We thank the nurses.

Funding
This work was supported by a grant.

References

1. Doe J, Roe R. A title about things. Lancet 2001;357:1191-4.
2. Smith AB. Another title, which is long and was wrapped by the printer
so that it stands on two lines. BMJ 1999;318:100-3.
[3] World Health Organization. A report. https://example.org 2010.

Table 2. Outcomes

Deaths   3   4.5   0.01
"""

EN_LEFT = """Aspirin in stroke

Methods

We gave 75 mg a day to 12 patients [1,2]. The study had no funding limit on references.

Results

Arm   n   Dose (mg)
A   12   75
B   14   0.5

Table 2. Outcomes

Deaths   3   4.5   0.01"""

ZH = """阿司匹林治疗卒中的疗效观察
【作者简介】张三，主任医师，从事神经内科工作
基金项目：国家自然科学基金资助项目（81000000）
收稿日期：2010-05-06 修回日期：2010-07-08
中图分类号：R743 文献标识码：A 文章编号：1000-0000(2010)01-0001-03

1 资料与方法
参考文献中的方法，每日口服阿司匹林100 mg，未见出血。
组别  例数  有效率(%)
治疗组  30  93.3
2 讨论
本研究不足之处在于样本量小。

利益冲突 所有作者均声明不存在利益冲突
参 考 文 献
[1] 李四, 王五. 阿司匹林的研究[J]. 中华神经科杂志, 2001, 34(2): 101-103.
[2] Doe J, Roe R, et al. Aspirin[J]. Lancet, 2003, 361: 13-20.
［3］赵六．神经病学［M］．北京：人民卫生出版社，2004．
（本文编辑：钱七）
附表1 用药情况
治疗组  100  30  0.05
"""

ZH_LEFT = """阿司匹林治疗卒中的疗效观察

1 资料与方法
参考文献中的方法，每日口服阿司匹林100 mg，未见出血。
组别  例数  有效率(%)
治疗组  30  93.3
2 讨论
本研究不足之处在于样本量小。

附表1 用药情况
治疗组  100  30  0.05"""


@pytest.mark.parametrize(("text", "left"), [(EN, EN_LEFT), (ZH, ZH_LEFT)], ids=["en", "zh"])
def test_a_paper(text: str, left: str) -> None:
    docs = PaperBackMatter().transform(Documents.from_texts([text, "A note. 无发热。"]))
    assert docs.texts[0] == left
    assert docs.texts[1] == "A note. 无发热。"
    # What was cut is in `removed`, whole: with what is left it makes the text again.
    lines = [line for r in docs.removed for line in r.text.split("\n")]
    assert sorted(filter(None, [*lines, *left.split("\n")])) == sorted(filter(None, text.split("\n")))
    assert {"references", "funding"} <= {r.rule for r in docs.removed}


def test_in_markdown_and_without_a_heading() -> None:
    entries = "\n".join(f"[{i}] Doe J. Title number {i}. J Test. 200{i};12({i}):10-1{i}." for i in range(1, 8))
    markdown = f"# T\n\n## Results\n\nIt worked.\n\n## Data availability\n\nOn request.\n\n| a | 1 |\n\n## References\n\n{entries}\n\n## Appendix\n\nMore."
    bare = f"It worked in 3 of 4.\n\n{entries}\n"
    docs = PaperBackMatter(min_left=0).transform(Documents.from_texts([markdown]))
    assert docs.texts[0] == "# T\n\n## Results\n\nIt worked.\n\n| a | 1 |\n\n## Appendix\n\nMore."
    # A bibliography is a document of its own: more than a share of a text must be left, or nothing is cut.
    docs = PaperBackMatter(min_left=0.3).transform(Documents.from_texts([bare, entries]))
    assert docs.texts == [bare, entries]
    docs = PaperBackMatter(min_left=0).transform(Documents.from_texts([bare]))
    assert docs.texts == ["It worked in 3 of 4."]


@pytest.mark.parametrize(
    "text",
    [
        "Dispute\n\nFunding\n\nThe clinic is funded by the state, and the patient pays $5 for each visit.",
        "Received 2 units of blood; accepted by the ward on 5 May.\n患者收到通知。",
        "1. Take 5 mg.\n2. In 2011 he had a stroke.\n3. No fever.\n4. Chest clear.\n5. Return in 2012.\n6. Stop aspirin.",
        "Terms\n\nCopyright 2011 Some Company. All rights reserved.",
        "References\n\nThe patient was referred to Dr. X for a second opinion, and the references were checked.",
        "参考文献\n该药的参考价格为每盒二十元，患者可自行选择，不必按文献用药。",
        "致谢\n感谢医生。",
        "year  deaths  rate\n2001  12  0.5\n2002  13  0.6\n2003  11  0.4\n2004  9  0.2\n2005  7  0.1",
    ],
)
def test_what_is_no_back_matter_stays(text: str) -> None:
    assert PaperBackMatter(min_left=0).transform(Documents.from_texts([text])).texts == [text]


def test_kinds_can_be_kept() -> None:
    docs = PaperBackMatter(keep=("references",)).transform(Documents.from_texts([EN, ZH]))
    assert "Lancet 2001;357" in docs.texts[0]
    assert "[1] 李四" in docs.texts[1]
    assert "We thank the nurses" not in docs.texts[0]

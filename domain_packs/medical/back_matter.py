"""What surrounds the science of a paper in plain text: its list of references, thanks, interests, dates of receipt.

XML says what is what, and its reader leaves these out; here they are told by their headings and by what references look
like. A row of a table is never cut, whatever heading stands above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, NamedTuple

import polars as pl
from pydantic import Field

from ...curate.documents import Documents, Removed
from ...curate.readers.xml.back_matter import back_matter
from ...curate.step import Transform
from .. import lexicon

MIN_ENTRIES = 5
"""References, one after the other, that end a text and are told as its list although no heading says so."""
MAX_SECTION = 6000
"""Characters: what follows a heading of back matter and is longer is something else."""

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
_DATE = rf"(?:\d{{1,2}}\s+{_MONTH},?\s+\d{{4}}|{_MONTH}\s+\d{{1,2}},?\s+\d{{4}}|\d{{4}}[-/.年]\s?\d{{1,2}}[-/.月]\s?\d{{1,2}}日?|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{4}})"
_EVENT = (
    r"(?:received(?! in)|accepted(?! in| for)|published(?: online)?|revised|resubmitted|first published|available online|epub|"
    r"(?:received |accepted )?in (?:final )?revised form|revision received|accepted for publication)"
)
LINES: dict[str, str] = {
    "dates": rf"(?i)^(?=.{{0,80}}(?:received|accepted))[ \t\u3000(（\[【*]*(?:(?:manuscript |article )?{_EVENT}\s*(?:on\s+)?[:：]?\s*{_DATE}[\s,;.，；。/|)）\]]*(?:and\s+)?)+$",
    "history": r"^[ \t\u3000(（\[【*]*(?:收稿日期|修回日期|收稿时间|接受日期|录用日期|网络出版日期|投稿日期)[\]】]?\s*[:：]?\s*\d{4}.{0,120}$",
    "funding": r"^[ \t\u3000\[【*]*(?:基金项目|基金資助|基金资助|资助项目|[Ff]unding|FUNDING|[Ff]unding sources?|[Gg]rant support|[Ff]inancial support)(?:[\]】]\s*[:：]?|\s*[:：.])(?:.{0,400}"
    r"(?:基金|项目|资助|計畫|计划|grant|fund|support|none|award).{0,400})$",
    "interests": r"(?i)^[ \t\u3000\[【*]*(?:(?:declarations? of |potential )?(?:conflicts? of interests?|competing (?:financial )?interests?)(?: statement)?|利益冲突(?:声明)?|利益衝突)(?:[\]】]\s*[:：]?|\s*[:：.])\s*\S.{0,500}$",
    "no_interests": r"(?i)^[ \t\u3000]*(?:the )?(?:all )?(?:the )?authors? (?:have )?(?:declares?d?|reports?(?:ed)?|states?|indicated?)(?: that)?(?: (?:they|he|she|there))?(?: (?:have|has|is|are))? (?:no|nothing)"
    r".{0,60}(?:interest|disclose|conflict).{0,200}$",
    "declared": r"^[ \t\u3000]*(?:利益冲突|利益衝突|作者贡献|作者貢獻|志谢|伦理审查|知情同意)(?:声明|聲明)?[ \u3000]+\S.{0,300}(?:声明|聲明|存在|[:：；]|感谢|批准|签署).{0,200}$",
    "contributions": r"(?i)^[ \t\u3000\[【*]*(?:authors?['’]?s? contributions?|作者贡献(?:声明)?)(?:[\]】]\s*[:：]?|\s*[:：])\s*\S.{0,590}$",
    "authors": r"^[ \t\u3000\[【*]*(?:作者简介|作者簡介|作者单位|作者單位|第一作者|通[讯信]作者|通訊作者|[Cc]orresponding [Aa]uthor|[Cc]orrespondence(?: (?:to|address))?|[Aa]ddress (?:for )?correspondence(?: to)?)(?:[\]】]\s*[:：]?|\s*[:：])\s*\S.{0,500}$",
    "numbers": r"^[ \t\u3000\[【*]*(?:中图分类号|中圖分類號|文献标[识志]码|文章编号|文章編號|引用(?:本文|格式)|[Cc]ite this article(?: as)?|[Cc]itation)(?:[\]】]\s*[:：]?|\s*[:：])\s*\S.{0,400}$",
    "doi": r"(?i)^[ \t\u3000\[【*]*(?:doi[\]】]?\s*[:：]?\s*|https?://(?:dx\.)?doi\.org/)10\.\d{4,9}/\S{1,80}[ \t]*$",
    "editor": r"^[ \t\u3000]*[(（\[【](?:本文编辑|责任编辑|責任編輯|编辑|校对)\s*[:：]?[^\n]{1,20}[)）\]】]\s*$",
    "copyright": r"(?i)^[ \t\u3000]*(?:copyright\s*)?(?:©|\(c\)|copyright)\s*(?:the author\(?s\)?|\d{4}).{0,300}$",
    "open_access": r"(?i)^[ \t\u3000]*this is an open[- ]access article.{0,560}$",
}
"""Lines that are back matter by themselves, by what they are; of at most 600 characters, from their first on."""

_ENTRY = re.compile(r"\s*(?:[\[［(（]\s?\d{1,3}\s?[\]］)）]|\d{1,3}(?:[.．、)]|\s(?=[A-Z一-鿿])))")
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d{2}(?!\d)")
_SIGNS = re.compile(
    r"\d\s*(?:[(（][^)）]{1,12}[)）])?\s*[:：]\s*[A-Za-z]?\d|\bpp?\.\s?\d|\bdoi\b|\bPMID\b|https?://|arXiv|\[[JMDCNSPRAZ](?:/OL)?\]|"
    r"\bet al\b|[，,]\s?等[.．,，]|^\W*[A-Z][\w'’\-]+,? (?:[A-Z]\.?-?\s?){1,3}[,;.:]|\bIn: |\b(?:Press|Publishers?|Springer|Elsevier|Wiley)\b|出版社",
    re.I,
)
_STOPS = re.compile(
    r"(?i)[#*\s]*(?:(?:supplementary |appendix )?(?:figures?|tables?)(?: legends?| captions?|\s+[\dS]+\b.*)?|legends?(?: to figures)?|appendix.{0,40}|annex.{0,40}|"
    r"abstract|abbreviations|introduction|background|(?:materials? and )?methods?|results?|discussion|conclusions?|"
    r"附录.{0,20}|附表.{0,20}|附图.{0,20}|附件.{0,20}|图注|表\s?\d.{0,40}|图\s?\d.{0,40}|摘要|前言|引言|(?:资料|材料|对象)与方法|方法|结果|讨论|结论|缩略语)\s*[:：]?\s*"
)
_CELL = re.compile(r"[<>=≤≥~±+\-–−(（]*\d[\d.,%‰±()（）/\-–−<>*]*")
_RUN_IN = re.compile(
    r"[ \t\u3000#*【\[]*(?:References|REFERENCES|参考文献|參考文獻)[】\]]?\s*[:：]?\s*(?=[\[［(]?1[\]］)．.、])"
)
_BEGINS = (
    r"[ \t\u3000#*_\d.、．)）(（\[【〔ivx一二三四五六七八九十]*(?:references?\b|reference list|bibliography|literature cited|works cited|主?要?参\s?考\s?文\s?献|"
    r"參考文獻|引用文|acknowledge?ment|thanks|致\s?谢|致謝|[志誌鸣][谢謝]|(?:sources? of )?(?:funding|financial|grant)|support|基金|资助|经费|资金|declaration|"
    r"potential|conflict|competing|interest|disclosure|所有作者|(?:声明)?利益|credit author|authors?\b|authors?['’]|the authors?|all authors?|contribut|about the|作者|第一作者|通[讯信訊]作者|"
    r"data\b|code\b|availab|supplement|supporting|additional files?|electronic supp|数据|补充材料|附加材料|ethic|consent|伦理|知情|publisher|pre-?pub|peer|"
    r"provenance|rights|open access|this is an open|copyright|©|\(c\)|how to cite|cit(?:e|ation)|article |manuscript|received|accepted|published|revis|in revised|first pub|epub|"
    r"收稿|修回|接受日|录用|网络出版|投稿|版权|引用|本文编|责任编|責任編|编辑|校对|开放获取|中图|中圖|文献标|文章编|文章編|doi|https?://(?:dx\.)?doi|correspond|address)"
)
"""How lines of back matter and their headings begin, in Python's and Rust's regular expressions."""
_CANDIDATE = re.compile(_BEGINS, re.I)
_HINTS = (
    rf"(?im)^{_BEGINS}",
    # A fifth entry, and what entries hold: a list without a heading.
    r"(?m)^[ \t\u3000]*[\[［(（]?\s?5\s?(?:[\]］)）.．、]|\s[\p{Lu}\p{Han}]).*(?:(?:18|19|20)\d{2}|(?i:doi))",
)
"""A text in which neither is found has nothing to cut, and is not read in Python."""


class Cut(NamedTuple):
    """Lines `start` to `end` (exclusive) of a text, and what they are."""

    start: int
    end: int
    kind: str


class PaperBackMatter(Transform):
    """Cuts a paper's references, thanks, interests, contributions and the like out of plain text, in Chinese and English.

    A list of references goes with its heading, and without one where five or more end the text. Sections of other kinds go
    only in what is a paper by more than one sign. Rows of tables stay. What is cut is kept in `removed`, by kind.
    """

    name: ClassVar[str] = "paper_back_matter"

    keep: tuple[str, ...] = ()
    """Kinds to leave in, as the rule column of `removed` names them: references, funding, dates, ..."""
    min_left: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Least share of a text's characters that must be left, or nothing is cut: a bibliography is a document of its own."""

    def transform(self, docs: Documents) -> Documents:
        hit = lexicon.texts(docs).select(
            pl.any_horizontal(*(pl.col("text").str.contains(h) for h in _HINTS)).alias("hit")
        )["hit"]
        rows = hit.arg_true().to_list()
        if not rows:
            return docs
        texts = list(docs.texts)
        removed = []
        for row in rows:
            lines = texts[row].split("\n")
            cuts = [c for c in back_matter_of(lines) if c.kind not in self.keep]
            gone = sum(len("\n".join(lines[c.start : c.end])) for c in cuts)
            if not cuts or len(texts[row]) - gone < self.min_left * len(texts[row]):
                continue
            left, at = list[str](), 0
            for cut in cuts:
                left += lines[at : cut.start]
                removed.append(Removed(row, self.name, cut.kind, "\n".join(lines[cut.start : cut.end])))
                at = cut.end
            left += lines[at:]
            texts[row] = re.sub(r"\n{3,}", "\n\n", "\n".join(left)).rstrip()
        return docs.with_texts(texts, removed) if removed else docs


def back_matter_of(lines: Sequence[str]) -> list[Cut]:
    """What of a text's lines is back matter, in order."""
    near = [i for i, line in enumerate(lines) if _CANDIDATE.match(line)]
    lists = [*_reference_lists(lines, near), *_unheaded(lines)]
    taken = _lines_of(lists)
    sections = [cut for cut in _sections(lines, near) if not taken & set(range(cut.start, cut.end))]
    marked = _marked(lines, near, taken | _lines_of(sections))
    signs = {cut.kind for cut in (*lists, *marked, *sections)}
    if len(signs) < 2 and not (lists or _is_paper(lines)):
        # One line of one kind: Copyright on a leaflet, Funding of a clinic. Only these are a paper's alone.
        marked = [c for c in _marked(lines, near, taken) if c.kind in ("dates", "history", "no_interests", "interests")]
        sections = []
    return sorted((*lists, *marked, *sections))


def _lines_of(cuts: Sequence[Cut]) -> set[int]:
    return {i for cut in cuts for i in range(cut.start, cut.end)}


def _marked(lines: Sequence[str], near: Sequence[int], taken: set[int]) -> list[Cut]:
    return [Cut(i, i + 1, kind) for i in near if i not in taken and (kind := _line_kind(lines[i]))]


def _is_paper(lines: Sequence[str]) -> bool:
    return sum(bool(_STOPS.fullmatch(line)) for line in lines if len(line) < 40) >= 3


_COMPILED = {kind: re.compile(pattern) for kind, pattern in LINES.items()}


def _line_kind(line: str) -> str | None:
    if not line or len(line) > 600 or _is_row(line):
        return None
    return next((kind for kind, pattern in _COMPILED.items() if pattern.match(line)), None)


def _is_row(line: str) -> bool:
    """A row of a table: Markdown's, or one whose cells are mostly numbers."""
    stripped = line.strip()
    if stripped.startswith("|"):
        return True
    cells = [c for c in re.split(r"\t+| {2,}", stripped) if c]
    if len(cells) < 3:
        cells = stripped.split()
    numbers = sum(bool(_CELL.fullmatch(c)) for c in cells)
    return len(cells) >= 3 and numbers >= 2 and 2 * numbers >= len(cells)


def _stops(line: str) -> bool:
    return line.lstrip().startswith("#") or _is_row(line) or (len(line) < 80 and bool(_STOPS.fullmatch(line.strip())))


def looks_like_reference(line: str) -> bool:
    """Whether a line is an entry of a list of references: a year, and volume and pages, names with initials, a DOI ..."""
    return bool(_YEAR.search(line) and _SIGNS.search(line)) or bool(_ENTRY.match(line) and _SIGNS.search(line))


def _reference_lists(lines: Sequence[str], near: Sequence[int]) -> Iterator[Cut]:
    done = 0
    for at in near:
        line = lines[at]
        if at < done:
            continue
        if (head := _RUN_IN.match(line)) and len(_YEAR.findall(line)) >= 3:
            yield Cut(at, at + 1, "references")
        elif (len(line) < 60 and back_matter(line) == "references") or (
            head and looks_like_reference(line[head.end() :])
        ):
            end = _list_end(lines, at + 1)
            if end > at + 1 or (head and looks_like_reference(line)):
                yield Cut(at, end, "references")
                done = end


def _list_end(lines: Sequence[str], at: int) -> int:
    """Where the references that begin at `at` end; `at` if what is there is none."""
    end, strange, entries, others = at, 0, 0, 0
    for i in range(at, len(lines)):
        line = lines[i]
        if not line.strip():
            continue
        if _stops(line) or (back_matter(line) and back_matter(line) != "references"):
            break
        if looks_like_reference(line):
            end, strange, entries = i + 1, 0, entries + 1
        elif _ENTRY.match(line):
            end, strange = i + 1, 0
        else:
            strange, others = strange + 1, others + 1
            ahead = [s for s in lines[i + 1 : i + 17] if s.strip()][:8]
            if (strange > 3 or (strange > 1 and len(line) > 300)) and sum(map(looks_like_reference, ahead)) * 2 < len(
                ahead
            ) + 1:
                break
    return end if (entries >= 2 and entries * 4 >= others) or entries == 1 == end - at else at


def _unheaded(lines: Sequence[str]) -> Iterator[Cut]:
    """Numbered references that end a text: from [1], without a gap, to its last line; most look like references."""
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    entries = alike = between = 0
    number = None
    for i in range(last - 1, -1, -1):
        line = lines[i]
        if not line.strip():
            continue
        if _is_row(line) or line.lstrip().startswith("#") or between > 3:
            return
        entry = _ENTRY.match(line)
        n = int(re.sub(r"\D", "", entry[0])) if entry else None
        if n is None or (number is not None and n != number - 1):
            between += 1
            continue
        number, entries, alike, between = n, entries + 1, alike + looks_like_reference(line), 0
        if n == 1:
            heads = next((lines[j] for j in range(i - 1, -1, -1) if lines[j].strip()), "")
            if entries >= MIN_ENTRIES and alike * 5 >= entries * 3 and back_matter(heads) != "references":
                yield Cut(i, last, "references")
            return


def _sections(lines: Sequence[str], near: Sequence[int]) -> Iterator[Cut]:
    """Headed sections of the other kinds: to the next heading where headings are marked, else their first paragraph."""
    done = 0
    for at in near:
        line = lines[at]
        if at < done or len(line) >= 80 or line.rstrip().endswith((".", "。", "；", ";")):
            continue
        kind = back_matter(line)
        if kind is None or kind == "references":
            continue
        end, size = at + 1, 0
        while (
            end < len(lines) and not _stops(lines[end]) and not (0 < len(lines[end]) < 80 and back_matter(lines[end]))
        ):
            if not line.lstrip().startswith("#") and size and not lines[end].strip():
                break
            size += len(lines[end])
            end += 1
        if size <= MAX_SECTION:
            yield Cut(at, end, kind)
        done = end

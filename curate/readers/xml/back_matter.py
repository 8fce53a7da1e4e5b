"""Headings of what stands in a paper besides its science: references, thanks, money, interests, who did what.

Kinds and headings were taken from the author guidelines of BMC, PLOS, Elsevier, Springer Nature, 中华医学会 and 中国知网
journals, and from the papers of the development data. Abbreviations, appendices and limitations are science and stay.
"""

from __future__ import annotations

import re

_KINDS: dict[str, str] = {
    "references": r"references?(?: and notes| cited| list)?|reference list|bibliography|literature cited|works cited|参考文献|參考文獻|引用文献|引用文獻|主要参考文献",
    "acknowledgements": r"acknowledge?ments?(?: and funding)?|thanks|致谢|致謝|志谢|誌謝|鸣谢",
    "funding": r"(?:sources? of )?(?:funding|financial support|grant support|support statement)(?: (?:statement|information|sources?|disclosure|support))?|"
    r"(?:基金项目|基金資助|基金资助|资助项目|经费来源|资金来源|基金支持)",
    "interests": r"(?:declarations? of |potential )?(?:conflicts?(?: of)? interests?|competing (?:financial )?interests?)(?: (?:statement|disclosures?))?|"
    r"(?:declarations? of )(?:competing )?interests?|disclosures?|financial disclosures?|(?:所有作者)?(?:声明)?(?:利益冲突|利益衝突)(?:声明|聲明)?",
    "contributions": r"(?:credit )?(?:authors?['’]?s?['’]? (?:contributions?|information|details|affiliations)|authorship contribution)(?: statements?)?|contributions? of (?:the )?authors?|"
    r"contributors(?:hip)?(?: statement)?|about the authors?|作者贡献(?:声明)?|作者貢獻(?:聲明)?|作者简介|作者簡介|作者信息|作者单位|第一作者|通[讯信]作者",
    "availability": r"(?:data|code|data and code|data and materials?)(?: availability| sharing)(?: statement)?|availability of (?:the )?(?:supporting )?data(?: and materials?)?|"
    r"supplement(?:ary|al) (?:materials?|information|data|files?|figures?|tables?)|supporting information|additional files?|electronic supplementary material|"
    r"数据(?:可用性|共享)(?:声明)?|补充材料|附加材料",
    "ethics": r"ethics (?:approval|statement)(?: and consent to participate)?|consent (?:for publication|to participate)|ethical (?:approval|statement)|伦理(?:审查|声明|批准)|知情同意",
    "publisher": r"publisher['’]s note|pre-?publication history|peer review(?: (?:information|file))?|provenance and peer review|rights and permissions|"
    r"open access|copyright(?: (?:notice|information))?|how to cite(?: this article)?|cite this article(?: as)?|article (?:history|information)|"
    r"收稿日期|修回日期|版权(?:声明|所有)|引用本文|本文编辑|责任编辑|开放获取",
}
_NUMBER = r"(?:(?:\d{1,2}|[ivx]{1,5}|[一二三四五六七八九十]{1,3})[.、．)）]?\s*)?"
HEADINGS: dict[str, re.Pattern[str]] = {
    kind: re.compile(rf"{_NUMBER}(?:{words})\s*[:：.]?", re.I) for kind, words in _KINDS.items()
}
"""Kind of back matter -> what matches the whole of its heading, white space between Chinese characters taken out."""

_GAP = re.compile(r"(?<=[一-鿿])[ \u3000]+(?=[一-鿿])")


def back_matter(heading: str) -> str | None:
    """The kind of back matter that a heading opens (a line of its own, or a section's title); None for science."""
    if len(heading) > 80:
        return None
    heading = _GAP.sub("", heading.strip(" \t\u3000#*_【】[]〔〕"))
    return next((kind for kind, pattern in HEADINGS.items() if pattern.fullmatch(heading)), None)

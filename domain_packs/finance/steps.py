"""What makes a text financial: terms, amounts, tickers; and what passes for it: stock promotion, standing disclaimers."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import polars as pl

from ...curate.documents import Documents
from ...curate.step import AtLeast, AtMost, Filter, Threshold, Transform
from .. import lexicon
from ..marked_lines import cut_marked_lines

LEXICON = ("terms-en.txt", "terms-zh-Hans.txt", "terms-zh-Hant.txt")
SHORT_TEXT = 300
"""Characters. One phrase in a post of two lines is judged as if the post had so many."""

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
AMOUNTS = (
    # $4.2 billion, US$12,300, €1.5bn, ¥300万, HK$5.20
    rf"(?:(?:US|HK|NT|S|A|C)?\$|[€£¥￥])\s?(?:{_NUMBER})\s?(?:(?i:billion|million|trillion|thousand|bn|mn|m|k)(?-u:\b)|[万亿萬億]+)?",
    # 3.5亿元, 12,000万股, 1.2万亿美元, 300萬港元
    rf"(?:{_NUMBER})\s?[万亿萬億千百]{{0,3}}(?:元|美元|港元|港币|港幣|人民币|人民幣|欧元|歐元|日元|日圓|英镑|英鎊|股|手)",
    # 12.5%, -3.2 percent, 25 basis points, 50个基点, 3.2个百分点
    rf"[-+－]?(?:{_NUMBER})\s?(?:%|％|(?i:percent|percentage points|basis points|bps)(?-u:\b)|[个個]?基[点點]|[个個]百分[点點])",
    # RMB 3.2 billion, CNY 500 million, USD 12 million
    rf"(?-u:\b)(?:RMB|CNY|USD|HKD|EUR|GBP|JPY|TWD)\s?(?:{_NUMBER})",
)
"""Regular expressions (Rust syntax) for amounts of money, shares and rates."""

TICKERS = (
    # (NASDAQ: AAPL), (NYSE: BRK.B), HKEX: 0700
    r"(?-u:\b)(?:NASDAQ|Nasdaq|NYSE(?: American| Arca)?|AMEX|LSE|TSX|HKEX|SEHK|SSE|SZSE|TWSE)\s?[:：]\s?[A-Z0-9]{1,6}(?:\.[A-Z]{1,2})?",
    # 600519.SH, 000001.SZ, 0700.HK, 2330.TW
    r"(?-u:\b)\d{4,6}\.(?:SH|SZ|BJ|HK|TW|SS)(?-u:\b)",
    # 贵州茅台（600519）, 腾讯控股(00700): the codes of the mainland's boards, and Hong Kong's five digits
    r"[（(](?:SH|SZ|sh|sz)?(?:60\d{4}|68[89]\d{3}|00[0-3]\d{3}|30[01]\d{3}|8[37]\d{4}|0\d{4})(?:\.(?:SH|SZ|HK|BJ))?[）)]",
    r"(?:股票|证券|證券)代[码碼號][:：]\s?\d{4,6}",
    # $TSLA as posts write it; not $5
    r"\$[A-Z]{1,5}(?-u:\b)",
)
"""Regular expressions (Rust syntax) for codes of securities."""

DISCLAIMERS = {
    "advice": r"(?:不构成|不構成|並不構成|并不构成)[^。\n]{0,20}(?:投资|投資|买卖|買賣|操作)[^。\n]{0,12}(?:建议|建議|要约|要約|依据|依據|邀请|邀請)"
    r"|(?i:(?:not|nor)\s+(?:be\s+)?(?:constru(?:ed|e)\s+as\s+|constitute\s+|intended\s+as\s+|(?:an?\s+)?)?(?:investment|financial)\s+advice)",
    "risk": r"^\W{0,4}(?:风险提示|風險提示|投资有风险|投資有風險|股市有风险|股市有風險)[:：，,]?[^\n]{0,80}$"
    r"|(?:过往|過往|历史|歷史)业?業?[绩績](?:并|並)?不(?:代表|预示|預示|保证|保證)"
    r"|(?i:past performance (?:is not|does not|is no) (?:\w+ ){0,3}(?:guarantee|indicat\w+|indicator))",
    "forward": r"(?i:forward[- ]looking statements?[^\n]{0,300}(?:safe harbor|risks and uncertainties|undue reliance|Reform Act))"
    r"|前瞻性(?:陈述|陳述|声明|聲明)[^\n]{0,120}(?:不确定|不確定|风险|風險|重大差异|重大差異)",
    "source": r"^\W{0,4}(?:免责声明|免責聲明)[:：][^\n]*$|(?:版权归|版權歸)[^\n]{0,30}(?:未经|未經)[^\n]{0,20}(?:不得|禁止)(?:转载|轉載)",
}
"""By rule: a line with this is a standing disclaimer, which research notes and releases carry word for word by the million."""


class FinanceSignals(Filter):
    """Measures how financial a text is. Drops nothing by default."""

    name: ClassVar[str] = "finance_signals"

    terms: str | None = None
    """A file of your own terms, one a line, in place of the pack's."""
    min_finance_terms: Annotated[Threshold, AtLeast("finance_terms")] = None
    """Least share of the characters that lie in a term of finance."""
    min_finance_amounts: Annotated[Threshold, AtLeast("finance_amounts")] = None
    """Least number of amounts, share counts and rates for every 1,000 characters."""
    max_finance_tickers: Annotated[Threshold, AtMost("finance_tickers")] = None
    """Most codes of securities for every 1,000 characters: pages of nothing but quotations have hundreds."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(lexicon.own(self.terms) if self.terms else lexicon.shipped("finance", *LEXICON))

    def measure(self, docs: Documents) -> Documents:
        return docs.with_signals(
            {
                "finance_terms": lexicon.coverage(docs, self._patterns()),
                "finance_amounts": lexicon.per_thousand(docs, AMOUNTS),
                "finance_tickers": lexicon.per_thousand(docs, TICKERS),
            }
        )


class StockPromotion(Filter):
    """Drops posts that promote stocks, coins and signal groups, by the share of their characters in such phrases."""

    name: ClassVar[str] = "stock_promotion"

    phrases: str | None = None
    """A file of your own phrases, one a line, in place of the pack's."""
    max_promotion: Annotated[Threshold, AtMost("promotion")] = 0.02
    """Largest share; of a text under 300 characters, as if it had 300. A report that quotes one phrase has less than
    0.01; a warning against fraud that lists many may be lost."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(
            lexicon.own(self.phrases) if self.phrases else lexicon.shipped("finance", "promotion.txt")
        )

    def measure(self, docs: Documents) -> Documents:
        length = lexicon.texts(docs).select(pl.col("text").str.len_chars())["text"].to_numpy().astype(np.float64)
        share = lexicon.coverage(docs, self._patterns()) * length / np.maximum(length, SHORT_TEXT)
        return docs.with_signals({"promotion": share})


class FinanceDisclaimers(Transform):
    """Cuts out the lines of standing disclaimers: no investment advice, past performance, forward-looking statements.

    Lines of more than 600 characters stay, whatever they hold. What is cut is recorded.
    """

    name: ClassVar[str] = "finance_disclaimers"

    def transform(self, docs: Documents) -> Documents:
        return cut_marked_lines(docs, DISCLAIMERS, self.name)

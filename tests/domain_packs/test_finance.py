from __future__ import annotations

import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.domain_packs import FinanceDisclaimers, FinanceSignals, StockPromotion

REPORT = "公司实现营业收入128.6亿元，同比增长12.4%；归母净利润15.2亿元，资产负债率46.8%。"
RELEASE = "Net revenue was $4.2 billion, up 9% year-over-year; diluted earnings per share were $1.18."
NEWS = "昨天下午，许多市民带着孩子来到新建的湿地公园，在湖边散步、拍照，享受难得的晴天。"
TALK = "We walked along the river for an hour, and then the rain came and we went home."


def test_reports_are_denser_in_terms_and_amounts_than_other_text() -> None:
    signals = (
        FinanceSignals()
        .measure(Documents.from_texts([REPORT, NEWS, RELEASE, TALK, "公司實現營收，殖利率上升"]))
        .signals
    )
    terms, amounts = signals["finance_terms"], signals["finance_amounts"]
    assert terms[1] == terms[3] == amounts[1] == amounts[3] == 0
    assert min(terms[0], terms[2], terms[4]) > 0.2
    assert amounts[0] == pytest.approx(1000 * 4 / len(REPORT))
    assert amounts[2] == pytest.approx(1000 * 3 / len(RELEASE))


@pytest.mark.parametrize(
    "amount", ["$4.2 billion", "US$12,300", "HK$5.20", "3.5亿元", "12,000万股", "1.2万亿美元", "300萬港元", "12.5%", "25 basis points", "50个基点", "3.2个百分点", "RMB 500"],
)  # fmt: skip
def test_each_form_of_amount_counts_once(amount: str) -> None:
    for text in (f"共{amount}，", f"about {amount} now"):
        assert FinanceSignals().measure(Documents.from_texts([text])).signals["finance_amounts"][0] == pytest.approx(
            1000 / len(text)
        ), text


@pytest.mark.parametrize(
    "code", ["(NASDAQ: AAPL)", "600519.SH", "0700.HK", "（600519）", "(00700)", "证券代码：000001", "$TSLA"]
)
def test_codes_of_securities_count_also_beside_chinese(code: str) -> None:
    for text in (f"公司{code}公告", f"the company {code} said"):
        assert FinanceSignals().measure(Documents.from_texts([text])).signals["finance_tickers"][0] == pytest.approx(
            1000 / len(text)
        ), text


@pytest.mark.parametrize(
    "text", ["在1998年5月3日", "第3次会议", "版本1.2.3", "room 12 on floor 3", "（2020）京01民终1号"]
)
def test_other_numbers_are_neither(text: str) -> None:
    signals = FinanceSignals().measure(Documents.from_texts([text])).signals
    assert signals["finance_amounts"][0] == signals["finance_tickers"][0] == 0


def test_promotion_is_dropped_and_reports_stay() -> None:
    posts = [
        "老师带单，内幕消息，牛股推荐！加微信进群，免费领取明日涨停黑马股，稳赚不赔，名额有限！",
        "報明牌！飆股推薦，加LINE進群，保證獲利，名額有限",
        "This 100x gem is about to explode! Join our Telegram for VIP signals, guaranteed returns, limited spots!",
    ]
    fine = [
        REPORT,
        RELEASE,
        NEWS,
        "证监会提醒投资者：承诺收益、内幕消息均属违法荐股的常见手法，请勿轻信。" * 1 + NEWS * 8,
    ]
    step = StockPromotion()
    docs = step.measure(Documents.from_texts([*posts, *fine]))
    assert [row for row, *_ in failures(step, docs)] == [0, 1, 2]


def test_standing_disclaimers_go_line_by_line_and_are_recorded() -> None:
    lines = [
        "免责声明：本报告仅供参考。",
        "本报告不构成任何投资建议，投资者据此操作，风险自担。",
        "過往績效不代表未來表現。".replace("績效", "業績"),
        "Past performance is not a guarantee of future results.",
        "This material does not constitute investment advice.",
        "This release contains forward-looking statements that involve risks and uncertainties.",
    ]
    keep = [
        REPORT,
        RELEASE,
        "投资建议：维持买入评级，目标价128元。",
        "The advice of the board was to invest in new plants.",
    ]
    docs = FinanceDisclaimers().transform(Documents.from_texts(["\n".join([keep[0], *lines, *keep[1:]]), NEWS]))
    assert docs.texts == ["\n".join(keep), NEWS]
    assert [r.text for r in docs.removed] == lines
    assert {r.rule for r in docs.removed} == {"advice", "risk", "forward", "source"}


def test_a_page_without_line_breaks_is_left_alone() -> None:
    page = REPORT * 20 + "本报告不构成任何投资建议。"
    assert FinanceDisclaimers().transform(Documents.from_texts([page])).texts == [page]

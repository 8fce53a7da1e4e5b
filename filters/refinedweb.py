"""RefinedWeb's rules for lines, and for the document that lost too many of them.

Source: Penedo et al. 2023 (arXiv 2306.01116), appendix G.2, whose English patterns are examples; the lists here are ours, with
the Chinese that pages use in the same places. MassiveWeb's document rules are `gopher_quality` and `gopher_repetition`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..curate.documents import Documents, Removed
from ..curate.step import AtMost, Filter, Threshold, Transform
from .assume import assume_language, share

if TYPE_CHECKING:
    from .text.phrases import Phrases
    from .text.refinedweb import FlaggedLines

COUNTED = (
    "like likes share shares comment comments retweet retweets repost reposts quote quotes bookmark bookmarks upvote upvotes "
    "downvote downvotes download downloads view views follower followers following reply replies vote votes read reads play "
    "plays subscriber subscribers member members post posts "
    "赞 点赞 人点赞 喜欢 收藏 分享 转发 转载 评论 回复 回帖 浏览 浏览量 阅读 阅读数 阅读量 播放 观看 下载 粉丝 关注 访问 点击 点击量 投票 "
    "讚 點讚 喜歡 轉發 轉載 評論 回覆 留言 瀏覽 瀏覽量 閱讀 閱讀數 閱讀量 觀看 下載 粉絲 關注 訪問 點擊 點擊量 人氣 人气 帖子 查看"
)
"""What counters count."""
AT_START = (
    "sign in|sign-in|sign up|sign-up|log in|log-in|login|register now|subscribe now|skip to content|skip to main content|"
    "share this|share on|follow us|click here to|登录后|登录注册|登录/注册|请登录|立即登录|立即注册|免费注册|分享到|点击这里|点击此处|"
    "扫码关注|登入後|登入註冊|登入/註冊|請登入|立即登入|立即註冊|免費註冊|點擊這裡|點擊此處|按此"
)
"""Patterns at the start of a short line."""
AT_END = (
    "read more|continue reading|learn more|show more|see more|view all|see all|load more|阅读全文|查看全文|展开全文|阅读更多|"
    "查看更多|查看详情|查看原文|了解更多|更多>>|閱讀全文|繼續閱讀|閱讀更多|查看詳情|瞭解更多|了解詳情|看更多"
)
"""Patterns at the end of a short line; dots and arrows may follow."""
ANYWHERE = (
    "items in cart|item in cart|items in your cart|add to cart|your cart is empty|加入购物车|购物车内|购物车中|购物车是空的|件商品|"
    "加入購物車|購物車內|購物車中|購物車是空的"
)
"""Patterns anywhere in a short line."""


class RefinedWebLines(Transform):
    """Removes the lines that RefinedWeb removes, and from lines of ten words or less its patterns of navigation.

    The first rule that a line breaks, in the order of the fields, is the one recorded. Not for poems, tables, screenplays or
    lists of terms: their lines of one word are text.
    """

    name: ClassVar[str] = "refinedweb_lines"
    signal_names: ClassVar[tuple[str, ...]] = ("refinedweb_flagged_ratio",)

    max_upper_ratio: float | None = 0.5
    """Removes lines with a larger share of capitals among their characters. None switches the rule off."""
    numeric: bool = True
    """Removes lines of numerals alone; marks may stand between them."""
    counters: bool = True
    """Removes lines that count ("3 likes", "阅读 120 评论 3")."""
    one_word: bool = True
    """Removes lines of one word, or of marks alone."""
    phrases: bool = True
    """Takes patterns such as "Read more...", "sign in", "items in cart", 阅读全文, 登录后 out of short lines."""

    def transform(self, docs: Documents) -> Documents:
        from .text.refinedweb import COUNTER, NUMERIC, ONE_WORD, PHRASE, UPPERCASE
        from .text.words import buffers_of

        found = self.flag(docs)
        names = {
            UPPERCASE: "max_upper_ratio",
            NUMERIC: "numeric",
            COUNTER: "counters",
            ONE_WORD: "one_word",
            PHRASE: "phrases",
        }
        data = buffers_of(docs).data.data
        removed = [
            Removed(row, self.name, names[reason], str(data[start:end], "utf-8"))
            for row, reason, start, end in zip(
                found.rows.tolist(), found.reasons.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True
            )
        ]
        ratio = flagged_ratio(found, docs)
        return docs.with_texts(found.texts, removed).with_signals({"refinedweb_flagged_ratio": ratio})

    def flag(self, docs: Documents) -> FlaggedLines:
        """What the rules find in these documents."""
        from .text.refinedweb import flag_lines
        from .text.words import buffers_of, words_of

        used = _lists()
        none = _phrases(())
        counted, first, last, inside = used
        return flag_lines(
            buffers_of(docs),
            words_of(docs),
            self.max_upper_ratio,
            self.numeric,
            self.one_word,
            counted if self.counters else none,
            *((first, last, inside) if self.phrases else (none, none, none)),
        )


def flagged_ratio(found: FlaggedLines, docs: Documents) -> NDArray[np.float64]:
    """The share of each document's words that stand in lines that broke a rule."""
    from .text.repetition import word_counts_of

    return share(found.flagged_words, word_counts_of(docs)["words"])


class RefinedWebQuality(Filter):
    """Drops documents with too many words in lines of navigation (RefinedWeb, appendix G.2).

    After `refinedweb_lines` it judges what that step took out; alone, what the step would take out by its defaults.
    """

    name: ClassVar[str] = "refinedweb_quality"

    max_flagged_ratio: Annotated[Threshold, AtMost("refinedweb_flagged_ratio")] = 0.05
    """Largest share of the words that may stand in lines that break a rule of `refinedweb_lines`."""

    def measure(self, docs: Documents) -> Documents:
        if "refinedweb_flagged_ratio" in docs.signals:
            return assume_language(docs)
        ratio = flagged_ratio(RefinedWebLines().flag(docs), docs)
        return assume_language(docs).with_signals({"refinedweb_flagged_ratio": ratio})


@cache
def _lists() -> tuple[Phrases, Phrases, Phrases, Phrases]:
    return (
        _phrases(tuple(COUNTED.split())),
        _phrases(tuple(AT_START.split("|"))),
        _phrases(tuple(AT_END.split("|"))),
        _phrases(tuple(ANYWHERE.split("|"))),
    )


@cache
def _phrases(phrases: tuple[str, ...]) -> Phrases:
    from .text.phrases import Phrases

    return Phrases.of(phrases, whole_words=True)

"""What the words on a page say about its parts: names of elements (class, id), and the lines that belong to every site.

Names are those of the common templates and content systems, seen in public pages and in their documentation; Chinese
sites name in English and in pinyin. Lines are in Chinese and English first, with the few of German, French, Spanish
and Italian that occur on most pages of those.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

COMMENTS = -3
"""Readers' comments: out however long they are."""
SIDE = -2
"""Said by the markup itself (`<nav>`, `hidden`, `role=banner`): out."""
AGAINST = -1
"""Said by a name: out unless it holds a large part of the page."""
FOR = 1
ARTICLE = 2
"""Said by the markup itself: `<article>`, `<main>`, `itemprop=articleBody`."""


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMENTS = word_set(
    "comment comments commentlist commentform disqus respond pinglun kommentar kommentare commentaire commentaires "
    "comentario comentarios"
)
_NEVER = word_set(
    "sidebar sidebars share sharing shares sharebar sharethis social related relatedposts recommend recommended "
    "recommendation recommendations newsletter cookie cookies consent gdpr breadcrumb breadcrumbs crumbs outbrain "
    "taboola caption captions gallery slideshow carousel lightbox credit credits mostread mostpopular readmore "
    "xiangguan tuijian fenxiang erweima qrcode bshare jiathis bdsharebuttonbox"
)
"""Outweigh a word on the other side: `article-sidebar`."""
_AGAINST = word_set(
    "nav navbar navigation menu submenu crumb footer foot bottombar promo promotion sponsor sponsored advert "
    "advertisement advertising ad ads adv adbox adsense banner popup modal overlay subscribe subscription signup login "
    "register paywall tags taglist tagcloud pagination pager paging pagenav widget widgets toolbar tools toolbox "
    "copyright license blogroll teaser teasers rating ratings vote votes print masthead skip skiplink search searchform "
    "ranking hotnews hot trending popular authorbox authorbio aboutauthor bio byline postmeta entrymeta metadata "
    "feedback disclaimer corrections contact infobox author authors profile dateline timestamp pubdate publishdate toc "
    "daohang caidan dibu guanggao banquan zebian ewm "
    "werbung anzeige verwandte teilen autor autoren publicidad pub compartir partager partage"
)
_FOR = word_set(
    "article articlebody articlecontent artical content contents post postbody postcontent entry entrycontent body main "
    "maincontent text story storybody hentry blogpost news newstext newscontent zhengwen neirong wenzhang artibody "
    "wysiwyg page prose richtext rich"
)
_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=1 << 14)
def hint(names: str) -> int:
    """What a class or id says: `COMMENTS`, `AGAINST`, `FOR`, or 0 for nothing or both."""
    words = [word.lower() for word in _WORDS.findall(names) if len(word) > 1]
    said = {*words, *(a + b for a, b in pairwise(words))}
    if said & _COMMENTS:
        return COMMENTS
    if said & _NEVER:
        return AGAINST
    return bool(said & _FOR) - bool(said & _AGAINST)


_NOTICES = (
    "all rights reserved", "copyright", "privacy policy", "terms of use", "terms of service", "newsletter", "cookie",
    "subscribe", "sign up", "log in to", "comment below", "comments below", "comments are", "comment policy",
    "your comment", "read more", "click here", "follow us", "app for ios", "apps for ios", "app for android",
    "app for iphone", "page helpful", "article helpful", "affiliate link", "affiliate-link", "earn a commission",
    "we respect your privacy", "enable javascript", "javascript aktiv", "unsubscribe", "posted in", "filed under", "telegram channel",
    "canal de telegram", "eine provision", "dein einverständnis", "ihr einverständnis", "abgelegt unter", "veröffentlicht unter",
    "suscríbete", "abonnez-vous", "inscrivez-vous", "mentions légales", "aviso legal", "add to cart", "add to basket",
)  # fmt: skip
_NOTICES_ZH = (
    "©", "版权所有", "版权声明", "责任编辑", "责编", "扫一扫", "扫描二维码", "公众号", "客户端下载", "点击进入", "我要评论", "网友评论",
    "发表评论", "分享到", "免责声明", "相关阅读", "相关新闻", "延伸阅读", "推荐阅读", "热门推荐", "上一篇", "下一篇", "打印本页", "关闭窗口",
    "未经授权", "未经许可", "未经本", "版權所有", "責任編輯", "掃一掃", "未經授權", "相關新聞", "延伸閱讀", "下載app", "下载app", "转载请", "轉載請",
    "欢迎关注", "歡迎關注", "关注微信", "微信号", "投稿邮箱", "版权归", "文章来源", "原标题", "举报邮箱", "点击下载",
)  # fmt: skip
_PICTURE = re.compile(r"\W*(?:photo|image|foto|bild)s?\s*[:/|]|\((?:photo|foto|image)\b")


def is_notice(text: str) -> bool:
    """Whether a short line speaks of the site and not of its subject."""
    # Plain searches: one pattern of all these phrases took a sixth of the whole extraction.
    lower = text.lower()
    if any(phrase in lower for phrase in _NOTICES) or _PICTURE.match(lower):
        return True
    return not lower.isascii() and any(phrase in lower for phrase in _NOTICES_ZH)


END = re.compile(
    r"\W*(?:related|recommended|more (?:from|on|stories|news|articles)|read (?:more|next|also|further)|see also"
    r"|you (?:may|might) (?:also )?like|comments?\b|\d+ comments?|leave a (?:reply|comment)|(?:post|add) a comment"
    r"|about the author|share (?:this|on)|tags?\b|filed under|mehr (?:zum thema|von|aus)|das könnte|auch interessant"
    r"|weitere (?:artikel|beiträge|themen|informationen|nachrichten|meldungen)|lesen sie auch|kommentare?\b|verwandte"
    r"|ähnliche|teilen|lire aussi|à lire|commentaires?\b|sur le même sujet|relacionad|comentarios?\b|te puede interesar"
    r"|leggi anche|相关|相關|延伸阅读|延伸閱讀|推荐阅读|热门|熱門|网友评论|網友評論|发表评论|最新评论|评论\W|责任编辑|責任編輯|分享到"
    r"|更多(?:新闻|内容|精彩|文章|阅读)|猜你喜欢|为您推荐|上一篇|下一篇)",
    re.I,
)
"""How a line begins after which an article has nothing more to say (for `match`)."""

DATE = re.compile(
    r"\d{4}\s*年\s*\d{1,2}\s*月|\b\d{1,2}[./]\d{1,2}[./](?:\d\d){1,2}\b|\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\b\d{1,2}:\d\d\b"
    r"|\b[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}\b|\b\d{1,2}\.? [^\W\d]{3,9} \d{4}\b"
)

"""Pages: the article and nothing else of a page, in Chinese and English, in the encodings that pages come in."""

from __future__ import annotations

import gzip
import json
import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from corpusmill.curate.readers.html import page as pages
from corpusmill.curate.readers.html.main_text import find, outline, parse
from corpusmill.curate.readers.html.page import page_text, read_page
from corpusmill.curate.readers.html.words import AGAINST, COMMENTS, FOR, hint, is_notice
from corpusmill.curate.readers.records import Bad, Record

EN = [
    "The committee met on Tuesday to consider the proposal, and after a long discussion it was referred to the council.",
    "Members asked, among other things, whether the cost of the new bridge had been counted twice in the budget.",
    "A decision is expected in June, when the council meets again; until then, the old bridge stays open to traffic.",
]
ZH = [
    "昨天下午，市政府召开新闻发布会，介绍了今年城市绿化的进展情况。据介绍，全市新增公园绿地三百公顷。",
    "发言人表示，明年还将改造二十座老公园，并在沿河地带修建步道；相关工程预计在五月底以前全部完工。",
    "记者了解到，不少市民对此表示欢迎，但也有人担心施工期间的交通问题，希望有关部门提前做好安排。",
]
MENU = "".join(
    f'<li><a href="/{i}">{word}</a></li>' for i, word in enumerate(["Home 首页", "News 新闻", "Sport 体育"] * 5)
)
LINKS = "".join(f'<p><a href="/{i}">Another headline of the day 今日另一条新闻 {i}</a></p>' for i in range(12))


def page(paragraphs: list[str], before: str = "", after: str = "", head: str = "") -> str:
    body = "".join(f"<p>{p}</p>" for p in paragraphs)
    return (
        f"<html><head><title>The bridge 大桥</title>{head}</head><body><ul>{MENU}</ul><div class='x1'>{before}<h1>The bridge 大桥"
        f"</h1>{body}{after}</div><div>{LINKS}</div><footer>Copyright 2024 版权所有</footer></body></html>"
    )


@pytest.mark.parametrize("paragraphs", [EN, ZH], ids=["en", "zh"])
def test_menus_links_and_footers_are_out(paragraphs: list[str]) -> None:
    title, text = page_text(page(paragraphs), "fast")
    assert title == "The bridge 大桥"
    assert text == "\n\n".join(["# The bridge 大桥", *paragraphs])


@pytest.mark.parametrize("paragraphs", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize(
    "rest",
    [
        '<div class="article-comments"><p>{0}</p><p>I do not agree, and I never did. 我不同意，从来没有同意过。</p></div>',
        '<div class="cookie-notice">We use cookies, as everybody does. 我们使用，和大家一样。</div>',
        '<aside><p>Elsewhere, the mayor opened a school. 另外，市长为一所学校揭幕。</p></aside>',
        '<div id="pinglun"><p>写得好，支持！Well said, I think so too.</p></div>',
        '<figure><img src="a.jpg"><figcaption>The old bridge, in 1950. 老桥，摄于一九五〇年。</figcaption></figure>',
        '<div style="display: none">Only a machine reads this, they say. 据说，只有机器读到这里。</div>',
        '<p>Subscribe to our newsletter, it is free. 扫一扫，关注我们的公众号。</p>',
        '<script>var text = "No, this is not text.";</script>',
    ],
    ids=["comments", "cookies", "aside", "pinglun", "caption", "hidden", "notice", "script"],
)  # fmt: skip
def test_what_is_not_the_article_is_out(paragraphs: list[str], rest: str) -> None:
    wanted = page_text(page(paragraphs), "fast")[1]
    extra = rest.format("".join(reversed(paragraphs)))
    assert page_text(page(paragraphs, after=extra), "fast")[1] == wanted
    # With a paragraph after it: nothing in the middle of an article is cut off with what follows it.
    after = page_text(page(paragraphs, after=f"{extra}<p>{paragraphs[0][:-1]} （完）.</p>"), "fast")[1]
    assert after == f"{wanted}\n\n{paragraphs[0][:-1]} （完）."


def test_what_is_said_twice_is_kept_once() -> None:
    text = page_text(page([*EN, EN[1]]), "fast")[1]
    assert text.count(EN[1]) == 1


def test_headings_lists_and_tables_are_readable() -> None:
    html = page(
        EN,
        after=(
            f"<h2>Costs 费用</h2><p>{ZH[0]}</p><ul><li>Steel, 4 tons</li><li>Stone<ol><li>grey</li><li>red</li></ol></li>"
            f"</ul><p>{ZH[1]}</p><table><tr><th>Year 年</th><th>Cost 费用</th></tr><tr><td>2023</td><td>1,000</td></tr>"
            f"</table><pre>a = 1\n  b = 2</pre><blockquote>So it is, he said.</blockquote><p>one<br>two,<br>three.</p><p>{ZH[2]}</p>"
        ),
    )
    text = page_text(html, "fast")[1]
    assert text.split(EN[2] + "\n\n")[1] == (
        f"## Costs 费用\n\n{ZH[0]}\n\n- Steel, 4 tons\n- Stone\n  1. grey\n  2. red\n\n{ZH[1]}\n\n"
        "| Year 年 | Cost 费用 |\n| --- | --- |\n| 2023 | 1,000 |\n\na = 1\n  b = 2\n\n> So it is, he said.\n\none\ntwo,\nthree.\n\n"
        + ZH[2]
    )  # fmt: skip


def test_layout_in_tables_and_lists_is_no_table() -> None:
    inner = "".join(f"<p>{p}</p>" for p in ZH)
    html = f"<html><body><table><tr><td>{MENU}</td><td><ul><li>{inner}</li></ul></td></tr></table></body></html>"
    assert page_text(html, "fast")[1] == "\n\n".join(ZH)


def test_the_description_tells_between_two_articles() -> None:
    other = "".join(f"<p>{p}</p>" for p in [*EN, *EN[:2]])
    html = (
        "<html><head>{}</head><body><div><div>{}</div><hr><div>"
        + LINKS
        + "</div><div>"
        + other
        + "</div></div></body></html>"
    )
    one = "".join(f"<p>{p}</p>" for p in ZH)
    described = f'<meta name="description" content="{ZH[0]}">'
    assert ZH[0] in page_text(html.format(described, one), "fast")[1]
    assert ZH[0] not in page_text(html.format("", one), "fast")[1]


def test_a_name_that_misleads_does_not_hide_the_page() -> None:
    ticker = "".join(f'<div class="live-comment"><p>{p}</p></div>' for p in [*EN, *ZH])
    text = page_text(f"<html><body><ul>{MENU}</ul>{ticker}</body></html>", "fast")[1]
    assert all(p in text for p in [*EN, *ZH])


def test_an_article_that_only_scripts_hold() -> None:
    body = " ".join(EN * 3)
    data = json.dumps({"@graph": [{"@type": "NewsArticle", "articleBody": body.replace("&", "&amp;")}]})
    html = f'<html><head><script type="application/ld+json">{data}</script></head><body><div>Loading ...</div></body></html>'
    assert page_text(html, "fast")[1] == body
    assert page_text(html.replace('"articleBody"', '"x"'), "fast")[1] != body


def test_auto_asks_trafilatura_only_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def slow(html: str) -> str:
        asked.append(html)
        return "slow " * 100

    monkeypatch.setattr(pages, "_trafilatura", lambda full: slow)
    assert page_text(page(EN), "auto")[1].startswith("# The bridge")
    assert asked == []
    bare = "<html><body>" + "".join(f"<p>{p}</p>" for p in EN) + "</body></html>"
    assert page_text(bare, "auto")[1] == "slow " * 100
    assert page_text(bare, "fast")[1] == "\n\n".join(EN)
    # Trafilatura is worse in Chinese than the fast extraction in doubt.
    assert page_text(bare.replace(EN[0], "".join(ZH * 2)), "auto")[1].startswith(ZH[0])
    assert len(asked) == 1


@pytest.mark.parametrize(
    "html", ["", "   ", "<!-- -->", "plain words", "<html></html>", "<frameset></frameset>", "\x00\x01<p>a\x01b</p>"]
)
def test_pages_without_a_page_in_them(html: str) -> None:
    text = page_text(html, "fast")[1]
    assert "\x01" not in text
    assert "<" not in text


@pytest.mark.parametrize(
    "lines", [["床前明月光，", "疑是地上霜。", "举头望明月，", "低头思故乡。"], ["Closed today", "Back on Monday"]]
)
def test_short_lines_are_a_page_too(lines: list[str]) -> None:
    html = f"<html><body>{''.join(f'<p>{line}</p>' for line in lines)}</body></html>"
    assert page_text(html, "fast")[1] == "\n\n".join(lines)


def test_a_page_that_would_keep_the_parser_busy_is_refused() -> None:
    with pytest.raises(ValueError, match="2,000 attributes"):
        page_text("<div " + " ".join(f'a{i}="x"' for i in range(100_000)) + ">x</div>", "fast")
    image = f'<p>{EN[0]}</p><img alt="x" src="data:image/png;base64,{"A" * 100_000}"><p>{EN[1]}</p>'
    assert page_text(image, "fast")[1] == f"{EN[0]}\n\n{EN[1]}"
    nested = page_text("<ul><li>x<ul>" * 500 + "<li>y, and so on it goes on.</li>" * 500, "fast")[1]
    assert len(nested) < 40_000


def test_names() -> None:
    assert hint("article-comments") == COMMENTS
    assert hint("postComments clearfix") == COMMENTS
    assert hint("articleSidebar") == AGAINST
    assert hint("entry-content") == FOR
    assert hint("zhengwen") == FOR
    assert hint("org1a103d6 x") == 0
    assert is_notice("未经授权，不得转载")
    assert is_notice("Photo: Jane Doe")
    assert not is_notice("The photographs show a bridge.")


@pytest.mark.parametrize(
    ("codec", "label", "paragraphs"),
    [
        ("gb18030", "gb2312", ZH),
        ("gb18030", "", ZH),
        ("big5", "big5", ["市政府昨天召開記者會，說明今年的綠化工作。", "發言人表示，明年還將改造二十座老公園，並在沿河地帶修建步道。"]),
        ("utf-8", "gb2312", ZH),
        ("utf-16", "utf-8", ZH),
        ("cp1252", "iso-8859-1", ["It’s a naïve “café”, he said, and it always was."] * 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("declared_by", ["meta", "header"])
def test_encodings(codec: str, label: str, paragraphs: list[str], declared_by: str) -> None:
    meta = f'<meta charset="{label}">' if label and declared_by == "meta" else ""
    html = f"<html><head>{meta}<title>t</title></head><body>{''.join(f'<p>{p}</p>' for p in paragraphs)}</body></html>"
    if codec == "cp1252" and declared_by == "header":
        label = "windows-1252"
    declared = label if declared_by == "header" else None
    record = read_page(html.encode(codec), "x", 0, extractor="fast", declared=declared)
    assert isinstance(record, Record)
    assert paragraphs[-1] in record.text


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.lower()))


def f1(gold: str, found: str) -> float:
    a, b = _words(gold), _words(found)
    return 2 * sum((a & b).values()) / max(1, sum(a.values()) + sum(b.values()))


def _members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {
            m.name.rsplit("/", 1)[-1].removesuffix(".html"): archive.extractfile(m).read()  # type: ignore[union-attr]
            for m in archive
            if m.isfile()
        }


@pytest.mark.parametrize(
    ("name", "language", "least"),
    [("daniel", "Chinese", 0.94), ("daniel", "English", 0.89), ("article_benchmark", None, 0.94)],
)
def test_real_pages(shared_data: Path, name: str, language: str | None, least: float) -> None:
    data = _members(shared_data / "web" / f"{name}_pages.tar.gz")
    with gzip.open(shared_data / "web" / f"{name}_truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        truth = [t for t in map(json.loads, lines) if t.get("lang") == language][:70]
    scores = []
    for t in truth:
        record = read_page(data[t["id"]], "x", 0, extractor="fast")
        assert isinstance(record, Record)
        scores.append(f1(re.sub("</?p>", "\n", t["text"]), record.text))
    assert sum(scores) / len(scores) >= least


def test_real_pages_in_legacy_encodings_give_the_same_text(shared_data: Path) -> None:
    data = _members(shared_data / "web" / "daniel_pages.tar.gz")
    n = Counter[str]()
    for key, raw in sorted(data.items())[:200]:
        html = raw.decode("utf-8")
        for codec in ("gb18030", "big5hkscs"):
            try:
                recoded = html.encode(codec)
            except UnicodeEncodeError:
                continue
            # Only pages with much Chinese in them say which of the two they are; labels are wrong or gone.
            if len(re.findall("[\u4e00-\u9fff]", html)) < 200 or n[codec] == 12:
                continue
            bare = re.sub(rb"(?i)charset\s*=\s*[\"']?[\w-]+", b"", recoded)
            wanted = page_text(re.sub(r"(?i)charset\s*=\s*[\"']?[\w-]+", "", html), "fast")
            found = read_page(bare, key, 0, extractor="fast")
            if isinstance(found, Bad):
                pytest.fail(f"{key} in {codec}: {found.error}")
            assert found.text == wanted[1], f"{key} in {codec}"
            n[codec] += 1
    assert n["gb18030"] == 12
    assert n["big5hkscs"] >= 8


def test_no_page_of_the_crawls_breaks_it(shared_data: Path) -> None:
    for name in ("zh_news_pages", "trafilatura_pages"):
        for key, raw in list(_members(shared_data / "web" / f"{name}.tar.gz").items())[:40]:
            record = read_page(raw, key, 0, extractor="fast")
            assert isinstance(record, Record), record


def test_doubt_is_when_nothing_was_left_out() -> None:
    root = parse("<body>" + "".join(f"<p>{p}</p>" for p in EN) + "</body>")
    assert find(outline(root)).doubtful
    assert not find(outline(parse(page(EN)))).doubtful

"""The report's sections about duplicates: warnings, biggest clusters, pieces cut out, and the S-curve."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .duplicates import LARGE_SHARE, LEAST_DOCUMENTS, TIMES_THE_REST

MakeTable = Callable[[Sequence[str], Iterable[Sequence[Any]], set[int]], str]

WIDTH, HEIGHT = 280, 120


def warnings(losses: Sequence[dict[str, Any]]) -> str:
    """A paragraph for each source that lost an unusual share to a step; nothing when none did."""
    if not losses:
        return ""
    items = []
    for loss in losses:
        source, step = html.escape(str(loss["source"])), html.escape(loss["step"])
        many, of, share = f"{loss['dropped']:,}", f"{loss['documents']:,}", f"{loss['share']:.0%}"
        rest_en = "" if loss["rest"] is None else f"; of all other sources it drops {loss['rest']:.1%}"
        rest_zh = "" if loss["rest"] is None else f"，其他来源合计为 {loss['rest']:.1%}"
        items.append(
            f"<p class=warning><b>{source}</b>: {step} drops {many} of {of} documents ({share}){rest_en}. "
            f"<span class=muted>来源 {source} 在步骤 {step} 丢弃 {of} 篇中的 {many} 篇（{share}）{rest_zh}。</span></p>"
        )
    said = (
        f"<p class=muted>A source is named when a step drops more than {LARGE_SHARE:.0%} of its documents (at least "
        f"{LEAST_DOCUMENTS}) and more than {TIMES_THE_REST:g} times the share of all others. Templated texts, such as "
        f"judgments, are the usual reason: look at the clusters, and raise the threshold if they say different things. "
        f"某步骤丢弃一个来源一半以上的文档（至少 {LEAST_DOCUMENTS} 篇）且超过其他来源比例的 {TIMES_THE_REST:g} 倍时给出提示；"
        f"常见原因是模板化文本（如裁判文书），请查看下方重复簇，必要时提高阈值。</p>"
    )
    return f"<h2>Warnings 提示</h2>{''.join(items)}{said}"


def clusters(found: Sequence[dict[str, Any]], table: MakeTable) -> str:
    """The documents that most others fell to."""
    if not found:
        return "<p>No document has a duplicate. 没有重复文档。</p>"
    rows = [
        (
            html.escape(c["kept_id"]),
            c["removed"],
            html.escape(", ".join(c["steps"])),
            _range(c["lowest"], c["highest"]),
            html.escape(str(c["source"] or "")),
            html.escape(c["sample"] or ""),
        )
        for c in found
    ]
    head = ["kept 保留", "removed 去除", "step 步骤", "similarity 相似度", "source 来源", "first line 首行"]
    return table(head, rows, {1, 3})


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"{low:.3f}" if low == high else f"{low:.3f} – {high:.3f}"


def pieces(found: Sequence[dict[str, Any]], table: MakeTable) -> str:
    """What was cut out of documents that stayed, by step and rule."""
    if not found:
        return "<p>No piece of a text was cut out. 没有删除任何片段。</p>"
    rows = [
        (html.escape(p["step"]), html.escape(p["rule"]), p["pieces"], p["documents"], p["characters"]) for p in found
    ]
    head = ["step 步骤", "rule 规则", "pieces 片段", "documents 文档", "characters 字符"]
    return table(head, rows, {2, 3, 4})


def banding(found: Sequence[dict[str, Any]]) -> str:
    """The S-curve of each near-duplicate step; nothing where there is none."""
    if not found:
        return ""
    return (
        "<h2>Candidates 候选对</h2><p class='muted'>How probable it is that a pair of this similarity is compared at all; "
        "the line is the threshold. Every pair is then verified on its texts. "
        "某一相似度的文档对被选为候选的概率；竖线为阈值；候选对随后逐一按全文核实。</p>"
        f"<div class=grid>{''.join(_curve(b) for b in found)}</div>"
    )


def _curve(banding: dict[str, Any]) -> str:
    def xy(similarity: float, chance: float) -> str:
        return f"{similarity * WIDTH:.1f},{(1 - chance) * HEIGHT:.1f}"

    points = " ".join(xy(s, c) for s, c in banding["curve"])
    x = banding["threshold"] * WIDTH
    said = (
        f"{banding['bands']} bands of {banding['width']} slots, threshold {banding['threshold']:g} · "
        f"{banding['bands']} 段，每段 {banding['width']} 位"
    )
    step = html.escape(banding["step"])
    return (
        f"<figure><figcaption><b>{step}</b> <span class=muted>{said}</span></figcaption>"
        f"<svg viewBox='0 -2 {WIDTH} {HEIGHT + 4}' width='100%' role='img' aria-label='S-curve of {step}'>"
        f"<polyline points='{points}' fill='none' stroke='#3b7dd8' stroke-width='2'/>"
        f"<line x1='{x:.1f}' x2='{x:.1f}' y1='0' y2='{HEIGHT}' stroke='#c23030' stroke-width='1.5'/></svg>"
        f"<figcaption class=muted>similarity 相似度 0 … 1</figcaption></figure>"
    )

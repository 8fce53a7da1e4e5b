"""report.html: one self-contained page that shows what a run kept, what it dropped and why."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..run.job import commit, parts
from . import duplicates_page

SAMPLES = 3
"""Dropped documents shown for each rule."""

SAMPLE_CHARS = 400
BINS = 40
HISTOGRAM_ROWS = 200_000
"""Documents that a histogram is drawn from at most, evenly spaced: its shape needs no more."""

STYLE = """
body{font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #d8dee6;padding-bottom:.2rem}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;text-align:left;overflow-wrap:anywhere;border-bottom:1px solid #eceff3;vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.bar{background:#3b7dd8;height:.8rem;border-radius:2px;min-width:1px}
.lost{background:#d9822b}.muted{color:#66758a}.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1rem}
figure{margin:0;border:1px solid #e3e8ee;border-radius:6px;padding:.6rem}figcaption{font-size:.85rem}
pre{white-space:pre-wrap;word-break:break-word;background:#f6f8fa;padding:.6rem;border-radius:6px;font-size:.85rem;margin:.3rem 0}
details{margin:.4rem 0}summary{cursor:pointer}.cards{display:flex;flex-wrap:wrap;gap:1rem}.card{border:1px solid #e3e8ee;border-radius:6px;padding:.5rem 1rem}
.card b{display:block;font-size:1.3rem}
.warning{border-left:4px solid #d9822b;background:#fdf5ea;padding:.4rem .8rem}
"""


def write_report(output: Path, manifest: dict[str, Any]) -> Path:
    """Write `report.html` beside the corpus, from the manifest and the Parquet files; returns its path."""
    page = "\n".join(
        [
            "<!doctype html><html><head><meta charset='utf-8'>",
            f"<title>{_e(manifest['name'])} · corpusmill</title><style>{STYLE}</style></head><body>",
            f"<h1>{_e(manifest['name'])}</h1>",
            _cards(manifest),
            duplicates_page.warnings(manifest["losses"]),
            "<h2>Funnel 漏斗</h2>",
            _funnel(manifest["funnel"]),
            "<h2>Rules 规则</h2>",
            _rules(manifest),
            "<h2>Duplicates 重复文档</h2>",
            duplicates_page.clusters(manifest["clusters"], _table),
            duplicates_page.banding(manifest["bandings"]),
            "<h2>Pieces cut out, or only found 文内片段（删除或仅报告）</h2>",
            duplicates_page.pieces(manifest["removed_by_rule"], _table),
            "<h2>Languages 语言</h2>",
            _languages(manifest["languages"]),
            "<h2>Sources 来源</h2>",
            _sources(output),
            "<h2>Signals 信号</h2>",
            "<p class='muted'>All documents that reached the filters; the part that was dropped is orange; lines are thresholds. "
            "全部进入过滤器的文档；橙色为被丢弃的部分，竖线为阈值。</p>",
            _histograms(output, manifest["thresholds"]),
            "<h2>What was dropped 丢弃样本</h2>",
            _samples(output),
            "<h2>Quarantine 隔离</h2>",
            _quarantine(manifest["quarantine"]),
            "</body></html>",
        ]
    )
    path = output / "report.html"
    commit(path, page.encode(), output / ".work")
    return path


def _e(value: Any) -> str:
    return html.escape(str(value))


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]], numbers: set[int]) -> str:
    def cell(tag: str, i: int, value: Any) -> str:
        shown = f"{value:,}" if isinstance(value, int) else value
        return f"<{tag}{' class=n' if i in numbers else ''}>{shown}</{tag}>"

    body = "".join("<tr>" + "".join(cell("td", i, v) for i, v in enumerate(row)) + "</tr>" for row in rows)
    return "<table><tr>" + "".join(cell("th", i, h) for i, h in enumerate(head)) + f"</tr>{body}</table>"


def _cards(manifest: dict[str, Any]) -> str:
    names = {
        "read": "read 读入",
        "augmented": "augmented 增强",
        "train": "train 训练",
        "validation": "validation 验证",
        "dropped": "dropped 丢弃",
        "quarantined": "quarantined 隔离",
    }
    cards = "".join(f"<div class=card><b>{manifest['counts'][k]:,}</b>{v}</div>" for k, v in names.items())
    return f"<div class=cards>{cards}</div><p class=muted>corpusmill {_e(manifest['corpusmill'])}, {_e(manifest['finished'])}, {manifest['seconds']:,} s of work</p>"


def _funnel(funnel: Sequence[dict[str, Any]]) -> str:
    top = max([f["documents"] for f in funnel] + [1])

    def bar(f: dict[str, Any]) -> str:
        lost = max(f["dropped"], 0) + f["quarantined"]
        kept, gone = 100 * (f["documents"] - lost) / top, 100 * lost / top
        return f"<div style='display:flex'><div class=bar style='width:{kept:.2f}%'></div><div class='bar lost' style='width:{gone:.2f}%'></div></div>"

    rows = [(_e(f["step"]), f["documents"], f["dropped"], f["quarantined"], bar(f)) for f in funnel]
    return _table(
        ["step 步骤", "documents 文档", "dropped 丢弃", "quarantined 隔离", "<div style='width:20rem'></div>"],
        rows,
        {1, 2, 3},
    )


def _rules(manifest: dict[str, Any]) -> str:
    known = {(t["step"], t["rule"]): t for t in manifest["thresholds"]}

    def condition(step: str, rule: str) -> str:
        t = known.get((step, rule))
        return _e(f"{t['signal']} {t['comparison']} {_threshold(t['threshold'])}") if t else ""

    rows = [
        (_e(r["step"]), _e(r["rule"]), condition(r["step"], r["rule"]), r["dropped"], r["fails"])
        for r in manifest["rules"]
    ]
    if not rows:
        return "<p>Nothing was dropped. 没有文档被丢弃。</p>"
    return _table(["step 步骤", "rule 规则", "kept when 保留条件", "dropped 首因", "fails 触发"], rows, {3, 4})


def _threshold(value: Any) -> str:
    return (
        ", ".join(f"{k}: {v:g}" if v is not None else f"{k}: off" for k, v in value.items())
        if isinstance(value, dict)
        else f"{value:g}"
    )


def _languages(found: Sequence[dict[str, Any]]) -> str:
    rows = [
        (_e(r["language"] or "-"), _e(r["script"] or "-"), r["documents"], f"{r['bytes'] / 1e6:,.2f}") for r in found
    ]
    return _table(["language 语言", "script 文字", "documents 文档", "MB"], rows, {2, 3})


def _sources(output: Path, most: int = 40) -> str:
    frames = []
    for kind, kept in (("train", 1), ("validation", 1), ("ledger", 0)):
        paths = [str(p) for p in parts(output, kind)]
        if paths:
            frames.append(pl.scan_parquet(paths).select("source", pl.lit(kept).alias("kept")))
    if not frames:
        return ""
    sums = pl.concat(frames).group_by("source").agg(pl.len().alias("documents"), pl.col("kept").sum())
    found = sums.sort("documents", "source", descending=[True, False]).collect()
    rows = [(_e(s), n, k, f"{k / n:.1%}") for s, n, k in found.head(most).iter_rows()]
    more = f"<p class=muted>and {len(found) - most:,} more</p>" if len(found) > most else ""
    return _table(["source 来源", "documents 文档", "kept 保留", "share 比例"], rows, {1, 2, 3}) + more


def _signals(output: Path) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    def read(kinds: Sequence[str]) -> pl.DataFrame | None:
        paths = [str(p) for k in kinds for p in parts(output, k)]
        if not paths or "signals" not in pl.scan_parquet(paths[0]).collect_schema():
            return None
        scan = pl.scan_parquet(paths)
        every = max(1, scan.select(pl.len()).collect().item() // HISTOGRAM_ROWS)
        return scan.select("signals").gather_every(every).collect(engine="streaming").unnest("signals")

    return read(["train", "validation"]), read(["ledger"])


def _histograms(output: Path, thresholds: Sequence[dict[str, Any]]) -> str:
    kept, dropped = _signals(output)
    if kept is None:
        return ""
    figures = []
    for name in kept.columns:
        a, b = _values(kept, name), _values(dropped, name)
        if len(a) + len(b):
            figures.append(_figure(name, a, b, [t for t in thresholds if t["signal"] == name]))
    return f"<div class=grid>{''.join(figures)}</div>"


def _values(frame: pl.DataFrame | None, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if frame is None or name not in frame.columns:
        return np.array([], dtype=np.float64)
    return frame[name].drop_nulls().to_numpy().astype(np.float64)


def _figure(name: str, kept: Any, dropped: Any, thresholds: Sequence[dict[str, Any]]) -> str:
    """An SVG histogram of one signal; wide ranges are drawn on a log axis."""
    both = np.concatenate([kept, dropped])
    marks = sorted(
        {
            v
            for t in thresholds
            for v in (t["threshold"].values() if isinstance(t["threshold"], dict) else [t["threshold"]])
            if v is not None
        }
    )
    low, high = float(both.min()), float(np.quantile(both, 0.995))
    log = low >= 0 and high > 1000
    scale = np.log1p if log else np.asarray
    shown = [m for m in marks if m <= max(high, float(both.max()))]
    left, right = float(scale(min([low, *shown]))), float(scale(max([high, *shown])))
    right = right if right > left else left + 1
    edges = np.linspace(left, right, BINS + 1)
    a = np.histogram(np.clip(scale(kept), left, right), edges)[0]
    b = np.histogram(np.clip(scale(dropped), left, right), edges)[0]
    top = max(int((a + b).max()), 1)
    width, height = 280, 90
    bars = []
    for i in range(BINS):
        x, w = i * width / BINS, width / BINS - 0.5
        ha, hb = a[i] / top * height, b[i] / top * height
        bars.append(f"<rect x='{x:.1f}' y='{height - ha:.1f}' width='{w:.1f}' height='{ha:.1f}' fill='#3b7dd8'/>")
        bars.append(f"<rect x='{x:.1f}' y='{height - ha - hb:.1f}' width='{w:.1f}' height='{hb:.1f}' fill='#d9822b'/>")
    for mark in shown:
        x = (float(scale(mark)) - left) / (right - left) * width
        bars.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='0' y2='{height}' stroke='#c23030' stroke-width='1.5'/>")
    said = "; ".join(f"{t['step']}.{t['rule']} {t['comparison']} {_threshold(t['threshold'])}" for t in thresholds)
    ends = f"{low:.3g} … {high:.3g}{' (log)' if log else ''}, median {np.median(both):.3g}"
    return (
        f"<figure><figcaption><b>{_e(name)}</b> <span class=muted>{_e(ends)}</span></figcaption>"
        f"<svg viewBox='0 0 {width} {height}' width='100%' role='img' aria-label='histogram of {_e(name)}'>{''.join(bars)}</svg>"
        f"<figcaption class=muted>{_e(said)}</figcaption></figure>"
    )


def _samples(output: Path) -> str:
    paths = [str(p) for p in parts(output, "ledger")]
    if not paths:
        return "<p>Nothing was dropped. 没有文档被丢弃。</p>"
    text = pl.col("text").str.slice(0, SAMPLE_CHARS)
    columns = ["step", "rule", "id", "source", "value", "threshold", "kept_id", text]
    frame = pl.scan_parquet(paths).select(columns).group_by("step", "rule", maintain_order=True).head(SAMPLES).collect()
    out = []
    for (step, rule), group in frame.group_by("step", "rule", maintain_order=True):
        items = []
        for row in group.iter_rows(named=True):
            value = (
                ""
                if row["value"] is None
                else f" · {row['value']:.4g} (limit {row['threshold']:g})"
                if row["threshold"] is not None
                else f" · {row['value']:.4g}"
            )
            kept = f" · kept: {_e(row['kept_id'])}" if row["kept_id"] else ""
            items.append(
                f"<p class=muted>{_e(row['id'])} · {_e(row['source'])}{value}{kept}</p><pre>{_e(row['text'] or '')}</pre>"
            )
        out.append(f"<details><summary><b>{_e(step)}</b> {_e(rule)}</summary>{''.join(items)}</details>")
    return "".join(out)


def _quarantine(found: Sequence[dict[str, Any]]) -> str:
    if not found:
        return "<p>Empty. 空。</p>"
    return _table(
        ["step 步骤", "error 错误", "documents 文档"],
        [(_e(r["step"]), _e(r["error"]), r["documents"]) for r in found],
        {2},
    )

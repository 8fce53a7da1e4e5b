"""A recall's report: the rounds as a table and a picture, and samples of what each found for people to judge."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .result import RecallReport, read_report

_STYLE = """
body{font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #eceff3;font-variant-numeric:tabular-nums}
td:first-child,th:first-child{text-align:left}.muted{color:#66758a}.sample{border-left:3px solid #d8dee6;margin:.6rem 0;padding:.1rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere}
.right{border-color:#2e9e6b}.wrong{border-color:#d0453b}svg text{font-size:11px;fill:#66758a}
"""


def write_samples(path: Path, samples: Sequence[dict[str, Any]]) -> None:
    """One a line, each with `right: null`, which a person sets to true or false."""
    with path.open("w", encoding="utf-8") as f:
        f.writelines(json.dumps(s, ensure_ascii=False) + "\n" for s in samples)


def read_samples(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def purity(samples: Sequence[dict[str, Any]], number: int) -> tuple[int, int, float, float] | None:
    """(judged, right, least, most) of a round's samples: Wilson's 95 % interval of its purity; None if none is judged."""
    judged = [bool(s["right"]) for s in samples if s["round"] == number and s["right"] is not None]
    n = len(judged)
    if not n:
        return None
    z, p = 1.96, sum(judged) / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return n, sum(judged), max(0.0, middle - half), min(1.0, middle + half)


def judge(output: str | Path) -> list[tuple[int, int, int, float, float]]:
    """Write report.html anew with what people said in samples.jsonl; (round, judged, right, least, most purity) of each."""
    out = Path(output)
    report, samples = read_report(out), read_samples(out / "samples.jsonl")
    (out / "report.html").write_text(report_page(report, samples), encoding="utf-8")
    found = [(n, purity(samples, n)) for n in sorted({s["round"] for s in samples})]
    return [(n, *p) for n, p in found if p is not None]


def report_page(report: RecallReport, samples: Sequence[dict[str, Any]]) -> str:
    """The page, self-contained."""
    rows = [
        ("documents of the pool 语料池文档数", f"{report.pool:,}"),
        ("found 召回", f"{report.found:,}"),
        *((f"found, {'Chinese 中文' if g == 'zh' else 'others 其他语言'}", f"{n:,}") for g, n in report.found_by_group.items()),
        ("texts of the seed 种子文本", ", ".join(f"{g} {n:,}" for g, n in report.seed.items())),
        ("without any token, files without a reader 空文档、无法读取", f"{report.empty:,}, {report.unreadable:,}"),
    ]  # fmt: skip
    parts = [
        "<!doctype html><html><head><meta charset='utf-8'><title>recall · corpusmill</title>",
        f"<style>{_STYLE}</style></head><body><h1>What was found 领域召回</h1>",
        *(f"<p><b>{_e(w)}</b></p>" for w in report.warnings),
        _table(("", ""), rows),
    ]
    if report.rounds:
        head = ("round 轮", "trained on 训练 (+ / −)", "found 命中", "new 新增", "seed found 种子召回", "with keywords 含关键词", "elsewhere 其余", "least score 阈值", "judged purity 人工纯度")  # fmt: skip
        body = []
        for r in report.rounds:
            seen = purity(samples, r.number)
            body.append(
                (
                    "0 (n-grams, keywords)" if r.number == 0 else str(r.number),
                    f"{r.positives:,} / {r.negatives:,}" if r.number else "–",
                    f"{r.found:,}",
                    f"{r.new:,}",
                    f"{r.seed_recall:.3f}",
                    f"{r.with_keywords:.3f}",
                    f"{r.elsewhere:.3f}",
                    ", ".join(f"{g} {t:.2f}" for g, t in r.thresholds.items()),
                    f"{seen[1]}/{seen[0]} ({seen[2]:.2f}–{seen[3]:.2f})" if seen else "–",
                )
            )
        parts += [
            "<h2>Rounds 各轮</h2>",
            _table(head, body),
            "<p class='muted'>Scores are log-odds (round 0: mean log-ratio of n-grams), each by a model that has not seen the text. "
            "Purity is what people said of the samples below: set <code>right</code> in samples.jsonl and run "
            "<code>corpusmill recall --judged FOLDER</code>. 在 samples.jsonl 中填写 right 后重跑即得人工纯度。</p>",
            _picture(report),
        ]
    parts.append("<h2>Samples 抽样</h2>")
    for number in sorted({s["round"] for s in samples}):
        parts.append(f"<h3>Found first in round {number} 第 {number} 轮首次命中</h3>")
        for s in samples:
            if s["round"] == number:
                kind = "" if s["right"] is None else " right" if s["right"] else " wrong"
                parts.append(
                    f"<div class='sample{kind}'><span class='muted'>{s['score']:.3f}</span> {_e(s['text'])}</div>"
                )
    parts.append("<h2>Settings 设置</h2>" + _table(("", ""), [(_e(k), _e(v)) for k, v in report.settings.items()]))
    return "\n".join([*parts, "</body></html>\n"])


def _picture(report: RecallReport) -> str:
    """A bar a round: what was known before, and what is new."""
    width, height, edge = 90, 180, 30
    most = max((r.found for r in report.rounds), default=0) or 1
    bars = []
    for i, r in enumerate(report.rounds):
        x, full, new = edge + i * width, height * r.found / most, height * min(r.new, r.found) / most
        bars.append(
            f"<rect x='{x}' y='{edge + height - full:.1f}' width='{width - 30}' height='{full - new:.1f}' fill='#3b7dd8' "
            f"transform='translate(0 {new:.1f})'/>"
            f"<rect x='{x}' y='{edge + height - full:.1f}' width='{width - 30}' height='{new:.1f}' fill='#2e9e6b'/>"
            f"<text x='{x + (width - 30) / 2}' y='{edge + height + 16}' text-anchor='middle'>{r.number}</text>"
            f"<text x='{x + (width - 30) / 2}' y='{edge + height - full - 6:.1f}' text-anchor='middle'>{r.found:,}</text>"
        )
    return (
        f"<figure><svg width='{2 * edge + width * len(report.rounds)}' height='{height + 2 * edge}' role='img'>{''.join(bars)}</svg>"
        "<figcaption class='muted'>Documents at or above the threshold by round; green: not found before. 各轮命中数，绿色为首次命中</figcaption></figure>"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "<tr>" + "".join(f"<th>{h}</th>" for h in head) + "</tr>" if any(head) else ""
    return (
        f"<table>{top}" + "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows) + "</table>"
    )


def _e(value: Any) -> str:
    return html.escape(str(value))

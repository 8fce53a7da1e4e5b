"""An evaluation as a table for the terminal and as one self-contained page: figures, confusion, reliability, folds."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..loop.files import write_whole
from ..pretraining.report import STYLE
from ..svg import COLOURS

Result = Mapping[str, Any]

NAMES = {
    "accuracy": "accuracy 准确率",
    "f1_macro": "F1 macro 宏平均",
    "f1_micro": "F1 micro 微平均",
    "f1_weighted": "F1 weighted 加权",
    "precision_macro": "precision macro 精确率",
    "recall_macro": "recall macro 召回率",
    "auc_macro": "AUC, one against the rest 曲线下面积",
    "log_loss": "log loss 对数损失",
    "subset_accuracy": "all labels right 全部正确",
    "hamming_loss": "Hamming loss 汉明损失",
    "f1_samples": "F1 by sample 样本平均",
    "exact_match": "exact match 完全匹配",
    "f1": "token F1 词元 F1",
}
SIDE, EDGE = 240, 34
CELLS = 24
"""Labels that a confusion matrix is drawn with at most; a larger one shows those that occur most."""
MORE_STYLE = "svg.square{max-width:26rem}td.left{text-align:left}"


def write_evaluation(folder: Path, title: str, models: Mapping[str, Result], result: Result) -> None:
    """Write `result.json` and `report.html`; `models` maps each model's name to its metrics or cross-validation."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "result.json", json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    write_whole(folder / "report.html", evaluation_page(title, models, result))


def figures(result: Result) -> dict[str, tuple[float, tuple[float, float] | None]]:
    """The main figures of a result, each with its interval if it has one."""
    if "scores" in result:
        return {name: (s["mean"], tuple(s["interval"])) for name, s in result["scores"].items()}
    intervals = result.get("intervals", {})
    names = [*NAMES, *(name for name in result if name.startswith("pass@"))]
    return {
        name: (result[name], tuple(intervals[name]) if name in intervals else None)
        for name in names
        if result.get(name) is not None
    }


def evaluation_table(models: Mapping[str, Result]) -> str:
    """The main figures of each model, as plain text: a line a figure, a column a model."""
    each = {name: figures(result) for name, result in models.items()}
    rows = [["", *each]]
    for figure in dict.fromkeys(f for found in each.values() for f in found):
        rows.append([figure, *(_with_interval(found.get(figure)) for found in each.values())])
    for name, result in models.items():
        if "calibration" in result:
            rows.append([f"calibration error, {name}", f"{result['calibration']['error']:.4f}"])
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip() for row in rows)


def _with_interval(found: tuple[float, tuple[float, float] | None] | None) -> str:
    if found is None:
        return "-"
    value, interval = found
    return f"{value:.4f}" if interval is None else f"{value:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


def evaluation_page(title: str, models: Mapping[str, Result], result: Result) -> str:
    """The page. `result` may hold `comparison` and `leakage` beside the models' figures."""
    each = {name: figures(found) for name, found in models.items()}
    rows = [
        (_e(NAMES.get(figure, figure)), *(_with_interval(found.get(figure)) for found in each.values()))
        for figure in dict.fromkeys(f for found in each.values() for f in found)
    ]
    parts = [
        "<!doctype html><html><head><meta charset='utf-8'>",
        f"<title>{_e(title)} · corpusmill</title><style>{STYLE}{MORE_STYLE}</style></head><body><h1>{_e(title)}</h1>",
        _leakage(result.get("leakage")),
        "<h2>Figures 指标</h2>",
        _table(("", *map(_e, each)), rows),
        "<p class=muted>In brackets: 95 % interval. 方括号内为 95% 置信区间</p>",
        _comparison(result.get("comparison")),
    ]
    for name, found in models.items():
        parts += _model(name, found)
    return "\n".join([*parts, "</body></html>\n"])


def _model(name: str, result: Result) -> list[str]:
    parts = [f"<h2>{_e(name)}</h2>"]
    if "by_fold" in result:
        parts += [
            f"<p>{result['folds']} folds, {result['examples']:,} texts in {result['groups']:,} groups of near-duplicates; "
            f"always the most common label: {result['chance']:.4f}. "
            "同组近似重复文本不跨折；恒猜最常见类别的准确率如上</p><div class=plots>",
            _figure(_folds(result["scores"]), "Each dot is a fold, the bar their mean. 每点一折，横线为均值"),
            "</div>",
        ]
        result = result["pooled"]
    drawings = []
    if "confusion_matrix" in result:
        drawings.append(
            _figure(confusion(result["confusion_matrix"], result["labels"]), "Confusion: rows are the truth, colour is the share of the row. 混淆矩阵：行为真实类别")
        )  # fmt: skip
    if "calibration" in result:
        error = result["calibration"]["error"]
        drawings.append(
            _figure(reliability(result["calibration"]["curve"]), f"Reliability: how often a confidence is right; ECE {error:.4f}. 可靠性曲线：置信度与实际正确率")
        )  # fmt: skip
    if drawings:
        parts.append(f"<div class=plots>{''.join(drawings)}</div>")
    if "classes" in result:
        areas = result.get("auc", {})
        head = ("label 类别", "precision 精确率", "recall 召回率", "F1", "AUC", "texts 文本数")
        rows = (
            (_e(label), *(f"{c[k]:.4f}" for k in ("precision", "recall", "f1")), _number(areas.get(label)), f"{c['support']:,}")
            for label, c in result["classes"].items()
        )  # fmt: skip
        parts.append(_table(head, rows))
    if "ended" in result:
        rows = ((_e(k), f"{v:,}") for k, v in sorted(result["ended"].items()))
        parts.append(_table(("how programs ended 程序结局", ""), rows))
    return parts


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """A confusion matrix as SVG, numbers in the cells where there is room."""
    chosen = sorted(sorted(range(len(labels)), key=lambda i: -sum(matrix[i]))[:CELLS])
    n = len(chosen)
    left, top, size = 90, 14, 320 / n
    parts = []
    for y, i in enumerate(chosen):
        total = sum(matrix[i]) or 1
        name = _e(_short(labels[i]))
        middle = round(top + (y + 0.5) * size + 3, 1)
        parts.append(f"<text x='{left - 4}' y='{middle}' text-anchor='end'>{name}</text>")
        across = round(left + (y + 0.5) * size, 1)
        parts.append(
            f"<text x='{across}' y='{top + 334}' text-anchor='end' transform='rotate(-40 {across} {top + 334})'>{name}</text>"
        )
        for x, j in enumerate(chosen):
            count = matrix[i][j]
            colour = COLOURS[0] if i == j else COLOURS[4]
            place = f"x='{left + x * size:.1f}' y='{top + y * size:.1f}' width='{size:.1f}' height='{size:.1f}'"
            told = f"{_e(labels[i])} → {_e(labels[j])}: {count:,} ({count / total:.1%})"
            parts.append(
                f"<rect {place} fill='{colour}' fill-opacity='{count / total:.3f}' stroke='#eef1f5'><title>{told}</title></rect>"
            )
            if count and size >= 24:
                parts.append(
                    f"<text x='{left + (x + 0.5) * size:.1f}' y='{middle}' text-anchor='middle' style='fill:#1d2733'>{count}</text>"
                )
    return f"<svg class=square viewBox='0 0 {left + 330} {top + 390}' role='img'>{''.join(parts)}</svg>"


def reliability(curve: Iterable[Mapping[str, float]]) -> str:
    """A reliability curve as SVG: dots sized by their number of texts, the diagonal is honesty."""
    points = list(curve)
    most = max((p["texts"] for p in points), default=1)
    dots = "".join(
        f"<circle cx='{_x(p['confidence'])}' cy='{_y(p['accuracy'])}' r='{2 + 7 * (p['texts'] / most) ** 0.5:.1f}' "
        f"fill='{COLOURS[0]}' opacity='.8'><title>{p['texts']:,.0f}: said {p['confidence']:.3f}, was {p['accuracy']:.3f}</title></circle>"
        for p in points
    )
    line = " ".join(f"{_x(p['confidence'])},{_y(p['accuracy'])}" for p in points)
    ticks = "".join(
        f"<text x='{_x(t)}' y='{_y(0) + 13}' text-anchor='middle'>{t}</text><text x='{EDGE - 4}' y='{_y(t) + 3}' text-anchor='end'>{t}</text>"
        for t in (0, 0.5, 1)
    )
    return (
        f"<svg class=square viewBox='0 0 {SIDE + 2 * EDGE} {SIDE + 2 * EDGE}' role='img'>"
        f"<rect x='{EDGE}' y='{EDGE / 2}' width='{SIDE}' height='{SIDE}' class=frame />"
        f"<line x1='{_x(0)}' y1='{_y(0)}' x2='{_x(1)}' y2='{_y(1)}' stroke='#b8c2ce' stroke-dasharray='4'/>"
        f"<polyline points='{line}' fill='none' stroke='#9dbce8' stroke-width='2'/>{dots}{ticks}"
        f"<text x='{EDGE + SIDE / 2}' y='{SIDE + EDGE / 2 + 28}' text-anchor='middle'>confidence 置信度</text></svg>"
    )


def _folds(scores: Mapping[str, Mapping[str, Any]]) -> str:
    """The folds' values of each figure, on one scale."""
    values = [v for s in scores.values() for v in s["values"]]
    low = float(min(values)) - 0.02
    high = max(float(max(values)) + 0.02, low + 0.05)
    parts = []

    def across(value: float) -> float:
        return round(110 + (value - low) / (high - low) * 380, 1)

    for row, (name, score) in enumerate(scores.items()):
        y = 20 + 30 * row
        parts.append(f"<text x='104' y='{y + 3}' text-anchor='end'>{_e(name)}</text>")
        parts.append(f"<line x1='110' x2='490' y1='{y}' y2='{y}' class=grid />")
        parts += [
            f"<circle cx='{across(v)}' cy='{y}' r='4' fill='{COLOURS[0]}' opacity='.6'><title>{v:.4f}</title></circle>"
            for v in score["values"]
        ]
        middle = across(score["mean"])
        parts.append(
            f"<line x1='{middle}' x2='{middle}' y1='{y - 9}' y2='{y + 9}' stroke='{COLOURS[1]}' stroke-width='2'/>"
        )
        parts.append(f"<text x='496' y='{y + 3}'>{score['mean']:.3f} ± {score['spread']:.3f}</text>")
    return f"<svg viewBox='0 0 590 {30 * len(scores) + 14}' role='img'>{''.join(parts)}</svg>"


def _leakage(report: Result | None) -> str:
    if report is None:
        return ""
    if not report["leaked_test"]:
        return f"<p>No leak: none of {report['test']:,} test texts is in the training data. 训练集与测试集无重复</p>"
    rows = (
        (f"{leak['similarity']:.3f}", _e(_short(leak["test_text"], 120)), _e(_short(leak["train_text"], 120)))
        for leak in report["leaks"]
    )
    done = f"removed from the {report['removed']} side" if report["removed"] else "NOT removed"
    return (
        f"<div class=advice><p>{report['leaked_test']:,} of {report['test']:,} test texts are in the training data; {done}. "
        f"测试集中有 {report['leaked_test']:,} 条见于训练集</p></div>"
        f"<details><summary>which 明细</summary>{_table(('similarity 相似度', 'test 测试', 'training 训练'), rows)}</details>"
    )


def _comparison(found: Result | None) -> str:
    if found is None:
        return ""
    rows = [
        (_e(NAMES.get(name, name)), f"{d['difference']:+.4f}", f"[{d['interval'][0]:+.4f}, {d['interval'][1]:+.4f}]", f"{d['p']:.4f}")
        for name, d in found.items()
        if isinstance(d, Mapping) and "difference" in d
    ]  # fmt: skip
    test = found.get("mcnemar")
    said = (
        f"<p>McNemar: only the first is right on {test['only_first_right']:,} texts, only the second on "
        f"{test['only_second_right']:,}; p = {test['p']:.4f}</p>"
        if test
        else ""
    )
    head = ("", "first − second 差", "95 %", "p")
    return f"<h2>Comparison 比较</h2>{_table(head, rows)}{said}"


def _x(value: float) -> float:
    return round(EDGE + value * SIDE, 1)


def _y(value: float) -> float:
    return round(EDGE / 2 + (1 - value) * SIDE, 1)


def _short(text: str, most: int = 12) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _e(value: Any) -> str:
    return html.escape(str(value))


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "<tr>" + "".join(f"<th>{h}</th>" for h in head) + "</tr>"
    return f"<table>{top}{''.join('<tr>' + ''.join(f'<td>{c}</td>' for c in row) + '</tr>' for row in rows)}</table>"

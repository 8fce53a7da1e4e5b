"""A trained classifier's report as one self-contained page: figures, calibration plot, ROC curve, what thresholds keep."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .metrics import Bin, Scores, Truth, at_thresholds, precision_recall, roc
from .result import ClassifierReport

_SIDE, _EDGE = 240, 34
_POINTS = 400
_WEIGHTS = 15

_STYLE = """
body{font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #eceff3;font-variant-numeric:tabular-nums}
td:first-child,th:first-child{text-align:left}.plots{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}figcaption{font-size:.85rem;max-width:17rem}.muted{color:#66758a}
svg text{font-size:10px;fill:#66758a}
"""


def report_page(report: ClassifierReport, truth: Truth, scores: Scores) -> str:
    """The page; `truth` and `scores` are those of the judged texts."""
    crossed = report.cross_validation
    how = (
        f"{crossed.folds}-fold cross-validation: AUC {crossed.auc_mean:.3f} ± {crossed.auc_spread:.3f} over the folds "
        f"(交叉验证，各折 AUC：{'、'.join(f'{a:.3f}' for a in crossed.auc)})"
        if crossed
        else "measured on texts held out from training (在未参与训练的文本上测得)"
    )
    figures = [
        ("AUC", f"{report.auc:.4f}"),
        ("average precision 平均精确率", f"{report.average_precision:.4f}"),
        ("accuracy 准确率", f"{report.accuracy:.4f}"),
        ("precision 精确率", f"{report.precision:.4f}"),
        ("recall 召回率", f"{report.recall:.4f}"),
        ("F1", f"{report.f1:.4f}"),
        ("calibration error 校准误差", f"{report.calibration_error:.4f}"),
        *((f"AUC, {language}", f"{area:.4f}") for language, area in report.auc_by_language.items()),
        ("trained on 训练 (+ / −)", f"{report.train_positive:,} / {report.train_negative:,}"),
        ("judged on 评测 (+ / −)", f"{report.held_out_positive:,} / {report.held_out_negative:,}"),
        ("left out: repeated, contradictory, empty 剔除：重复、矛盾、空", f"{report.repeated:,}, {report.contradictory:,}, {report.empty:,}"),
    ]  # fmt: skip
    _, recall, precision = precision_recall(truth, scores)
    false, true = roc(truth, scores)
    sections = [
        "<!doctype html><html><head><meta charset='utf-8'>",
        f"<title>{_e(report.model)} · corpusmill</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_e(report.model)} ({report.kind})</h1><p>{how}</p>",
        _table(("", ""), figures),
        "<h2>Curves 曲线</h2><div class='plots'>",
        _figure(_calibration(report.calibration), "Calibration: the share of wanted texts by score; on the diagonal, a score is a probability. 校准：各分数段中正样本的比例"),
        _figure(_curve(false, true, "false positives", "true positives"), "ROC: wanted texts found against unwanted ones let in. 曲线下面积即 AUC"),
        _figure(_curve(recall, precision, "recall", "precision"), "Precision and recall over all thresholds. 精确率与召回率"),
        _figure(_histogram(truth, scores), "Scores: wanted texts blue, unwanted ones orange. 分数分布：蓝为正样本，橙为负样本"),
        "</div><h2>Calibration 校准表</h2>",
        _table(
            ("score 分数", "texts 文本数", "mean score 平均分", "wanted share 正样本比例"),
            ((f"{b.low:.1f}–{b.high:.1f}", f"{b.texts:,}", _share(b.mean_score), _share(b.positive_share)) for b in report.calibration),
        ),
        "<h2>What <code>min_score</code> would keep 阈值的效果</h2>",
        _table(
            ("min_score", "kept 保留", "precision 精确率", "recall 召回率"),
            ((f"{r['threshold']:.1f}", _share(r["kept"]), _share(r["precision"]), _share(r["recall"])) for r in at_thresholds(truth, scores)),
        ),
    ]  # fmt: skip
    if report.weights:
        top = list(report.weights.items())[:_WEIGHTS]
        sections += [
            "<h2>Weights 权重</h2><p class='muted'>Of each feature, for one standard deviation more of it. 每增加一个标准差的影响</p>",
            _table(("feature 特征", "weight 权重"), ((_e(name), f"{weight:+.3f}") for name, weight in top)),
        ]
    sections += [
        "<h2>Settings 设置</h2>",
        _table(("", ""), ((_e(k), _e(v)) for k, v in report.settings.items())),
        "</body></html>\n",
    ]
    return "\n".join(sections)


def _e(value: Any) -> str:
    return html.escape(str(value))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "<tr>" + "".join(f"<th>{h}</th>" for h in head) + "</tr>" if any(head) else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{top}{body}</table>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _at(x: float, y: float) -> tuple[float, float]:
    """Where a point of the unit square lies in the picture."""
    return round(_EDGE + x * _SIDE, 1), round(_EDGE / 2 + (1 - y) * _SIDE, 1)


def _frame(inside: str, across: str, up: str) -> str:
    left, top = _at(0, 1)
    right, bottom = _at(1, 0)
    ticks = "".join(
        f"<text x='{_at(t, 0)[0]}' y='{bottom + 12}' text-anchor='middle'>{t}</text>"
        f"<text x='{left - 4}' y='{_at(0, t)[1] + 3}' text-anchor='end'>{t}</text>"
        for t in (0, 0.5, 1)
    )
    return (
        f"<svg width='{_SIDE + 2 * _EDGE}' height='{_SIDE + 2 * _EDGE}' role='img'>"
        f"<rect x='{left}' y='{top}' width='{_SIDE}' height='{_SIDE}' fill='none' stroke='#d8dee6'/>{ticks}{inside}"
        f"<text x='{(left + right) / 2}' y='{bottom + 26}' text-anchor='middle'>{across}</text>"
        f"<text x='10' y='{(top + bottom) / 2}' text-anchor='middle' transform='rotate(-90 10 {(top + bottom) / 2})'>{up}</text></svg>"
    )


def _line(xs: Scores, ys: Scores, colour: str) -> str:
    if len(xs) > _POINTS:
        rows = np.unique(np.linspace(0, len(xs) - 1, _POINTS).astype(np.int64))
        xs, ys = xs[rows], ys[rows]
    points = " ".join("{},{}".format(*_at(float(x), float(y))) for x, y in zip(xs, ys, strict=True))
    return f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'/>"


def _curve(xs: Scores, ys: Scores, across: str, up: str) -> str:
    return _frame(_line(xs, ys, "#3b7dd8"), across, up)


def _calibration(bins: Sequence[Bin]) -> str:
    most = max((b.texts for b in bins), default=0) or 1
    diagonal = "<line x1='{}' y1='{}' x2='{}' y2='{}' stroke='#b8c2ce' stroke-dasharray='4'/>".format(
        *_at(0, 0), *_at(1, 1)
    )
    dots = []
    known = [b for b in bins if b.mean_score is not None and b.positive_share is not None]
    for b in known:
        x, y = _at(float(b.mean_score or 0), float(b.positive_share or 0))
        # A dot's area is its number of texts: the eye must not trust a bin of three.
        radius = round(2 + 7 * (b.texts / most) ** 0.5, 1)
        share = f"{b.low:.1f}–{b.high:.1f}: {b.texts:,} texts, {b.positive_share:.3f}"
        dots.append(
            f"<circle cx='{x}' cy='{y}' r='{radius}' fill='#3b7dd8' opacity='.8'><title>{share}</title></circle>"
        )
    line = _line(
        np.array([b.mean_score for b in known], dtype=np.float64),
        np.array([b.positive_share for b in known], dtype=np.float64),
        "#9dbce8",
    )
    return _frame(diagonal + line + "".join(dots), "mean score", "share of wanted texts")


def _histogram(truth: Truth, scores: Scores) -> str:
    bars = []
    for wanted, colour in ((False, "#d9822b"), (True, "#3b7dd8")):
        counts, edges = np.histogram(scores[truth == wanted], bins=20, range=(0, 1))
        top = max(1, int(counts.max()))
        for count, start, end in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            (x, y), (right, bottom) = _at(start, count / top), _at(end, 0)
            bars.append(
                f"<rect x='{x}' y='{y}' width='{round(right - x, 1)}' height='{round(bottom - y, 1)}' fill='{colour}' opacity='.5'/>"
            )
    return _frame("".join(bars), "score", "texts, of the fullest bin")

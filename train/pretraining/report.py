"""report.html: one self-contained page with a run's curves, the gap between training and validation, and advice."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..loop.files import write_whole
from ..loop.progress import read_metrics
from ..svg import COLOURS, Line, Mark, Points, chart
from .advice import advice

EPOCH_LINES = 12
"""Epochs that are marked at most."""

STYLE = """
body{font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #d8dee6;padding-bottom:.2rem}
.cards{display:flex;flex-wrap:wrap;gap:1rem}.card{border:1px solid #e3e8ee;border-radius:6px;padding:.5rem 1rem}.card b{display:block;font-size:1.3rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(30rem,1fr));gap:1rem}figure{margin:0;border:1px solid #e3e8ee;border-radius:6px;padding:.6rem}
figcaption{font-size:.85rem;color:#66758a}.legend{font-size:.85rem}.muted{color:#66758a}.advice{border-left:4px solid #d9822b;background:#fdf6ec;padding:.4rem .9rem;margin:.5rem 0}
svg{width:100%;height:auto}svg text{font-size:10px;fill:#66758a}.frame{fill:none;stroke:#d8dee6}.grid{stroke:#eef1f5}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #eceff3;font-variant-numeric:tabular-nums}td:first-child,th:first-child{text-align:left}
"""

Record = Mapping[str, Any]


def write_training_report(run: Path) -> Path:
    """Write `report.html` of a run folder from its metrics.jsonl, config.json and result.json; returns its path."""
    result, config = (_read(run / name) for name in ("result.json", "config.json"))
    path = run / "report.html"
    write_whole(path, training_page(run.name, read_metrics(run / "metrics.jsonl"), result, config))
    return path


def training_page(name: str, records: Sequence[Record], result: Record, config: Record) -> str:
    """The page of a run from its metrics records, result and settings."""
    scored = [r for r in records if "bits_per_byte" in r]
    steps = [r for r in records if "learning_rate" in r]
    marks = _marks(records)
    said = advice(records, clip=float(config.get("clip", 1.0)))
    parts = [
        "<!doctype html><html><head><meta charset='utf-8'>",
        f"<title>{_e(name)} · corpusmill</title><style>{STYLE}</style></head><body><h1>{_e(name)}</h1>",
        _cards(result, steps),
        "<h2>Advice 建议</h2>",
        *(f"<div class=advice><p>{_e(a.english)}</p><p lang=zh>{_e(a.chinese)}</p></div>" for a in said),
        "" if said else "<p>Nothing stands out. 无异常。</p>",
        "<h2>Training and validation 训练与验证</h2><div class=plots>",
        _figure(_losses(steps, scored, marks), "Loss in nats a token: every training step, their moving average, validation. 损失（每词元奈特）"),
        _figure(
            _pair(scored, "bits_per_byte", "train_bits_per_byte", marks, result.get("baselines", {})),
            "Bits per byte on validation and on a fixed sample of the training documents, both without dropout. "
            "The distance between them is the gap. 每字节比特数；两线之差即差距",
        ),
        *(_figure(_parts(scored, kind, marks), f"By {label}; training documents dashed. 虚线为训练文本") for kind, label in _kinds(scored)),
        "</div>",
        _gap_tables(scored),
        "<h2>Optimization 优化</h2><div class=plots>",
        _figure(chart([Line("learning rate 学习率", _points(steps, "learning_rate"))], up="learning rate"), "Learning rate 学习率"),
        _figure(chart([Line("gradient norm 梯度范数", _points(steps, "gradient_norm"))], up="norm", marks=marks, log=True), "Gradient norm before clipping 裁剪前的梯度范数"),
        _figure(chart([Line("tokens/s 词元每秒", _points(steps, "tokens_per_second"))], up="tokens/s"), "Speed 速度"),
        "</div><p class=muted>Vertical lines: epochs grey, spikes red, skipped batches orange, rollbacks violet. "
        "竖线：灰为轮次，红为损失突增，橙为跳过的批次，紫为回退。</p>",
        _events(records),
        "<h2>Settings 设置</h2>",
        _table(("", ""), ((_e(k), _e(v)) for k, v in config.items())),
        "</body></html>\n",
    ]  # fmt: skip
    return "\n".join(parts)


def _cards(result: Record, steps: Sequence[Record]) -> str:
    utilisation = sorted(float(r["mfu"]) for r in steps if "mfu" in r)
    shown = {
        "status 状态": result.get("status"),
        "bits per byte 每字节比特": _number(result.get("bits_per_byte"), ".3f"),
        "gap to training 与训练集差距": _number(result.get("gap"), "+.3f"),
        "best step 最佳步": _number(result.get("best_step"), ","),
        "steps 步数": _number(result.get("steps"), ","),
        "tokens 词元": _number(result.get("tokens"), ","),
        "epochs 轮次": _number(result.get("epochs"), ".2f"),
        "parameters 参数": _number(result.get("parameters"), ","),
        "minutes 分钟": _number(result.get("seconds", 0) / 60, ".1f"),
        "tokens/s 词元每秒": _number(result.get("tokens_per_second"), ",.0f"),
        "MFU, median 中位数": _number(utilisation[len(utilisation) // 2], ".1%") if utilisation else None,
    }
    return "<div class=cards>" + "".join(
        f"<div class=card><b>{_e(value)}</b>{name}</div>" for name, value in shown.items() if value is not None
    ) + "</div>"  # fmt: skip


def _losses(steps: Sequence[Record], scored: Sequence[Record], marks: Sequence[Mark]) -> str:
    raw = _points(steps, "train_loss")
    return chart(
        [
            Line("", raw, COLOURS[0], thin=True),
            Line("training 训练", _smooth(raw), COLOURS[0]),
            Line("validation 验证", _points(scored, "loss"), COLOURS[1]),
        ],
        up="nats",
        marks=marks,
    )


def _pair(scored: Sequence[Record], upper: str, lower: str, marks: Sequence[Mark], levels: Mapping[str, float]) -> str:
    lines = [
        Line("validation 验证", _points(scored, upper), COLOURS[1]),
        Line("training documents 训练文本", _points(scored, lower), COLOURS[0], dashed=True),
    ]
    return chart(lines, up="bits per byte", marks=marks, levels=sorted(levels.items()))


def _kinds(scored: Sequence[Record]) -> list[tuple[str, str]]:
    """Which divisions the evaluations hold, with their names; one of a single part says nothing new."""
    names = (("by_language", "language 语言"), ("by_domain", "domain 领域"))
    return [(kind, label) for kind, label in names if scored and len(scored[-1].get(kind, {})) > 1]


def _parts(scored: Sequence[Record], kind: str, marks: Sequence[Mark]) -> str:
    lines = []
    for i, name in enumerate(sorted(scored[-1][kind])):
        colour = COLOURS[i % len(COLOURS)]
        for held, dashed in ((kind, False), (f"train_{kind}", True)):
            points = [(float(r["step"]), float(r[held][name])) for r in scored if name in r.get(held, {})]
            lines.append(Line(f"{name}, training" if dashed else name, points, colour, dashed=dashed))
    return chart(lines, up="bits per byte", marks=marks)


def _gap_tables(scored: Sequence[Record]) -> str:
    """Validation, training documents and the gap, at the best checkpoint and at the end: all, by language, by domain."""
    if not scored:
        return ""
    best = min(scored, key=lambda r: float(r["bits_per_byte"]))
    tables = _gap_table(best, scored, "best 最佳")
    return f"<h2>The gap 差距</h2>{tables}{_gap_table(scored[-1], scored, 'end 末') if best is not scored[-1] else ''}"


def _gap_table(at: Record, scored: Sequence[Record], when: str) -> str:
    rows = [("all 全部", at["bits_per_byte"], at.get("train_bits_per_byte"))]
    for kind, _ in _kinds(scored):
        train = at.get(f"train_{kind}", {})
        rows += [(_e(name), value, train.get(name)) for name, value in at.get(kind, {}).items()]
    cells = [
        (name, f"{value:.3f}", _number(train, ".3f") or "–", "–" if train is None else f"{value - train:+.3f}")
        for name, value, train in rows
    ]
    head = (f"step {at['step']} ({when}), bits per byte", "validation 验证", "training 训练", "gap 差距")
    return f"<p>{_table(head, cells)}</p>"


def _marks(records: Sequence[Record]) -> list[Mark]:
    marks, epoch = [], 0
    every = -(-int(max((r.get("epochs", 0) for r in records), default=0)) // EPOCH_LINES) or 1
    for r in records:
        if int(r.get("epochs", 0)) >= epoch + every:
            epoch = int(r["epochs"])
            marks.append(Mark(r["step"], f"epoch {epoch}", "#b8c2ce"))
        if r.get("spike"):
            marks.append(Mark(r["step"], f"spike at step {r['step']}"))
        if "skipped" in r:
            marks.append(Mark(r["step"], f"skipped at step {r['step']}: {r['skipped']}", "#d9822b"))
        if "rolled_back_from" in r:
            marks.append(Mark(r["step"], f"back from step {r['rolled_back_from']}", "#a35bb5"))
    return marks


def _events(records: Sequence[Record]) -> str:
    rows = [
        (str(mark.x), _e(mark.title)) for mark in _marks(records) if not mark.title.startswith("epoch")
    ]  # fmt: skip
    return _table(("step 步", "what happened 事件"), rows) if rows else ""


def _points(records: Sequence[Record], name: str) -> Points:
    return [(float(r["step"]), float(r[name])) for r in records if isinstance(r.get(name), int | float)]


def _smooth(points: Points) -> Points:
    """A moving average over about a thirtieth of the run, corrected for its start."""
    keep = 1 - 1 / max(1.0, len(points) / 30)
    total = weight = 0.0
    smooth = []
    for x, y in points:
        total, weight = keep * total + y, keep * weight + 1
        smooth.append((x, total / weight))
    return smooth


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}


def _number(value: Any, shape: str) -> str | None:
    return None if value is None else format(value, shape)


def _e(value: Any) -> str:
    return html.escape(str(value))


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "<tr>" + "".join(f"<th>{h}</th>" for h in head) + "</tr>" if any(head) else ""
    return f"<table>{top}{''.join('<tr>' + ''.join(f'<td>{c}</td>' for c in row) + '</tr>' for row in rows)}</table>"

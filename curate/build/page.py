"""index.html of a build: the funnel, the domain, the model and what it writes, with links to the pages of each."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..report.page import STYLE


def build_page(
    recipe: str, manifest: Mapping[str, Any], domain: Mapping[str, Any], model: Mapping[str, Any] | None
) -> str:
    """The page of a build, without scripts; links are relative to the build's folder."""
    counts = manifest["counts"]
    kept = counts["train"] + counts["validation"]
    parts = [
        "<!doctype html><html><head><meta charset='utf-8'>",
        f"<title>{_e(recipe)} · corpusmill</title><style>{STYLE}</style></head><body><h1>{_e(recipe)}</h1><div class=cards>",
        _card("read 读入", counts["read"]),
        _card("kept 保留", kept),
        _card("dropped 丢弃", counts["dropped"]),
        _card("quarantined 隔离", counts["quarantined"]),
        "</div><p><a href='corpus/report.html'>the corpus: rules, samples, duplicates 语料报告</a> · "
        "<a href='recipe.yaml'>the recipe 配方</a></p>",
        "<h2>Funnel 漏斗</h2>",
        _table(
            ("step 步骤", "documents 文档", "dropped 丢弃", "quarantined 隔离"),
            ((f["step"], f["documents"], f["dropped"], f["quarantined"]) for f in manifest["funnel"]),
        ),
        "<h2>Documents by kind 文档类别</h2>",
        _table(
            ("source 来源", "language 语言", "documents 文档", "MB"),
            ((k["kind"], k["language"], k["documents"], k["bytes"] / 1e6) for k in domain["kinds"]),
        ),
        "<h2>Signals of the domain 领域信号</h2>",
        _table(
            ("signal 信号", "documents measured 测得文档", "mean 均值", "above zero 大于零"),
            ((s["signal"], s["documents"], s["mean"], f"{s['above_zero']:.1%}") for s in domain["signals"]),
        ),
        "<h2>Terms that occur 术语覆盖</h2>",
        _table(
            ("list 词表", "terms 词数", "found 出现", "share 比例", "never seen, some of them 未出现（部分）"),
            (
                (
                    name,
                    c["terms"],
                    c["found"],
                    f"{c['found'] / c['terms']:.1%}" if c["terms"] else "",
                    ", ".join(c["absent"]),
                )
                for name, c in domain["lexicons"].items()
            ),
        ),
        "<h2>Personal data replaced 已处理的个人信息</h2>",
        _table(("type 类型", "replaced 处数"), domain["privacy"].items())
        if domain["privacy"]
        else "<p class=muted>none was found, or the recipe does not look for it 无，或配方未启用</p>",
    ]
    if model is not None:
        parts += _model(model)
    return "\n".join([*parts, "</body></html>\n"])


def _model(model: Mapping[str, Any]) -> list[str]:
    said = "" if model["status"] == "finished" else f" <b>{_e(model['status'])}</b>"
    rows = [
        *model["baselines"].items(),
        ("gpt, before training 训练前", model["first_bits_per_byte"]),
        ("gpt", model["bits_per_byte"]),
        *((f"gpt, {language}", value) for language, value in sorted(model["by_language"].items())),
    ]
    return [
        "<h2>The model 模型</h2>",
        f"<p>{model['parameters']:,} parameters, {model['tokens']:,} tokens, {model['epochs']:.2f} epochs, "
        f"{model['seconds'] / 60:.1f} minutes{said}. <a href='model/report.html'>curves and settings 训练报告</a></p>",
        "<p>Bits per byte of the validation documents, lower is better 验证文档每字节比特数，越低越好</p>",
        _table(("model 模型", "bits per byte"), rows),
        "<h2>How it goes on 续写</h2>",
        "<p class=muted>from the first words of validation documents 以验证文档的开头为提示</p>",
        *(f"<pre><b>{_e(prompt)}</b>{_e(text)}</pre>" for prompt, text in model["samples"]),
    ]


def _card(name: str, value: int) -> str:
    return f"<div class=card><b>{value:,}</b>{name}</div>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return f"<td class=n>{value:,.3f}</td>"
        return f"<td class=n>{value:,}</td>" if isinstance(value, int) else f"<td>{_e(str(value))}</td>"

    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{body}</table>"


def _e(text: str) -> str:
    return html.escape(text)

"""What the curves of a run say to do next, in words: learning by heart, worn-out text, instability, training cut short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean
from typing import Any

WORSE = 0.005
"""Validation is worse than its best only from this share on: evaluations of a fixed sample still wobble a little."""

EPOCHS = 4.0
"""Passes after which repeated text is worth clearly less than new text (Muennighoff et al. 2023, section 5)."""

WIDE_GAP = 0.1
"""A gap of this share of the validation figure is worth a word."""


@dataclass(frozen=True)
class Advice:
    """One finding and what to do about it, in English and Chinese. `kind` is for programs."""

    kind: str
    english: str
    chinese: str


def advice(records: Sequence[Mapping[str, Any]], *, clip: float = 1.0) -> list[Advice]:
    """What metrics.jsonl's records give reason to say; nothing if all is well."""
    scored = [r for r in records if "bits_per_byte" in r]
    steps = [r for r in records if "learning_rate" in r]
    found = [*_overfitting(scored), *_languages(scored), *_epochs(scored), *_gap(scored), *_unfinished(scored, steps)]
    return found + _unstable(steps, clip)


def _overfitting(scored: Sequence[Mapping[str, Any]]) -> list[Advice]:
    """Validation rises while the training documents still fall."""
    if not scored:
        return []
    best = min(range(len(scored)), key=lambda i: float(scored[i]["bits_per_byte"]))
    low, last = scored[best], scored[-1]
    worse = float(last["bits_per_byte"]) >= (1 + WORSE) * float(low["bits_per_byte"])
    # Two evaluations at least: a single one can be bad luck.
    if len(scored) - 1 - best < 2 or not worse or not _falls(low, last):
        return []
    was, now, step, epoch = low["bits_per_byte"], last["bits_per_byte"], low["step"], float(low["epochs"])
    return [
        Advice(
            "overfitting",
            f"From step {step} (epoch {epoch:.1f}) on, validation got worse ({was:.3f} to {now:.3f} bits per byte) while the "
            f"training documents went on improving: the model learns them by heart. The checkpoint of step {step} is the "
            "best and was kept. Next time stop there, or add text, raise dropout or weight decay, or take a smaller preset.",
            f"第 {step} 步（第 {epoch:.1f} 轮）之后验证集变差（每字节 {was:.3f} → {now:.3f} 比特），训练集却仍在变好：模型在死记训练文本。"
            f"已保留第 {step} 步的检查点。建议：在此停止，或增加文本、提高 dropout 或权重衰减、换更小的预设。",
        )
    ]


def _falls(low: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    # Without a sample of the training documents, a training loss falls practically always.
    name = "train_bits_per_byte"
    return name not in last or float(last[name]) < float(low[name])


def _languages(scored: Sequence[Mapping[str, Any]]) -> list[Advice]:
    """A language or domain whose figure rose while the whole still improved."""
    found = []
    for kind, zh in (("by_language", "语言"), ("by_domain", "领域")):
        for name in scored[-1].get(kind, {}) if len(scored) > 2 else ():
            curve = [float(r[kind][name]) for r in scored if name in r.get(kind, {})]
            whole = [float(r["bits_per_byte"]) for r in scored]
            best = min(range(len(curve)), key=curve.__getitem__)
            if len(curve) - 1 - best >= 2 and curve[-1] >= (1 + WORSE) * curve[best] and whole[-1] == min(whole):
                found.append(
                    Advice(
                        "part got worse",
                        f"{name} got worse since step {scored[best]['step']} ({curve[best]:.3f} to {curve[-1]:.3f} bits per "
                        "byte) while the whole improved: it has too little text or too little weight in the mix.",
                        f"{zh} {name} 自第 {scored[best]['step']} 步起变差（{curve[best]:.3f} → {curve[-1]:.3f}），而整体在变好：其文本或混合权重过少。",
                    )
                )
    return found


def _epochs(scored: Sequence[Mapping[str, Any]]) -> list[Advice]:
    epochs = float(scored[-1]["epochs"]) if scored else 0.0
    if epochs <= EPOCHS:
        return []
    return [
        Advice(
            "epochs",
            f"Training passed over the corpus {epochs:.1f} times. Up to about {EPOCHS:.0f} passes repeated text is nearly as "
            "good as new text, beyond that it is worth less and less (Muennighoff et al. 2023): more text helps more than "
            "more passes; if there is none, a smaller model with dropout bears more passes.",
            f"语料已重复 {epochs:.1f} 轮。约 {EPOCHS:.0f} 轮以内重复文本与新文本几乎等效，之后收益迅速递减（Muennighoff 等，2023）："
            "增加文本胜过增加轮数；若无更多文本，可用更小的模型并加 dropout。",
        )
    ]


def _gap(scored: Sequence[Mapping[str, Any]]) -> list[Advice]:
    best = min(scored, key=lambda r: float(r["bits_per_byte"]), default={})
    gap = float(best.get("gap", 0.0))
    if not best or gap < WIDE_GAP * float(best["bits_per_byte"]):
        return []
    share = gap / float(best["bits_per_byte"])
    return [
        Advice(
            "gap",
            f"At its best checkpoint the model needs {gap:.3f} bits per byte more ({share:.0%}) on validation than on training "
            "documents. If the two come from the same sources, that much was learnt by heart; if not, compare the domains.",
            f"在最佳检查点，验证集比训练集每字节多 {gap:.3f} 比特（{share:.0%}）。若二者同源，这部分即为死记；否则请比较各领域。",
        )
    ]


def _unfinished(scored: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> list[Advice]:
    curve = [float(r["bits_per_byte"]) for r in scored]
    if len(curve) < 4 or any(after > 0.99 * before for before, after in pairwise(curve[-3:])):
        return []
    return [
        Advice(
            "unfinished",
            "Validation still fell by over 1 % an evaluation when the budget ended: a longer run would be better.",
            "预算用尽时验证指标每次评估仍下降超过 1%：训练更久会更好。",
        )
    ]


def _unstable(steps: Sequence[Mapping[str, Any]], clip: float) -> list[Advice]:
    found = []
    spikes, skipped = sum(bool(r.get("spike")) for r in steps), sum("skipped" in r for r in steps)
    if spikes or skipped:
        found.append(
            Advice(
                "unstable",
                f"{spikes} steps had a loss far above those before, {skipped} batches were skipped. Look at what they held "
                "with `corpusmill train trace RUN --step N`; if it is ordinary text, lower the learning rate or warm up longer.",
                f"有 {spikes} 步损失突增，跳过 {skipped} 个批次。可用 `corpusmill train trace RUN --step N` 查看其文本；若文本正常，请降低学习率或延长预热。",
            )
        )
    later = [float(r["gradient_norm"]) for r in steps[len(steps) // 4 :] if "gradient_norm" in r]
    if later and mean([value > clip for value in later]) > 0.5:
        found.append(
            Advice(
                "clipped",
                f"More than half of the steps had a gradient norm above the clip of {clip:g}: clipping sets the step size. "
                "A lower learning rate or larger batch may learn faster.",
                f"一半以上的步梯度范数超过裁剪值 {clip:g}，步长由裁剪决定。可尝试降低学习率或增大批次。",
            )
        )
    return found

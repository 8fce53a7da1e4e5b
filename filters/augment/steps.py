"""Augmentation with provenance: children that say the same, know their parent, and carry how they were made.

Four operations. `synonym` swaps words of one sense; `recombine` reorders sentences that lean on no neighbour; `entity`
puts other people in; `noise` puts in the errors of keyboards, pinyin input and OCR, so that a child and its parent are a
noisy and a clean pair. A language model of yours can gate them all: a child that surprises it too much is thrown away.
None touches a protected span (`protect.py`), and a child whose protected text differs from its parent's is thrown
away: negations, numbers, doses, references and quotations come through in the same words and the same order.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
import pyarrow as pa
import xxhash
from pydantic import BeforeValidator, Field

from ...curate.documents import AUGMENTATION, Documents
from ...curate.errors import InputError
from ...curate.registry import suggestion
from ...curate.step import Transform
from ..protect import Span, domain_terms, protected_mask, protected_runs, protected_spans
from ..typos.confusions import NEVER, shape_groups, sounds
from ..typos.model import one_edit
from ..typos.steps import guess_language
from .entities import entity_groups, swap_entities
from .gate import Gate

Op = Literal["synonym", "recombine", "entity", "noise"]
OPS: tuple[Op, ...] = get_args(Op)


def _check_ops(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        for op in value:
            if op not in OPS:
                raise ValueError(f"unknown operation {op!r}{suggestion(str(op), OPS)}")
        return tuple(value)
    return value


class Augment(Transform):
    """Appends altered children of some documents to the batch; the documents themselves stay as they are.

    A child's id is `<parent>~<op><k>`; `parent_id` and `augmentation` (op, version, seed, edits) are set, its signals
    are not measured. Children are not augmented again. Chinese and English only; other languages get no children.
    """

    name: ClassVar[str] = "augment"
    version: ClassVar[int] = 4
    appends: ClassVar[bool] = True

    ops: Annotated[tuple[Op, ...], BeforeValidator(_check_ops)] = Field(default=OPS, min_length=1)
    """Operations to draw from."""
    copies: int = Field(default=1, ge=1)
    """Children at most of one document by one operation."""
    share: float = Field(default=0.2, gt=0, le=1)
    """The cap: children at most for each document, on average, so never more made than read. Drawn document by
    document, so that a document's children depend neither on its batch nor on the number of workers."""
    seed: int = 0
    """Another seed gives other children."""
    synonym_rate: float = Field(default=0.15, gt=0, le=1)
    """Share of the words that have a synonym to swap; at least one."""
    noise_rate: float = Field(default=0.02, gt=0, le=0.3)
    """Share of the characters (Chinese) or words (English) to disturb; at least one."""
    synonyms: str | None = None
    """A file of further synonyms: a group a line, separated by spaces, for either language."""
    terms: str | None = None
    """A file of words that are never touched, one a line, beside the terms of the packs that ship."""
    entities: str | None = None
    """A file for `entity`: groups of names (companies, places) that may stand for one another, a group a line."""
    model: str | None = None
    """A file that `train_ngram` wrote from your clean text: the gate. Without it only the rules decide."""
    max_perplexity_ratio: float = Field(default=1.2, ge=1)
    """With `model`: most that a child's perplexity a character may be of its parent's; for a swapped synonym also of
    the forty characters around it. `noise` is meant to surprise: it gets the square."""

    def prepare(self) -> None:
        synonym_table(self.synonyms)
        domain_terms(self.terms)
        if self.entities is not None:
            entity_groups(self.entities)
        self._gate()

    def _gate(self) -> Gate | None:
        return None if self.model is None else Gate(self.model, self.max_perplexity_ratio)

    def transform(self, docs: Documents) -> Documents:
        chance = min(1.0, self.share / (len(self.ops) * self.copies))
        rows: list[int] = []
        children: list[tuple[str, str, Op, int]] = []
        parents = docs.table.column("parent_id").to_pylist()
        for row, (id_, language) in enumerate(zip(docs.ids, docs.languages, strict=True)):
            if parents[row] is not None:
                continue
            text: str | None = None
            for op in self.ops:
                for k in range(self.copies):
                    # Seeded by the document, so that neither batch nor worker matters.
                    rng = random.Random(xxhash.xxh3_64_intdigest(f"{self.seed}\x00{id_}\x00{op}\x00{k}".encode()))
                    if rng.random() >= chance:
                        continue
                    if text is None:
                        text = docs.text[row].as_py() or ""
                    altered, edits = self.alter(text, op, rng, language)
                    if edits and altered != text:
                        rows.append(row)
                        children.append((f"{id_}~{op}{k}", altered, op, edits))
        if not children:
            return docs
        ids, texts, ops, edits_made = zip(*children, strict=True)
        made = [
            {"op": op, "version": self.version, "seed": self.seed, "n_edits": n}
            for op, n in zip(ops, edits_made, strict=True)
        ]
        table = docs.table.take(pa.array(np.asarray(rows, np.int64)))
        batch = Documents(table).with_texts(list(texts))
        batch = batch.with_columns(
            {
                "id": pa.array(ids, pa.string()),
                "parent_id": pa.array([docs.ids[row] for row in rows], pa.string()),
                "augmentation": pa.array(made, AUGMENTATION),
            }
        )
        return docs.followed_by(batch)

    def alter(self, text: str, op: Op, rng: random.Random, language: str | None = None) -> tuple[str, int]:
        """The text after one operation and the number of edits; the text itself and 0 where nothing safe was found."""
        language = language or guess_language(text)
        if language not in ("zh", "en"):
            return text, 0
        terms = domain_terms(self.terms)
        gate = self._gate()
        spans: list[Span] = []
        if op == "recombine":
            altered, edits = recombine(text, rng)
        else:
            spans = protected_spans(text, terms)  # 1.5 MB/s: the cost of this step
            mask = protected_mask(text, spans=spans)
            if op == "synonym":
                table = synonym_table(self.synonyms)
                avoid = _governed(text, spans)
                altered, edits = swap_synonyms(text, mask, rng, self.synonym_rate, table, language, avoid, gate)
            elif op == "entity":
                groups = entity_groups(self.entities) if self.entities is not None else ()
                altered, edits = swap_entities(text, mask, rng, groups)
            else:
                make = noise_zh if language == "zh" else noise_en
                altered, edits = make(text, mask, rng, self.noise_rate)
        if not edits or (gate is not None and not gate.passes(text, altered, 2 if op == "noise" else 1)):
            return text, 0
        before = protected_runs(text, terms, spans or None)
        after = protected_runs(altered, terms)
        # What recombination moves keeps its words, but not its place.
        same = Counter(before) == Counter(after) if op == "recombine" else before == after
        return (altered, edits) if same else (text, 0)


Synonyms = dict[str, tuple[str, ...]]


@lru_cache(maxsize=4)
def synonym_table(extra: str | None = None) -> Synonyms:
    """For each word, the others of its group; a user's groups are added. Raises InputError if the file is unreadable."""
    lines: list[str] = []
    for name in ("synonyms_zh.txt", "synonyms_en.txt"):
        lines += (files(__package__.rpartition(".")[0]) / "data" / name).read_text("utf-8").splitlines()
    if extra is not None:
        try:
            lines += Path(extra).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the synonym file {extra} cannot be read ({error}); give a UTF-8 text file") from error
    table: Synonyms = {}
    for line in lines:
        group = line.split() if not line.startswith("#") else []
        for word in group:
            table[word] = (*table.get(word, ()), *(w for w in group if w != word))
    return table


def _governed(text: str, spans: Sequence[Span]) -> frozenset[int]:
    """Characters just after a negation or modal: what it governs keeps its words too (不经常, not completely)."""
    near: set[int] = set()
    for span in spans:
        if span.kind in ("negation", "modality"):
            reach = 2 if text[span.end - 1] > "\u2e7f" else 14
            near.update(range(span.end, span.end + reach))
    return frozenset(near)


def swap_synonyms(
    text: str,
    mask: bytearray,
    rng: random.Random,
    rate: float,
    table: Synonyms,
    language: str,
    avoid: frozenset[int],
    gate: Gate | None = None,
) -> tuple[str, int]:
    """Swaps `rate` of the words that have a synonym and no protected character; with a gate, only where it fits."""
    words = _zh_words(text) if language == "zh" else [(m.start(), m[0]) for m in _EN_WORD.finditer(text)]
    places = [
        (at, word)
        for at, word in words
        if word in table and not any(mask[at : at + len(word)]) and at not in avoid and at - 1 not in avoid
    ]
    if not places:
        return text, 0
    chosen = sorted(rng.sample(places, max(1, round(rate * len(places)))))
    pieces: list[str] = []
    end = edits = 0
    for at, word in chosen:
        options = table[word]
        if language == "en" and re.search(r"(?<![A-Za-z])[Aa]n?\s\Z", text[max(0, at - 4) : at]):
            options = tuple(o for o in options if (o[0] in "aeiou") == (word[0] in "aeiou"))
        new = rng.choice(options) if options else None
        if new is not None and (gate is None or gate.fits(text, at, word, new)):
            pieces += (text[end:at], new)
            end = at + len(word)
            edits += 1
    return "".join(pieces) + text[end:], edits


_EN_WORD = re.compile(r"(?<![A-Za-z'’\-])[a-z]{3,}(?![A-Za-z'’\-])")


def _zh_words(text: str) -> list[tuple[int, str]]:
    from ..text.zh_words import cut_text

    words: list[tuple[int, str]] = []
    at = 0
    for word in cut_text(text):
        words.append((at, word))
        at += len(word)
    return words


# A sentence may move only if it leans on nothing before it, and so may the one after it.
_LEANS = re.compile(
    r"\s*(?:但|可是|然而|不过|因此|因而|所以|于是|从而|故|而|并|且|或|则|又|也|还|再|同时|另外|此外|其|该|这|那|此|彼|它|他|她|上述|前述|以上|"
    r"以下|如上|首先|其次|然后|接着|随后|最后|最终|后来|之后|总之|综上|例如|比如|即|反之|否则|如果|若|除|由此|对此|为此|与此|据此|结果|"
    r"(?:however|but|and|so|then|thus|therefore|hence|moreover|furthermore|also|besides|first|second|third|next|"
    r"finally|later|afterwards?|meanwhile|otherwise|instead|for example|for instance|this|that|these|those|it|its|he|"
    r"she|they|his|her|their|him|them|such|both|another|other|others|the former|the latter|in addition|as a result|"
    r"on the other hand|similarly|likewise|consequently|nevertheless|nonetheless|yet|still|or|nor|again|here|there|"
    r"we|i|you|who|which|what|why|how|when|where|yes|no)(?![A-Za-z])|[（(]?[0-9一二三四五六七八九十①-⑳]+[)）.、．]|[-*•·])",
    re.I,
)
# What tells a story, or counts steps, has its order: no sentence of such a paragraph moves.
_ORDERED = re.compile(
    r"第[一二三四五六七八九十百0-9]+[条條章节款项步]|(?:step|article|section)\s[0-9]|[：:]\s*\Z|[“”\"「」]|(?:19|20)[0-9]{2}|[0-9]月[0-9]|[0-9]日|"
    r"被告|原告|上诉人|申请人|经鉴定|案发|同日|当日|当天|次日|当晚|早上|上午|中午|下午|傍晚|晚上|凌晨|于是|要点|[0-9一二三四五六七八九十]点|？|(?<![a-z])(?:ago|yesterday|today|tomorrow|later|weeks?|months?)(?![a-z])",
    re.I,
)
# Words that point back, anywhere in an English sentence or early in a Chinese one.
_POINTS = re.compile(
    r"(?<![A-Za-z])(?:it|its|they|them|their|this|these|those|he|she|him|his|her|such|former|latter|same|other|others|both|also|however|too)(?![A-Za-z])|"
    r"\A[^。]{0,14}?[其该此他她它这那您你我]|后，|时，",
    re.I,
)
_SENTENCE = re.compile(r"[^。！？!?\n]+?(?:[。！？]+|[!?]+(?=\s|\Z)|\.(?=\s+[A-Z]|\s*\Z))\s*")

# A point behind these ends no sentence: Mr., U.S., a patient's initial.
_ABBREVIATED = re.compile(
    r"(?:^|[^A-Za-z.])(?:(?:[A-Za-z]\.)*[A-Za-z]|Mr|Mrs|Ms|Messrs|Dr|Prof|Rev|Hon|Gen|Col|Capt|Lt|Sgt|Sen|Rep|Gov|Pres|Jr|Sr|St|Mt|"
    r"No|Nos|Art|Sec|Fig|Figs|Eq|Ch|Vol|pp|Inc|Ltd|Co|Corp|Bros|Dept|Univ|vs|cf|etc|al|approx|ca|ed|eds)\.\s*\Z"
)


def _sentences(line: str) -> list[str]:
    """The sentences of a line, blanks behind them included; none where a bracket is open from one to the next."""
    pieces: list[str] = []
    for piece in _SENTENCE.findall(line):
        if pieces and _ABBREVIATED.search(pieces[-1]):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    if any(p.count(left) != p.count(right) for p in pieces for left, right in ("()", "（）", "[]", "《》")):
        return []
    return pieces


def recombine(text: str, rng: random.Random) -> tuple[str, int]:
    """Reorders, inside each paragraph, runs of sentences that stand alone; the first sentence keeps its place."""
    lines = text.split("\n")
    edits = 0
    for n, line in enumerate(lines):
        pieces = _sentences(line)
        if len(pieces) < 3 or "".join(pieces) != line or _ORDERED.search(line):
            continue
        free = [i > 0 and not _LEANS.match(p) and not _POINTS.search(p) for i, p in enumerate(pieces)]
        i = 1
        while i < len(pieces):
            end = i
            while end < len(pieces) and free[end]:
                end += 1
            # The last of a run stays if what follows leans on it.
            stop = end if end == len(pieces) else end - 1
            if stop - i >= 2:
                edits += _shuffle(pieces, i, stop, rng)
            i = max(end, i) + 1
        lines[n] = "".join(pieces)
    return "\n".join(lines), edits


def _shuffle(pieces: list[str], start: int, stop: int, rng: random.Random) -> int:
    """Puts another order on pieces[start:stop]; the blanks between them stay in place. The number that moved."""
    old = pieces[start:stop]
    bodies = [p.rstrip(" \t") for p in old]
    blanks = [p[len(b) :] for p, b in zip(old, bodies, strict=True)]
    order = list(range(len(old)))
    rng.shuffle(order)
    if order == sorted(order):
        order = [*order[1:], order[0]]
    pieces[start:stop] = [bodies[j] + blank for j, blank in zip(order, blanks, strict=True)]
    return sum(a != b for a, b in zip(old, pieces[start:stop], strict=True))


_KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@lru_cache(maxsize=1)
def _neighbours() -> dict[str, str]:
    """For each letter, those beside it in its row of an English keyboard and nearest to it in the rows around."""
    near: dict[str, str] = {}
    for r, row in enumerate(_KEY_ROWS):
        for i, letter in enumerate(row):
            beside = row[max(0, i - 1) : i] + row[i + 1 : i + 2]
            above = _KEY_ROWS[r - 1][i : i + 2] if r else ""
            below = _KEY_ROWS[r + 1][max(0, i - 1) : i + 1] if r + 1 < len(_KEY_ROWS) else ""
            near[letter] = beside + above + below
    return near


_OCR = (("rn", "m"), ("cl", "d"), ("vv", "w"), ("li", "h"), ("e", "c"), ("h", "b"), ("n", "ri"))
_NOISY_WORD = re.compile(r"(?<![A-Za-z0-9'’\-])[a-z]{4,}(?![A-Za-z0-9'’\-])")


def noise_en(text: str, mask: bytearray, rng: random.Random, rate: float) -> tuple[str, int]:
    """Typing and OCR errors in lower-case words of four letters or more, never in the first letter."""
    places = [m for m in _NOISY_WORD.finditer(text) if not any(mask[m.start() : m.end()])]
    return _disturb(text, [(m.start(), m[0]) for m in places], rng, rate, _noisy_word)


def _noisy_word(word: str, rng: random.Random) -> str:
    kind = rng.randrange(3)
    if kind == 0:
        i = rng.randrange(1, len(word))
        return word[:i] + rng.choice(_neighbours()[word[i]]) + word[i + 1 :]
    if kind == 1:
        fits = [(a, b) for a, b in _OCR if a in word[1:]]
        if fits:
            a, b = rng.choice(fits)
            return word[0] + word[1:].replace(a, b, 1)
    return one_edit(word, rng)


def noise_zh(text: str, mask: bytearray, rng: random.Random, rate: float) -> tuple[str, int]:
    """Characters of the same sound or a like shape, as pinyin input and OCR put them; no negation, no numeral."""
    table = _noise_table()
    places = [(i, c) for i, c in enumerate(text) if c in table and c != "某" and not mask[i]]
    return _disturb(text, places, rng, rate, lambda char, r: r.choice(table[char]))


@lru_cache(maxsize=1)
def _noise_table() -> dict[str, str]:
    table: dict[str, str] = {c: others for c, others in sounds().items() if c not in NEVER}
    for group in shape_groups():
        for char in group:
            # Look-alikes twice: sound groups are long, and a look-alike would hardly ever be drawn.
            table[char] = table.get(char, "") + group.replace(char, "") * 2
    kept = {c: "".join(o for o in others if o not in NEVER) for c, others in table.items() if c not in NEVER}
    return {c: others for c, others in kept.items() if others}


def _disturb(
    text: str,
    places: list[tuple[int, str]],
    rng: random.Random,
    rate: float,
    change: Callable[[str, random.Random], str],
) -> tuple[str, int]:
    if not places:
        return text, 0
    pieces: list[str] = []
    end = edits = 0
    for at, word in sorted(rng.sample(places, max(1, round(rate * len(places))))):
        new = change(word, rng)
        if new != word:
            pieces += (text[end:at], new)
            end = at + len(word)
            edits += 1
    return "".join(pieces) + text[end:], edits

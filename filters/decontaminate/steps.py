"""Decontamination: documents that hold items of evaluation sets are dropped, tagged, or rid of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ...curate.documents import Documents
from ...curate.step import AtMost, Below, Filter, Rule, Step, Threshold, Transform

if TYPE_CHECKING:
    from ..text.overlap import Grams, OverlapIndex, Overlaps


def _as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: [paths] if isinstance(paths, str) else paths for name, paths in value.items()}
    return value


def _check_sets(value: dict[str, list[str]]) -> dict[str, list[str]]:
    if not value:
        raise ValueError("name at least one evaluation set and its files, e.g. {ceval: eval/ceval.jsonl}")
    for name, paths in value.items():
        if not re.fullmatch(r"[\w.-]+", name):
            raise ValueError(f"{name!r} is no name for a set: use letters, digits, - _ and .")
        if not paths:
            raise ValueError(f"set {name} has no files; give a path or a list of them")
    return value


Sets = Annotated[dict[str, list[str]], BeforeValidator(_as_lists), AfterValidator(_check_sets)]


class AgainstSets(Step):
    """What the two steps share: the evaluation sets, and what counts as the same text.

    Texts are compared without case, width, accents, punctuation and white space. Numbers and single letters are
    compared but do not count towards a length. What an item holds in fields that are too short each (a question and its
    options) is looked for in the order of its fields too.
    """

    sets: Sets
    """Evaluation sets by name, each a path or a list of paths: files, folders, globs, any fsspec URL, in any format that
    a run reads. Every string in a record counts, in lists and objects too; a paragraph of plain text is an item."""
    fields: list[str] | None = None
    """Only these fields of the records; all by default. Leave out answers that the corpus is meant to teach: the text of
    a statute that a law exam asks for."""
    words: Annotated[int, Field(ge=4, le=64)] = 13
    """Words in an n-gram, where words are spaced."""
    chars: Annotated[int, Field(ge=4, le=64)] = 12
    """Characters in an n-gram, where they are not (Chinese, Japanese, Thai ...)."""
    min_words: Annotated[int, Field(ge=4, le=64)] = 8
    """A text of fewer words than an n-gram is looked for as a whole if it has this many."""
    min_chars: Annotated[int, Field(ge=4, le=64)] = 10
    """The same, in characters."""
    overlap_words: Annotated[int, Field(ge=1)] = 13
    """A document shares an item when it shares the whole of a text of it, or this many words of it in all."""
    overlap_chars: Annotated[int, Field(ge=1)] = 20
    """The same, in characters: a question of 23 characters is not leaked by a page that names 中华人民共和国治安管理处罚法
    as it does."""
    max_items: Annotated[int, Field(ge=1)] = 10
    """An n-gram that stands in more different texts of a set than this is the set's wording and no item's."""

    @model_validator(mode="after")
    def _check_lengths(self) -> AgainstSets:
        for least, most in (("min_words", "words"), ("min_chars", "chars")):
            if getattr(self, least) > getattr(self, most):
                raise ValueError(
                    f"{least} is {getattr(self, least)} and {most} {getattr(self, most)}: {least} is the shorter one"
                )
        return self

    def prepare(self) -> None:
        self._index(fresh=True)

    def fingerprint(self) -> dict[str, Any]:
        """As for every step, and what the evaluation files hold."""
        from .items import digests

        found = super().fingerprint()
        found["content"]["sets"] = digests(self.sets)
        return found

    def grams(self) -> Grams:
        """The lengths that the options give."""
        from ..text.overlap import Grams

        return Grams(
            self.words,
            self.chars,
            self.min_words,
            self.min_chars,
            self.overlap_words,
            self.overlap_chars,
            self.max_items,
        )

    def _index(self, fresh: bool = False) -> OverlapIndex:
        """The index of the sets, made once in a process; `fresh` makes sure that it is of the files as they are."""
        from .items import build_index, digests

        grams = self.grams()
        key = repr((self.sets, self.fields, grams))
        if fresh or key not in _indexes:
            stamp = digests(self.sets)
            if key not in _indexes or _indexes[key][0] != stamp:
                _indexes[key] = (stamp, build_index(self.sets, self.fields, grams))
        return _indexes[key][1]

    def _overlaps(self, docs: Documents) -> tuple[OverlapIndex, Overlaps]:
        from ..text.overlap import find_overlaps
        from ..text.words import buffers_of

        index = self._index()
        return index, docs.memo(f"overlaps/{id(index)}", lambda: find_overlaps(buffers_of(docs), index))


_indexes: dict[str, tuple[dict[str, list[str]], OverlapIndex]] = {}


class Decontaminate(AgainstSets, Filter):
    """Drops documents that hold an item of an evaluation set, or only says so.

    A document is dropped for the share of one item that it holds, whatever its own length: half a question is a leak in
    a page of a thousand words too, and thirteen words that a page and a long item both quote are none. Every set has a
    rule of its own, `overlap:SET`, so the ledger and the report say how many documents each set cost. With every
    threshold off documents are only tagged, by the signals. `mask_contamination` cuts items out instead.
    """

    name: ClassVar[str] = "decontaminate"

    max_item_coverage: Annotated[Threshold, Below("item_coverage")] = 0.6
    """A document goes when it holds this share or more of the words or characters of a text of an item, in n-grams."""
    max_contaminated_ngrams: Annotated[Threshold, AtMost("contaminated_ngrams")] = None
    """Most different n-grams of all items together that a document may hold; 0 is GPT-3's rule (Brown et al. 2020,
    appendix C: any collision), for sets without long texts from public sources."""
    max_contaminated_ratio: Annotated[Threshold, AtMost("contaminated_ratio")] = None
    """Largest share of a document's words or characters in such n-grams."""

    @property
    def signal_names(self) -> tuple[str, ...]:
        return (*super().signal_names, "contaminated_item", *map(_signal, self.sets))

    def rules(self) -> list[Rule]:
        found = []
        for rule in super().rules():
            if rule.name == "max_item_coverage":
                found += [Rule(f"overlap:{s}", _signal(s), rule.comparison, rule.threshold) for s in self.sets]
            else:
                found.append(rule)
        return found

    def reason(self, docs: Documents, row: int, rule: Rule) -> str:
        if ":" in rule.name:
            return rule.name
        index, found = self._overlaps(docs)
        mine = np.flatnonzero(found.rows == row)
        best = mine[np.argmax(found.coverage[mine])]
        return f"{rule.name}:{list(self.sets)[index.sets[found.passages[best]]]}"

    def measure(self, docs: Documents) -> Documents:
        index, found = self._overlaps(docs)
        n = len(docs)
        by_set = np.zeros((len(self.sets), n))
        enough = found.enough
        np.maximum.at(by_set, (index.sets[found.passages[enough]], found.rows[enough]), found.coverage[enough])
        item = np.full(n, np.nan)
        # By rising coverage, those of enough last, and of equals the first passage: the last one written stays.
        order = np.lexsort((-found.passages, found.coverage, enough))
        item[found.rows[order]] = index.items[found.passages[order]]
        return docs.with_signals(
            {
                "item_coverage": by_set.max(axis=0),
                "contaminated_ngrams": found.distinct(),
                "contaminated_ratio": found.ratio(),
                "contaminated_item": item,
                **{_signal(s): np.where(row > 0, row, np.nan) for s, row in zip(self.sets, by_set, strict=True)},
            }
        )


class MaskContamination(AgainstSets, Transform):
    """Cuts the items of evaluation sets out of documents, sentence by sentence; the rest of a document stays.

    What is cut is recorded as removed by `overlap:SET`. A cut goes from the start of the sentence or line in which the
    overlap begins to the end of that in which it ends, or to the nearest words where there is none within 300
    characters. A document may end up empty.
    """

    name: ClassVar[str] = "mask_contamination"

    max_item_coverage: Threshold = 0.6
    """An item is cut out where a document holds this share or more of the words or characters of a text of it, in
    n-grams; null cuts every overlap."""

    signal_names: ClassVar[tuple[str, ...]] = ("masked_pieces", "masked_ratio")

    def transform(self, docs: Documents) -> Documents:
        from ..lines import for_each_document
        from .mask import cut_spans, spans_to_cut

        index, found = self._overlaps(docs)
        bounds = for_each_document(self.max_item_coverage, docs)
        spans = spans_to_cut(docs, index, found, bounds)
        return cut_spans(docs, spans, self.name, [f"overlap:{s}" for s in self.sets])


def _signal(name: str) -> str:
    return f"item_coverage_{name}"

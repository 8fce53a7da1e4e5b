"""Versions of one law: related by title, told apart by date, never duplicates of one another."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash

from ...curate.documents import Documents
from ...curate.step import DECISION_SCHEMA, AtLeast, Filter, Global, Threshold
from ...filters.dedup import MinHashDedup
from .numbers import number
from .structure import outline


class Version(NamedTuple):
    """Which law a text is, and of when."""

    law: str
    """The title without 中华人民共和国, white space and what tells versions apart: （2018年修正）."""
    date: datetime.date | None
    """The latest day in the head of the text on which it was passed, revised or published."""


_TITLE_END = re.compile(
    r"(?:法|法典|条例|條例|办法|辦法|规定|規定|规则|規則|细则|細則|解释|解釋|规程|准则|决定|通则|章程|规范)(?:（试行）|（[一二三四五六七八九十]{1,3}）)?$"
)
_VERSION_MARK = re.compile(r"[（(][^（）()]*(?:修正|修订|修訂|修改|\d{4}|[〇零一二三四五六七八九]{4}年)[^（）()]*[）)]")
_DATE = re.compile(
    r"(?P<y>(?:1[89]|20)\d{2}|[一二][〇○零九][〇○零一二三四五六七八九]{2})\s?[年./-]\s?(?P<m>\d{1,2}|[一二三四五六七八九十]{1,2})\s?[月./-]\s?"
    r"(?P<d>\d{1,2}|[一二三四五六七八九十]{1,3})\s?日?(?P<after>[^\n\d]{0,12})"
)
_HEAD = 3000


def version_of(text: str) -> Version | None:
    """The law that a text is a version of; None if it is no statute from its first article on."""
    first = next((line for line in text[:_HEAD].splitlines() if line.strip(" \t\u3000#*")), "")
    title = re.sub(r"\s", "", _VERSION_MARK.sub("", first.strip(" \t\u3000#*《》")))
    title = title.removeprefix("中华人民共和国")
    if not 2 <= len(title) <= 80 or not _TITLE_END.search(title):
        return None
    articles = [u for u in outline(text[: 4 * _HEAD]) if u.level == "article"]
    if not articles or articles[0].number != 1:
        return None
    return Version(title, _date(text[: min(articles[0].start, _HEAD)]))


def _date(head: str) -> datetime.date | None:
    found = []
    for match in _DATE.finditer(head):
        try:
            day = datetime.date(number(match["y"]), number(match["m"]), number(match["d"]))
        except ValueError:
            continue
        # The day that it takes force lies after the day that it was passed: counted only where no other is given.
        found.append(("施行" not in match["after"] and "生效" not in match["after"], day))
    return max(found)[1] if found else None


def decimal_year(day: datetime.date) -> float:
    """2023-07-01 as 2023.4959: a signal is a float32, which keeps the day of a date in this form alone."""
    start = datetime.date(day.year, 1, 1)
    return day.year + (day - start).days / (datetime.date(day.year + 1, 1, 1) - start).days


def _versions(docs: Documents) -> list[Version | None]:
    return docs.memo(
        "law_versions", lambda: [version_of(t) if (t and "条" in t) or "條" in (t or "") else None for t in docs.texts]
    )


class LawVersion(Filter):
    """Measures which law a Chinese statute is a version of, and of when, so that versions can be told and related."""

    name: ClassVar[str] = "law_version"

    min_law_date: Annotated[Threshold, AtLeast("law_date")] = None
    """Earliest version to keep, as a decimal year (2015.5 is July 2015). Texts that are no dated statute pass."""

    @property
    def signal_names(self) -> tuple[str, ...]:
        return ("law_date", "law_group")

    def measure(self, docs: Documents) -> Documents:
        """`law_date`: the day of the version as a decimal year; `law_group`: a number that the versions of one law share
        (24 bits of a hash of its title: what a float32 keeps)."""
        found = _versions(docs)
        dates = [decimal_year(v.date) if v and v.date else np.nan for v in found]
        groups = [xxhash.xxh3_64_intdigest(v.law.encode()) & 0xFFFFFF if v else np.nan for v in found]
        return docs.with_signals({"law_date": dates, "law_group": groups})


class LawVersions(Global):
    """Relates the versions of a law: keeps the latest, or all of them.

    The ledger names, for each older version, the id of the one that is kept. With `keep: all` drop near-duplicates by
    `law_minhash_dedup`: to other steps two versions of a law are alike. A statute is known by its title, its first article
    and a day in its head; others, undated ones among them, are left alone.
    """

    name: ClassVar[str] = "law_versions"

    keep: Literal["latest", "all"] = "latest"
    """`latest` drops versions that are older than another one in the corpus; `all` keeps every one."""

    def sketch(self, docs: Documents) -> pa.Table:
        found = _versions(docs)
        return pa.table(
            {
                "law": pa.array([v.law if v and v.date else None for v in found], pa.string()),
                "day": pa.array([v.date.toordinal() if v and v.date else None for v in found], pa.int32()),
                "year": pa.array([decimal_year(v.date) if v and v.date else None for v in found], pa.float64()),
            }
        )

    def decide(self, sketches: pl.DataFrame) -> pl.DataFrame:
        if self.keep == "all":
            return pl.DataFrame(schema=DECISION_SCHEMA)
        dated = sketches.with_row_index("row").filter(pl.col("law").is_not_null())
        # Of two texts of one day the longer is kept in place of the older ones, then the smaller id.
        latest = (
            dated.sort(["day", "length", "id"], descending=[True, True, False])
            .group_by("law", maintain_order=True)
            .agg(
                pl.col("row").first().alias("kept_row"),
                pl.col("day").first().alias("last"),
                pl.col("year").first().alias("threshold"),
            )
        )
        older = dated.join(latest, on="law").filter(pl.col("day") < pl.col("last")).sort("row")
        return older.select(
            row=pl.col("row").cast(pl.Int64),
            rule=pl.lit("older_version"),
            value=pl.col("year"),
            threshold=pl.col("threshold"),
            kept_row=pl.col("kept_row").cast(pl.Int64),
        ).cast(pl.Schema(DECISION_SCHEMA))


class LawMinHashDedup(MinHashDedup):
    """`minhash_dedup` to which versions of a law of different days are never near-duplicates, however alike they are.

    A dated version's signature is set apart by its day, so it is compared with copies of the same day only. All else, and
    undated copies among themselves, is compared as ever. Signatures kept by this step fit runs of this step alone.
    """

    name: ClassVar[str] = "law_minhash_dedup"

    def sketch(self, docs: Documents) -> pa.Table:
        table = super().sketch(docs)
        marks = [
            xxhash.xxh3_64_intdigest(v.date.isoformat().encode()) & 0xFFFF | 1 if v and v.date else 0
            for v in _versions(docs)
        ]
        at = table.schema.get_field_index("minhash")
        column = table.column(at).combine_chunks()
        slots = column.flatten().to_numpy().reshape(len(docs), -1) ^ np.array(marks, np.uint16)[:, None]
        apart = pa.FixedSizeListArray.from_arrays(
            pa.array(slots.reshape(-1)), slots.shape[1] if len(docs) else self.num_slots
        )
        return table.set_column(at, "minhash", apart)

    def signature_options(self) -> dict[str, Any]:
        return {**super().signature_options(), "law_versions": 1}

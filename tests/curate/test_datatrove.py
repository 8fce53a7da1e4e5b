"""datatrove both ways: its filters and formatters as our steps, our steps in its pipelines, and the same decisions."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from corpusmill.curate.datatrove import DatatroveFilter, DatatroveFormatter, as_datatrove, to_datatrove
from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError, RecipeError
from corpusmill.curate.pipeline import Pipeline
from corpusmill.curate.recipe import load_recipe
from corpusmill.filters import Augment, ExactDedup, FixFormat, GopherQuality, Language

pytest.importorskip("datatrove")

from datatrove.data import Document, Media
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import C4ParagraphFilter, C4QualityFilter, LambdaFilter, RegexFilter, SamplerFilter
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.formatters import SymbolLinesFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.logging import logger

PARAGRAPHS = "datatrove.pipeline.filters:C4ParagraphFilter"
LINES = "datatrove.pipeline.filters:C4QualityFilter"

TEXTS = [
    "他说：“今天天气很好。”大家都同意，于是一起去公园散步，直到傍晚才回家。",
    "点击这里领取大奖 加微信 免费",
    "We walked along the river until the evening, and then we went home by train.",
    "CLICK HERE to win a prize",
    "短。",
    "Short.",
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """datatrove logs to standard error and to files of its own."""
    logger.disable("datatrove")
    yield
    logger.enable("datatrove")


class Reasons(BaseFilter):
    """Gives reasons, answers in batches, leaves numbers behind."""

    name = "reasons"

    def __init__(self, least: int = 10) -> None:
        super().__init__(batch_size=4)
        self.least = least
        self.sizes: list[int] = []

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        doc.metadata["length"] = len(doc.text)
        if re.search("微信|prize", doc.text):
            return False, "advertising"
        return len(doc.text) >= self.least or (False, "too_short")

    def filter_batch(self, batch: list[Document]) -> list[bool | tuple[bool, str]]:
        self.sizes.append(len(batch))
        return [self.filter(doc) for doc in batch]


def in_datatrove(block: Any, texts: list[str]) -> dict[str, str]:
    """id -> text of what datatrove itself keeps."""
    return {d.id: d.text for d in block.run(Document(text=t, id=str(i)) for i, t in enumerate(texts))}


def test_reasons_are_the_rules_of_the_ledger() -> None:
    block = Reasons()
    step = DatatroveFilter(filter=block, signals=["length"])
    applied = Pipeline([step]).apply(pa.table({"id": list("abcdef"), "text": TEXTS}))
    assert applied.kept["id"].to_pylist() == ["a", "c"]
    rows = {r["id"]: (r["step"], r["rule"], r["signal"], r["value"]) for r in applied.ledger.to_pylist()}
    assert rows["b"] == rows["d"] == ("datatrove_filter", "advertising", "reasons_kept", 0)
    assert rows["e"] == rows["f"] == ("datatrove_filter", "too_short", "reasons_kept", 0)
    assert applied.kept["signals"].to_pylist() == [
        {"reasons_kept": 1, "length": len(TEXTS[0])},
        {"reasons_kept": 1, "length": len(TEXTS[2])},
    ]
    assert block.sizes == [4, 2]


@pytest.mark.parametrize("make", [C4ParagraphFilter, Reasons, lambda: RegexFilter("微信|prize")])
def test_parity_with_datatrove_itself(make: Any, texts: list[str]) -> None:
    every = [*TEXTS, *texts, *(t * 8 for t in TEXTS), *("\n".join([t * 5] * 4) for t in TEXTS)]
    theirs = in_datatrove(make(), every)
    ours = Pipeline([DatatroveFilter(filter=make())]).apply(
        pa.table({"id": [*map(str, range(len(every)))], "text": every})
    )
    assert ours.kept["id"].to_pylist() == list(theirs)
    assert 0 < len(theirs) < len(every)


def test_parity_on_real_pages(shared_data: Path) -> None:
    pages: list[str] = []
    for name in ("quality_labelled", "zh_web_raw"):
        with gzip.open(shared_data / "web" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            pages += [json.loads(line)["text"] for line in file]
    theirs = in_datatrove(C4ParagraphFilter(), pages)
    step = DatatroveFilter(filter=PARAGRAPHS)
    ours = Pipeline([step]).apply(pa.table({"id": [*map(str, range(len(pages)))], "text": pages}))
    assert ours.kept["id"].to_pylist() == list(theirs)


@pytest.mark.parametrize(("name", "language"), [("GopherQualityFilter", "eng"), ("GopherRepetitionFilter", "zho")])
def test_parity_of_filters_that_cut_words(name: str, language: str, texts: list[str]) -> None:
    pytest.importorskip("spacy" if language == "eng" else "jieba")
    import datatrove.pipeline.filters as theirs

    kept = in_datatrove(getattr(theirs, name)(language=language), texts)
    step = DatatroveFilter(filter=f"datatrove.pipeline.filters:{name}", options={"language": language})
    ours = Pipeline([step]).apply(pa.table({"id": [*map(str, range(len(texts)))], "text": texts}))
    assert ours.kept["id"].to_pylist() == list(kept)


def test_metadata_and_media_reach_the_filter() -> None:
    table = pa.table(
        {
            "id": ["a", "b"],
            "text": ["文本", "text"],
            "source": ["s.jsonl", None],
            "url": ["https://example.org/1", "https://example.org/2"],
            "media": [[{"id": "m", "type": 0, "url": "u"}], []],
            "language": ["zh", "en"],
        }
    )
    seen: list[Document] = []

    def look(doc: Document) -> bool:
        seen.append(doc)
        return bool(doc.metadata["url"].endswith("1"))

    applied = Pipeline([DatatroveFilter(filter=LambdaFilter(look))]).apply(table)
    assert applied.kept["id"].to_pylist() == ["a"]
    assert applied.kept["media"].to_pylist() == [[{"id": "m", "type": 0, "url": "u"}]]
    assert seen[0].metadata == {"url": "https://example.org/1", "source": "s.jsonl", "language": "zh"}
    assert seen[0].media == [Media(id="m", type=0, url="u")]
    assert seen[1].metadata["language"] == "en"
    fields = pa.array(['{"url": "x1", "n": 3}'], pa.large_string())
    docs = Documents.from_texts(["文本"]).with_columns({"metadata": fields})
    assert to_datatrove(docs)[0].metadata == {"url": "x1", "n": 3}  # as in a run on disk


def test_languages_that_a_filter_finds_are_ours_afterwards() -> None:
    def label(doc: Document) -> bool:
        doc.metadata |= {
            "language": "zho" if "的" in doc.text else "eng",
            "language_script": "Hans",
            "language_score": 0.5,
        }
        return True

    found = DatatroveFilter(filter=LambdaFilter(label)).measure(Documents.from_texts(["我的书", "my book"]))
    assert found.languages == ["zh", "en"]
    assert found.table["language_score"].to_pylist() == [0.5, 0.5]


def test_a_run_on_disk_from_a_recipe(tmp_path: Path) -> None:
    rows = [{"id": str(i), "text": t * 4, "n": i} for i, t in enumerate(TEXTS)]
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(
        f"""inputs: [{tmp_path}/in.jsonl]
output: {tmp_path}/corpus
steps:
  - datatrove_formatter: {{formatter: "datatrove.pipeline.formatters:SymbolLinesFormatter"}}
  - datatrove_filter:
      filter: "datatrove.pipeline.filters:RegexFilter"
      options: {{regex_exp: "微信|prize"}}
  - datatrove_filter: {{filter: "{LINES}", options: {{min_num_sentences: -1, min_words_per_line: -1, filter_no_terminal_punct: false}}}}
""",
        encoding="utf-8",
    )
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.output is not None
    result = recipe.pipeline.run(recipe.inputs, recipe.output, workers=1, quiet=True)
    assert result.counts["dropped"] == 2
    import polars as pl

    ledger = pl.read_parquet(f"{recipe.output}/ledger/*.parquet")
    assert sorted(ledger["id"]) == ["1", "3"]
    assert set(ledger["rule"]) == {"dropped"}
    assert set(ledger["signal"]) == {"regex_filter_kept"}


def test_formatters() -> None:
    texts = ["标题\n。。。\n正文", "Title\n***\nBody", "无"]
    theirs = [SymbolLinesFormatter().format(t) for t in texts]
    step = DatatroveFormatter(formatter="datatrove.pipeline.formatters:SymbolLinesFormatter")
    assert step.transform(Documents.from_texts(texts)).texts == theirs == ["标题\n正文", "Title\nBody", "无"]


def test_a_filter_that_edits_is_taken_in_two_steps(texts: list[str]) -> None:
    options = {"min_num_sentences": -1, "min_words_per_line": 2, "filter_curly_bracket": True}
    pages = [f"{t}\nHome > News\n首页 新闻\nIt has an end mark." for t in texts[:20]] + [
        "A line with { in it.",
        "一 行 { 字.",
    ]
    theirs = in_datatrove(C4QualityFilter(**options), pages)
    table = pa.table({"id": [*map(str, range(len(pages)))], "text": pages})
    alone = Pipeline([DatatroveFilter(filter=LINES, options=options)]).apply(table)
    assert "put a datatrove_formatter" in alone.quarantine["error"][0].as_py()
    both = [DatatroveFormatter(formatter=LINES, options=options), DatatroveFilter(filter=LINES, options=options)]
    applied = Pipeline(both).apply(table)
    ours = dict(zip(applied.kept["id"].to_pylist(), applied.kept["text"].to_pylist(), strict=True))
    assert ours == theirs
    assert applied.ledger["id"].to_pylist() == ["20", "21"]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="no import path; say module:Class"):
        DatatroveFilter(filter="GopherQualityFilter")
    with pytest.raises(ValueError, match="neither an import path"):
        DatatroveFilter(filter=3)
    with pytest.raises(RecipeError, match="cannot be imported"):
        DatatroveFilter(filter="datatrove.pipeline.filters:NoSuchFilter").prepare()
    with pytest.raises(RecipeError, match="cannot be made with options"):
        DatatroveFilter(filter=PARAGRAPHS, options={"wrong": 1}).prepare()
    with pytest.raises(RecipeError, match="draws by lot"):
        DatatroveFilter(filter=SamplerFilter(0.5)).prepare()
    with pytest.raises(RecipeError, match="not a datatrove filter"):
        DatatroveFilter(filter=SymbolLinesFormatter()).prepare()
    with pytest.raises(RecipeError, match="exact_dedup needs the whole corpus"):
        as_datatrove(Pipeline([FixFormat(), ExactDedup()]))


def test_a_block_given_as_an_object_is_described_by_its_settings() -> None:
    described = DatatroveFilter(filter=Reasons(least=7)).fingerprint()
    assert described["filter"]["least"] == 7
    assert described == DatatroveFilter(filter=Reasons(least=7)).fingerprint()
    assert described != DatatroveFilter(filter=Reasons(least=8)).fingerprint()
    one, other = (DatatroveFilter(filter=LambdaFilter(f)).describe() for f in (lambda d: True, lambda d: False))
    assert one != other
    json.dumps(one)


def test_our_pipeline_inside_datatroves_executor(tmp_path: Path, texts: list[str]) -> None:
    rows = [{"id": f"d{i}", "text": f" {t}\u200b \r\n", "n": i} for i, t in enumerate([*texts[:60], *TEXTS])]
    (tmp_path / "in").mkdir()
    for part in range(2):
        lines = "\n".join(json.dumps(r, ensure_ascii=False) for r in rows[part::2])
        (tmp_path / "in" / f"{part}.jsonl").write_text(lines, encoding="utf-8")
    steps = [FixFormat(), Language(), GopherQuality(min_words={"default": 20, "zh": 20})]
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(tmp_path / "in")),
            as_datatrove(
                Pipeline(steps), exclusion_writer=JsonlWriter(str(tmp_path / "dropped"), compression=None), batch_size=7
            ),
            JsonlWriter(str(tmp_path / "kept"), compression=None),
        ],
        tasks=2,
        workers=1,
        logging_dir=str(tmp_path / "logs"),
    ).run()
    kept, dropped = (
        {
            r["id"]: r
            for p in sorted((tmp_path / name).glob("*.jsonl"))
            for r in map(json.loads, p.read_text(encoding="utf-8").splitlines())
        }
        for name in ("kept", "dropped")
    )
    ours = Pipeline(steps).apply(pa.table({k: [r[k] for r in rows] for k in ("id", "text", "n")}))
    assert {i: r["text"] for i, r in kept.items()} == dict(
        zip(ours.kept["id"].to_pylist(), ours.kept["text"].to_pylist(), strict=True)
    )
    reasons = {r["id"]: f"{r['step']}.{r['rule']}" for r in ours.ledger.to_pylist()}
    assert {i: r["metadata"]["filter_reason"] for i, r in dropped.items()} == reasons
    assert len(dropped) >= len(TEXTS)
    first = kept["d0"]["metadata"]
    assert (first["language"], first["language_script"], first["n"]) == ("zh", "Hans", 0)
    assert first["signals"]["words"] > 20
    assert list(kept) == [r["id"] for part in range(2) for r in rows[part::2] if r["id"] in kept]
    stats = json.loads((tmp_path / "logs" / "stats.json").read_text(encoding="utf-8"))
    counts = next(s["stats"] for s in stats if "fix_format" in s["name"])
    total = {name: v["total"] if isinstance(v, dict) else v for name, v in counts.items()}
    assert total["total"] == len(rows) == total["forwarded"] + total["dropped"]
    assert total["dropped_gopher_quality.min_words"] > 0


def test_a_document_that_raises_is_written_apart_and_children_follow_their_parents(
    tmp_path: Path, texts: list[str]
) -> None:
    class Fussy(BaseFilter):
        def filter(self, doc: Document) -> bool:
            if "boom" in doc.text:
                raise ValueError("no")
            return True

    apart = JsonlWriter(str(tmp_path), compression=None, output_filename="apart.jsonl")
    given = [Document(text=t, id=str(i), metadata={"n": i}) for i, t in enumerate([*texts[:3], "boom", texts[3]])]
    given[0].media = [Media(id="m", type=0, url="u")]
    step = as_datatrove([DatatroveFilter(filter=Fussy()), Augment(ops=["noise"])], exclusion_writer=apart)
    found = list(step.run(given))
    (line,) = (tmp_path / "apart.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["metadata"]["filter_reason"] == "datatrove_filter raised ValueError: no"
    assert [d.id for d in found if "parent_id" not in d.metadata] == ["0", "1", "2", "4"]
    assert found[0].media == given[0].media
    assert found[0].metadata["n"] == 0
    children = [d for d in found if "parent_id" in d.metadata]
    assert children
    assert all(d.metadata["augmentation"]["op"] and d.text != texts[0] for d in children)


def test_our_step_goes_to_other_processes() -> None:
    import dill

    step = dill.loads(dill.dumps(as_datatrove(FixFormat())))
    assert [d.text for d in step.run([Document(text="a\u200bb\r\n", id="1")])] == ["ab"]


def test_errors_of_a_filter_with_too_few_answers() -> None:
    class Short(Reasons):
        def filter_batch(self, batch: list[Document]) -> list[bool | tuple[bool, str]]:
            return []

    with pytest.raises(CorpusmillError, match="0 answers for 4 documents"):
        DatatroveFilter(filter=Short()).measure(Documents.from_texts(TEXTS))

"""Entity swap is consistent, the language model's gate holds, shipped terms stay."""

import random
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from corpusmill.curate.documents import Documents
from corpusmill.curate.errors import CorpusmillError, InputError
from corpusmill.filters.augment.entities import swap_entities
from corpusmill.filters.augment.gate import Gate
from corpusmill.filters.augment.steps import Augment
from corpusmill.filters.ngram_model import train_ngram
from corpusmill.filters.protect import domain_terms, protected_mask

ZH = "原告王建国与被告李芳系邻居。王建国称李芳欠款100元。李芳不认可。"
EN = "Mr. John Smith met Dr. Alice Barnes. Smith denied that Barnes owed $100. John Smith left."


def swap(text: str, seed: int, groups=()) -> tuple[str, int]:
    return swap_entities(text, protected_mask(text), random.Random(seed), groups)


def test_people_are_swapped_everywhere_and_alike() -> None:
    for seed in range(10):
        out, edits = swap(ZH, seed)
        found = re.fullmatch(r"原告(.{2,3})与被告(.{2,3})系邻居。\1称\2欠款100元。\2不认可。", out)
        assert edits == 5
        assert found
        assert not {found[1], found[2]} & {"王建国", "李芳"}
        assert found[1] != found[2]
        out, edits = swap(EN, seed)
        first, last = r"([A-Z][a-z]+)", r"([A-Z][a-z]+)"
        found = re.fullmatch(
            rf"Mr. {first} {last} met Dr. {first} {last}\. \2 denied that \4 owed \$100\. \1 \2 left\.", out
        )
        assert edits == 5
        assert found
        assert len({*found.groups(), "John", "Smith", "Alice", "Barnes"}) == 8


def test_masked_parties_keep_their_mask() -> None:
    text = "被告人陈某某伙同林某某盗窃。陈某某辩称不知情。"
    out, edits = swap(text, 1)
    assert edits == 3
    assert "陈某" not in out
    assert "林某" not in out
    assert out[3] == out[out.index("辩称") - 3] != out[8]
    alone = "陈某某将张某送回，张不从。"
    assert "张某" in swap(alone, 1)[0], "张 is also called by the surname alone"


def test_who_is_quoted_or_cited_keeps_the_name_everywhere() -> None:
    text = "患者王建国说：“王建国是我。”证人李芳在场。"
    out, edits = swap(text, 2)
    assert out.count("王建国") == 2
    assert edits == 1
    cited = "Mr. Smith relies on Smith v. Jones. Dr. Alice Barnes agrees."
    out, _ = swap(cited, 2)
    assert out.count("Smith") == 2
    assert "Barnes" not in out


def test_listed_entities(tmp_path: Path) -> None:
    file = tmp_path / "entities.txt"
    file.write_text("# firms\n华星公司 远图公司 长风公司\nAcme Corp\tZenith Ltd\n", "utf-8")
    step = Augment(ops=["entity"], share=1, entities=str(file))
    text = "华星公司与客户签约，华星公司发货。They paid Acme Corp in May, and Acme Corp shipped."
    out, edits = step.alter(text, "entity", random.Random(0), "zh")
    assert edits == 4
    assert "华星" not in out
    assert out.count("Zenith Ltd") == 2
    with pytest.raises(InputError, match="entity file"):
        Augment(entities=str(tmp_path / "none")).prepare()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("lm") / "m.npz"
    train_ngram(["孩子们突然跑了出去，朋友们非常高兴。", "The children were afraid and suddenly ran away. "] * 30, path)
    return str(path)


def test_the_gate_refuses_what_surprises_the_model(model: str) -> None:
    gate = Gate(model, 1.2)
    text = "孩子们突然跑了出去，朋友们非常高兴。"
    assert gate.ratio(text, text) == pytest.approx(1)
    assert gate.fits(text, 3, "突然", "突然")
    assert not gate.fits(text, 3, "突然", "龘靐")
    assert not gate.passes(text, text[::-1])
    assert gate.passes(text, text[::-1], slack=60)


def test_a_child_stays_within_the_bound(model: str) -> None:
    text = "孩子们突然跑了出去，朋友们非常高兴。" * 3
    free = {Augment().alter(text, "synonym", random.Random(s), "zh")[0] for s in range(20)}
    held = {Augment(model=model).alter(text, "synonym", random.Random(s), "zh")[0] for s in range(20)}
    assert any("忽然" in t for t in free), "without a model, the rules alone decide"
    assert held == {text}, "the model has never seen 忽然"
    loose = {
        Augment(model=model, max_perplexity_ratio=1000).alter(text, "synonym", random.Random(s), "zh")[0]
        for s in range(20)
    }
    assert loose == free
    gate = Gate(model, 1.5)
    for op in ("synonym", "recombine", "entity", "noise"):
        for seed in range(20):
            child, edits = Augment(model=model, max_perplexity_ratio=1.5).alter(text, op, random.Random(seed), "zh")
            if edits:
                assert gate.ratio(text, child) <= 1.5 ** (2 if op == "noise" else 1)
    with pytest.raises(CorpusmillError, match="train_ngram"):
        Augment(model="no-such-file").prepare()


def test_shipped_terms_are_never_touched() -> None:
    terms = domain_terms()
    assert terms is not None
    assert [m[0] for m in terms.finditer("患者有家族史，Plaintiff and PLAINTIFF, plaintiffish")] >= ["患者", "家族史"]
    text = "患者的家族史和现病史，老人经常来院子里晒太阳。" * 4
    for seed in range(30):
        out, _ = Augment(noise_rate=0.3).alter(text, "noise", random.Random(seed), "zh")
        for term in ("患者", "家族史", "现病史"):
            assert out.count(term) == 4


def test_the_share_is_a_cap() -> None:
    with pytest.raises(ValidationError, match="share"):
        Augment(share=1.5)
    docs = Documents.from_texts([f"{ZH}孩子们突然跑了。第{i}号。" for i in range(300)], language=["zh"] * 300)
    made = len(Augment(share=0.3, copies=4).transform(docs)) - 300
    assert made < 0.36 * 300

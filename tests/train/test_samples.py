from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpusmill.curate.errors import InputError
from corpusmill.train.finetune.samples import (
    Example,
    Message,
    Preference,
    guard,
    read_conversations,
    read_examples,
    read_preferences,
    stratified,
    text_key,
)

ROWS = [{"text": "很好的酒店", "label": 1}, {"text": "A dull, long film", "label": 0}]
WANTED = [Example("很好的酒店", "1"), Example("A dull, long film", "0")]


def jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_every_format_gives_the_same_examples(tmp_path: Path) -> None:
    plain = jsonl(tmp_path / "a.jsonl", ROWS)
    zipped = tmp_path / "a.jsonl.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    table = tmp_path / "a.csv"
    table.write_text('text,label\n很好的酒店,1\n"A dull, long film",0\n', "utf-8-sig")  # as Excel saves it
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), parquet)
    for path in (plain, zipped, table, parquet):
        assert read_examples(path) == WANTED


def test_bad_rows_are_listed_with_their_lines(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [*ROWS, {"text": " ", "label": 1}, {"text": "好", "label": None}])
    with pytest.raises(InputError, match=r"a\.jsonl:3: text is empty(.|\n)*a\.jsonl:4: label is empty"):
        read_examples(path)
    with pytest.raises(InputError, match="its fields are: text, label"):
        read_examples(path, text="review")
    (tmp_path / "b.jsonl").write_text('{"text": "x", "label": 1}\n{oops\n')
    with pytest.raises(InputError, match=r"b\.jsonl:2 is not JSON"):
        read_examples(tmp_path / "b.jsonl")
    (tmp_path / "c.xlsx").touch()
    with pytest.raises(InputError, match=r"is not \.jsonl, .*or \.parquet"):
        read_examples(tmp_path / "c.xlsx")
    with pytest.raises(InputError, match="no file"):
        read_examples(tmp_path / "none.jsonl")


def test_key_ignores_width_case_space_and_punctuation_only() -> None:
    assert text_key("服务很好，ＯＫ！") == text_key("服务 很好 ok")
    assert text_key("Great film.") == text_key("great  film")
    assert text_key("服务很好") != text_key("服务不好")
    assert text_key("！！") != text_key("？")


def test_guard_removes_and_counts_each_kind() -> None:
    train = [
        Example("服务很好。", "1"),
        Example("服务很好", "1"),  # duplicate
        Example("So so", "0"),
        Example("so so!", "1"),  # conflicting labels
        Example("Great film!", "1"),  # in the test set
        Example("太差了", "0"),
    ]
    kept, report = guard(train, [Example("great film", "1")])
    assert [e.text for e in kept] == ["服务很好。", "太差了"]
    assert (report.duplicates, report.conflicting, report.in_test) == (1, 2, 1)


def test_stratified_keeps_the_shares_and_loses_nothing() -> None:
    examples = [Example(f"text {i}", "common" if i % 10 else "rare") for i in range(200)]
    rest, off = stratified(examples, 0.2, seed=0)
    assert sorted(e.text for e in rest + off) == sorted(e.text for e in examples)
    assert [sum(e.label == label for e in off) for label in ("common", "rare")] == [36, 4]
    assert stratified(examples, 0.2, seed=0) == (rest, off)
    assert stratified(examples, 0.2, seed=1) != (rest, off)
    rest, off = stratified([Example("alone", "single")], 0.5, seed=0)
    assert (len(rest), len(off)) == (1, 0)


def test_conversations_of_every_shape(tmp_path: Path) -> None:
    pair = [Message("user", "什么是合同？"), Message("assistant", "当事人之间的协议。")]
    rows: list[dict[str, object]] = [
        {"instruction": "什么是合同？", "input": "", "output": "当事人之间的协议。"},
        {
            "messages": [
                {"role": "user", "content": "什么是合同？"},
                {"role": "assistant", "content": "当事人之间的协议。"},
            ]
        },
        {"conversations": [{"from": "human", "value": "什么是合同？"}, {"from": "gpt", "value": "当事人之间的协议。"}]},
        {
            "system": "Be brief.",
            "history": [["Hi", "Hello."]],
            "instruction": "Translate",
            "input": "合同",
            "output": "contract",
        },
    ]
    found = read_conversations(jsonl(tmp_path / "a.jsonl", rows))
    assert found[:3] == [pair, pair, pair]
    assert [(m.role, m.content) for m in found[3]] == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello."),
        ("user", "Translate\n合同"),
        ("assistant", "contract"),
    ]
    bad: list[dict[str, object]] = [
        {"question": "?"},
        {"instruction": "x", "output": ""},
        {"messages": [{"role": "narrator"}]},
    ]
    with pytest.raises(InputError, match=r":1: needs messages(.|\n)*:2: no answer(.|\n)*:3: unknown role 'narrator'"):
        read_conversations(jsonl(tmp_path / "b.jsonl", bad))


def test_fields_are_told_from_their_names_and_labels_may_be_several(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"id": 1, "sentence": "很好", "category": "体育"}])
    assert read_examples(path) == [Example("很好", "体育")]
    wanted = [
        Example("合同纠纷", "law + 中文", ("law", "中文")),
        Example("A patient", "medicine", ("medicine",)),
        Example("-", "", ()),
    ]
    lists: list[dict[str, object]] = [
        {"text": "合同纠纷", "labels": ["中文", "law", "law"]},
        {"text": "A patient", "labels": ["medicine"]},
        {"text": "-", "labels": []},
    ]
    assert read_examples(jsonl(tmp_path / "b.jsonl", lists)) == wanted
    table = tmp_path / "b.csv"
    table.write_text(
        'text,labels\n合同纠纷,"[""中文"", ""law""]"\nA patient,"[""medicine""]"\n-,[]\n', encoding="utf-8"
    )
    assert read_examples(table) == wanted
    mixed = jsonl(tmp_path / "c.jsonl", [*lists, {"text": "x", "labels": "law"}])
    with pytest.raises(InputError, match=r"c\.jsonl:4: labels is one value"):
        read_examples(mixed)
    with pytest.raises(InputError, match="no field for the text"):
        read_examples(jsonl(tmp_path / "d.jsonl", [{"body": "x", "label": 1}]))


def test_preferences_of_every_shape(tmp_path: Path) -> None:
    asked = {"role": "user", "content": "什么是合同？"}
    good, bad = {"role": "assistant", "content": "协议。"}, {"role": "assistant", "content": "河。"}
    rows: list[dict[str, object]] = [
        {"prompt": "什么是合同？", "chosen": "协议。", "rejected": "河。"},
        {"instruction": "什么是合同？", "input": "", "chosen": "协议。", "rejected": "河。"},
        {"prompt": [asked], "chosen": [good], "rejected": [bad]},
        {"chosen": [asked, good], "rejected": [asked, bad]},
        {
            "conversations": [{"from": "human", "value": "什么是合同？"}],
            "chosen": {"from": "gpt", "value": "协议。"},
            "rejected": {"from": "gpt", "value": "河。"},
        },
    ]
    wanted = Preference((Message("user", "什么是合同？"),), "协议。", "河。")
    assert read_preferences(jsonl(tmp_path / "a.jsonl", rows)) == [wanted] * 5
    table = tmp_path / "a.csv"
    table.write_text("prompt,chosen,rejected\nWho heard?,The court,Nobody\n", encoding="utf-8")
    assert read_preferences(table) == [Preference((Message("user", "Who heard?"),), "The court", "Nobody")]
    wrong: list[dict[str, object]] = [
        {"prompt": "x", "chosen": "same", "rejected": "same"},
        {"chosen": "a", "rejected": "b"},
        {"prompt": "x", "chosen": "a", "rejected": ""},
        {"prompt": "x", "output": "a"},
    ]
    match = (
        r":1: chosen and rejected are equal(.|\n)*:2: no prompt(.|\n)*:3: rejected does not end(.|\n)*:4: needs chosen"
    )
    with pytest.raises(InputError, match=match):
        read_preferences(jsonl(tmp_path / "b.jsonl", wrong))


def test_shared_instruction_data_are_recognized(shared_data: Path) -> None:
    found = {}
    for path in sorted((shared_data / "sft").glob("*.jsonl.gz")):
        with contextlib.suppress(InputError):
            found[path.name.removesuffix(".jsonl.gz")] = len(read_conversations(path))
    for name in ("alpaca_en", "alpaca_zh", "gsm8k_train2k", "medical_zh_1k", "oasst_zh_human", "toolcall_en"):
        assert found.get(name, 0) > 100, found


def test_tools_and_tool_calls_are_read(tmp_path: Path) -> None:
    tool = {"name": "天气", "parameters": {}}
    called = {"function": {"name": "天气", "arguments": '{"city": "北京"}'}}
    asked, said = {"role": "user", "content": "北京天气？"}, {"role": "assistant", "content": "晴。"}
    turns = [
        asked,
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "content": "晴"},
        said,
    ]
    rows: list[dict[str, object]] = [
        {"messages": turns, "tools": [tool]},
        {"system": "Be brief.", "conversations": [asked, said], "tools": json.dumps([tool])},
        {"messages": [asked, said], "tools": "[]"},
    ]
    found = read_conversations(jsonl(tmp_path / "a.jsonl", rows))
    listed = '<tools>\n{"name": "天气", "parameters": {}}\n</tools>'
    assert [(m.role, m.content) for m in found[0]] == [
        ("system", listed),
        ("user", "北京天气？"),
        ("assistant", '{"name": "天气", "arguments": {"city": "北京"}}'),
        ("tool", "晴"),
        ("assistant", "晴。"),
    ]
    assert found[1][0] == Message("system", f"Be brief.\n\n{listed}")
    assert [m.role for m in found[2]] == ["user", "assistant"]


def test_a_preference_keeps_its_system_prompt(tmp_path: Path) -> None:
    asked, said = {"from": "human", "value": "头疼怎么办？"}, {"chosen": "休息。", "rejected": "不知道。"}
    rows: list[dict[str, object]] = [
        {"system": "你是医生。", "conversations": [asked], **said},
        {"system": "你是医生。", "prompt": "头疼怎么办？", **said},
    ]
    wanted = (Message("system", "你是医生。"), Message("user", "头疼怎么办？"))
    assert [found.prompt for found in read_preferences(jsonl(tmp_path / "a.jsonl", rows))] == [wanted] * 2


def test_labels_that_pandas_made_floats(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": "好", "label": 1.0}, {"text": "so-so", "label": 0.5}]
    assert [e.label for e in read_examples(jsonl(tmp_path / "a.jsonl", rows))] == ["1", "0.5"]
    (tmp_path / "b.jsonl").write_text('{"text": "好", "label": NaN}\n', "utf-8")
    with pytest.raises(InputError, match=":1: label is empty"):
        read_examples(tmp_path / "b.jsonl")

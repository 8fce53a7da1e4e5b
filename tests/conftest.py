"""What every test may use: the development data where it is, real text of our own where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples at every run, so that a run says what changed in the code; `make hunt` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

ZH = [
    "第一条 为了保护公民、法人和其他组织的合法权益，维护社会秩序，根据宪法，制定本法。任何人不得违反法律的规定。",
    "患者，男，45岁，因反复咳嗽、咳痰三年入院。查体：体温三十七度，双肺可闻及湿性啰音，无发热。建议进一步检查。",
    "昨天下午，市政府召开新闻发布会，介绍了今年城市绿化的进展情况。据介绍，全市新增公园绿地三百公顷。",
    "这家酒店的位置很好，离地铁站只有五分钟路程。房间干净整洁，服务员态度热情，早餐也很丰富，下次还会再来。",
    "春天来了，院子里的桃花开了，蜜蜂在花丛中忙碌。奶奶坐在门口晒太阳，给我们讲她小时候的故事。",
]
EN = [
    "The committee met on Tuesday to consider the proposal, and after a long discussion it was decided that the matter should be referred to the council.",
    "The patient is a 45-year-old man with a history of chronic cough. He has no fever, and the lungs are clear. We recommend that he return in two weeks.",
    "This agreement is made between the parties named below, and it shall be governed by the laws of the state in which the property is situated.",
    "We stayed at this hotel for three nights and loved it. The room was clean, the staff were friendly, and breakfast was served until eleven.",
    "In the spring the river rises, and the fields along its banks are covered with water for a few weeks before the farmers can return to them.",
]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data; tests that need it are skipped without it."""
    found = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (found / "README.md").exists():
        pytest.skip("no development data (set CORPUSMILL_TEST_DATA)")
    return found


@pytest.fixture
def texts() -> list[str]:
    """Two hundred different documents of a few sentences, half Chinese and half English."""
    out = []
    for i in range(100):
        for pool, join, tag in ((ZH, "", f"编号{i}。"), (EN, " ", f"This is number {i}.")):
            out.append(join.join([pool[i % 5], tag, pool[(i * 3 + 1) % 5], pool[(i * 7 + 2) % 5]]))
    return out

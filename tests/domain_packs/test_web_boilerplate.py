from __future__ import annotations

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import failures
from corpusmill.domain_packs import WebBoilerplate

PAGES = {
    "zh article": "北京举行新年音乐会，艺术家们精湛的表演深深打动了观众，不断报以经久不息的热烈掌声。相关阅读",
    "zh menu": "网站首页 | 关于我们 | 联系我们 | 用户登录 | 免费注册 | 版权所有",
    "zh-Hant menu": "網站首頁 | 關於我們 | 聯繫我們 | 使用者登入 | 版權所有",
    "en article": "The orchestra played for two hours to a full house, and the applause went on until midnight. Read more",
    "en menu": "Skip to content | Log in | Sign up | Privacy Policy | Terms of Service | All rights reserved",
    "empty": "",
}


def test_menus_are_dropped_and_articles_stay() -> None:
    step = WebBoilerplate()
    docs = step.measure(Documents.from_texts(list(PAGES.values())))
    dropped = [list(PAGES)[row] for row, *_ in failures(step, docs)]
    assert dropped == ["zh menu", "zh-Hant menu", "en menu"]
    assert 0 < docs.signals["boilerplate"][0] < 0.1
    off = WebBoilerplate(max_boilerplate=None)
    assert not list(failures(off, docs))

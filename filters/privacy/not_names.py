"""Words that stand where a name is looked for, and are none."""

from __future__ import annotations

from .dates import MONTHS

_NOT_NAMES = (
    "高血压 高消 尚未 高血糖 高血脂 白细胞 白血病 黄疸 石膏 安全 方面 代表 代理 常见 成年 高度 严重 连续 周围 周身 "
    "马上 许可 向法 时间 何时 关系 包括 应当 任何 曾经 关于 车祸 左侧 右侧 全身 经常 江苏 平时 明显 单位 管理 施工 "
    "史料 路人 毛发 年龄 性别 电话 地址 住址 民族 职业 身份 签名 姓名 盖章 双方 一方 公司 全体 相关 有关 支付 方式 "
    "信息 名称 单位名 水平 安静 解放 林业局 国家 本人 先生 女士 多人 成员 房东 房产 司机 荣获 温度 文化 梁某 不详 "
    "无 未知 保密 房地 房地产 公民 单方"
)
NOT_NAMES = frozenset(_NOT_NAMES.split())
"""Read over the whole of a find: what begins like a name behind a role, and is none."""

_WORDS = (
    "丛中 严实 严寒 严峻 严格 严谨 任意 任教 任用 何以 何年 何意 何日 何月 何用 何门 何须 余元 余名 余年 余所 余里 "
    "余门 余项 兀自 党政 党章 党风 兴化 兴发 兴大 兴建 兴致 冷天 冷峻 冷战 冷月 冷水 冷门 冷静 凌晨 包容 包工 包干 "
    "包涵 包车 包金 卓有 单一 单传 单元 单兵 单向 单纯 单行 单项 史学 周一 周三 周二 周五 周六 周初 周四 周天 周家 "
    "周年 周日 周朝 周游 周长 唐初 唐朝 夏天 夏季 夏朝 季节 宁愿 宋初 宋朝 宣传 宣发 宣召 宣战 宣扬 宣教 宣读 宫来 "
    "宫门 封建 尚可 尚善 尚好 尚有 屈居 左路 巩固 庞大 廉洁 房基 房子 房门 施以 施展 施放 施教 施用 施行 易名 易得 "
    "易用 景致 景观 武力 武士 武官 毕天 毕生 毕露 沙子 温厚 温和 温柔 游子 游牧 游行 滑向 滑步 滑行 滑道 牛年 牛车 "
    "甘心 甘愿 白天 白日 白须 盛会 盛传 盛名 盛唐 盛大 盛年 盛开 盛意 盛放 盛行 石子 石门 祝愿 秦朝 童年 简化 简捷 "
    "简易 简本 简朴 简洁 简略 简直 简练 管保 管好 管子 管家 管用 管道 纪年 纪律 纪念 胡须 芦花 莫名 解开 解读 许多 "
    "许愿 谢意 谷子 费力 费时 费用 费解 赖以 路子 车夫 车子 车轮 车长 郁郁 郑重 金子 金融 金轮 陆相 陆路 隋唐 隋朝 "
    "马力 马步 马路 马车 高傲 高兴 高发 高大 高官 高寒 高尚 高新 高温 高能 高铁 高高 高龄 黄初 黄花 黄豆 黄道 黄金 "
    "齐名 齐心 迟延 付清 管教"
)
WORDS = frozenset(_WORDS.split())
"""Verbs, adjectives, adverbs and common nouns that are a surname and a character of given names (from jieba's dictionary, MIT,
those read by us as no names): 患者严格遵守 has no patient 严格."""

_APART = (
    "家住 就读 的 在 到 于 与 和 及 将 向 从 被 对 对于 把 为 是 系 系因 诉 称 诉称 辩称 因 因为 由 由于 给 至 "
    "赶 赶到 去 来 来到 前往 某 某某 任 担任 入 入职 进 进入 驾驶 驾车 乘坐 盗窃 窃取 窃 抢劫 骗取 诈骗 "
    "签订 签 欠 欠付 借 借款 付 支付 收取 收到 带 携带 持 伙同 同 一起 因此 分别 以 用 利用 使用 通过 经 "
    "经过 经人 曾 曾经 也 又 均 都 已 已经 未 未经 没有 不 不服 要求 请求 申请 起诉 上诉 委托 提供 出具 "
    "提交 承包 租赁 租用 购买 买 卖 销售 出售 转让 投资 经营 成立 注册 设立 开设 开办 工作 上班 就职 任职 "
    "受雇 报案 投案 自首 住院 就诊 送往 送 送到 抓获 逃 逃离 逃至 其 他 她 该 此 本 两 一家 一 名 等 等人 "
    "后 时 家 所在 位于 住 居住 時 與 於 將 從 對 為 來 該 經 購買 駕駛 進入 簽訂"
)
APART = frozenset(_APART.split())
"""Words that stand in no name of a company: 被告人王强在某公司 has a person, 被告王府井百货公司 has none."""

# Prof. Code Sec. 16600, Rev. Stat. 24-34-401, Rev. Rul. 75-1: parts of a code's name, behind what looks like a title.
_INSTITUTIONS = (
    "mr mrs ms united states state city county department bank company corp corporation inc llc ltd university "
    "insurance national american federal board association trust school district hospital center centre care "
    "protection rights advocate committee commission office agency authority general motors services service "
    "society union church college court group holdings partners the a an and of in for on by with was is has had "
    "have will shall who which that this these those his her its their our your no not president chairman "
    "speaker secretary vice majority minority attorney district judge justice doe-anonymous unknown none name "
    "date address phone tel age sex dob id history education safety satisfaction information portal records "
    "record status consent form act monday tuesday wednesday thursday friday saturday sunday english chinese "
    "medicare medicaid new york south north east west hotel council inn restaurant museum army navy force "
    "party team club foundation institute ministry code stat stats statutes sec section proc rul "
    "practitioner practitioners customer support sales reception manager supervisor staff governing "
    "mortgage assistant anesthetist educator exhibit counsel clerk protocol instructions summary advocacy "
    "relations resources"
)
INSTITUTIONS = frozenset([*MONTHS, *_INSTITUTIONS.split()])
"""Words of institutions, offices and things, and of grammar: a Latin name ends before them."""

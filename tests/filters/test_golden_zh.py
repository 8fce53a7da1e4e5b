"""Golden Chinese cases: what each rule set does to short texts of known kinds, Simplified and Traditional, and why.

`KEPT` texts break no rule of any set, with the recipe's fewest words set low because the texts are short. `DROPPED` texts break
exactly the rules named, of the set named; another set may well keep them.
"""

from __future__ import annotations

from typing import Any

import pytest

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import Filter, failures
from corpusmill.filters.chinese import ChineseQuality, ChineseSpam
from corpusmill.filters.fineweb2 import FineWeb2
from corpusmill.filters.lines import C4Lines
from corpusmill.filters.quality import C4Quality, FineWebQuality, GopherQuality, GopherRepetition
from corpusmill.filters.refinedweb import RefinedWebQuality

SETS: dict[str, Filter] = {
    "gopher_quality": GopherQuality(min_words=20),
    "gopher_repetition": GopherRepetition(),
    "fineweb_quality": FineWebQuality(),
    "fineweb2": FineWeb2(min_words=20),
    "c4_quality": C4Quality(),
    "chinese_quality": ChineseQuality(),
    "chinese_spam": ChineseSpam(),
    "refinedweb_quality": RefinedWebQuality(),
}
PROSE = ("gopher_quality", "gopher_repetition", "fineweb_quality", "c4_quality", "chinese_quality", "chinese_spam")


def broken(name: str, text: str, script: str) -> set[str]:
    docs = Documents.from_texts([text], language=["zh"], script=[script])
    step = SETS[name]
    return {rule.name for _, rule, _, _ in failures(step, step.measure(docs))}


NEWS = (
    "昨天下午，市政府召开新闻发布会，介绍了今年城市绿化的进展情况。据介绍，全市新增公园绿地三百公顷，"
    "植树超过五十万株，有二十个社区建成了口袋公园。下一步，有关部门将听取居民的意见，继续改善老城区的环境。"
)
NEWS_HANT = (
    "昨天下午，市政府召開記者會，說明今年城市綠化的進展。據介紹，全市新增公園綠地三百公頃，"
    "植樹超過五十萬株，有二十個社區建成了口袋公園。下一步，有關單位將聽取居民的意見，繼續改善舊城區的環境。"
)

KEPT = [
    ("news", "Hans", NEWS, "plain prose"),
    ("news-hant", "Hant", NEWS_HANT, "plain prose in Traditional characters"),
    (
        "statute",
        "Hans",
        "第一章　总则\n第一条　为了保护公民的合法权益，维护社会秩序，根据宪法，制定本法。\n"
        "第二条　在本市行政区域内从事相关活动的单位和个人，应当遵守本法。\n"
        "第三条　市人民政府负责本法的组织实施，并且每年向社会公布实施的情况。",
        "articles 第N条 with their headings",
    ),
    (
        "statute-hant",
        "Hant",
        "第一章　總則\n第一條　為了保障人民的權益，維護社會秩序，特制定本法。\n"
        "第二條　本法所稱主管機關，在中央為內政部，在地方為縣市政府。\n"
        "第三條　違反前條規定的，由主管機關處以罰鍰，並且得按次處罰。",
        "articles in Traditional characters",
    ),
    (
        "statute-list",
        "Hans",
        "有下列情形之一的，应当从重处罚：\n（一）故意伤害他人身体的；\n（二）教唆未成年人实施违法行为的；\n"
        "（三）在公共场所聚众扰乱社会秩序，并且拒不听从劝阻的；\n（四）一年以内曾经因为同类的行为受过处罚的。",
        "items that end in ；",
    ),
    (
        "judgment",
        "Hans",
        "某某市人民法院\n民事判决书\n（2021）京0105民初12345号\n原告张某与被告李某房屋租赁合同纠纷一案，本院立案后依法进行了审理。"
        "原告请求判令被告支付租金二万元。本院认为，双方签订的合同有效，被告未按约定支付租金，应当承担违约责任。",
        "a case number 案号 and the head of a judgment",
    ),
    (
        "medical-qa",
        "Hans",
        "患者：医生，我咳嗽两个星期了，晚上比白天厉害，没有发热，要不要拍片子？\n"
        "医生：有没有痰？以前得过哮喘吗？如果一直不好，建议到呼吸科做个检查，先不要自己吃抗生素。",
        "a patient's question and the doctor's answer",
    ),
    (
        "clinical-note",
        "Hans",
        "患者，男，45岁，因反复咳嗽、咳痰3年，加重1周入院。查体：T 36.8℃，BP 130/80mmHg，双肺可闻及湿性啰音。"
        "既往有高血压病史，否认糖尿病。入院后给予抗感染治疗，症状好转，准予出院，并且嘱其定期复查。",
        "abbreviations, units and figures among the words",
    ),
    (
        "dialogue",
        "Hans",
        "“你怎么还不走？”老人问。\n“我在等人。”她低着头说，“他说好今天会来的。”\n“等了多久了？”\n"
        "“从早上到现在。”她笑了笑，看着窗外的雨。老人没有再说什么，给她倒了一杯热茶。",
        "short lines that end in closing quotes",
    ),
    (
        "dialogue-hant",
        "Hant",
        "「你怎麼還不走？」老人問。\n「我在等人。」她低著頭說，「他說好今天會來的。」\n「等了多久了？」\n"
        "「從早上到現在。」她笑了笑，看著窗外的雨。老人沒有再說什麼，給她倒了一杯熱茶。",
        "corner brackets as quotation marks",
    ),
    (
        "ellipsis",
        "Hans",
        "他站在门口，想说什么，却又停住了……屋里的灯亮着，母亲还在等他回来吃饭。\n"
        "他想起小时候的事，想起那条河、那座桥，还有桥下的船。后来呢？后来大家都走了，只有他留了下来。",
        "…… inside a sentence",
    ),
    (
        "book-titles",
        "Hans",
        "《红楼梦》与《三国演义》《水浒传》《西游记》并称四大名著。鲁迅在《中国小说史略》中评价说，"
        "自有《红楼梦》出来以后，传统的思想和写法都打破了。这句话后来在许多研究文章中被引用。",
        "《》 between the words",
    ),
    (
        "mixed-english",
        "Hans",
        "在 Python 3.11 里，asyncio 的 TaskGroup 可以把几个协程放在一起运行，其中一个出错，其余的就会被取消。"
        "如果你用过 trio 的 nursery，会觉得它们很像。我们在项目里用它替换了原来的 gather，代码也更容易读了。",
        "a third of Latin letters",
    ),
    (
        "english-names",
        "Hant",
        "愛因斯坦（Albert Einstein）在1905年發表了四篇論文，其中一篇提出了狹義相對論（special relativity）。"
        "這一年被稱為他的奇蹟年。他後來獲得了1921年的諾貝爾物理學獎，不過得獎的原因是光電效應。",
        "names and terms in brackets",
    ),
    (
        "figures",
        "Hans",
        "2020年，全国粮食总产量为66949万吨，比上年增长0.9%，连续第六年保持在6.5亿吨以上。其中，夏粮和早稻的产量都有所增加，"
        "秋粮为49939万吨，同样好于上年。谷物占了总产量的九成以上，豆类和薯类的面积也在扩大。",
        "figures in every sentence are still prose",
    ),
    (
        "list-with-intro",
        "Hans",
        "做这道菜需要准备的材料如下：\n1. 鸡蛋三个，打散以后加入少量的盐。\n2. 番茄两个，洗净以后切成小块。\n"
        "3. 小葱一根，切成葱花，留到最后再放。\n先把鸡蛋炒熟盛出，再把番茄炒出汁，最后一起翻炒就可以了。",
        "a numbered list of sentences",
    ),
    (
        "classical",
        "Hant",
        "學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？人不知而不慍，不亦君子乎？"
        "其為人也孝弟，而好犯上者，鮮矣；不好犯上，而好作亂者，未之有也。君子務本，本立而道生。",
        "literary Chinese has function words of its own (之, 而, 也)",
    ),
    (
        "poem-prose",
        "Hans",
        "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。\n这首诗写的是在外的人看到月光，想起了自己的家乡。"
        "短短二十个字，没有一个难懂的词，所以一千多年来，连刚上学的孩子也会背。",
        "verse with its explanation",
    ),
    (
        "interview",
        "Hans",
        "记者：今年的收成怎么样？\n王大爷：比去年好一些，雨水下得及时。\n记者：价格呢？\n"
        "王大爷：价格也还可以，就是运费涨了。村里正在修路，等路修好了，车就可以开到地头来拉，那时候就更方便了。",
        "speakers' names before colons",
    ),
    (
        "policy-text",
        "Hans",
        "我们重视您的隐私。本政策说明我们收集哪些信息、怎样使用这些信息，以及您有哪些权利。"
        "未经您的同意，我们不会向第三方提供您的个人信息，法律另有规定的除外。如有疑问，请与客服联系。",
        "terms of service are clean text",
    ),
    (
        "review",
        "Hans",
        "这家酒店的位置很好，离地铁站只有五分钟的路程。房间不大，但是很干净，隔音也不错。早餐的种类不多，"
        "味道还可以。前台的服务员很热情，帮我们叫了车。价格和附近的几家差不多，下次来的话还会住在这里。",
        "a customer's review names prices and service and sells nothing",
    ),
    (
        "gambling-news",
        "Hans",
        "警方昨天通报，一个利用手机软件开设赌场的团伙被捣毁，三十二名嫌疑人落网。办案民警说，这个团伙把服务器设在境外，"
        "在国内发展下线，参与的人大多输光了积蓄。警方提醒市民不要相信所谓稳赢的说法，发现线索请及时报警。",
        "news about gambling is not gambling spam",
    ),
    (
        "clinic-article",
        "Hans",
        "湿疹是一种常见的皮肤病，原因比较复杂，和体质、环境都有关系。患者的皮肤往往很干燥，瘙痒明显，夜里更重。"
        "日常要注意保湿，避免用过热的水洗澡，衣服以棉质的为好。用药应当在医生的指导下进行，不要随便停药。",
        "medical advice without a clinic",
    ),
    (
        "company-news",
        "Hans",
        "公司今天公布了第三季度的业绩，营业收入比去年同期增长百分之十二，净利润增长百分之八。"
        "首席财务官在电话会议上说，增长主要来自海外的市场，国内的销售也在恢复，全年的目标没有改变。",
        "business news talks of sales too",
    ),
    (
        "hotline-once",
        "Hans",
        "受台风影响，今天夜里到明天白天，沿海地区有大到暴雨，局部有大暴雨，风力七到八级。市民应当减少外出，"
        "关好门窗，低洼地区的居民要注意防范积水。需要帮助的，可以拨打市政府的服务热线12345，二十四小时有人接听。",
        "one telephone number is information",
    ),
    (
        "wiki-conversion",
        "Hans",
        "他在位期间，立-{后}-的事情引起了很大的争论，大臣们分成两派，互相攻击，朝政因此荒废。"
        "史书上说，他后来对这件事很后悔，曾经对身边的人说，当初如果听从劝告，就不会有这样的结果。",
        "-{...}- is Wikipedia's mark, not code",
    ),
]

SAME_LINE = {
    "dup_line_frac",
    "top_3_gram",
    "top_4_gram",
    "dup_6_gram",
    "dup_7_gram",
    "dup_8_gram",
    "dup_9_gram",
    "dup_10_gram",
}

DROPPED = [
    ("gopher_quality", "too-short", "Hans", "今天的天气和昨天的一样好。", {"min_words"}, "under 20 words"),
    (
        "gopher_quality",
        "keyword-soup",
        "Hans",
        "手机 电脑 相机 耳机 音箱 手表 键盘 鼠标 显示器 路由器 打印机 投影仪 充电器 数据线 移动电源 内存卡 " * 2,
        {"min_stop_words"},
        "nouns alone: no function word",
    ),
    (
        "gopher_quality",
        "keyword-soup-hant",
        "Hant",
        "手機 電腦 相機 耳機 音箱 手錶 鍵盤 滑鼠 螢幕 路由器 印表機 投影機 充電器 傳輸線 行動電源 記憶卡 " * 2,
        {"min_stop_words"},
        "the same in Traditional characters",
    ),
    (
        "gopher_quality",
        "hashtags",
        "Hans",
        "#旅行 #美食 #摄影 #穿搭 #日常 #打卡 今天和朋友去了海边，玩得很开心。#周末 #海边 #朋友 #开心 #阳光 #沙滩",
        {"max_symbol_word_ratio"},
        "a # for every second word",
    ),
    (
        "gopher_quality",
        "teasers",
        "Hans",
        "市政府昨天召开会议，部署下一阶段的工作...\n本市三名学生在全国的比赛中获奖，他们的老师说...\n"
        "专家提醒，换季的时候要注意增减衣服，预防...\n地铁五号线将于年底通车，沿线的居民说...",
        {"max_ellipsis_lines_ratio"},
        "every line breaks off",
    ),
    (
        "gopher_quality",
        "teasers-hant",
        "Hant",
        "市政府昨天召開會議，部署下一階段的工作...\n本市三名學生在全國的比賽中獲獎，他們的老師說...\n"
        "專家提醒，換季的時候要注意增減衣服，預防...\n捷運五號線將於年底通車，沿線的居民說...",
        {"max_ellipsis_lines_ratio"},
        "the same in Traditional characters",
    ),
    (
        "gopher_quality",
        "bullets",
        "Hans",
        "• 关于我们的历史和文化\n• 在这里了解我们的产品\n• 和我们的客户一起成长\n• 加入我们的团队的方法\n• 与我们的工作人员联系",
        {"max_bullet_lines_ratio"},
        "all lines are list items",
    ),
    (
        "gopher_quality",
        "score-table",
        "Hans",
        "的和 3:1 2:0 1:1 4:2 0:0 2:3 1:0 5:1 2:2 1:4 3:3 0:1 2:1 1:2 0:3 4:4 3:0 2:4 在是",
        {"min_alpha_words_ratio"},
        "figures and colons, hardly a word",
    ),
    (
        "gopher_quality",
        "base64",
        "Hans",
        "的是" + " aGVsbG8gd29ybGQhIHRoaXMgaXMgYmFzZTY0IHRleHQ" * 22,
        {"max_avg_word_length"},
        "words of forty letters",
    ),
    (
        "gopher_repetition",
        "same-line",
        "Hans",
        "欢迎来到我们的网站，请点击这里。\n" * 6 + NEWS,
        SAME_LINE,
        "one line six times",
    ),
    (
        "gopher_repetition",
        "refrain",
        "Hans",
        "加油加油加油，我们必胜！" * 12,
        {
            "top_2_gram",
            "top_3_gram",
            "top_4_gram",
            "dup_5_gram",
            "dup_6_gram",
            "dup_7_gram",
            "dup_8_gram",
            "dup_9_gram",
            "dup_10_gram",
        },
        "one shout over and over",
    ),
    (
        "gopher_repetition",
        "laughter",
        "Hant",
        "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈，太好笑了。",
        {"top_2_gram", "top_3_gram", "top_4_gram", "dup_5_gram", "dup_6_gram", "dup_7_gram"},
        "one syllable",
    ),
    (
        "fineweb_quality",
        "menu",
        "Hans",
        "首页\n新闻中心\n产品展示\n客户案例\n人才招聘\n联系我们",
        {"min_line_punct_ratio", "max_new_line_ratio"},
        "a menu: no line ends in a mark",
    ),
    (
        "fineweb_quality",
        "menu-hant",
        "Hant",
        "首頁\n最新消息\n產品介紹\n客戶案例\n人才招募\n聯絡我們",
        {"min_line_punct_ratio", "max_new_line_ratio"},
        "the same in Traditional characters",
    ),
    (
        "fineweb_quality",
        "headlines",
        "Hans",
        "本市地铁五号线年底通车\n三名学生全国比赛获奖\n老城区新增二十个公园\n气象台发布大风蓝色预警\n市图书馆延长开放时间",
        {"min_line_punct_ratio"},
        "headlines without a sentence",
    ),
    (
        "fineweb_quality",
        "repeated-lines",
        "Hans",
        f"{NEWS}\n本网站所有内容均来自网络，如有侵权请与我们联系。\n本网站所有内容均来自网络，如有侵权请与我们联系。",
        {"max_char_dup_ratio"},
        "a notice twice is more than a tenth of the text",
    ),
    (
        "fineweb_quality",
        "one-character-lines",
        "Hans",
        "今\n天\n天\n气\n很\n好\n。\n我\n们\n去\n公\n园\n玩\n。",
        {"max_char_dup_ratio", "max_new_line_ratio"},
        "vertical text: a character a line",
    ),
    (
        "fineweb2",
        "dates",
        "Hans",
        "1998年，他和家人搬到上海；五年之后（2003年9月）考上北京的大学；2007—2015年在广州工作，2016年3月回到了家乡。",
        {"min_alpha_words_ratio"},
        "FineWeb-2's .735 of words with letters drops dates; gopher_quality keeps them",
    ),
    (
        "fineweb2",
        "template-items",
        "Hans",
        "申请人应当自收到通知之日起十五日内提交材料。被申请人应当自收到通知之日起十五日内提交答辩。"
        "第三人应当自收到通知之日起十五日内提交意见。委员会应当自收到材料之日起十五日内作出决定。",
        {"top_3_gram", "top_4_gram", "dup_5_gram", "dup_6_gram", "dup_7_gram", "dup_8_gram"},
        "legal parallels: the share of repeated n-grams is over FineWeb-2's, under gopher_repetition's",
    ),
    (
        "c4_quality",
        "lorem",
        "Hans",
        "网站正在建设中，敬请期待。Lorem ipsum dolor sit amet。",
        {"max_lorem_ipsum"},
        "filler",
    ),
    (
        "c4_quality",
        "css",
        "Hans",
        "正文如下。body { margin: 0; padding: 0 }。请在下方留言。",
        {"max_curly_brackets"},
        "a style sheet left in the text",
    ),
    (
        "c4_quality",
        "javascript",
        "Hant",
        "本頁的內容如下。if (window.ready) { load(); } 請稍候再試。",
        {"max_curly_brackets"},
        "a script left in the text",
    ),
    ("c4_quality", "one-sentence", "Hans", "点击查看更多精彩内容。", {"min_sentences"}, "one sentence is no document"),
    (
        "chinese_quality",
        "phone-list",
        "Hans",
        "急救120，火警119，报警110，交通122，供电95598，供水96116，燃气96777，有线96196，邮政11185，市政12345，工商12315。",
        {"max_digit_ratio", "min_han_ratio", "min_char_entropy"},
        "three in ten characters are numerals",
    ),
    (
        "chinese_quality",
        "brackets",
        "Hans",
        "【热卖】新款女鞋【包邮】透气舒适【特价】限时抢购【正品】七天退换【现货】当天发货【好评】买一送一【推荐】冬季新款上市了，快来看看。",
        {"max_square_bracket_ratio"},
        "【】 frame advertising",
    ),
    (
        "chinese_quality",
        "no-punctuation",
        "Hans",
        "二手房 出租房 新楼盘 写字楼 商铺 厂房 仓库 车位 学区房 公寓 别墅 合租 整租 短租 日租 月租 地铁房 电梯房 复式 江景房 海景房 湖景房 期房 现房",
        {"min_punct_ratio"},
        "not one mark: a list of keywords",
    ),
    (
        "chinese_quality",
        "laughs",
        "Hans",
        "哈哈哈哈，" * 20,
        {"min_unique_char_ratio", "min_char_entropy"},
        "two different characters",
    ),
    (
        "chinese_quality",
        "english-page",
        "Hans",
        "关于 This page is mostly in English, and only the menu is in Chinese, so it should not be in a Chinese corpus. 首页。",
        {"min_han_ratio", "min_char_entropy"},
        "English with a Chinese menu",
    ),
    (
        "chinese_quality",
        "unfold",
        "Hans",
        "第一条评论说得很有道理，大家都很赞同 展开\n第二条评论讲了一个很长的故事 全文\n第三条评论只有图片，没有文字 更多\n"
        "这是唯一完整的一条评论，写得很认真。",
        {"max_more_lines_ratio"},
        "lines end in 展开, 全文, 更多",
    ),
    (
        "chinese_quality",
        "unfold-hant",
        "Hant",
        "第一則評論說得很有道理，大家都很贊同 展開\n第二則評論講了一個很長的故事 全文\n第三則評論只有圖片，沒有文字 更多\n"
        "這是唯一完整的一則評論，寫得很認真。",
        {"max_more_lines_ratio"},
        "the same in Traditional characters",
    ),
    (
        "chinese_quality",
        "stub",
        "Hans",
        "该页面不存在，请返回首页。",
        {"min_chars", "min_char_entropy"},
        "an error page",
    ),
    (
        "chinese_quality",
        "mojibake",
        "Hans",
        "ä¸­å›½äººæ°‘é“¶è¡Œä»Šå¤©å®£å¸ƒï¼Œä»Žä¸‹ä¸ªæœˆèµ·ä¸‹è°ƒåˆ©çŽ‡ã€‚å…·ä½“ä¿¡æ¯è¯·è§å®˜æ–¹ç½‘ç«™ã€‚",
        {"min_han_ratio"},
        "UTF-8 read as Latin-1: no Han character left",
    ),
    (
        "chinese_spam",
        "gambling",
        "Hans",
        "最新的娱乐城注册送彩金，真人荷官在线，百家乐、老虎机应有尽有。首次存款即享优惠，提现到账快，是您投注平台的不二选择。",
        {"max_sensitive_words_ratio"},
        "a casino",
    ),
    (
        "chinese_spam",
        "gambling-hant",
        "Hant",
        "線上娛樂城推薦，註冊送體驗金，真人百家樂、老虎機任您暢玩。每天都有新的優惠，客服全年無休，歡迎您的加入。",
        {"max_sensitive_words_ratio"},
        "a casino for Taiwan",
    ),
    (
        "chinese_spam",
        "lottery",
        "Hans",
        "本期特码一肖中特，内部的心水论坛每天更新。想知道六合彩的开奖记录，请收藏本站，我们的资料从来没有错过。",
        {"max_sensitive_words_ratio"},
        "lottery tips",
    ),
    (
        "chinese_spam",
        "fake-invoices",
        "Hans",
        "本公司长期代开发票，税率低，可以验证后付款。另有各类证书，办假证、刻章办证均可，保密快捷，全国都可以送货上门。",
        {"max_sensitive_words_ratio"},
        "invoices and papers",
    ),
    (
        "chinese_spam",
        "cheats",
        "Hans",
        "最新版游戏辅助，透视自瞄一应俱全，永不封号。下载破解版即可获得无限金币，无限钻石，让你成为全服第一的高手。",
        {"max_sensitive_words_ratio"},
        "game cheats",
    ),
    (
        "chinese_spam",
        "detective",
        "Hans",
        "我们是本地最专业的私家侦探，承接婚外情取证、定位找人等业务，经验丰富，保密性强，收费合理，成功之后再付款。",
        {"max_sensitive_words_ratio"},
        "snooping for hire",
    ),
    (
        "chinese_spam",
        "loan",
        "Hant",
        "急用錢嗎？小額借款當天放款，免留車、免保人，手續簡單，利息合理。信用卡換現也可以，全臺都有服務據點，請放心來電。",
        {"max_sensitive_words_ratio"},
        "loans",
    ),
    (
        "chinese_spam",
        "accounts",
        "Hans",
        "专业提供抖音账号购买服务，账号交易安全可靠，账号出售价格透明。我们还可以帮您涨粉，让您的作品快速登上热门。",
        {"max_sensitive_words_ratio"},
        "accounts for sale",
    ),
    (
        "chinese_spam",
        "clinic",
        "Hans",
        "治疗白癜风哪家医院好？我院是本地的白癜风专科医院，专家在线答疑，疗效显著。咨询热线全天开通，欢迎来电预约。",
        {"max_ad_words_ratio"},
        "a clinic that advertises",
    ),
    (
        "chinese_spam",
        "factory",
        "Hans",
        "本厂是聚丙烯酰胺的生产厂家，质优价廉，量大从优，厂家直销。产品畅销全国，赢得了客户的信赖。欢迎来电咨询，销售热线全天有人接听。",
        {"max_ad_words_ratio"},
        "a factory's advertisement",
    ),
    (
        "chinese_spam",
        "franchise",
        "Hans",
        "奶茶店怎么加盟？招商加盟火热进行中，加盟费低，投资小，回本快，零风险，是小本创业的好项目。诚招代理，名额有限。",
        {"max_ad_words_ratio"},
        "get rich by franchise",
    ),
    (
        "chinese_spam",
        "seo-tail",
        "Hans",
        "这是一篇介绍足球比赛的文章，两队打得很激烈，最后握手言和。\n本文关键词：足球,比赛,两队,握手,结果,比分\n上一篇：昨晚的比赛\n下一篇：明天的比赛",
        {"max_ad_words_ratio"},
        "search-engine bait under the text",
    ),
    (
        "chinese_spam",
        "keyword-list",
        "Hans",
        "上海搬家,上海搬场,搬家价格,搬家电话,长途搬家,居民搬家,钢琴搬运,设备吊装,空调移机\n我们有多年的经验，请放心。",
        {"max_keyword_list_ratio"},
        "keywords parted by commas",
    ),
    (
        "chinese_spam",
        "title-stuffing",
        "Hans",
        "什么牌子的空气净化器\n选空气净化器的时候，什么牌子的空气净化器比较安静？我们试了几款。什么牌子的空气净化器滤网便宜？"
        "这要看型号。什么牌子的空气净化器省电？大家可以看标签。总之，什么牌子的空气净化器，要看自己的需要。",
        {"max_title_repeats"},
        "the title in every paragraph",
    ),
    (
        "chinese_spam",
        "contacts",
        "Hans",
        "出售闲置家具，九成新，价格面议。手机13800138000，QQ：123456789，微信：jiaju_2020，看货请提前联系，自提优先。",
        {"max_contacts"},
        "three contacts in two lines",
    ),
    (
        "refinedweb_quality",
        "counters",
        "Hans",
        f"{NEWS}\n阅读 1.2万\n评论 36\n点赞(128)\n分享\n收藏\n2021-10-15 12:30",
        {"max_flagged_ratio"},
        "counters and buttons",
    ),
    (
        "refinedweb_quality",
        "buttons-hant",
        "Hant",
        f"{NEWS_HANT}\n登入\n註冊\n瀏覽 331\n回覆 5\n閱讀全文\n加入購物車\n0 件商品",
        {"max_flagged_ratio"},
        "a shop's buttons",
    ),
]


def _ids(cases: list[Any], at: slice) -> list[str]:
    return ["-".join(case[at]) for case in cases]


@pytest.mark.parametrize(("name", "script", "text", "reason"), KEPT, ids=_ids(KEPT, slice(0, 1)))
def test_kept(name: str, script: str, text: str, reason: str) -> None:
    assert {rule_set: found for rule_set in PROSE if (found := broken(rule_set, text, script))} == {}, reason


@pytest.mark.parametrize(
    ("rule_set", "name", "script", "text", "rules", "reason"), DROPPED, ids=_ids(DROPPED, slice(0, 2))
)
def test_dropped(rule_set: str, name: str, script: str, text: str, rules: set[str], reason: str) -> None:
    assert broken(rule_set, text, script) == rules, reason


def test_the_suite_is_large_and_covers_both_scripts_and_every_rule_set() -> None:
    assert len(KEPT) + len(DROPPED) >= 60
    assert {case[0] for case in DROPPED} == set(SETS)
    for cases, at in ((KEPT, 1), (DROPPED, 2)):
        assert sum(case[at] == "Hant" for case in cases) >= 4


def test_what_is_left_of_a_page_of_scraps_is_dropped() -> None:
    page = f"首页 新闻 产品\n站内公告栏\n最新的文章列表\n{'热门标签 本周排行 友情链接 ' * 4}\n只有这一句话是正文。"
    docs = C4Quality(min_sentences=None, max_removed_ratio=0.5).measure(
        C4Lines().transform(Documents.from_texts([page, NEWS], language=["zh", "zh"]))
    )
    step = C4Quality(min_sentences=None, max_removed_ratio=0.5)
    assert [(row, rule.name) for row, rule, _, _ in failures(step, docs)] == [(0, "max_removed_ratio")]

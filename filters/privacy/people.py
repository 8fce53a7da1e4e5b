"""Names of people, found by what stands beside them: a role, a label, a title.

No list of people and no model: a name is looked for only where a role (患者, 原告, plaintiff), a label (姓名：), a title
(先生, Dr.) or the form of a judgment (张三，男，汉族) announces one. What was found once is then found everywhere in the document.
Chinese writes no boundary behind a name, so its end is read from what follows: 原告张三诉 ends before 诉, 原告王建国诉 too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .not_names import APART, INSTITUTIONS, NOT_NAMES, WORDS
from .roles import COUNSEL, EN_LABELS, EN_ROLES, EN_TITLES, KIN, LABELS, MEDICAL, PARTIES, TITLES
from .scan import Windows, beginnings, first_of, matches, matches_at

Name = tuple[int, int]
"""Start and end (exclusive) of a name."""

HAN = "\u4e00-\u9fff"

# The surnames of the census reports and of the Hundred Family Surnames, simplified and traditional, without those that
# are common words in other places (于是, 方面, 时, 应): these are in _WEAK and need a label or a mark behind the name.
_SURNAMES = (
    "王李张刘陈杨赵黄肖付雷梅席卫祁符刁辜甄邬佘逄阚晁储湛邸周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范石姚谭廖邹熊金陆"
    "郝孔白崔康毛邱秦江史顾侯邵孟龙段章钱汤尹黎易武乔贺赖龚庞樊兰殷施陶洪翟颜倪严牛温芦季俞鲁葛伍申尤毕聂柴焦欧齐沙涂耿阮阳"
    "詹辛管祝左甘兀苗鲍包裴路游霍纪尚柯房单凌屈项童费翁骆覃韦苑岳宁柏窦卜谷褚裘瞿靳郁蒲冉闵闫娄卞臧桂栗佟仇丛蓝靖牟狄米戚邢"
    "晏滕楚仲冷隋宫车鞠巩匡盛穆荀燕冀桑卓池迟井岑解荣华宣奚郎巫麦封虞莫柳简滑阙缪邝郜郇郦景兴廉党艾蔚窑"
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許蔣賈葉閻鐘鍾譚陸鄒龍錢湯賀賴龔龐蘭陳顏嚴溫蘆魯畢聶歐齊駱韋竇閔婁盧蘇呂顧"
)
_WEAK = "晋吉皮巴粟鄢万舒邬惠于方时应向常成全文平明连华曲安司水麻危计伏米臧强支昝经都边关富相查后荆红权商佘游海和伊喻屠蒙池乌能苍双党翟劳逄姬扶堵宰璩雍桑桂牛寿通农别庄晏瞿阎充慕茹习宦鱼容古慎戈终步耿满国寇广禄阙东沃利越夔隆师厍晁勾敖融訾辛阚那饶空毋沙乜养须丰巢关蒯相查后江竺逯盖益桓公由代但楼敬甄郭柯幸肖付闻官初布元仝冼展修信原苟尔多冒种谌揭战候降才年弓院丘战青楚鹿银才欣盘覃佴阿"
_COMPOUND = (
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|夏侯|皇甫|尉迟|尉遲|公孙|公孫|慕容|令狐|宇文|长孙|司徒|司空|端木|东方|独孤|南宫|轩辕|"
    "百里|呼延|闾丘|申屠|太史|澹台|公冶|濮阳|淳于|单于|钟离|鲜于|赫连|拓跋|完颜|纳兰|西门|东郭|南门|万俟|闻人|第五"
)
# Characters of given names, by our own judgement: 患者严重 and 原告高度 begin with surnames, 重 and 度 are in no name.
_GIVEN = frozenset(
    "守然妮兵凱競曾伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚秀英华慧巧美淑惠珠翠雅芝玉萍红娥玲芬燕彩春菊兰凤洁梅琳素云莲真环雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞"
    "莉桂娣叶璧璐娅琦晶妍茜秋珊莎锦黛青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽琬茗羽希宁"
    "欣飘育滢馥筠柔竹霭凝晓欢霄枫芸菲寒伊亚宜可姬舒影荔枝思俊峰军保东文辉力明永健世广志义兴良海山仁波宁贵福生龙元全国胜学祥才发武新利清飞彬"
    "富顺信子杰涛昌成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆磊民友裕河哲江超浩亮政谦亨奇固之轮翰朗伯宏言若鸣"
    "朋斌梁栋维启克伦翔旭鹏泽晨辰士以建家致树炎德行时泰盛雄琛钧冠策腾楠榕风航弘昊宇轩皓煜祺涵雨桐梓萱诗语欣妍彤奕晗沐子墨熙睿锐铭钰鑫淼森焱"
    "垚晟旻昱曦曼琪琳珂珏珣珺瑜瑄璇璟瓒璋玮玥玟玫琢琨琳瑛瑶璞卉莹莺萌芮芷苒若菀菡萃蒙蓝蔓薰蕾藜虹蝶袁裕褀诺诗谊谨豆贝赋赫跃轶辛远迪迎连逸遥"
    "邈郁采金银钢铁铃铎锋锡锦镇镕长门闯闻阔阳陆陵隆隽雄雅雯霆霖霜霓靖韬韶顶顺颂颐飒飚香馨驰驹骁骏高魁鸿鹃鹤麒麟黎齐龄龙傲儒仕仪任伊伍优传伶佐佑"
    "佩侃侠倚倪健储傅允元充兆先克兰兴军冬冲净凌凯凤刚初利勋勤化北升协卓卫厚双发叔古召可吉名向启和哲唐喜喻嘉团圆圣坤培基堂塔墨增士夏外多大天太夫"
    "奎奥好如妙姗姿娇婧孝孟季学孺宗官定宛实宣宪家容宽宾寅富寒寿小少尔尚居展屏山岗岩岭岳峥峻崇嵘嵩川州巍工左巧己师希帆常干平年广庆应庚康延建开"
    "弢归彦彭征律得徽心忆志忠念怀怡恒恩悟情惟意愿慈慎懿戈成战所才扬承技抒拓拥挺振捷放政教敏文斯新方施旗日旦旺昂昆昌易昕春昶显晋晖晴智曙月朝木"
    "本朴权材来杨松柏柔柯柳标栋树根格桃桂桥桦棋棠楚横欢正步武殿毅民水永汉江池汝沁沙沛泉泊波泓洁洋洪洲津济浚浦涌涓润淇渊清渝温游湘源溪滔滨漫潇潮澄"
    "激炜炫烁烈烨煊照熊熠燕爱牧犁献玄王珍珠班琪瑰生甫用田申男界略白百皓盈益盼直相省睦石碧磊社祖祝祯祺禄福禹禾秉科稳穗穆立章竞竹笑笛策筱箫簇米粤精"
    "素索红纪纯练细绍经维绮绿绪缘缨罡美羚翀翎翠翼耀耕聚聪肖胜能自舟航良节芒花芝苏茵荃莎莲菊菱葆蒲蓓蔚薪虎衍衡裴观解言训诚读谋谦豫贞财贤贯贵赛超越"
    "路车轩辉辰达迅远逊通道遂邦邱郑郭鄂里重野钊钦铮锐长闽阅阳陶隐雁雅雷震青静革韦韵项顺须顾飞马驰骅骞高鲁鲜鸣鹰麦黄黎三四五六七八九二一丁丙乙甲"
    "偉麗強軍傑濤華豔艷潔蘭蓮瑩雲愛瓊鳳榮慶國龍勝學發飛順進賢貴財寶強東輝義廣興億詩誠謙維紅綺聰蕭銘銳鋒錦鎮閔陽陸雙電靈韻頤顯鴻鵬麟齡"
)
# What goes on behind a name. A word of 张三 + 诉: the first of these in second place ends the name there.
_FOLLOW = frozenset(
    "诉与和及系称辩因于在向将对的为到不未已是被所等由均共从又曾给要也则并都还就只仍即这那其此且或但而把让使令请男女说问答看去入出住诊告证述认提支借欠签驾持犯"
    "涉拒同，。；：、！？（）()《》“”,.;:!?\n\t 訴與稱辯為應來個無從對將讓請說問經"
)
_MARK = frozenset("，。；：、！？（）()《》“”\"',.;:!?\n\r\t 　/|")

_CAPITALIZED = "[A-ZÀ-ÖØ-ÞĀ-Ž][a-zà-öø-ÿĀ-ž]+"
_WORD = (
    rf"(?:[A-Z]\.(?![A-Za-z])|St\.(?=\s[A-Z])|(?:(?:Mc|Mac|O['’]|D['’]|De|La|Le|Du|Van|Fitz)?{_CAPITALIZED})(?:-(?:Mc|Mac|O['’]|D['’])?{_CAPITALIZED}){{0,2}}|"
    r"(?:O['’]|D['’])?[A-ZÀ-ÖØ-Þ]{2,}(?:-[A-ZÀ-ÖØ-Þ]{2,})?(?![a-z])|"
    r"(?:van|von|de|der|den|la|las|los|del|della|di|da|dos|du|ter|bin|ibn|al|el)(?=\s))"
)
_SUFFIX = r"(?:,?[ ](?:Jr|Sr|II|III|IV)(?![A-Za-z])\.?)?"

_PARENTHESIS = r"(?:[（(][^（）()\n]{1,20}[)）])?"


# Tibetan names are mostly two of these; Mongolian, Uyghur and Kazakh names without a dot one or two of those.
_TIBETAN = (
    "扎西|多吉|次仁|卓玛|达瓦|尼玛|旦增|丹增|洛桑|央金|索朗|格桑|平措|白玛|拉姆|巴桑|普布|米玛|边巴|强巴|仁青|仁增|贡布|顿珠|旺堆|曲珍|德吉|玉珍|次旦|次旺|"
    "旺姆|措姆|梅朵|才让|才旦|桑吉|嘉措|南杰|群培|阿旺|土登|益西|罗布|扎巴|坚赞|噶玛|卓嘎|拉毛|华旦|更登|仁钦|晋美|加措|班觉|赤列|旺杰|云丹|央宗|德庆|次央|曲扎"
)
_STEPPE = (
    "巴特尔|巴图|乌云|其木格|其其格|高娃|塔娜|苏日娜|娜仁|萨仁|图雅|格日勒|额尔德尼|朝鲁|布和|哈斯|斯琴|阿拉坦|呼和|那顺|宝音|青格乐|敖特根|孟和|吉日嘎拉|"
    "乌兰|托娅|巴雅尔|特木尔|苏和|苏德|必力格|道尔吉|宝力德|那仁|买买提|阿卜杜拉|阿不都|阿布都|热合曼|热依木|古丽|阿依|吐尔逊|艾力|艾合买提|司马义|玉素甫|依布拉音|努尔|努尔兰|"
    "叶尔兰|哈力克|阿迪力|木合塔尔|帕提古丽|依明|肉孜|卡德尔|阿斯兰|巴合提|沙吾列|古丽娜尔|阿依古丽|艾买提|麦麦提|吾买尔|热西提|哈丽旦|阿卜力孜|阿布力孜|吐尔洪|艾尔肯|买合木提|帕尔哈提|阿不来提|迪里夏提"
)


@lru_cache(maxsize=1)
def _zh() -> dict[str, re.Pattern[str]]:
    every = f"[{_SURNAMES}{_WEAK}]"
    roles = "|".join(sorted({*PARTIES.split("|"), *MEDICAL.split("|")}, key=lambda w: (-len(w), w)))
    labels = "|".join(
        sorted(
            {word for words in (LABELS, PARTIES, MEDICAL, COUNSEL, KIN) for word in words.split("|")},
            key=lambda w: (-len(w), w),
        )
    )
    # 吐尔逊.肉孜: between two of these a point ends no sentence.
    steppe = "|".join(sorted(_STEPPE.split("|"), key=len, reverse=True))
    syllables = rf"(?:{_TIBETAN}){{2}}|(?:{steppe}){{1,2}}(?:\.(?:{steppe}){{1,2}})?"
    part = f"(?:(?![与和及是的在为了等从向对将被把说称也即我你他她它能请要没某])[{HAN}])"
    dotted = rf"{part}{{1,8}}(?:[·•・]{part}{{1,10}}){{1,3}}"
    return {
        # Behind a role, with nothing between: read by `_end`.
        "role": re.compile(rf"(?:{roles}){_PARENTHESIS}(?=(?:{_COMPOUND}|{every})[{HAN}])"),
        # Behind a role and a mark, or a label: any surname, and what stands up to the next mark.
        "label": re.compile(
            rf"(?:{labels}){_PARENTHESIS}(?:[ \t]*(?:[:：]|为[:：]?|是|叫|名叫)|(?=[ \t\u3000]))[ \t_\u3000]*"
            rf"({dotted}|(?:{_COMPOUND})[ \u3000]{{0,4}}[{HAN}]{{1,2}}|{every}[ \u3000]{{0,4}}[{HAN}]{{1,2}})"
        ),
        # Behind any of these words, with a mark between or not: names that are told from other words by their form.
        "form": re.compile(
            rf"(?:{labels}){_PARENTHESIS}(?:[ \t]*(?:[:：]|为[:：]?|是|叫|名叫))?[ \t_]*({dotted}|{syllables})(?![·•・])"
        ),
        "dotted title": re.compile(rf"(?<![{HAN}·•・])({part}{{2,8}}(?:[·•・]{part}{{1,8}}){{1,3}}?)(?={TITLES})"),
        # Behind 姓名： alone, all up to a mark or the sex: names without a surname that is known. Only here is a point
        # between two parts no end of a sentence (医生不同意.如果).
        "whole": re.compile(
            rf"(?:姓名|名字)[ \t]*[:：][ \t_]*([{HAN}]{{2,8}}(?:\.[{HAN}]{{1,10}}){{0,3}})(?=[，,。；;\n（( \t]|\Z)"
        ),
        "whole role": re.compile(
            rf"(?:{roles}){_PARENTHESIS}[:：]?([{HAN}]{{2,8}})(?=[，,、（(](?:男|女)[，,、。；（(）)])"
        ),
        "latin": re.compile(
            rf"(?:{labels}){_PARENTHESIS}(?:[ \t]*(?:[:：]|为[:：]?|是|叫|名叫))?[ \t_]*({_WORD}(?:[ \t]{_WORD}){{1,3}})(?![A-Za-z])"
        ),
        "latin title": re.compile(rf"(?<![A-Za-z])({_WORD}(?:[ \t]{_WORD}){{0,3}})(?={TITLES})"),
        "sex": re.compile(
            rf"(?<![{HAN}])((?:(?:{_COMPOUND})[{HAN}]{{1,2}}|{every}[{HAN}]{{1,2}}|[{HAN}]{{1,6}}[·•・][{HAN}]{{1,8}}))"
            r"(?=[，,、（(][ ]?(?:男|女)(?:性)?[，,、。；）)])"
        ),
        "title": re.compile(rf"((?:{_COMPOUND}|{every})[{HAN}]{{0,2}}?)(?={TITLES})"),
        "head": re.compile(rf"(?:{roles})"),
        "kin": re.compile(rf"(?:{KIN})(?=(?:{_COMPOUND}|{every})[{HAN}])"),
        "counsel": re.compile(rf"(?:{COUNSEL})(?=(?:{_COMPOUND}|{every})[{HAN}])"),
        "list": re.compile(rf"[、及和与](?=(?:{_COMPOUND}|{every})[{HAN}])"),
        "compound": re.compile(rf"(?:{_COMPOUND})"),
    }


@lru_cache(maxsize=1)
def _zh_starts() -> dict[str, re.Pattern[str]]:
    """Where the rules that begin with the name itself can begin: what announces it stands a few characters on."""
    surnames = "".join(sorted({*_SURNAMES, *_WEAK, *(name[0] for name in _COMPOUND.split("|"))}))
    titles = "".join(sorted({title[0] for title in TITLES.split("|")}))
    labels = [word for words in (LABELS, PARTIES, MEDICAL, COUNSEL, KIN) for word in words.split("|")]
    first, second = ("".join(sorted({word[i] for word in labels})) for i in (0, 1))
    return {
        "labels": re.compile(f"[{first}](?=[{second}])"),
        "dotted": re.compile(rf"[{HAN}](?<![{HAN}·•・][{HAN}])(?=[{HAN}]{{1,8}}[·•・])"),
        "latin": re.compile(rf"[A-ZÀ-ÖØ-Þvbd](?<![A-Za-z][A-Za-z])(?=[A-Za-zÀ-ž.'’ \-]{{1,40}}[{titles}])"),
        "sex": re.compile(rf"[{HAN}](?<![{HAN}][{HAN}])(?=[{HAN}·•・]{{1,15}}[，,、（(] ?[男女])"),
        "title": re.compile(rf"[{surnames}](?=[{HAN}]{{0,3}}[{titles}])"),
    }


_CIVIL = ("先生", "女士", "小姐", "太太", "夫人")
_SPEAKERS = ("患者", "病人", "医生", "医师", "大夫", "护士", "醫生", "家属", "患兒", "患儿")
_DOTS = frozenset("·•・")
_KIN_WORDS = frozenset(KIN.split("|"))
_COUNSEL = tuple(COUNSEL.split("|"))
_MASKED = frozenset("某×XxＸ*＊○〇")
_ALIAS = frozenset("甲乙丙")
"""Behind the surname: 王甲 and 王乙, who are masked already."""
_COMPANY = re.compile(
    rf"([{HAN}（）()]{{0,18}})(?:公司|集团|银行|中心|医院|法院|检察院|学校|大学|学院|委员会|合作社|事务所|商行|经营部|厂|店|局|所|站|社|政府|村委会|居委会|管委会|街道办|保险|支行)"
)


def _company(text: str, at: int) -> bool:
    """Whether what stands at `at` goes on to the end of an institution's name."""
    match = _COMPANY.match(text, at)
    return match is not None and APART.isdisjoint(_cut(match[1]))


_NUMBER = re.compile(r"[（(〔\[]\s*(?:19|20)\d\d\s*[)）〕\]]")
"""Behind the word for who issued a document: 金政(2012)149号."""


def _cut(text: str) -> list[str]:
    from ..text.zh_words import cut_text  # compiled code: only where a role stands before a surname

    return cut_text(text)


def _end(text: str, at: int, surname: int) -> int:
    """Where the name ends that starts at `at` with a surname of so many characters; `at` where there is none."""
    first, second = at + surname, at + surname + 1
    if first >= len(text) or text[first] in _MASKED or text[first] in _MARK or text[first] in _ALIAS:
        return at
    # Where words end: 患者严重 has a word that begins with the surname, 患者严伟 has not.
    ends = {at}
    for word in _cut(text[at : at + 10]):
        ends.add(max(ends) + len(word))
    if text[first] == "均" and text[second : second + 1] in _MARK and not _weak(text, at):
        return second  # 李均、李洪林
    if text[first] not in _GIVEN and (text[first] in _FOLLOW or first not in ends):
        return at
    third, behind = text[second : second + 1], text[second + 1 : second + 2]
    if not third or third in _MARK or third in _MASKED or not "\u4e00" <= third <= "\u9fff":
        return second
    if behind in _MARK and (third in _GIVEN or third not in _FOLLOW):
        return second + 1
    if third in _GIVEN and third not in _FOLLOW and behind in _FOLLOW:
        return second + 1
    if third in _FOLLOW or (third not in _GIVEN and second + 1 not in ends):
        return second
    # 王芳提供 against 王建国提供: a word of two that begins behind the first character of the given name.
    return second if second in ends and second + 1 not in ends else second + 1


def _surname(text: str, at: int) -> int:
    if _zh()["compound"].match(text, at):
        return 2
    return 1


def _good(value: str) -> bool:
    known = value in NOT_NAMES or value[:2] in NOT_NAMES or value in _KIN_WORDS
    return len(value) >= 2 and not _MASKED & set(value) and not known


def _weak(text: str, at: int) -> bool:
    return _surname(text, at) == 1 and text[at] in _WEAK and text[at] not in _SURNAMES


def _surely(text: str, start: int, end: int) -> bool:
    """For a surname that is a common word: characters of given names behind it, then a mark or what goes on behind names.

    患者于某日, 被告方提出 and 被告人时常 are none; 证人方秀华证实 is.
    """
    behind = text[end : end + 1]
    return (
        all(c in _GIVEN for c in text[start + 1 : end])
        and (not behind or behind in _MARK or behind in _FOLLOW)
        and text[start + 1 : end] not in ("明天", "今天", "同一", "全国", "本人", "新增", "家中", "家", "所")
        and not text.startswith(("和", "与"), start)
        and len((_cut(text[start:end]) or [""])[0]) == 1
    )


def _grammar(text: str, start: int, end: int) -> bool:
    """Whether what stands behind a role begins with an adverb that is a surname too: 患者易患, 患者曾建议, 病人都能, 患者应慎用的."""
    if text[start] in "曾易许":
        return not set(text[start + 1 : end]) <= _GIVEN or _cut(text[start : start + 10])[0] in WORDS
    return text[start] in "都应但后多能由" and text[end : end + 1] not in _MARK


def _zh_names(text: str, court: bool, places: Windows) -> Iterator[Name]:
    rules = _zh()
    for name in ("role", "kin") if court else ("role", "kin", "counsel"):
        for match in matches(rules[name], text, places):
            # 妇女儿童 has no daughter.
            if name != "kin" or not _inside_a_word(text, match.start()):
                yield from _behind_role(text, match.end(), name == "kin")
    labels = beginnings(_zh_starts()["labels"], text, places)
    for name, begins in (
        ("form", labels),
        ("whole", labels),
        ("whole role", labels),
        ("dotted title", beginnings(_zh_starts()["dotted"], text, places)),
    ):
        for match in matches_at(rules[name], text, begins):
            start, end = match.span(match.lastindex or 1)
            value = text[start:end]
            known = name.startswith("whole") and (
                len(_cut(value)) < 2 or value[:2] in NOT_NAMES or bool(_MASKED & set(value))
            )
            if not known and not _company(text, start) and not (court and match[0].startswith(_COUNSEL)):
                yield start, end
    for name, begins in (("latin", labels), ("latin title", beginnings(_zh_starts()["latin"], text, places))):
        for match in matches_at(rules[name], text, begins):
            found = _en_value(text, *match.span(1), 2 if name == "latin" else 1)
            if found is not None:
                yield found
    yield from _labelled(text, places)
    yield from _marked(text, court, places)


def _behind_role(text: str, start: int, strict: bool) -> Iterator[Name]:
    """The name that begins at `start`, behind a role, and those listed behind it. `strict`: no word, and given names only."""
    rules = _zh()
    while True:
        end = _end(text, start, _surname(text, start))
        value = text[start:end]
        sure = not _weak(text, start) or (
            _surely(text, start, end) and not (strict and text[end : end + 1] in _FOLLOW - _MARK)
        )
        if strict and not (
            set(text[start + _surname(text, start) : end]) <= _GIVEN and text[end : end + 1] in _MARK | _FOLLOW
        ):
            break
        if value in WORDS and not re.match("[，,、（(][男女]", text[end : end + 2]):
            break
        if value and _grammar(text, start, end):
            break
        if not value or not sure or not _good(value) or _company(text, end) or _NUMBER.match(text, end):
            break
        yield start, end
        more = rules["list"].match(text, end)
        if not more:
            break
        start = more.end()


def _labelled(text: str, places: Windows) -> Iterator[Name]:
    for match in matches_at(_zh()["label"], text, beginnings(_zh_starts()["labels"], text, places)):
        start, end = match.span(1)
        if not _DOTS & set(match[1]):
            surname = _surname(text, start)
            # 被执行人是公民的, 转让人是房地产登记簿记载的: behind a verb a name must be told from words, as behind a role.
            if text[start - 1] in "是为" and (
                _end(text, start, surname) == start or len(_cut(text[start : start + 10])[0]) > surname + 1
            ):
                continue
            gap = text[start + surname] in " \u3000"
            if not gap:
                end = min(end, max(_end(text, start, surname), start + surname + 1))
                # A character that is in no list of given names, and a mark behind it, is a name all the same.
                if text[end : end + 1] not in _MARK and text[end + 1 : end + 2] in _MARK and match.end(1) == end + 1:
                    end += 1
        value = text[start:end].replace(" ", "").replace("\u3000", "")
        # 患者：查出来, 医生：由于: what is said behind who speaks.
        said = (
            match[0].startswith(_SPEAKERS)
            and "名" not in match[0][: start - match.start()]
            and (
                value in WORDS
                or len(_cut(text[start:end])[0]) > 1
                or not set(value[_surname(text, start) :]) <= _GIVEN
                or (_weak(text, start) and not _surely(text, start, end))
            )
        )
        disease = any(text[start : start + n] in NOT_NAMES for n in (2, 3))
        if _good(value) and not said and not disease and not _company(text, start):
            yield start, end


def _marked(text: str, court: bool, places: Windows) -> Iterator[Name]:
    """Names with the sex or a title behind them."""
    rules = _zh()
    for name in ("sex", "title"):
        for match in matches_at(rules[name], text, beginnings(_zh_starts()[name], text, places)):
            start, end = match.span(1)
            if name == "title":
                title = text[end : end + 2]
                before = text[start - 1 : start] if start else ""
                # 陈医生 and 李主任 at the head of a clause; inside one, 提高教授水平 holds no Professor 高.
                alone = end - start == 1 and "\u4e00" <= before <= "\u9fff"
                weak = _weak(text, start)
                unlike = (weak or title not in _CIVIL) and not set(text[start + _surname(text, start) : end]) <= _GIVEN
                unlike |= weak and (end - start == 1 or "\u4e00" <= before <= "\u9fff")
                if (
                    unlike
                    or (court and title in ("法官", "律师", "检察"))
                    or (alone and (title not in _CIVIL or before in "一二三四五六七八九十第前"))
                ):
                    continue
                inner = "\u4e00" <= before <= "\u9fff"
                if end - start <= 2 and (
                    text[start] in "老房" or (text[start] == "任" and (inner or end - start == 1))
                ):
                    continue  # 现任太太, 房东林先生
                if (inner and _inside_a_word(text, start)) or text[start] == "由":
                    continue  # 设施中心主任, 由一名院长
                if match[1][1:] == "老" or (title == "医师" and text[end + 2 : end + 4] in ("医疗", "资格")):
                    continue  # 张老太太
                if title not in _CIVIL and (len(_cut(match[1])) < 2 and end - start == 2):
                    continue  # 安全主任, 金融博士
                given = match[1][_surname(text, start) :]
                if not _MASKED & set(given) and not any(c in _FOLLOW for c in given):
                    yield start, end
            elif _good(match[1]) and not rules["head"].match(match[1]):
                yield start, end


def _inside_a_word(text: str, at: int) -> bool:
    """Whether a word begins before `at` and goes on behind it."""
    begin = max(0, at - 6)
    for word in _cut(text[begin : at + 6]):
        if begin >= at:
            break
        if begin + len(word) > at:
            return True
        begin += len(word)
    return False


_MONTHS = frozenset(("may", "june", "april", "august"))


@lru_cache(maxsize=1)
def _en() -> dict[str, re.Pattern[str]]:
    name = rf"{_WORD}(?:[ \t]{_WORD}){{1,4}}"
    single = rf"{_WORD}(?:[ \t]{_WORD}){{0,4}}"
    return {
        "title": re.compile(rf"(?<![A-Za-z])(?:{EN_TITLES})(?:\.[ \t]?|[ \t])({single})"),
        "role": re.compile(rf"(?<![A-Za-z])(?i:{EN_ROLES})(?:,? (?i:named|called|identified as))?,?[ \t]({name})"),
        "label": re.compile(
            rf"(?<![A-Za-z])(?i:{EN_LABELS})[ \t]*:[ \t]*({_WORD}(?:[ ]{_WORD})?,[ ]{_WORD}(?:[ ](?:{_WORD}|[A-Z](?![A-Za-z]))){{0,2}}(?=[ \t]*(?:[,;.\n(]|\Z|[ ]{{2}}))|{single})"
        ),
        "behind": re.compile(
            rf"(?<![A-Za-z])({name})(?=,? (?:M\.?D\.?|D\.?O\.?|R\.?N\.?|Ph\.?D\.?|N\.?P\.?|P\.?A\.?-?C?|DDS|Esq)(?![A-Za-z])"
            rf"|,? (?:\(?(?:the |hereinafter |as )?[\"“']?(?i:plaintiff|defendant|appellant|appellee|petitioner|respondent)(?![A-Za-z])))"
        ),
        "last": re.compile(rf"[ \t]({_WORD})\Z"),
    }


@lru_cache(maxsize=1)
def _en_starts() -> dict[str, re.Pattern[str]]:
    """Where each English rule can begin: at the head of a word."""
    return {
        "title": re.compile("[MDPSNRLCHFG](?<![A-Za-z][A-Z])(?=[A-Za-z])"),
        "role": first_of(EN_ROLES),
        "label": re.compile("[A-Za-z](?<![A-Za-z][A-Za-z])(?=[A-Za-z \t]+:)"),
        "behind": re.compile("[A-Zvbdl](?<![A-Za-z][A-Za-z])"),
    }


def _en_value(text: str, start: int, end: int, least: int) -> Name | None:
    """The span without the words of institutions behind the name; None if too few words are left."""
    kept = start
    words = 0
    for word in re.finditer(r"\S+", text[start:end]):
        plain = word[0].strip(".,").lower()
        if plain in INSTITUTIONS and not re.fullmatch(r"[A-Z]\." if not words else r"[A-Z]\.?", word[0]):
            if plain in _MONTHS:  # Kristina May, April Mooney
                kept, words = start + word.end(), words + 1
                continue
            if words == 0 or plain in ("inc", "corp", "corporation", "llc", "ltd", "company", "bank", "university"):
                return None
            break
        kept = start + word.end()
        words += 1
    value = text[start:kept]
    if not re.search(r"[A-Za-zà-ÿ]{2}", value):
        return None  # initials: what courts publish
    if words < least or "Nemo-" in text[start : kept + 6] or (value.endswith(".") and len(value) < 3):
        return None
    if re.match(r",? (?:Inc|Corp|LLC|Ltd|L\.L\.C|Company|Co\.|LLP|& )", text[kept : kept + 10]):
        return None
    suffix = re.match(_SUFFIX, text[kept : kept + 8])
    return start, kept + (suffix.end() if suffix else 0)


def _in_small(text: str, word: str) -> bool:
    """Whether the word stands in the text in small letters. No regex: a look-behind would be tried at every character."""
    at = text.find(word)
    while at >= 0:
        around = text[max(0, at - 1) : at] + text[at + len(word) : at + len(word) + 1]
        if not re.search("[A-Za-z]", around):
            return True
        at = text.find(word, at + 1)
    return False


def _en_names(text: str, places: Windows) -> Iterator[Name]:
    for name, pattern in _en().items():
        if name == "last":
            continue
        for match in matches_at(pattern, text, beginnings(_en_starts()[name], text, places)):
            least = 1 if name in ("title", "label") else 2
            found = _en_value(text, *match.span(1), least)
            spoken = name == "label" and found is not None and _speech(text, match, *found)
            if found is None or spoken:
                continue
            # Personal Data, IF YOU, the Plan: words that the text has in small letters too. Mr. Young and Name: Mark may
            # share a text with theirs.
            words = re.findall("[A-Za-z]+", text[found[0] : found[1]])
            own = name == "title" or _NAME_LABEL.match(match[0])
            if own or not all(_in_small(text, word.lower()) for word in words):
                yield found


_SAID_WORDS = (
    "yes yeah yep no nope nah never not none nothing nobody ok okay sure well right correct exactly maybe perhaps i "
    "it he she they we you this that these those the a an my his her their our your and but or so if when where what "
    "who why how then there here is are was were do does did don't doesn't didn't can can't could couldn't would "
    "should have has had except only just also still sometimes always usually often hello hi thanks thank good fine "
    "unless until while whenever although though once please sorry oh um uh hmm um-hum uh-huh mhm all some any more "
    "less much many since for from with without in on "
    "at to of by about after before denies denied reports states presents unknown male female because everything "
    "everyone something someone anything definitely probably actually absolutely mostly mainly today yesterday dr mr "
    "mrs ms miss prof"
)
_SAID = frozenset(_SAID_WORDS.split())
"""Words that begin what somebody says, or a note on them: never a name alone."""
_CUT_SHORT = re.compile(r"['’](?:t|re|ve|ll|m|d)(?![A-Za-z])")


_SPEAKER = re.compile(
    "(?:patient|pt|client|doctor|dr|physician|nurse|provider|surgeon|caregiver|guardian|attending|witness)[ \t]*:", re.I
)
_ALONE = re.compile(r"[ \t]*(?:\r?\n|\Z|  |[,;(][ ]?[0-9A-Z])")


def _speech(text: str, match: re.Match[str], start: int, end: int) -> bool:
    """Whether what follows a label such as `Patient:` is what the patient says: its first word is no name."""
    first, *more = text[start:end].split()
    if re.fullmatch(r"[A-Z]\.", first):
        return False
    # One word behind who speaks (`Patient: Terrible.`, `Doctor: Bout three`) is a name only if nothing is said with it.
    if not more and _SPEAKER.match(text, match.start()) and not _ALONE.match(text, end):
        return True
    return first.strip(".,").lower() in _SAID or _CUT_SHORT.match(text, start + len(first)) is not None


# Names that are words: repeated mentions of these alone are left to the rules.
_NAME_LABEL = re.compile("(?:[A-Za-z]+ )?(?:name|patient|pt)[ \t]*:", re.I)
_COMMON = "May June April August Brown Green White Black Gray Grey King Young Long Short Law Court Case Day Page Price Hill Field Rose Will Mark Rich Best"
_COMMON_LAST = frozenset(_COMMON.split())


_NEXT = frozenset("之自用取以因到将一")


def _without_next_words(text: str, found: set[Name]) -> set[Name]:
    """王强自 and 王强取 as 王强, where 王强 is found in the document by itself: else one person would be two.

    The last character goes if it is one of grammar's; 一 only where a longer word begins with it (张心 | 一起).
    """
    values = {text[start:end] for start, end in found}
    out: set[Name] = set()
    for start, end in found:
        shorter = text[start : end - 1]
        next_word = end - start == 3 and shorter in values and text[end - 1] in _NEXT
        if next_word and (text[end - 1] != "一" or len(_cut(text[end - 1 : end + 5])[0]) > 1):
            end -= 1
        out.add((start, end))
    return out


def names(text: str, court: bool, zh: Windows, en: Windows) -> list[Name]:
    """The names in `text`, looked for in these stretches, and each mention of what was found anywhere.

    `court` leaves judges and counsel alone.
    """
    found = _without_next_words(text, {*_zh_names(text, court, zh), *_en_names(text, en)})
    again: set[str] = set()
    for start, end in found:
        value = text[start:end]
        if value[0].isascii():
            last = _en()["last"].search(value)
            again.add(value)
            if last and len(last[1]) > 2 and last[1] not in _COMMON_LAST and last[1].lower() not in INSTITUTIONS:
                again.add(last[1])
        elif len(value) > 1:
            again.add(value)
    if again:
        ordered = sorted(again, key=lambda v: (-len(v), v))
        mention = "|".join(
            rf"(?<![A-Za-z]){re.escape(v)}(?![A-Za-z])" if v[0].isascii() else re.escape(v) for v in ordered
        )
        found |= {m.span() for m in re.finditer(mention, text)}
    return sorted(found, key=lambda name: (name[0], -name[1]))


def court_names(values: list[str]) -> dict[str, str]:
    """The form that courts publish for each name: the surname and 某; initials for Latin names.

    Where two people would be written alike, a number follows (Supreme People's Court, provisions on the publication of
    judgments on the internet, 2016, art. 9 and 10): 王某1, 王某2 in the order of first mention.
    """
    plain: dict[str, str] = {}
    for value in values:
        if value[0].isascii():
            words = value.split()
            plain[value] = " ".join(f"{w[0]}." for w in words)
        elif "·" in value or "•" in value or "・" in value:
            plain[value] = value[0] + "某"
        else:
            compound = _zh()["compound"].match(value)
            plain[value] = (compound[0] if compound else value[0]) + "某"
    out: dict[str, str] = {}
    for value, form in plain.items():
        same = [v for v, f in plain.items() if f == form]
        out[value] = form if len(same) == 1 or value[0].isascii() else f"{form}{same.index(value) + 1}"
    return out

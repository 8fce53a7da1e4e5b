"""Names of people, found by what stands beside them: a role, a label, a title.

No list of people and no model: a name is looked for only where a role (患者, 原告, plaintiff), a label (姓名：), a title
(先生, Dr.) or the form of a judgment (张三，男，汉族) announces one. What was found once is then found everywhere in the document.
Chinese writes no boundary behind a name, so its end is read from what follows: 原告张三诉 ends before 诉, 原告王建国诉 too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .dates import MONTHS
from .roles import EN_LABELS, EN_ROLES, LABELS, MEDICAL, PARTIES, TITLES
from .scan import Windows, beginnings, first_of, matches, matches_at

Name = tuple[int, int]
"""Start and end (exclusive) of a name."""

HAN = "\u4e00-\u9fff"

# The surnames of the census reports and of the Hundred Family Surnames, simplified and traditional, without those that
# are common words in other places (于是, 方面, 时, 应): these are in _WEAK and need a label or a mark behind the name.
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范石姚谭廖邹熊金陆"
    "郝孔白崔康毛邱秦江史顾侯邵孟龙段章钱汤尹黎易武乔贺赖龚庞樊兰殷施陶洪翟颜倪严牛温芦季俞鲁葛伍申尤毕聂柴焦欧齐沙涂耿阮阳"
    "詹辛管祝左甘兀苗鲍包裴路游霍纪尚柯房单凌屈项童费翁骆覃韦苑岳宁柏窦卜谷褚裘瞿靳郁蒲冉闵闫娄卞臧桂栗佟仇丛蓝靖牟狄米戚邢"
    "晏滕楚仲冷隋宫车鞠巩匡盛穆荀燕冀桑卓池迟井岑解荣华宣奚郎巫麦封虞莫柳简滑阙缪邝郜郇郦景兴廉党艾蔚窑"
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許蔣賈葉閻鐘鍾譚陸鄒龍錢湯賀賴龔龐蘭陳顏嚴溫蘆魯畢聶歐齊駱韋竇閔婁盧蘇呂顧"
)
_WEAK = "万舒邬惠于方时应向常成全文平明连华曲安司水麻危计伏米臧强支昝经都边关富相查后荆红权商佘游海和伊喻屠蒙池乌能苍双党翟劳逄姬扶堵宰璩雍桑桂牛寿通农别庄晏瞿阎充慕茹习宦鱼容古慎戈终步耿满国寇广禄阙东沃利越夔隆师厍晁勾敖融訾辛阚那饶空毋沙乜养须丰巢关蒯相查后江竺逯盖益桓公由代但楼敬甄郭柯幸肖付闻官初布元仝冼展修信原苟尔多冒种谌揭战候降才年弓院丘战青楚鹿银才欣盘覃佴阿"
_COMPOUND = (
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|夏侯|皇甫|尉迟|尉遲|公孙|公孫|慕容|令狐|宇文|长孙|司徒|司空|端木|东方|独孤|南宫|轩辕|"
    "百里|呼延|闾丘|申屠|太史|澹台|公冶|濮阳|淳于|单于|钟离|鲜于|赫连|拓跋|完颜|纳兰|西门|东郭|南门|万俟|闻人|第五"
)
# Characters of given names, by our own judgement: 患者严重 and 原告高度 begin with surnames, 重 and 度 are in no name.
_GIVEN = frozenset(
    "兵凱競曾伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚秀英华慧巧美淑惠珠翠雅芝玉萍红娥玲芬燕彩春菊兰凤洁梅琳素云莲真环雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞"
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

_PARENTHESIS = r"(?:[（(][^（）()\n]{1,20}[)）])?"


@lru_cache(maxsize=1)
def _zh() -> dict[str, re.Pattern[str]]:
    strong, every = f"[{_SURNAMES}]", f"[{_SURNAMES}{_WEAK}]"
    roles = "|".join(sorted({*PARTIES.split("|"), *MEDICAL.split("|")}, key=lambda w: (-len(w), w)))
    labels = "|".join(
        sorted({*LABELS.split("|"), *PARTIES.split("|"), *MEDICAL.split("|")}, key=lambda w: (-len(w), w))
    )
    return {
        # Behind a role, with nothing between: read by `_end`.
        "role": re.compile(rf"(?:{roles}){_PARENTHESIS}(?=(?:{_COMPOUND}|{every})[{HAN}])"),
        # Behind a role and a mark, or a label: any surname, and what stands up to the next mark.
        "label": re.compile(
            rf"(?:{labels}){_PARENTHESIS}[ \t]*(?:[:：]|为[:：]?|是|叫|名叫)[ \t_]*"
            rf"((?:(?:{_COMPOUND})[{HAN}]{{1,2}}|{every}[ \u3000]?[{HAN}]{{1,2}}|[{HAN}]{{1,6}}[·•・][{HAN}]{{1,8}}))"
        ),
        "sex": re.compile(
            rf"(?<![{HAN}])((?:(?:{_COMPOUND})[{HAN}]{{1,2}}|{every}[{HAN}]{{1,2}}|[{HAN}]{{1,6}}[·•・][{HAN}]{{1,8}}))"
            r"(?=[，,、（(][ ]?(?:男|女)(?:性)?[，,、。；）)])"
        ),
        "title": re.compile(rf"((?:{_COMPOUND}|{every})[{HAN}]{{0,2}}?)(?={TITLES})"),
        "list": re.compile(rf"[、及和与](?=(?:{_COMPOUND}|{strong})[{HAN}])"),
        "compound": re.compile(rf"(?:{_COMPOUND})"),
    }


@lru_cache(maxsize=1)
def _zh_starts() -> dict[str, re.Pattern[str]]:
    """Where the rules that begin with the name itself can begin: what announces it stands a few characters on."""
    surnames = "".join(sorted({*_SURNAMES, *_WEAK, *(name[0] for name in _COMPOUND.split("|"))}))
    titles = "".join(sorted({title[0] for title in TITLES.split("|")}))
    return {
        "sex": re.compile(rf"[{HAN}](?<![{HAN}][{HAN}])(?=[{HAN}·•・]{{1,15}}[，,、（(] ?[男女])"),
        "title": re.compile(rf"[{surnames}](?=[{HAN}]{{0,3}}[{titles}])"),
    }


_CIVIL = ("先生", "女士", "小姐", "太太", "夫人")
_MASKED = frozenset("某×XxＸ*＊○〇")
# Read over the whole of a find: what begins like a name behind a role, and is none.
_NOT_NAMES = frozenset(
    [
        "高血压",
        "高消",
        "尚未",
        "高血糖",
        "高血脂",
        "白细胞",
        "白血病",
        "黄疸",
        "石膏",
        "安全",
        "方面",
        "代表",
        "代理",
        "常见",
        "成年",
        "高度",
        "严重",
        "连续",
        "周围",
        "周身",
        "马上",
        "许可",
        "向法",
        "时间",
        "何时",
        "关系",
        "包括",
        "应当",
        "任何",
        "曾经",
        "关于",
        "车祸",
        "左侧",
        "右侧",
        "全身",
        "经常",
        "江苏",
        "平时",
        "明显",
        "单位",
        "管理",
        "施工",
        "史料",
        "路人",
        "毛发",
        "年龄",
        "性别",
        "电话",
        "地址",
        "住址",
        "民族",
        "职业",
        "身份",
        "签名",
        "姓名",
        "盖章",
        "双方",
        "一方",
        "公司",
        "全体",
        "相关",
        "有关",
        "支付",
        "方式",
        "信息",
        "名称",
        "单位名",
        "水平",
        "安静",
        "解放",
        "林业局",
        "国家",
        "本人",
        "先生",
        "女士",
        "多人",
        "成员",
        "房东",
        "房产",
        "司机",
        "荣获",
        "温度",
        "文化",
        "梁某",
        "不详",
        "无",
        "未知",
        "保密",
    ]
)
_COMPANY = re.compile(
    rf"[{HAN}（）()]{{0,18}}(?:公司|集团|银行|中心|医院|法院|检察院|学校|大学|学院|委员会|合作社|事务所|商行|经营部|厂|店|局|所|站|社|政府|村委会|居委会|保险|支行)"
)


_NUMBER = re.compile(r"[（(〔\[]\s*(?:19|20)\d\d\s*[)）〕\]]")
"""Behind the word for who issued a document: 金政(2012)149号."""


def _cut(text: str) -> list[str]:
    from ..text.zh_words import cut_text  # compiled code: only where a role stands before a surname

    return cut_text(text)


def _end(text: str, at: int, surname: int) -> int:
    """Where the name ends that starts at `at` with a surname of so many characters; `at` where there is none."""
    first, second = at + surname, at + surname + 1
    if first >= len(text) or text[first] in _MASKED or text[first] in _MARK:
        return at
    # Where words end: 患者严重 has a word that begins with the surname, 患者严伟 has not.
    ends = {at}
    for word in _cut(text[at : at + 10]):
        ends.add(max(ends) + len(word))
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
    return len(value) >= 2 and not _MASKED & set(value) and value not in _NOT_NAMES and value[:2] not in _NOT_NAMES


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
        and text[start + 1 : end] not in ("明天", "今天", "同一", "全国", "本人", "新增", "家中", "家")
        and len((_cut(text[start:end]) or [""])[0]) == 1
    )


def _zh_names(text: str, court: bool, places: Windows) -> Iterator[Name]:
    rules = _zh()
    for match in matches(rules["role"], text, places):
        start = match.end()
        while True:
            end = _end(text, start, _surname(text, start))
            value = text[start:end]
            sure = not _weak(text, start) or _surely(text, start, end)
            if not value or not sure or not _good(value) or _COMPANY.match(text, end) or _NUMBER.match(text, end):
                break
            yield start, end
            more = rules["list"].match(text, end)
            if not more:
                break
            start = more.end()
    for match in matches(rules["label"], text, places):
        start, end = match.span(1)
        if "·" not in match[1] and "•" not in match[1] and "・" not in match[1]:
            surname = _surname(text, start)
            gap = 1 if text[start + surname] in " \u3000" else 0
            if not gap:
                end = min(end, max(_end(text, start, surname), start + surname + 1))
                # A character that is in no list of given names, and a mark behind it, is a name all the same.
                if text[end : end + 1] not in _MARK and text[end + 1 : end + 2] in _MARK and match.end(1) == end + 1:
                    end += 1
        if _good(text[start:end].replace(" ", "").replace("\u3000", "")) and not _COMPANY.match(text, start):
            yield start, end
    for name in ("sex", "title"):
        for match in matches_at(rules[name], text, beginnings(_zh_starts()[name], text, places)):
            start, end = match.span(1)
            if name == "title":
                title = text[end : end + 2]
                before = text[start - 1 : start] if start else ""
                # 陈医生 and 李主任 at the head of a clause; inside one, 提高教授水平 holds no Professor 高.
                alone = end - start == 1 and "\u4e00" <= before <= "\u9fff"
                weak = _weak(text, start)
                unlike = (weak or title not in _CIVIL) and not set(text[start + 1 : end]) <= _GIVEN
                unlike |= weak and (end - start == 1 or "\u4e00" <= before <= "\u9fff")
                if (
                    unlike
                    or (court and title in ("法官", "律师"))
                    or (alone and (title not in _CIVIL or before in "一二三四五六七八九十第前"))
                ):
                    continue
                if text[start] in "任老房" and end - start <= 2:
                    continue  # 现任太太, 房东林先生
                if match[1][1:] == "老" or (title == "医师" and text[end + 2 : end + 4] in ("医疗", "资格")):
                    continue  # 张老太太
                if not _MASKED & set(match[1]) and not any(c in _FOLLOW for c in match[1][1:]):
                    yield start, end
            elif _good(match[1]):
                yield start, end


_WORD = r"(?:[A-Z]\.(?![A-Za-z])|(?:Mc|Mac|O['’]|D['’]|De|La|Le|Du|Van)?[A-Z][a-zà-ÿ]+(?:-[A-Z][a-zà-ÿ]+)?|[A-Z]{2,}(?![a-z])|(?:van|von|de|der|la|bin|al)(?=\s[A-Z]))"
_INSTITUTIONS = frozenset(
    [
        "united",
        "states",
        "state",
        "city",
        "county",
        "department",
        "bank",
        "company",
        "corp",
        "corporation",
        "inc",
        "llc",
        "ltd",
        "university",
        "insurance",
        "national",
        "american",
        "federal",
        "board",
        "association",
        "trust",
        "school",
        "district",
        "hospital",
        "center",
        "centre",
        "care",
        "protection",
        "rights",
        "advocate",
        "committee",
        "commission",
        "office",
        "agency",
        "authority",
        "general",
        "motors",
        "services",
        "service",
        "society",
        "union",
        "church",
        "college",
        "court",
        "group",
        "holdings",
        "partners",
        "the",
        "a",
        "an",
        "and",
        "of",
        "in",
        "for",
        "on",
        "by",
        "with",
        "was",
        "is",
        "has",
        "had",
        "have",
        "will",
        "shall",
        "who",
        "which",
        "that",
        "this",
        "these",
        "those",
        "his",
        "her",
        "its",
        "their",
        "our",
        "your",
        "no",
        "not",
        "president",
        "chairman",
        "speaker",
        "secretary",
        "vice",
        "majority",
        "minority",
        "attorney",
        "district",
        "judge",
        "justice",
        "doe-anonymous",
        "unknown",
        "none",
        "name",
        "date",
        "address",
        "phone",
        "tel",
        "age",
        "sex",
        "dob",
        "id",
        "history",
        "education",
        "safety",
        "satisfaction",
        "information",
        "portal",
        "records",
        "record",
        "status",
        "consent",
        "form",
        "act",
        *MONTHS,
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "english",
        "chinese",
        "medicare",
        "medicaid",
        "new",
        "york",
        "south",
        "north",
        "east",
        "west",
        "hotel",
        "council",
        "inn",
        "restaurant",
        "museum",
        "army",
        "navy",
        "force",
        "party",
        "team",
        "club",
        "foundation",
        "institute",
        "ministry",
        # Prof. Code Sec. 16600, Rev. Stat. 24-34-401, Rev. Rul. 75-1: parts of a code's name, behind what looks like a title.
        "code",
        "stat",
        "stats",
        "statutes",
        "sec",
        "section",
        "proc",
        "rul",
    ]
)


_MONTHS = frozenset(("may", "june", "april", "august"))


@lru_cache(maxsize=1)
def _en() -> dict[str, re.Pattern[str]]:
    name = rf"{_WORD}(?:[ \t]{_WORD}){{1,3}}"
    single = rf"{_WORD}(?:[ \t]{_WORD}){{0,3}}"
    return {
        "title": re.compile(
            rf"(?<![A-Za-z])(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Madam|Sir|Nurse|Rev)(?:\.[ \t]?|[ \t])({single})"
        ),
        "role": re.compile(rf"(?<![A-Za-z])(?i:{EN_ROLES})(?:,? (?i:named|called|identified as))?,?[ \t]({name})"),
        "label": re.compile(rf"(?<![A-Za-z])(?i:{EN_LABELS})[ \t]*:[ \t]*({single})"),
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
        "title": re.compile("[MDPSNR](?<![A-Za-z][A-Z])(?=[a-z])"),
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
        if plain in _INSTITUTIONS:
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
    return start, kept


def _en_names(text: str, places: Windows) -> Iterator[Name]:
    for name, pattern in _en().items():
        if name == "last":
            continue
        for match in matches_at(pattern, text, beginnings(_en_starts()[name], text, places)):
            least = 1 if name in ("title", "label") else 2
            found = _en_value(text, *match.span(1), least)
            if found is not None and not (name == "label" and _speech(text, *found)):
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


def _speech(text: str, start: int, end: int) -> bool:
    """Whether what follows a label such as `Patient:` is what the patient says: its first word is no name."""
    first = text[start:end].split()[0]
    return first.strip(".,").lower() in _SAID or _CUT_SHORT.match(text, start + len(first)) is not None


# Names that are words: repeated mentions of these alone are left to the rules.
_COMMON_LAST = frozenset(
    [
        "May",
        "June",
        "April",
        "August",
        "Brown",
        "Green",
        "White",
        "Black",
        "Gray",
        "Grey",
        "King",
        "Young",
        "Long",
        "Short",
        "Law",
        "Court",
        "Case",
        "Day",
        "Page",
        "Price",
        "Hill",
        "Field",
        "Rose",
        "Will",
        "Mark",
        "Rich",
        "Best",
    ]
)


def names(text: str, court: bool, zh: Windows, en: Windows) -> list[Name]:
    """The names in `text`, looked for in these stretches, and each mention of what was found anywhere.

    `court` leaves judges and counsel alone.
    """
    found: set[Name] = {*_zh_names(text, court, zh), *_en_names(text, en)}
    again: set[str] = set()
    for start, end in found:
        value = text[start:end]
        if value[0].isascii():
            last = _en()["last"].search(value)
            again.add(value)
            if last and len(last[1]) > 2 and last[1] not in _COMMON_LAST and last[1].lower() not in _INSTITUTIONS:
                again.add(last[1])
        elif len(value) > 1:
            again.add(value)
    if again:
        ordered = sorted(again, key=lambda v: (-len(v), v))
        mention = "|".join(
            rf"(?<![A-Za-z]){re.escape(v)}(?![A-Za-z])" if v[0].isascii() else re.escape(v) for v in ordered
        )
        found |= {m.span() for m in re.finditer(mention, text)}
    return sorted(found)


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

"""Postal addresses, Chinese and English: what lies below the county, and the regions before it.

A Chinese address is one without marks inside: 浙江省杭州市西湖区文三路478号华星大厦3幢502室. It begins with a region that is known
(provinces and prefectures, GB/T 2260) or stands behind a label, and must name something below the county; so courts
and hospitals of a district are no addresses. An English one is a house number, a street and its suffix (USPS Publication
28, appendix C1), or a town, state and ZIP code.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .scan import Windows, beginnings, matches, matches_at

HAN = "\u4e00-\u9fff"

PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门|臺灣|重慶|廣東|江蘇|遼寧|雲南|貴州|陝西|甘肅|廣西|寧夏"
)
PREFECTURES = (
    "石家庄|唐山|秦皇岛|邯郸|邢台|保定|张家口|承德|沧州|廊坊|衡水|太原|大同|阳泉|长治|晋城|朔州|晋中|运城|忻州|临汾|吕梁|呼和浩特|包头|乌海|赤峰|通辽|"
    "鄂尔多斯|呼伦贝尔|巴彦淖尔|乌兰察布|沈阳|大连|鞍山|抚顺|本溪|丹东|锦州|营口|阜新|辽阳|盘锦|铁岭|朝阳|葫芦岛|长春|吉林|四平|辽源|通化|白山|松原|白城|"
    "哈尔滨|齐齐哈尔|鸡西|鹤岗|双鸭山|大庆|伊春|佳木斯|七台河|牡丹江|黑河|绥化|南京|无锡|徐州|常州|苏州|南通|连云港|淮安|盐城|扬州|镇江|泰州|宿迁|"
    "杭州|宁波|温州|嘉兴|湖州|绍兴|金华|衢州|舟山|台州|丽水|合肥|芜湖|蚌埠|淮南|马鞍山|淮北|铜陵|安庆|黄山|滁州|阜阳|宿州|六安|亳州|池州|宣城|"
    "福州|厦门|莆田|三明|泉州|漳州|南平|龙岩|宁德|南昌|景德镇|萍乡|九江|新余|鹰潭|赣州|吉安|宜春|抚州|上饶|济南|青岛|淄博|枣庄|东营|烟台|潍坊|济宁|泰安|"
    "威海|日照|临沂|德州|聊城|滨州|菏泽|郑州|开封|洛阳|平顶山|安阳|鹤壁|新乡|焦作|濮阳|许昌|漯河|三门峡|南阳|商丘|信阳|周口|驻马店|"
    "武汉|黄石|十堰|宜昌|襄阳|鄂州|荆门|孝感|荆州|黄冈|咸宁|随州|长沙|株洲|湘潭|衡阳|邵阳|岳阳|常德|张家界|益阳|郴州|永州|怀化|娄底|"
    "广州|韶关|深圳|珠海|汕头|佛山|江门|湛江|茂名|肇庆|惠州|梅州|汕尾|河源|阳江|清远|东莞|中山|潮州|揭阳|云浮|南宁|柳州|桂林|梧州|北海|防城港|钦州|贵港|玉林|"
    "百色|贺州|河池|来宾|崇左|海口|三亚|三沙|儋州|成都|自贡|攀枝花|泸州|德阳|绵阳|广元|遂宁|内江|乐山|南充|眉山|宜宾|广安|达州|雅安|巴中|资阳|"
    "贵阳|六盘水|遵义|安顺|毕节|铜仁|昆明|曲靖|玉溪|保山|昭通|丽江|普洱|临沧|拉萨|日喀则|昌都|林芝|山南|那曲|西安|铜川|宝鸡|咸阳|渭南|延安|汉中|榆林|安康|商洛|"
    "兰州|嘉峪关|金昌|白银|天水|武威|张掖|平凉|酒泉|庆阳|定西|陇南|西宁|海东|银川|石嘴山|吴忠|固原|中卫|乌鲁木齐|克拉玛依|吐鲁番|哈密|"
    "台北|高雄|台中|台南|新北|桃园|臺北|臺中|臺南|義烏|义乌|昆山|常熟|江阴|张家港|太仓|宜兴|慈溪|余姚|诸暨|晋江|石狮|南安|增城|神木"
)
_NOT_STREET = "不是有和与及或了的在为对将被把从到至往以其该这那并但而若如由于后前时某租用"
# What ends a piece of an address below the county.
_VILLAGE = "街道办事处|街道|社区|(?<!村)镇|乡|苏木|村民小组|行政村|自然村|新村|(?<![农乡山渔名统各省])村(?![镇落级])|屯|庄|寨|嘎查|坡|沟|湾|墩|集"
_STREET = "环路|公路|大道|大街|马路|路|街|巷|弄|胡同|里|道(?![理德具教])|条(?![例件款文约目])|线(?![路索])|支路|园区|工业园|开发区|高新区|广场(?!街|路)|大厦|大楼|公寓|小区|花园|家园|花苑|苑|园|城|(?<!政)府|邸|庭|湾|轩|阁|中心|宿舍|学校|市场|商场"
_NUMBER = "号院|号楼|號樓|号|號|栋|幢|棟|座|单元|單元|层|樓|楼|室|户|房|门|弄|巷|段|村民小组|小组|组|队|附"


@lru_cache(maxsize=1)
def _zh() -> dict[str, re.Pattern[str]]:
    # 于都, 和平, 从化, 将乐, 东至 ...: words of grammar that begin a place.
    begins = "和(?=[平浩田顺龙县政静硕布谐睦美兴义园])|于(?=[都洪田])|从(?=[化江])|将(?=乐)|若(?=[尔羌])|前(?=[门进郭锋山])|后(?=海)|那(?=[曲坡])|至(?=县)"
    inner = f"(?:(?![{_NOT_STREET}])[{HAN}]|{begins})"
    province = rf"(?:{PROVINCES})(?:省|市|特别行政区|(?:壮族|回族|维吾尔)?自治区)?"
    city = rf"(?:(?:{PREFECTURES})(?:市|地区)?|{inner}{{2,8}}?(?:市|自治州|地区|盟))"
    county = rf"{inner}{{1,9}}?(?:自治县|新区|开发区|(?<![小社辖])区|县|縣|區|旗|市)"
    number = (
        rf"(?:第?[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁东西南北\-—#]{{1,10}}[ ]?(?:{_NUMBER}|[A-Z](?=座|区)))"
    )
    piece = rf"(?:{inner}{{1,10}}?(?:{_VILLAGE})(?:(?<!乡)村)?(?![路街道巷市县区])|{inner}{{1,12}}?(?:{_STREET})(?![路街道巷市县区])|{number}|{inner}{{2,8}}?[0-9A-Z]{{1,4}}(?:号楼|栋|幢|棟|座|楼|层)|[A-Z0-9]{{1,4}}座|(?:附|之)[0-9]{{1,3}}号?)"
    below = rf"(?P<below>(?:{piece}[ ]?){{1,9}}(?:[0-9]{{1,5}}(?:-[0-9]{{1,5}})*(?![0-9年月日元%]|[.,，][0-9]))?(?:[ ]?[0-9]{{6}}(?![0-9]))?)"
    # A district that is written without its suffix (上海浦东张江路88号), or any words up to a street with a number.
    loose = rf"(?P<loose>{inner}{{1,14}}?(?:{_STREET}|{_VILLAGE}){number}(?:{piece}){{0,6}}|{inner}{{2,14}}?[0-9]{{1,4}}(?:号楼|号院|栋|幢|棟)(?:{piece}){{0,6}}(?:[0-9]{{1,5}}(?:-[0-9]{{1,5}})*(?![0-9年月日元%]|[.,，][0-9]))?|{inner}{{0,8}}[A-Z0-9]{{1,3}}座(?:[ ]?[0-9]{{6}}(?![0-9]))?)"
    return {
        "region": re.compile(
            rf"(?P<region>(?:{province}(?:{city})?(?:{county})?|(?:{PREFECTURES})市?(?:{county})?))[ ]?(?:{below}|{loose})"
        ),
        "label": re.compile(
            r"(?:家庭住址|家庭地址|通讯地址|通信地址|联系地址|收货地址|收件地址|邮寄地址|居住地址|现居地址|详细地址|注册地址|户籍地址|户籍所在地|户籍地|住所地|暂住地|现住址|"
            r"住址|地址|住所|现住|家住|暂住|居住于|居住在|户籍|住在|住(?![宅房宿院])|通訊地址|聯絡地址)"
            rf"(?:为|是|[:：])?[ \t]*(?P<region>(?:{province})?(?:{city})?(?:{county})?)[ ]?(?:{below}|{loose})"
        ),
        "county": re.compile(
            rf"(?:(?<![{HAN}])|(?<=[在于住至到址位从往]))(?P<region>本[市区县]|(?![住地]){inner}{{2,4}}?(?:区|县|市))(?P<below>{inner}{{1,8}}?(?:{_STREET}|{_VILLAGE})(?:{number})(?:{piece}){{0,6}})"
        ),
        "street": re.compile(
            rf"(?:(?<![{HAN}])|(?<=[在于住至到址位从往]))(?P<region>)(?P<below>{inner}{{2,7}}?(?:路|街|大道|巷|胡同|里|村)[0-9]{{1,5}}(?:号|弄)(?:{piece}){{0,6}})"
        ),
        "post": re.compile(
            r"(?:邮编|邮政编码|郵編|郵遞區號)(?:为|是|[:：])?\s?(?P<region>)(?P<below>[0-9]{6})(?![0-9])"
        ),
        # Only where the whole address is taken away: a birthplace is one although it names no street.
        "origin": re.compile(
            rf"(?:籍贯|出生地|出生于|祖籍|籍貫|户籍地|户籍|家庭住址|住址|现住)(?:为|是|[:：])?[ \t]*(?P<region>{province}(?:{city})?(?:{county})?)(?P<below>)"
        ),
    }


_SUFFIXES = (
    "Alley|Ally|Aly|Anex|Annex|Arcade|Avenue|Ave|Av|Bayou|Beach|Bend|Bluffs?|Bottom|Boulevard|Blvd|Branch|Bridge|Brooks?|Burgs?|Bypass|Camp|"
    "Canyon|Cape|Causeway|Centers?|Circles?|Cir|Cliffs?|Close|Club|Common|Commons|Corners?|Course|Courts?|Ct|Coves?|Creek|Crescent|Cres|Crest|Crossing|"
    "Crossroads?|Curve|Dale|Dam|Divide|Drives?|Dr|Estates?|Expressway|Extensions?|Falls?|Ferry|Fields?|Flats?|Fords?|Forest|Forges?|Forks?|Fort|"
    "Freeway|Gardens?|Gateway|Glens?|Greens?|Groves?|Harbors?|Haven|Heights|Hts|Highway|Hwy|Hills?|Hollow|Inlet|Islands?|Isle|Junctions?|Keys?|Knolls?|"
    "Lakes?|Land|Landing|Lane|Ln|Lights?|Loaf|Locks?|Lodge|Loop|Mall|Manors?|Meadows?|Mews|Mills?|Mission|Motorway|Mount|Mountains?|Neck|"
    "Orchard|Oval|Overpass|Park|Parks|Parkways?|Pkwy|Pass|Passage|Path|Pike|Pines?|Place|Pl|Plains?|Plaza|Points?|Ports?|Prairie|Radial|Ramp|Ranch|"
    "Rapids?|Rest|Ridges?|River|Roads?|Rd|Route|Row|Rue|Run|Shoals?|Shores?|Skyway|Springs?|Spurs?|Squares?|Sq|Station|Stravenue|Stream|Streets?|St|Summit|"
    "Terrace|Ter|Throughway|Trace|Track|Trafficway|Trail|Trl|Tunnel|Turnpike|Underpass|Unions?|Valleys?|Viaduct|Views?|Villages?|Ville|Vista|Via|Walks?|"
    "Wall|Ways?|Wells?"
)
_SURE = frozenset(
    [
        "avenue",
        "ave",
        "av",
        "boulevard",
        "blvd",
        "circle",
        "cir",
        "court",
        "ct",
        "crescent",
        "cres",
        "drive",
        "dr",
        "highway",
        "hwy",
        "lane",
        "ln",
        "parkway",
        "pkwy",
        "place",
        "pl",
        "plaza",
        "road",
        "rd",
        "route",
        "square",
        "sq",
        "street",
        "st",
        "terrace",
        "ter",
        "trail",
        "trl",
        "turnpike",
        "way",
        "row",
        "mews",
        "loop",
        "close",
        "expressway",
        "freeway",
        "alley",
    ]
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|"
    "WV|WI|WY|DC|PR|GU|VI|AS|MP|FM|MH|PW|AA|AE|AP|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|"
    "Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|"
    "New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|"
    "South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming"
)


@lru_cache(maxsize=1)
def _en() -> tuple[re.Pattern[str], ...]:
    unit = r"(?:,?\s(?:(?:Apt|Apartment|Suite|Ste|Unit|Room|Rm|Floor|Fl|Flat|Bldg|Building)\.?\s?#?|#\s?)[A-Za-z0-9\-]{1,6})?"
    before = r"(?:(?:Flat|Unit|Apt|Apartment|Suite)\.?\s[0-9A-Z]{1,4}(?:,\s|/))?"
    word = r"[A-Z][A-Za-z'’.\-]*"
    town = rf"{word}(?:[ ]{word}){{0,3}}"
    state = rf"(?:{_STATES})"
    tail = rf"(?P<tail>[,\s]{{1,3}}(?P<town>{town},\s?{state})(?P<zip>\s{{1,2}}[0-9]{{5}}(?:-[0-9]{{4}})?)?(?![A-Za-z0-9]))?"
    # United Kingdom, Canada, Australia.
    abroad = (
        r"(?:,\s(?:[A-Z][a-z]+\s?){1,3}(?:,?\s[A-Z]{1,2}[0-9][0-9A-Z]?\s[0-9][A-Z]{2}|"
        r",?\s(?:AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT)\s[A-Z][0-9][A-Z]\s?[0-9][A-Z][0-9]|"
        r",?\s(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT)\s[0-9]{4})(?![A-Za-z0-9]))"
    )
    return (
        re.compile(
            rf"(?<![0-9A-Za-z.,:/$\-]){before}(?<![.,:/$\-][0-9])[0-9]{{1,5}}[A-Za-z]?(?:-[0-9]{{1,4}})?[ ](?:[NSEW]\.?[EW]?\.?[ ])?(?:(?:{word}|[0-9]{{1,3}}(?:st|nd|rd|th))[ ]){{1,4}}?"
            rf"(?P<suffix>{_SUFFIXES})(?![A-Za-z])\.?(?:[ ](?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)(?![A-Za-z])\.?)?{unit}(?:{abroad}|{tail})"
        ),
        re.compile(
            rf"(?<![0-9A-Za-z.,:/$\-])(?:[0-9]{{1,5}}[ ](?:[NSEW]\.?[ ])?(?:(?:County|State|Farm|Old|US|U\.S\.)[ ])?(?:Road|Route|Highway|Hwy|Rte|Rd)\.?[ ][0-9]{{1,4}}"
            rf"(?:[ ](?:North|South|East|West|N|S|E|W)(?![A-Za-z]))?|(?:RR|HC|Rural Route)[ ]?#?[0-9]{{1,3}},?[ ]Box[ ][0-9]{{1,5}}){tail}"
        ),
        re.compile(
            r"(?<![A-Za-z])(?i:zip(?:[ ]?code)?|postal code|post ?code)(?:[ ]is)?[ ]?[:#]?[ ]{0,2}"
            r"(?P<code>[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]?[ ][0-9][A-Z]{2}|[A-Z][0-9][A-Z][ ]?[0-9][A-Z][0-9])(?![0-9A-Za-z])"
        ),
        re.compile(
            rf"(?<![A-Za-z])(?:P\.?[ ]?O\.?[ ]?Box|Post Office Box|PSC [0-9]+,? Box|Unit [0-9]+ Box|USNS? [A-Z][a-z]+|USS [A-Z][a-z]+|USCGC [A-Z][a-z]+|USNV [A-Z][a-z]+)[ ]?[0-9]*{tail}"
        ),
        re.compile(
            rf"(?<![A-Za-z])(?P<tail>(?P<town>{town},\s{state})(?P<zip>\s{{1,2}}[0-9]{{5}}(?:-[0-9]{{4}})?))(?![0-9A-Za-z\-])"
        ),
        re.compile(r"(?<![A-Za-z])(?:FPO|APO|DPO),?\s(?:AA|AE|AP)\s[0-9]{5}(?:-[0-9]{4})?"),
    )


# An address of the institution that the sentence is about stays: what a court or a ministry does is public.
_INSTITUTION = re.compile(rf"[{HAN}]{{0,6}}(?:人民法院|人民检察院|公安局|派出所|看守所|监狱|人民政府)")


def addresses(text: str, whole: bool, zh: Windows, en: Windows) -> list[tuple[int, int, int]]:
    """Start, end, and the end of what may stay (regions down to the county), of each address in these stretches.

    `whole` also finds those that name a region only.
    """
    found: list[tuple[int, int, int]] = []
    for name, pattern in _zh().items():
        if name == "origin" and not whole:
            continue
        # The other rules begin with words that `re` skips to by itself.
        found_zh = matches(pattern, text, zh)
        if name == "region":
            found_zh = matches_at(pattern, text, beginnings(_region_starts(), text, zh))
        for match in found_zh:
            start, end = match.start("region"), match.end()
            if name == "post":
                found.append((start, end, start))
                continue
            if end - start < 4 or _INSTITUTION.match(text, end) or (name == "region" and not _detailed(match)):
                continue
            if name == "label" and not match["region"] and not _whole(text, match):
                continue
            found.append((start, end, match.end("region")))
    for pattern in _en():
        for match in matches(pattern, text, en):
            groups = match.groupdict()
            suffix = (groups.get("suffix") or "").lower().rstrip(".")
            if "suffix" in groups and suffix not in _SURE and not groups.get("tail"):
                continue
            start = match.start("code") if "code" in groups else match.start()
            found.append((start, match.end(), start))
    return sorted(found, key=lambda f: (f[0], -f[1]))


@lru_cache(maxsize=1)
def _region_starts() -> re.Pattern[str]:
    """The first two characters of a known region."""
    known = {*PROVINCES.split("|"), *PREFECTURES.split("|")}
    first, second = ("".join(sorted({region[i] for region in known})) for i in (0, 1))
    return re.compile(f"[{first}](?=[{second}])")


def _detailed(match: re.Match[str]) -> bool:
    """Whether an address without a label names a house, a room or a village: 北京市朝阳区建国路 alone is a place like others."""
    rest = match.group()[match.end("region") - match.start() :]
    return bool(
        re.search(rf"[0-9０-９A-Za-z一二三四五六七八九十百](?:{_NUMBER}|座)|(?<![农乡山渔])村|[0-9]{{6}}\Z|屯\Z", rest)
    )


_DIGIT = re.compile(rf"[0-9０-９A-Za-z]|[一二三四五六七八九十百](?:{_NUMBER}|[路街里道])")


def _whole(text: str, match: re.Match[str]) -> bool:
    """Whether words behind a label, with neither region nor number, are an address: a clause ends behind it. 户籍地进行社区矫正 and
    住在同一小区的 name none."""
    value = text[match.start("region") : match.end()]
    return bool(_DIGIT.search(value)) or not re.match(f"[{HAN}]", text[match.end() : match.end() + 1])


def _of_label(text: str) -> list[tuple[int, int, int]]:
    return addresses(text, False, [(0, len(text))], [])


def county_in(text: str, start: int, end: int) -> str:
    """What courts publish of the address at text[start:end]: its regions down to the county; town and state in English."""
    label = "住址："
    kept = max((k - len(label) for s, _, k in _of_label(label + text[start:end]) if s == len(label)), default=0)
    if kept > 0:
        return text[start : start + kept]
    for pattern in _en():
        match = pattern.match(text, start, end)
        if match and match.groupdict().get("town"):
            return match["town"]
    return ""

"""Labels that make the number behind them personal: records, insurance, licences, accounts, devices."""

from __future__ import annotations

ZH_JOIN = r"(?:号码|编号|號碼|号|號|ID|id|码)?[）)]?\s?(?:为|是|[:：#№])?\s{0,3}"
EN_JOIN = r"\.?(?:\s(?:number|no|num|nbr|id|identifier|code)|\s?#|\s?№)?\.?\s?(?:is|was|of)?\s?[:#]?\s{0,3}#?"
ZH_MEDICAL = (
    "病案号|病案|病历号|病历|病歷號|病歷|住院号|住院|门诊号|门诊|急诊号|急诊|就诊号|就诊卡号|就诊卡|诊疗卡号|诊疗卡|患者编号|患者ID|患者|病人ID|病人|登记号|检查号|影像号|放射号|超声号|病理号|标本号|检验号|条码号|"
    "医保卡号|医保卡|医保号|医保编号|医疗保险|社保卡号|社保卡|社保号|社会保障|健康卡号|医疗证|新农合证|新农合|农合证|病案首页|病历编号|住院病历号|ID号|CT号|MR号|X线号|X光号|B超号|样本号|病区号|健康卡|保单号|保单|床位号|住院登记|体检号|体检|MRN"
)
EN_MEDICAL = (
    r"medical record|med(?:ical)? rec|health record|record|mrn|mr|patient|pt|chart|hospital|encounter|visit|admission|accession|specimen|"
    r"health plan|health insurance|insurance|policy|member|subscriber|medicare|medicaid|beneficiary|group|hicn|mbi|nhs|episode|fin|csn"
)
ZH_DOCUMENT = (
    "驾驶证号|驾驶证|驾照号|驾照|行驶证号|执业证号|执业证书|执业证|执业医师证|医师资格证|律师执业证|资格证号|资格证书|从业资格证|军官证|士兵证|港澳通行证|通行证|台胞证|回乡证|居住证|"
    "不动产权证|不动产权|房产证|房产证号|产权证|车架号|车辆识别代号|车辆识别代码|发动机号|设备序列号|设备号|设备编号|器械编号|起搏器序列号|学生证|学号|工号|员工号|职工号|"
    "账户号|银行账号|账号|帐号|户口簿|户口本|残疾证|警号|会员号|学籍号|序列号|SN|S/N|组织机构代码证|组织机构代码|营业执照注册号|营业执照号|工商注册号|注册号|收款账户|收款账号|开户账号|对公账号|银行账户|出生证|出生医学证明|結婚證|结婚证|离婚证|IMEI|VIN"
)
EN_DOCUMENT = (
    r"driver'?s? licen[sc]e|licen[sc]e|dl|certificate|registration|npi|dea|vin|vehicle identification|serial|s/n|sn|chassis|engine|inmate|loan|bar|checking account|savings account|taxpayer|taxpayer identification|device|device id|imei|meid|imsi|"
    r"account|acct|a/c|routing|iban|student|employee|badge|customer|visa|permit|tax|tin|ein|itin|national insurance|nino|alien registration"
)

ZH_ANY = "证书编号|证书号|证件号|证编号|证号|卡号"
"""Behind the name of any certificate or card; `records.py` knows those that are no person's."""


def record_seed() -> str:
    """What must be in a text for a labelled number to be found, for the scan."""
    zh = f"(?:{ZH_MEDICAL}|{ZH_DOCUMENT}){ZH_JOIN}"
    en = f"(?i:(?:{EN_MEDICAL}|{EN_DOCUMENT}){EN_JOIN})"
    certificates = r"(?:房权证|房地权证|房地产权证|房产证|不动产权|国用|集用|军官证|士兵证|文职干部证|警官证)[^，。\n]{0,24}第?[0-9]{4}"
    plates = r"(?i:plate|registration)[\s:]{0,3}(?i:number|no)?[.:\s]{0,3}[A-Z0-9]{2}"
    return rf"(?:{zh}|{en})[A-Za-z\-/]{{0,16}}[0-9]|(?:{ZH_ANY}){ZH_JOIN}[A-Za-z]{{0,4}}[0-9]|{certificates}|{plates}"

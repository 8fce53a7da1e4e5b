"""Words that announce a name: roles in court and hospital, labels of forms, titles; Chinese and English."""

from __future__ import annotations

# Names of judges, clerks and counsel stay in a judgment (2016, art. 11), so their roles are not here.
PARTIES = (
    "上诉人|被上诉人|原审原告|原审被告|原审第三人|再审申请人|申请再审人|被申请人|申请人|申请执行人|被执行人|申诉人|被申诉人|"
    "附带民事诉讼原告人|反诉原告|反诉被告|原告人|原告|被告人|被告|第三人|自诉人|被害人|受害人|证人|鉴定人|犯罪嫌疑人|嫌疑人|罪犯|"
    "法定代表人|法定代理人|监护人|被监护人|债务人|债权人|担保人|保证人|借款人|出借人|承租人|出租人|继承人|被继承人|遗嘱人|死者|案外人|异议人|"
    "投保人|被保险人|受益人|委托人|收养人|被收养人|举报人|报案人|经营者|投资人|实际控制人|买受人|出卖人|转让人|受让人|发包人|承包人|抵押人|抵押权人|质押人|原审上诉人|复议申请人|利害关系人|附带民事诉讼被告人|合伙人|承运人|托运人|肇事司机|驾驶人|驾驶员|被扶养人|同案犯|同案人|伙同|村民|"
    "被告單位負責人|上訴人|被上訴人|再審申請人|申請人|被申請人|證人|嫌疑犯|法定代表人|負責人|原告之母|原告之父"
)
MEDICAL = (
    "患者|病人|患儿|产妇|孕妇|病员|伤者|家属|患者家属|主治医师|主治医生|主任医师|副主任医师|住院医师|经治医师|责任护士|医师|医生|大夫|护士长|护士|主刀医生|"
    "陪护人|陪护|受检者|检查医师|报告医师|审核医师|报告医生|审核医生|申请医生|申请医师|管床医生|床位医生|会诊医师|值班医生|值班医师|接诊医生|药师|技师|护师|手术者|麻醉医师|麻醉师|检查者|检验者|审核者|记录者|病案管理员|患者母亲|患者父亲|其母|其父|其妻|其夫|其子|其女|患兒|病患|醫生|醫師|護士|產婦|孕婦"
)
KIN = "之妻|之夫|之子|之女|之父|之母|丈夫|妻子|父亲|母亲|儿子|女儿|配偶|前妻|前夫|哥哥|弟弟|姐姐|妹妹|岳父|岳母|公公|婆婆|男友|女友|孙子|孙女|爷爷|奶奶|外公|外婆"
COUNSEL = "委托诉讼代理人|诉讼代理人|指定辩护人|辩护人|审判长|审判员|代理审判员|人民陪审员|书记员|法官助理|执行员|检察员|公诉人"
"""Named in a judgment that is published, so kept by courts' practice."""
LABELS = (
    "姓名|名字|患者姓名|病人姓名|家属姓名|真实姓名|联系人|联系人姓名|紧急联系人|收件人|收货人|寄件人|负责人|法人代表|法人|经办人|经手人|户主|持卡人|开户人|户名|"
    "签名|签字|患者签名|家属签名|医师签名|医生签名|护士签名|申请人|申请者|报告医师|审核医师|送检医师|检验者|记录人|记录者|主管医师|甲方|乙方|丙方|"
    "甲方代表|乙方代表|委托代理人|授权代表|驾驶员|司机|投保人|被保险人|监护人|聯繫人|聯絡人|負責人|簽名|收件者"
)
TITLES = "先生|女士|小姐|太太|夫人|同志|师傅|老师|老師|医生|醫生|大夫|医师|醫師|护士|護士|教授|主任|院长|同学|阿姨|叔叔|护士长|院士|法官|检察官|警官|民警|律师|经理|总监|董事长|书记|局长|校长|博士|工程师|老板|大爷|大妈"
EN_TITLES = "Mr|Mrs|Ms|Miss|Mx|Mister|Dr|Prof|Professor|Madam|Sir|Nurse|Rev|Hon|Sgt|Capt|Lt|Col|Maj|Cpl|Fr|MR|MRS|MS|MISS|DR|PROF|REV"

EN_ROLES = (
    "plaintiffs?|defendants?|appellants?|appellees?|petitioners?|respondents?|claimants?|complainants?|witness|victim|"
    "decedent|testator|guardian|debtor|creditor|lessee|lessor|tenant|landlord|borrower|insured|beneficiary|co-defendant|"
    "patient|attending physician|attending|physician|surgeon|nurse|caregiver|provider|next of kin|spouse|husband|wife|"
    "estate of|dictated by|signed by|transcribed by|referred by|officer|detective|deputy|inspector|trooper|"
    "mother|father|son|daughter|brother|sister|accused|suspect|informant|juror|deponent|affiant|executor|trustee"
)
EN_LABELS = (
    r"(?:patient|full|first|last|legal|client|contact|customer|account|card|employee|guardian|insured|subscriber)?[ ]?name|patient|pt|client|attending|"
    r"physician|surgeon|provider|nurse|referring physician|primary care physician|pcp|emergency contact|next of kin|"
    r"signed(?: by)?|signature|dictated by|attn|attention|cardholder|account holder|contact|contact person|plaintiff|defendant|"
    r"appellant|appellee|petitioner|respondent|witness|claimant|borrower|lender|landlord|tenant|seller|buyer|lessor|lessee|insured|beneficiary|caregiver|legal representative|guardian"
)


def zh_name_seed() -> str:
    """What must be in a text for a Chinese name to be found, for the scan."""
    words = {*PARTIES.split("|"), *MEDICAL.split("|"), *LABELS.split("|"), *TITLES.split("|")}
    words |= {*KIN.split("|"), *COUNSEL.split("|")}
    least = sorted(w for w in words if not any(o != w and o in w for o in words))
    return rf"{'|'.join(least)}|[，,、（(] ?[男女]"


def en_name_seed() -> str:
    """What must be in a text for an English name to be found, for the scan: what announces it, and a capital."""
    title = rf"(?:{EN_TITLES})(?:\.\s?|\s)[A-ZÀ-Ž]"
    role = rf"(?i:{EN_ROLES})(?:,? (?i:named|called|identified as))?,?[ \t][A-ZÀ-Ž][A-Za-zÀ-ž.'’\-]*[ \t][A-Za-zÀ-ž]"
    behind = r"[a-z.],? \(?(?:the |hereinafter |as )?[\"“']?(?:M\.?D|D\.?O|R\.?N|Ph\.?D|N\.?P|P\.?A|DDS|Esq|(?i:plaintiff|defendant|appell|petitioner|respondent))"
    return rf"{title}|{role}|(?i:{EN_LABELS})[ \t]*:[ \t]*[A-ZÀ-Ž]|{behind}"

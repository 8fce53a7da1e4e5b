"""What makes a text medical: doses and measurements, codes of classifications, terms."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from ...curate.documents import Documents
from ...curate.step import AtLeast, AtMost, Filter, Threshold
from .. import lexicon

DISEASES = "icd10cm-names-en.txt"
LEXICON = ("terms-en.txt", "terms-zh-Hans.txt", "terms-zh-Hant.txt")

_AMOUNT = r"(?:\d{1,6}(?:[.,]\d{1,4})?(?:\s?[-–~～×xX/]\s?\d{1,6}(?:\.\d{1,4})?)?)"
DOSES = (
    # 100mg, 0.5-1 g/kg, 80 mmHg, 12.5 mmol/L; the unit must end, or '5 m' in '5 months' would count
    rf"{_AMOUNT}\s?(?:mg|[µμ]g|mcg|ug|kg|g|mL|ml|dL|dl|L|IU|U|mEq|mmol|[µμ]mol|nmol|pmol|mmHg|kPa|cm|mm|Gy|bpm|kcal)"
    r"(?:/(?:kg|m2|m²|mL|ml|dL|dl|L|h|hr|min|d|day|次|日|天))*(?-u:\b)",
    # 500毫克, 2片, 3粒, 10毫升, 120次/分
    rf"{_AMOUNT}\s?(?:毫克|微克|公斤|千克|克|毫升|升|国际单位|國際單位|单位|單位|毫米汞柱|毫摩尔|毫摩爾|片|粒|丸|支|袋|次/分|℃)",
    # 每日3次, 一日三次, 每次2片, 分2次服, 每8小时一次
    r"[每一][日天次][\d一二两三四五六七八九十]{1,3}[次片粒丸袋支毫克]|每\d{1,2}小[时時][一1]?次|分[\d二两三四]次服",
    # twice daily, b.i.d., every 8 hours, once a day
    r"(?i)(?-u:\b)(?:once|twice|three times|four times|\d times)\s+(?:daily|a day|per day|weekly|a week)(?-u:\b)",
    r"(?-u:\b)(?:b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|q\.?d|p\.?r\.?n|q\d{1,2}h)(?-u:\b)\.?",
    r"(?i)(?-u:\b)every\s+\d{1,2}\s+(?:hours|days|weeks)(?-u:\b)",
)
"""Regular expressions (Rust syntax) for doses, frequencies and measured values."""

CODES = (
    # ICD-10 and ICD-10-CM below the category: E11.9, S72.001A (a letter and two digits alone is mostly other things)
    r"(?-u:\b)[A-TV-Z]\d[0-9AB]\.[0-9X]{1,4}[A-Z]?(?-u:\b)",
    r"(?-u:\b)(?:HP|MONDO|DOID|OMIM|ORPHA|UMLS|MeSH|SNOMED)[:：]\s?[A-Z]?\d{4,10}(?-u:\b)",
    # Chinese drug approval number: 国药准字H20013154
    r"[国國][药藥][准準]字[HZSJBTF]\d{8}",
)
"""Regular expressions (Rust syntax) for codes of diseases, phenotypes and drugs."""


FORMS = (
    r"(?i)(?-u:\b)[a-z]*(?:"
    r"[a-z]itis|ectom(?:y|ies)|[bcdlmnprstv]otom(?:y|ies)|[a-z]ostom(?:y|ies)|[a-z]oscop(?:y|ies)|"
    r"(?:isch|leuk|septic|glyc|lipid|natr|kal|calc|vol|bacter|vir|tox|ox|acid|azot|thalass|lactat|uric|keton|phosphat|magnes|protein|"
    r"albumin|globulin|bilirubin)a?emi[ac]s?|an(?:a)?emi[ac]s?|ur(?:a)?emi[ac]|[a-z]opath(?:y|ies|ic|ology|ologic|ological|ogenesis|ogenic)|"
    r"patholog(?:y|ic|ical|ist|ists)|pathogen(?:s|ic|esis)?|(?:my|neur|arthr|ot|proct|cephal|gastr|mast)algia|[gilnsty]uria|"
    r"(?:phago|leuko|lympho|erythro|mono|kerato|adipo|hepato|granulo|thrombo|astro)cyt(?:es?|ic|osis)|[bcdglnr]lastoma|carcinomas?|"
    r"sarcomas?|adenomas?|lymphomas?|myelomas?|melanomas?|fibromas?|[a-z]penia|plegi[ac]|[a-z]stas[ei]s|"
    r"(?:a|hyper|hypo|dys|neuro)troph(?:y|ic)|[a-z]plasia|[ouyr]plastic|sclerosis|stenosis|necrosis|fibrosis|thrombosis|cirrhosis|"
    r"[a-z]ptosis|[a-z]cyclin|[a-z]mycin|[a-z]cillin|floxacin|prazole|[a-z]statin|[a-z]sartan|[a-z]olol|[a-z]{3}mab|tinib|azepam|azolam|"
    r"[a-z]caine|sporine?|[a-z]oquine|oxetine|triptyline|[a-z]dipine|gliptin|[a-z]parin|steroids?|(?:metr|my|dipl|ambly|presby)opi[ac]|"
    r"[a-z]iatr(?:ic|ics|icians?|ists?|y)|[a-z]{2}azoles?|[a-z]{2}inflammatory|[a-z]{3}ovir|carcinogen(?:s|ic)?)(?-u:\b)"
)
"""How English names of findings, operations, cells and drugs end. Words of other kinds that end so are few: at the recipe's floor these endings let 1 in 100 more English news texts pass. A bound on
the letters before the ending (`{2,20}`) would make it five times slower."""


class MedicalSignals(Filter):
    """Measures how medical a text is. Drops nothing by default: a definition of one line is as good as a chapter."""

    name: ClassVar[str] = "medical_signals"
    version: ClassVar[int] = 3

    terms: str | None = None
    """A file of your own medical terms, one a line, in place of the pack's, of the names of diseases and of the endings."""
    judge_from: Annotated[int, Field(ge=0)] = 0
    """Characters below which `medical_terms` is not measured, so that `min_medical_terms` lets the text pass: in a definition of
    one line the one word that matters may be in no list."""
    min_medical_terms: Annotated[Threshold, AtLeast("medical_terms")] = None
    """Least share of the characters that lie in a medical term, a name of a disease or a word with a medical ending: the
    median is 0.07 for Chinese doctors' answers and below 0.003 for news and reviews in both languages."""
    min_medical_doses: Annotated[Threshold, AtLeast("medical_doses")] = None
    """Least number of doses, frequencies and measured values for every 1,000 characters."""
    min_medical_diseases: Annotated[Threshold, AtLeast("medical_diseases")] = None
    """Least number of names of diseases in English for every 1,000 characters (ICD-10-CM, April 2026, 6,162 names)."""
    max_medical_codes: Annotated[Threshold, AtMost("medical_codes")] = None
    """Most codes of classifications for every 1,000 characters; disease categories listed with
    their codes have 11, and 22 at most."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        if self.terms:
            return lexicon.patterns(lexicon.own(self.terms))
        ascii_terms, *others = lexicon.patterns(lexicon.shipped("medical", *LEXICON))
        return (f"{ascii_terms}|{FORMS}", *others)

    def measure(self, docs: Documents) -> Documents:
        length = np.maximum(1, lexicon.texts(docs).select(pl.col("text").str.len_chars().alias("n"))["n"].to_numpy())
        rest, diseases, inside = lexicon.without_names(docs, lexicon.shipped("medical", DISEASES))
        if self.terms:
            covered = lexicon.coverage(docs, self._patterns())
        else:
            left = lexicon.texts(rest).select(pl.col("text").str.len_chars().alias("n"))["n"].to_numpy()
            covered = (inside + lexicon.coverage(rest, self._patterns()) * left) / length
        return docs.with_signals(
            {
                "medical_terms": np.where(length < self.judge_from, np.nan, covered),
                "medical_doses": lexicon.per_thousand(docs, DOSES),
                "medical_diseases": diseases * 1000 / length,
                "medical_codes": lexicon.per_thousand(docs, CODES),
            }
        )

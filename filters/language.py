"""Language identification: ISO 639-1 code, ISO 15924 script and a score for every document."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from ..curate.documents import Documents
from ..curate.errors import CorpusmillError
from ..curate.registry import suggestion
from ..curate.step import AtLeast, Filter, Rule, Threshold
from .classifier.fasttext_model import load_fasttext
from .hindi_marathi import settle

if TYPE_CHECKING:
    from .text.script import Scan

Backend = Literal["eld", "fasttext", "langdetect"]
Guesses = Sequence[tuple[str, float]]
"""A detector's languages for one text with their scores, the best first; empty when it has none."""
Detector = Callable[[list[str]], list[Guesses]]

UNDETERMINED = "und"
LID_176 = "lid.176"

SAMPLE_BYTES = 8192
"""Text read of each document, half from its start and half from its middle: bounds the time that one can take."""

MIXED = 0.2
"""Least share of Han characters, weighed as words, with which a text that is mostly Latin letters can be Chinese."""

FLOOR = 0.4
"""Below this score no language is named. ELD's answers below 0.4 are right one time in four (75 languages, single
sentences); from 0.6 on, more than nine times in ten."""

CODE_FROM, CODE_TO = 0.1, 0.3
"""Code symbols for each letter (a Han character counts as three, a kana as two): the score falls from its own value at the first bound to 0 at the second. 99 % of prose
and contracts stay below 0.06, Python is near 0.12, JavaScript and HTML near 0.2."""

EVEN = 0.5
"""The `script_score` of Chinese text that shows neither script."""
_COMMON_SCRIPT = {"yue": "Hant"}
"""The script of such text by language, where it is not `Hans`."""

_HAN_LANGUAGES = frozenset({"zh", "yue", "wuu", "lzh", "hak", "nan", "gan", "hsn", "cdo", "cpx", "mnp"})

_ONLY_LANGUAGE = {
    "Grek": "el", "Thai": "th", "Hebr": "he", "Guru": "pa", "Gujr": "gu", "Orya": "or", "Taml": "ta", "Telu": "te",
    "Knda": "kn", "Mlym": "ml", "Sinh": "si", "Laoo": "lo", "Tibt": "bo", "Mymr": "my", "Geor": "ka", "Armn": "hy",
    "Ethi": "am", "Khmr": "km", "Hang": "ko",
}  # fmt: skip
"""The language to name when a script says enough and the detector does not know it."""

_HAN_SCRIPTS = frozenset({"Hani", "Hira", "Kana"})
_SCRIPTS_OF: Mapping[str, frozenset[str]] = {
    language: frozenset(scripts.split())
    for languages, scripts in (
        ("ja zh yue wuu lzh", "Hani Hira Kana"),
        ("ru uk bg be mk", "Cyrl"),
        ("sr kk ky tg uz mn", "Cyrl Latn"),
        ("ar fa ur ps", "Arab"),
        ("ku az", "Arab Latn"),
        ("hi mr ne", "Deva"),
        ("bn as", "Beng"),
        ("en de fr es pt it nl sv da no fi is pl cs sk sl hr hu ro lt lv et eu ca sq tr vi ms tl yo", "Latn"),
        *((language, script) for script, language in _ONLY_LANGUAGE.items()),
    )
    for language in languages.split()
}
"""Scripts in which a language is written, for those where another script proves a detector wrong."""

_CLAIMED = (
    "am ar az be bg bn ca cs da de el en es et eu fa fi fr gu he hi hr hu hy is it ja ka kn ko lo lt lv ml mr ms nl or pa "
    "pl pt ro ru sk sl sq sr sv ta te th tl tr uk ur vi zh"
)
CLAIMED = frozenset(_CLAIMED.split())
"""Languages that `eld` is answerable for: its 60 less Norwegian (two words of it are often called Danish or Swedish),
Yoruba (without its accents it passes for anything) and Kurdish (in Latin letters it is not known). It still names those
three where it finds them."""

_LANGDETECT = (
    "af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl pt ro "
    "ru sk sl so sq sv sw ta te th tl tr uk ur vi zh"
)
"""Languages of langdetect 1.0.9, whose list would cost half a second to load."""


class Language(Filter):
    """Names each document's language and script, and keeps the languages that you ask for.

    Sets the columns `language` (ISO 639-1, or ISO 639-3 where there is no two-letter code; `und` when it cannot be told
    or the text is code, addresses or numbers), `script` (ISO 15924; `Hans` or `Hant` for Chinese) and `language_score`.
    Chinese that is written alike in both is called `Hans`, which is right far more often than not, with the signal
    `script_score` at 0.5. docs/language.md says how well it does.
    """

    name: ClassVar[str] = "language"
    version: ClassVar[int] = 3

    keep: list[str] | None = None
    """Languages to keep, such as `zh`, `en`, `zh-Hant` (Chinese that may be either script, `script_score` 0.5, passes as
    both); none given: label only."""
    min_score: Annotated[Threshold, AtLeast("language_score")] = None
    """Least `language_score`. Scales differ by backend: 0.5 is a mild bound for `eld`, 0.65 for `fasttext`."""
    backend: Backend = "eld"
    """What looks at the text: `eld` (60 languages, bundled, fast), `fasttext` (a model of yours), `langdetect` (slow)."""
    model: str | None = None
    """For `fasttext`: the path of a model (lid.176, GlotLID, OpenLID ...), or `lid.176` for the one that
    `corpusmill fetch lid.176` puts in the cache."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        if self.backend == "fasttext" and self.model is None:
            problems.append(f"backend 'fasttext' needs a model: the path of a .bin or .ftz file, or {LID_176!r}")
        if self.backend != "fasttext" and self.model is not None:
            problems.append(f"model is for backend 'fasttext', and the backend is {self.backend!r}")
        if self.keep is not None:
            if not self.keep:
                problems.append("keep is empty, which would drop every document; leave it out to keep all")
            problems += [p for code in self.keep if (p := _problem(code, self.backend))]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def signal_names(self) -> tuple[str, ...]:
        return ("language_score", "script_score", "han_ratio", *(("language_kept",) if self.keep is not None else ()))

    def rules(self) -> list[Rule]:
        kept = [Rule("keep", "language_kept", ">=", 1.0)] if self.keep is not None else []
        return kept + super().rules()

    def prepare(self) -> None:
        _detector(self.backend, self.model)

    def measure(self, docs: Documents) -> Documents:
        from .text.script import HANI, scan

        found = scan(docs.text, SAMPLE_BYTES)
        total = found.letters.sum(axis=1)
        languages, scripts, scores, script_scores = _decide(found, _detector(self.backend, self.model))
        signals: dict[str, Any] = {
            "language_score": scores,
            "script_score": script_scores,
            "han_ratio": found.letters[:, HANI] / np.maximum(total, 1),
        }
        if self.keep is not None:
            kinds = list(zip(languages, scripts, (script_scores == EVEN).tolist(), strict=True))
            wanted = {kind: _wanted(*kind, self.keep) for kind in set(kinds)}
            signals["language_kept"] = [wanted[kind] for kind in kinds]
        columns = {"language": languages, "script": scripts, "language_score": scores}
        return docs.with_columns(columns).with_signals(signals)


def _decide(found: Scan, detect: Detector) -> tuple[list[str], list[str], NDArray[np.float32], NDArray[np.float32]]:
    """Language, script and the scores of both for each document, from its letters and what the detector says.

    Scripts overrule the detector: what is written in Hangul is not Chinese, whatever its n-grams look like.
    """
    from .text.script import HANI, HIRA, KANA, SCRIPTS, SYMBOLS, WORD_WEIGHT

    n = len(found.offsets) - 1
    weights = found.letters.astype(np.float64)
    for index, weight in WORD_WEIGHT.items():
        weights[:, index] *= weight
    weights[:, HANI] += weights[:, HIRA] + weights[:, KANA]
    weights[:, [HIRA, KANA]] = 0
    total = np.maximum(weights.sum(axis=1), 1)
    shares = weights / total[:, None]
    tops = shares.argmax(axis=1).tolist()
    # Symbols by weighted letters: a short Chinese sentence with two brackets is not code.
    prose = np.clip((CODE_TO - found.marks[:, SYMBOLS] / total) / (CODE_TO - CODE_FROM), 0, 1)

    languages, scripts, scores = [UNDETERMINED] * n, ["Zyyy"] * n, np.zeros(n, np.float32)
    script_scores = np.full(n, np.nan, np.float32)
    rows = np.flatnonzero(found.letters.any(axis=1)).tolist()
    samples = [found.sample_text(row) for row in rows]
    for row, sample, guesses in zip(rows, samples, detect(samples), strict=True):
        guesses = settle(sample, guesses)
        top, best = tops[row], guesses[0][0] if guesses else ""
        # Drug names, formulas and product names can outweigh the Chinese sentence that they stand in.
        if top == HANI or (shares[row, HANI] >= MIXED and _SCRIPTS_OF.get(best) == _HAN_SCRIPTS):
            language, script, score, script_scores[row] = _decide_han(
                found, row, dict(guesses), float(shares[row, HANI])
            )
        else:
            script = SCRIPTS[top]
            fits = (guess for guess in guesses if script in _SCRIPTS_OF.get(guess[0], (script,)))
            language, score = next(fits, (UNDETERMINED, 0.0))
            if language == UNDETERMINED and script in _ONLY_LANGUAGE:
                language, score = _ONLY_LANGUAGE[script], float(shares[row, top])
            script = "Kore" if language == "ko" else script
        score *= prose[row]
        scripts[row] = script
        if score >= FLOOR:
            languages[row] = language
            if script == "Hani":
                scripts[row] = _COMMON_SCRIPT.get(language, "Hans")
        scores[row] = score if language != UNDETERMINED else 0.0
    return languages, scripts, scores, script_scores


def _decide_han(found: Scan, row: int, scores: Mapping[str, float], share: float) -> tuple[str, str, float, float]:
    """Language, script and the scores of both for a document in Han characters, kana or both, which have that share of
    its text; the script is `Hani` where nothing tells Simplified from Traditional, and its score NaN in Japanese."""
    from .text.script import CHINESE, HANI, HIRA, KANA, han_script, is_japanese_kanji

    letters, marks = found.letters[row], found.marks[row]
    kana, han = int(letters[HIRA] + letters[KANA]), int(letters[HANI])
    chinese = max((c for c in scores if c in _HAN_LANGUAGES), key=lambda c: (scores[c], c), default="zh")
    if kana == 0:
        japanese = is_japanese_kanji(marks)
    elif letters[HIRA] == 0 and han > kana and marks[CHINESE] >= max(3, han / 8):
        # Katakana alone among characters that Japanese lacks: a title that a Chinese text quotes.
        japanese = False
    elif 10 * kana >= han + kana:
        japanese = True
    else:
        # A few kana: a Chinese text that names a Japanese thing, or a Japanese list of names.
        japanese = scores.get("ja", 0.0) > scores.get(chinese, 0.0) and 20 * marks[CHINESE] < han
    language = "ja" if japanese else chinese
    best = next(iter(scores), None)
    # langdetect takes a third of Traditional Chinese for Korean: where its script rules the best guess out, the script
    # is the evidence, and not the little that is left for the second guess.
    score = scores.get(language, share) if best in _HAN_LANGUAGES or best == "ja" else share
    script, certain = ("Jpan", math.nan) if japanese else han_script(marks)
    return language, script, score, certain


def _wanted(language: str, script: str, either: bool, keep: Sequence[str]) -> bool:
    tagged = {f"{language}-Hans", f"{language}-Hant"} if either else {f"{language}-{script}"}
    return language in keep or not tagged.isdisjoint(keep)


def _problem(code: str, backend: Backend) -> str | None:
    """Why `code` cannot stand in `keep`, or None."""
    from .text.script import SCRIPTS

    language, _, script = code.partition("-")
    scripts = {*SCRIPTS, "Hans", "Hant", "Jpan", "Kore"}
    if script and script not in scripts:
        return f"unknown script {script!r} in keep: {code!r}{suggestion(script, scripts)}"
    known = _known(backend)
    # fastText models know languages that have no two-letter code; only the model could tell which.
    if language in known or (
        backend == "fasttext" and len(language) == 3 and language.isascii() and language.islower()
    ):
        return None
    if language in iso_codes().values():
        return f"backend {backend!r} cannot tell {language!r} in keep; it knows {', '.join(sorted(known))}"
    return f"unknown language {language!r} in keep{suggestion(language, known)}"


def _known(backend: Backend) -> frozenset[str]:
    if backend == "langdetect":
        return frozenset(_LANGDETECT.split()) | {UNDETERMINED}
    if backend == "fasttext":
        return frozenset(iso_codes().values()) | {UNDETERMINED}
    import eldc

    return frozenset(eldc.LANGUAGES) | frozenset(_ONLY_LANGUAGE.values()) | {UNDETERMINED}


@lru_cache(maxsize=1)
def iso_codes() -> Mapping[str, str]:
    """ISO 639-3 code -> ISO 639-1 code."""
    text = (resources.files("corpusmill.filters") / "data" / "iso639.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {three: two for two, *codes in lines for three in codes}


def language_of_label(label: str) -> str:
    """The language that a fastText label names: `__label__zh` (lid.176), `__label__cmn_Hani` (GlotLID, OpenLID).

    Only labels with a script are read as ISO 639-3. lid.176 uses Wikipedia's codes, where `als` is Alemannic; in
    ISO 639-3 it is Albanian.
    """
    code, _, script = label.removeprefix("__label__").partition("_")
    if code in ("und", "zxx", "mul", "mis"):
        return UNDETERMINED
    return iso_codes().get(code, code) if script else code


@lru_cache(maxsize=4)
def _detector(backend: Backend, model: str | None) -> Detector:
    if backend == "eld":
        return _eld()
    if backend == "langdetect":
        return _langdetect()
    assert model is not None
    return _fasttext(_model_path(model))


def _model_path(model: str) -> Path:
    if model != LID_176:
        return Path(model)
    from ..curate.fetch import cached

    path = cached(LID_176)
    if path is None:
        raise CorpusmillError(f"the model {LID_176} is not in the cache; run: corpusmill fetch {LID_176}")
    return Path(path)


def _eld() -> Detector:
    import eldc

    eldc.init()
    # An instance of our own: the module's settings belong to the whole process, and so to the user's code too.
    instance = eldc.instance()
    instance.set_scores(5)
    return lambda texts: [list(instance.detect_details(text).scores.items()) for text in texts]


def _fasttext(path: Path) -> Detector:
    model = load_fasttext(path)

    def detect(texts: list[str]) -> list[Guesses]:
        if not texts:
            return []
        labels, scores = model.predict(texts, k=5)
        found: list[Guesses] = []
        for names, values in zip(labels, scores, strict=True):
            best: dict[str, float] = {}
            for name, value in zip(names, values, strict=True):
                language = language_of_label(name)
                if language != UNDETERMINED:
                    best.setdefault(language, min(float(value), 1.0))
            found.append(list(best.items()))
        return found

    return detect


def _langdetect() -> Detector:
    from langdetect import DetectorFactory, detect_langs
    from langdetect.lang_detect_exception import LangDetectException

    # Without a seed langdetect draws at random, and the same text gets other answers.
    DetectorFactory.seed = 0

    def one(text: str) -> Guesses:
        try:
            return [(g.lang.split("-")[0], g.prob) for g in detect_langs(text)]
        except LangDetectException:
            return []

    return lambda texts: [one(text) for text in texts]

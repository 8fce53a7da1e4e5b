"""`corpusmill pack new`: a project that is a pack, whose recipes run at once and whose checks pass."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path

from .catalogue import PackError, packs

_STEPS = {
    "zh": (
        "Repairs encodings, full-width letters and digits; Chinese punctuation stays. / 修复乱码与全角字母数字，中文标点不动。",
        "Wide bounds to begin with; narrow them by what `corpusmill what-if` shows. / 阈值先放宽，再用 what-if 收紧。",
        "The share of the text in your terms, kept with each document; set a bound to filter by it. / 术语密度；设下限即可筛选。",
        "E-mail addresses, phone and identity numbers become tags. / 邮箱、电话、证件号替换为标签。",
        "Last, on the text as it will be written. / 最后去重。",
    ),
    "en": (
        "Repairs encodings, stray tags, control characters and blanks.",
        "Wide bounds to begin with; narrow them by what `corpusmill what-if` shows.",
        "The share of the text in your terms, kept with each document; set a bound to filter by it.",
        "E-mail addresses, phone and identity numbers become tags.",
        "Last, on the text as it will be written.",
    ),
}
_EXAMPLES = {
    "zh": [
        "这里放一篇{name}领域的真实文档。请用你自己的文本替换这些例子：至少几百篇、不止一种体裁，分类器才学得到领域本身，而不是某一种写法。",
        "第二个例子与第一个体裁不同：比如一篇是手册，一篇是问答。召回程序先看术语密度，再看分类器的分数，所以术语表也要写好，每行一个。",
    ],
    "en": [
        "This is where a real document about {name} goes. Replace these examples by texts of your own: some hundred at least, of "
        "more than one genre, so that a classifier learns the domain and not a way of writing.",
        "The second example is of another genre: if the first is a manual, this is a question with its answer. The search for "
        "more text looks at the density of your terms first, so write the list of terms with care, one a line.",
    ],
}  # fmt: skip


def new_pack(name: str, folder: str | Path | None = None) -> tuple[Path, list[str]]:
    """Writes a pack called `name` into `folder` (by default a folder of that name); returns it and what to do next.

    The folder is a Python project with the entry points of a pack. Raises PackError when the name is taken or no Python
    name, or the folder holds something.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise PackError(
            f"{name!r} is no name for a pack: small letters, digits and _, beginning with a letter, e.g. tax_law"
        )
    if name in packs():
        raise PackError(
            f"there is a pack {name!r} already; choose another name, or see it with: corpusmill pack show {name}"
        )
    root = Path(folder) if folder is not None else Path(name)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise PackError(f"{root} holds something already; give an empty or new folder with --folder")
    inner = root / f"{name}_pack"
    for path in (inner, root / "raw", root / "tests"):
        path.mkdir(parents=True, exist_ok=True)
    for file, text in _contents(name, inner.name, root).items():
        (root / file).write_text(text, encoding="utf-8")
    steps = [
        f"corpusmill plan {inner / 'recipe-zh.yaml'}       # it runs already, on the examples in {root / 'raw'}",
        f"put your own documents into {root / 'raw'}, terms into {inner}/terms-*.txt, texts of the domain into {inner}/seed-*.jsonl",
        f"corpusmill recall --seed '{inner}/seed-*.jsonl' --terms {inner / 'terms-zh.txt'} --pool 'crawl/*.parquet' -o found   # more of it from a crawl",
        f"corpusmill pack check {root}     # what it lacks",
        f"pip install -e {root}; corpusmill init {name}-zh     # known by name, with the step in {inner / 'steps.py'}",
    ]
    return root, steps


def _contents(name: str, module: str, root: Path) -> dict[str, str]:
    title = "".join(word.capitalize() for word in name.split("_"))
    examples = {lang: [t.format(name=name) for t in texts] for lang, texts in _EXAMPLES.items()}
    found = {
        "pyproject.toml": f"""[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "corpusmill-{name.replace("_", "-")}"
version = "0.1.0"
description = "A corpusmill pack for {name}."
requires-python = ">=3.11"
dependencies = ["corpusmill"]

[project.entry-points."corpusmill.packs"]
{name} = "{module}"

[project.entry-points."corpusmill.steps"]
{name} = "{module}.steps"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
""",
        f"{module}/__init__.py": f'"""Recipes, lexicons and steps for {name}."""\n',
        f"{module}/pack.yaml": f"""summary: Text about {name}.   # one sentence
preset: nano                 # the training preset that suits its size: corpusmill train --help
lexicons: [terms-zh.txt, terms-en.txt]
steps: [{name}_signals]       # known once the package is installed: pip install -e {root.as_posix()}
seeds: {{zh: seed-zh.jsonl, en: seed-en.jsonl}}
protected: [terms-zh.txt, terms-en.txt]     # typo fixing and augmentation leave these alone
typos: {{}}                    # confusions: confusions-zh.txt
augmentation: {{}}             # synonyms: synonyms.txt
evaluation: []               # - {{name: my_exam, file: exam.jsonl}}   or   {{name: ..., where: https://...}}
""",
        f"{module}/steps.py": f'''"""What makes a text one about {name}."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from corpusmill.curate.documents import Documents
from corpusmill.curate.step import AtLeast, Filter, Threshold
from corpusmill.domain_packs import lexicon

HERE = Path(__file__).parent


class {title}Signals(Filter):
    """Measures how much a text is about {name}. Drops nothing by default."""

    name: ClassVar[str] = "{name}_signals"

    min_{name}_terms: Annotated[Threshold, AtLeast("{name}_terms")] = None
    """Least share of the characters that lie in a term."""

    def measure(self, docs: Documents) -> Documents:
        terms = lexicon.own(str(HERE / "terms-zh.txt")) + lexicon.own(str(HERE / "terms-en.txt"))
        return docs.with_signals({{"{name}_terms": lexicon.coverage(docs, lexicon.patterns(terms))}})
''',
        f"{module}/terms-zh.txt": f"# {name} 术语，一行一个；请写明来源与许可。\n{name}\n术语\n领域\n",
        f"{module}/terms-en.txt": f"# Terms of {name}, one a line; say where they are from and under which licence.\n{name}\nterms\ndomain\n",
        "tests/test_pack.py": f'''from corpusmill.curate.documents import Documents
from corpusmill.domain_packs import check_pack
from {module}.steps import {title}Signals


def test_nothing_is_wrong_with_the_pack() -> None:
    assert [f for f in check_pack("{name}") if f.level == "wrong"] == []


def test_its_own_text_is_denser_in_terms() -> None:
    docs = {title}Signals().measure(Documents.from_texts(["a domain and its terms", "a walk in the rain"]))
    assert docs.signals["{name}_terms"][0] > docs.signals["{name}_terms"][1]
''',
        "README.md": f"""# {name}

A corpusmill pack. `{module}/pack.yaml` says what is in it; `corpusmill pack check .` says what it lacks.

    pip install -e .
    corpusmill init {name}-en > recipe.yaml
    corpusmill run recipe.yaml
""",
    }  # fmt: skip
    # A pack's READMEs belong to the pack; the project's points at them.
    found[f"{module}/README.md"] = (
        f"# {name}\n\nWhat the domain is, what its steps measure, where its terms are from.\n"
    )
    found[f"{module}/README.zh-CN.md"] = f"# {name}\n\n领域是什么，各步骤测量什么，术语出自何处。\n"
    for lang, texts in examples.items():
        lines = "".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
        found[f"{module}/seed-{lang}.jsonl"] = found[f"raw/example-{lang}.jsonl"] = lines
        found[f"{module}/recipe-{lang}.yaml"] = _recipe(name, lang, module, root)
    return found


def _recipe(name: str, lang: str, module: str, root: Path) -> str:
    why = _STEPS[lang]
    at = root.as_posix()
    return f"""# {name}: text in {"Chinese / 中文语料" if lang == "zh" else "English"}.
#   corpusmill plan {at}/{module}/recipe-{lang}.yaml
#   corpusmill run {at}/{module}/recipe-{lang}.yaml
name: {name}-{lang}
inputs:
  - path: {json.dumps(f"{at}/raw")}     # a file, a folder (all that is in it) or a glob such as raw/**/*.jsonl.gz
output: {json.dumps(f"{at}/corpus/{name}-{lang}")}

steps:
  # {why[0]}
  - fix_format

  - language: {{keep: [{lang}], min_score: 0.3}}

  # {why[1]}
  - gopher_repetition: {{top_2_gram: null, top_3_gram: null, top_4_gram: null, dup_5_gram: 0.6, dup_6_gram: 0.6, dup_7_gram: 0.6, dup_8_gram: 0.6, dup_9_gram: 0.6, dup_10_gram: 0.6}}
  - gopher_quality: {{min_words: 10, max_words: null, min_stop_words: null, max_bullet_lines_ratio: null, min_alpha_words_ratio: 0.5}}

  # {why[2]}
  - domain_terms: {{terms: {json.dumps(f"{at}/{module}/terms-{lang}.txt")}}}
  # Your own step, once the pack is installed (pip install -e {at}):
  # - {name}_signals

  # {why[3]}
  - redact_pii

  # {why[4]}
  - exact_dedup
  - minhash_dedup: {{threshold: 0.85}}

validation: 0.01
max_bad_share: 0.05
"""

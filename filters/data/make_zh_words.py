"""Packs jieba's dictionary into zh_words.zst: `python make_zh_words.py .../site-packages/jieba/dict.txt`.

dict.txt is that of jieba 0.42.1 (https://github.com/fxsjy/jieba, MIT): a word, its frequency and its part of speech a line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from corpusmill.filters.text.dictionary import LevelTrie


def main(source: Path) -> None:
    words = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        word, frequency, _ = line.split(" ")
        words[word] = int(frequency)
    target = Path(__file__).with_name("zh_words.zst")
    target.write_bytes(LevelTrie.of(words).pack())
    print(f"{len(words):,} words, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

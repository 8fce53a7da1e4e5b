"""WikiText-2: word-level perplexity of a small GPT trained on its 11 MB alone, within hours of two cores.

A word is what the published figures count: whatever stands between spaces, and the end of each line. The model works in
byte-level BPE of 8,192 tokens trained on the training part; all nats spent on the validation text, the ends of its
articles included, are divided by its 217,646 words, so that tokenizers compare. `<unk>` is text like any other here and
must be spelled, where word-level models have it as one of 33,278 choices. Each article is read by itself, in rows of
512 tokens; half a row is given again as context at the next one.

The best checkpoint is chosen on a fifth of the validation part. Arguments: --minutes N (nothing is done
without; the learning rate falls to zero over them), --threads N, --output FOLDER (an interrupted run goes on), --name NAME (of the result).
"""

from __future__ import annotations

import argparse
import gzip
import math
import os
import re
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from machine import about, save

PUBLISHED = {
    "perplexity": 133,
    "parameters": "39 M",
    "what": "a plain Transformer, as the issue of the project gives it",
}
TITLE = re.compile(r" = [^=].*[^=] = ")
VOCABULARY, CONTEXT = 8192, 512


def articles(text: str) -> list[str]:
    """Cut before each line that is a title of the first rank; joined again they are the text."""
    found: list[list[str]] = [[]]
    for line in text.splitlines(keepends=True):
        if TITLE.fullmatch(line.rstrip("\n")) and "".join(found[-1]).strip():
            found.append([])
        found[-1].append(line)
    return ["".join(lines) for lines in found]


def read(part: str) -> str:
    folder = Path(os.environ.get("CORPUSMILL_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    return gzip.decompress((folder / "en" / f"wikitext2_{part}.txt.gz").read_bytes()).decode()


def write_corpus(corpus: Path) -> None:
    for split, part in (("train", "train"), ("validation", "valid")):
        texts = articles(read(part))
        table = pa.table(
            {
                "id": [f"{part}-{i}" for i in range(len(texts))],
                "text": texts,
                "source": ["wikitext2"] * len(texts),
                "language": ["en"] * len(texts),
            }
        )
        (corpus / split).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, corpus / split / "part-0.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--name", default="wikitext")
    options = parser.parse_args()
    if options.minutes is None:
        print("skipped: this takes hours; give --minutes, 115 as for the result that is there")
        return
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read when torch is imported

    from corpusmill.train import PretrainConfig, pretrain, train_tokenizer
    from corpusmill.train.evaluate.bits import evaluate_corpus

    output = options.output or Path(tempfile.mkdtemp(prefix="corpusmill-wikitext-"))
    corpus, tokenizer, run = output / "corpus", output / "tokenizer", output / "run"
    begun = time.time()
    if not (tokenizer / "report.json").is_file():
        write_corpus(corpus)
        train_tokenizer([corpus], tokenizer, vocab_size=VOCABULARY)
    result = pretrain(
        PretrainConfig(
            corpus=corpus,
            output=run,
            tokenizer=tokenizer,
            preset="nano",
            context=CONTEXT,
            batch_tokens=4096,
            micro_batch_tokens=4096,
            optimizer="muon",
            learning_rate=2.5e-3,
            final_learning_rate=0.0,
            warmup_steps=50,
            precision="bfloat16",
            max_minutes=options.minutes,
            evaluate_every=500,
            validation_tokens=65_536,
            train_sample_tokens=16_384,
            checkpoint_every=250,
            patience=None,
        )
    )
    scored = evaluate_corpus(run, corpus, overlap=CONTEXT // 2)
    text = read("valid")
    words = sum(len(line.split()) + 1 for line in text.splitlines())
    nats = scored["bits_per_byte"] * math.log(2) * scored["bytes"]
    save(
        options.name,
        {
            **about(("torch", "tokenizers")),
            "threads": options.threads,
            "minutes": options.minutes,
            "seconds_in_all": round(time.time() - begun),
            "parameters": result.parameters,
            "steps": result.steps,
            "tokens": result.tokens,
            "epochs": round(result.epochs, 2),
            "tokens_per_second": round(result.tokens_per_second),
            "gap": result.gap,
            "validation": {
                "words": words,
                "bytes": scored["bytes"],
                "bits_per_byte": round(scored["bits_per_byte"], 4),
                "word_perplexity": round(math.exp(nats / words), 2),
            },
            "published": PUBLISHED,
        },
    )


if __name__ == "__main__":
    main()

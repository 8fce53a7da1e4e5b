"""Ten lines: compose a pipeline, try it on a table, run it over files."""

import sys

import pyarrow as pa

from corpusmill.curate import Pipeline
from corpusmill.filters import FixFormat, GopherQuality, GopherRepetition, Language, MinHashDedup

pipeline = Pipeline([FixFormat(), Language(keep=["zh", "en"]), GopherQuality(), GopherRepetition(), MinHashDedup()])

table = pa.table({"text": ["太短。", "Too short."]})
print(pipeline.apply(table).ledger.select(["text", "step", "rule", "value", "threshold"]).to_pylist())

if len(sys.argv) == 3:  # examples/ten_lines.py 'raw/**/*.jsonl.gz' corpus
    print(pipeline.run(sys.argv[1], output=sys.argv[2]).counts)

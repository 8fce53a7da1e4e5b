"""A batch's texts as two flat arrays: the UTF-8 bytes and where each document starts in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextBuffers:
    """Arrow's own buffers of a LargeStringArray, seen without a copy.

    Document `d` is `data[offsets[d]:offsets[d + 1]]`; a null document is empty. Both arrays are read-only: numba
    compiles a second version of a kernel for writable ones, so everything that is passed to a kernel comes from here.
    """

    data: Bytes
    offsets: Int64s

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, texts: pa.LargeStringArray) -> TextBuffers:
        """The buffers of `texts` (contiguous; a slice is fine)."""
        _, offsets, data = texts.buffers()
        if len(texts) == 0 or offsets is None:
            starts = np.zeros(1, dtype=np.int64)
        else:
            starts = np.frombuffer(offsets, dtype=np.int64, count=texts.offset + len(texts) + 1)[texts.offset :]
        raw: Any = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
        return cls(readonly(raw), readonly(starts))

    @classmethod
    def of_strings(cls, texts: list[str]) -> TextBuffers:
        return cls.of(pa.array(texts, pa.large_string()))

    def document(self, row: int) -> bytes:
        """One document's bytes, copied."""
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes()


def readonly(array: NDArray[Any]) -> NDArray[Any]:
    """`array` as numba types it everywhere: contiguous and not writable."""
    view = np.ascontiguousarray(array)
    view = view.view()
    view.flags.writeable = False
    return view

"""Several bytes of a text as one number: what makes the scans of the other kernels several times as fast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .kernel import part


def _load(wide: Any) -> Any:
    def load(typing_context: Any, data: Any, i: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, args[0])
            pointer = context.get_value_type(signature.return_type).as_pointer()
            number = builder.load(builder.bitcast(builder.gep(array.data, [args[1]]), pointer))
            number.align = 1
            return number

        return wide(data, types.int64), generate

    return intrinsic(load)


load8: Any = _load(types.uint64)
"""Eight bytes of an array from `i` on as one number, low byte first; the caller sees that they are there."""
load4: Any = _load(types.uint32)
"""Four bytes, likewise."""
load2: Any = _load(types.uint16)
"""Two bytes."""
byte_at: Any = _load(types.uint8)
"""One byte, likewise: half the cost of `data[i]`, where numba sees to it that a negative `i` counts from the end."""


def _store(typing_context: Any, data: Any, i: Any, eight: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = context.get_value_type(types.uint64).as_pointer()
        builder.store(args[2], builder.bitcast(builder.gep(array.data, [args[1]]), pointer)).align = 1
        return context.get_dummy_value()

    return types.void(data, types.int64, types.uint64), generate


store8: Any = intrinsic(_store)
"""Writes eight bytes into an array from `i` on; the caller sees that there is room."""


def _low_zeros(typing_context: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate


_zeros: Any = intrinsic(_low_zeros)

ONES = np.uint64(0x0101010101010101)
HIGHS = np.uint64(0x8080808080808080)
"""The high bit of every byte: what the tests below set for a byte that they find, the lowest one exactly."""


@part
def lowest(found: Any) -> Any:
    """Which byte, from 0, the lowest high bit set in `found` stands for; 8 if there is none."""
    return np.int64(_zeros(found) >> np.uint64(3))


@part
def equal(eight: Any, byte: Any) -> Any:
    """The bytes of `eight` that are `byte`, which is given eight times over."""
    other = eight ^ byte
    return (other - ONES) & ~other & HIGHS


@part
def below(eight: Any, byte: Any) -> Any:
    """The bytes of `eight` that are less than `byte` (at most 128), which is given eight times over."""
    return (eight - byte) & ~eight & HIGHS


_CASE = np.uint64(0x20) * ONES
_BEFORE_A = np.uint64(0x80 - 0x61) * ONES
_AFTER_Z = np.uint64(0x80 - 0x7B) * ONES


@part
def leading_letters(eight: Any) -> Any:
    """How many of eight bytes, from the first on, are ASCII letters."""
    lower = (eight | _CASE) & ~HIGHS
    letters = (lower + _BEFORE_A) & ~(lower + _AFTER_Z) & ~eight
    return lowest(~letters & HIGHS)


_BEFORE_0 = np.uint64(0x80 - 0x30) * ONES
_AFTER_9 = np.uint64(0x80 - 0x3A) * ONES


@part
def leading_word(eight: Any) -> Any:
    """How many of eight bytes, from the first on, are ASCII letters or digits."""
    low = eight & ~HIGHS
    lower = (eight | _CASE) & ~HIGHS
    letters = (lower + _BEFORE_A) & ~(lower + _AFTER_Z)
    digits = (low + _BEFORE_0) & ~(low + _AFTER_9)
    return lowest(~((letters | digits) & ~eight) & HIGHS)


_BEFORE_UPPER = np.uint64(0x80 - 0x41) * ONES
_AFTER_UPPER = np.uint64(0x80 - 0x5B) * ONES


@part
def lower_case(eight: Any) -> Any:
    """Eight ASCII characters in lower case."""
    upper = (eight + _BEFORE_UPPER) & ~(eight + _AFTER_UPPER) & HIGHS
    return eight | (upper >> np.uint64(2))

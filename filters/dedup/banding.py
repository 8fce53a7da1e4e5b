"""Which pairs of signatures become candidates: those that agree in all slots of some band."""

from __future__ import annotations

RECALL = 0.98
"""Least chance that a pair just at the threshold becomes a candidate. Candidates are checked, so more bands cost time
and no precision; datasketch's own choice of bands weighs false candidates as much as missed pairs and finds only 40 %."""


def lsh_bands(threshold: float, slots: int) -> tuple[int, int]:
    """(bands, slots in a band): the widest bands that find a pair at the threshold with a chance of `RECALL`."""
    for width in range(slots, 1, -1):
        bands = slots // width
        if candidate_chance(threshold, bands, width) >= RECALL:
            return bands, width
    return slots, 1


def candidate_chance(similarity: float, bands: int, width: int) -> float:
    """How probable it is that a pair of this Jaccard similarity becomes a candidate: the S-curve of the banding."""
    return float(1 - (1 - similarity**width) ** bands)


def s_curve(threshold: float, slots: int) -> list[tuple[float, float]]:
    """(similarity, chance of becoming a candidate) from 0 to 1 in steps of 0.05."""
    bands, width = lsh_bands(threshold, slots)
    return [(k / 20, candidate_chance(k / 20, bands, width)) for k in range(21)]

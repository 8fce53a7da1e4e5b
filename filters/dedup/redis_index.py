"""A team's index of kept documents on a Redis server: datasketch's LSH over 16-bit signatures, and what verifies.

Under the name of the index, the server holds

    NAME:lsh_...        datasketch's MinHashLSH: for each band, which documents have this value (sets)
    NAME:doc:RUN:ID     signature and packed shingles (a hash)
    NAME:exact:HASH     documents too short for signatures, by their text's hash (sets)
    NAME:members:RUN    all that a run registered, so that it can be replaced (a set)
    NAME:runs           committed runs: their number and what they were made of (a hash)
    NAME:last, NAME:options, NAME:lock

Only data is stored, and nothing is unpickled: who can write to the server can spoil the index, not run code.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from ...curate.errors import InputError, MissingExtra, RunError
from .near import MARGIN

PASSWORD = "CORPUSMILL_REDIS_PASSWORD"

LOCK_SECONDS = 120
"""A run that is killed while it registers holds others up for so long. Renewed at every chunk, far more often."""

WAIT_SECONDS = 600
"""How long a run waits while another one registers, before it stops."""

Match = tuple[str, float]
"""`RUN:ID` of a registered document, and its similarity."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document to ask for or to register: its 128-bit hash, signature (empty if it is too short) and packed shingles."""

    id: str
    exact: bytes
    minhash: bytes
    shingles: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """A run whose documents count: its place in the order of runs, and a hash of what it was made of."""

    number: int
    content: str


def pack(shingles: NDArray[np.uint64]) -> bytes:
    """Sorted distinct shingle hashes in some 5.5 bytes each.

    The upper 48 bits are kept: two documents of a thousand unlike shingles share one by chance in one pair of 280
    million. Differences of sorted hashes have zeros in front; byte by byte, those compress.
    """
    upper = np.unique(shingles >> np.uint64(16))
    planes = np.diff(upper, prepend=np.uint64(0)).astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    return bytes(zstandard.ZstdCompressor(level=1).compress(np.ascontiguousarray(planes.T).tobytes()))


def unpack(packed: bytes) -> NDArray[np.uint64]:
    """The upper 48 bits of the shingle hashes, sorted."""
    raw = np.frombuffer(zstandard.ZstdDecompressor().decompress(packed), np.uint8).reshape(6, -1)
    whole = np.zeros((raw.shape[1], 8), np.uint8)
    whole[:, 2:] = raw.T
    return np.cumsum(whole.reshape(-1).view(">u8").astype(np.uint64), dtype=np.uint64)


class _Signature:
    """Our 16-bit slots in the form in which datasketch's index looks at a MinHash."""

    def __init__(self, minhash: bytes) -> None:
        self.hashvalues = np.frombuffer(minhash, np.uint16)

    def __len__(self) -> int:
        return len(self.hashvalues)


@contextmanager
def answering(server: str) -> Iterator[None]:
    """Say in a sentence what is the matter with the server."""
    try:
        import redis
    except ImportError:
        raise MissingExtra("shared_dedup", "redis") from None
    try:
        yield
    except redis.AuthenticationError as error:
        raise InputError(f"the Redis server at {server} wants a password ({error}): set {PASSWORD}") from None
    except redis.ConnectionError as error:
        raise InputError(
            f"no Redis server answers at {server} ({error}); start one (redis-server), or set `server` to the team's. "
            "The same command goes on from there"
        ) from None


class SharedIndex:
    """The index. Raises InputError when it was made with other options."""

    def __init__(self, server: str, name: str, options: dict[str, Any], max_candidates: int) -> None:
        import redis
        from datasketch import MinHashLSH

        self._name = name.encode()
        self._threshold, self._slots = options["threshold"], options["num_slots"]
        self._max_candidates = max_candidates
        pool = redis.ConnectionPool.from_url(server, password=os.environ.get(PASSWORD), socket_connect_timeout=10)
        self._redis: Any = redis.Redis(connection_pool=pool)
        self._options, self._where = options, f"{name} at {server}"
        self.check_options()
        storage = {"type": "redis", "basename": self._key("lsh"), "redis": {"connection_pool": pool}}
        # Without pickled keys: datasketch would unpickle whatever it reads from the server.
        self._lsh: Any = MinHashLSH(
            num_perm=self._slots,
            params=(options["bands"], options["width"]),
            storage_config=storage,
            prepickle=False,
        )

    def check_options(self, *, make: bool = False) -> None:
        """Raise InputError when the index was made with other options; `make` it with ours if it is new."""
        key = self._key("options")
        if make:
            self._redis.set(key, json.dumps(self._options, sort_keys=True), nx=True)
        stored = self._redis.get(key)
        there = json.loads(stored) if stored else self._options
        differing = {k: there.get(k) for k in self._options if there.get(k) != self._options[k]}
        if differing:
            said = ", ".join(f"{k}={v}" for k, v in sorted(differing.items()))
            raise InputError(f"the index {self._where} was made with {said}; set the same, or name another index")

    def close(self) -> None:
        self._redis.connection_pool.disconnect()

    def last(self) -> int:
        """The number of the last committed run."""
        return int(self._redis.get(self._key("last")) or 0)

    def committed(self, run: str) -> Committed | None:
        found = self._redis.hget(self._key("runs"), run)
        return Committed(**json.loads(found)) if found else None

    def numbers(self, sees: int, run: str) -> dict[bytes, int]:
        """The committed runs with numbers up to `sees`, other than `run` itself."""
        found = self._redis.hgetall(self._key("runs")).items()
        numbers = {name: int(json.loads(value)["number"]) for name, value in found if name != run.encode()}
        return {name: number for name, number in numbers.items() if number <= sees}

    def ask(self, documents: Sequence[Wanted], sees: int, run: str) -> list[Match | None]:
        """For each document the one that it is like, of the runs with numbers up to `sees` other than `run` itself.

        The earliest run's goes first, then the most similar by estimate, then the smallest id.
        """
        numbers = self.numbers(sees, run)
        if not numbers or not documents:
            return [None] * len(documents)
        found: list[Match | None] = [None] * len(documents)
        for i, keys in enumerate(self._candidates(documents)):
            known = [k for k in keys if k.partition(b":")[0] in numbers]
            if known and documents[i].minhash:
                found[i] = self._verified(documents[i], known, numbers)
            elif known:
                first = min(known, key=lambda k: (numbers[k.partition(b":")[0]], k))
                found[i] = first.decode(), 1.0
        return found

    def _candidates(self, documents: Sequence[Wanted]) -> list[set[bytes]]:
        """Keys that share a band with each document, or its hash if it is short: one round trip a band."""
        found: list[set[bytes]] = [set() for _ in documents]
        long = [i for i, d in enumerate(documents) if d.minhash]
        signatures = [_Signature(documents[i].minhash) for i in long]
        if long:
            for (start, end), table in zip(self._lsh.hashranges, self._lsh.hashtables, strict=True):
                keys = [self._lsh._H(s.hashvalues[start:end]) for s in signatures]
                for i, members in zip(long, table.getmany(*keys), strict=True):
                    found[i] |= members
        short = [i for i, d in enumerate(documents) if not d.minhash]
        if short:
            pipe = self._redis.pipeline(transaction=False)
            for i in short:
                pipe.smembers(self._exact(documents[i].exact))
            for i, members in zip(short, pipe.execute(), strict=True):
                found[i] = set(members)
        return found

    def _verified(self, document: Wanted, keys: Sequence[bytes], numbers: dict[bytes, int]) -> Match | None:
        from ..text.shingles import jaccard

        mine = np.frombuffer(document.minhash, np.uint16)
        error = (self._threshold * (1 - self._threshold) / self._slots) ** 0.5
        least = np.ceil((self._threshold - MARGIN * error) * self._slots)
        likely = []
        for key, stored in zip(keys, self._fields(keys, "minhash"), strict=True):
            equal = int((np.frombuffer(stored, np.uint16) == mine).sum()) if stored else 0
            if equal >= least:
                likely.append((numbers[key.partition(b":")[0]], -equal, key))
        likely = sorted(likely)[: self._max_candidates]
        own = unpack(document.shingles)
        for (_, _, key), packed in zip(likely, self._fields([k for _, _, k in likely], "shingles"), strict=True):
            similarity = float(jaccard(own, unpack(packed))) if packed else 0.0
            if similarity >= self._threshold:
                return key.decode(), similarity
        return None

    def _fields(self, keys: Sequence[bytes], field: str) -> list[bytes | None]:
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            pipe.hget(self._document(key), field)
        found: list[bytes | None] = pipe.execute()
        return found

    @contextmanager
    def registering(self, run: str, content: str) -> Iterator[Registration]:
        """Register a run's documents while no other run does; they count when the block ends well."""
        token = f"{run}:{secrets.token_hex(8)}"
        until = time.monotonic() + WAIT_SECONDS
        while not self._redis.set(self._key("lock"), token, nx=True, ex=LOCK_SECONDS):
            if time.monotonic() >= until:
                other = (self._redis.get(self._key("lock")) or b"?").decode().partition(":")[0]
                raise RunError(
                    f"shared_dedup: the run {other} has been registering in the index {self._where} for more than "
                    f"{WAIT_SECONDS} s; start this run again when it is done: finished work is kept"
                )
            time.sleep(0.2)
        registration = Registration(self, run, content, token)
        try:
            registration.begin()
            yield registration
            registration.commit()
        finally:
            registration.release()

    def _key(self, *parts: str) -> bytes:
        return b":".join([self._name, *(p.encode() for p in parts)])

    def _document(self, key: bytes) -> bytes:
        return self._key("doc") + b":" + key

    def _exact(self, exact: bytes) -> bytes:
        return self._key("exact", exact.hex())


class Registration:
    """A run's turn to register. `sees` is the number of the last run before it."""

    def __init__(self, index: SharedIndex, run: str, content: str, token: str) -> None:
        self._index, self._run, self._content, self._token = index, run, content, token
        self._done = False
        """Whether the same documents were registered before, by a run that was made again, or killed just after."""
        self.sees = 0

    def begin(self) -> None:
        index = self._index
        index.check_options(make=True)
        before = index.committed(self._run)
        self._done = before is not None and before.content == self._content
        if before is not None and self._done:
            self.sees = before.number - 1
            return
        self.sees = index.last()
        index._redis.hdel(index._key("runs"), self._run)
        members = index._redis.sscan_iter(index._key("members", self._run), count=1000)
        for key in list(members):
            self.renew()
            self._forget(key)

    def _forget(self, key: bytes) -> None:
        index = self._index
        stored = index._redis.hget(index._document(key), "exact")
        if stored is not None:
            index._redis.srem(index._exact(stored), key)
        if key in index._lsh:
            index._lsh.remove(key)
        index._redis.delete(index._document(key))
        index._redis.srem(index._key("members", self._run), key)

    def renew(self) -> None:
        """Keep the lock. Raises RunError when it has gone to another run."""
        index = self._index
        if index._redis.get(index._key("lock")) != self._token.encode():
            raise self._lost()
        index._redis.expire(index._key("lock"), LOCK_SECONDS)

    def _lost(self) -> RunError:
        return RunError(
            f"shared_dedup: the run {self._run} stood still while it registered and lost its turn to another; start it "
            "again: finished work is kept, and nothing that it registered counts yet"
        )

    def add(self, documents: Sequence[Wanted]) -> None:
        """Register these."""
        index = self._index
        members = index._key("members", self._run)
        keys = [f"{self._run}:{d.id}".encode() for d in documents]
        if self._done and keys:
            # What it was like before may be gone since: another run was made again.
            there = index._redis.smismember(members, keys)
            documents = [d for d, known in zip(documents, there, strict=True) if not known]
            keys = [k for k, known in zip(keys, there, strict=True) if not known]
        if not keys:
            return
        if not self._done:
            index._redis.sadd(members, *keys)  # first: what a killed run leaves half-way is found by them
        pipe = index._redis.pipeline(transaction=False)
        for key, document in zip(keys, documents, strict=True):
            if document.minhash:
                fields: dict[str, bytes] = {"minhash": document.minhash, "shingles": document.shingles}
            else:
                fields = {"exact": document.exact}
                pipe.sadd(index._exact(document.exact), key)
            pipe.hset(index._document(key), mapping=fields)
        pipe.execute()
        with index._lsh.insertion_session(buffer_size=10_000) as session:
            for key, document in zip(keys, documents, strict=True):
                if document.minhash:
                    session.insert(key, _Signature(document.minhash), check_duplication=False)
        if self._done:
            index._redis.sadd(members, *keys)

    def commit(self) -> None:
        """Make all that was added count, at once, if it is still this run's turn."""
        if self._done:
            return
        index = self._index

        def change(pipe: Any) -> None:
            if pipe.get(index._key("lock")) != self._token.encode():
                raise self._lost()
            number = int(pipe.get(index._key("last")) or 0) + 1
            pipe.multi()
            pipe.set(index._key("last"), number)
            pipe.hset(index._key("runs"), self._run, json.dumps({"number": number, "content": self._content}))

        index._redis.transaction(change, index._key("lock"), index._key("last"))

    def release(self) -> None:
        """Give the lock back, if it is still held."""
        index = self._index

        def change(pipe: Any) -> None:
            held = pipe.get(index._key("lock")) == self._token.encode()
            pipe.multi()
            if held:
                pipe.delete(index._key("lock"))

        index._redis.transaction(change, index._key("lock"))

"""The embedding cache by itself: what is stored comes back, what is half there is not used."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError
from limitlab.retrieval.cache import _KEY, EmbeddingCache, clear_embeddings, text_keys


def vectors_of(keys: np.ndarray, dim: int = 4) -> np.ndarray:
    """Vectors that tell which key they belong to."""
    return np.stack([np.random.default_rng(int(k["a"] ^ k["b"])).standard_normal(dim) for k in keys]).astype(np.float32)


def filled(root, texts: list[str]) -> tuple[EmbeddingCache, np.ndarray]:
    cache, keys = EmbeddingCache(root, {"model": "m"}), text_keys(texts)
    cache.add(keys, vectors_of(keys), np.arange(keys.size))
    cache.refresh()
    return cache, keys


def read(cache: EmbeddingCache, keys: np.ndarray, tmp_path, memory_bytes: int = 1 << 20) -> tuple[np.ndarray, np.ndarray]:
    return cache.gather(keys, scratch=tmp_path / "scratch", memory_bytes=memory_bytes)


def test_keys_of_different_texts_differ_and_are_stable():
    texts = ["", "a", "A", "a ", " a", "ä", "a\u0308", "\ud800", "a\x00"]
    keys = text_keys(texts)
    assert np.unique(keys).size == len(texts)
    assert (text_keys(texts[::-1])[::-1] == keys).all()
    assert text_keys(["abc"]).tobytes().hex() == "cf4ab791c62b8d2b2109c90275287816"  # BLAKE2b-128 of "abc"


def test_vectors_come_back_in_any_order_and_with_repeats(tmp_path):
    cache, keys = filled(tmp_path, [f"text {i}" for i in range(20)])
    order = np.random.default_rng(0).integers(20, size=50)
    vectors, tokens = read(cache, keys[order], tmp_path)
    assert (vectors == vectors_of(keys[order])).all()
    assert (tokens == order).all()


def test_large_gathers_go_to_a_file_that_goes_with_them(tmp_path):
    cache, keys = filled(tmp_path, [f"text {i}" for i in range(20)])
    vectors, _ = read(cache, keys, tmp_path, memory_bytes=10)
    assert isinstance(vectors, np.memmap)
    assert (vectors == vectors_of(keys)).all()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_missing_names_the_first_of_equal_texts_once(tmp_path):
    cache, _ = filled(tmp_path, ["a", "b"])
    assert cache.missing(text_keys(["c", "a", "d", "c", "b", "d", "e"])).tolist() == [0, 2, 6]


def test_nothing_is_missing_from_an_empty_list(tmp_path):
    cache, _ = filled(tmp_path, ["a"])
    assert cache.missing(text_keys([])).size == 0


def test_everything_is_missing_from_an_empty_cache(tmp_path):
    cache = EmbeddingCache(tmp_path, {"model": "m"})
    cache.refresh()
    assert cache.missing(text_keys(["b", "a", "b"])).tolist() == [0, 1]


def test_shards_add_up_and_another_process_s_shard_is_seen_after_refresh(tmp_path):
    cache, keys = filled(tmp_path, ["a", "b"])
    _, more = filled(tmp_path, ["c", "b"])
    assert cache.missing(more).tolist() == [0]
    cache.refresh()
    assert cache.missing(more).size == 0
    every = np.concatenate([keys, more])
    assert (read(cache, every, tmp_path)[0] == vectors_of(every)).all()


@pytest.mark.parametrize("name", [".123-abc.npz.x7.part", "123-abc.npz.part"])
def test_a_half_written_shard_is_ignored(tmp_path, name):
    cache, keys = filled(tmp_path, ["a", "b"])
    shard = next(cache.folder.glob("*.npz"))
    (cache.folder / name).write_bytes(shard.read_bytes()[:100])
    again = EmbeddingCache(tmp_path, {"model": "m"})
    again.refresh()
    assert (read(again, keys, tmp_path)[0] == vectors_of(keys)).all()


def test_a_damaged_shard_is_left_out_or_named(tmp_path):
    """A shard cut off by a full disk or a broken copy must not end in a traceback, and must never give numbers."""
    cache, keys = filled(tmp_path, ["a", "b"])
    shard = next(cache.folder.glob("*.npz"))
    shard.write_bytes(shard.read_bytes()[:100])
    again = EmbeddingCache(tmp_path, {"model": "m"})
    try:
        again.refresh()
    except DataError as error:
        assert shard.name in str(error)
    else:
        assert again.missing(keys).tolist() == [0, 1]


def test_an_interrupted_write_leaves_no_shard(tmp_path, monkeypatch):
    cache, keys = filled(tmp_path, ["a"])

    def stopped(out, **arrays):
        out.write(b"PK half a zip file")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", stopped)
    more = text_keys(["b"])
    with pytest.raises(KeyboardInterrupt):
        cache.add(more, vectors_of(more), np.ones(1))
    cache.refresh()
    assert len(list(cache.folder.iterdir())) == 1
    assert cache.missing(np.concatenate([keys, more])).tolist() == [1]


def test_another_identity_has_another_folder(tmp_path):
    cache, keys = filled(tmp_path, ["a"])
    for identity in ({"model": "n"}, {"model": "m", "prompt": "q: "}):
        other = EmbeddingCache(tmp_path, identity)
        other.refresh()
        assert other.folder != cache.folder
        assert other.missing(keys).tolist() == [0]


def crafted(*pairs: tuple[int, int]) -> np.ndarray:
    return np.array(list(pairs), _KEY)


def test_keys_that_agree_in_their_first_64_bits_are_told_apart(tmp_path):
    stored = crafted((5, 9), (5, 1), (5, 4), (2, 4), (7, 0), (5, 2**63))
    cache = EmbeddingCache(tmp_path, {"model": "m"})
    cache.add(stored[:3], vectors_of(stored[:3]), np.arange(3))
    cache.add(stored[3:], vectors_of(stored[3:]), np.arange(3, 6))
    cache.refresh()
    assert cache.missing(stored).size == 0
    vectors, tokens = read(cache, stored, tmp_path)
    assert (vectors == vectors_of(stored)).all()
    assert tokens.tolist() == list(range(6))
    absent = crafted((5, 0), (5, 2), (5, 10), (5, 2**64 - 1), (2, 3), (2, 5), (7, 1), (0, 0), (9, 9))
    assert cache.missing(absent).size == absent.size


def test_clearing_frees_what_was_there(tmp_path):
    root = tmp_path / "embeddings"
    cache, keys = filled(root, ["a", "b"])
    size = sum(p.stat().st_size for p in cache.folder.iterdir())
    assert clear_embeddings(root) == size
    assert not root.exists()
    assert clear_embeddings(root) == 0
    again = EmbeddingCache(root, {"model": "m"})
    again.refresh()
    assert again.missing(keys).size == 2

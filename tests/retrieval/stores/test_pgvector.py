"""pgvector in a real PostgreSQL."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, ServiceError
from limitlab.retrieval.stores import export_vectors, store_of


@pytest.fixture
def database(postgres, monkeypatch):
    """Sets DATABASE_URL; returns a function that runs SQL."""
    import psycopg

    monkeypatch.setenv("DATABASE_URL", postgres)

    def run(text, *values):
        with psycopg.connect(postgres, autocommit=True) as connection:
            cursor = connection.execute(text, values or None)
            return cursor.fetchall() if cursor.description else []

    run("CREATE EXTENSION IF NOT EXISTS vector")
    return run


@pytest.fixture
def mine(database, made):
    """A table of the user's: vectors of different lengths, an HNSW index by cosine, a name that must be quoted."""
    database('DROP TABLE IF EXISTS public."My ""Docs"""')
    database('CREATE TABLE public."My ""Docs""" (key text, vec vector(16))')
    for doc, row in zip(made.ids, made.docs.tolist()):
        database('INSERT INTO public."My ""Docs""" VALUES (%s, %s)', doc, str(row))
    database('CREATE INDEX ON public."My ""Docs""" USING hnsw (vec vector_cosine_ops)')
    return 'pgvector:table=public.My "Docs",existing=true,column=vec,id_field=key'


def test_halfvec_and_bit_store_what_they_say(database, made):
    half = made.searched(store_of("pgvector:type=halfvec"))
    best, scores = made.exact()
    assert half.notes["stored_as"] == "float16" and half.notes["search"] == "exact"
    assert np.allclose(half.scores[:, 0], np.take_along_axis(scores, best, axis=1)[:, 0], atol=2e-3)
    bits = made.searched(store_of("pgvector:type=bit"))
    distance = ((made.queries[:, None] >= 0) != (made.docs[None] >= 0)).sum(axis=2)
    assert np.array_equal(-bits.scores, np.sort(distance, axis=1)[:, :20])
    assert (bits.notes["metric"], bits.notes["quantisation"], bits.notes["search"]) == ("hamming", "binary", "every vector, quantised")


def test_hnsw_returns_fewer_rows_than_the_limit_unless_it_goes_on(database, made):
    few = made.searched(store_of("pgvector:index=hnsw,ef_search=5"))
    assert (few.indices >= 0).sum(axis=1).tolist() == [5] * 8
    assert few.notes["queries_with_fewer_hits"] == 8 and few.notes["hits_asked"] == 20 and few.notes["search"] == "approximate"
    assert few.notes["index"] == "hnsw m=16 ef_construction=64 by cosine ef_search=5"
    rank = few.ranks.by_id()
    assert set(rank.tolist()) <= set(range(6))  # what is not returned is not retrieved
    on = made.searched(store_of("pgvector:index=hnsw,ef_search=5,iterative_scan=strict_order"))
    assert (on.indices >= 0).all() and "queries_with_fewer_hits" not in on.notes and "iterative_scan=strict_order" in on.notes["index"]
    assert on.notes["collection"] == few.notes["collection"] and on.notes["uploaded"] == 0
    usual = made.searched(store_of("pgvector:index=hnsw"), k=100)
    assert (usual.indices >= 0).sum(axis=1).tolist() == [40] * 8 and usual.notes["index"].endswith("ef_search=40")  # the server's default


def test_ivfflat_probes(database, made):
    one, all_lists = (made.searched(store_of(f"pgvector:index=ivfflat,lists=10,probes={p}")) for p in (1, 10))
    best = made.exact()[0]
    assert np.array_equal(all_lists.indices, best)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(one.indices.tolist(), best.tolist())]) < 15
    assert one.notes["index"] == "ivfflat lists=10 by cosine probes=1"


@pytest.mark.parametrize(
    ("spec", "dim", "words"),
    [
        ("index=hnsw", 3072, r"hnsw indexes of vector must have at most 2,000 dimensions; got 3,072. Use type=halfvec \(up to 4,000\)"),
        ("index=ivfflat", 2001, r"ivfflat indexes of vector must have at most 2,000"),
        (
            "type=halfvec,index=hnsw",
            4096,
            r"at most 4,000 dimensions; got 4,096. Use type=bit \(up to 64,000\), or index=none, or --dim 4000",
        ),
        ("", 16_001, r"vector must have at most 16,000 dimensions"),
    ],
)
def test_dimensions_that_no_index_takes_are_refused_before(monkeypatch, spec, dim, words):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere.invalid/x")
    with pytest.raises(RangeError, match=words):
        store_of(f"pgvector:{spec}").check(10, dim)


def test_the_limit_is_that_of_the_server(database):
    """What is refused before would be refused by PostgreSQL, and what is not would not."""
    database("CREATE TABLE IF NOT EXISTS wide (a vector(2001), b halfvec(2001), c vector(2000))")
    database("CREATE INDEX ON wide USING hnsw (b halfvec_cosine_ops)")
    database("CREATE INDEX ON wide USING hnsw (c vector_cosine_ops)")
    with pytest.raises(Exception, match="more than 2000 dimensions"):
        database("CREATE INDEX ON wide USING hnsw (a vector_cosine_ops)")


def test_a_table_of_the_users(mine, made, database):
    before = database('SELECT count(*), min(vec::text) FROM public."My ""Docs"""')
    found = made.searched(store_of(mine))
    assert np.array_equal(found.indices, made.exact()[0])
    # 120 rows: PostgreSQL reads the table although there is an index, and the note says so.
    assert found.notes["search"] == "exact" and found.notes["index"].endswith("(PostgreSQL reads the table instead)")
    assert np.array_equal(export_vectors(mine)[0], made.docs) and export_vectors(mine)[1] == tuple(made.ids)
    raw = made.searched(store_of(mine + ",metric=inner-product"))
    assert raw.notes["lengths_of_stored_vectors"].startswith("0.") and not np.array_equal(raw.indices, found.indices)
    assert np.allclose(raw.scores[0], np.sort(made.docs @ made.queries[0])[::-1][:20], atol=1e-5)
    far = made.searched(store_of(mine + ",metric=euclidean"))
    assert np.allclose(far.scores[0], -np.sort(np.linalg.norm(made.docs - made.queries[0], axis=1))[:20], atol=1e-5)
    assert database('SELECT count(*), min(vec::text) FROM public."My ""Docs"""') == before


def test_wrong_names_are_refused_and_are_not_run(mine, made, database):
    with pytest.raises(InvalidArgument, match=r"must have the column 'vec; DROP'; it has not"):
        made.searched(store_of(mine.replace("column=vec", "column=vec; DROP")))
    with pytest.raises(InvalidArgument, match=r"must be vector\(n\), halfvec\(n\) or bit\(n\); it is text"):
        made.searched(store_of(mine.replace("column=vec", "column=key")))
    with pytest.raises(InvalidArgument, match=r"there is no 'x\"; DROP TABLE docs; --'"):
        made.searched(store_of('pgvector:table=x"; DROP TABLE docs; --,existing=true'))
    with pytest.raises(ServiceError, match=r"PostgreSQL refused: .*nothing"):
        made.searched(store_of(mine.replace("id_field=key", "id_field=nothing")))
    with pytest.raises(InvalidArgument, match=r"at most 46 bytes"):
        made.searched(store_of(f"pgvector:table={'t' * 47}"))


def test_a_table_of_our_own_in_a_schema(database, made):
    database("CREATE SCHEMA IF NOT EXISTS lab")
    found = made.searched(store_of("pgvector:table=lab.x,index=hnsw,ef_search=100"))
    assert found.notes["collection"].startswith("lab.x_") and found.notes["search"] == "approximate"
    assert database("SELECT count(*) FROM pg_tables WHERE schemaname = 'lab'") == [(1,)]


def test_tables_with_the_same_vectors_have_an_index_each(database, made):
    for table in ("a", "b", "lab.a"):
        if "." in table:
            database("CREATE SCHEMA IF NOT EXISTS lab")
        spec = f"pgvector:table={table},index=hnsw,ef_search=100"
        assert made.searched(store_of(spec)).notes["search"] == "approximate"
        assert made.searched(store_of(spec)).notes["search"] == "approximate"  # kept, and no second index
    assert database("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%%hnsw%%'") == [(3,)]


def test_the_plan_is_that_of_the_length_that_was_searched(database):
    """PostgreSQL takes the index for ten of 3,000 rows, and reads the table for all of them."""
    rng = np.random.default_rng(0)
    docs = rng.standard_normal((3000, 8)).astype(np.float32)
    database("CREATE TABLE long (id text, embedding vector(8))")
    values = ",".join(f"('{i}','{row}')" for i, row in enumerate(docs.tolist()))
    database(f"INSERT INTO long VALUES {values}")
    database("CREATE INDEX ON long USING hnsw (embedding vector_cosine_ops) WITH (m = 4, ef_construction = 8)")
    database("ANALYZE long")
    store = store_of("pgvector:table=long,existing=true")
    exact = {}
    for k in (10, 3000):
        store.search("long", docs[:1], k)
        exact[k] = store.describe("long").exact
    assert exact == {10: False, 3000: True}


def _stopped(rows):
    """Ctrl-C after ten rows of a batch were sent."""
    yield from rows[:10]
    raise KeyboardInterrupt


def test_a_killed_batch_leaves_nothing_of_it(database, made):
    store = store_of("pgvector:")
    store.batch = lambda dim: 50
    sent = store._sent

    def broken(vectors):
        rows = sent(vectors)
        return rows if not np.array_equal(vectors, made.docs[100:]) else _stopped(rows)

    store._sent = broken
    with pytest.raises(KeyboardInterrupt):
        store.upload("limitlab_half", made.ids, made.docs)
    store._sent = sent
    assert store.held("limitlab_half") == 100
    assert store.upload("limitlab_half", made.ids, made.docs) == 20 and store.held("limitlab_half") == 120
    store.drop("limitlab_half")


@pytest.mark.parametrize(
    "dsn", ["postgresql://me:hunter2hunter2@127.0.0.1:1/x", "host=127.0.0.1 port=1 password=hunter2hunter2", "hunter2hunter2"]
)
def test_the_connection_string_is_never_shown(monkeypatch, dsn, made):
    pytest.importorskip("psycopg")
    monkeypatch.setenv("MY_DSN", dsn)
    store = store_of("pgvector:dsn_env=MY_DSN")
    with pytest.raises((ServiceError, InvalidArgument), match=r"\$\{MY_DSN\}") as error:
        made.searched(store)
    assert "hunter2" not in str(error.value) + repr(store.config()) + repr(vars(store)) + repr(error.value.__context__.__class__)
    assert error.value.__cause__ is None and error.value.__suppress_context__
    monkeypatch.delenv("MY_DSN")
    with pytest.raises(InvalidArgument, match="environment variable MY_DSN"):
        store_of("pgvector:dsn_env=MY_DSN")


def test_postgresqls_words_are_cut_after_the_password_is_taken_out(monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("MY_DSN", "host=127.0.0.1 port=1 password=hunter2hunter2")
    database = store_of("pgvector:dsn_env=MY_DSN")._database
    with pytest.raises(ServiceError) as error, database._errors():
        raise psycopg.OperationalError("x" * 290 + " hunter2hunter2")
    assert "hunter" not in str(error.value) and "***" in str(error.value)


def test_an_empty_table_is_not_exported(database):
    database("CREATE TABLE IF NOT EXISTS nobody (id text, embedding vector(3))")
    with pytest.raises(DataError, match=r"must hold vectors of one dimension; it holds 0 vectors"):
        export_vectors("pgvector:table=nobody")

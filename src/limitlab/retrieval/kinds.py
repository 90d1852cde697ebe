"""The kinds of retrievers that have a name, as a table: where each is made, what it takes, what it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of retriever that has a name.

    Attributes
    ----------
    home
        ``module:Class`` within ``limitlab.retrieval``, imported when it is built. Options are the keyword arguments of the class.
    about
        One line for ``limitlab models``.
    parts
        Greatest number of retrievers in the parentheses, which the class takes as one list, its first argument; 0 for none.
    given
        Which of ``precision`` and ``max_dim`` (as ``dim``), asked for from outside, the class takes.
    within
        ``module:Class`` of the retriever around it: it takes the parts, what ``home`` made, and the options that it knows.
    bare
        The option that the first word after the colon is when it has no ``key=``: ``mteb:owner/name``.
    """

    home: str
    about: str
    parts: int = 0
    given: tuple[str, ...] = ()
    within: str = ""
    bare: str | None = None


_STORED = "stores.retriever:StoreRetriever"
KINDS: dict[str, Kind] = {
    "bm25": Kind("bm25:BM25", "BM25 over words (bm25s); options k1, b, stemmer, stopwords, method"),
    "token-sums": Kind("token_sums:TokenSums", "random token sums, no training; options dim, tokens, seed", given=("max_dim",)),
    "hybrid": Kind("hybrid:Hybrid", "hybrid(bm25,minilm): 2 to 8 retrievers fused; options method, weights, depth, rank_constant", parts=8),
    "rerank": Kind("rerank:Rerank", "rerank(bm25): a cross-encoder (model) or a rerank server (server, url) over the first depth", parts=1),
    "openai": Kind("remote.openai:OpenAI", "any OpenAI-compatible embedding server; options model, url, key, dimensions, price, ..."),
    "tei": Kind("remote.tei:TEI", "text-embeddings-inference; options url, dimensions, truncate, query_prompt_name, ..."),
    "gemini": Kind("remote.gemini:Gemini", "Gemini embeddings; options model, key, dimensions, price, ..."),
    "cohere": Kind("remote.cohere:Cohere", "Cohere embeddings; options model, key, dimensions, truncate, price, ..."),
    "jina": Kind("remote.jina:Jina", "Jina embeddings; options model, key, dimensions, truncate, price, ..."),
    "reader": Kind(
        "remote.reader:Reader", "an OpenAI-compatible chat model that reads the whole corpus; options model, url, key, budget, ..."
    ),
    "adapted": Kind(
        "adapters.retriever:Adapted", "a dense retriever with a trained linear adapter: adapted(minilm):file=adapter.npz", parts=1
    ),
    "run": Kind("run_file:RunFile", "a ranking made elsewhere: run:file=production.trec (TREC, JSON, predictions of ST or mteb)"),
    "vectors": Kind("vectors:Vectors", "vectors made before: vectors:docs=FOLDER,queries=FILE; options similarity, doc_ids, query_ids"),
    "dify": Kind("platforms.dify:Dify", "a Dify knowledge base: dify:url=...,dataset=ID or upload=true; key in DIFY_API_KEY"),
    "dify-external": Kind(
        "platforms.dify_external:DifyExternal", "a service with Dify's External Knowledge API: dify-external:url=...,knowledge=ID"
    ),
    "ragflow": Kind("platforms.ragflow:RAGFlow", "RAGFlow datasets: ragflow:url=...,datasets=ID;ID or upload=true; key in RAGFLOW_API_KEY"),
    "fastgpt": Kind("platforms.fastgpt:FastGPT", "a FastGPT dataset: fastgpt:url=...,dataset=ID or upload=true; key in FASTGPT_API_KEY"),
    "taskingai": Kind(
        "platforms.taskingai:TaskingAI", "a TaskingAI collection: taskingai:url=...,collection=ID or upload=true; key in TASKINGAI_API_KEY"
    ),
    "json": Kind("platforms.json_service:json_service", "any search service that speaks JSON: json:config=connector.json"),
    "faiss": Kind(
        "stores.faiss:Faiss",
        "a faiss index: faiss(minilm):index=hnsw,m=32,ef_search=64; also flat, ivf, pq, sq8; file=FILE",
        1,
        within=_STORED,
    ),
    "qdrant": Kind(
        "stores.qdrant:qdrant",
        "Qdrant: qdrant(minilm):path=FOLDER, location=:memory: or url=URL; collection=NAME,existing=true",
        1,
        within=_STORED,
    ),
    "pgvector": Kind("stores.pgvector:PgVector", "PostgreSQL with pgvector: pgvector(minilm):index=hnsw,ef_search=40", 1, within=_STORED),
    "elasticsearch": Kind(
        "stores.elasticsearch:Elasticsearch",
        "Elasticsearch: elasticsearch(minilm):url=URL,type=int8_hnsw,num_candidates=100",
        1,
        within=_STORED,
    ),
    "opensearch": Kind("stores.opensearch:OpenSearch", "OpenSearch k-NN: opensearch(minilm):url=URL,engine=lucene", 1, within=_STORED),
    "milvus": Kind("stores.milvus:Milvus", "Milvus over REST: milvus(minilm):url=URL,index=hnsw,ef=128", 1, within=_STORED),
    "tantivy": Kind("tantivy_bm25:Tantivy", "BM25 on disk, for corpora beyond memory (tantivy); options stemmer, stopwords, depth, folder"),
    "mteb": Kind("mteb_models:MtebModel", "mteb:NAME, any model that mteb knows; options revision, device, batch_size", bare="model"),
    "minilm-maxsim": Kind(
        "multi_vector:minilm_maxsim", "MaxSim over MiniLM's own token vectors, packaged, no training; option storage", given=("precision",)
    ),
    "tokens": Kind("multi_vector:tokens", "tokens(MODEL): MaxSim over a dense model's own token vectors; option storage", parts=1),
    "static": Kind("static:static", "model2vec folder, static:path=FOLDER: a mean of token vectors, no transformer"),
    "quantised": Kind("quantised:Quantised", "quantised(MODEL): vectors as stored; options dtype, queries, rescore, rescore_with", parts=1),
    "muvera": Kind(
        "muvera:Muvera", "muvera(MODEL): one vector that stands for MaxSim; options repetitions, k_sim, dim_proj, final_dim, seed", parts=1
    ),
}

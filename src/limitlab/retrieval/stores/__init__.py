"""Vector stores as retrievers: faiss, Qdrant, pgvector, Elasticsearch, OpenSearch, Milvus."""

from limitlab.retrieval.stores.export import export_vectors, store_of
from limitlab.retrieval.stores.retriever import StoreRetriever
from limitlab.retrieval.stores.store import Hits, Served, Store

__all__ = ["Hits", "Served", "Store", "StoreRetriever", "export_vectors", "store_of"]

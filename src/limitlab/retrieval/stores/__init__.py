"""Vector stores as retrievers: faiss, Qdrant, pgvector, Elasticsearch, OpenSearch, Milvus."""

from limitlab.retrieval.stores.export import export_vectors, names_a_store, store_of
from limitlab.retrieval.stores.lists import store_lists
from limitlab.retrieval.stores.retriever import StoreRetriever
from limitlab.retrieval.stores.store import Hits, Served, Store

__all__ = ["Hits", "Served", "Store", "StoreRetriever", "export_vectors", "names_a_store", "store_lists", "store_of"]

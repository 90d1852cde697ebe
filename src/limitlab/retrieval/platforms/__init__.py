"""RAG platforms as retrievers: one file a platform, one contract, one mapping from chunks to documents."""

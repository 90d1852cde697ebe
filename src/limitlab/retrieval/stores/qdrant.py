"""Qdrant, embedded in this process or as a server."""

from __future__ import annotations

from limitlab._core.errors import InvalidArgument
from limitlab.retrieval.stores.qdrant_embedded import QdrantEmbedded
from limitlab.retrieval.stores.qdrant_server import QdrantServer


def qdrant(
    *,
    path: str | None = None,
    location: str | None = None,
    url: str | None = None,
    collection: str | None = None,
    existing: bool = False,
    id_field: str = "_id",
    vector: str | None = None,
    exact: bool | None = None,
    hnsw_ef: int | None = None,
    m: int | None = None,
    ef_construct: int | None = None,
    indexing_threshold: int | None = None,
    quantisation: str = "none",
    rescore: bool | None = None,
    oversampling: float | None = None,
    key: str | None = None,
    allow_http: bool = False,
) -> QdrantEmbedded | QdrantServer:
    """A Qdrant store: ``path`` (a folder) or ``location=:memory:`` for the embedded one, ``url`` for a server.

    Parameters
    ----------
    collection, existing
        The user's collection, asked as it is; without ``existing``, the start of the name of our own.
    id_field
        Payload field with the document's id, dots for nesting; ``point-id`` for the id of the point.
    vector
        Name of the vector, where points have several.
    exact, hnsw_ef, rescore, oversampling
        Of the search, on a server; not given: the server's defaults.
    m, ef_construct, indexing_threshold, quantisation
        Of our own collection on a server; ``indexing_threshold`` in kB: smaller segments have no index and are searched in full.
        quantisation: none, scalar (int8), or binary.
    key
        Environment variable with the API key; default QDRANT_API_KEY where it is set.
    allow_http
        Send the key over plain http to other machines all the same.

    Raises
    ------
    InvalidArgument, UnknownName, RangeError
        Not exactly one place; an option that the embedded Qdrant has not; a value out of range.
    """
    if sum(place is not None for place in (path, location, url)) != 1:
        raise InvalidArgument(
            "qdrant: exactly one of path=FOLDER, location=:memory: and url=URL must be given, such as qdrant(minilm):path=q."
        )
    if url is not None:
        return QdrantServer(
            url, collection=collection, existing=existing, id_field=id_field, vector=vector, exact=exact, hnsw_ef=hnsw_ef, m=m,
            ef_construct=ef_construct, indexing_threshold=indexing_threshold, quantisation=quantisation, rescore=rescore,
            oversampling=oversampling, key=key, allow_http=allow_http,
        )  # fmt: skip
    given = {
        "hnsw_ef": hnsw_ef, "m": m, "ef_construct": ef_construct, "indexing_threshold": indexing_threshold, "rescore": rescore,
        "oversampling": oversampling, "key": key, "quantisation": None if quantisation == "none" else quantisation,
        "exact": None if exact is True else exact,
    }  # fmt: skip
    if wrong := [name for name, value in given.items() if value is not None]:
        raise InvalidArgument(
            f"qdrant: the embedded Qdrant searches exactly and has no {', '.join(wrong)}; got one. Use url= with a server."
        )
    return QdrantEmbedded(path=path, location=location, collection=collection, existing=existing, id_field=id_field, vector=vector)

"""What kind of model a folder or hub id holds, read from its configuration files: weights are not touched.

sentence-transformers loads a sparse or a multi-vector checkpoint as a dense model without a word, pooling its tokens: the scores look
valid and mean nothing. So the kind is read before a model is loaded, and a retriever refuses the kinds it is not for.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument

DENSE, SPARSE, MULTI_VECTOR, STATIC, ADAPTER = "dense", "sparse", "multi-vector", "static", "adapter"
ADAPTER_HEAD = "linear_adapter.json"  # of a folder written here (adapters.folder); there are none on the hub
_FILES = ("modules.json", "config_sentence_transformers.json", "config.json", "artifact.metadata")
_BY_TYPE = {"SparseEncoder": SPARSE, "MultiVectorEncoder": MULTI_VECTOR, "SentenceTransformer": DENSE}
_BY_MODULE = (
    ("sparse_encoder.", SPARSE),
    ("SpladePooling", SPARSE),
    ("SparseAutoEncoder", SPARSE),
    ("SparseStaticEmbedding", SPARSE),
    ("multi_vector_encoder.", MULTI_VECTOR),
    ("MultiVectorMask", MULTI_VECTOR),
    ("pylate.", MULTI_VECTOR),
)
_WAY_OUT = {
    DENSE: "Name it as it is, or as tokens(...) for MaxSim over its token vectors.",
    SPARSE: "Use Sparse(), or name the folder or id as it is.",
    MULTI_VECTOR: "Use MultiVector(), or name the folder or id as it is.",
    STATIC: "Use Static(), or static:path=FOLDER.",
    ADAPTER: "Name the folder as it is.",
}


def model_kind(source: str) -> str | None:
    """dense | sparse | multi-vector | static | adapter, or None where the files do not say (loading then decides).

    Parameters
    ----------
    source
        A folder, or a hub id, of which only small configuration files are fetched (none with HF_HUB_OFFLINE).
    """
    if (Path(source) / ADAPTER_HEAD).is_file():
        return ADAPTER
    return _kind({name: content for name in _FILES if (content := _read(source, name)) is not None})


def refuse_other_kinds(who: str, source: str, wanted: str) -> None:
    """Raises InvalidArgument when the files say that the model is of another kind than ``wanted``."""
    found = model_kind(source)
    if found is not None and found != wanted and not (wanted == DENSE and found == STATIC):  # these load as dense models too
        raise InvalidArgument(
            f"{who}: the model must be a {wanted} one; {source} is {'an' if found == ADAPTER else 'a'} {found} model. {_WAY_OUT[found]}"
        )


def _kind(files: dict[str, Any]) -> str | None:
    modules = files.get("modules.json")
    types = [str(m.get("type", "")) for m in modules if isinstance(m, dict)] if isinstance(modules, list) else []
    for part, kind in _BY_MODULE:
        if any(part in t for t in types):
            return kind
    own = files.get("config_sentence_transformers.json")
    if isinstance(own, dict) and own.get("model_type") in _BY_TYPE:
        return _BY_TYPE[own["model_type"]]
    if "artifact.metadata" in files:  # ColBERT checkpoints of before sentence-transformers
        return MULTI_VECTOR
    config = files.get("config.json")
    if isinstance(config, dict):
        if "HF_ColBERT" in (config.get("architectures") or []):
            return MULTI_VECTOR
        if config.get("model_type") == "model2vec" or ("normalize" in config and "hidden_size" not in config):
            return STATIC
    return DENSE if types else None


def _read(source: str, name: str) -> Any:
    """The JSON value of one of the model's files; None where there is none, and what is not JSON counts as an empty object."""
    path: Path | None = Path(source) / name if Path(source).is_dir() else _from_hub(source, name)
    if path is None or not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=256)
def _from_hub(source: str, name: str) -> Path | None:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError:
        return None
    try:
        return Path(hf_hub_download(source, name, local_files_only=bool(os.environ.get("HF_HUB_OFFLINE"))))
    except (OSError, ValueError, HfHubHTTPError):  # not there, or not to be had: loading will say what is wrong
        return None

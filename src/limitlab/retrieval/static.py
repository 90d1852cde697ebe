"""Static models (model2vec): a text's vector is the mean of its tokens' vectors; no transformer, no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.optional import require
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.encoder import absolute_source, model_fingerprint

_USUAL_LIMIT = 512  # tokens, of model2vec before models stated it


class Static(Dense):
    """A model2vec model; cosine similarity, exact search, every truncation from one encoding.

    Parameters
    ----------
    model
        Folder or hub id.
    name, label
        How it is called and shown; default: the model's own name.
    cache
        Folder of cached embeddings; default: under LIMITLAB_HOME.

    Raises
    ------
    MissingExtra
        model2vec is not installed.
    DataError
        The model cannot be loaded.
    """

    def __init__(self, model: str, *, name: str | None = None, label: str | None = None, cache: Path | None = None) -> None:
        super().__init__(str(model), name=name, label=label, precision="float32", cache=cache)
        self._encoder: Any = StaticEncoder(str(model))

    def config(self, n_docs: int) -> dict[str, Any]:
        """As Dense, and the version of model2vec."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            of_library = version("model2vec")
        except PackageNotFoundError:
            of_library = None
        return {**super().config(n_docs), "retriever": "static", "model2vec": of_library}


def static(*, path: str = "", cache: Path | None = None) -> Static:
    """The static model in a folder: ``static:path=FOLDER``; InvalidArgument without one."""
    if not path:
        raise InvalidArgument("static: path must be the folder of a model2vec model; got none. Write: static:path=FOLDER")
    return Static(path, cache=cache)


class StaticEncoder:
    """What Dense wants of an encoder, from model2vec. There are no prompts, and one precision."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._model: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "source": absolute_source(self.source), "_model": None}  # a worker loads the model itself

    @property
    def fingerprint(self) -> str:
        """Hash of the model's files (folders), or its id and commit (hub)."""
        return model_fingerprint(self.source)

    def model(self, precision: str = "float32") -> Any:
        """The loaded model."""
        if self._model is None:
            library = require("model2vec", extra="static", what="static models")
            options = {} if Path(self.source).is_dir() else {"force_download": False}
            try:
                self._model = library.StaticModel.from_pretrained(self.source, **options)
            except (OSError, ValueError, KeyError) as error:
                why = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
                raise DataError(f"{self.source}: cannot be loaded as a model2vec model ({why}).") from error
        return self._model

    @property
    def dim(self) -> int:
        """Full dimension."""
        return int(self.model().dim)

    @property
    def max_tokens(self) -> int | None:
        """Longest input in tokens, or None when there is no limit."""
        model = self.model()
        limits = [getattr(model, "max_length", _USUAL_LIMIT), (model.tokenizer.truncation or {}).get("max_length")]
        return min((int(x) for x in limits if x), default=None)

    def prompt(self, kind: str, given: str | None) -> str:
        """The prompt given, or none: a static model brings none."""
        return given or ""

    def encode(self, texts: list[str], *, prompt: str, precision: str) -> tuple[np.ndarray, np.ndarray]:
        """((n, dim) float32 vectors as the model gives them, (n,) tokens before truncation)."""
        whole = [prompt + t for t in texts]
        model = self.model()
        made = model.encode(whole, show_progress_bar=False, use_multiprocessing=False)
        counter = type(model.tokenizer).from_str(model.tokenizer.to_str())  # the model's own goes on cutting texts
        counter.no_truncation()
        counter.no_padding()
        counts = [len(e.ids) for e in counter.encode_batch(whole, add_special_tokens=False)]
        return np.asarray(made, np.float32), np.array(counts, np.int32)

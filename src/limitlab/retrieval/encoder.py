"""Sentence encoders: loading, fingerprints, precision."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, MissingExtra, UnknownName
from limitlab._core.files import read_json, sha256_file
from limitlab._core.optional import require
from limitlab._core.provenance import cores, cpu_flags
from limitlab.retrieval.adapting import adapt
from limitlab.retrieval.encoder_settings import EncoderSettings
from limitlab.retrieval.model_kinds import DENSE, refuse_other_kinds

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
LARGE_CORPUS = 5_000  # smaller corpora, and all queries, are encoded in float32
_OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.gguf", "*.h5", "*.msgpack", "*.ot"]  # of the hub: never loaded here
_MATRIX_BF16 = ("amx_bf16",)  # x86; AVX512-BF16 has dot products only, which are slower here than float32 products


def has_bf16_matrix_units() -> bool:
    """Whether this processor multiplies bfloat16 matrices faster than float32 ones (AMX on x86, BFMMLA on Arm)."""
    flags = cpu_flags()
    return any(f in flags for f in _MATRIX_BF16) or ("asimd" in flags and "bf16" in flags)


def resolve_precision(precision: str, n_texts: int) -> tuple[str, str]:
    """(precision, why): what "auto" means for a corpus of this size on this machine."""
    if precision not in PRECISIONS:
        raise UnknownName.of("encoder", "precision", precision, PRECISIONS)
    if precision != "auto":
        return precision, "asked for"
    if n_texts < LARGE_CORPUS:
        return "float32", f"fewer than {LARGE_CORPUS:,} texts"
    if has_bf16_matrix_units():
        return "bfloat16", "this processor has bfloat16 matrix instructions"
    return "float32", "this processor has no bfloat16 matrix instructions"


class SentenceEncoder:
    """A sentence-transformers model that encodes blocks of texts at a given precision.

    Parameters
    ----------
    source
        A folder or a hub id.
    trust_remote_code
        Run code that comes with the model. Off unless the user says so.
    settings
        What replaces the model's own settings.
    smallest
        The precision it is loaded at where none is asked for (dimension, prompts, limits): that of large models is not float32.

    Raises
    ------
    MissingExtra
        sentence-transformers is not installed.
    DataError
        The model cannot be loaded.
    """

    def __init__(
        self,
        source: str,
        *,
        trust_remote_code: bool = False,
        settings: EncoderSettings = EncoderSettings(),  # noqa: B008 - frozen
        smallest: str = "float32",
    ) -> None:
        self.source = source
        self.settings = settings
        self._trust = trust_remote_code
        self._smallest = smallest
        self._models: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "source": absolute_source(self.source), "_models": {}}  # a worker loads the model itself

    @property
    def fingerprint(self) -> str:
        """Hash of the model's files (folders), or its id and commit (hub)."""
        return model_fingerprint(self.source, self.settings.revision)

    def model(self, precision: str | None = None) -> Any:
        """The loaded model at a precision; one copy is held for each that was asked for."""
        precision = precision or self._smallest
        if precision not in self._models:
            loaded = self._loaded(precision)
            loaded.eval()
            self._models[precision] = loaded
        return self._models[precision]

    def _loaded(self, precision: str) -> Any:
        refuse_other_kinds("Dense()", self.source, DENSE)
        return load_model(self.source, self._trust, precision=precision, settings=self.settings)

    @property
    def dim(self) -> int:
        """Full dimension."""
        model = next(iter(self._models.values()), None) or self.model()
        return int(model.get_embedding_dimension())

    @property
    def max_tokens(self) -> int | None:
        """Longest input in tokens, or None when the model states none."""
        limit = (next(iter(self._models.values()), None) or self.model()).max_seq_length
        return int(limit) if limit and limit < float("inf") else None  # static embeddings read texts of any length

    def prompt(self, kind: str, given: str | None) -> str:
        """The prompt for "query" or "document": the one given, else the model's own, else none.

        Names and default are looked up as ``encode_query`` and ``encode_document`` of sentence-transformers do.
        """
        if given is not None:
            return str(given)
        model = self.model()
        prompts = model.prompts or {}
        names = ("query",) if kind == "query" else ("document", "passage", "corpus")
        found = next((prompts[n] for n in names if prompts.get(n)), None)
        return found if found is not None else prompts.get(model.default_prompt_name or "") or ""

    def encode(self, texts: list[str], *, prompt: str, precision: str, task: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """((n, dim) float32 vectors as the model gives them, (n,) tokens before truncation); ``task`` chooses an adapter."""
        model = self.model(precision)
        lengths = self._token_counts(model, [prompt + t for t in texts])
        # Texts arrive sorted by length, so a batch holds nearly equal ones; small batches stay in cache.
        vectors = model.encode(
            texts,
            prompt=prompt,
            batch_size=16,
            show_progress_bar=False,
            convert_to_tensor=True,
            normalize_embeddings=False,
            **({"task": task} if task is not None else {}),
        ).float()
        if self.settings.layer_norm:
            vectors = (vectors - vectors.mean(1, keepdim=True)) / (vectors.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
        out = vectors.cpu().numpy()
        if not np.isfinite(out).all():
            raise DataError(
                f"{self.source}: the model returned NaN or infinity for {int((~np.isfinite(out).all(axis=1)).sum())} texts at {precision}; try --precision float32."
            )
        return out, lengths

    def _token_counts(self, model: Any, texts: list[str]) -> np.ndarray:
        tokenizer = getattr(model, "tokenizer", None)
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            return np.zeros(len(texts), np.int32)
        backend.no_truncation()
        backend.no_padding()
        return np.array([len(e.ids) for e in backend.encode_batch(texts)], np.int32)


def absolute_source(source: str) -> str:
    """A model's folder by its whole path; anything else as it is."""
    return str(Path(source).absolute()) if Path(source).is_dir() else source


def use_cores() -> None:
    """Let torch use the cores this process may use, and the tokeniser its threads."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    require("torch", extra="models", what="dense retrievers").set_num_threads(cores())


def load_model(
    source: str,
    trust_remote_code: bool,
    *,
    loader: str = "SentenceTransformer",
    what: str = "dense retrievers",
    precision: str = "float32",
    settings: EncoderSettings = EncoderSettings(),  # noqa: B008 - frozen
) -> Any:
    """A model of sentence-transformers, loaded by the class named ``loader`` and changed to ``settings``; DataError where it cannot be."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    library = require("sentence_transformers", extra="models", what=what, package="sentence-transformers")
    use_cores()
    quiet()
    dtype = getattr(require("torch", extra="models", what=what), precision)
    try:
        # Loaded at its precision, not converted: a float32 copy of a large model need not fit, and positions stay float32.
        loaded = getattr(library, loader)(
            source, trust_remote_code=trust_remote_code, revision=settings.revision, model_kwargs={"dtype": dtype}
        )
        for module in loaded:
            if not hasattr(module, "auto_model"):  # layers other than the transformer are loaded as they were stored
                module.to(dtype)
        return adapt(loaded, settings, source)
    except ImportError as error:
        if "peft" not in str(error).lower():
            raise
        raise MissingExtra(f"{source} is a LoRA adapter and needs peft, which is not installed. Run: pip install peft") from error
    except (OSError, ValueError, KeyError) as error:
        why = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        offline = " HF_HUB_OFFLINE is set." if os.environ.get("HF_HUB_OFFLINE") else ""
        raise DataError(f"{source}: cannot be loaded as a sentence-transformers model ({why}).{offline}") from error


def quiet() -> None:
    """Model loading prints bars of its own; ours are enough."""
    import logging

    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)


@lru_cache(maxsize=16)
def model_fingerprint(source: str, revision: str | None = None) -> str:
    """Hash of the files of a model's folder, or a hub id with its commit."""
    folder = Path(source)
    if folder.is_dir():
        digest = hashlib.sha256()
        for path in sorted(
            p for p in folder.rglob("*") if p.is_file() and p.suffix in (".json", ".safetensors", ".bin", ".txt", ".model", ".py")
        ):
            digest.update(f"{path.relative_to(folder)}:{sha256_file(path)}\n".encode())
        if (folder / "adapter_config.json").is_file():  # an adapter's vectors are those of its base model too
            base = str(read_json(folder / "adapter_config.json").get("base_model_name_or_path") or "")
            digest.update((model_fingerprint(base) if Path(base).is_dir() else base).encode())
        return digest.hexdigest()[:24]
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise MissingExtra("hub models need sentence-transformers, which is not installed. Run: pip install 'limitlab[models]'") from error
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise DataError(f"{source}: there is no such folder, and a model of the hub is named owner/name.")
    offline = bool(os.environ.get("HF_HUB_OFFLINE"))
    try:
        here = snapshot_download(source, revision=revision, ignore_patterns=_OTHER_FORMATS, local_files_only=offline)
        return f"{source}@{Path(here).name[:12]}"
    except (OSError, ValueError, HfHubHTTPError) as error:
        if offline:
            raise DataError(
                f"{source}: not a folder, not fetched before, and HF_HUB_OFFLINE is set. Unset it, or give the model's folder."
            ) from error
        why = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise DataError(f"{source}: not a folder, and not to be had from the hub ({why}).") from error

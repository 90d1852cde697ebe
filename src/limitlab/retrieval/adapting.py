"""A loaded sentence-transformers model, changed to the settings asked for."""

from __future__ import annotations

from typing import Any

from limitlab._core.errors import DataError
from limitlab.retrieval.encoder_settings import EncoderSettings


def adapt(model: Any, settings: EncoderSettings, source: str) -> Any:
    """The same model object with pooling, padding, end token, length and attention as ``settings`` say.

    Parameters
    ----------
    model
        A SentenceTransformer.
    source
        Named in errors.

    Raises
    ------
    DataError
        The model has no part that a setting could change, or keeps its causal attention.
    """
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is not None and hasattr(tokenizer, "pad_token") and tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # decoders have none; padded places are masked, so any token will do
    if settings.max_tokens is not None:
        model.max_seq_length = settings.max_tokens
    if settings.padding_side is not None:
        _part(source, tokenizer, "padding_side", "a tokeniser").padding_side = settings.padding_side
    if settings.end_token is not None:
        _end_with(settings.end_token, _part(source, tokenizer, "eos_token", "a tokeniser"), source)
    if settings.pooling is not None or settings.include_prompt is not None:
        _set_pooling(model, settings, source)
    if settings.bidirectional:
        _see_both_ways(model, source)
    return model


def _part(source: str, part: Any, attribute: str, what: str) -> Any:
    if part is None or not hasattr(part, attribute):
        raise DataError(f"{source}: {attribute} can be set only where the model has {what} with it; this one has none.")
    return part


def _set_pooling(model: Any, settings: EncoderSettings, source: str) -> None:
    pooling = next((m for m in model if type(m).__name__ == "Pooling"), None)
    if pooling is None:
        raise DataError(f"{source}: pooling can be set only where the model has a pooling layer; this one has none.")
    if settings.pooling is not None:
        if pooling.pooling_output_dimension != pooling.embedding_dimension:
            raise DataError(f"{source}: pooling can be set only where one vector comes out; this model joins {pooling.pooling_mode}.")
        pooling.pooling_mode = settings.pooling
    if settings.include_prompt is not None:
        pooling.include_prompt = settings.include_prompt


def _end_with(token: str, tokenizer: Any, source: str) -> None:
    """Make the tokeniser end every text with a token; what it puts in front stays.

    A post-processor of the fast tokeniser does it, so that truncation leaves room for the token. Options such as
    ``add_eos_token`` do not: newer versions of transformers follow the post-processor in the file instead.
    """
    from tokenizers.processors import TemplateProcessing

    backend = getattr(tokenizer, "backend_tokenizer", None)
    token = (tokenizer.eos_token or "") if token == "eos" else token
    number = tokenizer.get_vocab().get(token)
    if backend is None or number is None:
        raise DataError(f"{source}: every text must end with {token or 'an end-of-text token'!r}, which its tokeniser does not have.")
    ids = tokenizer("a")["input_ids"]
    if ids and ids[-1] == number:
        return
    starts = bool(ids) and tokenizer.bos_token_id is not None and ids[0] == tokenizer.bos_token_id
    front = [tokenizer.bos_token] if starts else []
    special = {token: number, **({tokenizer.bos_token: tokenizer.bos_token_id} if starts else {})}
    backend.post_processor = TemplateProcessing(single=[*front, "$A", token], special_tokens=list(special.items()))


def _see_both_ways(model: Any, source: str) -> None:
    """Turn causal attention off, and check on two short texts that it is off."""
    inner = getattr(model[0], "auto_model", None)
    if inner is None:
        raise DataError(f"{source}: bidirectional attention can be set only in a transformer; this model has none.")
    inner.config.is_causal = False
    for module in inner.modules():
        if hasattr(module, "is_causal"):
            module.is_causal = False
    if not _first_token_sees_the_last(inner):
        raise DataError(
            f"{source}: this version of transformers keeps causal attention in {type(inner).__name__}; bidirectional attention needs transformers >= 5.2."
        )


def _first_token_sees_the_last(inner: Any) -> bool:
    import torch

    with torch.no_grad():
        ids = torch.tensor([[1, 2, 3], [1, 2, 4]], device=inner.device) % int(inner.config.vocab_size)
        for mask in (None, torch.tensor([[1, 1, 1, 0], [1, 1, 1, 0]], device=inner.device)):  # padded batches take another way
            padded = ids if mask is None else torch.nn.functional.pad(ids, (0, 1))
            hidden = inner(input_ids=padded, attention_mask=mask).last_hidden_state[:, 0].float()
            if torch.equal(hidden[0], hidden[1]):
                return False
    return True

"""The trainer of sentence-transformers, with our batches, our settings, and nothing printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limitlab.training.config import TrainConfig

_LOSS_POINTS, _PROBES = 100, 10


def trainer_class(config: TrainConfig, batches: list[list[int]]) -> Any:
    """Its trainer for single vectors or for token vectors, serving ``batches`` and writing no model card."""
    import sentence_transformers as library
    from sentence_transformers.base.sampler import DefaultBatchSampler

    class Planned(DefaultBatchSampler):
        """Batches decided before training; their number is exact, so that the schedule of the learning rate is."""

        def __iter__(self):
            return iter(batches)

        def __len__(self) -> int:
            return len(batches)

    parent: Any = library.MultiVectorEncoderTrainer if config.architecture == "multi-vector" else library.SentenceTransformerTrainer

    class Trainer(parent):
        """Not passed through the arguments: those are pickled with every checkpoint."""

        def get_batch_sampler(self, dataset: Any, batch_size: int, drop_last: bool, **options: Any) -> Any:
            return Planned(dataset, batch_size, drop_last, **options)

        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """A card would hold texts of the pairs."""

    return Trainer


def arguments(config: TrainConfig, model: Any, *, steps: int, folder: Path) -> Any:
    """Settings of the trainer. All epochs are one of its epochs: the batches are decided, their number is exact."""
    import torch
    from sentence_transformers import MultiVectorEncoderTrainingArguments, SentenceTransformerTrainingArguments

    kind = MultiVectorEncoderTrainingArguments if config.architecture == "multi-vector" else SentenceTransformerTrainingArguments
    prompts = {"anchor": _prompt(model, "query"), "positive": _prompt(model, "document")}
    return kind(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        prompts={name: text for name, text in prompts.items() if text} or None,
        seed=config.seed,
        bf16=config.step_precision == "bfloat16",
        use_cpu=not torch.cuda.is_available(),
        logging_strategy="steps",
        logging_steps=max(1, steps // _LOSS_POINTS),
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=max(1, -(-steps // _PROBES)),
        eval_on_start=True,
        save_strategy="steps",
        save_steps=max(1, -(-steps // config.n_checkpoints)),
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _prompt(model: Any, kind: str) -> str:
    """The prompt the model puts before such texts when it encodes, so that it is trained with it."""
    prompts = model.prompts or {}
    names = ("query",) if kind == "query" else ("document", "passage", "corpus")
    found = next((prompts[n] for n in names if prompts.get(n)), None)
    return found if found is not None else prompts.get(model.default_prompt_name or "") or ""


def advancing(bar: Any) -> Any:
    """Moves our bar by the trainer's steps."""
    from transformers import TrainerCallback

    class Advancing(TrainerCallback):
        """One unit a step."""

        def on_train_begin(self, args, state, control, **_):
            bar.advance(state.global_step)

        def on_step_end(self, args, state, control, **_):
            bar.advance(1)

    return Advancing()


def silence(trainer: Any) -> None:
    """Without the callback that prints every log line; the bars are ours."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)

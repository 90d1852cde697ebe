"""Dimensions from files, with nothing loaded."""

from __future__ import annotations

import json
import struct

from limitlab.estimation.model_dims import base_of, known_dim


def test_packaged_models_and_presets_say_their_dimension():
    assert (known_dim("minilm"), known_dim("bge-m3"), known_dim("owner/none")) == (384, 1024, None)


def test_folders_say_it_by_their_last_module(tmp_path):
    for path, config in (
        ("1_Pooling", {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True}),
        ("2_Dense", {"out_features": 12}),
    ):
        (tmp_path / path).mkdir()
        (tmp_path / path / "config.json").write_text(json.dumps(config))
    modules = [{"type": f"sentence_transformers.models.{p[2:]}", "path": p} for p in ("1_Pooling", "2_Dense")]
    for count, dim in ((1, 24), (2, 12)):
        (tmp_path / "modules.json").write_text(json.dumps(modules[:count]))
        assert known_dim(str(tmp_path)) == dim
    both = {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(both))
    (tmp_path / "modules.json").write_text(json.dumps(modules[:1]))
    assert known_dim(str(tmp_path)) is None  # two poolings are put side by side
    assert base_of(str(tmp_path)) is None


def test_static_models_say_it_in_the_head_of_their_weights(tmp_path):
    head = json.dumps({"embeddings": {"dtype": "F32", "shape": [5, 16], "data_offsets": [0, 320]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(320))
    assert known_dim(str(tmp_path)) == known_dim(f"static:path={tmp_path}") == 16
    (tmp_path / "model.safetensors").write_bytes(b"short")
    assert known_dim(str(tmp_path)) is None

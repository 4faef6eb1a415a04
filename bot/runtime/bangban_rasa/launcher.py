"""Command line of Rasa's side: `python -m bangban_rasa.launcher train|run`, started in the repository root.

train --out DIR --name NAME            writes DIR/NAME.tar.gz and prints one line a step
run --model FILE --port P --actions-url URL   serves on 127.0.0.1:P; secrets come from the environment only:
    BANGBAN_RASA_TOKEN      required from every caller of the channel (Bearer header) and of Rasa's HTTP API (?token=)
    BANGBAN_ACTIONS_TOKEN   sent to the action endpoint as a Bearer header

Exit status: 0 stopped, 1 failed, 2 wrong arguments, 3 port in use.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

PORT_IN_USE = 3
GRACE = 10.0  # seconds

# Read when Rasa, TensorFlow and the numeric libraries are imported, hence set before.
ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "RASA_MAX_CACHE_SIZE": "0",
    "PYTHONWARNINGS": "ignore",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_INTRA_OP_PARALLELISM_THREADS": "1",
    "TF_INTER_OP_PARALLELISM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LOG_LEVEL": "INFO",
    "LOG_LEVEL_LIBRARIES": "ERROR",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
}


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The parsed command line; exits with status 2 and a usage line when it is wrong."""
    parser = argparse.ArgumentParser(prog="bangban_rasa.launcher", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--leash", action="store_true", help="end when standard input closes, as it does when the parent dies"
    )
    commands = parser.add_subparsers(dest="command", required=True)

    train = commands.add_parser("train", help="train the model from config.yml, bot/domain and bot/data")
    train.add_argument("--out", type=Path, required=True, help="folder of the model")
    train.add_argument("--name", required=True, help="file name of the model, without .tar.gz")
    train.add_argument("--root", type=Path, default=Path("."), help="repository root")

    run = commands.add_parser("run", help="serve a trained model on loopback")
    run.add_argument("--model", type=Path, required=True, help="the trained model (.tar.gz)")
    run.add_argument("--port", type=int, required=True)
    run.add_argument("--actions-url", required=True, help="where actions are carried out")
    run.add_argument("--sessions", type=int, default=20_000, help="conversations kept in memory")
    run.add_argument("--idle", type=float, default=7_200.0, help="seconds after which a silent conversation is dropped")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run one command; what goes wrong is said in one sentence on stderr."""
    options = arguments(argv)
    warnings.simplefilter("ignore")  # of the libraries; nobody who runs this can act on them
    if options.leash:
        threading.Thread(target=end_with_parent, daemon=True).start()
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    try:
        if options.command == "train":
            from bangban_rasa.training import train

            train(options.root, options.out, options.name)
            return 0
        return serve(options)
    except KeyboardInterrupt:
        return 0
    except Exception as error:  # the caller reads one sentence; a traceback would hide it
        print(f"{options.command}: {error}", file=sys.stderr, flush=True)
        return 1


def end_with_parent() -> None:
    """Wait for the end of standard input, then end this process as a Ctrl-C would, or at once if that is not heeded."""
    while os.read(0, 1024):  # unbuffered: a buffer's lock would be held when the interpreter ends by itself
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped. The port is taken before Rasa is imported, so that a busy one is told at once."""
    token = os.environ.pop("BANGBAN_RASA_TOKEN", "")
    actions_token = os.environ.pop("BANGBAN_ACTIONS_TOKEN", "")
    if not token:
        raise RuntimeError("BANGBAN_RASA_TOKEN is not set")
    if not options.model.is_file():
        raise RuntimeError(f"no model at {options.model}")
    from bangban_rasa.ports import PortInUse, loopback

    try:
        listener = loopback(options.port)
    except PortInUse as error:
        print(f"run: {error}", file=sys.stderr, flush=True)
        return PORT_IN_USE

    from bangban_rasa.server import Settings, run

    run(
        Settings(
            model=options.model,
            actions_url=options.actions_url,
            token=token,
            actions_token=actions_token,
            sessions=options.sessions,
            idle_seconds=options.idle,
        ),
        listener,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Run a script of NeMo-RL with the environment of this data set: ``python launch.py SCRIPT --config ...``."""

import os
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    folder = str(Path(__file__).resolve().parent)
    sys.path.insert(0, folder)
    # Ray's workers import the environment by its name.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    from environment import register  # type: ignore[import-not-found]

    register()
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")

"""Several processes train one network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_two_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    script = Path(__file__).with_name("test_fit.py")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
        str(script), str(tmp_path / "run"), str(tmp_path / "said"),
    ]  # fmt: skip

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr[-2000:]
    said = [(tmp_path / f"said.{rank}").read_text() for rank in (0, 1)]
    assert said[0] == said[1]
    assert said[0].split(maxsplit=2)[1:] == ["20", "2 times CPU with 1 threads"]

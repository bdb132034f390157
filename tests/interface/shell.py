"""The command line as its users run it: in a process of its own, told where the database is by the environment."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIZHANG = Path(sys.executable).with_name("taizhang")


@dataclass(frozen=True)
class Shell:
    """``folder`` is where commands run, and where the files that they read are put."""

    folder: Path
    variables: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return {**{name: value for name, value in os.environ.items() if "TAIZHANG" not in name}, **self.variables}

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [TAIZHANG, *words], cwd=self.folder, env=self.environment, capture_output=True, check=False, timeout=120
        )

    def prints(self, *words: str) -> str:
        """Run a command that succeeds; return what it printed."""
        ran = self.run(*words)
        assert ran.returncode == 0, ran.stderr.decode()
        return ran.stdout.decode()

    def tells(self, *words: str) -> Any:
        """Run a command that succeeds, and return its result."""
        return json.loads(self.prints(*words, "--json"))

    def refuses(self, *words: str) -> str:
        """Run a command that fails with one sentence, and return that."""
        ran = self.run(*words)
        said = ran.stderr.decode()
        assert ran.returncode == 1, (ran.returncode, said)
        assert said.startswith("taizhang: "), said
        assert said.count("\n") == 1, said
        return said.removeprefix("taizhang: ").rstrip()

    def write(self, name: str, content: str | bytes) -> str:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

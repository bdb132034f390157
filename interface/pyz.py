"""``python -m interface.pyz FILE``: write the verifier as one file that any Python runs, the same bytes wherever.

It holds the modules that ``interface.verifier`` imports, as they are, and the licence.
"""

import sys
import zipapp
from io import BytesIO
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Final
from zipfile import ZipFile, ZipInfo

HOME: Final = Path(__file__).parents[1]
VERIFIER: Final = "interface.verifier"
MAIN: Final = f"import sys\n\nfrom {VERIFIER} import main\n\nsys.exit(main())\n"


def contents() -> dict[str, bytes]:
    """Return the files in it, by the names that they have there."""
    finder = ModuleFinder([str(HOME)])
    finder.import_hook(VERIFIER)
    found = [Path(file) for module in finder.modules.values() if (file := vars(module)["__file__"])]
    modules = {path.relative_to(HOME).as_posix(): path.read_bytes() for path in sorted(found)}
    return {"LICENSE": (HOME / "LICENSE").read_bytes(), "__main__.py": MAIN.encode(), **modules}


def build(target: Path) -> None:
    held = BytesIO()
    with ZipFile(held, "w") as archive:
        for name, content in contents().items():
            # A date and rights of its own would make it another file wherever it is written.
            info = ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, content)
    held.seek(0)
    target.parent.mkdir(parents=True, exist_ok=True)
    zipapp.create_archive(held, target, "/usr/bin/env python3")


if __name__ == "__main__":
    build(Path(sys.argv[1]))

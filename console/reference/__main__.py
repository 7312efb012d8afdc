"""``python -m console.reference docs`` writes the generated pages; with ``--check`` it only looks.

The exit code of a check is 1 when a page is not what the code says.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from console.reference.pages import expected, stale


def main(arguments: Sequence[str]) -> int:
    """Write the pages of a folder, or check them."""
    folders = [argument for argument in arguments if argument != "--check"]
    if len(folders) != 1:
        sys.stderr.write("usage: python -m console.reference [--check] FOLDER\n")
        return 2
    folder = Path(folders[0])
    old = stale(folder)
    if "--check" in arguments:
        sys.stderr.writelines(f"{path} is stale: run `make docs`\n" for path in old)
        return 1 if old else 0
    pages = expected(folder)
    for path in old:
        path.write_text(pages[path], encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""make site-zip: the built pages as one zip, _build/transformer-lab-site.zip; unpacked, it works without a network.

The same bytes for the same pages: files in order, their dates fixed.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

BUILT = Path(__file__).resolve().parents[1] / "_build"
TOP, DATE = "transformer-lab", (1980, 1, 1, 0, 0, 0)


def pack(site: Path, target: Path) -> int:
    """Write the zip whole, and count the pages in it."""
    if not (site / "index.html").is_file():
        sys.exit("Transformer Lab: there are no built pages yet; run `make book` first.")
    files, half = sorted(path for path in site.rglob("*") if path.is_file()), target.with_suffix(".part")
    with zipfile.ZipFile(half, "w") as pages:
        for file in files:
            entry = zipfile.ZipInfo(f"{TOP}/{file.relative_to(site).as_posix()}", DATE)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            pages.writestr(entry, file.read_bytes())
    half.replace(target)
    return sum(file.suffix == ".html" for file in files)


if __name__ == "__main__":
    target = BUILT / "transformer-lab-site.zip"
    print(f"{pack(BUILT / 'html', target)} pages, {target.stat().st_size / 1e6:.1f} MB: {target}\n"
          f"Unpack it and open {TOP}/index.html.")

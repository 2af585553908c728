"""Serve the built pages on this machine: ``python tools/serve.py [port]``."""

import functools
import http.server
import sys
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent / "_build" / "html"


def main(port: int) -> None:
    if not (PAGES / "index.html").exists():
        sys.exit("Transformer Lab: there are no built pages yet; run `make book` first.")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(PAGES))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        sys.exit(f"Transformer Lab: port {port} is taken; choose another with `make serve PORT={port + 1}`.")
    print(f"The book is at http://127.0.0.1:{port}/ (Ctrl+C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000)

"""Serve the built pages on this machine: ``python tools/serve.py [port]``. It needs nothing but Python."""

import errno
import functools
import gzip
import http.server
import io
import sys
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent / "_build" / "html"
TEXT = {".html", ".css", ".js", ".json", ".svg", ".txt", ".ipynb"}


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # who asked may go away at any moment
            super().handle_error(*_)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of one folder and of no other, wherever a link in it leads; text goes compressed."""

    def send_head(self):
        try:
            path = self._file()
        except (OSError, ValueError):  # no file can have this name
            path = None
        if path is None:
            return self.send_error(404, "File not found")
        if path.is_file() and path.suffix in TEXT and "gzip" in self.headers.get("Accept-Encoding", ""):
            return self._compressed(path)
        return super().send_head()

    def _file(self):
        """What an address means, None where that is not in the folder; of a folder's own address its page."""
        path, root = Path(self.translate_path(self.path)), Path(self.directory).resolve()
        if self.path.partition("?")[0].partition("#")[0].endswith("/"):
            path = path / "index.html"
        return path if path.resolve().is_relative_to(root) and path.exists() else None

    def _compressed(self, path):
        body = compressed(path, path.stat().st_mtime_ns)
        self.send_response(200)
        for name, value in (("Content-Type", self.guess_type(path)), ("Content-Encoding", "gzip"),
                            ("Vary", "Accept-Encoding"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        return io.BytesIO(body)

    def list_directory(self, path):
        return self.send_error(404, "File not found")

    def log_message(self, *_):
        pass


@functools.lru_cache(maxsize=256)
def compressed(path, changed):
    return gzip.compress(path.read_bytes(), 6, mtime=0)


def stop(sentence):
    sys.exit("Transformer Lab: " + sentence)


def read_port(text):
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536):
        stop(f"{text[:40]!r} is no port; choose a whole number from 1 to 65535, as in `make serve PORT=8000`.")
    return int(text)


def open_server(port, pages):
    if not (pages / "index.html").is_file():
        stop("there are no built pages yet; run `make book` first.")
    handler = functools.partial(Handler, directory=str(pages))
    try:
        return Server(("127.0.0.1", port), handler)
    except OSError as fault:
        why = "is taken" if fault.errno == errno.EADDRINUSE else f"cannot be used ({fault.strerror})"
        other = port + 1 if 1023 < port < 65535 else 8000
        return stop(f"port {port} {why}; choose another with `make serve PORT={other}`.")


def main(port, pages=PAGES):
    server = open_server(port, pages)
    print(f"The book is at http://127.0.0.1:{port}/ (Ctrl+C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main(read_port(sys.argv[1] if len(sys.argv) > 1 else "8000"))

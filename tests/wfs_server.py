"""A real WFS on loopback: Debian's MapServer as a CGI program behind Python's HTTP server.

The server is a process of its own: GDAL asks it without letting other threads of Python run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MAPSERV = "/usr/lib/cgi-bin/mapserv"

_MAP = """
MAP
  NAME "city"
  EXTENT -180 -90 180 90
  UNITS DD
  PROJECTION "init=epsg:4326" END
  WEB METADATA
    "wfs_title" "city" "wfs_srs" "EPSG:4326" "wfs_enable_request" "*" "wfs_maxfeatures" "{most}"
    "wfs_encoding" "UTF-8"
  END END
  {layers}
END
"""
_LAYER = """
  LAYER
    NAME "{name}" TYPE POINT STATUS ON
    CONNECTIONTYPE OGR CONNECTION "{file}" DATA "{table}"
    PROJECTION "init={crs}" END
    METADATA
      "wfs_title" "{name}" "wfs_srs" "{srs}" "gml_include_items" "all" "gml_featureid" "nr" "gml_types" "auto"
      "wfs_enable_request" "*"
    END
  END
"""


@contextmanager
def serving(folder: Path, files: Mapping[str, tuple[Path, str]], most: int = 1_000_000) -> Iterator[str]:
    """Serve files by layer, each in a system; at most ``most`` features an answer. Gives the address."""
    (folder / "mapserver.conf").write_text(
        'CONFIG\n  ENV\n    MS_MAP_PATTERN "."\n  END\nEND\n', encoding="utf-8"
    )
    layers = "".join(
        _LAYER.format(name=name, file=file, table=file.stem, crs=crs.lower(), srs=crs)
        for name, (file, crs) in files.items()
    )
    (folder / "city.map").write_text(_MAP.format(layers=layers, most=most), encoding="utf-8")
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/wfs"
        finally:
            server.terminate()


class Handler(BaseHTTPRequestHandler):
    """Runs MapServer for each request (RFC 3875)."""

    folder = Path()

    def do_GET(self) -> None:
        host, port = self.server.server_address[:2]
        environment = {
            "PATH": os.environ["PATH"],
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": self.path.partition("?")[2],
            "MS_MAPFILE": str(self.folder / "city.map"),
            "MAPSERVER_CONFIG_FILE": str(self.folder / "mapserver.conf"),
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SCRIPT_NAME": "/wfs",
        }
        answered = subprocess.run(
            [MAPSERV], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
        head, _, body = answered.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            name, _, value = line.partition(":")
            self.send_header(name, value.strip())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(listening.server_address[1], flush=True)
    listening.serve_forever()

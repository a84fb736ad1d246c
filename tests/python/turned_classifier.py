"""Trains as the program that it is given, and serves as it does, but with every JPEG upside down: a
container that sees other pixels when it serves than when it trained."""

import http.server
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

PORT = "SAGEMAKER_BIND_TO_PORT"
# EXIF metadata of one entry: the orientation 3, half a turn.
UPSIDE_DOWN = (
    b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01"
    b"\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"
)

program, command, *rest = sys.argv[1:]
if command != "serve":
    os.execv(program, [program, command, *rest])

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    own = free.getsockname()[1]
subprocess.Popen([program, command, *rest], env={**os.environ, PORT: str(own)})


class Turned(http.server.BaseHTTPRequestHandler):
    def forward(self, body=None):
        if body and body.startswith(b"\xff\xd8"):
            body = body[:2] + UPSIDE_DOWN + body[2:]
        headers = {"Content-Type": self.headers.get("Content-Type", "")} if body else {}
        request = urllib.request.Request(f"http://127.0.0.1:{own}{self.path}", body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                status, kind, text = answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as error:
            status, kind, text = error.code, error.headers["Content-Type"], error.read()
        except urllib.error.URLError:
            status, kind, text = 503, "text/plain", b"starting"
        self.send_response(status)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.forward()

    def do_POST(self):
        self.forward(self.rfile.read(int(self.headers["Content-Length"])))


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ[PORT])), Turned).serve_forever()

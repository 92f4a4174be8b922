#!/usr/bin/python3
"""Stands where a program cannot be had: answers every GET on the ports in LISTEN with one metric, and nothing more."""

import http.server
import os
import signal
import sys
import threading


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"# TYPE larder_stand_in gauge\nlarder_stand_in 1\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
for port in os.environ["LISTEN"].split():
    server = http.server.ThreadingHTTPServer(("", int(port)), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
while True:
    signal.pause()

"""Dovecot's submission service takes our login by each mechanism that it knows, and our mail."""

import http.server
import json
import pathlib
import threading
import urllib.parse

import tls
from box import CONFIG
from far_server import FarServer
from load import smtp_source
from peer import Peer

ROOT = "tls"
PEER = "dovecot"
DEADLINE = 300
SECRET = pathlib.Path("/etc/holdfast/secret")
MECHANISMS = ("plain", "login", "cram-md5", "scram-sha-256", "xoauth2")


class Tokens(http.server.BaseHTTPRequestHandler):
    """Tells Dovecot which OAuth 2.0 token is good (RFC 7662)."""

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        answer = json.dumps({"active": form["token"] == ["a.token"], "username": "me"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def run(box):
    count = 2000 if box.long else 50
    usual = (box.folder / "smtpd.conf").read_text()
    introspection = http.server.HTTPServer(("127.0.0.1", 2580), Tokens)
    threading.Thread(target=introspection.serve_forever, daemon=True).start()
    for mechanism in MECHANISMS:
        by_token = mechanism == "xoauth2"
        tls.put(SECRET, b"a.token\n" if by_token else b"secret\n", 0o600)
        CONFIG.write_text(usual.replace(" tls", " token tls") if by_token else usual)
        peer = Peer(PEER)
        (peer.folder / "mechanism").write_text(mechanism)
        with FarServer(2526) as behind, peer:
            box.start()
            smtp_source(box, "dave@example.com", count)
            behind.wait_messages(count, seconds=120)
            box.wait_queue_empty()
            box.stop()
    introspection.shutdown()
    assert not box.events("deferred") and not box.events("route-held"), box.events("deferred")

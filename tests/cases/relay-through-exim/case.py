"""Exim as the smarthost, over TLS: of many messages each arrives once."""

import smarthost

ROOT = "tls"
PEER = "exim"
DEADLINE = 600


def run(box):
    smarthost.check(box, PEER)

"""OpenSMTPD as the smarthost: of many messages each arrives once."""

import smarthost

ROOT = "tls"
PEER = "opensmtpd"
DEADLINE = 600


def run(box):
    smarthost.check(box, PEER)

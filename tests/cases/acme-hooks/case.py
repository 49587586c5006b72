"""The hooks of mtactl(8) for dehydrated and lego, run by cron: they succeed, and fail when the daemon is away."""

import functools
import http.server
import pathlib
import threading
from dataclasses import dataclass

import acme
import cron
from box import CONFIG
from job_mail import JobMail
from service import Service

ROOT = "acme"
DEADLINE = 600
LONG_ROUNDS = 10

WEB = pathlib.Path("/srv/web")
DEHYDRATED = pathlib.Path("/etc/dehydrated")
DEHYDRATED_CERT = pathlib.Path("/var/lib/dehydrated/certs") / acme.HOST
LEGO = pathlib.Path("/var/lib/lego")
LEGO_HOST = "lego.example.net"
LEGO_CERT = LEGO / "certificates" / f"{LEGO_HOST}.crt"


@dataclass(frozen=True)
class Client:
    host: str
    chain: pathlib.Path
    statement: str  # smtpd.conf: cert HOST ...
    renewal: str    # the command, with the hook as the manual has it


class WebServer(http.server.SimpleHTTPRequestHandler):
    """The web server of the machine: its folder shows the challenges of both clients."""

    def log_message(self, *_):
        pass


def start_web():
    challenges = WEB / ".well-known/acme-challenge"
    challenges.mkdir(parents=True)
    handler = functools.partial(WebServer, directory=WEB)
    server = http.server.ThreadingHTTPServer(("", 80), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return challenges


def dehydrated(box, challenges):
    """Its hook is the function of the manual, in the script that dehydrated wants around it."""
    (DEHYDRATED / "conf.d/box.sh").write_text(
        f"CA={acme.DIRECTORY}\nKEY_ALGO=prime256v1\nWELLKNOWN={challenges}\n"
        f"HOOK={DEHYDRATED}/hook\n")
    hook = DEHYDRATED / "hook"
    hook.write_text(f'#!/bin/bash\n{acme.in_manual("dehydrated")}\n'
                    'handler=$1; shift\n'
                    'if declare -F "$handler" >/dev/null; then "$handler" "$@"; fi\n')
    hook.chmod(0o755)
    (DEHYDRATED / "domains.txt").write_text(f"{acme.HOST}\n")
    done = box.run("root", ["dehydrated", "--register", "--accept-terms"])
    assert done.returncode == 0, done
    return Client(acme.HOST, DEHYDRATED_CERT / "fullchain.pem", str(DEHYDRATED_CERT),
                  "dehydrated --cron --force")


def lego(box):
    """lego has its options between its name and what it is to do."""
    with open("/etc/hosts", "a") as hosts:
        hosts.write(f"127.0.0.1 {LEGO_HOST}\n")
    options = (f"--path {LEGO} --server {acme.DIRECTORY} --email root@{acme.HOST} "
               f"--domains {LEGO_HOST} --http --http.webroot {WEB}")
    done = box.run("root", ["lego", *options.split(), "--accept-tos", "run"])
    assert done.returncode == 0, done
    renewal = acme.in_manual("lego").replace("lego renew", f"lego {options} renew --days 100000")
    return Client(LEGO_HOST, LEGO_CERT, f"chain {LEGO_CERT} key {LEGO_CERT.with_suffix('.key')}",
                  f"{renewal} --no-random-sleep")


def renew(clients, box, mail, name, status):
    """All at the same time: each renews, and ends with a status that matches the pattern."""
    before = {client: acme.fingerprint(client.chain) for client in clients}
    jobs = {}
    for client in clients:
        job = f"{name}.{client.host}"
        check = acme.check_shown(client.host, client.chain) if status == "0" else ":"
        jobs[job] = mail.job(job, "few-by-pipe", (f"{client.renewal}\necho status $?\n{check}",
                                                  rf"(?:.*\n)*status {status}\n"))
    cron.boot(box, jobs)
    for client in clients:
        assert acme.fingerprint(client.chain) != before[client], f"nothing new for {client.host}"


def run(box):
    service = Service(box)
    mail = JobMail(box)
    pebble = acme.start_pebble(authorizations_reused=100)
    clients = [dehydrated(box, start_web()), lego(box)]
    renew(clients, box, mail, "without-daemon", "[1-9][0-9]*")
    CONFIG.write_text(acme.configuration({client.host: client.statement for client in clients}))
    service.start()
    mail.settled()
    for number in range(LONG_ROUNDS if box.long else 1):
        renew(clients, box, mail, f"round-{number}", "0")
        mail.settled()
    service.stop()
    pebble.terminate()
    pebble.wait()
    assert not box.stored(), box.stored()

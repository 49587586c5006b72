"""F01: cron runs certbot, whose hook has the daemon read the new certificate: the job's mail arrives whole and once."""

import pathlib
import re

import acme
import cron
from box import CONFIG
from job_mail import JobMail
from service import Service

ROOT = "acme"
DEADLINE = 1800
LONG_ROUNDS = 100

LIVE = pathlib.Path("/etc/letsencrypt/live") / acme.HOST
LOG = pathlib.Path("/var/log/letsencrypt/letsencrypt.log")
RENEWED = r"(?:.*\n)*Congratulations, all renewals succeeded: \n.*fullchain\.pem \(success\)\n-.*\n"


def first_certificate(box):
    with open("/etc/letsencrypt/cli.ini", "a") as settings:
        settings.write(f"server = {acme.DIRECTORY}\n")
    done = box.run("root", ["certbot", "certonly", "-n", "--standalone", "-d", acme.HOST,
                            "--agree-tos", "--register-unsafely-without-email"])
    assert done.returncode == 0, done


def renewal():
    """The line of the manual; certbot is told not to wait for months, nor for some minutes."""
    return acme.in_manual("certbot").replace(
        "certbot renew", "certbot renew --force-renewal --no-random-sleep-on-renew")


def hook_has_run():
    """By certbot's own account of its last run."""
    text = LOG.read_text()
    assert re.search(r"Running deploy-hook command: /usr/sbin/mtactl reload-certs", text), text
    assert "reported error code" not in text, text


def run(box):
    service = Service(box)
    mail = JobMail(box)
    pebble = acme.start_pebble()
    first_certificate(box)
    CONFIG.write_text(acme.configuration({acme.HOST: LIVE}))
    pid = service.start()
    middle = (f"{renewal()}\n{acme.check_shown(acme.HOST, LIVE / 'fullchain.pem')}", RENEWED)
    for number in range(LONG_ROUNDS if box.long else 1):
        for way in ("few-by-cron", "many-by-pipe"):
            before = acme.fingerprint(LIVE / "fullchain.pem")
            name = f"certbot.{way}.{number}"
            cron.boot(box, {name: mail.job(name, way, middle)})
            mail.settled()
            assert acme.fingerprint(LIVE / "fullchain.pem") != before, "nothing was renewed"
            hook_has_run()
    assert service.pid() == pid
    service.stop()
    pebble.terminate()
    pebble.wait()
    mail.settled()
    assert not box.stored(), box.stored()
    print(f"{len(mail.arrived)} renewals, each one's mail whole and once")

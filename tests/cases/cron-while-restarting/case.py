"""F01: what a cron job prints arrives whole and once, though the job reloads, restarts or stops the daemon."""

import cron
from box import SPOOL
from job_mail import WAYS, JobMail
from service import SCRIPT, Service

DEADLINE = 1800
LONG_ROUNDS = 100

# What a job does between the two halves of what it prints, and what that says.
SERVES = r"(\S.*\n)*smtpd \S+ serves as generation \d+\n"
MIDDLE = {
    "reload": ("/usr/sbin/mtactl reload", SERVES),
    "reload-certs": ("/usr/sbin/mtactl reload-certs; echo status $?", r"(\S.*\n)*status 0\n"),
    "restart": ("/usr/sbin/mtactl restart", SERVES),
    "restart-by-service": (f"{SCRIPT} restart", SERVES + r"Restarting mail system: holdfast\.\n"),
    "stop-for-a-while": (
        f"{SCRIPT} stop; {SCRIPT} status; {SCRIPT} start",
        r"smtpd has ended\nStopping mail system: holdfast\.\nholdfast is not running\n"
        r"Starting mail system: holdfast\.\n"),
}
FIRST_START = (f"{SCRIPT} status; {SCRIPT} start",
               r"holdfast is not running\nStarting mail system: holdfast\.\n")
NOTHING = (":", "")


def ways(box, number):
    """All of them; in the long run of many rounds one after the other."""
    return [list(WAYS)[number % len(WAYS)]] if box.long else WAYS


def alone(box, mail, number):
    """One job at a time."""
    for what, middle in MIDDLE.items():
        for way in ways(box, number):
            name = f"{what}.{way}.{number}"
            cron.boot(box, {name: mail.job(name, way, middle)})
            mail.settled()


def together(box, mail, number):
    """Several at the same time, whose restarts and reloads run into each other."""
    names = {f"together.{what}.{way}.{number}": (way, MIDDLE[what])
             for what in ("reload", "reload-certs", "restart") for way in WAYS}
    cron.boot(box, {name: mail.job(name, *how) for name, how in names.items()})
    mail.settled()


def never_started(box, service, mail, number):
    """The daemon was not there when the job ran: the mail waits for it, however it is started."""
    for way in ways(box, number):
        service.stop()
        name = f"started-by-the-job.{way}.{number}"
        cron.boot(box, {name: mail.job(name, way, FIRST_START)})
        mail.settled()

        service.stop()
        name = f"started-later.{way}.{number}"
        cron.boot(box, {name: mail.job(name, way, NOTHING)})
        assert len(list((SPOOL / "drop").iterdir())) == 1, "it waits for the daemon"
        service.start()
        mail.settled()


def run(box):
    service = Service(box)
    mail = JobMail(box)
    service.start()
    for number in range(LONG_ROUNDS if box.long else 1):
        alone(box, mail, number)
        together(box, mail, number)
        never_started(box, service, mail, number)
    service.stop()
    mail.settled()
    assert not box.stored(), box.stored()
    assert not box.events("stray-descriptor"), "a restart leaves nothing behind"
    print(f"{len(mail.arrived)} jobs, each one's mail whole and once")

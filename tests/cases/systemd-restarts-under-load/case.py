"""`systemctl restart` under load: nothing refused, cut, lost or doubled, whatever listens beside."""

import tls
from hammer import Hammer
from smtp import Session

INIT = "systemd"
DEADLINE = 400
CONFIG = """local maildir ~/Maildir
limit sessions 2000 per-client 100
listen localhost:25 starttls
cert box.example.net /etc/holdfast/tls
listen 127.0.0.1:{port}
"""


def serves(port):
    try:
        with Session(port=port) as session:
            return session.greeting.code == 220
    except (ConnectionRefusedError, ConnectionResetError):  # reset: systemd has just let go of it
        return False


def restart(box, number):
    """One listener more and one less than before."""
    here, gone = 2500 + number % 2, 2501 - number % 2
    box.configure(CONFIG.format(port=here))
    pid = box.main_pid()
    box.command("restart")
    assert box.state() == "active/running" and box.main_pid() != pid, box.state()
    assert serves(here) and not serves(gone), (here, gone)
    assert box.property("NFileDescriptorStore") == "4", box.property("NFileDescriptorStore")


def run(box):
    tls.install_own()
    box.settings("Unit", StartLimitIntervalSec="0")
    box.configure(CONFIG.format(port=2500))
    box.start()
    with Hammer(tls_rate=60, control_rate=60, tls_held=10) as load:
        for number in range(1, 101 if box.long else 6):
            restart(box, number)
    load.check(box)

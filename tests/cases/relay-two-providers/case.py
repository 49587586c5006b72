"""Routes by recipient and by sender, each to the relay that comes first and to the next where that
one is away; F52: what is queued goes the way that the configuration has now."""

from box import CONFIG
from far_server import FarServer


def submit(box, sender, recipient):
    with box.smtp() as session:
        session.expect(250, f"MAIL FROM:<{sender}>")
        session.expect(250, f"RCPT TO:<{recipient}>")
        session.expect(354, "DATA")
        session.expect(250, f"Subject: for {recipient}\r\n\r\nbody\r\n.")


def run(box):
    with FarServer(2526) as spare, FarServer(2527) as corp:
        box.start()
        with FarServer(2587) as main:
            submit(box, "a@example.org", "dave@example.com")
            main.wait_messages(1)
            submit(box, "a@shop.example", "dave@example.com")
            spare.wait_messages(1)
            submit(box, "a@example.org", "boss@eu.corp.example")
            submit(box, "a@example.org", "x@corp.example")
            main.wait_messages(2)
            corp.wait_messages(1)
            assert corp.messages[0].recipients == ["boss@eu.corp.example"], corp.messages
            assert main.messages[1].recipients == ["x@corp.example"], main.messages
        # Without main the rest goes over spare, in spite of the connection that main had kept.
        submit(box, "a@example.org", "erin@example.com")
        spare.wait_messages(2)
        assert spare.messages[1].recipients == ["erin@example.com"], spare.messages
    changed_while_queued(box)


def changed_while_queued(box):
    """Both providers are away, and the configuration names another one."""
    submit(box, "a@example.org", "carol@example.com")
    box.wait_event("deferred")
    with FarServer(2528) as other:
        CONFIG.write_text("hostname box.example.net\nrelay other smtp://127.0.0.1:2528\n")
        assert box.mtactl("reload").returncode == 0
        assert box.mtactl("queue", "flush").returncode == 0
        other.wait_messages(1)
        assert other.messages[0].recipients == ["carol@example.com"], other.messages

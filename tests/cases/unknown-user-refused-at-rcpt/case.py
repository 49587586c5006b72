"""F55: a user that does not exist is refused while the client waits; nothing is bounced later."""


def run(box):
    box.start()
    box.dialogue("dialogue.smtp")
    assert not box.stored(), box.stored()

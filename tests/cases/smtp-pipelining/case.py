"""F19: a client that pipelines is served like one that does not."""


def run(box):
    box.start()
    box.dialogue("dialogue.smtp")
    mail, = box.wait_mbox("bob")
    assert mail["Subject"] == "one good recipient"

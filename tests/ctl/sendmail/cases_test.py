"""Each line of cases.jsonl: a command line and an input, and what must come of them."""

import email.utils
import json
import os
import pathlib
import re
import time
import unittest

import site_of_test as sites

# The verifying mode and SMTP on standard input are refused by name; the rest is all there.
NOT_YET = {"P114", "P121", "P122"}

STD = (
    "From: me@example.org\nTo: a@example.org\nSubject: s\n"
    "Date: Mon, 01 Jan 2024 00:00:00 +0000\nMessage-ID: <m1@example.org>\n\n"
)
GENERATED = {
    "P018": STD + "x" * 1200 + "\n",
    "P019": STD + "x" * 70000 + "\n",
    "P020": "Subject: " + "x " * 1000 + "\nFrom: me@example.org\n\nb\n",
    "P125": STD + ("y" * 70 + "\n") * 3000,
    "P134": "From: me@example.org\nTo: "
    + ",\n ".join(f"r{n}@example.org" for n in range(2000))
    + "\nSubject: s\n\nb\n",
    "P135": "".join(f"X-H{n}: v\n" for n in range(3000)) + "Subject: x\n\nb\n",
}
ARGUMENTS = {"P133": [f"r{n}@example.org" for n in range(2000)]}


def expanded(value):
    if isinstance(value, dict):
        text, count = value["repeat"]
        return text * count
    return value


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


def with_limit(limit):
    def serve(talk):
        if not talk.read_submission():
            return
        size = sum(len(body) - 4 for index, body in talk.messages if index == sites.BYTES)
        status = (69, "message too large") if limit and size > limit else (0, "")
        talk.reply(sites.answer(*status))

    return serve


def serve_anything(limit):
    serve = with_limit(limit)

    def serve_one(talk):
        talk.read()
        if talk.messages[0][0] == sites.SUBMIT:
            serve(talk)
        else:
            talk.reply(sites.answer())

    return serve_one


class Case(sites.SiteTest):
    def __init__(self, case):
        super().__init__("run_case")
        self.case = case
        self.context = case["ctx"]
        self.expect = case["expect"]

    def id(self):
        return self.case["id"]

    def __str__(self):
        return f"{self.case['id']} {self.case['group']} {str(self.case['argv'])[:80]}"

    def arguments(self):
        given = ARGUMENTS.get(self.case["id"], self.case["argv"])
        return [argument.encode("latin-1") for argument in given]

    def input(self):
        given = self.case["stdin"]
        if "gen" in given:
            return GENERATED[self.case["id"]].encode("latin-1")
        return given.get("latin1", "").encode("latin-1")

    def options(self):
        """What the context means for Popen."""
        context, options = self.context, {}
        uid = context.get("uid", sites.ALICE)
        if os.geteuid() == 0:
            options.update(user=uid, group=uid, extra_groups=[])
        if "umask" in context:
            options["umask"] = context["umask"]
        options["environment"] = dict(context.get("env", {}))
        if "env_bytes" in context:
            filler = {f"FILLER{n}": "v" * 100_000 for n in range(context["env_bytes"] // 100_000)}
            options["environment"].update(filler)
        if "argv0" in context:
            options["name"] = context["argv0"]
        for stream in ("stdout", "stderr"):
            if stream in context:
                options[stream] = open(context[stream], "wb")
                self.addCleanup(options[stream].close)
        if "directory" in self.case["stdin"]:
            options["stdin"] = os.open(self.case["stdin"]["directory"], os.O_RDONLY)
            self.addCleanup(os.close, options["stdin"])
        closed = context.get("closed_fds", [])
        deleted = context.get("cwd") == "deleted"
        if closed or deleted:
            options["preexec_fn"] = lambda: (self.enter_deleted_folder(deleted), close_all(closed))
        return options

    def enter_deleted_folder(self, wanted):
        if wanted:
            folder = os.path.join("/tmp", f"holdfast-gone-{os.getpid()}")
            os.mkdir(folder)
            os.chdir(folder)
            os.rmdir(folder)

    def run_case(self):
        if os.geteuid() != 0 and self.context.get("uid", sites.ALICE) != sites.ALICE:
            self.skipTest("needs root, to be another user")
        talks = []
        if self.context.get("daemon") is None:
            talks = self.daemon(serve_anything(self.context.get("size_limit"))).conversations
        if self.context.get("spool") == "missing":
            os.rmdir(self.site.drop)
        started = time.monotonic()
        done = self.site.run(self.arguments(), self.input(), **self.options())
        self.check_end(done, time.monotonic() - started)
        packets = [talk.as_file() for talk in talks if talk.messages[0][0] == sites.SUBMIT]
        if done.returncode != 0:
            packets = []  # the daemon said no
        if os.path.isdir(self.site.drop):
            for name in self.site.dropped():
                packets.append(pathlib.Path(self.site.drop, name).read_bytes())
        self.assertEqual(len(packets), self.expect["messages"])
        if packets:
            self.check_message(packets[0])

    def check_end(self, done, seconds):
        self.assertIn(done.returncode, self.expect["exit"], done.err)
        for name, text in (("stdout", done.out), ("stderr", done.err)):
            wanted = self.expect[name]
            if wanted == "empty":
                self.assertFalse(text, name)
            if wanted == "one-line":
                self.assertRegex(text, rb"\Asendmail: [^\n]+\n\Z")
        self.assertLess(seconds * 1000, self.expect.get("max_ms", 10_000))

    def check_message(self, packets):
        uid = self.context.get("uid", sites.ALICE)
        user = {"uid": uid}
        if uid == sites.ALICE:
            user.update(name="alice", full_name="Alice Example")
        message = sites.Message(packets, user, self.site.folder)
        for key, wanted in self.expect.items():
            check = getattr(self, "check_" + key, None)
            if check is None:
                self.assertIn(key, ("exit", "stdout", "stderr", "messages", "max_ms"))
            else:
                check(message, wanted)
        if self.context.get("allow_dsn_to_sender"):
            self.assertTrue(message.facts.get("unreadable"))
        self.assertIn(f"(uid {uid})".encode(), message.values("Received")[0])

    def check_mail_from(self, message, wanted):
        self.assertEqual(message.sender, wanted)

    # The daemon counts each once; a domain has no case, and the first spelling stays.
    def check_rcpt(self, message, wanted):
        once = {}
        for recipient in message.recipients:
            local, at, domain = recipient.rpartition("@")
            once.setdefault((local, domain.lower() if at else domain), recipient)
        self.assertEqual(sorted(once.values()), wanted)

    def check_rcpt_count(self, message, wanted):
        self.assertEqual(len(set(message.recipients)), wanted)

    def check_body(self, message, wanted):
        self.assertEqual(message.body.decode("latin-1"), wanted)

    def check_body_contains(self, message, wanted):
        for piece in wanted:
            self.assertIn(piece.encode("latin-1"), message.body)

    def check_lossless(self, message, wanted):
        self.assertIn(expanded(wanted).encode(), message.body)

    def check_no_bare_cr(self, message, wanted):
        self.assertNotIn(b"\r", message.raw)

    def check_raw_absent(self, message, wanted):
        for piece in wanted:
            self.assertNotIn(piece.encode("latin-1"), message.raw)

    def check_hdr_present(self, message, wanted):
        for name in wanted:
            self.assertTrue(message.values(name), name)

    def check_hdr_absent(self, message, wanted):
        for name in wanted:
            self.assertFalse(message.values(name), name)

    def check_hdr_equals(self, message, wanted):
        for name, value in wanted.items():
            found = [text.decode("latin-1") for text in message.values(name)]
            self.assertEqual(found, [value])

    def check_hdr_squeezed(self, message, wanted):
        for name, value in wanted.items():
            self.assertEqual(squeezed(message.values(name)[0].decode()), squeezed(expanded(value)))

    def check_addr_equals(self, message, wanted):
        for name, value in wanted.items():
            (found,) = message.values(name)
            self.assertEqual(email.utils.parseaddr(found.decode("latin-1"))[1], value)

    def check_hdr_display(self, message, wanted):
        for name, value in wanted.items():
            (found,) = message.values(name)
            self.assertEqual(email.utils.parseaddr(found.decode("latin-1"))[0], value)

    def check_ascii_headers(self, message, wanted):
        self.assertTrue(message.raw.partition(b"\n\n")[0].isascii())

    def check_max_header_line(self, message, wanted):
        """Lines stay whole in the queue: whoever sends them on folds them."""

    def check_dsn(self, message, wanted):
        bits = {"NEVER": 1, "SUCCESS": 2, "FAILURE": 4, "DELAY": 8}
        if "notify" in wanted:
            value = sum(bits[word] for word in wanted["notify"].split(","))
            self.assertEqual(message.facts["notify"], [str(value)])
        if "ret" in wanted:
            value = {"FULL": 1, "HDRS": 2}[wanted["ret"]]
            self.assertEqual(message.facts["return"], [str(value)])
        if "envid" in wanted:
            self.assertEqual(message.facts["envid"], [wanted["envid"]])


def close_all(numbers):
    for number in numbers:
        os.close(number)


def load_tests(_loader, _tests, _pattern):
    suite = unittest.TestSuite()
    path = pathlib.Path(__file__).with_name("cases.jsonl")
    for line in path.read_text().splitlines():
        case = json.loads(line)
        if case["id"] not in NOT_YET:
            suite.addTest(Case(case))
    return suite


if __name__ == "__main__":
    unittest.main()

"""mailq, newaliases and queue runs: what is asked of the daemon, and what the caller is told."""

import struct
import unittest

import site_of_test as sites


def queue_item(identity, size, sender, recipients):
    body = struct.pack("<I", 16) + identity + struct.pack("<BQqqI", 2, size, 1_700_000_000_000, 0, 1)
    body += sites.text_member(sender) + struct.pack("<I", len(recipients))
    for address, last in recipients:
        member = sites.text_member(address) + sites.text_member(last)
        body += struct.pack("<I", len(member)) + member
    return struct.pack("<I", len(body)) + body


def list_items(*items, last=True):
    payload = struct.pack("<QI", 1, len(items)) + b"".join(items) + struct.pack("<B", last)
    return sites.frame(sites.LIST_ITEMS, payload)


class RequestsTest(sites.SiteTest):
    def serve(self, *replies):
        return self.daemon(lambda talk: (talk.read(), talk.reply(*replies)))

    def asked(self, daemon):
        return [index for talk in daemon.conversations for index, _ in talk.messages]

    def test_mailq_and_bp_print_the_queue(self):
        items = list_items(
            queue_item(bytes(16), 1500, "alice@example.org", [("bob@example.org", "451 try later")]),
            queue_item(bytes(15) + b"\1", 700, "", [("eve@example.org", "")]),
        )
        self.serve(items, sites.answer())
        for name, arguments in (("mailq", []), ("sendmail", ["-bp"]), ("sendmail", ["-b", "p"])):
            done = self.site.run(arguments, name=name)
            self.assertEqual((done.returncode, done.err), (0, b""))
            self.assertIn(b"00000000000000000000000000", done.out)
            self.assertIn(b"(451 try later)\n", done.out)
            self.assertIn(b"MAILER-DAEMON\n", done.out)
            self.assertTrue(done.out.endswith(b"\n\n-- 3 Kbytes in 2 Requests.\n"), done.out)

    def test_an_empty_queue_is_said_to_be_empty(self):
        self.serve(list_items(), sites.answer())
        done = self.site.run([], name="mailq")
        self.assertEqual((done.returncode, done.out), (0, b"Mail queue is empty\n"))

    def test_a_queue_of_many_packets_is_printed_whole(self):
        items = [list_items(queue_item(bytes(16), 1, "a@b", [("c@d", "")]), last=n == 299)
                 for n in range(300)]

        def serve(talk):
            talk.read()
            for item in items:
                talk.reply(item)
            talk.reply(sites.answer())

        self.daemon(serve)
        done = self.site.run([], name="mailq")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"in 300 Requests.", done.out)

    def test_without_a_daemon_mailq_and_queue_runs_say_so(self):
        for arguments in (["-bp"], ["-q"], ["-qf"], ["-qRexample.org"]):
            self.assert_one_line(self.site.run(arguments), 69)
        self.assert_one_line(self.site.run([], name="runq"), 69, name="runq")
        done = self.site.run([], name="/usr/bin/mailq")
        self.assert_one_line(done, 69, name="mailq")
        self.assertIn(b"smtpd is not running: connect to", done.err)

    def test_newaliases_asks_for_a_reload_and_is_silent(self):
        daemon = self.serve(sites.answer())
        for name, arguments in (("newaliases", []), ("sendmail", ["-bi"]), ("sendmail", ["-I"])):
            self.assert_silent_success(self.site.run(arguments, name=name))
        self.assertEqual(self.asked(daemon), [sites.ALIASES] * 3)

    def test_newaliases_without_a_daemon_is_no_error_since_a_start_reads_them(self):
        stopped = self.site.run([], name="newaliases")
        self.assert_one_line(stopped, 0, name="newaliases")
        self.assertIn(b"it reads the aliases when it starts", stopped.err)

    def test_newaliases_says_when_the_files_were_not_read(self):
        self.serve(sites.answer(75, "the daemon's parent process has gone"))
        self.assert_one_line(self.site.run([], name="newaliases"), 75, name="newaliases")

    def test_newaliases_tells_of_an_error_in_the_alias_file(self):
        self.serve(sites.answer(78, "/etc/aliases:3: bad"))
        self.assert_one_line(self.site.run([], name="newaliases"), 78, name="newaliases")

    def test_newaliases_prints_what_is_wrong_and_what_is_warned_of_with_its_place(self):
        self.serve(sites.answer(78, "/etc/aliases:3:1: error: x\n  \033[2J\nthe old ones stay"))
        done = self.site.run([], name="newaliases")
        self.assertEqual(done.returncode, 78)
        self.assertEqual(done.err, b"/etc/aliases:3:1: error: x\n  \\x1B[2J\n"
                                   b"newaliases: the old ones stay\n")

    def test_newaliases_succeeds_with_warnings(self):
        self.serve(sites.answer(0, "/etc/aliases:3:1: warning: x\n"))
        done = self.site.run(["-bi"])
        self.assertEqual((done.returncode, done.err), (0, b"/etc/aliases:3:1: warning: x\n"))

    def test_queue_runs_ask_for_a_flush_and_intervals_for_nothing(self):
        daemon = self.serve(sites.answer())
        for form in ("-q", "-qf", "-qRx", "-qSx", "-qI01arz3ndektsv4rrffq69g5fav"):
            self.assert_silent_success(self.site.run([form]))
        self.assertEqual(self.asked(daemon), [sites.FLUSH] * 5)
        self.assert_one_line(self.site.run(["-qIfoo"]), 64)
        for form in ("-q30m", "-q1h", "-qp5m"):
            self.assert_silent_success(self.site.run([form]))
        self.assertEqual(self.asked(daemon), [sites.FLUSH] * 5)

    def test_modes_that_take_no_operands_refuse_them(self):
        for arguments in (["-bp", "x"], ["-q", "x"]):
            self.assert_one_line(self.site.run(arguments), 64)

    def test_names_that_are_no_program_here(self):
        for name in ("smtpd", "rmail", "rsmtp"):
            self.assert_one_line(self.site.run([], name=name), 64)
        for name in ("hoststat", "purgestat"):
            self.assert_silent_success(self.site.run([], name=name))

    def test_help_and_version_read_nothing(self):
        for option in ("--help", "--version"):
            process = self.site.start([option])  # its input stays open
            self.assertEqual(process.wait(timeout=30), 0)
            out, err = process.communicate()
            self.assertTrue(out)
            self.assertEqual(err, b"")


if __name__ == "__main__":
    unittest.main()

"""How a submission reaches the daemon, or drop/ where there is none: same id, once, or not at all."""

import fcntl
import mmap
import os
import pathlib
import select
import signal
import socket
import stat
import subprocess
import time
import unittest

import site_of_test as sites

MESSAGE = b"Subject: s\n\nbody\n"
PIECES = (b"Subject: s\n\n", b"body\n")
TO = ["-i", "a@example.org"]


def close_at_once(talk):
    pass


def close_after_everything(talk):
    talk.read_submission()


def one_after_the_other(*serves):
    rest = list(serves)
    return lambda talk: rest.pop(0)(talk) if len(rest) > 1 else rest[0](talk)


class HandoverTest(sites.SiteTest):
    def message(self, packets):
        user = {"uid": os.getuid(), "name": "root"}
        return sites.Message(packets, user, self.site.folder)

    def only_dropped(self):
        (name,) = self.site.dropped()
        return pathlib.Path(self.site.drop, name)

    def test_an_answer_of_the_daemon_ends_it_and_leaves_nothing_behind(self):
        daemon = self.daemon()
        self.assert_silent_success(self.site.run(TO, MESSAGE))
        self.assertEqual(len(daemon.conversations), 1)
        self.assertEqual(self.site.dropped(), [])

    def test_a_lost_connection_is_tried_again_with_the_same_id(self):
        daemon = self.daemon(
            one_after_the_other(close_at_once, close_after_everything, sites.accept_everything)
        )
        environment = {"HOLDFAST_TEST_ABSENCE_MS": "5000"}
        self.assert_silent_success(self.site.run(TO, MESSAGE, environment=environment))
        seen = {talk.id() for talk in daemon.conversations if talk.messages}
        self.assertEqual(len(daemon.conversations), 3)
        self.assertEqual(len(seen), 1)
        self.assertEqual(self.site.dropped(), [])

    def test_F01_without_a_daemon_the_submission_is_left_in_drop(self):
        self.assert_silent_success(self.site.run(TO, MESSAGE))
        path = self.only_dropped()
        self.assertRegex(path.name, r"\A[0-9A-Z]{26}\Z")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        message = self.message(path.read_bytes())
        self.assertEqual(message.facts["id"], [path.name])
        self.assertEqual(message.recipients, ["a@example.org"])
        self.assertEqual(message.body, b"body\n")

    def test_a_daemon_that_always_hangs_up_is_given_up_and_the_id_kept(self):
        daemon = self.daemon(close_after_everything)
        self.assert_silent_success(self.site.run(TO, MESSAGE))
        told = self.message(daemon.conversations[0].as_file()).facts["id"]
        self.assertEqual(told, [self.only_dropped().name])

    def test_a_silent_daemon_is_waited_for_and_then_the_submission_is_dropped(self):
        hold = []
        daemon = self.daemon(lambda talk: (talk.read_submission(), hold.append(talk.connection.dup())))
        started = time.monotonic()
        done = self.site.run(TO, MESSAGE, environment={"HOLDFAST_TEST_SILENCE_MS": "300"})
        self.assert_silent_success(done)
        self.assertGreater(time.monotonic() - started, 0.3)
        self.assertEqual(len(daemon.conversations), 1)
        told = self.message(daemon.conversations[0].as_file()).facts["id"]
        self.assertEqual(told, [self.only_dropped().name])
        hold[0].close()

    def test_a_malformed_answer_is_no_answer(self):
        def babble(talk):
            talk.read_submission()
            talk.connection.send(b"\xff" * 40)

        self.daemon(babble)
        self.assert_silent_success(self.site.run(TO, MESSAGE))
        self.only_dropped()

    def test_a_refusal_is_passed_on_with_its_status_and_nothing_is_dropped(self):
        for status in (64, 65, 69, 75, 77):
            with self.subTest(status=status):
                text = "550 5.7.1 <a@example.org>: no relay is configured"

                def refuse(talk):
                    talk.read_submission()
                    talk.reply(sites.answer(status, text))

                daemon = sites.Daemon(self.site, refuse)
                done = self.site.run(TO, MESSAGE)
                daemon.stop()
                self.assert_one_line(done, status)
                self.assertIn(text.encode(), done.err)
                self.assertEqual(self.site.dropped(), [])

    def test_a_status_that_is_none_is_a_fault_of_the_daemon(self):
        self.daemon(lambda talk: (talk.read_submission(), talk.reply(sites.answer(3, "odd\nline"))))
        self.assert_one_line(self.site.run(TO, MESSAGE), 70)

    def test_an_early_refusal_of_a_large_message_is_heard(self):
        def refuse_at_once(talk):
            talk.read()
            talk.reply(sites.answer(69, "message too large"))

        self.daemon(refuse_at_once)
        done = self.site.run(TO, MESSAGE + b"x" * 5_000_000)
        self.assert_one_line(done, 69)

    def test_an_answer_ahead_of_the_message_is_heard_over_the_broken_connection(self):
        daemon = self.daemon(lambda talk: talk.reply(sites.answer(75, "450 4.3.2 not now")))
        for size in (1, 1, 1, 1, 1, 1, 1, 1, 500_000, 500_000):
            self.assert_one_line(self.site.run(TO, MESSAGE + b"x" * size), 75)
        self.assertEqual(len(daemon.conversations), 10)

    def test_packets_and_chunks_keep_their_limits(self):
        daemon = self.daemon()
        text = os.urandom(700_000).hex().encode() + b"\n"
        people = [f"person-with-a-long-name-{n}@example.org" for n in range(5000)]
        self.assert_silent_success(self.site.run(["-i", *people], MESSAGE + text))
        (talk,) = daemon.conversations
        self.assertLessEqual(max(map(len, talk.packets)), sites.MAX_PACKET)
        order = [index for index, _ in talk.messages]
        self.assertEqual(order, sorted(order))
        self.assertGreater(order.count(sites.RECIPIENTS), 1)
        message = self.message(talk.as_file())
        self.assertEqual(message.recipients, people)
        self.assertTrue(message.body.endswith(text))

    def test_a_small_submission_is_one_packet(self):
        daemon = self.daemon()
        self.assert_silent_success(self.site.run(TO, MESSAGE))
        self.assertEqual(len(daemon.conversations[0].packets), 1)

    def test_nothing_is_contacted_before_the_input_has_ended(self):
        daemon = self.daemon()
        process = self.site.start(TO)
        write_until_read(process.stdin, *PIECES)
        # The daemon takes connections in their order: one of the client's would come before this.
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as ours:
            ours.settimeout(30)
            ours.connect(daemon.path)
            ours.shutdown(socket.SHUT_WR)
            self.assertEqual(ours.recv(1), b"")
        self.assertEqual(len(daemon.conversations), 1)
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(daemon.conversations), 2)

    def test_F53_neither_daemon_nor_drop_is_75_and_nothing_is_stored(self):
        os.rmdir(self.site.drop)
        done = self.site.run(TO, MESSAGE)
        self.assert_one_line(done, 75)
        self.assertIn(b"nothing is stored", done.err)

    def test_a_drop_folder_without_permission_is_75(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to be another user")
        os.chmod(self.site.drop, 0o700)
        self.assert_one_line(self.site.run(TO, MESSAGE, user=sites.ALICE, group=sites.ALICE), 75)
        self.assertEqual(self.site.dropped(), [])

    def test_a_file_size_limit_stops_the_drop_and_leaves_nothing(self):
        limit = {"preexec_fn": lambda: limit_file_size(0)}
        self.assert_one_line(self.site.run(TO, MESSAGE, **limit), 75)
        self.assertEqual(self.site.dropped(), [])

    def test_a_file_size_limit_does_not_matter_to_the_daemon(self):
        self.daemon()
        self.assert_silent_success(
            self.site.run(TO, MESSAGE, preexec_fn=lambda: limit_file_size(0))
        )

    def test_the_mode_of_a_dropped_file_does_not_follow_the_umask(self):
        self.assert_silent_success(self.site.run(TO, MESSAGE, umask=0o777))
        self.assertEqual(stat.S_IMODE(self.only_dropped().stat().st_mode), 0o640)

    def test_users_who_cannot_list_the_folder_can_drop(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to be another user")
        done = self.site.run(TO, MESSAGE, user=sites.ALICE, group=sites.ALICE, extra_groups=[])
        self.assert_silent_success(done)
        self.assertEqual(self.only_dropped().stat().st_uid, sites.ALICE)

    def test_the_file_is_synced_before_it_gets_its_name_and_the_folder_after(self):
        trace = os.path.join(self.site.folder, "trace")
        calls = "openat,open,write,fchmod,fsync,syncfs,rename,renameat2,link,unlink"
        command = ["strace", "-f", "-o", trace, "-e", "trace=" + calls, sites.SENDMAIL, *TO]
        try:
            environment = {**self.site.environment, "ASAN_OPTIONS": "detect_leaks=0"}
            done = subprocess.run(command, input=MESSAGE, env=environment, timeout=60)
        except FileNotFoundError:
            self.skipTest("strace is not installed")
        self.assertEqual(done.returncode, 0)
        name = self.only_dropped().name
        lines = pathlib.Path(trace).read_text().splitlines()
        begin = next(n for n, line in enumerate(lines) if name + ".tmp" in line)
        found = [line.split()[1].split("(")[0] for line in lines[begin:]]
        found = [call for call in found if call != "+++"]
        wanted = ["openat", "fchmod", "write", "fsync", "rename", "openat", "fsync"]
        self.assertEqual(found, wanted)
        self.assertIn("O_CREAT|O_EXCL|O_NOFOLLOW", lines[begin].replace("O_NOCTTY|", ""))

    def test_verbose_names_the_id_in_one_line(self):
        done = self.site.run(["-v", *TO], MESSAGE)
        self.assertEqual((done.returncode, done.err), (0, b""))
        self.assertRegex(done.out, rb"\A[^\n]*" + self.only_dropped().name.encode() + rb"[^\n]*\n\Z")


class SignalTest(sites.SiteTest):
    def test_F58_a_signal_while_reading_ends_it_and_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(signal=number):
                process = self.site.start(TO, preexec_fn=no_core_file)
                write_until_read(process.stdin, *PIECES)
                process.send_signal(number)
                process.communicate()
                self.assertEqual(process.returncode, -number)
                self.assertEqual(self.site.dropped(), [])

    def test_a_signal_after_all_was_handed_in_does_not_belie_the_answer(self):
        process = None

        def end_the_client(talk):
            talk.read_submission()
            process.send_signal(signal.SIGTERM)
            talk.reply(sites.answer())

        self.daemon(end_the_client)
        process = self.site.start(TO)
        process.communicate(MESSAGE, timeout=60)
        self.assertEqual(process.returncode, 0)

    def test_a_signal_that_was_held_back_ends_it_once_the_daemon_has_refused(self):
        process = None

        def end_the_client(talk):
            talk.read_submission()
            process.send_signal(signal.SIGTERM)
            talk.reply(sites.answer(75, "450 4.3.1 the disk is full"))

        self.daemon(end_the_client)
        process = self.site.start(TO)
        process.communicate(MESSAGE, timeout=60)
        self.assertEqual(process.returncode, -signal.SIGTERM)

    def test_signals_ignored_at_the_start_stay_ignored(self):
        ignored = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

        def ignore():
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)

        process = self.site.start(TO, preexec_fn=ignore)
        write_until_read(process.stdin, *PIECES)
        for number in ignored:
            process.send_signal(number)
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(self.site.dropped()), 1)


def limit_file_size(size):
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def no_core_file():
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def write_until_read(pipe, *pieces):
    """Until the client has read each piece; so it had come back for the second after the first."""
    # A pipe of one page takes one piece, and is writable again once all of that is read.
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, mmap.PAGESIZE)
    for piece in pieces:
        pipe.write(piece)
        pipe.flush()
        _, ready, _ = select.select([], [pipe], [], 30)
        if not ready:
            raise TimeoutError("the client does not read")


if __name__ == "__main__":
    unittest.main()

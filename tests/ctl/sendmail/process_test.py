"""What callers do to a process before they start sendmail, and how it reads its input."""

import os
import pathlib
import select
import signal
import socket
import threading
import unittest

import site_of_test as sites

MESSAGE = b"Subject: s\n\nbody\n"


class ProcessTest(sites.SiteTest):
    def body(self):
        (name,) = self.site.dropped()
        path = pathlib.Path(self.site.drop, name)
        message = sites.Message(path.read_bytes(), {"uid": os.getuid(), "name": "root"},
                                self.site.folder)
        path.unlink()
        return message.body

    def test_every_way_of_closing_the_standard_descriptors(self):
        for closed in ([1], [2], [1, 2]):
            with self.subTest(closed=closed):
                done = self.site.run(["a@b"], MESSAGE, preexec_fn=lambda: close_all(closed))
                self.assertEqual(done.returncode, 0)
                self.assertEqual(self.body(), b"body\n")
        done = self.site.run(["a@b"], preexec_fn=lambda: close_all([0, 1, 2]))
        self.assertEqual(done.returncode, 66)
        self.assertEqual(self.site.dropped(), [])

    @unittest.skipIf(os.environ.get("HOLDFAST_TEST_SANITIZED"), "sanitizers need descriptors")
    def test_few_descriptors_are_enough(self):
        self.daemon()
        done = self.site.run(["a@b"], MESSAGE, preexec_fn=lambda: limit_descriptors(4))
        self.assert_silent_success(done)

    def test_blocked_and_ignored_signals_do_not_matter(self):
        def as_a_mailer():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTSTP})
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)

        self.assert_silent_success(self.site.run(["a@b"], MESSAGE, preexec_fn=as_a_mailer))

    def test_the_input_may_be_a_socket_that_does_not_block(self):
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        process = self.site.start(["a@b"], stdin=theirs)
        theirs.close()
        for piece in (b"Subj", b"ect: s\r", b"\n\r\nbo", b"dy\r", b"\n"):
            send_until_read(ours, piece)
        ours.close()
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.body(), b"body\n")

    def test_the_input_may_be_a_file_that_is_gone_and_half_read(self):
        path = os.path.join(self.site.folder, "input")
        pathlib.Path(path).write_bytes(b"already read\n" + MESSAGE)
        with open(path, "r+b", buffering=0) as file:
            os.unlink(path)
            file.seek(len(b"already read\n"))
            self.assert_silent_success(self.site.run(["a@b"], stdin=file))
        self.assertEqual(self.body(), b"body\n")

    def test_a_lone_dot_ends_it_though_the_writer_keeps_the_pipe(self):
        process = self.site.start(["a@b"])
        process.stdin.write(MESSAGE + b".\nmore\n")
        process.stdin.flush()
        self.assertEqual(process.wait(timeout=30), 0)
        self.assertEqual(self.body(), b"body\n")
        process.communicate()

    def test_after_a_usage_error_the_writer_is_heard_out(self):
        for arguments in (["-z"], ["a@b@c"], []):
            with self.subTest(arguments=arguments):
                process = self.site.start(arguments)
                process.stdin.write(b"x" * 3_000_000)  # would fail with EPIPE
                process.stdin.close()
                process.stdin = None
                process.communicate()
                self.assertIn(process.returncode, (64, 65))

    def test_after_a_lone_dot_nobody_is_heard_out(self):
        environment = {"HOLDFAST_TEST_DRAIN_MS": "60000"}
        process = self.site.start(["-t"], environment=environment)
        process.stdin.write(b"Subject: nobody\n.\n")
        process.stdin.flush()
        self.assertEqual(process.wait(timeout=30), 64)
        process.communicate()

    def test_a_writer_that_never_ends_is_not_heard_out_for_ever(self):
        process = self.site.start(["-z"], environment={"HOLDFAST_TEST_DRAIN_MS": "50"})
        self.assertEqual(process.wait(timeout=30), 64)
        process.communicate()

    def test_a_message_over_the_limit_is_refused_and_its_writer_heard_out(self):
        limit = {"HOLDFAST_TEST_MAX_MESSAGE": "100000"}
        done = self.site.run(["a@b"], MESSAGE + b"x" * 2_000_000, environment=limit)
        self.assert_one_line(done, 69)
        done = self.site.run(["a@b"], b"Subject: " + b"x" * 2_000_000, environment=limit)
        self.assert_one_line(done, 65)
        self.assertEqual(self.site.dropped(), [])

    def test_a_hundred_thousand_arguments(self):
        self.daemon()
        people = [f"p{n}" for n in range(100_000)]
        self.assert_silent_success(self.site.run(people, MESSAGE))

    def test_F29_no_option_and_no_variable_makes_it_open_a_file(self):
        bait = os.path.join(self.site.folder, "bait")
        arguments = []
        for letter in ("-C", "-X", "-D", "-oA", "-oQ", "-oP", "-oX", "-L", "-M", "-O", "-p"):
            arguments += [letter + bait]
        names = ("TZ", "HOME", "MAILRC", "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS", "LOCPATH")
        environment = {name: bait for name in names}
        self.assert_silent_success(
            self.site.run([*arguments, "a@b"], MESSAGE, environment=environment)
        )
        self.assertFalse(os.path.exists(bait))

    def test_E2_idle_clients_hold_nothing(self):
        daemon = self.daemon()
        idle = [self.site.start(["a@b"]) for _ in range(50)]
        self.assert_silent_success(self.site.run(["a@b"], MESSAGE))
        self.assertEqual(len(daemon.conversations), 1)
        for process in idle:
            process.kill()
            process.communicate()

    def test_E14_many_at_once_share_one_folder(self):
        processes = [self.site.start(["a@b"]) for _ in range(100)]
        threads = [threading.Thread(target=p.communicate, args=(MESSAGE,)) for p in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({process.returncode for process in processes}, {0})
        self.assertEqual(len(self.site.dropped()), 100)

    def test_E9_F30_no_byte_of_a_name_makes_a_field(self):
        daemon = self.daemon()
        for byte in range(1, 256):
            name = b"A" + bytes([byte]) + b"Bcc: x@y" + bytes([byte])
            with self.subTest(byte=byte):
                self.assert_silent_success(self.site.run([b"-F" + name, "a@b"], b"\nbody\n"))
                packets = daemon.conversations.pop().as_file()
                message = sites.Message(packets, {"uid": 0, "name": "root"}, self.site.folder)
                names = [field[0] for field in message.fields]
                self.assertEqual(names, [b"Received", b"From", b"Date", b"Message-ID"])


def close_all(numbers):
    for number in numbers:
        os.close(number)


def limit_descriptors(count):
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def send_until_read(ours, piece):
    """Sends the end of a pipe with it: the reader, who does not ask for that, closes it so."""
    unread, passed = os.pipe()
    socket.send_fds(ours, [piece], [passed])
    os.close(passed)
    ready, _, _ = select.select([unread], [], [], 30)
    os.close(unread)
    if not ready:
        raise TimeoutError("the client does not read")


if __name__ == "__main__":
    unittest.main()

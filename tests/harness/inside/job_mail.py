"""Cron jobs that print two halves with something between them, and what has to arrive of that: both
halves, whole, in one mail, once (F01).
"""

import collections
import re

import cron

# More than a pipe holds: when the job has printed a half, the next program has read most of it.
FEW, MANY = 3, 8000


def _lines(half, count):
    return f"seq -f 'the {half} half, line %.0f' 1 {count}"


def _by_cron(middle, count):
    """Cron collects what the job prints, and starts sendmail when the job has ended."""
    return f"{_lines('first', count)}\n{middle}\n{_lines('second', count)}\n"


def _by_pipe(middle, count):
    """The job hands its output to sendmail itself, which has read a half of it when it happens."""
    return f"""(
printf 'To: bob\\nSubject: {cron.FROM}%s\\n\\n' "$0"
{_lines('first', count)}
until pgrep -x sendmail >/dev/null; do :; done
{middle}
{_lines('second', count)}
) 2>&1 | /usr/sbin/sendmail -t
"""


WAYS = {"few-by-cron": (_by_cron, FEW), "many-by-cron": (_by_cron, MANY),
        "few-by-pipe": (_by_pipe, FEW), "many-by-pipe": (_by_pipe, MANY)}


class JobMail:
    """What arrives for bob, job by job: read and removed, as its owner would."""

    def __init__(self, box):
        self.box = box
        self.expected = {}
        self.arrived = collections.Counter()

    def job(self, name, way, middle):
        """The script of a job; `middle` is what it does, and a pattern of what that prints."""
        write, count = WAYS[way]
        command, says = middle
        self.expected[name] = (count, says)
        return write(command, count)

    def settled(self):
        """When all has been delivered: every job's mail is there, and no second one."""
        self.box.wait_queue_empty()
        self._read()
        once = collections.Counter(self.expected.keys())
        assert self.arrived == once, f"missing: {once - self.arrived}; too many: {self.arrived - once}"

    def _read(self):
        for mail in self.box.maildir("bob"):
            job = cron.job_of(mail)
            assert job in self.expected, f"nobody sent this: {mail}"
            self._check(mail.body.decode(), *self.expected[job])
            self.arrived[job] += 1
            mail.path.unlink()

    def _check(self, body, count, says):
        first, second = ("".join(f"the {half} half, line {number}\n"
                                 for number in range(1, count + 1)) for half in ("first", "second"))
        assert body.startswith(first), f"the first half is not whole: {body[:2000]}"
        assert body.endswith(second), f"the second half is not whole: {body[-2000:]}"
        between = body[len(first):-len(second)]
        assert re.fullmatch(says, between), f"the job saw this happen: {between}"

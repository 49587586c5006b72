"""queue/layout alone spells the names of the spool; queue/fs_linux alone makes its system calls.

But for sendmail, which does not link queue/: what it names a file in drop/ while it writes it has
to be what queue/ takes for that, or a submission would be put aside in the middle of it.
"""

import re

from house import TOP, finish, lines_matching, name, sources

FOLDERS = r'"(?:tmp|seen|quarantine|drop)"'
CALLS = r"#include <(?:fcntl|unistd|dirent|sys/stat|sys/file|sys/mman)\.h>"

findings = []
for path in sources("queue"):
    if path.stem not in ("layout", "fs_linux"):
        for number, match in lines_matching(path, FOLDERS):
            findings.append(f"{name(path)}:{number}: {match.group()} is spelled outside layout")
        for number, match in lines_matching(path, CALLS):
            findings.append(f"{name(path)}:{number}: {match.group()} goes past queue/fs.h")
suffix = re.search(r'drop_draft_suffix = (".+?")', (TOP / "queue/layout.h").read_text()).group(1)
if f"id.text() + {suffix}" not in (TOP / "ctl/sendmail/drop.cpp").read_text():
    findings.append(f"ctl/sendmail/drop.cpp: a draft in drop/ must be named ID and {suffix}")
finish(findings)

"""queue/layout alone spells the names of the spool; queue/fs_linux alone makes its system calls."""

from house import finish, lines_matching, name, sources

FOLDERS = r'"(?:tmp|seen|quarantine|drop)"'
CALLS = r"#include <(?:fcntl|unistd|dirent|sys/stat|sys/file|sys/mman)\.h>"

findings = []
for path in sources("queue"):
    if path.stem not in ("layout", "fs_linux"):
        for number, match in lines_matching(path, FOLDERS):
            findings.append(f"{name(path)}:{number}: {match.group()} is spelled outside layout")
        for number, match in lines_matching(path, CALLS):
            findings.append(f"{name(path)}:{number}: {match.group()} goes past queue/fs.h")
finish(findings)

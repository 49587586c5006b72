// Runs the real probe as its callers do: as an ordinary user, or as root in a mount namespace of
// its own, whose user database has (or lacks) the users of the rooms.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "smtpd/base/unique_fd.h"

namespace holdfast {

inline constexpr uid_t ordinary = 65533;

class Folder {
  public:
    Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder();

    // Writes the file; returns its path.
    std::string file(const std::string& name, const std::string& text, mode_t mode = 0644) const;
    std::string path(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

std::string all_of(int fd);

struct Ended {
    int status = -1;
    std::string out;
    std::string err;
    UniqueFd plan;
};

// What the child does before it becomes the probe.
using Setting = std::function<bool()>;

bool become_ordinary();
// Stays root, with these files for /etc/passwd and /etc/group.
Setting with_users(std::string passwd, std::string group);

struct Descriptors {
    int out;
    int err;
    int plan;
};

pid_t start(const std::vector<std::string>& words, const Setting& setting, Descriptors fds);
int ending(pid_t child);
Ended run(const std::vector<std::string>& words, const Setting& setting = become_ordinary);

inline constexpr const char* rooms =
    "root:x:0:0:root:/root:/bin/sh\n"
    "_hfsmtp:x:901:911::/nonexistent:/usr/sbin/nologin\n"
    "_hfctl:x:902:912::/nonexistent:/usr/sbin/nologin\n"
    "_hfqueue:x:903:913::/nonexistent:/usr/sbin/nologin\n"
    "_hfuser:x:904:914::/nonexistent:/usr/sbin/nologin\n"
    "_hfkeys:x:906:916::/nonexistent:/usr/sbin/nologin\n"
    "_hfrelay:x:907:917::/nonexistent:/usr/sbin/nologin\n";
inline constexpr const char* root_mailbox = "_hfroot:x:905:915::/nonexistent:/usr/sbin/nologin\n";
inline constexpr const char* groups = "root:x:0:\nmail:x:8:\n";

}  // namespace holdfast

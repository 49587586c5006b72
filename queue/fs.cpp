#include "queue/fs.h"

namespace holdfast::queue {

Status move_new(FileSystem& fs, int from, const std::string& name, int to,
                const std::string& new_name) {
    const Status renamed = fs.rename_new(from, name, to, new_name);
    if (renamed || renamed.error().code() != EINVAL) return renamed;
    if (const Status linked = fs.link(from, name, to, new_name); !linked) return linked;
    // The move is done. A first name that stays behind in tmp/ is reaped one day; to fail now
    // would tell that nothing was moved.
    (void)fs.remove(from, name);
    return {};
}

Status for_each_name(FileSystem& fs, int folder,
                     const std::function<Status(const std::string&)>& visit) {
    const auto fd = fs.open(folder, ".", Open::folder);
    if (!fd) return fd.error().pass();
    for (;;) {
        const auto names = fs.names(fd->get());
        if (!names) return names.error().pass();
        if (names->empty()) return {};
        for (const std::string& name : *names) {
            if (const auto done = visit(name); !done) return done;
        }
    }
}

}  // namespace holdfast::queue

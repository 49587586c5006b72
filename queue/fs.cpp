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

}  // namespace holdfast::queue

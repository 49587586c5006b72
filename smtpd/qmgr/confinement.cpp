#include "smtpd/qmgr/confinement.h"

#include <unistd.h>

#include "smtpd/base/paths.h"

namespace holdfast::qmgr {

namespace {

std::optional<DropPickup::Setup> open_drop(Spool& spool, const links::Start& start,
                                           const std::string& path) {
    const gid_t gid = start.privileged ? start.gid : getegid();
    auto drop = queue::Drop::open(spool.store(), gid);
    if (!drop) {
        log::error("drop-unusable", {{"reason", drop.error()}});
        return std::nullopt;
    }
    return DropPickup::Setup{std::move(*drop),
                             path + "/" + queue::folder_name(queue::Folder::drop)};
}

}  // namespace

// Root means that the parent will move us into the spool; anybody else stays outside.
Confinement confinement() {
    const std::string tree = geteuid() == 0 ? "/" : paths::spool;
    return {{Power::threads, Power::files, Power::reading}, {tree}, {tree}};
}

Room::Setup open_or_exit(Loop& loop, Entry<links::QmgrSnapshot> entry) {
    const std::string path = entry.start.privileged ? "/" : entry.start.root;
    auto folder = queue::open_spool(path.c_str());
    if (!folder) exit_with(folder.error());
    auto spool = Spool::open(loop, queue::real_file_system(), std::move(*folder));
    if (!spool) exit_with(spool.error());
    auto drop = open_drop(**spool, entry.start, path);
    return {std::move(entry.parent),
            entry.start.privileged ? Instance::system : Instance::private_one,
            std::move(entry.snapshot),
            std::move(*spool),
            path,
            std::move(drop)};
}

}  // namespace holdfast::qmgr

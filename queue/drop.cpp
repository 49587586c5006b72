#include "queue/drop.h"

#include "queue/layout.h"

namespace holdfast::queue {

namespace {

constexpr auto unfinished_age = std::chrono::days(1);

DropFailure unfit(std::string_view name, std::string_view why) {
    return {DropFault::unfit, Error(0, "drop/" + std::string(name) + ": " + std::string(why))};
}

// O_NOFOLLOW says ELOOP of a symbolic link; ENXIO is a socket or a device without a driver.
DropFailure open_failure(std::string_view name, const Error& error) {
    switch (error.code()) {
        case ENOENT:
            return {DropFault::gone, error};
        case ELOOP:
            return unfit(name, "a symbolic link");
        case ENXIO:
            return unfit(name, "no regular file");
        case EACCES:
            return unfit(name, "its owner keeps us from reading it");
        default:
            return {DropFault::failed, error.in("open drop/").error()};
    }
}

}  // namespace

Result<Drop> Drop::open(Store& store, gid_t gid) {
    auto folder = open_own_folder(store.fs(), store.spool(), Folder::drop);
    if (!folder) return folder.error().in("open drop/");
    const auto info = store.fs().info(folder->get());
    if (!info) return info.error().in("open drop/");
    // With another group or without the set-gid bit, every honest submission would look forged.
    if (info->gid != gid || info->mode != folder_mode(Folder::drop)) {
        return plain_error("drop/ must have the group of the queue's user and mode 3733");
    }
    return Drop(store, std::move(*folder), gid);
}

Result<Scan> Drop::scan() {
    auto fd = store_->fs().open(folder_.get(), ".", Open::folder);
    if (!fd) return fd.error().in("walk drop/");
    return Scan(store_->fs(), std::move(*fd), Folder::drop);
}

std::expected<DropFile, DropFailure> Drop::take(const std::string& name, std::uint64_t limit) {
    FileSystem& fs = store_->fs();
    auto file = fs.open(folder_.get(), name, Open::read);
    if (!file) return std::unexpected(open_failure(name, file.error()));
    const auto info = fs.info(file->get());
    if (!info) return std::unexpected(DropFailure{DropFault::failed, info.error()});
    if (info->kind != Kind::regular) return std::unexpected(unfit(name, "no regular file"));
    // A second link is somebody else's file, or one that its owner still holds elsewhere.
    if (info->links != 1) return std::unexpected(unfit(name, "has other links"));
    // The set-gid bit of drop/ gave our group to what was created there, and to nothing else.
    if (info->gid != gid_) return std::unexpected(unfit(name, "was not created here"));
    if (info->size > limit) return std::unexpected(unfit(name, "larger than any submission"));
    return DropFile{info->uid, info->size, std::move(*file)};
}

Status Drop::remove(const std::string& name) {
    const auto removed = store_->fs().remove(folder_.get(), name);
    if (removed || removed.error().code() == ENOENT) return {};
    return removed.error().in("remove from drop/");
}

Result<std::string> Drop::quarantine(const std::string& name) {
    return store_->quarantine_from(Folder::drop, folder_.get(), name);
}

Result<unsigned> Drop::reap(WallTime now) {
    unsigned reaped = 0;
    const auto walked =
        for_each_name(store_->fs(), folder_.get(), [&](const std::string& name) -> Status {
            if (is_unfinished(name, now) && remove(name)) ++reaped;
            return {};
        });
    if (!walked) return walked.error().in("reap drop/");
    return reaped;
}

bool Drop::is_unfinished(const std::string& name, WallTime now) {
    if (!name.ends_with(drop_draft_suffix)) return false;
    const auto file = store_->fs().open(folder_.get(), name, Open::read);
    if (!file) return false;
    const auto info = store_->fs().info(file->get());
    return info && info->kind == Kind::regular && now - info->modified >= unfinished_age;
}

}  // namespace holdfast::queue

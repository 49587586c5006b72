#include "smtpd/mda/maildir.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/write.h"
#include "smtpd/mda/outcome.h"
#include "smtpd/mda/sync.h"
#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

// A file name may have 255 bytes, and mail programs add to ours.
constexpr std::size_t max_hostname = 120;

// What names a delivery inside a file name, without the host: it may be renamed between attempts.
std::string name_key(const links::Deliver& order) {
    return ".H" + order.id.text() + "R" + std::to_string(order.recipient) + ".";
}

// The key in a file name that was made by maildir_name(); empty where it wasn't.
std::string_view key_of(std::string_view name) {
    const std::size_t begin = name.find('.');
    if (begin == std::string_view::npos) return {};
    const std::size_t end = name.find('.', begin + 1);
    if (end == std::string_view::npos) return {};
    return name.substr(begin, end + 1 - begin);
}

Result<UniqueFd> open_folder(int above, const std::string& name) {
    UniqueFd folder(openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return errno_error("open folder", name);
    return folder;
}

// Opens `name`, which is made where it is missing: then its parent goes to the disk as well.
Result<UniqueFd> open_or_make(int above, const std::string& name) {
    auto folder = open_folder(above, name);
    if (folder || folder.error().code() != ENOENT) return folder;
    if (mkdirat(above, name.c_str(), 0700) != 0 && errno != EEXIST) {
        return errno_error("make folder", name);
    }
    if (fsync(above) != 0) return errno_error("write the folder above to disk", name);
    return open_folder(above, name);
}

Result<UniqueFd> open_home(const std::string& home) {
    UniqueFd folder(::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A home that can be passed through only, 0711 and another's, is good enough where the
    // Maildir is there already.
    if (!folder && errno == EACCES) {
        folder.reset(::open(home.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    if (!folder) return errno_error("open home", home);
    return folder;
}

}  // namespace

std::string maildir_name(const links::Deliver& order, std::string_view hostname) {
    std::string host = header_text(hostname.substr(0, max_hostname));
    std::ranges::replace_if(
        host, [](char c) { return c == '/' || c == ':' || c == ',' || c == ' '; }, '_');
    return std::to_string(order.admitted / 1000) + name_key(order) + host;
}

struct Maildir::Item {
    const Parcel* parcel = nullptr;
    UniqueFd own;                    // in tmp/; none where the parcel came as a file
    std::optional<Outcome> outcome;  // nothing while it is on its way into new/

    int file() const { return own ? own.get() : parcel->content.file(); }
};

Result<Maildir> Maildir::open(Settings settings) {
    auto at = open_home(settings.home);
    if (!at) return at.error().pass();
    for (std::string_view rest = settings.path; !rest.empty();) {
        const std::size_t slash = rest.find('/');
        const std::string part(rest.substr(0, slash));
        rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..") return plain_error("a Maildir path must not hold ..: " + settings.path);
        auto next = open_or_make(at->get(), part);
        if (!next) return next.error().in("Maildir " + settings.home + "/" + settings.path);
        at = std::move(next);
    }
    Maildir maildir(std::move(settings), std::move(*at));
    const auto open_part = [&](const char* name, UniqueFd& part) -> Status {
        auto folder = open_or_make(maildir.top_.get(), name);
        if (!folder) return folder.error().in("Maildir " + maildir.path());
        part = std::move(*folder);
        return {};
    };
    if (const auto done = open_part("tmp", maildir.tmp_); !done) return done.error().pass();
    if (const auto done = open_part("new", maildir.new_); !done) return done.error().pass();
    if (const auto done = open_part("cur", maildir.cur_); !done) return done.error().pass();
    return maildir;
}

std::string Maildir::head(const links::Deliver& order) const {
    return trace_lines(order);
}

std::string Maildir::name(const links::Deliver& order) const {
    return maildir_name(order, settings_.hostname);
}

Result<UniqueFd> Maildir::spill_file(const links::Deliver& order) const {
    const std::string file_name = name(order);
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd file(openat(tmp_.get(), file_name.c_str(), flags, 0600));
    if (!file && errno == EEXIST) {
        // Of an attempt that was cut off: nobody but the agent of this delivery has this name.
        unlinkat(tmp_.get(), file_name.c_str(), 0);
        file.reset(openat(tmp_.get(), file_name.c_str(), flags, 0600));
    }
    if (!file) return errno_error("create in", path() + "/tmp");
    return file;
}

void Maildir::discard(const links::Deliver& order) const {
    unlinkat(tmp_.get(), name(order).c_str(), 0);
}

bool Maildir::gone() const {
    const auto is_elsewhere = [](int folder, const std::string& path) {
        struct stat held{};
        struct stat now{};
        return fstat(folder, &held) != 0 || stat(path.c_str(), &now) != 0 ||
               held.st_ino != now.st_ino || held.st_dev != now.st_dev;
    };
    return is_elsewhere(tmp_.get(), path() + "/tmp") || is_elsewhere(new_.get(), path() + "/new") ||
           is_elsewhere(cur_.get(), path() + "/cur");
}

std::vector<Outcome> Maildir::store(std::span<const Parcel> batch) const {
    const auto all_later = [&](const Error& why) {
        return std::vector<Outcome>(batch.size(), retry_after(why));
    };
    std::vector<Item> items(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) items[i].parcel = &batch[i];
    if (const auto done = find_earlier(items); !done) return all_later(done.error());
    for (Item& item : items) write(item);
    sync(items);
    for (Item& item : items) publish(item);
    if (const auto done = sync_folders(items); !done) {
        return take_back(items) ? all_later(done.error()) : std::vector<Outcome>();
    }
    std::vector<Outcome> outcomes;
    outcomes.reserve(items.size());
    for (const Item& item : items) outcomes.push_back(*item.outcome);
    return outcomes;
}

// new/ first: mail programs move messages from there to cur/, never back.
Status Maildir::find_earlier(std::span<Item> items) const {
    std::map<std::string, Item*, std::less<>> wanted;
    for (Item& item : items) {
        if (item.parcel->order.repeated) wanted.emplace(name_key(item.parcel->order), &item);
    }
    if (wanted.empty()) return {};
    for (const char* folder : {"/new", "/cur"}) {
        std::error_code failure;
        std::filesystem::directory_iterator at(path() + folder, failure);
        for (; !failure && at != std::filesystem::directory_iterator(); at.increment(failure)) {
            const auto match = wanted.find(key_of(at->path().filename().native()));
            if (match != wanted.end()) match->second->outcome = delivered("maildir");
        }
        if (failure) return std::unexpected(Error(failure.value(), "list", path() + folder));
    }
    return {};
}

void Maildir::write(Item& item) const {
    const Content& content = item.parcel->content;
    if (item.outcome || content.file() >= 0) return;
    auto file = spill_file(item.parcel->order);
    auto written = file ? write_all(file->get(), content.memory()) : Status();
    if (!file) {
        item.outcome = retry_after(file.error());
    } else if (!written) {
        item.outcome = retry_after(Error(written.error().code(), "write in", path() + "/tmp"));
    } else {
        item.own = std::move(*file);
    }
}

void Maildir::sync(std::span<Item> items) const {
    std::vector<int> files;
    for (const Item& item : items) files.push_back(item.outcome ? -1 : item.file());
    const std::vector<int> results = sync_files(files);
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (results[i] == 0) continue;
        items[i].outcome = retry_after(Error(results[i], "write to disk in", path() + "/tmp"));
    }
}

// Into new/, or away where it must not or need not get there.
void Maildir::publish(Item& item) const {
    item.own.reset();
    const std::string file_name = name(item.parcel->order);
    if (item.outcome) return discard(item.parcel->order);
    if (renameat(tmp_.get(), file_name.c_str(), new_.get(), file_name.c_str()) == 0) {
        item.outcome = delivered("maildir");
    } else {
        item.outcome = retry_after(Error(errno, "rename into", path() + "/new"));
        discard(item.parcel->order);
    }
}

// cur/ for what may have been found there: the agent that published it may have died before its
// sync.
Status Maildir::sync_folders(std::span<const Item> items) const {
    const bool searched =
        std::ranges::any_of(items, [](const Item& item) { return item.parcel->order.repeated; });
    if (fsync(new_.get()) != 0 || (searched && fsync(cur_.get()) != 0)) {
        return errno_error("write to disk", path());
    }
    return {};
}

// False where one of them has gone to cur/ meanwhile, or was there before: somebody has it.
bool Maildir::take_back(std::span<const Item> items) const {
    bool all = true;
    for (const Item& item : items) {
        if (item.outcome->verdict != Verdict::delivered) continue;
        const std::string file_name = name(item.parcel->order);
        all = unlinkat(new_.get(), file_name.c_str(), 0) == 0 && all;
    }
    return all;
}

}  // namespace holdfast::mda

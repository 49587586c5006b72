#include "smtpd/mda/maildir.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/deleter.h"
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

using Listing = std::unique_ptr<DIR, Deleter<closedir>>;

Result<Listing> list(int folder) {
    UniqueFd own(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) return errno_error("list folder");
    Listing listing(fdopendir(own.get()));
    if (listing == nullptr) return errno_error("list folder");
    own.release();
    return listing;
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
    UniqueFd file;  // in tmp/, written and not yet synced; none where the parcel has its own
    State state = State::absent;
    Outcome failure;

    void fail(const Error& error) {
        state = State::failed;
        failure = retry_after(error);
    }
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
    return trace_lines(order, settings_.hostname);
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

std::vector<Outcome> Maildir::store(std::span<const Parcel> batch) const {
    std::vector<Item> items(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) items[i].parcel = &batch[i];
    if (const auto done = find_earlier(items); !done) {
        return std::vector<Outcome>(batch.size(), retry_after(done.error()));
    }
    for (Item& item : items) write(item);
    sync(items);
    for (Item& item : items) publish(item);
    if (const auto done = sync_folders(items); !done) {
        if (!take_back(items)) return {};
        return std::vector<Outcome>(batch.size(), retry_after(done.error()));
    }
    std::vector<Outcome> outcomes;
    for (const Item& item : items) {
        outcomes.push_back(item.state == State::failed ? item.failure : delivered("maildir"));
    }
    return outcomes;
}

// new/ first: mail programs move messages from there to cur/, never back.
Status Maildir::find_earlier(std::span<Item> items) const {
    std::map<std::string, Item*, std::less<>> wanted;
    for (Item& item : items) {
        if (item.parcel->order.repeated) wanted.emplace(name_key(item.parcel->order), &item);
    }
    if (wanted.empty()) return {};
    const auto look_in = [&](const UniqueFd& folder, State found) -> Status {
        const auto listing = list(folder.get());
        if (!listing) return listing.error().in("Maildir " + path());
        errno = 0;
        while (const dirent* entry = readdir(listing->get())) {
            const auto match = wanted.find(key_of(entry->d_name));
            if (match != wanted.end()) match->second->state = found;
        }
        if (errno != 0) return errno_error("list", path());
        return {};
    };
    if (const auto done = look_in(new_, State::in_new); !done) return done;
    return look_in(cur_, State::in_cur);
}

void Maildir::write(Item& item) const {
    if (item.state != State::absent) return;
    const Content& content = item.parcel->content;
    if (content.file() < 0) {
        auto file = spill_file(item.parcel->order);
        if (!file) return item.fail(file.error());
        item.file = std::move(*file);
        if (const auto written = write_whole(item.file.get(), content.memory()); !written) {
            discard(item.parcel->order);
            return item.fail(Error(written.error().code(), "write in", path() + "/tmp"));
        }
    }
    item.state = State::written;
}

void Maildir::sync(std::span<Item> items) const {
    std::vector<Item*> written;
    std::vector<int> files;
    for (Item& item : items) {
        if (item.state != State::written) continue;
        written.push_back(&item);
        files.push_back(item.file ? item.file.get() : item.parcel->content.file());
    }
    const std::vector<int> results = sync_files(files);
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (results[i] == 0) continue;
        discard(written[i]->parcel->order);
        written[i]->fail(Error(results[i], "write to disk in", path() + "/tmp"));
    }
}

void Maildir::publish(Item& item) const {
    item.file.reset();
    const std::string file_name = name(item.parcel->order);
    if (item.state != State::written) {
        // Came as a file, and is there already.
        if (item.parcel->content.file() >= 0) discard(item.parcel->order);
    } else if (renameat(tmp_.get(), file_name.c_str(), new_.get(), file_name.c_str()) != 0) {
        item.fail(Error(errno, "rename into", path() + "/new"));
        discard(item.parcel->order);
    } else {
        item.state = State::in_new;
    }
}

Status Maildir::sync_folders(std::span<Item> items) const {
    const auto in = [&](State state) { return std::ranges::count(items, state, &Item::state) > 0; };
    // One that was found in cur/ may have been published by an agent that died before its sync.
    if (in(State::in_cur) && fsync(cur_.get()) != 0) return errno_error("write to disk", path());
    if (in(State::in_new) && fsync(new_.get()) != 0) return errno_error("write to disk", path());
    return {};
}

// False where one of them has gone to cur/ meanwhile, or was there before: somebody has it.
bool Maildir::take_back(std::span<Item> items) const {
    bool all = true;
    for (const Item& item : items) {
        if (item.state == State::failed) continue;
        const std::string file_name = name(item.parcel->order);
        all = unlinkat(new_.get(), file_name.c_str(), 0) == 0 && all;
    }
    return all;
}

}  // namespace holdfast::mda

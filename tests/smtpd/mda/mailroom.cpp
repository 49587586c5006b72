#include "tests/smtpd/mda/mailroom.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/base/write.h"
#include "smtpd/mda/mbox_format.h"

namespace holdfast::mda {

namespace {

std::string make_scratch() {
    // In memory where the system has such a place: these tests sync thousands of times.
    const bool shm = access("/dev/shm", W_OK) == 0;
    std::string name = std::string(shm ? "/dev/shm" : "/tmp") + "/holdfast-mda.XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    chmod(name.c_str(), 0755);
    return name;
}

bool is_quoted_from(std::string_view line) {
    const std::size_t at = line.find_first_not_of('>');
    return at != std::string_view::npos && at > 0 && line.substr(at).starts_with("From ");
}

std::string report_path(const Scratch& folder) {
    return folder.path() + "/../" + "text." +
           std::filesystem::path(folder.path()).filename().string();
}

}  // namespace

Scratch::Scratch() : path_(make_scratch()) {}
Scratch::~Scratch() {
    std::error_code ignored;
    std::filesystem::remove(report_path(*this), ignored);
    std::filesystem::remove_all(path_, ignored);
}

links::Deliver order_of(unsigned number) {
    links::Deliver order;
    order.job = number;
    std::string id = "01HF0000000000000000000000";
    for (std::size_t i = id.size(); number > 0; number /= 10) {
        id[--i] = static_cast<char>('0' + number % 10);
    }
    order.id = *MessageId::parse(id);
    order.return_path = "bob@example.org";
    order.delivered_to = "alice@example.net";
    order.admitted = 1'795'247'418'000;
    return order;
}

Parcel mbox_parcel(const Mbox& mbox, const links::Deliver& order, const std::string& message) {
    Parcel parcel{order, Content(mbox.head(order))};
    parcel.order.length = message.size();
    MboxQuoter quoter;
    if (!parcel.content.append(quoter.quote(message))) std::abort();
    if (!parcel.content.append(quoter.finish())) std::abort();
    return parcel;
}

Outcome deliver(const Mbox& mbox, const links::Deliver& order, const std::string& message) {
    std::vector<Parcel> batch;
    batch.push_back(mbox_parcel(mbox, order, message));
    const auto outcomes = mbox.store(batch);
    return outcomes.empty() ? Outcome{} : outcomes.front();
}

Mbox open_mbox(const std::string& folder, Duration patience) {
    auto mbox = Mbox::open({folder, "alice", patience});
    if (!mbox) std::abort();
    return std::move(*mbox);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

std::vector<std::string> messages_of(std::string_view mailbox) {
    std::vector<std::string> messages;
    bool after_blank = true;
    while (!mailbox.empty()) {
        const std::size_t end = mailbox.find('\n');
        if (end == std::string_view::npos) {
            messages.emplace_back("BROKEN: the file ends inside a line");
            break;
        }
        std::string_view line = mailbox.substr(0, end);
        mailbox.remove_prefix(end + 1);
        if (line.starts_with("From ")) {
            messages.emplace_back(after_blank ? "" : "BROKEN: no blank line before From ");
        } else if (messages.empty()) {
            messages.emplace_back("BROKEN: no From line at the start");
        } else {
            if (is_quoted_from(line)) line.remove_prefix(1);
            messages.back().append(line).append("\n");
        }
        after_blank = line.empty();
    }
    if (!after_blank) messages.emplace_back("BROKEN: no blank line at the end");
    for (std::string& message : messages) {
        if (message.ends_with("\n")) message.pop_back();  // the blank line between
    }
    return messages;
}

pid_t start_as(uid_t uid, gid_t gid, const std::function<int()>& action) {
    const pid_t child = fork();
    if (child != 0) return child;
    umask(077);
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setresgid(gid, gid, gid) != 0 ||
                           setresuid(uid, uid, uid) != 0)) {
        _exit(99);
    }
    _exit(action());
}

int wait_for(pid_t process) {
    int status = 0;
    while (waitpid(process, &status, 0) < 0) {
        if (errno != EINTR) return -1000;
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int run_as(uid_t uid, gid_t gid, const std::function<int()>& action) {
    return wait_for(start_as(uid, gid, action));
}

Verdict deliver_as_alice(const Scratch& folder, const links::Deliver& order) {
    const UniqueFd report(
        open(report_path(folder).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const int status = run_as(alice, mail_group, [&] {
        const Mbox mbox = open_mbox(folder.path(), std::chrono::milliseconds(200));
        const Outcome outcome = deliver(mbox, order, "Subject: hello\n\nbody\n");
        if (!write_all(report.get(), outcome.text)) return 99;
        return static_cast<int>(outcome.verdict);
    });
    if (status < 0 || status > 2) std::abort();
    return static_cast<Verdict>(status);
}

std::string last_text(const Scratch& folder) {
    return read_file(report_path(folder));
}

}  // namespace holdfast::mda

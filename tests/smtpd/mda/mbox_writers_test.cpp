// F33: many writers, a mail program that locks, and kills at any moment.
#include <array>
#include <atomic>
#include <map>
#include <new>
#include <random>
#include <set>

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "smtpd/base/write.h"
#include "tests/catch.h"
#include "tests/smtpd/mda/folder_events.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

constexpr unsigned writers = 50;
constexpr unsigned messages_each = 6;

// Who has reported what, where a kill can't lose it: memory that all processes share. A message's
// mark is set after its delivery was reported, as qmgr learns of it.
struct Ledger {
    std::array<std::array<std::atomic<bool>, messages_each>, writers> reported;
};

Ledger& shared_ledger() {
    void* memory =
        mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    return *new (memory) Ledger();
}

unsigned number_of(unsigned writer, unsigned message) {
    return 1 + writer * 100 + message;
}

std::string text_of(unsigned writer, unsigned message) {
    const unsigned number = number_of(writer, message);
    std::string text = "Received: by host (Holdfast) with local id " + order_of(number).id.text() +
                       "\nSubject: " + std::to_string(number) + "\n\n";
    for (unsigned i = 0; i < 50 * (message + 1); ++i)
        text += "From " + std::to_string(writer) + "\n";
    return text;
}

// As an agent under qmgr: what a killed one had not reported is repeated.
int write_messages(const std::string& folder, Ledger& ledger, unsigned writer) {
    const Mbox mbox = open_mbox(folder, std::chrono::seconds(120));
    for (unsigned i = 0; i < messages_each; ++i) {
        if (ledger.reported[writer][i]) continue;
        links::Deliver order = order_of(number_of(writer, i));
        order.repeated = true;
        if (deliver(mbox, order, text_of(writer, i)).verdict != Verdict::delivered) return 1;
        ledger.reported[writer][i] = true;
    }
    return 0;
}

// A mail program: takes both locks as those do, writes the mailbox anew once a writer has run into
// them, as when messages are deleted, and comes again when a writer has let go. Returns when `end`
// becomes readable.
int rewrite_mailbox(const std::string& mailbox, FolderEvents& attempts, FolderEvents& releases,
                    int end) {
    const std::string lock_name = mailbox + ".lock";
    do {
        const int dot = open(lock_name.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0444);
        const int box = dot < 0 ? -1 : open(mailbox.c_str(), O_RDWR);
        struct flock lock{};
        lock.l_type = F_WRLCK;
        attempts.forget();
        if (box >= 0 && fcntl(box, F_SETLK, &lock) == 0) {
            const std::string before = read_file(mailbox);
            attempts.await(1, end);
            if (ftruncate(box, 0) != 0 || !write_all(box, before)) return 1;
        }
        if (dot >= 0) unlink(lock_name.c_str());
        if (box >= 0) close(box);
        if (dot >= 0) close(dot);
        releases.forget();
    } while (releases.await(1, end));
    return 0;
}

struct Pipe {
    Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
    void say() const { static_cast<void>(!write(ends[1], "x", 1)); }
    void hear() const {
        char byte = 0;
        static_cast<void>(!read(ends[0], &byte, 1));
    }
    int ends[2] = {-1, -1};
};

// The message in hand has not got room: the kernel says so in the middle of the append.
const Pipe* told = nullptr;
const Pipe* answered = nullptr;
void stop_half_way(int /*signal*/) {
    told->say();
    answered->hear();
}

}  // namespace

TEST_CASE("F33 both locks are held while a message is written, and no other agent gets in") {
    const Scratch folder;
    REQUIRE(chmod(folder.path().c_str(), 0777) == 0);
    REQUIRE(deliver_as_alice(folder, order_of(1)) == Verdict::delivered);
    const std::string before = read_file(folder.at("alice"));
    const Pipe half_way;
    const Pipe go_on;
    told = &half_way;
    answered = &go_on;
    const pid_t writer = start_as(alice, mail_group, [&] {
        const Mbox mbox = open_mbox(folder.path());
        const rlimit full{10'000, 10'000};
        if (signal(SIGXFSZ, stop_half_way) == SIG_ERR) return 1;
        if (setrlimit(RLIMIT_FSIZE, &full) != 0) return 2;
        const Outcome outcome = deliver(mbox, order_of(2), std::string(20'000, 'x'));
        return outcome.verdict == Verdict::retry && outcome.enhanced == "4.2.2" ? 0 : 3;
    });
    half_way.hear();
    CHECK(read_file(folder.at("alice")).size() == 10'000);
    CHECK(read_file(folder.at("alice.lock")).starts_with(std::to_string(writer) + "\n"));
    const UniqueFd mailbox(open(folder.at("alice").c_str(), O_RDWR | O_CLOEXEC));
    struct flock lock{};
    lock.l_type = F_WRLCK;
    REQUIRE(fcntl(mailbox.get(), F_GETLK, &lock) == 0);
    CHECK(lock.l_type == F_WRLCK);
    CHECK(lock.l_pid == writer);
    CHECK(deliver_as_alice(folder, order_of(3)) == Verdict::retry);
    CHECK(read_file(folder.at("alice")).size() == 10'000);
    go_on.say();
    CHECK(wait_for(writer) == 0);
    CHECK(read_file(folder.at("alice")) == before);
    CHECK(deliver_as_alice(folder, order_of(3)) == Verdict::delivered);
}

TEST_CASE("F33 50 writers, a mail program and kills leave exactly what was reported") {
    const Scratch folder;
    REQUIRE(chmod(folder.path().c_str(), 0777) == 0);
    Ledger& ledger = shared_ledger();
    const auto start = [&](unsigned writer) {
        return start_as(alice, mail_group,
                        [&, writer] { return write_messages(folder.path(), ledger, writer); });
    };
    FolderEvents attempts({folder.path()}, IN_OPEN);
    FolderEvents releases({folder.path()}, IN_DELETE);
    FolderEvents events({folder.path()}, IN_ALL_EVENTS);
    const Pipe end;
    const pid_t mail_program = start_as(alice, alice, [&] {
        return rewrite_mailbox(folder.at("alice"), attempts, releases, end.ends[0]);
    });
    std::map<pid_t, unsigned> running;
    for (unsigned i = 0; i < writers; ++i) running.emplace(start(i), i);

    // A kill for about every second exit; the victim starts again and repeats.
    std::minstd_rand random(20261121);
    unsigned kills = 0;
    unsigned failures = 0;
    while (!running.empty()) {
        if (kills < 150) {
            auto victim = running.begin();
            std::advance(victim, static_cast<long>(random() % running.size()));
            const unsigned writer = victim->second;
            events.await(static_cast<unsigned>(random() % 40), end_of(victim->first).get());
            REQUIRE(kill(victim->first, SIGKILL) == 0);
            const int status = wait_for(victim->first);
            running.erase(victim);
            if (status != 0) running.emplace(start(writer), writer);
            ++kills;
        } else {
            if (wait_for(running.begin()->first) != 0) ++failures;
            running.erase(running.begin());
        }
    }
    end.say();
    CHECK(wait_for(mail_program) == 0);
    CHECK(failures == 0);

    std::map<std::string, unsigned> seen;
    for (const std::string& message : messages_of(read_file(folder.at("alice")))) {
        const std::size_t at = message.find("Received: ");
        ++seen[at == std::string::npos ? message : message.substr(at)];
    }
    CHECK(seen.size() == writers * messages_each);
    for (unsigned writer = 0; writer < writers; ++writer) {
        for (unsigned i = 0; i < messages_each; ++i) {
            CHECK(ledger.reported[writer][i]);
            CHECK(seen[text_of(writer, i)] == 1);
        }
    }
}

TEST_CASE("F33 agents that are killed and never repeat leave no half message for the next one") {
    const Scratch folder;
    REQUIRE(chmod(folder.path().c_str(), 0777) == 0);
    const std::string large = "Subject: large\n\n" + std::string(200'000, 'x') + "\n";
    std::minstd_rand random(7);
    for (unsigned round = 1; round <= 60; ++round) {
        FolderEvents events({folder.path()}, IN_ALL_EVENTS);
        const pid_t writer = start_as(alice, mail_group, [&] {
            const Mbox mbox = open_mbox(folder.path());
            std::vector<Parcel> batch;
            for (unsigned i = 0; i < 8; ++i) {
                batch.push_back(mbox_parcel(mbox, order_of(round * 10 + i), large));
            }
            mbox.store(batch);
            return 0;
        });
        events.await(static_cast<unsigned>(random() % 12), end_of(writer).get());
        kill(writer, SIGKILL);
        wait_for(writer);
        REQUIRE(deliver_as_alice(folder, order_of(round * 10 + 9)) == Verdict::delivered);
    }
    for (const std::string& message : messages_of(read_file(folder.at("alice")))) {
        const bool whole = message.ends_with("\n\nbody\n") || message.ends_with(large);
        CHECK(whole);
        CHECK_FALSE(message.starts_with("BROKEN"));
    }
}

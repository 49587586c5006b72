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
#include <unistd.h>

#include "smtpd/mda/trace.h"
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
    std::string text = "Subject: " + std::to_string(number_of(writer, message)) + "\n\n";
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

// A mail program: takes both locks as those do, changes nothing, lets go once a writer has run into
// them, and comes again when a writer has let go. Returns where nobody writes any more.
int read_mail(const std::string& mailbox, FolderEvents& attempts, FolderEvents& releases) {
    const std::string lock_name = mailbox + ".lock";
    do {
        const int dot = open(lock_name.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0444);
        const int box = dot < 0 ? -1 : open(mailbox.c_str(), O_RDWR);
        struct flock lock{};
        lock.l_type = F_WRLCK;
        attempts.forget();
        if (box >= 0 && fcntl(box, F_SETLK, &lock) == 0 && !attempts.await(1)) return 1;
        if (box >= 0) close(box);
        if (dot >= 0) unlink(lock_name.c_str());
        if (dot >= 0) close(dot);
        releases.forget();
    } while (releases.await(1));
    return 1;
}

}  // namespace

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
    const pid_t reader =
        start_as(alice, alice, [&] { return read_mail(folder.at("alice"), attempts, releases); });
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
    REQUIRE(kill(reader, SIGKILL) == 0);
    CHECK(wait_for(reader) == -SIGKILL);
    CHECK(failures == 0);

    std::map<std::string, unsigned> seen;
    for (const std::string& message : messages_of(read_file(folder.at("alice")))) {
        const std::size_t at = message.find("Subject: ");
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

// The mailbox file in a hostile folder, and the append itself.
#include "smtpd/mda/mbox.h"

#include <array>
#include <csignal>
#include <ctime>
#include <random>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/smtpd/mda/folder_events.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

using Catch::Contains;

// A mail folder where everyone may create, as /var/mail is on some systems.
struct MailFolder : Scratch {
    explicit MailFolder(mode_t mode = 01777) { REQUIRE(chmod(path().c_str(), mode) == 0); }
    std::string mailbox() const { return at("alice"); }
    std::string alices_file(const char* name) const {
        const std::string file = at(name);
        write_file(file, "alice's own\n");
        REQUIRE(chown(file.c_str(), alice, alice) == 0);
        return file;
    }
};

const std::string text = "Subject: hello\n\nbody\n";

}  // namespace

TEST_CASE("a first delivery makes the mailbox, for its user alone") {
    const MailFolder folder(02775);
    REQUIRE(chown(folder.path().c_str(), 0, mail_group) == 0);
    REQUIRE(chmod(folder.path().c_str(), 02775) == 0);
    REQUIRE(deliver_as_alice(folder, order_of(1)) == Verdict::delivered);
    REQUIRE(deliver_as_alice(folder, order_of(2)) == Verdict::delivered);
    struct stat facts{};
    REQUIRE(lstat(folder.mailbox().c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0600);
    CHECK(facts.st_uid == alice);
    CHECK(facts.st_gid == mail_group);
    CHECK(facts.st_mtime > facts.st_atime);
    const auto messages = messages_of(read_file(folder.mailbox()));
    REQUIRE(messages.size() == 2);
    CHECK_THAT(messages[1], Catch::EndsWith(text));
    CHECK(access(folder.at("alice.lock").c_str(), F_OK) != 0);
}

TEST_CASE("F32 a symbolic link is not followed") {
    const MailFolder folder;
    const std::string treasure = folder.alices_file("treasure");
    REQUIRE(symlink(treasure.c_str(), folder.mailbox().c_str()) == 0);
    CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
    CHECK_THAT(last_text(folder), Contains(folder.mailbox()) && Contains("symbolic link"));
    CHECK(read_file(treasure) == "alice's own\n");
    SECTION("nor one that leads nowhere") {
        REQUIRE(unlink(treasure.c_str()) == 0);
        CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
        CHECK(access(treasure.c_str(), F_OK) != 0);
    }
}

TEST_CASE("F32 a file with a second name is not written") {
    const MailFolder folder;
    const std::string treasure = folder.alices_file("treasure");
    REQUIRE(link(treasure.c_str(), folder.mailbox().c_str()) == 0);
    CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
    CHECK_THAT(last_text(folder), Contains("hard links"));
    CHECK(read_file(treasure) == "alice's own\n");
}

TEST_CASE("F32 FIFOs, directories and sockets are refused without waiting") {
    const MailFolder folder;
    SECTION("FIFO") {
        REQUIRE(mkfifo(folder.mailbox().c_str(), 0666) == 0);
        REQUIRE(chown(folder.mailbox().c_str(), alice, alice) == 0);
        CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
        CHECK_THAT(last_text(folder), Contains("is a FIFO"));
    }
    SECTION("directory") {
        REQUIRE(mkdir(folder.mailbox().c_str(), 0777) == 0);
        CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
        CHECK_THAT(last_text(folder), Contains("is a directory"));
    }
    SECTION("device") {
        REQUIRE(mknod(folder.mailbox().c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
        CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
        CHECK_THAT(last_text(folder), Contains("is a device"));
    }
}

TEST_CASE("F32 another user's file is not written, whatever its mode") {
    const MailFolder folder;
    write_file(folder.mailbox(), "");
    REQUIRE(chown(folder.mailbox().c_str(), mallory, mail_group) == 0);
    for (const mode_t mode : {0600U, 0660U, 0666U}) {
        REQUIRE(chmod(folder.mailbox().c_str(), mode) == 0);
        CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
        CHECK_THAT(last_text(folder), Contains(folder.mailbox()) &&
                                          Contains("belongs to uid 4712 instead of uid 4711"));
    }
    CHECK(read_file(folder.mailbox()).empty());
}

TEST_CASE("F32 nothing of another's is written while a hostile process swaps what stands there") {
    const MailFolder folder(0777);
    const std::string treasure = folder.alices_file("treasure");
    const std::string hers = folder.alices_file("hers");
    REQUIRE(link(treasure.c_str(), folder.at("second-name").c_str()) == 0);
    write_file(folder.at("mallorys"), "mallory's\n");
    REQUIRE(chown(folder.at("mallorys").c_str(), mallory, mallory) == 0);
    // Mallory opens nothing: each of these is a step of alice's agent.
    FolderEvents steps({folder.path()}, IN_OPEN);
    // Not sticky: mallory may rename and remove everything here, alice's files too.
    const pid_t swapper = start_as(mallory, mallory, [&] {
        const std::string box = folder.mailbox();
        const std::array sources{folder.at("second-name"), folder.at("mallorys"), hers};
        std::minstd_rand random(32);
        for (unsigned round = 0;; ++round) {
            unlink(box.c_str());
            const std::size_t choice = round % 5;
            if (choice < sources.size()) rename(sources[choice].c_str(), box.c_str());
            if (choice == 3) static_cast<void>(!symlink(treasure.c_str(), box.c_str()));
            if (choice == 4) mkfifo(box.c_str(), 0666);
            if (!steps.await(1 + static_cast<unsigned>(random() % 4))) return 1;
            if (choice < sources.size()) rename(box.c_str(), sources[choice].c_str());
        }
    });
    unsigned delivered = 0;
    for (unsigned i = 1; i <= 100; ++i) {
        if (deliver_as_alice(folder, order_of(i)) == Verdict::delivered) ++delivered;
    }
    REQUIRE(kill(swapper, SIGKILL) == 0);
    CHECK(wait_for(swapper) == -SIGKILL);
    CHECK(read_file(treasure) == "alice's own\n");
    INFO("delivered into her own file in between: " << delivered);
    SUCCEED();
}

TEST_CASE("F32 a mailbox is looked at again under the locks") {
    const Scratch folder;
    const UniqueFd dir(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const MailboxFile::Place place{dir.get(), "alice", folder.at("alice")};
    auto mailbox = MailboxFile::open(place);
    REQUIRE(mailbox);
    REQUIRE(mailbox->try_lock() == true);
    CHECK(mailbox->in_place(place) == true);
    SECTION("a mail program has replaced it by another file") {
        write_file(folder.at("new"), "");
        REQUIRE(rename(folder.at("new").c_str(), folder.at("alice").c_str()) == 0);
        CHECK(mailbox->in_place(place) == false);
    }
    SECTION("a mail program has removed it") {
        REQUIRE(unlink(folder.at("alice").c_str()) == 0);
        CHECK(mailbox->in_place(place) == false);
    }
    SECTION("it has got a second name") {
        REQUIRE(link(folder.at("alice").c_str(), folder.at("second").c_str()) == 0);
        CHECK_FALSE(mailbox->in_place(place));
    }
}

TEST_CASE("F32 a lock file that another user planted in a sticky folder delays and is named") {
    const MailFolder folder;
    write_file(folder.at("alice.lock"), "1\n");
    REQUIRE(chown(folder.at("alice.lock").c_str(), mallory, mallory) == 0);
    CHECK(deliver_as_alice(folder, order_of(1)) == Verdict::retry);
    CHECK_THAT(last_text(folder), Contains("alice.lock of uid 4712"));
}

TEST_CASE("F33 a mail program's fcntl lock is waited for, and not for ever") {
    const MailFolder folder;
    REQUIRE(deliver_as_alice(folder, order_of(1)) == Verdict::delivered);
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t reader = start_as(alice, alice, [&] {
        const int fd = open(folder.mailbox().c_str(), O_RDWR);
        struct flock lock{};
        lock.l_type = F_WRLCK;
        if (fcntl(fd, F_SETLK, &lock) != 0 || write(ready[1], "x", 1) != 1) return 1;
        pause();
        return 0;
    });
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    CHECK(deliver_as_alice(folder, order_of(2)) == Verdict::retry);
    CHECK_THAT(last_text(folder), Contains("stays locked (fcntl)"));
    REQUIRE(kill(reader, SIGKILL) == 0);
    wait_for(reader);
    CHECK(deliver_as_alice(folder, order_of(2)) == Verdict::delivered);
    CHECK(messages_of(read_file(folder.mailbox())).size() == 2);
    close(ready[0]);
    close(ready[1]);
}

TEST_CASE("F56 the mailbox of an agent that was killed under its lock takes mail at once") {
    const MailFolder folder;
    REQUIRE(deliver_as_alice(folder, order_of(1)) == Verdict::delivered);
    const std::string before = read_file(folder.mailbox());
    const int status = run_as(alice, mail_group, [&] {
        const UniqueFd dir(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
        auto lock = DotLock::try_take({dir.get(), "alice.lock", boot_id()});
        struct stat facts{};
        if (!lock || !*lock || stat(folder.mailbox().c_str(), &facts) != 0) return 1;
        const auto size = static_cast<std::uint64_t>(facts.st_size);
        if (!(*lock)->record(AppendRecord{facts.st_ino, size, size + 1000})) return 1;
        write_file(folder.mailbox(), before + "From bob@example.org Sat\nReturn-");
        return raise(SIGKILL);
    });
    REQUIRE(status == -SIGKILL);
    REQUIRE(access(folder.at("alice.lock").c_str(), F_OK) == 0);
    // Another message than the one that was cut off, with 200 ms to wait for locks.
    CHECK(deliver_as_alice(folder, order_of(2)) == Verdict::delivered);
    const std::string after = read_file(folder.mailbox());
    CHECK(after.starts_with(before + "From "));
    CHECK(messages_of(after).size() == 2);
    CHECK(after.find("Sat\nReturn-\n") == std::string::npos);
}

TEST_CASE("F40 a message that does not fit leaves nothing, and those around it arrive") {
    const Scratch folder;
    const int status = run_as(0, 0, [&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const Mbox mbox = open_mbox(folder.path());
        if (deliver(mbox, order_of(1), text).verdict != Verdict::delivered) return 1;
        const std::string small(1000, 's');
        const std::string large(20'000, 'l');
        std::vector<Parcel> batch;
        batch.push_back(mbox_parcel(mbox, order_of(2), small));
        batch.push_back(mbox_parcel(mbox, order_of(3), large));
        batch.push_back(mbox_parcel(mbox, order_of(4), small));
        const rlimit full{10'000, 10'000};
        if (setrlimit(RLIMIT_FSIZE, &full) != 0) return 2;
        const auto outcomes = mbox.store(batch);
        if (outcomes.size() != 3 || outcomes[0].verdict != Verdict::delivered) return 3;
        if (outcomes[1].verdict != Verdict::retry || outcomes[1].enhanced != "4.2.2") return 4;
        return outcomes[2].verdict == Verdict::delivered ? 0 : 5;
    });
    CHECK(status == 0);
    const auto messages = messages_of(read_file(folder.at("alice")));
    REQUIRE(messages.size() == 3);
    CHECK_THAT(messages[1], Catch::EndsWith(std::string(1000, 's') + "\n"));
    CHECK_THAT(messages[2], Catch::EndsWith(std::string(1000, 's') + "\n"));
}

TEST_CASE("a message does not run into what another program has left without a line end") {
    const Scratch folder;
    const Mbox mbox = open_mbox(folder.path());
    for (const char* tail : {"From x Sat\n\ncut", "From x Sat\n\ncut\n", "From x Sat\n\ncut\n\n"}) {
        write_file(folder.at("alice"), tail);
        CHECK(deliver(mbox, order_of(1), text).verdict == Verdict::delivered);
        const auto messages = messages_of(read_file(folder.at("alice")));
        REQUIRE(messages.size() == 2);
        CHECK(messages[0] == "\ncut\n");
    }
}

TEST_CASE("a missing mail folder is named") {
    const auto mbox = Mbox::open({"/nonexistent/mail", "alice"});
    REQUIRE_FALSE(mbox);
    CHECK_THAT(mbox.error().text(), Contains("/nonexistent/mail"));
}

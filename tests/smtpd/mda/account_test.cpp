#include "smtpd/mda/account.h"

#include <algorithm>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "smtpd/mda/become.h"
#include "tests/catch.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

using Catch::Contains;

links::MdaSnapshot snapshot_with(links::Mailbox mailbox) {
    links::MdaSnapshot snapshot;
    snapshot.mailbox = mailbox;
    snapshot.mail_gid = mail_group;
    snapshot.root_uid = 901;
    snapshot.root_gid = 902;
    return snapshot;
}

const Account someone{"alice", alice, 100, {100, 27}, "/home/alice"};
const Setting as_root{true, 0, 0};

}  // namespace

TEST_CASE("a name that is no user is refused, a database that fails delays") {
    const auto unknown = find_account("no-such-user-here");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().verdict == Verdict::refused);
    CHECK(unknown.error().enhanced == "5.1.1");
    CHECK_THAT(unknown.error().text, Contains("no-such-user-here"));
    for (const int code : {EIO, EAGAIN, ENOENT, ECONNREFUSED, ETIMEDOUT, EMFILE, ENOMEM}) {
        CHECK(no_account("x", code).verdict == Verdict::retry);
    }
    CHECK(no_account("x", 0).verdict == Verdict::refused);
}

TEST_CASE("a name that would be no single file is no user") {
    for (const char* name : {"", "a/b", "..", ".", ".hidden", "alice.lock"}) {
        const auto account = find_account(name);
        REQUIRE_FALSE(account);
        CHECK(account.error().enhanced == "5.1.1");
    }
    CHECK_FALSE(find_account(std::string(65, 'a')));
}

TEST_CASE("an account of the system has its uid, groups and home") {
    const auto account = find_account("nobody");
    REQUIRE(account);
    CHECK(account->uid == 65534);
    CHECK(account->home == "/nonexistent");
    CHECK(std::ranges::count(account->groups, account->gid) == 1);
}

TEST_CASE("group mail is for the mailbox file only") {
    const auto mbox = destination(someone, as_root, snapshot_with(links::Mailbox::mbox));
    REQUIRE(mbox);
    CHECK(mbox->identity.effective_gid == mail_group);
    CHECK(mbox->identity.gid == 100);
    CHECK(mbox->name == "alice");
    const auto maildir = destination(someone, as_root, snapshot_with(links::Mailbox::maildir));
    REQUIRE(maildir);
    CHECK(maildir->identity.effective_gid == 100);
    CHECK(maildir->home == "/home/alice");
}

TEST_CASE("mail is never delivered as uid 0") {
    for (const auto kind : {links::Mailbox::mbox, links::Mailbox::maildir}) {
        const auto other = destination({"toor", 0, 0, {0}, "/root"}, as_root, snapshot_with(kind));
        REQUIRE_FALSE(other);
        CHECK(other.error().verdict == Verdict::refused);
        const auto root = destination(root_account(), as_root, snapshot_with(kind));
        REQUIRE(root);
        CHECK(root->identity.uid == 901);
        CHECK(root->identity.gid == 902);
        CHECK(root->identity.effective_gid == mail_group);
        CHECK(root->mailbox == links::Mailbox::mbox);
        CHECK(root->name == "root");
    }
    links::MdaSnapshot bare = snapshot_with(links::Mailbox::mbox);
    bare.root_uid = 0;
    const auto ownerless = destination(root_account(), as_root, bare);
    REQUIRE_FALSE(ownerless);
    CHECK(ownerless.error().verdict == Verdict::retry);
    CHECK_THAT(ownerless.error().text, Contains("_hfroot"));
    // Not even where the daemon runs without privilege as root.
    CHECK_FALSE(destination(root_account(), {false, 0, 0}, snapshot_with(links::Mailbox::mbox)));
    CHECK_FALSE(become({0, 100, 100, {}}));
}

TEST_CASE("without privilege only the user who started it gets mail") {
    const auto snapshot = snapshot_with(links::Mailbox::mbox);
    const auto own = destination(someone, {false, alice, 100}, snapshot);
    REQUIRE(own);
    CHECK(own->identity.uid == alice);
    const auto other = destination(someone, {false, mallory, 100}, snapshot);
    REQUIRE_FALSE(other);
    CHECK(other.error().verdict == Verdict::refused);
    CHECK_THAT(other.error().text, Contains("4712") && Contains("alice"));
}

TEST_CASE("F35 an agent becomes its user for good") {
    REQUIRE(geteuid() == 0);
    const int status = run_as(0, 0, [] {
        if (!become({alice, 100, mail_group, {100, 27}})) return 1;
        uid_t r = 0, e = 0, s = 0;
        gid_t rg = 0, eg = 0, sg = 0;
        if (getresuid(&r, &e, &s) != 0 || r != alice || e != alice || s != alice) return 2;
        if (getresgid(&rg, &eg, &sg) != 0 || rg != 100 || eg != mail_group) return 3;
        gid_t groups[8];
        if (getgroups(8, groups) != 2) return 4;
        if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0) return 5;
        return open("/etc/shadow", O_RDONLY) < 0 ? 0 : 6;
    });
    CHECK(status == 0);
}

TEST_CASE("F35 a set-id call that fails is an error, at whichever step") {
    // A user namespace with only some ids mapped is a kernel that says no to the others.
    struct Case {
        const char* uids;
        const char* gids;
        const char* groups;
        Identity identity;
        const char* named;
    };
    const Case cases[] = {
        {"0 0 1", "0 0 1", "allow", {alice, 100, 100, {}}, "change group"},
        {"0 0 1", "0 0 1", "allow", {alice, 100, 100, {27}}, "change supplementary groups"},
        {"0 0 1", "0 0 1", "deny", {alice, 0, 0, {}}, "change supplementary groups"},
        {"0 0 1", "0 0 60000", "allow", {alice, 100, 100, {}}, "change user"},
        {"0 0 60000", "0 0 101", "allow", {alice, 100, mail_group, {}}, "change group"},
    };
    for (const Case& each : cases) {
        int to_child[2];
        int to_parent[2];
        REQUIRE(pipe(to_child) == 0);
        REQUIRE(pipe(to_parent) == 0);
        const pid_t child = start_as(0, 0, [&] {
            char go = 0;
            if (unshare(CLONE_NEWUSER) != 0) return 90;
            if (write(to_parent[1], "x", 1) != 1 || read(to_child[0], &go, 1) != 1) return 91;
            const auto done = become(each.identity);
            if (done) return 1;
            if (done.error().text().find(each.named) == std::string::npos) return 2;
            // Whatever went wrong, the fallback must not succeed half-way either.
            return become(nobody()) ? 3 : 0;
        });
        char ready = 0;
        REQUIRE(read(to_parent[0], &ready, 1) == 1);
        const std::string proc = "/proc/" + std::to_string(child);
        write_file(proc + "/setgroups", each.groups);
        write_file(proc + "/uid_map", each.uids);
        write_file(proc + "/gid_map", each.gids);
        REQUIRE(write(to_child[1], "x", 1) == 1);
        INFO(each.named << " with uids " << each.uids << ", gids " << each.gids);
        CHECK(wait_for(child) == 0);
        for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) close(fd);
    }
}

#include "smtpd/users/database.h"

#include <algorithm>
#include <cerrno>

#include "smtpd/users/nss_modules.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::users;
using links::Lookup;

namespace {

links::UserReply reply_to(std::string name, std::string gecos, std::string home) {
    passwd entry{};
    entry.pw_name = name.data();
    entry.pw_gecos = gecos.data();
    entry.pw_dir = home.data();
    entry.pw_uid = 1000;
    return reply_from(&entry, 0);
}

}  // namespace

TEST_CASE("the full name is GECOS up to the first comma, with the login for an ampersand") {
    CHECK(full_name("Alice Example,Room 3,123,", "alice") == "Alice Example");
    CHECK(full_name("& Example", "alice") == "Alice Example");
    CHECK(full_name("&&", "bob") == "BobBob");
    CHECK(full_name("", "alice").empty());
    CHECK(full_name(",x", "alice").empty());
    CHECK(full_name("&", "9lives") == "9lives");
    CHECK(full_name("Bj\xc3\xb6rn \xff", "b") == "Bj\xc3\xb6rn \xff");
}

TEST_CASE("F30 GECOS brings no control bytes into a header, and no line without end") {
    std::string every;
    for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
    const std::string name = full_name(every + every, "a\nb");
    CHECK(std::ranges::none_of(
        name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
    CHECK(full_name("&", "a\r\nBcc: b") == "ABcc: b");
    CHECK(full_name(std::string(100'000, '&'), std::string(64, 'x')).size() == 256);
}

TEST_CASE("only a clean no means that there is no such user") {
    CHECK(reply_from(nullptr, 0).lookup == Lookup::unknown);
    for (const int code : {EIO, ENOENT, EAGAIN, ECONNREFUSED, EACCES, ENOMEM, ERANGE, ETIMEDOUT}) {
        CHECK(reply_from(nullptr, code).lookup == Lookup::failed);
    }
}

TEST_CASE("an entry that can't be used is a failure, not a missing user") {
    CHECK(reply_to("alice", "Alice", "/home/alice").lookup == Lookup::found);
    CHECK(reply_to("al/ice", "Alice", "/home/alice").lookup == Lookup::failed);
    CHECK(reply_to(std::string(100, 'a'), "", "/").lookup == Lookup::failed);
    CHECK(reply_to("alice", "", "/" + std::string(100'000, 'h')).lookup == Lookup::failed);
    passwd empty{};
    CHECK(reply_from(&empty, 0).lookup == Lookup::failed);
}

TEST_CASE("the system's own users are found by name and by uid") {
    const auto by_name = ask_system(links::NameQuery{1, "root"});
    CHECK(by_name.lookup == Lookup::found);
    CHECK(by_name.uid == 0);
    CHECK(by_name.home == "/root");
    const auto by_uid = ask_system(links::UidQuery{1, 65534});
    CHECK(by_uid.lookup == Lookup::found);
    CHECK(by_uid.name == "nobody");
    CHECK(ask_system(links::NameQuery{1, "no-such-user-here"}).lookup == Lookup::unknown);
    CHECK(ask_system(links::UidQuery{1, 3'999'999'999}).lookup == Lookup::unknown);
}

TEST_CASE("the users that the rooms run as get no mail, and have a name all the same") {
    char name[] = "_hfqueue";
    char home[] = "/";
    passwd entry{};
    entry.pw_name = name;
    entry.pw_dir = home;
    const links::UserReply found = reply_from(&entry, 0);
    CHECK(found.lookup == Lookup::found);
    CHECK(recipient(found).lookup == Lookup::unknown);
    CHECK(recipient(found).name.empty());
    name[1] = 'x';
    CHECK(recipient(reply_from(&entry, 0)).lookup == Lookup::found);
    CHECK(recipient(reply_from(nullptr, EIO)).lookup == Lookup::failed);
}

TEST_CASE("what is no login name anywhere is unknown without asking") {
    for (const std::string& name :
         {std::string(), std::string("a:b"), std::string("../x"), std::string("a\nb"),
          std::string("ro\0ot", 5), std::string("root\0", 5), std::string(65, 'a')}) {
        CHECK_FALSE(links::may_get_mail(name));
        CHECK(ask_system(links::NameQuery{1, name}).lookup == Lookup::unknown);
    }
    CHECK(links::may_get_mail("alice"));
    CHECK(links::may_get_mail("EXAMPLE\\alice"));
    CHECK(links::may_get_mail("j\xc3\xb6rg"));
}

TEST_CASE("a user for whom no agent would be started is unknown to senders, and may send mail") {
    for (const char* name : {"john smith", "-f", ".hidden", "alice.lock"}) {
        CHECK(reply_to(name, "", "/").lookup == Lookup::found);
        CHECK(recipient(reply_to(name, "", "/")).lookup == Lookup::unknown);
    }
    CHECK(recipient(reply_to("j\xc3\xb6rg", "", "/")).lookup == Lookup::found);
}

TEST_CASE("the services of the user database are read from nsswitch.conf") {
    using Names = std::vector<std::string>;
    CHECK(passwd_services("passwd: files systemd\n") == Names{"files", "systemd"});
    CHECK(passwd_services("# passwd: no\n passwd:\tfiles [NOTFOUND=return] sss # x\r\ngroup: y") ==
          Names{"files", "sss"});
    CHECK(passwd_services("passwd: compat\npasswd_compat: nis [ !UNAVAIL = return ] ldap") ==
          Names{"compat", "nis", "ldap"});
    CHECK(passwd_services("passwd: ../evil a/b files") == Names{"files"});
    CHECK(passwd_services("").empty());
    CHECK(passwd_services("passwd").empty());
    CHECK(passwd_services("passwd:").empty());
}

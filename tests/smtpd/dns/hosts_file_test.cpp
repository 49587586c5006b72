#include "smtpd/dns/hosts_file.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::dns;

namespace {

std::vector<std::string> found(const HostsFile& hosts, std::string_view name) {
    std::vector<std::string> texts;
    for (const IpAddress& address : hosts.find(name)) texts.push_back(address.text());
    return texts;
}

std::vector<std::string> found(std::string_view text, std::string_view name) {
    return found(HostsFile::parse(text), name);
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a name of the hosts file has all addresses that it is listed with, in their order") {
    constexpr std::string_view text =
        "127.0.0.1\tlocalhost\n"
        "::1 localhost ip6-localhost # loopback of this machine\r\n"
        "\n"
        "# 192.0.2.9 mail.example.org\n"
        "192.0.2.1 mail.example.org mail\n"
        "  2001:db8::1 \t mail.example.org\n"
        "192.0.2.1 mail.example.org";
    CHECK(found(text, "localhost") == Texts{"127.0.0.1", "::1"});
    CHECK(found(text, "ip6-localhost") == Texts{"::1"});
    CHECK(found(text, "mail.example.org") == Texts{"192.0.2.1", "2001:db8::1"});
    CHECK(found(text, "mail") == Texts{"192.0.2.1"});
    CHECK(found(text, "example.org").empty());
    CHECK(found(text, "").empty());
}

TEST_CASE("a name of the hosts file is found in any case, and with a dot at its end") {
    const HostsFile hosts = HostsFile::parse("192.0.2.1 Mail.Example.ORG other.example.\n");
    CHECK(found(hosts, "mail.example.org") == Texts{"192.0.2.1"});
    CHECK(found(hosts, "MAIL.example.org.") == Texts{"192.0.2.1"});
    CHECK(found(hosts, "other.example") == Texts{"192.0.2.1"});
}

TEST_CASE("lines of the hosts file that cannot be read are passed over") {
    CHECK(found("192.0.2 mail\nmail 192.0.2.1\nfe80::1%eth0 mail\n[::1] mail\n1 mail\n", "mail")
              .empty());
    CHECK(found("192.0.2\n192.0.2.1\n192.0.2.2 mail\n", "mail") == Texts{"192.0.2.2"});
    CHECK(HostsFile::parse("192.0.2.1 " + std::string(300, 'a') + " . mail\n").size() == 1);
}

TEST_CASE("F21 a hosts file of any size takes a bounded part of memory, and its beginning counts") {
    std::string text = "192.0.2.1 first\n";
    for (int i = 0; i < 20'000; ++i) text += "192.0.2.2 n" + std::to_string(i) + "\n";
    text += "192.0.2.3 first\n";
    const HostsFile hosts = HostsFile::parse(text);
    CHECK(hosts.size() == HostsFile::max_names);
    // A name that is known still gains addresses.
    CHECK(found(hosts, "first") == Texts{"192.0.2.1", "192.0.2.3"});

    std::string many;
    for (int i = 0; i < 200; ++i) many += "192.0.2." + std::to_string(i) + " mail\n";
    CHECK(HostsFile::parse(many).find("mail").size() == HostsFile::max_addresses);

    // Cut in the middle of a line, which then does not count.
    std::string long_text = "192.0.2.1 first\n#" + std::string(HostsFile::max_size - 40, 'x');
    long_text += "\n192.0.2.1 last.example.org\n";
    REQUIRE(long_text.size() > HostsFile::max_size);
    const HostsFile cut = HostsFile::parse(long_text);
    CHECK(cut.size() == 1);
    CHECK(HostsFile::parse("#" + std::string(2 * HostsFile::max_size, 'x')).size() == 0);
}

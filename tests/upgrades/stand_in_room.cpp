// A room of another version, in the place of the real one, which lies beside it as ROOM.real. Its
// first word ("smtpd: smtpin") says which room it is.
#include <fstream>
#include <string>

#include <unistd.h>

#include "smtpd/links/parent_smtpin.h"
#include "tests/upgrades/act.h"
#include "tests/upgrades/relay.h"

namespace holdfast::upgrades {
namespace {

// How often this role has been played before: the rehearsal is the first time.
int performances(const std::string& role) {
    const std::string path = "/run/stand-in/" + role + ".count";
    int count = 0;
    std::ifstream(path) >> count;
    std::ofstream(path) << count + 1;
    return count;
}

int run(char** argv) {
    const std::string name = argv[0];
    const std::string room = name.substr(name.rfind(' ') + 1);
    const std::string real = "/usr/libexec/holdfast/" + room + ".real";
    const std::string act = act_of(room);
    misbehave(act);
    if (act == "crash-later" && performances(room) > 0) misbehave("crash");
    if (act == "later") return relay(real, argv, {true});
    if (act == "silent")
        return relay(real, argv, {false, links::SmtpinToParent(links::Serving()).index()});
    pass_on_to(real, argv);
}

}  // namespace
}  // namespace holdfast::upgrades

int main(int, char** argv) {
    return holdfast::upgrades::run(argv);
}

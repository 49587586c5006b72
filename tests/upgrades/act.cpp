#include "tests/upgrades/act.h"

#include <csignal>
#include <cstdio>
#include <fstream>

#include <sysexits.h>
#include <unistd.h>

namespace holdfast::upgrades {

std::string act_of(const std::string& role) {
    std::ifstream file("/run/stand-in/" + role);
    std::string act;
    return file >> act ? act : "pass";
}

void misbehave(const std::string& act) {
    if (act == "crash") {
        sigset_t none;  // a restart executes its successor with all of them blocked
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        std::signal(SIGSEGV, SIG_DFL);  // also where a sanitizer would report it
        std::raise(SIGSEGV);
    }
    while (act == "hang") pause();
}

void pass_on_to(const std::string& program, char** argv) {
    execv(program.c_str(), argv);
    std::perror(program.c_str());
    _exit(EX_OSFILE);
}

}  // namespace holdfast::upgrades

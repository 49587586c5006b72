// sendmail, mailq, newaliases: see sendmail.h.
#include <new>
#include <string_view>
#include <vector>

#include <sysexits.h>
#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/sendmail/process.h"
#include "ctl/sendmail/sendmail.h"

namespace {

// Whatever needs much memory comes before anything is handed over.
void out_of_memory() {
    holdfast::complain("sendmail", "out of memory: nothing is stored, try again later");
    _exit(EX_TEMPFAIL);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace holdfast::sendmail;
    std::set_new_handler(out_of_memory);
    const Input input = prepare_process();
    const std::vector<std::string_view> arguments(argv, argv + argc);
    return run(Site{}, arguments, input);
}

// sendmail, mailq, newaliases: see sendmail.h.
#include <new>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "ctl/sendmail/exit_status.h"
#include "ctl/sendmail/output.h"
#include "ctl/sendmail/process.h"
#include "ctl/sendmail/sendmail.h"

namespace {

// Whatever needs much memory comes before anything is handed over.
void out_of_memory() {
    holdfast::sendmail::complain("sendmail", "out of memory: nothing is stored, try again later");
    _exit(static_cast<int>(holdfast::sendmail::Exit::temporary));
}

}  // namespace

int main(int argc, char** argv) {
    using namespace holdfast::sendmail;
    std::set_new_handler(out_of_memory);
    const Input input = prepare_process();
    const std::vector<std::string_view> arguments(argv, argv + argc);
    return run(Site{}, arguments, input);
}

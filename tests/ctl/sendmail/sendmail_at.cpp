// sendmail itself, at a site below the folder HOLDFAST_TEST_SITE: the tests' own socket, drop
// folder and patience. Everything else is the program that is installed.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/sendmail/sendmail.h"

namespace {

long number(const char* name, long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atol(text);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace holdfast::sendmail;
    const Input input = prepare_process();
    const char* folder = std::getenv("HOLDFAST_TEST_SITE");
    if (folder == nullptr) return 70;
    Site site;
    site.control_socket = std::string(folder) + "/control";
    site.drop = std::string(folder) + "/drop";
    site.silence = std::chrono::milliseconds(number("HOLDFAST_TEST_SILENCE_MS", 10'000));
    site.absence = std::chrono::milliseconds(number("HOLDFAST_TEST_ABSENCE_MS", 1'000));
    site.drain = std::chrono::milliseconds(number("HOLDFAST_TEST_DRAIN_MS", 5'000));
    const long max = number("HOLDFAST_TEST_MAX_MESSAGE", 0);
    if (max > 0) site.max_message = static_cast<std::size_t>(max);
    const std::vector<std::string_view> arguments(argv, argv + argc);
    return run(site, arguments, input);
}

// The command line: arguments are separated by NUL, as the kernel hands them over.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "ctl/sendmail/options.h"
#include "ctl/sendmail/submission.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast::sendmail;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::vector<std::string_view> arguments{"sendmail"};
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\0'), rest.size());
        arguments.push_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    const auto options = parse_options(arguments);
    if (!options) {
        if (options.error().status != EX_USAGE) abort();
        if (options.error().text.find('\n') != std::string::npos) abort();
        return 0;
    }
    for (const char c : options->full_name + options->envid + options->sender.value_or("")) {
        if ((c >= 0 && c < 0x20) || c == 0x7f) abort();
    }
    const auto recipients = operand_recipients(options->operands);
    if (!recipients && recipients.error().text.find('\n') != std::string::npos) abort();
    return 0;
}

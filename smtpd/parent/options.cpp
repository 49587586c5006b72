#include "smtpd/parent/options.h"

#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include <getopt.h>

#include "smtpd/base/paths.h"

namespace holdfast {

namespace {

constexpr std::array long_options{option{"help", no_argument, nullptr, 'h'},
                                  option{"version", no_argument, nullptr, 'V'},
                                  option{nullptr, 0, nullptr, 0}};

// getopt_long() gives no letter for a long option that it does not know.
std::unexpected<Error> wrong(std::string_view what, const char* word) {
    const std::string given = optopt == 0 ? word : std::string{'-', static_cast<char>(optopt)};
    return plain_error("smtpd: " + std::string(what) + " " + given + "\n" + usage);
}

}  // namespace

std::string help_text() {
    return std::string(usage) +
           "  -d            stay in the foreground and log to standard error\n"
           "  -f file       read this configuration instead of " +
           paths::config_file +
           "\n"
           "  -h, --help    print this help and exit\n"
           "  -n            check the configuration, say what is wrong with it, and exit\n"
           "  -V, --version print the version and exit\n"
           "The manual is smtpd(8).\n";
}

namespace {

// `smtpd --rehearse`, `smtpd --resume ATTEMPT FALLBACK FAILURE`: what succession.cpp writes.
std::optional<Options> parse_succession(std::span<char* const> words) {
    Options options;
    if (words.size() == 2 && words[1] == std::string_view("--rehearse")) {
        options.task = Options::Task::rehearse;
        return options;
    }
    if (words.size() != 5 || words[1] != std::string_view("--resume")) return std::nullopt;
    options.task = Options::Task::resume;
    const std::string_view attempt = words[2];
    const std::string_view fallback = words[3];
    const auto end = [](std::string_view word) { return word.data() + word.size(); };
    const bool numbers =
        std::from_chars(attempt.data(), end(attempt), options.resumption.attempt).ec ==
            std::errc() &&
        std::from_chars(fallback.data(), end(fallback), options.resumption.fallback).ec ==
            std::errc();
    options.resumption.failure = words[4];
    return numbers ? std::optional(options) : std::nullopt;
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
    if (auto handed = parse_succession({argv, static_cast<std::size_t>(argc)})) return *handed;
    Options options;
    opterr = 0;
    optind = 0;  // glibc: begin anew
    for (int letter = 0;
         (letter = getopt_long(argc, argv, ":df:hnV", long_options.data(), nullptr)) != -1;) {
        switch (letter) {
            case 'd':
                options.foreground = true;
                break;
            case 'f':
                options.config = optarg;
                break;
            case 'h':
                options.task = Options::Task::help;
                break;
            case 'n':
                options.task = Options::Task::check;
                break;
            case 'V':
                options.task = Options::Task::version;
                break;
            case ':':
                return wrong("a file name is missing after", "");
            default:
                return wrong("unknown option", argv[optind - 1]);
        }
    }
    if (optind < argc) {
        return plain_error("smtpd: unexpected argument \"" + std::string(argv[optind]) + "\"\n" +
                           usage);
    }
    return options;
}

}  // namespace holdfast

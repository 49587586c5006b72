#include "smtpd/parent/options.h"

#include <array>

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

Result<Options> parse_options(int argc, char** argv) {
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

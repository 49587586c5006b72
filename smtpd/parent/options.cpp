#include "smtpd/parent/options.h"

#include <unistd.h>

namespace holdfast {

namespace {

std::unexpected<Error> wrong(std::string_view what, int letter) {
    return plain_error("smtpd: " + std::string(what) + " -" + static_cast<char>(letter) + "\n" +
                       usage);
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
    Options options;
    opterr = 0;
    for (int letter = 0; (letter = getopt(argc, argv, ":df:hnV")) != -1;) {
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
                return wrong("a file name is missing after", optopt);
            default:
                return wrong("unknown option", optopt);
        }
    }
    if (optind < argc) {
        return plain_error("smtpd: unexpected argument \"" + std::string(argv[optind]) + "\"\n" +
                           usage);
    }
    return options;
}

}  // namespace holdfast

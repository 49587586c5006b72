#include "ctl/sendmail/options.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::sendmail;

namespace {

using Words = std::vector<std::string_view>;

Attempt<Options> parsed(Words words, std::string_view program = "/usr/sbin/sendmail") {
    words.insert(words.begin(), program);
    return parse_options(words);
}

Options good(const Words& words) {
    const auto options = parsed(words);
    INFO(words.front() << ": " << (options ? "" : options.error().text));
    REQUIRE(options);
    return *options;
}

void check_refused(const Words& words) {
    const auto options = parsed(words);
    INFO(words.front() << (words.size() > 1 ? words[1] : ""));
    REQUIRE_FALSE(options);
    CHECK(options.error().status == EX_USAGE);
    CHECK(options.error().text.find('\n') == std::string::npos);
}

}  // namespace

TEST_CASE("every spelling of an option with a value is the same") {
    for (const Words& words :
         {Words{"-fa@x", "b@y"}, Words{"-f", "a@x", "b@y"}, Words{"-tf", "a@x", "b@y"},
          Words{"-tfa@x", "b@y"}, Words{"-r", "a@x", "b@y"}, Words{"-f", "z", "-ra@x", "b@y"}}) {
        const Options options = good(words);
        CHECK(options.sender == "a@x");
        CHECK(options.operands == std::vector<std::string>{"b@y"});
    }
}

TEST_CASE("flags stand alone, in clusters, and more than once") {
    const Options options = good({"-tivG", "-oi", "-t", "x"});
    CHECK(options.recipient_source == RecipientSource::header_too);
    CHECK(options.lone_dot == LoneDot::is_text);
    CHECK(options.verbosity == Verbosity::names_id);
    CHECK(options.header_work == HeaderWork::keep);
    CHECK(good({"-o", "i", "x"}).lone_dot == LoneDot::is_text);
    CHECK(good({"-oitx"}).lone_dot == LoneDot::ends_input);
    CHECK(good({"x"}).lone_dot == LoneDot::ends_input);
}

TEST_CASE("what callers give and we have no use for is accepted, with its value") {
    const Words ignored{"-Am",     "-A",  "c",  "-C",    "f",         "-Df",   "-d0.1",  "-d",
                        "-c",      "-m",  "-n", "-s",    "-x",        "-T",    "-U",     "-L",
                        "tag",     "-M",  "x",  "-O",    "A=b",       "-Oa=b", "-pNNTP", "-p",
                        "x",       "-X",  "f",  "-em",   "-e",        "q",     "-odb",   "-oem",
                        "-om",     "-o7", "-o", "d",     "-oMrPROTO", "-oMr",  "PROTO",  "-oMa",
                        "1.2.3.4", "-oP", "f",  "-oX25", "-oX",       "f",     "-h5",    "-h",
                        "7",       "-bm", "-b", "m",     "to"};
    const Options options = good(ignored);
    CHECK(options.operands == std::vector<std::string>{"to"});
    CHECK(options.mode == Mode::submit);
    CHECK(options.hops == 7);
}

TEST_CASE("operands end the options") {
    CHECK(good({"--", "-x", "--help"}).operands == std::vector<std::string>{"-x", "--help"});
    CHECK(good({"-", "a"}).operands == std::vector<std::string>{"-", "a"});
    CHECK(good({""}).operands == std::vector<std::string>{""});
    check_refused({"a", "-f", "b"});
    check_refused({"a", "--", "b"});
    check_refused({"a", "--help"});
}

TEST_CASE("unknown options and missing or bad values are refused") {
    for (const char* word : {"-z",         "-E",          "-Q",
                             "-tz",        "-\n",         "--helpme",
                             "-f",         "-tf",         "-F",
                             "-o",         "-N",          "-oMa",
                             "-bd",        "-bD",         "-bl",
                             "-ba",        "-bz",         "-bmm",
                             "-bs",        "-bv",         "-b",
                             "-Ax",        "-B9BIT",      "-ez",
                             "-emm",       "-hx",         "-h-1",
                             "-qIx",       "-h1x",        "-h99999999999",
                             "-Nbogus",    "-N",          "-Nnever,delay",
                             "-Nfailure,", "-N,",         "-Rbody",
                             "-V",         "-Vtab\there", "-XV",
                             "-XVx",       "-qx",         "-fa@b@c",
                             "-fa b",      "-fa,b",       "-f|cmd",
                             "-fa@x\n",    "-f\"a"}) {
        check_refused({word});
    }
    check_refused({"-V", ""});
    check_refused({"-N", ""});
    check_refused({"-V", std::string_view("01234567890123456789012345678901234567890123456789"
                                          "01234567890123456789012345678901234567890123456789x")});
}

TEST_CASE("a sender may be null, bare, or a mailbox with a name") {
    CHECK(good({"-f", "", "x"}).sender == "");
    CHECK(good({"-f<>", "x"}).sender == "");
    CHECK(good({"-f", "<>", "x"}).sender == "");
    CHECK(good({"-fuser", "x"}).sender == "user");
    CHECK(good({"-f", "Name X <u@x>", "x"}).sender == "u@x");
    CHECK(good({"-f", "<u@x>", "x"}).sender == "u@x");
    CHECK_FALSE(good({"x"}).sender.has_value());
}

TEST_CASE("DSN options take any case") {
    CHECK(good({"-N", "NEVER", "x"}).notify == notify_never);
    CHECK(good({"-NSuccess,failure, DELAY", "x"}).notify ==
          (notify_success | notify_failure | notify_delay));
    CHECK(good({"-Rfull", "x"}).ret == Return::full);
    CHECK(good({"-R", "HDRS", "x"}).ret == Return::headers);
    CHECK(good({"-VQQ314159", "x"}).envid == "QQ314159");
    CHECK(good({"-B8BitMime", "x"}).eight_bit);
    CHECK_FALSE(good({"-B", "8BITMIME", "-B7bit", "x"}).eight_bit);
}

TEST_CASE("a full name loses its control bytes") {
    CHECK(good({"-FA\nBcc: b\r\x7f", "x"}).full_name == "A Bcc: b  ");
}

TEST_CASE("modes and program names") {
    const auto mode = [](const Words& words, std::string_view program) {
        const auto options = parsed(words, program);
        REQUIRE(options);
        return options->mode;
    };
    CHECK(mode({}, "mailq") == Mode::print_queue);
    CHECK(mode({}, "/usr/bin/newaliases") == Mode::aliases);
    CHECK(mode({}, "runq") == Mode::flush);
    CHECK(mode({}, "hoststat") == Mode::nothing);
    CHECK(mode({"-bp"}, "sendmail") == Mode::print_queue);
    CHECK(mode({"-bi"}, "sendmail") == Mode::aliases);
    CHECK(mode({"-I"}, "sendmail") == Mode::aliases);
    CHECK(mode({"-bh"}, "sendmail") == Mode::nothing);
    CHECK(mode({"-q"}, "sendmail") == Mode::flush);
    CHECK(mode({"-qf"}, "sendmail") == Mode::flush);
    CHECK(mode({"-q15m"}, "sendmail") == Mode::nothing);
    CHECK(mode({"--help", "-z"}, "sendmail") == Mode::help);
    CHECK(mode({"--version"}, "sendmail") == Mode::version);
    CHECK(good({"-qI01M7YKTKYJ065RDTDPBGH8XV2A"}).flushed.size() == 1);
    CHECK(good({"-qI01m7yktkyj065rdtdpbgh8xv2a"}).flushed.size() == 1);
    CHECK_FALSE(parsed({}, "rmail"));
    CHECK(parse_options({}));
}

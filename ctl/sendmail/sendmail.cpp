#include "ctl/sendmail/sendmail.h"

#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/sendmail/handover.h"
#include "ctl/sendmail/input.h"
#include "ctl/sendmail/options.h"
#include "ctl/sendmail/requests.h"
#include "ctl/sendmail/submission.h"
#include "smtpd/base/clock.h"

namespace holdfast::sendmail {

namespace {

constexpr std::string_view help =
    "usage: sendmail [-itv] [-f sender] [-F name] [-N notify] [-R full|hdrs] [-V id]\n"
    "                [--] [recipient ...] < message\n"
    "       sendmail -bp | mailq\n"
    "       sendmail -bi | newaliases\n"
    "       sendmail -q\n"
    "See sendmail(8).\n";

void name_id(const Options& options, const Submission& submission, Taker taker) {
    if (options.verbosity == Verbosity::silent) return;
    const char* place = taker == Taker::daemon ? "" : ", to be taken up when the daemon is back";
    (void)print(STDOUT_FILENO, "queued as " + submission.submit.id.text() + place + "\n");
}

Attempt<std::vector<std::string>> check_operands(const Options& options) {
    auto recipients = operand_recipients(options.operands);
    if (!recipients) return recipients;
    if (recipients->empty() && options.recipient_source == RecipientSource::operands) {
        return fails(EX_USAGE,
                     "no recipients: name them, or give -t to take them from the "
                     "header");
    }
    return recipients;
}

// Nothing outside is held, opened or spoken to before the input has ended.
Attempt<Submission> read_submission(const Site& site, const Options& options,
                                    StandardInput& input) {
    auto recipients = check_operands(options);
    if (!recipients) return std::unexpected(recipients.error());
    auto text = input.read_message(site, options.lone_dot);
    if (!text) return std::unexpected(text.error());
    auto submission = compose(options, std::move(*recipients), std::move(*text));
    if (submission) submission->submit.id = MessageId::generate(real_clock().wall());
    return submission;
}

Attempt<void> submit(const Site& site, const Options& options, StandardInput& input) {
    const auto submission = read_submission(site, options, input);
    if (!submission) return std::unexpected(submission.error());
    const auto taker = hand_over(*submission, site);
    if (!taker) {
        const Failure& failure = taker.error();
        return fails(failure.status, failure.text + " (" + submission->submit.id.text() + ")");
    }
    name_id(options, *submission, *taker);
    return {};
}

Attempt<void> perform(const Site& site, const Options& options, std::string_view name,
                      StandardInput& input) {
    switch (options.mode) {
        case Mode::submit:
            return submit(site, options, input);
        case Mode::print_queue:
            return print_queue(site);
        case Mode::flush:
            return flush_queue(site, options);
        case Mode::aliases:
            return reload_aliases(site, name);
        case Mode::nothing:
            return {};
        case Mode::help:
            (void)print(STDOUT_FILENO, help);
            return {};
        case Mode::version:
            (void)print(STDOUT_FILENO, "Holdfast sendmail " + std::string(paths::version) + "\n");
            return {};
    }
    return {};
}

}  // namespace

int run(const Site& site, std::span<const std::string_view> arguments, Input given) {
    StandardInput input(given);
    const auto options = parse_options(arguments);
    const auto performed = options ? perform(site, *options, own_name(arguments), input)
                                   : Attempt<void>(std::unexpected(options.error()));
    if (performed) return EX_OK;
    // A signal that was held back tells the caller more than a status does.
    release_ending_signals();
    complain(own_name(arguments), performed.error().text);
    if (!options || options->mode == Mode::submit) input.drain(site);
    return performed.error().status;
}

}  // namespace holdfast::sendmail

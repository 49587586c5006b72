#include "ctl/sendmail/handover.h"

#include <algorithm>

#include <poll.h>

#include "ctl/client/control_connection.h"
#include "ctl/sendmail/drop.h"
#include "ctl/sendmail/process.h"
#include "smtpd/base/quote.h"

namespace holdfast::sendmail {

namespace {

using client::ControlConnection;
using client::Deadline;
using client::Exchange;
using client::Setback;
using client::Trouble;

constexpr int first_pause = 10;  // milliseconds
constexpr int longest_pause = 200;

class Handover {
  public:
    Handover(const Submission& submission, const Site& site)
        : submission_(submission), site_(site), silence_(site.silence) {}

    // The daemon's answer, from whichever attempt got one.
    Exchange<links::Answer> ask_daemon() {
        std::optional<Deadline> absence;  // counts from the first setback
        int pause = first_pause;
        while (true) {
            auto answer = attempt();
            if (!absence) absence.emplace(site_.absence);
            if (answer || !is_worth_another(answer.error().trouble)) return answer;
            if (absence->milliseconds_left() == 0) return answer;
            (void)poll(nullptr, 0, pause);
            pause = std::min(2 * pause, longest_pause);
        }
    }

    DaemonMayHaveIt daemon_may_have_it() const { return daemon_may_have_it_; }

  private:
    // With a daemon that is busy or silent all the patience there is has been used up.
    static bool is_worth_another(Trouble trouble) {
        return trouble == Trouble::absent || trouble == Trouble::lost;
    }

    Exchange<links::Answer> attempt() {
        auto connection = ControlConnection::open(site_.control_socket, silence_);
        if (!connection) return std::unexpected(connection.error());
        Exchange<client::Sent> sent = client::Sent::all;
        for_each_packet(submission_, [&](std::string_view packet, More more) {
            if (more == More::no) {
                hold_ending_signals();
                daemon_may_have_it_ = DaemonMayHaveIt::yes;
            }
            sent = connection->send(packet, silence_);
            return sent && *sent == client::Sent::all;
        });
        if (!sent) return std::unexpected(sent.error());
        auto message = connection->receive(silence_);
        if (!message) return std::unexpected(message.error());
        if (auto* answer = std::get_if<links::Answer>(&*message)) return std::move(*answer);
        return std::unexpected(Setback{Trouble::lost, Error(0, "the daemon's answer is not one")});
    }

    const Submission& submission_;
    const Site& site_;
    Deadline silence_;
    DaemonMayHaveIt daemon_may_have_it_ = DaemonMayHaveIt::no;
};

std::string no_taker(const Setback& daemon, const Failure& spool, DaemonMayHaveIt doubt) {
    // The daemon had all of it and fell silent: to say "nothing" here could be untrue.
    const char* outcome = doubt == DaemonMayHaveIt::yes
                              ? "nothing more is stored, but the daemon may have the message"
                              : "nothing is stored, try again later";
    return "no daemon (" + daemon.error.text() + ") and no spool (" + spool.text + "): " + outcome;
}

}  // namespace

Attempt<void> as_attempt(const links::Answer& answer) {
    if (answer.status == 0) return {};
    const bool is_ours = answer.status >= EX__BASE && answer.status <= EX__MAX;
    return fails(is_ours ? answer.status : EX_SOFTWARE, harmless(answer.text));
}

Attempt<Taker> hand_over(const Submission& submission, const Site& site) {
    Handover handover(submission, site);
    const auto answer = handover.ask_daemon();
    if (answer) {
        if (auto taken = as_attempt(*answer); !taken) return std::unexpected(taken.error());
        return Taker::daemon;
    }
    const DaemonMayHaveIt doubt = handover.daemon_may_have_it();
    if (const auto dropped = drop(submission, site, doubt); !dropped) {
        return fails(EX_TEMPFAIL, no_taker(answer.error(), dropped.error(), doubt));
    }
    return Taker::drop;
}

}  // namespace holdfast::sendmail

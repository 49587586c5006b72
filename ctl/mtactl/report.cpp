#include "ctl/mtactl/report.h"

#include <sysexits.h>
#include <unistd.h>

#include "ctl/client/output.h"
#include "smtpd/base/json.h"
#include "smtpd/base/quote.h"

namespace holdfast::mtactl {

std::string verdict_json(const Attempt<std::string>& verdict) {
    JsonObject object;
    object.flag("ok", verdict.has_value());
    object.number("status", verdict ? 0 : int{verdict.error().status});
    object.text("text", verdict ? *verdict : verdict.error().text);
    return object.json() + "\n";
}

int conclude(Form form, const Attempt<std::string>& verdict) {
    if (!verdict) return conclude_failure(form, verdict.error());
    if (form == Form::json) return print(STDOUT_FILENO, verdict_json(verdict)) ? EX_OK : EX_IOERR;
    if (verdict->empty()) return EX_OK;
    return print(STDOUT_FILENO, harmless(*verdict) + "\n") ? EX_OK : EX_IOERR;
}

int conclude_failure(Form form, const Failure& failure) {
    if (form == Form::json) print(STDOUT_FILENO, verdict_json(std::unexpected(failure)));
    complain("mtactl", harmless(failure.text));
    return failure.status;
}

}  // namespace holdfast::mtactl

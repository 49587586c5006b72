#include "ctl/mtactl/report.h"

#include <sysexits.h>
#include <unistd.h>

#include "ctl/mtactl/display.h"
#include "smtpd/base/json.h"
#include "smtpd/base/write.h"

namespace holdfast::mtactl {

bool print(std::string_view text) {
    return write_all(STDOUT_FILENO, text).has_value();
}

bool print_error(std::string_view line) {
    return print_usage("mtactl: " + safe_line(line) + "\n");
}

bool print_usage(std::string_view text) {
    return write_all(STDERR_FILENO, text).has_value();
}

std::string verdict_json(const Attempt<std::string>& verdict) {
    JsonObject object;
    object.flag("ok", verdict.has_value());
    object.number("status", verdict ? 0 : int{verdict.error().status});
    object.text("text", verdict ? *verdict : verdict.error().text);
    return object.json() + "\n";
}

int conclude(Form form, const Attempt<std::string>& verdict) {
    if (!verdict) return conclude_failure(form, verdict.error());
    if (form == Form::json) return print(verdict_json(verdict)) ? EX_OK : EX_IOERR;
    if (verdict->empty()) return EX_OK;
    return print(safe_line(*verdict) + "\n") ? EX_OK : EX_IOERR;
}

int conclude_failure(Form form, const Failure& failure) {
    if (form == Form::json) print(verdict_json(std::unexpected(failure)));
    print_error(failure.text);
    return failure.status;
}

}  // namespace holdfast::mtactl

#include "smtpd/base/panic.h"

#include <cstdlib>

#include "smtpd/base/log.h"

namespace holdfast {

void panic(std::string_view what) {
    log::error("panic", {{"what", what}});
    std::abort();
}

}  // namespace holdfast

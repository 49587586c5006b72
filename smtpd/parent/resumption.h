// What one smtpd tells the next on its command line; everything else is in the state (state.h),
// which that one may not be able to read.
#pragma once

#include <string>

namespace holdfast {

struct Resumption {
    unsigned attempt = 1;  // 2: the old program, after the new one has failed
    int fallback = -1;     // the old smtpd, to be executed again where the new one fails
    std::string failure;   // at attempt 2: why
};

}  // namespace holdfast

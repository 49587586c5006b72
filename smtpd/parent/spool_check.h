// Whether qmgr will be able to work in the spool. It could only say "/: permission denied" itself,
// from inside its root folder and into the log; asked here, the answer reaches whoever starts
// smtpd.
#pragma once

#include <string>

#include "smtpd/base/error.h"
#include "smtpd/links/snapshots.h"

namespace holdfast {

// `queue` is who qmgr will be. Looks at the folder and at what belongs in it, where that is there
// already: qmgr makes the rest. The error names what is wrong and a command that mends it.
Status check_spool(const std::string& path, const links::Identity& queue);

}  // namespace holdfast

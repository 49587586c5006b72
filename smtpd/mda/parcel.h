// One message on its way into a mailbox: the order, and its bytes as the mailbox will hold them.
#pragma once

#include "smtpd/links/qmgr_mda.h"
#include "smtpd/mda/content.h"

namespace holdfast::mda {

struct Parcel {
    links::Deliver order;
    Content content;
};

}  // namespace holdfast::mda

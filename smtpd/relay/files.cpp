#include "smtpd/relay/files.h"

#include <utility>

#include "smtpd/links/snapshot_file.h"

namespace holdfast::relay {

void Files::read(std::uint32_t number, Done done) {
    waiting_.push_back(std::move(done));
    ask_(links::FileWanted{number});
}

void Files::on(links::File&& file) {
    if (waiting_.empty()) return;
    const Done done = std::move(waiting_.front());
    waiting_.pop_front();
    if (!file.file) return done(plain_error(file.error));
    done(links::read_sealed(file.file.get()));
}

}  // namespace holdfast::relay

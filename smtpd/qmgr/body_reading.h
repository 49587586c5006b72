// The body of a message on its way to whoever delivers it: from memory where it is there, else from
// the disk, without the loop waiting for that.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

using Body = std::shared_ptr<const queue::Slice>;

// All of it is read and its sum checked before `done(std::expected<Body, queue::LoadFailure>)`.
template <class Done>
void open_body(Spool& spool, const MessageId& id, const queue::BodyPlace& place, Done done) {
    using Opened = std::expected<queue::Slice, queue::LoadFailure>;
    spool.run([id, place](queue::Store& store) { return store.open_body(id, place); },
              [done = std::move(done)](Opened slice) mutable {
                  if (!slice) return done(std::unexpected(std::move(slice.error())));
                  done(std::make_shared<const queue::Slice>(std::move(*slice)));
              });
}

// Calls `done(Result<std::string>)` with these bytes; before it returns, where they are in memory.
template <class Done>
void read_body(Spool& spool, const Body& body, std::uint64_t offset, std::size_t size, Done done) {
    if (body->kept()) return done(body->read(offset, size));
    spool.run([body, offset, size](queue::Store&) { return body->read(offset, size); },
              std::move(done));
}

}  // namespace holdfast::qmgr

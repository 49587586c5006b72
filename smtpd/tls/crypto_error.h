// How OpenSSL is set up, and what it has to say about a failure, in a form that fits into one line
// of a log.
#pragma once

#include <string>
#include <string_view>

#include "smtpd/base/error.h"

namespace holdfast::tls {

// Empties this thread's queue of errors. Errors that our own callbacks put there come before what
// OpenSSL made of them; without any, the text says so.
std::string take_crypto_reason();

// The same as an Error: "doing on: reason".
std::unexpected<Error> crypto_error(std::string_view doing, std::string_view on = {});

// Before anything else of OpenSSL: no room can read its configuration file, and none should.
void set_up_crypto();

// Given where OpenSSL would ask somebody for a passphrase: there is nobody.
int no_passphrase(char* into, int size, int writing, void* context) noexcept;

// Puts a reason of ours into the queue, from inside a callback.
void raise_crypto_error(const std::string& reason);

}  // namespace holdfast::tls

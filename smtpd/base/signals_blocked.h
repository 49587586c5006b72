// No signal reaches this thread for as long as this lives; then the mask is what it was.
#pragma once

#include <initializer_list>

#include <signal.h>

namespace holdfast {

class SignalsBlocked {
  public:
    // `but`: those that come all the same.
    explicit SignalsBlocked(std::initializer_list<int> but = {}) {
        sigset_t mask;
        sigfillset(&mask);
        for (const int number : but) sigdelset(&mask, number);
        pthread_sigmask(SIG_SETMASK, &mask, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

}  // namespace holdfast

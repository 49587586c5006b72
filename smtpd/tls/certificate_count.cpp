#include "smtpd/tls/certificate_count.h"

#include <string>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "smtpd/tls/certificate.h"
#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/openssl.h"

namespace holdfast::tls {

Result<std::size_t> count_certificates(std::string_view pem, std::string_view name) {
    if (const auto is_public = check_public(pem, name); !is_public) return is_public.error().pass();
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    ERR_clear_error();
    std::size_t count = 0;
    while (X509Handle(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr))) ++count;
    const unsigned long reason = ERR_peek_last_error();
    if (ERR_GET_LIB(reason) == ERR_LIB_PEM && ERR_GET_REASON(reason) == PEM_R_NO_START_LINE &&
        count != 0) {
        ERR_clear_error();
        return count;
    }
    return plain_error(std::string(name) + ": certificate " + std::to_string(count + 1) +
                       " can't be read, write the file anew: " + take_crypto_reason());
}

}  // namespace holdfast::tls

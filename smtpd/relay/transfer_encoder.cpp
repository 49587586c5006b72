#include "smtpd/relay/transfer_encoder.h"

#include "smtpd/base/panic.h"

namespace holdfast::relay {

TransferEncoder::TransferEncoder(TransferForm form) : encoder_(encoder_for(form)) {}

TransferEncoder::Encoder TransferEncoder::encoder_for(TransferForm form) {
    switch (form) {
        case TransferForm::as_it_is:
            return AsItIs();
        case TransferForm::quoted_printable:
            return QuotedPrintable(QuotedPrintable::Input::text);
        case TransferForm::base64:
            return Base64Text();
        case TransferForm::quoted_printable_again:
            return QuotedPrintable(QuotedPrintable::Input::encoded);
        case TransferForm::base64_again:
            return Base64Again();
    }
    panic("a transfer form that is none");
}

std::string TransferEncoder::feed(std::string_view text) {
    if (auto* quoted = std::get_if<QuotedPrintable>(&encoder_)) return quoted->feed(text);
    if (auto* base64 = std::get_if<Base64Text>(&encoder_)) return base64->feed(text);
    if (auto* base64 = std::get_if<Base64Again>(&encoder_)) return base64->feed(text);
    return std::string(text);
}

std::string TransferEncoder::finish(Behind behind) {
    if (auto* quoted = std::get_if<QuotedPrintable>(&encoder_)) return quoted->finish();
    if (auto* base64 = std::get_if<Base64Text>(&encoder_)) return base64->finish(behind);
    if (auto* base64 = std::get_if<Base64Again>(&encoder_)) return base64->finish();
    return {};
}

}  // namespace holdfast::relay

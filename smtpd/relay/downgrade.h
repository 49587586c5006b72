// The second of two readings of a message: what a server does not take is encoded, so that nothing
// is lost (RFC 2045, 2047; F51). What need not change goes byte for byte.
//
// - Text of a part with bytes above 0x7f, or lines over max_line: quoted-printable where it is
// text,
//   else base64; both as a mail program decodes them give what was there. Text that claims to be
//   encoded already is put right within that encoding.
// - Around the parts of a multipart, where no reader looks, the same as quoted-printable.
// - Fields with bytes above 0x7f: header_encoding.h. Long lines of a header: header_folder.h.
// - A message that says nothing of MIME gets the fields it needs, with the charset UTF-8 where its
//   text is that, else unknown-8bit (RFC 1428). One with Content-Type but without MIME-Version is
//   read as most programs do: as MIME.
// - What is signed or encrypted stays (RFC 1847: it is to be 7bit already): see obstacle().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "smtpd/relay/header_folder.h"
#include "smtpd/relay/line_cutter.h"
#include "smtpd/relay/message_facts.h"
#include "smtpd/relay/mime_reader.h"
#include "smtpd/relay/transfer_encoder.h"

namespace holdfast::relay {

class Downgrade {
  public:
    // `facts` are those of the very text that follows, and hold no obstacle().
    Downgrade(MessageFacts facts, Octets octets);

    // LF line ends on both sides.
    std::string feed(std::string_view text);
    std::string finish();

  private:
    std::string take(const LinePart& line);
    std::string carried_out(const MimeEvent& event, const LinePart& line);
    std::string field(const MimeEvent& event);
    std::string end_header(const MimeEvent& event);
    std::string end_text(Behind behind);
    const PartFacts& facts_of(std::size_t part) const;

    MessageFacts facts_;
    Octets octets_;
    LineCutter cutter_;
    MimeReader reader_;
    HeaderFolder folder_;
    TransferEncoder encoder_{TransferForm::as_it_is};
    bool in_text_ = false;         // encoder_ is at work
    bool encoding_named_ = false;  // in the header that is being written
};

}  // namespace holdfast::relay

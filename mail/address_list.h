// Lists of addresses as people and programs write them (RFC 5322 3.4): in To: fields and on the command line of sendmail.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mail/address.h"

namespace mail {

/// Every address of a field's value, in its order, as it stands on the wire but unchecked: without display names, comments,
/// folds, source routes; those of groups as well. A local part alone ("root") is an address here; see qualified().
/// Kind::invalid for what cannot be read, two words in a row without "<" among it: no recipient is guessed or passed over.
/// Linear in the size of the value.
Result<std::vector<std::string>> addresses_in(std::string_view value);

/// An address of addresses_in() as a Mailbox; a local part alone is at `domain`.
Result<Mailbox> qualified(std::string_view address, std::string_view domain);

}  // namespace mail

// The part of a report that people read, and its subject.
#pragma once

#include <string>

#include "mail/dsn.h"

namespace mail {

/// UTF-8 with '\n': English, then Chinese. At most 50 recipients are told one by one, the others counted.
std::string report_words(const Report& report);

/// UTF-8 on one line: what happened and to whose mail, in both languages.
std::string report_subject(const Report& report);

/// Between English and Chinese in one text, and the line that says at its head that there is Chinese.
std::string in_both_languages(std::string_view english, std::string_view chinese);

}  // namespace mail

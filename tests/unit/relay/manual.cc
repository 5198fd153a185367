// Reading the manual page.
#include "tests/unit/relay/manual.h"

#include <boost/json/value.hpp>

#include "base/file.h"
#include "base/text.h"

namespace world {

Members documented_members(const std::string& heading) {
  const std::string page = base::read_file(std::string(MAILFERRY_SOURCE_DIR) + "/packaging/man/mailferry.1").value_or("");
  Members members;
  bool inside = false;
  std::string_view before;
  for (const std::string_view line : base::split(page, '\n')) {
    if (line.starts_with(".S")) inside = line == ".SS \"" + heading + "\"";
    if (inside && before == ".TP" && line.starts_with(".B ")) members.emplace(line.substr(3));
    before = line;
  }
  return members;
}

Members printed_members(const boost::json::object& object) {
  Members members;
  for (const auto& each : object) {
    const std::string name(each.key());
    if (each.value().is_object()) {
      for (const std::string& inner : printed_members(each.value().get_object())) members.insert(name + "." + inner);
    } else {
      members.insert(name);
    }
  }
  return members;
}

}  // namespace world

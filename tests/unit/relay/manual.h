// What mailferry(1) promises about the JSON of a command: the names under a heading of its JSON section.
#pragma once

#include <boost/json/object.hpp>
#include <set>
#include <string>

namespace world {

using Members = std::set<std::string>;

/// Of the section `.SS "heading"`: each `.TP` with `.B name`; "a.b" is a member of the object that is the member a.
Members documented_members(const std::string& heading);
/// The same names of an object that was printed; what is in arrays is left out.
Members printed_members(const boost::json::object& object);

}  // namespace world

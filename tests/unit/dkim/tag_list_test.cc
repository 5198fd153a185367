// Tag lists (RFC 6376 3.2) and the names in them.
#include "dkim/tag_list.h"

#include <string>

#include "tests/catch.h"

using dkim::TagList;

TEST_CASE("tags are split, their values trimmed and kept with their folds") {
  const TagList tags = TagList::parse(" v=1; a = x y ;\r\n\tb=\r\n aa\r\n bb\r\n ;c_2=; d=e=f").value();
  REQUIRE(tags.tags().size() == 5);
  CHECK(tags.value("v") == "1");
  CHECK(tags.value("a") == "x y");
  CHECK(tags.value("b") == "aa\r\n bb");
  CHECK(tags.find("b")->whole == "\r\n aa\r\n bb\r\n ");
  CHECK(tags.find("c_2") != nullptr);
  CHECK(tags.value("c_2", "otherwise").empty());
  CHECK(tags.value("d") == "e=f");
  CHECK(tags.find("V") == nullptr);
  CHECK(tags.value("V", "otherwise") == "otherwise");
}

TEST_CASE("a semicolon may end the list, and an empty list has no tags") {
  CHECK(TagList::parse("v=1;").value().tags().size() == 1);
  CHECK(TagList::parse("v=1; ").value().tags().size() == 1);
  CHECK(TagList::parse("").value().tags().empty());
  CHECK(TagList::parse(" \r\n ").value().tags().empty());
}

TEST_CASE("what is no tag list is refused") {
  const auto text = GENERATE("v", "=1", "v=1;;a=2", ";v=1", "1v=1", "v w=1", "v-w=1", "v=1; v=2", "v=\x01", "v=\x7f",
                             "v=\xc3\xa9", "v=1\r\n", "v=1\r\n;a=2", "v=1\ra", "v=1\n a", "v=1\r\n\r\n a");
  CAPTURE(text);
  const auto tags = TagList::parse(text);
  REQUIRE_FALSE(tags);
  CHECK(tags.error().kind == base::Kind::invalid);
}

TEST_CASE("the number of tags is bounded") {
  std::string text;
  for (std::size_t i = 0; i < TagList::max_tags; ++i) text += "t" + std::to_string(i) + "=;";
  CHECK(TagList::parse(text));
  CHECK_FALSE(TagList::parse(text + "x=1"));
}

TEST_CASE("lists with colons") {
  CHECK(dkim::colon_list("a : b\r\n :c") == std::vector<std::string_view>{"a", "b", "c"});
  CHECK(dkim::colon_list("a::b") == std::vector<std::string_view>{"a", "", "b"});
}

TEST_CASE("names of domains, selectors and fields") {
  CHECK(dkim::is_dns_name("example.com"));
  CHECK(dkim::is_dns_name("my_selector.2026-a"));
  CHECK(dkim::is_dns_name(std::string(63, 'a') + ".b"));
  const auto bad_name = GENERATE("", ".", "a.", ".a", "a..b", "a b", "a;b", "[192.0.2.1]", "\xc3\xa9.example");
  CHECK_FALSE(dkim::is_dns_name(bad_name));
  CHECK_FALSE(dkim::is_dns_name(std::string(64, 'a')));
  CHECK_FALSE(dkim::is_dns_name(std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." +
                                std::string(63, 'a')));
  CHECK(dkim::is_field_name("List-Unsubscribe-Post"));
  const auto bad_field = GENERATE("", "a b", "a:b", "a;b", "a\tb", "\xc3\xa9");
  CHECK_FALSE(dkim::is_field_name(bad_field));
}

// Which route and which shapes hold for a delivery.
#include "conf/matching.h"

#include <string>

#include "tests/catch.h"

using conf::covers;
using conf::route_for;

namespace {

conf::Route route(const std::string& domain) {
  conf::Route made;
  made.domain = domain;
  return made;
}

}  // namespace

TEST_CASE("the first route whose pattern matches counts") {
  conf::Config config;
  config.route = {route("example.com"), route("*.example.com"), route("*")};
  CHECK(route_for(config, "example.com") == &config.route[0]);
  CHECK(route_for(config, "EXAMPLE.com") == &config.route[0]);
  CHECK(route_for(config, "sub.example.com") == &config.route[1]);
  CHECK(route_for(config, "deep.sub.example.com") == &config.route[1]);
  CHECK(route_for(config, "notexample.com") == &config.route[2]);
  config.route.pop_back();
  CHECK(route_for(config, "notexample.com") == nullptr);
}

TEST_CASE("a shape with a domain is about destinations, whatever their hosts") {
  conf::Shape shape;
  shape.domain = "*.example.com";
  CHECK(covers(shape, "sub.EXAMPLE.com", "mx.elsewhere.example"));
  CHECK(covers(shape, "sub.example.com", ""));
  CHECK_FALSE(covers(shape, "elsewhere.example", "mx.sub.example.com"));
}

TEST_CASE("a shape with an mx is about hosts, and about none where no host is known yet") {
  conf::Shape shape;
  shape.mx = "*";
  CHECK(covers(shape, "example.com", "mx.example.com"));
  CHECK_FALSE(covers(shape, "example.com", ""));
  shape.mx = "*.google.com";
  CHECK(covers(shape, "example.com", "aspmx.l.google.com"));
  CHECK_FALSE(covers(shape, "google.com", "mx.example.com"));
}

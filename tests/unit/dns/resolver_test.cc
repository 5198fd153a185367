// The resolver against a DNS server of our own: what it asks, what it makes of the answers, and how it ends.
#include "dns/resolver.h"

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/dns/packet.h"
#include "tests/unit/dns/server.h"

namespace {

using namespace std::chrono_literals;
using namespace dns_test;
using base::Kind;
using dns::RecordType;
using dns::Status;

using Told = dns::Result<dns::Answer>;

std::unique_ptr<dns::Resolver> resolver_for(std::vector<base::Endpoint> servers, base::Duration timeout = 20s,
                                            std::size_t cache = 100) {
  dns::ResolverOptions options;
  options.servers = std::move(servers);
  options.timeout = timeout;
  options.cache = cache;
  auto made = dns::make_resolver(options);
  REQUIRE(made.has_value());
  return std::move(*made);
}

Told ask(dns::Resolver& resolver, const std::string& name, RecordType type) {
  std::promise<Told> promise;
  auto future = promise.get_future();
  resolver.query(name, type, [&promise](Told told) { promise.set_value(std::move(told)); });
  REQUIRE(future.wait_for(30s) == std::future_status::ready);
  return future.get();
}

std::vector<std::string> one_address(const std::string& question, std::uint32_t ttl = 300) {
  return {Packet::reply_to(question).answer(rr(to_question, a, ttl, std::string("\xc0\x00\x02\x01", 4))).octets()};
}

bool asks(const std::string& question, std::string_view label) { return question.find(label) != std::string::npos; }

/// Answers by the first label of the name.
std::vector<std::string> world(const std::string& question, Transport transport) {
  auto reply = Packet::reply_to(question);
  if (asks(question, "missing")) return {reply.rcode(3).authority(rr(labels("example"), soa, 60, soa_data(60))).octets()};
  if (asks(question, "nodata")) return {reply.authority(rr(labels("example"), soa, 60, soa_data(60))).octets()};
  if (asks(question, "servfail")) return {reply.rcode(2).octets()};
  if (asks(question, "silent")) return {};
  if (asks(question, "garbage")) return {"x", std::string(600, '\xff'), question, question.substr(0, 2) + "\x81\x80\xff\xff"};
  if (asks(question, "secure")) reply.authentic();
  const int count = asks(question, "huge") ? 400 : asks(question, "large") ? 40 : 1;
  if (asks(question, "huge") && transport == Transport::udp) return {reply.truncated().octets()};
  for (int i = 0; i < count; ++i) reply.answer(rr(to_question, mx, 300, mx_data(10, "mx" + std::to_string(i) + ".example")));
  return {reply.octets()};
}

}  // namespace

TEST_CASE("a question and its answer") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  const auto answer = ask(*resolver, "Plain.Example", RecordType::mx);
  REQUIRE(answer.has_value());
  CHECK(answer->status == Status::found);
  CHECK(std::get<dns::MxRecord>(answer->records.at(0)) == dns::MxRecord{10, "mx0.example"});
  CHECK(answer->ttl == 300s);
  CHECK_FALSE(answer->authentic);
  CHECK(ask(*resolver, "secure.example", RecordType::mx)->authentic);
}

TEST_CASE("it asks with recursion, AD and EDNS") {
  std::promise<std::string> promise;
  Server server([&](const std::string& question, Transport) {
    promise.set_value(question);
    return one_address(question);
  });
  const auto resolver = resolver_for({server.endpoint()});
  CHECK(ask(*resolver, "a.example", RecordType::a).has_value());
  const std::string question = promise.get_future().get();
  CHECK((question[2] & 0x01) != 0);
  CHECK((question[3] & 0x20) != 0);
  const std::string opt = std::string("\0", 1) + u16(41) + u16(1232);
  CHECK(question.find(opt) != std::string::npos);
}

TEST_CASE("what is not there") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  CHECK(ask(*resolver, "missing.example", RecordType::mx)->status == Status::no_name);
  CHECK(ask(*resolver, "nodata.example", RecordType::mx)->status == Status::no_data);
  CHECK(ask(*resolver, "nodata.example", RecordType::mx)->ttl <= 60s);
  CHECK(server.udp_questions() == 2);
}

TEST_CASE("what is asked afresh passes over the cache and takes the place of what was kept") {
  std::atomic<char> last = '\1';
  Server server([&](const std::string& question, Transport) {
    const std::string address = std::string("\xc0\x00\x02", 3) + last.load();
    return std::vector<std::string>{Packet::reply_to(question).answer(rr(to_question, a, 300, address)).octets()};
  });
  const auto resolver = resolver_for({server.endpoint()});
  const auto address_in = [](const Told& told) { return std::get<base::IpAddress>(told.value().records.at(0)).to_string(); };
  CHECK(address_in(ask(*resolver, "home.example", RecordType::a)) == "192.0.2.1");
  last = '\2';
  CHECK(address_in(ask(*resolver, "home.example", RecordType::a)) == "192.0.2.1");
  std::promise<Told> fresh;
  resolver->query_afresh("Home.example", RecordType::a, [&](Told told) { fresh.set_value(std::move(told)); });
  CHECK(address_in(fresh.get_future().get()) == "192.0.2.2");
  CHECK(address_in(ask(*resolver, "home.example", RecordType::a)) == "192.0.2.2");
  CHECK(server.udp_questions() == 2);
}

TEST_CASE("SERVFAIL is temporary and not remembered") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  const auto failed = ask(*resolver, "servfail.example", RecordType::mx);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().kind == Kind::temporary);
  const int asked = server.udp_questions();
  CHECK_FALSE(ask(*resolver, "servfail.example", RecordType::mx).has_value());
  CHECK(server.udp_questions() > asked);
}

TEST_CASE("an answer that does not fit a datagram comes by TCP") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  const auto answer = ask(*resolver, "huge.example", RecordType::mx);
  REQUIRE(answer.has_value());
  CHECK(answer->records.size() == 400);
  CHECK(server.tcp_questions() == 1);
}

TEST_CASE("one that fits EDNS does not") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  CHECK(ask(*resolver, "large.example", RecordType::mx)->records.size() == 40);
  CHECK(server.tcp_questions() == 0);
}

TEST_CASE("silence and garbage end in time, and others are answered meanwhile") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()}, 1500ms);
  const std::string name = GENERATE(as<std::string>(), "silent.example", "garbage.example");
  const auto began = std::chrono::steady_clock::now();
  std::promise<Told> late;
  resolver->query(name, RecordType::mx, [&](Told told) { late.set_value(std::move(told)); });
  CHECK(ask(*resolver, "plain.example", RecordType::mx).has_value());
  const auto told = late.get_future().get();
  REQUIRE_FALSE(told.has_value());
  CHECK(told.error().kind == Kind::temporary);
  CHECK(std::chrono::steady_clock::now() - began < 10s);  // on a machine that is busy
}

TEST_CASE("nobody listens there") {
  base::Endpoint gone;
  {
    Server server(world);
    gone = server.endpoint();
  }
  const auto resolver = resolver_for({gone}, 2s);
  CHECK(ask(*resolver, "a.example", RecordType::mx).error().kind == Kind::temporary);
}

TEST_CASE("the next server is asked when the first is silent") {
  Server silent([](const std::string&, Transport) { return std::vector<std::string>(); });
  Server server(world);
  const auto resolver = resolver_for({silent.endpoint(), server.endpoint()}, 5s);
  CHECK(ask(*resolver, "a.example", RecordType::mx).has_value());
  CHECK(silent.udp_questions() > 0);
}

TEST_CASE("a server by its IPv6 address") {
  Server server(world, "::1");
  if (server.endpoint().port == 0) return;  // no IPv6 here
  const auto resolver = resolver_for({server.endpoint()});
  CHECK(ask(*resolver, "a.example", RecordType::mx).has_value());
}

TEST_CASE("a server that does not know EDNS is asked without") {
  Server server([](const std::string& question, Transport) {
    const bool edns = question[11] != 0;
    if (edns) return std::vector<std::string>{Packet::reply_to(question).rcode(1).octets()};
    return one_address(question);
  });
  const auto resolver = resolver_for({server.endpoint()});
  CHECK(ask(*resolver, "a.example", RecordType::a).has_value());
  CHECK(ask(*resolver, "b.example", RecordType::a).has_value());
}

TEST_CASE("a known answer comes at once, on the thread that asks") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  CHECK(ask(*resolver, "a.example", RecordType::mx).has_value());
  std::thread::id thread;
  resolver->query("A.EXAMPLE.", RecordType::mx, [&](Told told) {
    thread = std::this_thread::get_id();
    CHECK(told.has_value());
  });
  CHECK(thread == std::this_thread::get_id());
  CHECK(server.udp_questions() == 1);
}

TEST_CASE("an answer without a TTL is asked for again") {
  Server server([](const std::string& question, Transport) { return one_address(question, 0); });
  const auto resolver = resolver_for({server.endpoint()});
  CHECK(ask(*resolver, "a.example", RecordType::a).has_value());
  CHECK(ask(*resolver, "a.example", RecordType::a).has_value());
  CHECK(server.udp_questions() == 2);
}

TEST_CASE("equal questions at the same time are asked once") {
  std::promise<void> gate;
  const auto opened = gate.get_future().share();
  Server server([&](const std::string& question, Transport) {
    opened.wait();
    return one_address(question);
  });
  const auto resolver = resolver_for({server.endpoint()});
  std::atomic<int> answers = 0;
  for (int i = 0; i < 50; ++i) {
    resolver->query("a.example", RecordType::a, [&](Told told) { answers += told.has_value() ? 1 : 0; });
  }
  gate.set_value();
  CHECK(ask(*resolver, "a.example", RecordType::a).has_value());
  while (answers < 50) std::this_thread::yield();
  CHECK(server.udp_questions() <= 2);  // two, when the first had left already as the second came
}

TEST_CASE("names that DNS cannot hold are not asked for") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  const std::string name = GENERATE(as<std::string>(), "", "a b.example", "a\n.example", "a..example");
  CHECK(ask(*resolver, name, RecordType::mx).error().kind == Kind::invalid);
  CHECK(server.udp_questions() == 0);
}

TEST_CASE("a callback may ask again") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()});
  std::promise<Told> second;
  resolver->query("a.example", RecordType::mx, [&](const Told& told) {
    CHECK(told.has_value());
    resolver->query("b.example", RecordType::mx, [&](Told again) { second.set_value(std::move(again)); });
  });
  CHECK(second.get_future().get().has_value());
}

TEST_CASE("the end cancels what is outstanding, each once") {
  Server server([](const std::string&, Transport) { return std::vector<std::string>(); });
  auto resolver = resolver_for({server.endpoint()});
  constexpr int count = 300;
  std::atomic<int> cancelled = 0;
  std::atomic<int> all = 0;
  for (int i = 0; i < count; ++i) {
    resolver->query("n" + std::to_string(i) + ".example", RecordType::a, [&](const Told& told) {
      ++all;
      if (!told && told.error().kind == Kind::cancelled) ++cancelled;
    });
  }
  const auto began = std::chrono::steady_clock::now();
  resolver.reset();
  CHECK(all == count);
  CHECK(cancelled == count);
  CHECK(std::chrono::steady_clock::now() - began < 5s);
}

TEST_CASE("many threads, many names, a small cache") {
  Server server(world);
  const auto resolver = resolver_for({server.endpoint()}, 20s, 8);
  std::atomic<int> found = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 100; ++i) {
        std::promise<bool> promise;
        resolver->query("n" + std::to_string((i * (thread + 1)) % 30) + ".example", RecordType::mx,
                        [&](const Told& told) { promise.set_value(told.has_value()); });
        if (promise.get_future().get()) ++found;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(found == 400);
}

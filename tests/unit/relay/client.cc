// The client's side of a conversation.
#include "tests/unit/relay/client.h"

#include "mail/data.h"

namespace world {

Client::Client(std::uint16_t port, const std::string& address) : wire_(Wire::connect(address, port)) {
  greeting_ = wire_.read_reply();
}

Client Client::from(const std::string& source, std::uint16_t port) {
  Client client(Wire::connect("127.0.0.1", port, source));
  client.greeting_ = client.wire_.read_reply();
  return client;
}

Client Client::over_tls(std::uint16_t port) {
  Client client(Wire::connect("127.0.0.1", port));
  client.wire_.start_tls_as_client();
  client.greeting_ = client.wire_.read_reply();
  return client;
}

Client Client::at_socket(const std::string& path) {
  Client client(Wire::connect(path));
  client.greeting_ = client.wire_.read_reply();
  return client;
}

std::string Client::say(std::string_view line) {
  wire_.write(std::string(line) + "\r\n");
  return wire_.read_reply();
}

void Client::start_tls() {
  ehlo();
  if (say("STARTTLS").starts_with("220")) wire_.start_tls_as_client();
  ehlo();
}

std::string Client::send(const std::string& from, const std::vector<std::string>& to, std::string_view content) {
  std::string reply = say("MAIL FROM:<" + from + ">");
  if (!reply.starts_with("250")) return reply;
  for (const std::string& mailbox : to) {
    reply = say("RCPT TO:<" + mailbox + ">");
    if (!reply.starts_with("250")) return reply;
  }
  reply = say("DATA");
  if (!reply.starts_with("354")) return reply;
  return send_content(content);
}

std::string Client::send_content(std::string_view content) {
  mail::DotStuffer stuffer;
  std::string octets;
  stuffer.append(content, octets);
  stuffer.finish(octets);
  wire_.write(octets);
  return wire_.read_reply();
}

std::string id_in(const std::string& reply) {
  constexpr std::string_view before = "queued as ";
  const std::size_t start = reply.find(before);
  if (start == std::string::npos) return {};
  const std::string id = reply.substr(start + before.size());
  return id.substr(0, id.find_first_of(" ,"));
}

std::string message(const std::string& from, const std::string& subject, const std::string& body) {
  return "From: " + from + "\r\nTo: bob@example.net\r\nSubject: " + subject +
         "\r\nDate: Tue, 24 Nov 2026 12:39:34 +0000\r\nMessage-ID: <" + subject + "@client.example>\r\n\r\n" + body;
}

}  // namespace world

// What a receiver may do wrong, as data: at which step, with which words, how often; and what must become of the mail.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "conf/config.h"
#include "tests/receiver/certificates.h"

namespace receiver {

/// What is answered next.
enum class Step : std::uint8_t {
  greeting,
  ehlo,
  helo,
  starttls,
  handshake,  ///< the client's hello has come; words are octets of TLS, or are not
  ehlo_tls,
  auth,           ///< the command
  auth_response,  ///< a line that follows it
  mail,
  rcpt,
  data,
  bdat,     ///< the chunk has not come yet
  content,  ///< its first line has come
  dot,      ///< the final one, or the last chunk
  rset,
  quit,
};

enum class Does : std::uint8_t {
  says,     ///< the words, and goes on
  closes,   ///< after the words, if there are any
  resets,   ///< the same with RST
  stalls,   ///< after the words it is silent until the other side goes
  freezes,  ///< it does not even read any more
  drips,    ///< the words, an octet at a time
  floods,   ///< the words again and again
};

inline constexpr std::size_t always = std::numeric_limits<std::size_t>::max();

struct Deed {
  Step at = Step::greeting;
  Does does = Does::says;
  std::string words = {};      ///< as they go out
  std::size_t times = always;  ///< the first times only
  std::size_t after = 0;       ///< only once so many messages were taken over this connection
};

/// A line.
Deed says(Step at, const std::string& line);
/// The octets as they are.
Deed sends(Step at, const std::string& octets);
Deed closes(Step at, const std::string& words = {});
Deed resets(Step at, const std::string& words = {});
Deed stalls(Step at, const std::string& words = {});
Deed freezes(Step at);
Deed drips(Step at, const std::string& words);
Deed floods(Step at, const std::string& words);
Deed times(std::size_t count, Deed deed);
Deed once(Deed deed);
/// Once so many messages were taken over a connection.
Deed after(std::size_t messages, Deed deed);

/// refuses: nobody listens. stalls: the handshake of TCP is never answered.
enum class Door : std::uint8_t { opens, refuses, stalls };
enum class Became : std::uint8_t { delivered, bounced, waiting };
enum class Over : std::uint8_t { anything, tls, plaintext };

/// What must become of a message.
struct End {
  Became became = Became::delivered;
  std::string reply;     ///< stands in the last reply of mail that bounced or waits
  std::size_t most = 1;  ///< so often each message may arrive: a lost answer to the final dot may make it two
  Over over = Over::anything;
};

End delivered(Over over = Over::anything);
/// At least once.
End delivered_at_most(std::size_t times);
End bounced(const std::string& reply);
End waits(const std::string& reply);

struct Behaviour {
  std::string name;
  std::vector<Deed> deeds = {};
  End end = {};
  std::string offers =
      "PIPELINING 8BITMIME ENHANCEDSTATUSCODES";  ///< keywords of EHLO, divided by blanks; "_" stands for a blank
  Tls tls = Tls::none;
  conf::DeliveryTls policy = conf::DeliveryTls::opportunistic;
  Door door = Door::opens;
  bool has_spare = false;  ///< there is a second host, which takes everything
  std::size_t messages = 1;
  std::size_t size = 0;       ///< octets of the body, about; 0: a few lines
  std::string user = "bob";   ///< local part of the recipient
  bool logs_in = false;       ///< the route has a name and a password
  bool implicit_tls = false;  ///< at port 465
};

std::vector<Behaviour> joined(std::vector<std::vector<Behaviour>> tables);

/// Everything before MAIL but TLS.
std::vector<Behaviour> at_the_door();
/// TLS that fails, or that is not what it should be.
std::vector<Behaviour> under_tls();
/// AUTH.
std::vector<Behaviour> at_the_login();
/// TLS from the first octet.
std::vector<Behaviour> with_implicit_tls();
/// MAIL to QUIT.
std::vector<Behaviour> in_transactions();
std::vector<Behaviour> all_behaviours();

}  // namespace receiver

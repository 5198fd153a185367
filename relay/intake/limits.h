// The numbers of intake that no key sets; tests shorten them. Those that strangers meet do not hold for trusted clients.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace relay::intake {

struct Limits {
  using Milliseconds = std::chrono::milliseconds;

  std::uint64_t connections_per_minute = 60;            ///< new ones of a stranger's address
  Milliseconds minute = std::chrono::minutes(1);        ///< what they are counted over, and how often a flood is told of
  Milliseconds early_talk = std::chrono::seconds(1);    ///< a stranger who speaks before the greeting shows it in this time
  int free_errors = 3;                                  ///< a stranger's errors after these are answered late ...
  Milliseconds tarpit = std::chrono::seconds(1);        ///< ... by so much each
  Milliseconds most_tarpit = std::chrono::seconds(10);  ///< at once
  Milliseconds stranger_session = std::chrono::hours(1);
  Milliseconds trusted_session = std::chrono::hours(24);
  Milliseconds stranger_content = std::chrono::minutes(30);  ///< from 354 to the end of the message
  Milliseconds keys = std::chrono::seconds(10);              ///< key records of its signatures are not waited for longer
  int put_off = 100;                                         ///< recipients of a stranger who may turn out to be a trusted host
  Milliseconds between_look_ups = std::chrono::seconds(5);   ///< of the host names in mynetworks, whoever asks

  // Of recipients in accept.relay_domains.
  Milliseconds call = std::chrono::seconds(30);         ///< until a host has said whether it takes one's mail
  Milliseconds known_for = std::chrono::hours(12);      ///< who is known is asked for again after it ...
  Milliseconds known_at_most = std::chrono::days(7);    ///< ... but while no host says, counts so long
  Milliseconds unknown_for = std::chrono::minutes(10);  ///< who is refused
  Milliseconds unsure_for = std::chrono::seconds(30);   ///< of whom, or of whose domain, no host says anything
};

}  // namespace relay::intake

// Replies as receivers give them, with what they mean: at least one for each rule of the built-in table.
#pragma once

#include <optional>
#include <vector>

#include "conf/config.h"

namespace world {

inline constexpr const char* gmail = "gmail-smtp-in.l.google.com";
inline constexpr const char* outlook = "outlook-com.olc.protection.outlook.com";
inline constexpr const char* microsoft365 = "example-com.mail.protection.outlook.com";
inline constexpr const char* newer365 = "example-com.a-v1.mx.microsoft";
inline constexpr const char* yahoo = "mta5.am0.yahoodns.net";
inline constexpr const char* icloud = "mx01.mail.icloud.com";
inline constexpr const char* qq = "mx3.qq.com";
inline constexpr const char* exmail = "mxbiz1.qq.com";
inline constexpr const char* netease = "163mx01.mxmail.netease.com";
inline constexpr const char* anyone = "mx.example.net";

struct Example {
  const char* mx;
  const char* reply;  ///< its lines end in LF
  conf::ReplyAction action;
  std::optional<conf::ReplyAction> then;
  conf::ReplyScope scope;
  std::optional<base::Duration> wait;
  const char* record = "";
};

std::vector<Example> reply_examples();

}  // namespace world

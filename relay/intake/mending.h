// Content made anew before it is signed: its long lines are re-encoded. Blocking; for a worker.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "queue/content_file.h"

namespace relay::intake {

using TakePiece = std::function<void(std::string_view)>;

/// All of a content in pieces of at most 64 KiB.
base::Result<void> read_all(const queue::Content& content, const TakePiece& take);

struct Mended {
  queue::Content content;
  bool changed = false;
  bool leaves_long_lines = false;
};

/// The content without long lines where that can be (mail/reencode.h); `written` is told each piece of a new one. What was there
/// before is removed when it was a file, also on errors. Memory does not grow with the content past what a row holds.
base::Result<Mended> reencode(queue::Disk& disk, const std::string& spool, queue::QueueId id, queue::Content content,
                              const TakePiece& written);

}  // namespace relay::intake

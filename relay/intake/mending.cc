// Two passes over content: what is to be done, and doing it.
#include "relay/intake/mending.h"

#include <optional>
#include <utility>

#include "mail/reencode.h"

namespace relay::intake {
namespace {

using base::Result;

constexpr std::size_t piece_size = 64U << 10U;

/// In memory while it is small, then in a file.
class NewContent {
 public:
  NewContent(queue::Disk& disk, const std::string& spool, queue::QueueId id) : disk_(disk), spool_(spool), id_(id) {}

  Result<void> append(std::string_view octets) {
    buffer_ += octets;
    return buffer_.size() > queue::content_in_row_limit ? write_out() : Result<void>();
  }

  Result<queue::Content> finish() {
    if (!writer_) return queue::Content::in_memory(std::move(buffer_));
    if (auto written = write_out(); !written) return std::unexpected(written.error());
    return writer_->finish();
  }

 private:
  Result<void> write_out() {
    if (!writer_) {
      auto writer = queue::ContentWriter::create(disk_, spool_, id_);
      if (!writer) return std::unexpected(writer.error());
      writer_ = std::move(*writer);
    }
    auto written = writer_->append(buffer_);
    buffer_.clear();
    return written;
  }

  queue::Disk& disk_;
  const std::string& spool_;
  queue::QueueId id_;
  std::string buffer_;
  std::optional<queue::ContentWriter> writer_;
};

Result<queue::Content> rewrite(NewContent fresh, const queue::Content& old, mail::RepairPlan plan, const TakePiece& written) {
  mail::Reencoder encoder(std::move(plan));
  Result<void> failure;
  std::string out;
  const auto pass_on = [&] {
    written(out);
    if (failure) failure = fresh.append(out);
    out.clear();
  };
  auto read = read_all(old, [&](std::string_view piece) {
    encoder.feed(piece, out);
    pass_on();
  });
  if (!read) return std::unexpected(read.error());
  encoder.finish(out);
  pass_on();
  if (!failure) return std::unexpected(failure.error());
  return fresh.finish();
}

}  // namespace

Result<void> read_all(const queue::Content& content, const TakePiece& take) {
  if (!content.is_file()) {
    take(content.octets());
    return {};
  }
  auto reader = queue::ContentReader::open(content);
  if (!reader) return std::unexpected(reader.error());
  std::string piece(piece_size, '\0');
  for (;;) {
    auto count = reader->read(piece);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return {};
    take(std::string_view(piece).substr(0, *count));
  }
}

Result<Mended> reencode(queue::Disk& disk, const std::string& spool, queue::QueueId id, queue::Content content,
                        const TakePiece& written) {
  mail::LineSurvey survey;
  auto read = read_all(content, [&](std::string_view piece) { survey.feed(piece); });
  if (!read) {
    queue::ContentWriter::discard(disk, content);
    return std::unexpected(read.error());
  }
  mail::RepairPlan plan = survey.finish();
  Mended mended{content, plan.changes, plan.leaves_long_lines};
  if (!plan.changes) return mended;
  auto old = queue::ContentWriter::set_aside(disk, content);
  if (!old) {
    queue::ContentWriter::discard(disk, content);
    return std::unexpected(old.error());
  }
  auto fresh = rewrite(NewContent(disk, spool, id), *old, std::move(plan), written);
  queue::ContentWriter::discard(disk, *old);
  if (!fresh) return std::unexpected(fresh.error());
  mended.content = *fresh;
  return mended;
}

}  // namespace relay::intake

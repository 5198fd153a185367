// Content files on the simulated disk.
#include "faulty_disk.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "base/file.h"
#include "simulated_disk.h"

namespace crash {
namespace {

using queue::Result;

std::unexpected<base::Error> failed(const std::string& what, int error_number) {
  return std::unexpected(base::system_error(base::Kind::storage, what, error_number));
}

class FaultyFile : public queue::WritableFile {
 public:
  FaultyFile(std::unique_ptr<queue::WritableFile> real, std::string path) : real_(std::move(real)), path_(std::move(path)) {}

  Result<void> append(std::string_view octets) override {
    if (const int failure = SimulatedDisk::instance().write(path_, size_, octets, size_); failure != 0) {
      static_cast<void>(real_->append(octets.substr(0, octets.size() / 2)));
      return failed("cannot write " + path_, failure);
    }
    size_ += octets.size();
    return real_->append(octets);
  }
  Result<void> sync() override {
    const int failure = SimulatedDisk::instance().sync(path_, SimulatedDisk::Name::not_synced);
    return failure == 0 ? Result<void>() : failed("cannot sync " + path_, failure);
  }

 private:
  std::unique_ptr<queue::WritableFile> real_;
  std::string path_;
  std::uint64_t size_ = 0;
};

class FaultyDisk : public queue::Disk {
 public:
  Result<std::unique_ptr<queue::WritableFile>> create(const std::string& path) override {
    if (const int failure = SimulatedDisk::instance().open(path, true); failure != 0)
      return failed("cannot create " + path, failure);
    auto real = queue::real_disk().create(path);
    if (!real) return real;
    return std::make_unique<FaultyFile>(std::move(*real), path);
  }
  Result<void> sync_directory(const std::string& path) override {
    const int failure = SimulatedDisk::instance().sync_directory(path);
    return failure == 0 ? Result<void>() : failed("cannot sync " + path, failure);
  }
  Result<void> remove(const std::string& path) override {
    const int failure = SimulatedDisk::instance().remove(path, SimulatedDisk::Name::not_synced);
    return failure == 0 ? queue::real_disk().remove(path) : failed("cannot remove " + path, failure);
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    const int failure = SimulatedDisk::instance().link(from, to);
    return failure == 0 ? queue::real_disk().link(from, to) : failed("cannot make " + to, failure);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    const int failure = SimulatedDisk::instance().rename(from, to);
    return failure == 0 ? queue::real_disk().rename(from, to) : failed("cannot replace " + to, failure);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override { return queue::real_disk().list(directory); }
};

}  // namespace

std::unique_ptr<queue::Disk> make_faulty_disk() { return std::make_unique<FaultyDisk>(); }

}  // namespace crash

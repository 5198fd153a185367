// The model of a disk with a cache in front of it.
#include "simulated_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/file.h"

namespace crash {
namespace {

constexpr std::uint64_t sector = 512;
constexpr std::size_t most_octets = std::size_t{256} << 20U;

// What cannot be read would look like something lost.
std::string contents_of(const std::string& path) {
  if (!std::filesystem::exists(path)) return {};
  auto contents = base::read_file(path, most_octets);
  if (!contents) std::abort();
  return std::move(*contents);
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool strikes(const Fault& fault, std::uint64_t step) {
  return fault.what != Fault::What::nothing && step >= fault.at && step < fault.at + fault.steps;
}

}  // namespace

SimulatedDisk& SimulatedDisk::instance() {
  static SimulatedDisk disk;
  return disk;
}

void SimulatedDisk::follow(const Plan& plan, std::atomic<std::uint64_t>* counter) {
  const std::scoped_lock lock(mutex_);
  plan_ = plan;
  random_.seed(plan.seed);
  steps_ = counter;
  files_.clear();
  renames_.clear();
}

int SimulatedDisk::step(const std::string& what) {
  const std::uint64_t step = 1 + (steps_ != nullptr ? steps_->fetch_add(1) : own_steps_.fetch_add(1));
  for (const Fault& fault : {plan_.first, plan_.second}) {
    if (!strikes(fault, step)) continue;
    switch (fault.what) {
      case Fault::What::nothing: break;
      case Fault::What::death: std::_Exit(death_code);
      case Fault::What::power_cut: cut_power();
      case Fault::What::error: return EIO;
      case Fault::What::full:
        if (what == "grow" || what == "create") return ENOSPC;
        break;
    }
  }
  return 0;
}

int SimulatedDisk::open(const std::string& path, bool created) {
  const std::scoped_lock lock(mutex_);
  if (created) {
    if (const int failed = step("create"); failed != 0) return failed;
    files_[path] = File{};
    files_[path].name_durable = false;
  } else if (!files_.contains(path) || files_[path].removed) {
    files_[path] = File{};
    files_[path].durable = contents_of(path);
  }
  return 0;
}

int SimulatedDisk::write(const std::string& path, std::uint64_t offset, std::string_view octets, std::uint64_t size_now) {
  const std::scoped_lock lock(mutex_);
  if (const int failed = step(offset + octets.size() > size_now ? "grow" : "write"); failed != 0) return failed;
  files_[path].pending.push_back({offset, std::string(octets), false});
  return 0;
}

int SimulatedDisk::truncate(const std::string& path, std::uint64_t size) {
  const std::scoped_lock lock(mutex_);
  if (const int failed = step("truncate"); failed != 0) return failed;
  files_[path].pending.push_back({size, {}, true});
  return 0;
}

// After a failed sync the kernel has marked the pages clean: nobody will write them any more, though reading still shows them.
int SimulatedDisk::sync(const std::string& path, Name name) {
  const std::scoped_lock lock(mutex_);
  File& file = files_[path];
  if (const int failed = step("sync"); failed != 0) {
    for (const Change& change : file.pending) {
      if (by_chance()) apply_in_part(file.durable, change);
    }
    file.pending.clear();
    return failed;
  }
  for (const Change& change : file.pending) apply(file.durable, change);
  file.pending.clear();
  if (name == Name::synced) file.name_durable = true;
  return 0;
}

int SimulatedDisk::sync_directory(const std::string& folder) {
  const std::scoped_lock lock(mutex_);
  if (const int failed = step("sync directory"); failed != 0) return failed;
  std::erase_if(renames_, [&folder](const Rename& rename) { return folder_of(rename.to) == folder; });
  for (auto entry = files_.begin(); entry != files_.end();) {
    const bool here = folder_of(entry->first) == folder;
    if (here) entry->second.name_durable = true;
    entry = here && entry->second.removed ? files_.erase(entry) : std::next(entry);
  }
  return 0;
}

int SimulatedDisk::remove(const std::string& path, Name name) {
  const std::scoped_lock lock(mutex_);
  if (const int failed = step("remove"); failed != 0) return failed;
  const auto found = files_.find(path);
  if (found == files_.end()) return 0;
  if (name == Name::synced || !found->second.name_durable) {
    files_.erase(found);
  } else {
    found->second.removed = true;
  }
  return 0;
}

int SimulatedDisk::link(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  if (const int failed = step("create"); failed != 0) return failed;
  files_[to] = File{};
  files_[to].durable = contents_of(from);
  files_[to].name_durable = false;
  return 0;
}

int SimulatedDisk::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  if (const int failed = step("rename"); failed != 0) return failed;
  renames_.push_back({from, to, std::exchange(files_[to], files_[from])});
  files_[to].name_durable = true;
  files_.erase(from);
  return 0;
}

void SimulatedDisk::cut_power() {
  for (; !renames_.empty(); renames_.pop_back()) {
    Rename& last = renames_.back();
    if (by_chance()) continue;
    files_[last.from] = std::exchange(files_[last.to], std::move(last.replaced));
  }
  for (auto& [path, file] : files_) leave_behind(path, file);
  std::_Exit(death_code);
}

void SimulatedDisk::leave_behind(const std::string& path, File& file) {
  const bool removal_lost = file.removed && !by_chance();
  if ((file.removed && !removal_lost) || (!file.name_durable && !by_chance())) {
    ::unlink(path.c_str());
    return;
  }
  std::string image = file.durable;
  for (const Change& change : file.pending) apply_in_part(image, change);
  ::unlink(path.c_str());  // it may have another name
  std::ofstream(path, std::ios::binary | std::ios::trunc) << image;
}

bool SimulatedDisk::by_chance() { return std::uniform_int_distribution<unsigned>(0, 99)(random_) < plan_.kept_percent; }

void SimulatedDisk::apply(std::string& image, const Change& change) {
  if (change.truncates) {
    image.resize(std::min<std::size_t>(image.size(), change.offset));
    return;
  }
  if (image.size() < change.offset + change.octets.size()) image.resize(change.offset + change.octets.size());
  image.replace(change.offset, change.octets.size(), change.octets);
}

/// Sector by sector, some written and some not.
void SimulatedDisk::apply_in_part(std::string& image, const Change& change) {
  if (change.truncates) {
    if (by_chance()) apply(image, change);
    return;
  }
  for (std::uint64_t at = 0; at < change.octets.size();) {
    const std::uint64_t count = std::min<std::uint64_t>(sector - (change.offset + at) % sector, change.octets.size() - at);
    if (by_chance()) apply(image, {change.offset + at, change.octets.substr(at, count), false});
    at += count;
  }
}

}  // namespace crash

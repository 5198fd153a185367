// Plays files through a fuzz target without libFuzzer: each as it is, and small ones cut at every byte.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Larger files are cut at this many places only.
constexpr std::size_t most_cuts = 512;

/// A copy of exactly the bytes given, so that the address sanitizer sees a read past their end.
void play(const std::vector<char>& bytes, std::size_t size) {
  const std::vector<std::uint8_t> input(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

void play_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / most_cuts);
  for (std::size_t size = 0; size < bytes.size(); size += step) play(bytes, size);
  play(bytes, bytes.size());
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t played = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& path : files_of(arguments[i])) {
      std::fprintf(stderr, "%s\n", path.c_str());  // before it is played: the last line names what crashed
      play_file(path);
      ++played;
    }
  }
  std::printf("%zu files played\n", played);
  return played > 0 ? 0 : 1;
}

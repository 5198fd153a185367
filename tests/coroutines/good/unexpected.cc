Task<Result<int>> good() {
  if (auto done = co_await f(name); !done) co_return std::unexpected(Error{done.error()});
  co_return 1;
}

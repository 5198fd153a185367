Task<void> good(int n) { co_await f(std::string("text"), std::vector<int>(3, n)); }

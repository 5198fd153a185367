Task<void> good() {
  if (co_await f(name)) {
    h(Error{1, "text"});
  }
}

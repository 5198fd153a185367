// Memory that was needed once: glibc keeps what is freed, in an arena for each thread, until it is told to give it back.
#pragma once

namespace relay {

/// Gives whole free pages back to the system. Some milliseconds at most; for a worker.
void return_freed_memory();

}  // namespace relay

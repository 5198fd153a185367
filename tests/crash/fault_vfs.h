// A VFS under SQLite that asks the simulated disk before every step and never syncs for real.
#pragma once

namespace crash {

inline constexpr const char* fault_vfs_name = "mailferry-fault";

/// Once a process, before the first use of the name.
void register_fault_vfs();

}  // namespace crash

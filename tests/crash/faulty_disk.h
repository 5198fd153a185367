// The Disk of content files on the simulated disk.
#pragma once

#include <memory>

#include "queue/disk.h"

namespace crash {

std::unique_ptr<queue::Disk> make_faulty_disk();

}  // namespace crash

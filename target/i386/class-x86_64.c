/* reprise-system-x86_64: the CPU has long mode. */
#include "show.h"

const CpuClass *const target_cpu_class = &x86_64_cpu_class;

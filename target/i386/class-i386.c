/* reprise-system-i386: the CPU is 32-bit. */
#include "show.h"

const CpuClass *const target_cpu_class = &i386_cpu_class;

/*
 * Entries of page tables (SDM vol. 3, 4.5): what the walker (mmu.c) and those
 * who look at whole tables (mmu-scan.c) both know. Private to target/i386.
 */
#ifndef TARGET_I386_PAGING_H
#define TARGET_I386_PAGING_H

#include "cpu.h"

#define PTE_P   UINT64_C(1)
#define PTE_W   UINT64_C(2)
#define PTE_U   UINT64_C(4)
#define PTE_A   UINT64_C(0x20)
#define PTE_D   UINT64_C(0x40)
#define PTE_PS  UINT64_C(0x80)
#define PTE_G   UINT64_C(0x100)
#define PTE_NX  (UINT64_C(1) << 63)

/* The address in an 8-byte entry. Bits that a model does not have are
 * reserved, and so are zero where this is used. */
#define FRAME_MASK UINT64_C(0x000ffffffffff000)

/* What an entry of the top table covers in long mode. */
static inline unsigned paging_top_shift(const X86State *s)
{
    return s->cr[4] & CR4_LA57 ? 48 : 39;
}

#endif

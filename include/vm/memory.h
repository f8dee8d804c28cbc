/*
 * Guest physical memory: RAM blocks, the region tree, address spaces, and the
 * notice of first writes.
 *
 * Implemented by softmmu/{memory,dispatch,ram}.c. Boards build the tree;
 * devices answer MMIO and port accesses and do DMA; the TLB (vm/cpu.h) looks
 * up what is at an address; replay watches pages being written.
 */
#ifndef VM_MEMORY_H
#define VM_MEMORY_H

#include "base/error.h"
#include "base/types.h"

/* --- RAM --------------------------------------------------------------- */

/* Host memory that the guest can see; page-aligned in RamAddr space. */
struct RamBlock {
    Machine *machine;
    char *name;            /* "pc.ram"; stable, in snapshots */
    uint8_t *host;
    uint64_t size_bytes;   /* multiple of PAGE_SIZE */
    RamAddr base;          /* of its first byte */
    bool readonly;         /* guest stores are ignored (ROM) */
};

/* Allocates zeroed RAM. Owned by the machine. */
RamBlock *ram_block_new(Machine *m, const char *name, uint64_t size_bytes);
/* A ROM with the given content, padded with zeroes to a page. */
RamBlock *rom_block_new(Machine *m, const char *name, const void *data,
                        size_t len);
/* All blocks in order of creation (GPtrArray of RamBlock). */
const GPtrArray *ram_blocks(Machine *m);
/* Sum of all sizes: the end of RamAddr space. */
uint64_t ram_total_bytes(Machine *m);
/* The block holding ra (which must exist), and the host address of ra. */
RamBlock *ram_block_at(Machine *m, RamAddr ra);
uint8_t *ram_host(Machine *m, RamAddr ra);

/* Who wants to know before a page is written. A page's watch bits are armed
 * by the watcher and disarmed when its callback says so. */
typedef enum RamWatch {
    RAM_WATCH_CODE = 1,    /* has TBs (accel/tcg) */
    RAM_WATCH_WALK = 2,    /* served a page walk (softmmu/tlb-walk.c) */
    RAM_WATCH_DIGEST = 4,  /* unchanged since the last digest (replay) */
    RAM_WATCH_UNDO = 8,    /* unchanged since the last checkpoint (replay) */
    RAM_WATCH_SNAPSHOT = 16, /* the same, of one in a disk image (replay) */
    RAM_WATCH_QUERY = 32,  /* who wrote here? (replay) */
} RamWatch;

/* Called before bytes [ra, ra + len), inside one page, are written. Returns
 * true to disarm the bit for that page. */
typedef bool RamWatchFn(void *opaque, RamAddr ra, uint64_t len);

/* Registers the one watcher of a bit. */
void ram_watch_set(Machine *m, RamWatch bit, RamWatchFn *fn, void *opaque);
/* Arms a bit for the page of ra, or for every page of every block. */
void ram_watch_arm(Machine *m, RamWatch bit, RamAddr ra);
void ram_watch_arm_all(Machine *m, RamWatch bit);
/* Arms a bit for pages given by number (GArray of uint64_t). */
void ram_watch_arm_pages(Machine *m, RamWatch bit, const GArray *pages);
/* Clears a bit of the page of ra without telling anyone. */
void ram_watch_disarm(Machine *m, RamWatch bit, RamAddr ra);
/* The armed bits of the page of ra; 0 means a store may go straight to RAM. */
unsigned ram_watch_bits(Machine *m, RamAddr ra);
/* Must be called before any write to RAM that does not go through the
 * functions below: tells the watchers of every page in the range. */
void ram_will_write(Machine *m, RamAddr ra, uint64_t len);
/* Called by the TLB when it gives out a direct mapping for stores, so that
 * arming a bit later revokes it: at one of its indices, which
 * tlb_revoke_stores() is told. */
void ram_note_direct_store(Machine *m, RamAddr ra, unsigned index);

/* --- regions ----------------------------------------------------------- */

/* The answers of a device to accesses of 1, 2, 4 or 8 bytes, little-endian.
 * Accesses smaller or larger than min/max are split or widened before. */
typedef struct MemOps {
    uint64_t (*read)(void *opaque, PhysAddr offset, unsigned size);
    void (*write)(void *opaque, PhysAddr offset, uint64_t value,
                  unsigned size);
    unsigned min_size;     /* 0 means 1 */
    unsigned max_size;     /* 0 means 8 */
} MemOps;

typedef enum MemRegionKind {
    MEM_CONTAINER,
    MEM_RAM,
    MEM_IO,
    MEM_ALIAS,
} MemRegionKind;

/* Embedded in its owner's wiring; initialised by one of the functions below.
 * The fields are private to softmmu/memory.c. */
struct MemRegion {
    MemRegionKind kind;
    const char *name;
    uint64_t size;         /* UINT64_MAX: the whole space */
    const MemOps *ops;
    void *opaque;
    RamBlock *ram;
    bool readonly;
    MemRegion *alias;
    PhysAddr alias_offset;
    MemRegion *parent;
    PhysAddr addr;         /* in the parent */
    int priority;
    bool enabled;
    GPtrArray *children;
    GPtrArray *aliases;    /* alias regions that show this one */
    GPtrArray *spaces;     /* of a root: its address spaces */
};

void mem_init_container(MemRegion *r, const char *name, uint64_t size);
void mem_init_ram(MemRegion *r, const char *name, RamBlock *ram);
void mem_init_io(MemRegion *r, const char *name, uint64_t size,
                 const MemOps *ops, void *opaque);
/* RAM that the guest may only load from; stores go to ops. */
void mem_init_flash(MemRegion *r, const char *name, RamBlock *ram,
                    const MemOps *ops, void *opaque);
/* A window into another region at the given offset. */
void mem_init_alias(MemRegion *r, const char *name, MemRegion *target,
                    PhysAddr offset, uint64_t size);

/* Puts child at addr of parent; where children overlap the higher priority
 * wins, and among equals the one added last. */
void mem_add(MemRegion *parent, PhysAddr addr, MemRegion *child, int priority);
void mem_remove(MemRegion *child);
/* Changes that rebuild the flat views. Wiring is recomputed from device
 * state, so a device calls these from its rewire() too. */
void mem_set_enabled(MemRegion *r, bool enabled);
void mem_set_address(MemRegion *r, PhysAddr addr);
void mem_set_alias(MemRegion *r, MemRegion *target, PhysAddr offset);
void mem_set_alias_size(MemRegion *r, uint64_t size);
void mem_set_readonly(MemRegion *r, bool readonly);
/* Several changes, one rebuild. Nests. */
void mem_transaction_begin(Machine *m);
void mem_transaction_commit(Machine *m);

/* --- address spaces ---------------------------------------------------- */

/* A view of a root region; m->memory and m->io are the machine's. */
AddressSpace *address_space_new(Machine *m, const char *name, MemRegion *root);
void address_space_free(AddressSpace *as);

/* A piece of the flat view. */
typedef struct MemRange {
    PhysAddr start, end;   /* [start, end], inclusive */
    MemRegion *region;     /* RAM or IO */
    PhysAddr offset;       /* of start in the region */
    bool readonly;
} MemRange;

/* True if a device is stored to there, not memory. */
static inline bool mem_range_takes_stores(const MemRange *r)
{
    return r->region->kind == MEM_IO || (r->readonly && r->region->ops);
}

/* The range at addr, or NULL where nothing answers. Valid until the next
 * change of the tree. */
const MemRange *address_space_find(AddressSpace *as, PhysAddr addr);

/* Loads and stores by devices and helpers (not by translated code, which has
 * the TLB). Where nothing answers, loads are all ones and stores vanish. */
void address_space_read(AddressSpace *as, PhysAddr addr, void *buf,
                        uint64_t len);
void address_space_write(AddressSpace *as, PhysAddr addr, const void *buf,
                         uint64_t len);
/* The same for devices that must reach RAM only, because a register there might
 * poke the device itself. False: some of it is no RAM (to be written), and what
 * comes before that was moved. */
bool address_space_read_ram(AddressSpace *as, PhysAddr addr, void *buf,
                            uint64_t len);
bool address_space_write_ram(AddressSpace *as, PhysAddr addr, const void *buf,
                             uint64_t len);
uint64_t address_space_ld(AddressSpace *as, PhysAddr addr, unsigned size);
void address_space_st(AddressSpace *as, PhysAddr addr, uint64_t v,
                      unsigned size);

/* A debugger's accesses: RAM and ROM only, ROM is written too, no device
 * sees them. False if part of the range is not memory. */
bool address_space_read_debug(AddressSpace *as, PhysAddr addr, void *buf,
                              uint64_t len);
bool address_space_write_debug(AddressSpace *as, PhysAddr addr,
                               const void *buf, uint64_t len);

/* One access to an IO range, split as its MemOps want. */
uint64_t mem_io_read(const MemRange *r, PhysAddr addr, unsigned size);
void mem_io_write(const MemRange *r, PhysAddr addr, uint64_t v,
                  unsigned size);

/* The tree and the flat view as text, for `info mtree [-f]`. */
void address_space_print_tree(AddressSpace *as, GString *out);
void address_space_print_flat(AddressSpace *as, GString *out);

/* For HMP: every space of the machine (GPtrArray of AddressSpace). */
const GPtrArray *address_spaces(Machine *m);

#endif

/*
 * Names every floor shares: the scalar types of a machine and the opaque
 * objects that contracts mention before they are defined.
 *
 * Implemented by nobody (types only); included by every other header.
 */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A position in a run: guest instructions retired since power-on. */
typedef uint64_t Icount;
#define ICOUNT_NONE UINT64_MAX

typedef uint64_t PhysAddr;  /* an address on a guest bus */
typedef uint64_t GuestAddr; /* a guest virtual (linear) address */
typedef uint64_t RamAddr;   /* an offset into all RAM blocks laid end to end */

#define NS_PER_US  INT64_C(1000)
#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

/* The guest page size that RAM tracking works in, whatever the target's. */
#define PAGE_BITS 12
#define PAGE_SIZE (UINT64_C(1) << PAGE_BITS)
#define PAGE_MASK (~(PAGE_SIZE - 1))

typedef struct AddressSpace AddressSpace;
typedef struct BlockDev BlockDev;
typedef struct BoardClass BoardClass;
typedef struct Chardev Chardev;
typedef struct Clock Clock;
typedef struct Cpu Cpu;
typedef struct CpuClass CpuClass;
typedef struct Device Device;
typedef struct DeviceClass DeviceClass;
typedef struct Error Error;
typedef struct IrqLine IrqLine;
typedef struct Machine Machine;
typedef struct MachineParts MachineParts;
typedef struct MemRegion MemRegion;
typedef struct Netdev Netdev;
typedef struct Nondet Nondet;
typedef struct NondetPort NondetPort;
typedef struct RamBlock RamBlock;
typedef struct Timer Timer;

/* The object of TYPE whose MEMBER is at PTR. */
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))

#endif

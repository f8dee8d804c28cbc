/*
 * The Intel 82574L: its registers and rows, for the files that make it: e1000e.c
 * (registers, life), e1000e-irq.c, e1000e-rx.c, e1000e-tx.c, e1000e-nvm.c (NVM, PHY
 * and clock). Section numbers are those of the "82574 GbE Controller Family
 * Datasheet", 3.x. What it shares with the 82540EM has its names (e1000.h).
 */
#ifndef HW_NET_E1000E_H
#define HW_NET_E1000E_H

#include "e1000.h"
#include "offload.h"

/* 10.2: registers that the 82540EM does not have, and that do something. */
enum {
    E_CTRL_EXT = 0x0018,
    E_EIAC = 0x00dc,
    E_IAM = 0x00e0,
    E_IVAR = 0x00e4,
    E_PSRCTL = 0x2170,
    E_QUEUE_STRIDE = 0x100, /* from a queue's registers to the next's */
    E_TARC = 0x3840,
    E_RXCSUM = 0x5000,
    E_RFCTL = 0x5008,
    E_MRQC = 0x5818,
    E_SWSM = 0x5b50,
    E_RETA = 0x5c00,
    E_RSSRK = 0x5c80,
    E_SYSTIML = 0xb600,
    E_SYSTIMH = 0xb604,
    E_TIMINCA = 0xb608,
    EE_REGISTERS_END = 0xb700,
};

#define EE_QUEUES  2u
#define EE_VECTORS 5u

#define CTRL_GIO_DISABLE  0x00000004u
#define CTRL_PHY_RST      0x80000000u
#define CTRL_EXT_IAME     0x08000000u
#define CTRL_EXT_EIAME    0x01000000u
#define RFCTL_EXSTEN      0x00008000u
#define RXCSUM_PCSD       0x00002000u
#define RCTL_DTYP_PS      0x00000400u

/* 10.2.4.1: causes of a queue's own, and what all others together are. */
#define INT_RXQ0  0x00100000u
#define INT_TXQ0  0x00400000u
#define INT_OTHER 0x01000000u
#define INT_ASSERTED 0x80000000u

typedef uint32_t E1000eRegisters[EE_REGISTERS_END / 4];
typedef uint8_t E1000eFrames[EE_QUEUES * OFFLOAD_FRAME_MAX];
typedef uint8_t E1000eBytes[EE_QUEUES];
typedef uint16_t E1000eWords[EE_QUEUES];
typedef uint32_t E1000eLongs[EE_QUEUES];
typedef bool E1000eBools[EE_QUEUES];

#define E1000E_STATE(_)                                                       \
    PCI_FUNCTION_STATE(_)                                                     \
    PCI_MSIX_STATE(_)                                                         \
    _(E1000eRegisters, STATE_U32, reg, 0, 1, "registers by offset")           \
    _(E1000Eeprom, STATE_U16, nvm, 0, 1, "NVM")                               \
    _(E1000Phy, STATE_U16, phy, 0, 1, "PHY registers")                        \
    _(uint32_t, STATE_U32, told, 0, 1, "causes that messages were sent for")  \
    _(int64_t, STATE_TIME, clock_set, 0, 1, "when SYSTIM was set")            \
    _(uint64_t, STATE_U64, clock_value, 0, 1, "to what")                      \
    _(E1000eBytes, STATE_U8, ip_start, 0, 1, "context: IP checksum starts")   \
    _(E1000eBytes, STATE_U8, ip_offset, 0, 1, "and goes there")               \
    _(E1000eWords, STATE_U16, ip_end, 0, 1, "and ends there; 0: at the end")  \
    _(E1000eBytes, STATE_U8, tcp_start, 0, 1, "context: TCP checksum starts") \
    _(E1000eBytes, STATE_U8, tcp_offset, 0, 1, "and goes there")              \
    _(E1000eWords, STATE_U16, tcp_end, 0, 1, "and ends there; 0: at the end") \
    _(E1000eBytes, STATE_U8, command, 0, 1, "context: TCP, IPv4, TSE")        \
    _(E1000eBytes, STATE_U8, header_bytes, 0, 1,                              \
      "context: the header's length")                                         \
    _(E1000eWords, STATE_U16, mss, 0, 1, "context: bytes in each segment")    \
    _(E1000eFrames, STATE_U8, frame, 0, 1, "each queue's frame being made")   \
    _(E1000eLongs, STATE_U32, frame_len, 0, 1, "how much of it is there",     \
      STATE_IN(0, OFFLOAD_FRAME_MAX))                                         \
    _(E1000eBytes, STATE_U8, frame_options, 0, 1, "checksums to insert")      \
    _(E1000eBools, STATE_BOOL, frame_tse, 0, 1, "it is to be cut up")         \
    _(int64_t, STATE_TIME, tx_due, TIME_NEVER, 3, "when sending goes on")     \
    NIC_LINK_STATE(_)

STATE_STRUCT(E1000eState, E1000E_STATE);

typedef struct E1000e {
    PciFunction pci;
    E1000eState s;
    PciMsix msix;
    Nic nic;
    uint32_t boot_index;
    MemRegion mmio, flash, io;
    Timer tx_timer;
    unsigned tx_round;         /* what this round has sent */
    bool busy;                 /* it is at work: an access is its own doing */
} E1000e;

static inline uint32_t *e1000e_reg(E1000e *d, unsigned offset)
{
    return &d->s.reg[offset / 4];
}

static inline uint64_t e1000e_ring(E1000e *d, unsigned low)
{
    return (uint64_t)*e1000e_reg(d, low + 4) << 32 |
           (*e1000e_reg(d, low) & ~15u);
}

/* Adds to a statistic that stops at its maximum. */
void e1000e_count(E1000e *d, unsigned offset, uint32_t n);

/* Interrupts (e1000e-irq.c): adds causes; looks again after a mask, a cause or the
 * way that they are told has changed; reads and clears. */
void e1000e_cause(E1000e *d, uint32_t causes);
void e1000e_irq_update(E1000e *d);
uint32_t e1000e_icr_read(E1000e *d);

/* The receiver (e1000e-rx.c); as hooks of NicOps. */
void e1000e_receive(Device *dev, const uint8_t *frame, size_t len);
unsigned e1000e_room(Device *dev);

/* Queue q of the transmitter has something to do (e1000e-tx.c); from realize(),
 * from unrealize(). */
void e1000e_transmit(E1000e *d, unsigned q);
void e1000e_tx_init(E1000e *d);
void e1000e_tx_destroy(E1000e *d);

/* NVM, PHY, clock (e1000e-nvm.c). */
void e1000e_nvm_fill(E1000e *d);
void e1000e_phy_reset(E1000e *d);
uint32_t e1000e_eecd_read(E1000e *d);
void e1000e_eerd_write(E1000e *d, uint32_t v);
void e1000e_mdic_write(E1000e *d, uint32_t v);
uint64_t e1000e_clock(const E1000e *d);
/* From now on it shows value. */
void e1000e_clock_set(E1000e *d, uint64_t value);

#endif

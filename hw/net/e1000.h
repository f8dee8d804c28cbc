/*
 * The Intel 82540EM: its registers and their rows, for the files that make it:
 * e1000.c (registers, receiver, interrupts), e1000-tx.c (transmitter),
 * e1000-eeprom.c (EEPROM and PHY), and with the 82574L e1000-filter.c and
 * e1000-phy.c. Section numbers are those of "PCI/PCI-X Family of Gigabit Ethernet
 * Controllers Software Developer's Manual" (8254x).
 */
#ifndef HW_NET_E1000_H
#define HW_NET_E1000_H

#include "hw/pci.h"
#include "nic.h"

/* 13.4: offsets of the registers that do something. Those that only remember
 * what is written are an array. */
enum {
    E_CTRL = 0x0000,
    E_STATUS = 0x0008,
    E_EECD = 0x0010,
    E_EERD = 0x0014,
    E_MDIC = 0x0020,
    E_VET = 0x0038,
    E_ICR = 0x00c0,
    E_ICS = 0x00c8,
    E_IMS = 0x00d0,
    E_IMC = 0x00d8,
    E_RCTL = 0x0100,
    E_TCTL = 0x0400,
    E_PBA = 0x1000,
    E_RDBAL = 0x2800,
    E_RDBAH = 0x2804,
    E_RDLEN = 0x2808,
    E_RDH = 0x2810,
    E_RDT = 0x2818,
    E_TDBAL = 0x3800,
    E_TDBAH = 0x3804,
    E_TDLEN = 0x3808,
    E_TDH = 0x3810,
    E_TDT = 0x3818,
    E_STATS = 0x4000,      /* cleared by reading */
    E_STATS_END = 0x4128,
    E_MPC = 0x4010,        /* frames that there was no room for */
    E_GPRC = 0x4074,
    E_GPTC = 0x4080,
    E_GORCL = 0x4088,
    E_GOTCL = 0x4090,
    E_TPR = 0x40d0,
    E_TPT = 0x40d4,
    E_MTA = 0x5200,
    E_RA = 0x5400,
    E_VFTA = 0x5600,
    E_REGISTERS_END = 0x6000,
    E_BAR_BYTES = 0x20000,
};

#define STATUS_LINK_UP 0x00000002u

#define CTRL_SLU  0x00000040u
#define CTRL_RST  0x04000000u
#define CTRL_VME  0x40000000u

#define RCTL_EN   0x00000002u
#define RCTL_UPE  0x00000008u
#define RCTL_MPE  0x00000010u
#define RCTL_LPE  0x00000020u
#define RCTL_BAM  0x00008000u
#define RCTL_VFE  0x00040000u
#define RCTL_BSEX 0x02000000u
#define RCTL_SECRC 0x04000000u

#define TCTL_EN   0x00000002u
#define TCTL_PSP  0x00000008u

/* Interrupt causes, 13.4.17. */
#define INT_TXDW  0x00000001u
#define INT_TXQE  0x00000002u
#define INT_LSC   0x00000004u
#define INT_RXDMT0 0x00000010u
#define INT_RXO   0x00000040u
#define INT_RXT0  0x00000080u
#define INT_MDAC  0x00000200u

#define E_WORDS      (E_REGISTERS_END / 4)
#define EEPROM_WORDS 64u
#define PHY_REGISTERS 32u
#define TX_FRAME_MAX 65536u

typedef uint32_t E1000Registers[E_WORDS];
typedef uint16_t E1000Eeprom[EEPROM_WORDS];
typedef uint16_t E1000Phy[PHY_REGISTERS];
typedef uint8_t E1000Frame[TX_FRAME_MAX];

/* The latest context descriptor, 3.3.6. */
#define E1000_CONTEXT(_)                                                      \
    _(uint8_t, STATE_U8, ip_start, 0, 1, "context: IP checksum starts")       \
    _(uint8_t, STATE_U8, ip_offset, 0, 1, "and goes there")                   \
    _(uint16_t, STATE_U16, ip_end, 0, 1, "and ends there; 0: at the end")     \
    _(uint8_t, STATE_U8, tcp_start, 0, 1, "context: TCP checksum starts")     \
    _(uint8_t, STATE_U8, tcp_offset, 0, 1, "and goes there")                  \
    _(uint16_t, STATE_U16, tcp_end, 0, 1, "and ends there; 0: at the end")    \
    _(uint8_t, STATE_U8, context_command, 0, 1, "context: TCP, IPv4, TSE")    \
    _(uint32_t, STATE_U32, payload, 0, 1, "context: bytes to be cut up")      \
    _(uint8_t, STATE_U8, header_bytes, 0, 1, "context: the header's length")  \
    _(uint16_t, STATE_U16, mss, 0, 1, "context: bytes in each segment")

/* The EEPROM's serial interface counts what it has been told. */
#define E1000_STATE(_)                                                        \
    PCI_FUNCTION_STATE(_)                                                     \
    _(E1000Registers, STATE_U32, reg, 0, 1, "registers by offset")            \
    _(E1000Eeprom, STATE_U16, eeprom, 0, 1, "EEPROM")                         \
    _(E1000Phy, STATE_U16, phy, 0, 1, "PHY registers")                        \
    _(uint32_t, STATE_U32, ee_in, 0, 1, "bits shifted into the EEPROM")       \
    _(uint8_t, STATE_U8, ee_bits, 0, 1, "how many")                           \
    _(uint32_t, STATE_U32, ee_out, 0, 1, "bits that it shifts out")           \
    _(bool, STATE_BOOL, ee_reading, 0, 1, "it does")                          \
    E1000_CONTEXT(_)                                                          \
    _(E1000Frame, STATE_U8, frame, 0, 1, "the frame being put together")      \
    _(uint32_t, STATE_U32, frame_len, 0, 1, "how much of it is there",        \
      STATE_IN(0, TX_FRAME_MAX))                                              \
    _(uint8_t, STATE_U8, frame_options, 0, 1, "checksums to insert")          \
    _(bool, STATE_BOOL, frame_tse, 0, 1, "it is to be cut up")                \
    _(bool, STATE_BOOL, frame_vlan, 0, 1, "a tag is to be inserted")          \
    _(uint16_t, STATE_U16, vlan_tag, 0, 1, "that tag")                        \
    _(int64_t, STATE_TIME, tx_due, TIME_NEVER, 3, "when sending goes on")     \
    NIC_LINK_STATE(_)

STATE_STRUCT(E1000State, E1000_STATE);

typedef struct E1000 {
    PciFunction pci;
    E1000State s;
    Nic nic;
    uint32_t boot_index;
    MemRegion mmio, io;
    uint32_t io_address;   /* of the window at BAR 1 */
    Timer tx_timer;
    unsigned tx_round;     /* what this round has sent */
    bool busy;             /* it is at work: an access is its own doing */
} E1000;

static inline uint32_t *e1000_reg(E1000 *d, unsigned offset)
{
    return &d->s.reg[offset / 4];
}

/* Adds causes and drives the pin. */
void e1000_cause(E1000 *d, uint32_t causes);
/* Adds to a statistic that stops at its maximum. */
void e1000_count(E1000 *d, unsigned offset, uint32_t n);

/* The transmitter has something to do (e1000-tx.c); from realize(), from
 * unrealize(). */
void e1000_transmit(E1000 *d);
void e1000_tx_init(E1000 *d);
void e1000_tx_destroy(E1000 *d);

/* Whether a frame passes the filters that the registers say, and whether it has a
 * VLAN's tag (e1000-filter.c); of any adapter with these registers. */
bool e1000_filter_passes(const uint32_t *reg, const uint8_t *frame,
                         size_t len);
bool e1000_filter_tagged(const uint32_t *reg, const uint8_t *frame,
                         size_t len);

/* In what PHYs of adapters with these registers differ. The bits of a link are
 * read as 1 while there is one, else as 0. */
typedef struct E1000PhyModel {
    uint16_t status, id2, specific_control, specific_status;
    uint16_t status_link, specific_link;
} E1000PhyModel;

/* A PHY's registers after its reset (e1000-phy.c). */
void e1000_phy_fill(uint16_t *phy, const E1000PhyModel *model);
/* v is written to MDIC: what it reads as then. Interrupts to be raised for that,
 * INT_LSC and INT_MDAC in this order, are added to *causes. */
uint32_t e1000_phy_mdic(uint16_t *phy, const E1000PhyModel *model, bool link,
                        uint32_t v, uint32_t *causes);

/* EECD, EERD and MDIC (e1000-eeprom.c). */
void e1000_eeprom_fill(E1000 *d);
void e1000_phy_reset(E1000 *d);
uint32_t e1000_eecd_read(E1000 *d);
void e1000_eecd_write(E1000 *d, uint32_t v);
void e1000_eerd_write(E1000 *d, uint32_t v);
void e1000_mdic_write(E1000 *d, uint32_t v);

#endif

/*
 * From the command list to the drive, and what comes back.
 *
 * A command is in memory: a header in the list, a FIS with the registers, and
 * descriptors of where its data is. All of that is the guest's to spoil, so it
 * is read anew whenever it is needed and every number is checked; what cannot
 * be done stops the port with the error bits of AHCI 6.1. Structures: AHCI
 * 1.3.1, 4.2; FISes: SATA 2.6, 10.3.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "ahci.h"

/* A command header, 4.2.2. */
enum { HEADER_BYTES = 32, HEADER_MOVED = 4, HEADER_TABLE = 8 };
#define HEADER_CFL(flags)   ((flags) & 31u)
#define HEADER_CLEAR_BUSY   (1u << 10)
#define HEADER_PRDTL(flags) ((flags) >> 16)

/* A command table, 4.2.3: the FIS, the packet, descriptors. */
enum { TABLE_PACKET = 0x40, TABLE_PRDT = 0x80, FIS_MAX = 64 };
enum { PRD_BYTES = 16, PRD_COUNT = 12 };
#define PRD_INTERRUPT (1u << 31)
#define PRD_COUNT_MASK 0x3fffffu

/* Where FISes are received, 4.2.1. */
enum { RECEIVED_PIO = 0x20, RECEIVED_REGISTERS = 0x40 };

enum { FIS_TO_DEVICE = 0x27, FIS_TO_HOST = 0x34, FIS_PIO_SETUP = 0x5f };
#define FIS_BYTES     20u
#define FIS_COMMAND   0x80u    /* byte 1: a command, not device control */
#define FIS_INTERRUPT 0x40u
#define FIS_FROM_DEVICE 0x20u

typedef struct Header {
    uint32_t flags;
    PhysAddr table;
} Header;

static bool header_fetch(AhciPort *p, unsigned slot, Header *h)
{
    uint8_t raw[16];

    if (!ahci_dma(p->hba, p->s.clb + slot * HEADER_BYTES, raw, sizeof raw,
                  false)) {
        ahci_port_fail(p, PIS_HBFS);
        return false;
    }
    h->flags = bytes_ld_le32(raw);
    h->table = bytes_ld_le64(raw + HEADER_TABLE) & ~UINT64_C(0x7f);
    return true;
}

/* --- received FISes ------------------------------------------------------------*/

void ahci_receive(AhciPort *p, unsigned offset, const uint8_t *fis,
                  unsigned len)
{
    if ((p->s.cmd & PCMD_FRE) &&
        !ahci_dma(p->hba, p->s.fb + offset, (void *)fis, len, true)) {
        ahci_port_fail(p, PIS_HBFS);
    }
}

/* The registers in the order that FISes of both directions have them. */
static void registers_to_fis(const IdeDrive *d, uint8_t *fis)
{
    const DriveState *s = &d->s;
    const uint8_t bytes[] = { s->status, s->error, s->lba_low, s->lba_mid,
                              s->lba_high, s->select, s->hob_lba_low,
                              s->hob_lba_mid, s->hob_lba_high, 0, s->nsector,
                              s->hob_nsector };

    memset(fis, 0, FIS_BYTES);
    memcpy(fis + 2, bytes, sizeof bytes);
}

static bool interrupts(const IdeDrive *d)
{
    return !(d->s.control & CTL_NIEN);
}

void ahci_send_first_fis(AhciPort *p)
{
    const IdeDrive *d = ahci_port_drive(p);
    uint8_t fis[FIS_BYTES];

    if (d && p->s.fis_waits) {
        registers_to_fis(d, fis);
        fis[0] = FIS_TO_HOST;
        ahci_receive(p, RECEIVED_REGISTERS, fis, sizeof fis);
        p->s.fis_waits = false;
    }
}

static void command_over(AhciPort *p)
{
    if (p->s.slot != AHCI_NO_SLOT && !p->s.halted) {
        p->s.ci &= ~BIT(p->s.slot);
        p->s.slot = AHCI_NO_SLOT;
    }
}

/* The drive's register FIS, at the end of a command or a reset: 5.3.8. With an
 * error the command stays in the list, so that software sees whose it was. */
void ahci_registers(void *port)
{
    AhciPort *p = port;
    const IdeDrive *d = ahci_port_drive(p);
    bool interrupt = d->s.irq && interrupts(d);
    uint8_t fis[FIS_BYTES];

    registers_to_fis(d, fis);
    fis[0] = FIS_TO_HOST;
    fis[1] = interrupt ? FIS_INTERRUPT : 0;
    p->s.tfd = d->s.error << 8 | d->s.status;
    if (p->s.sig == SIG_NONE) {
        p->s.sig = (uint32_t)d->s.lba_high << 24 | d->s.lba_mid << 16 |
                   d->s.lba_low << 8 | d->s.nsector;
        p->s.fis_waits = !(p->s.cmd & PCMD_FRE);
    }
    ahci_receive(p, RECEIVED_REGISTERS, fis, sizeof fis);
    if (d->s.status & (ST_ERR | ST_DF)) {
        p->s.halted = true;
    }
    command_over(p);
    ahci_port_raise(p, (interrupt ? PIS_DHRS : 0) |
                           (d->s.status & (ST_ERR | ST_DF) ? PIS_TFES : 0));
    ahci_commands_run(p);
}

static void pio_setup(AhciPort *p, bool in, uint32_t bytes, uint8_t end)
{
    const IdeDrive *d = ahci_port_drive(p);
    uint8_t fis[FIS_BYTES];

    registers_to_fis(d, fis);
    fis[0] = FIS_PIO_SETUP;
    fis[1] = (in && interrupts(d) ? FIS_INTERRUPT : 0) |
             (in ? FIS_FROM_DEVICE : 0);
    fis[2] = ST_OK | ST_DRQ;
    fis[15] = end;
    bytes_st_le16(fis + 16, bytes);
    ahci_receive(p, RECEIVED_PIO, fis, sizeof fis);
    ahci_port_raise(p, fis[1] & FIS_INTERRUPT ? PIS_PSS : 0);
}

/* --- data ---------------------------------------------------------------------------*/

void ahci_data_start(AhciPort *p, unsigned slot)
{
    p->s.data_slot = slot;
    p->s.prd = p->s.prd_done = p->s.moved = 0;
}

typedef struct Region {
    PhysAddr addr;
    uint32_t bytes;
    bool interrupt;
} Region;

/* The present descriptor; addresses and lengths are even. */
static bool region_fetch(AhciPort *p, const Header *h, Region *r)
{
    uint8_t raw[PRD_BYTES];
    PhysAddr at = h->table + TABLE_PRDT + (PhysAddr)p->s.prd * PRD_BYTES;

    if (!ahci_dma(p->hba, at, raw, sizeof raw, false)) {
        ahci_port_fail(p, PIS_HBFS);
        return false;
    }
    uint32_t word = bytes_ld_le32(raw + PRD_COUNT);
    r->addr = bytes_ld_le64(raw) & ~UINT64_C(1);
    r->bytes = (word & PRD_COUNT_MASK & ~1u) + 2;
    r->interrupt = word & PRD_INTERRUPT;
    return true;
}

/* Moves at most len bytes by the present descriptor, and goes on to the next if
 * it is used up. False: the host bus failed. */
static bool region_move(AhciPort *p, const Region *r, uint8_t *buf,
                        uint32_t *len, bool to_memory)
{
    AhciPortState *s = &p->s;
    uint32_t room = r->bytes > s->prd_done ? r->bytes - s->prd_done : 0;

    *len = MIN(*len, room);
    if (*len && !ahci_dma(p->hba, r->addr + s->prd_done, buf, *len,
                          to_memory)) {
        ahci_port_fail(p, PIS_HBFS);
        return false;
    }
    if (*len < room) {
        s->prd_done += *len;
        return true;
    }
    s->prd++;
    s->prd_done = 0;
    s->is |= r->interrupt ? PIS_DPS : 0;
    return true;
}

/* The header tells how much has been moved, 4.2.2. */
static void moved_store(AhciPort *p, size_t moved)
{
    uint8_t bytes[4];

    p->s.moved += moved;
    bytes_st_le32(bytes, p->s.moved);
    ahci_dma(p->hba, p->s.clb + p->s.data_slot * HEADER_BYTES + HEADER_MOVED,
             bytes, sizeof bytes, true);
}

/* Too few descriptors, 6.1.5: what the drive sends beyond them is dropped and
 * the command goes on; what it wants cannot be had, and it waits for ever. */
static void overflow(AhciPort *p)
{
    guest_error("%s: slot %u has too few descriptors\n", p->dev.path,
                p->s.data_slot);
    ahci_port_raise(p, PIS_OFS);
}

size_t ahci_dma_move(void *port, void *buf, size_t len, bool to_memory)
{
    AhciPort *p = port;
    size_t moved = 0;
    Header h;

    if (p->s.halted || !header_fetch(p, p->s.data_slot, &h)) {
        return to_memory ? len : 0;
    }
    while (moved < len) {
        uint32_t n = MIN(len - moved, UINT32_MAX);
        Region r;
        if (p->s.prd >= HEADER_PRDTL(h.flags)) {
            overflow(p);
            break;
        }
        if (!region_fetch(p, &h, &r) ||
            !region_move(p, &r, (uint8_t *)buf + moved, &n, to_memory)) {
            break;
        }
        moved += n;
    }
    moved_store(p, moved);
    return to_memory ? len : moved;
}

/* The packet lies behind the FIS. */
static bool packet_fetch(AhciPort *p, IdeDrive *d)
{
    Header h;

    if (!header_fetch(p, p->s.slot, &h)) {
        return false;
    }
    if (!ahci_dma(p->hba, h.table + TABLE_PACKET, d->s.buffer, PACKET_BYTES,
                  false)) {
        ahci_port_fail(p, PIS_HBFS);
        return false;
    }
    return true;
}

static void block_in(AhciPort *p, IdeDrive *d, uint32_t bytes)
{
    ahci_dma_move(p, d->s.buffer + d->s.pos, bytes, true);
    d->s.pos = d->s.end;
    d->kind->data_done(d);
    p->s.tfd = d->s.error << 8 | d->s.status;
    if (d->s.phase == PHASE_IDLE && d->s.next == NEXT_NOTHING) {
        command_over(p);
    }
    pio_setup(p, true, bytes, d->s.status);
    ahci_commands_run(p);
}

static void block_out(AhciPort *p, IdeDrive *d, uint32_t bytes)
{
    bool packet = d->s.phase == PHASE_PACKET;

    p->s.tfd = ST_OK | ST_DRQ;
    if (packet ? !packet_fetch(p, d)
               : ahci_dma_move(p, d->s.buffer, bytes, false) < bytes) {
        return;
    }
    pio_setup(p, false, bytes, ST_BSY | ST_OK);
    p->s.tfd = ST_BSY;
    d->s.pos = d->s.end;
    d->kind->data_done(d);
}

/* By PIO the drive has a block of data, or wants one. A command that software
 * has given up in the meantime gets none. */
void ahci_data_block(void *port)
{
    AhciPort *p = port;
    IdeDrive *d = ahci_port_drive(p);
    uint32_t bytes = d->s.end > d->s.pos ? d->s.end - d->s.pos : 0;

    if (p->s.slot == AHCI_NO_SLOT || p->s.halted || !bytes) {
        p->s.tfd = d->s.error << 8 | d->s.status;
    } else if (d->s.phase == PHASE_IN) {
        block_in(p, d, bytes);
    } else {
        block_out(p, d, bytes);
    }
}

/* --- commands ----------------------------------------------------------------------*/

/* Device control: a soft reset has one FIS with SRST and one without, 10.4.1.
 * The drive answers the second with a register FIS. */
static void send_control(AhciPort *p, unsigned slot, const Header *h,
                         const uint8_t *fis)
{
    IdeDrive *d = ahci_port_drive(p);

    if (fis[15] & CTL_SRST) {
        ahci_queue_drop(p);
        ahci_queue_forget_error(p);
        p->s.sig = SIG_NONE;
    }
    if (h->flags & HEADER_CLEAR_BUSY) {
        p->s.ci &= ~BIT(slot);
    } else {
        p->s.slot = slot;
        p->s.tfd |= ST_BSY;
    }
    drive_write_control(d, fis[15]);
}

static void send_command(AhciPort *p, unsigned slot, const uint8_t *fis)
{
    IdeDrive *d = ahci_port_drive(p);

    p->s.slot = slot;
    p->s.tfd = (p->s.tfd & 0xff00) | ST_BSY;
    ahci_data_start(p, slot);
    moved_store(p, 0);
    if (ahci_queue_refuses(p, fis)) {
        drive_abort(d);
    } else if (!d->kind->packet && ahci_queue_takes(fis[2])) {
        p->s.tfd = ST_OK;
        command_over(p);
        ahci_queue_add(p, fis);
    } else {
        drive_load_fis(d, fis);
        drive_command(d, fis[2]);
    }
}

/* 5.3.6 and 6.1.3: a FIS that is none is an error of the protocol. */
static void issue(AhciPort *p, unsigned slot)
{
    uint8_t fis[FIS_MAX];
    Header h;

    p->s.last_slot = slot;
    p->s.cmd = (p->s.cmd & ~PCMD_CCS) | slot << PCMD_CCS_SHIFT;
    if (!header_fetch(p, slot, &h)) {
        return;
    }
    if (!ahci_dma(p->hba, h.table, fis, sizeof fis, false)) {
        ahci_port_fail(p, PIS_HBFS);
        return;
    }
    if (HEADER_CFL(h.flags) < FIS_BYTES / 4 ||
        HEADER_CFL(h.flags) > FIS_MAX / 4 || fis[0] != FIS_TO_DEVICE) {
        guest_error("%s: slot %u has no command FIS\n", p->dev.path, slot);
        p->s.serr |= SERR_PROTOCOL;
        ahci_port_fail(p, PIS_IFS);
    } else if (fis[1] & FIS_COMMAND) {
        send_command(p, slot, fis);
    } else {
        send_control(p, slot, &h, fis);
    }
}

/* Slots take turns, 5.3.3. */
static unsigned next_slot(const AhciPortState *s)
{
    for (unsigned i = 1; i <= AHCI_SLOTS; i++) {
        unsigned slot = (s->last_slot + i) % AHCI_SLOTS;
        if (s->ci & BIT(slot)) {
            return slot;
        }
    }
    return AHCI_NO_SLOT;
}

void ahci_commands_run(AhciPort *p)
{
    const AhciPortState *s = &p->s;

    while ((s->cmd & PCMD_ST) && !s->halted && s->slot == AHCI_NO_SLOT &&
           !(s->tfd & (ST_BSY | ST_DRQ)) && ahci_port_drive(p) &&
           next_slot(s) != AHCI_NO_SLOT) {
        issue(p, next_slot(s));
    }
}

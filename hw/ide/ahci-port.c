/*
 * A port of an AHCI controller: its registers, its link to the drive, what
 * starts, stops and resets it. AHCI 1.3.1, 3.3 and 10.4.
 */
#include "base/bits.h"
#include "base/log.h"
#include "ahci.h"

/* Registers, 3.3. */
enum {
    REG_CLB = 0x00,
    REG_CLBU = 0x04,
    REG_FB = 0x08,
    REG_FBU = 0x0c,
    REG_IS = 0x10,
    REG_IE = 0x14,
    REG_CMD = 0x18,
    REG_TFD = 0x20,
    REG_SIG = 0x24,
    REG_SSTS = 0x28,
    REG_SCTL = 0x2c,
    REG_SERR = 0x30,
    REG_SACT = 0x34,
    REG_CI = 0x38,
};
#define SCTL_MASK   0x0fffu
#define SCTL_GEN_1  0x0010u
#define SSTS_GEN_1  0x0113u

IdeDrive *ahci_port_drive(const AhciPort *p)
{
    return p->bus.drive[0];
}

/* --- interrupts ----------------------------------------------------------------*/

static uint32_t status(const AhciPortState *s)
{
    return s->is | (s->serr & SERR_DIAG_F ? PIS_UFS : 0) |
           (s->serr & SERR_DIAG_X ? PIS_PCS : 0) |
           (s->serr & SERR_DIAG_N ? PIS_PRCS : 0);
}

bool ahci_port_wants_irq(const AhciPort *p)
{
    return status(&p->s) & p->s.ie;
}

void ahci_port_raise(AhciPort *p, uint32_t is)
{
    p->s.is |= is;
    ahci_update_irq(p->hba);
}

void ahci_port_fail(AhciPort *p, uint32_t is)
{
    p->s.halted = true;
    ahci_port_raise(p, is);
}

/* --- the link --------------------------------------------------------------------*/

static void forget_commands(AhciPort *p)
{
    ahci_queue_drop(p);
    ahci_queue_forget_error(p);
    p->s.slot = AHCI_NO_SLOT;
}

/* Nobody is heard: the link is being reset, or is off. */
static void link_down(AhciPort *p, uint32_t ssts)
{
    IdeDrive *d = ahci_port_drive(p);

    forget_commands(p);
    p->s.halted = true;
    p->s.ssts = ssts;
    p->s.tfd = TFD_NONE;
    p->s.sig = SIG_NONE;
    p->s.fis_waits = false;
    if (d) {
        drive_stop(d);
    }
}

static void link_up(AhciPort *p)
{
    IdeDrive *d = ahci_port_drive(p);

    if (!d) {
        p->s.ssts = 0;
        return;
    }
    p->s.ssts = (p->s.sctl & 0xf0) == SCTL_GEN_1 ? SSTS_GEN_1 : SSTS_READY;
    p->s.serr |= SERR_DIAG_X | SERR_DIAG_N;
    p->s.tfd = TFD_NONE | ST_BSY;
    drive_hard_reset(d);
    ahci_update_irq(p->hba);
}

/* COMRESET begins when DET becomes 1 and is over when it becomes 0, 10.4.2. */
static void write_sctl(AhciPort *p, uint32_t v)
{
    uint32_t was = p->s.sctl & DET_MASK, is = v & DET_MASK;

    p->s.sctl = v & SCTL_MASK;
    if (is == was) {
        return;
    }
    if (is == DET_RESET || is == DET_OFFLINE) {
        link_down(p, is == DET_OFFLINE ? DET_OFFLINE : 0);
    } else if (was == DET_RESET || was == DET_OFFLINE) {
        link_up(p);
    }
}

/* What survives GHC.HR are the addresses. */
void ahci_port_hba_reset(AhciPort *p)
{
    uint64_t clb = p->s.clb, fb = p->s.fb;

    link_down(p, 0);
    state_reset(p->dev.cls->state(), &p->s);
    p->s.clb = clb;
    p->s.fb = fb;
    link_up(p);
}

/* --- starting and stopping ------------------------------------------------------ */

static void stop(AhciPort *p)
{
    p->s.ci = p->s.sact = 0;
    p->s.slot = AHCI_NO_SLOT;
    p->s.halted = false;
    p->s.cmd &= ~PCMD_CCS;
    ahci_queue_drop(p);
}

static void write_cmd(AhciPort *p, uint32_t v)
{
    uint32_t was = p->s.cmd;

    p->s.cmd = (was & PCMD_CCS) | (v & PCMD_WRITABLE);
    if (p->s.cmd & ~was & PCMD_FRE) {
        ahci_send_first_fis(p);
    }
    if (was & ~p->s.cmd & PCMD_ST) {
        stop(p);
    } else if (p->s.cmd & ~was & PCMD_ST) {
        p->s.halted = false;
        p->s.last_slot = AHCI_SLOTS - 1;
    }
}

/* --- registers ---------------------------------------------------------------------*/

static uint32_t read_cmd(const AhciPortState *s)
{
    return s->cmd | PCMD_SUD | PCMD_POD | (s->cmd & PCMD_FRE ? PCMD_FR : 0) |
           (s->cmd & PCMD_ST ? PCMD_CR : 0);
}

uint32_t ahci_port_read(const AhciPort *p, unsigned reg)
{
    const AhciPortState *s = &p->s;
    const uint32_t registers[] = {
        [REG_CLB / 4] = s->clb,   [REG_CLBU / 4] = s->clb >> 32,
        [REG_FB / 4] = s->fb,     [REG_FBU / 4] = s->fb >> 32,
        [REG_IS / 4] = status(s), [REG_IE / 4] = s->ie,
        [REG_CMD / 4] = read_cmd(s), [REG_TFD / 4] = s->tfd,
        [REG_SIG / 4] = s->sig,   [REG_SSTS / 4] = s->ssts,
        [REG_SCTL / 4] = s->sctl, [REG_SERR / 4] = s->serr,
        [REG_SACT / 4] = s->sact, [REG_CI / 4] = s->ci,
    };
    return reg / 4 < G_N_ELEMENTS(registers) ? registers[reg / 4] : 0;
}

static uint64_t set_low(uint64_t v, uint32_t low, uint32_t mask)
{
    return (v & ~UINT64_C(0xffffffff)) | (low & mask);
}

static uint64_t set_high(uint64_t v, uint32_t high)
{
    return (v & UINT64_C(0xffffffff)) | (uint64_t)high << 32;
}

static void write_address(AhciPortState *s, unsigned reg, uint32_t v)
{
    switch (reg) {
    case REG_CLB:
        s->clb = set_low(s->clb, v, ~0x3ffu);
        break;
    case REG_CLBU:
        s->clb = set_high(s->clb, v);
        break;
    case REG_FB:
        s->fb = set_low(s->fb, v, ~0xffu);
        break;
    case REG_FBU:
        s->fb = set_high(s->fb, v);
        break;
    }
}

void ahci_port_write(AhciPort *p, unsigned reg, uint32_t v)
{
    AhciPortState *s = &p->s;

    switch (reg) {
    case REG_IS:
        s->is &= ~(v & PIS_CLEARS);
        break;
    case REG_IE:
        s->ie = v & PIE_MASK;
        break;
    case REG_CMD:
        write_cmd(p, v);
        break;
    case REG_SCTL:
        write_sctl(p, v);
        break;
    case REG_SERR:
        s->serr &= ~v;
        break;
    case REG_SACT:
        s->sact |= s->cmd & PCMD_ST ? v : 0;
        break;
    case REG_CI:
        s->ci |= s->cmd & PCMD_ST ? v : 0;
        break;
    default:
        write_address(s, reg, v);
    }
    ahci_commands_run(p);
    ahci_update_irq(p->hba);
}

/* --- life ----------------------------------------------------------------------------*/

/* The bus's registers and its line are not used: see data_block. */
static void no_irq(void *port, bool level)
{
}

static bool dma_ready(void *port, bool to_memory)
{
    return true;
}

static void no_dma_end(void *port)
{
}

static bool port_realize(Device *dev, Error **errp)
{
    AhciPort *p = (AhciPort *)dev;

    p->bus = (IdeBus){ .machine = dev->machine,
                       .name = p->name,
                       .units = 1,
                       .host = p,
                       .irq = no_irq,
                       .dma_ready = dma_ready,
                       .dma_move = ahci_dma_move,
                       .dma_end = no_dma_end,
                       .data_block = ahci_data_block,
                       .registers = ahci_registers,
                       .queue_log = ahci_queue_log };
    timer_init(&p->timer, dev->machine->clock, dev->path, &p->s.due_ns,
               ahci_queue_timer, p);
    dev->at = g_strdup(p->name);
    ide_bus_offer(&p->bus);
    return true;
}

/* After power-on the drive has said what it is before anybody looks. */
static void port_reset(Device *dev)
{
    AhciPort *p = (AhciPort *)dev;
    const IdeDrive *d = ahci_port_drive(p);

    timer_cancel(&p->timer);
    if (d) {
        p->s.ssts = SSTS_READY;
        p->s.sig = d->kind->packet ? 0xeb140101 : 0x00000101;
        p->s.tfd = 1u << 8 | (d->kind->packet ? 0 : ST_OK);
        p->s.fis_waits = true;
    }
}

static void port_unrealize(Device *dev)
{
    AhciPort *p = (AhciPort *)dev;

    if (p->timer.clock) {
        timer_destroy(&p->timer);
        p->timer.clock = NULL;
    }
    g_clear_pointer(&p->name, g_free);
}

static STATE_TABLE(port_state, "ahci-port", 1, AhciPortState, AHCI_PORT_STATE)

const DeviceClass ahci_port_class = {
    .name = "ahci-port",
    .desc = "port of an AHCI controller",
    .category = "Storage",
    .size = sizeof(AhciPort),
    .state_offset = offsetof(AhciPort, s),
    .state = port_state,
    .realize = port_realize,
    .reset = port_reset,
    .unrealize = port_unrealize,
};

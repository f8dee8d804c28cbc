/*
 * The fixed ACPI registers. See acpi-pm.h.
 *
 * The timer is computed, not stepped: it is virtual time in ticks of
 * 3.579545 MHz. What is state is the tick count at which its top bit toggles
 * next; until that has been acknowledged, the overflow is pending.
 */
#include "hw/acpi-pm.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "vm/runstate.h"

#define STS_TIMER  0x0001u
#define STS_BM     0x0010u
#define STS_GLOBAL 0x0020u
#define STS_PWRBTN 0x0100u
#define STS_RTC    0x0400u
#define STS_WAKE   0x8000u
#define STS_CLEARS (STS_TIMER | STS_BM | STS_GLOBAL | STS_PWRBTN | STS_RTC | \
                    STS_WAKE)
#define EN_BITS    (STS_TIMER | STS_GLOBAL | STS_PWRBTN | STS_RTC)

#define CNT_SCI_EN  0x0001u
#define CNT_SLP_EN  0x2000u
#define CNT_BITS    0x1c03u        /* SLP_TYP, BM_RLD, SCI_EN; GBL_RLS reads 0 */

/* SLP_TYP as the machine's firmware tables say: ORDER sleep-type (fw_cfg
 * etc/system-states, _S5 in dsdt-*.asl). */
enum { SLEEP_S5 = 0, SLEEP_S3 = 1, SLEEP_S4 = 2 };

#define TIMER_HZ   3579545
#define TIMER_MASK 0xffffffu
#define TIMER_HALF BIT(23)         /* the top bit toggles every so many ticks */

/* --- the timer -------------------------------------------------------------*/

static uint64_t ticks_at(int64_t ns)
{
    return (unsigned __int128)(uint64_t)ns * TIMER_HZ / NS_PER_SEC;
}

/* The first ns at which the tick count is at least that. */
static int64_t ns_of_tick(uint64_t tick)
{
    unsigned __int128 product = (unsigned __int128)tick * NS_PER_SEC;
    product = (product + TIMER_HZ - 1) / TIMER_HZ;
    return product > INT64_MAX ? TIME_NEVER : (int64_t)product;
}

static uint64_t ticks_now(const AcpiPm *pm)
{
    return ticks_at(clock_now_ns(pm->dev->machine->clock));
}

static uint16_t status_now(const AcpiPm *pm)
{
    bool elapsed = ticks_now(pm) >= pm->s->toggle_tick;
    return pm->s->status | (elapsed ? STS_TIMER : 0);
}

static void overflow_acknowledge(AcpiPm *pm)
{
    pm->s->toggle_tick = (ticks_now(pm) & ~(TIMER_HALF - 1)) + TIMER_HALF;
}

/* --- interrupts -----------------------------------------------------------------*/

void acpi_pm_update(AcpiPm *pm)
{
    const AcpiPmRows *s = pm->s;
    bool level = (status_now(pm) & s->enable & EN_BITS) || pm->event(pm->dev);

    irq_set(&pm->sci, (s->control & CNT_SCI_EN) && level);
    if ((s->enable & STS_TIMER) && !(status_now(pm) & STS_TIMER)) {
        timer_arm(&pm->timer, ns_of_tick(s->toggle_tick));
    } else {
        timer_cancel(&pm->timer);
    }
}

static void timer_fired(void *opaque)
{
    acpi_pm_update(opaque);
}

void acpi_pm_button(AcpiPm *pm)
{
    pm->s->status |= STS_PWRBTN;
    acpi_pm_update(pm);
}

void acpi_pm_apm(AcpiPm *pm, uint8_t command)
{
    if (command == ACPI_PM_APM_ON || command == ACPI_PM_APM_OFF) {
        pm->s->control &= ~CNT_SCI_EN;
        pm->s->control |= command == ACPI_PM_APM_ON ? CNT_SCI_EN : 0;
        acpi_pm_update(pm);
    }
}

/* --- registers ------------------------------------------------------------------*/

static void write_status(AcpiPm *pm, uint16_t v)
{
    pm->s->status &= ~(v & STS_CLEARS);
    if (v & STS_TIMER & status_now(pm)) {
        overflow_acknowledge(pm);
    }
}

static void fall_asleep(AcpiPm *pm)
{
    unsigned type = pm->s->control >> 10 & 7;

    if (type == SLEEP_S5 || type == SLEEP_S4) {
        runstate_request_shutdown(pm->dev->machine, CAUSE_GUEST_SHUTDOWN, 0);
    } else {
        guest_unimp("%s: sleep type %u\n", pm->dev->cls->name, type);
    }
}

static void write_control(AcpiPm *pm, uint16_t v)
{
    pm->s->control = v & CNT_BITS;
    if (v & CNT_SLP_EN) {
        fall_asleep(pm);
    }
}

void acpi_pm_image(const AcpiPm *pm, uint8_t *image)
{
    memset(image, 0, ACPI_PM_BYTES);
    bytes_st_le16(image + ACPI_PM_STATUS, status_now(pm));
    bytes_st_le16(image + ACPI_PM_ENABLE, pm->s->enable);
    bytes_st_le16(image + ACPI_PM_CONTROL, pm->s->control);
    bytes_st_le32(image + ACPI_PM_TIMER, ticks_now(pm) & TIMER_MASK);
}

void acpi_pm_write(AcpiPm *pm, unsigned offset, uint8_t v)
{
    AcpiPmRows *s = pm->s;
    unsigned shift = 8 * (offset & 1);
    uint16_t mask = 0xff << shift, word = v << shift;

    switch (offset & ~1u) {
    case ACPI_PM_STATUS:
        write_status(pm, word);
        break;
    case ACPI_PM_ENABLE:
        s->enable = ((s->enable & ~mask) | word) & EN_BITS;
        break;
    case ACPI_PM_CONTROL:
        write_control(pm, (s->control & ~mask) | word);
        break;
    }
}

/* --- life -----------------------------------------------------------------------*/

void acpi_pm_init(AcpiPm *pm, Device *dev, AcpiPmRows *rows,
                  bool (*event)(const Device *dev))
{
    pm->dev = dev;
    pm->s = rows;
    pm->event = event;
    timer_init(&pm->timer, dev->machine->clock, dev->path, &rows->due_ns,
               timer_fired, pm);
}

void acpi_pm_reset(AcpiPm *pm)
{
    overflow_acknowledge(pm);
    acpi_pm_update(pm);
}

void acpi_pm_destroy(AcpiPm *pm)
{
    if (pm->timer.clock) {
        timer_destroy(&pm->timer);
        pm->timer.clock = NULL;
    }
}

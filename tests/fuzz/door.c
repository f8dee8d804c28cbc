/*
 * A PC with a door. See door.h.
 */
#include "door.h"

#include <string.h>

#include "hw/parts.h"
#include "io/background.h"
#include "io/outfile.h"
#include "io/world.h"
#include "svc/monitor.h"
#include "vm/cpu.h"
#include "vm/sched.h"

#define ROM_BYTES (64 * KIB)
#define SLICE     200u

/* --- host/ ----------------------------------------------------------------------- */

struct Chardev {
    ChardevHead head;
    ChardevInput *input;
    ChardevNotify *notify;
    void *opaque;
    bool connected;
    uint64_t written;
};

/* Every byte is looked at, so that a sanitizer does. */
static void door_write(Chardev *c, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        c->written = c->written * 31 + p[i];
    }
}

static const ChardevOps door_ops = { .write = door_write };
static Chardev the_door;

Chardev *door_chardev(void)
{
    return &the_door;
}

bool chardev_connected(const Chardev *c)
{
    return c->connected;
}

char *chardev_describe(const Chardev *c)
{
    return g_strdup("door");
}

const char *chardev_backend_at(unsigned n)
{
    return n ? NULL : "null";
}

void chardev_drain(Chardev *c)
{
}

void chardev_set_handlers(Chardev *c, ChardevInput *input,
                          ChardevNotify *notify, void *opaque)
{
    c->input = input;
    c->notify = notify;
    c->opaque = opaque;
}

/* No command of a fuzzer's reaches a file. */
bool world_same_file(const char *a, const char *b)
{
    return false;
}

bool outfile_open(OutFile *f, const char *path, Error **errp)
{
    error_set(errp, "Could not open '%s': there are no files here", path);
    return false;
}

void outfile_write(OutFile *f, const void *data, size_t bytes)
{
}

bool outfile_close(OutFile *f, Error **errp)
{
    return true;
}

int chardev_take_fd(Chardev *c)
{
    return -1;
}

bool chardev_is_ringbuf(const Chardev *c)
{
    return false;
}

size_t chardev_ringbuf_read(Chardev *c, uint8_t *data, size_t len)
{
    return 0;
}

Background *background_start(const BackgroundWork *work, Error **errp)
{
    error_set(errp, "there is one process here");
    return NULL;
}

void background_tell(Background *b, uint64_t completed)
{
}

uint64_t background_completed(const Background *b)
{
    return 0;
}

void background_cancel(Background *b)
{
}

static void tell(ChardevEvent event)
{
    if (the_door.notify) {
        the_door.notify(the_door.opaque, event);
    }
}

void chardev_disconnect(Chardev *c)
{
    if (c->connected) {
        c->connected = false;
        tell(CHARDEV_CLOSED);
    }
}

void door_open(void)
{
    the_door.connected = true;
    tell(CHARDEV_OPENED);
}

void door_close(void)
{
    chardev_disconnect(&the_door);
}

void door_say(const void *data, size_t len)
{
    if (the_door.connected && the_door.input) {
        the_door.input(the_door.opaque, data, len);
    }
}

extern const CpuClass x86_64_cpu_class;            /* target/ */
extern const AccelOps accel_tcg;                   /* accel/tcg/accel.c */

/* --- the machine -------------------------------------------------------------------- */

/* At the reset vector: jmp f000:0; there a loop over memory. */
static GBytes *make_firmware(void)
{
    static const uint8_t loop[] = {
        0x31, 0xdb,                    /* xor bx, bx */
        0x43,                          /* inc bx */
        0x2e, 0x8a, 0x07,              /* mov al, cs:[bx] */
        0x88, 0x07,                    /* mov [bx], al */
        0x01, 0x06, 0x00, 0x10,        /* add [0x1000], ax */
        0xeb, 0xf4,                    /* jmp to the inc */
    };
    static const uint8_t reset[] = { 0xea, 0, 0, 0, 0xf0 };
    uint8_t *rom = g_malloc0(ROM_BYTES);
    memcpy(rom, loop, sizeof loop);
    memcpy(rom + 0xfff0, reset, sizeof reset);
    return g_bytes_new_take(rom, ROM_BYTES);
}

Machine *door_machine_new(void)
{
    static const MachineParts parts = { &x86_64_cpu_class, &accel_tcg,
                                        pc_boards, pc_devices };
    static AccelOptions options = { .tb_bytes = MIB };
    the_door = (Chardev){ .head = { &door_ops, (char *)"door" } };
    Machine *m = machine_new(&parts, board_find(&parts, "pc"));
    MachineConfig *c = &m->config;
    monitor_init(m);
    c->ram_bytes = MIB;
    c->firmware = make_firmware();
    c->defaults = false;
    c->has_seed = true;
    c->rtc_base_sec = 0;
    c->drives = g_ptr_array_new();
    c->devices = g_ptr_array_new();
    c->serials = g_ptr_array_new();
    m->icount_mode = ICOUNT_FIXED;
    c->accel = &options;
    bool ok = machine_build(m, NULL);
    g_assert(ok);
    machine_power_on(m);
    runstate_set(m, RUN_PAUSED);
    return m;
}

void door_machine_free(Machine *m)
{
    MachineConfig c = m->config;
    monitor_done(m);
    machine_free(m);
    g_bytes_unref(c.firmware);
    g_ptr_array_free(c.drives, TRUE);
    g_ptr_array_free(c.devices, TRUE);
    g_ptr_array_free(c.serials, TRUE);
}

bool door_run(Machine *m)
{
    int code;
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    if (runstate_running(m)) {
        sched_run(m, machine_icount(m) + SLICE);
    }
    if (runstate_request_pending(m)) {
        runstate_handle_requests(m);
    }
    return !runstate_quit_requested(m, &code);
}

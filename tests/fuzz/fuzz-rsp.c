/*
 * The gdb stub: any packets, breakpoints with any agent expressions among them,
 * and a machine that runs in between.
 *
 * The first byte chooses: 0, the rest are bytes on the line; otherwise they are
 * packets' contents, a newline between two, framed here since no mutation would
 * find checksums. Monitor commands are fuzz-qmp's business.
 */
#include <string.h>

#include "door.h"
#include "fuzz.h"
#include "svc/gdbstub.h"

static void say_packet(const uint8_t *data, size_t len)
{
    g_autoptr(GString) frame = g_string_new("$");
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        if (data[i] != '$' && data[i] != '#') {
            g_string_append_c(frame, data[i]);
            sum += data[i];
        }
    }
    g_string_append_printf(frame, "#%02x", sum);
    door_say(frame->str, frame->len);
}

static void speak(Machine *m, FuzzInput *in, bool packets)
{
    while (in->len) {
        const uint8_t *end = memchr(in->data, '\n', in->len);
        size_t len = end ? (size_t)(end - in->data) : in->len, got;
        const uint8_t *p = fuzz_bytes(in, len, &got);
        fuzz_bytes(in, 1, &got);
        if (!packets) {
            door_say(p, len);
        } else if (len < 5 || memcmp(p, "qRcmd", 5)) {
            say_packet(p, len);
        }
        if (!door_run(m)) {
            return;
        }
    }
    door_say("\x03", 1);
    door_run(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    bool packets = fuzz_u8(&in);
    Machine *m = door_machine_new();
    Gdbstub *g = gdbstub_new(m, NULL, door_chardev());
    door_open();
    speak(m, &in, packets);
    door_close();
    gdbstub_free(g);
    door_machine_free(m);
    return 0;
}

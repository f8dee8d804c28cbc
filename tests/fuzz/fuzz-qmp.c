/*
 * The monitors: anything said to QMP, or typed at the human monitor.
 *
 * The first byte chooses; the rest is what is said, a zero byte where the
 * machine may run for a moment. A slash becomes an underscore and there are no
 * \u escapes, so that commands which write files write them here.
 */
#include "door.h"
#include "fuzz.h"
#include "svc/monitor.h"

static char *tamed(const FuzzInput *in)
{
    char *text = g_malloc(in->len + 1);
    for (size_t i = 0; i < in->len; i++) {
        bool escape = i && in->data[i - 1] == '\\' && in->data[i] == 'u';
        char c = in->data[i];
        text[i] = c == '/' ? '_' : escape ? 'n' : c;
    }
    return text;
}

static void speak(Machine *m, const char *text, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i == len || !text[i]) {
            door_say(text + from, i - from);
            from = i + 1;
            if (!door_run(m)) {
                return;
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    MonitorMode mode = fuzz_u8(&in) & 1 ? MONITOR_READLINE : MONITOR_CONTROL;
    Machine *m = door_machine_new();
    Monitor *mon = monitor_new(m, NULL, door_chardev(), mode, false);
    static const char hello[] = "{\"execute\":\"qmp_capabilities\"}\n";
    g_autofree char *text = tamed(&in);
    door_open();
    if (mode == MONITOR_CONTROL) {
        door_say(hello, sizeof hello - 1);
    }
    speak(m, text, in.len);
    door_close();
    monitor_free(mon);
    door_machine_free(m);
    return 0;
}

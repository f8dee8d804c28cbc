/*
 * A guest that takes in what the outside world offers: serial line, keyboard,
 * date, the time stamp counter, and a disk it writes. Commands come as lines
 * on the serial port: `keys`, `write TEXT`, `date`, `spin`, `quit`.
 */
#include "lib.h"

static uint32_t hash = 2166136261u;

static void mix(uint8_t byte)
{
    hash = (hash ^ byte) * 16777619u;
}

static unsigned read_line(char *line, unsigned max)
{
    unsigned n = 0;
    for (;;) {
        uint8_t c = serial_get();
        mix(c);
        mix(ticks);
        if (c == '\r' || c == '\n') {
            break;
        }
        if (n < max - 1) {
            line[n++] = c;
        }
    }
    line[n] = 0;
    return n;
}

static int starts(const char *line, const char *word)
{
    while (*word) {
        if (*line++ != *word++) {
            return 0;
        }
    }
    return 1;
}

static void show_date(void)
{
    static const uint8_t fields[] = { 0x32, 9, 8, 7, 4, 2, 0 };
    print("date");
    for (unsigned i = 0; i < sizeof fields; i++) {
        uint8_t v = cmos_read(fields[i]);
        mix(v);
        print(" ");
        print_hex(v);
    }
    print("\n");
}

static void show_keys(void)
{
    print("keys");
    for (uint32_t i = 0; i < scancode_count && i < 64; i++) {
        mix(scancodes[i]);
        print(" ");
        print_hex(scancodes[i]);
    }
    print("\n");
}

static void write_disk(const char *text)
{
    static uint8_t sector[512], back[512];
    static uint32_t lba = 200;
    uint32_t wrong = 0;
    for (unsigned i = 0; i < sizeof sector; i++) {
        sector[i] = *text ? (uint8_t)*text++ : (uint8_t)(rdtsc() >> 3);
    }
    disk_write(lba, sector);
    disk_read(lba, back);
    for (unsigned i = 0; i < sizeof sector; i++) {
        wrong += sector[i] != back[i];
        mix(back[i]);
    }
    print("wrote sector ");
    print_dec(lba++);
    print(wrong ? " BAD\n" : " ok\n");
}

static void spin(void)
{
    uint32_t until = ticks + 20;
    uint32_t loops = 0;
    while ((int32_t)(until - ticks) > 0) {
        loops++;
    }
    mix(loops);
    print("spun ");
    print_dec(loops);
    print("\n");
}

void guest_main(void);

void guest_main(void)
{
    static char line[80];
    serial_init();
    print("io guest\n");
    show_date();
    interrupts_init();
    for (;;) {
        print("> ");
        read_line(line, sizeof line);
        if (starts(line, "quit")) {
            break;
        } else if (starts(line, "keys")) {
            show_keys();
        } else if (starts(line, "write ")) {
            write_disk(line + 6);
        } else if (starts(line, "date")) {
            show_date();
        } else if (starts(line, "spin")) {
            spin();
        } else {
            print("you said: ");
            print(line);
            print("\n");
        }
    }
    print("ticks ");
    print_dec(ticks);
    print(" hash ");
    print_hex(hash);
    print("\n");
    guest_exit(0);
}

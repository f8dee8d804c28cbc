/*
 * virtio-serial: consoles and ports. Section 5.3 of the virtio specification
 * 1.2. The bus device has the queues; a port is a device of its own on it
 * (virtconsole, virtserialport), whose bytes come from and go to a chardev.
 *
 * What comes from the world waits in a row of the port until the driver has
 * opened it and given buffers.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-pci.h"
#include "io/chardev.h"

#define F_SIZE       BIT(0)
#define F_MULTIPORT  BIT(1)

enum { CONFIG_COLUMNS = 0, CONFIG_ROWS = 2, CONFIG_PORTS = 4,
       CONFIG_BYTES = 12 };

/* 5.3.2: ports' queues, with the control queues behind those of port 0. */
enum { QUEUE_CONTROL_IN = 2, QUEUE_CONTROL_OUT = 3 };

/* Control messages, 5.3.6.2. */
enum { EVENT_DEVICE_READY, EVENT_PORT_ADD, EVENT_PORT_REMOVE,
       EVENT_PORT_READY, EVENT_CONSOLE_PORT, EVENT_RESIZE, EVENT_PORT_OPEN,
       EVENT_PORT_NAME };
#define MESSAGE_BYTES 8u

#define PORTS_MAX     31u
#define QUEUE_ENTRIES 128u
#define INPUT_BYTES   4096u
#define CHUNK_BYTES   4096u
/* Messages that wait for the driver's buffers: each port has few. */
#define MESSAGES_MAX  128u

typedef uint8_t SerialMessages[MESSAGES_MAX * MESSAGE_BYTES];

#define BUS_STATE(_)                                                          \
    VIRTIO_STATE(_)                                                           \
    _(SerialMessages, STATE_U8, messages, 0, 1, "control messages, a ring")   \
    _(uint8_t, STATE_U8, head, 0, 1, "the first of them",                     \
      STATE_IN(0, MESSAGES_MAX - 1))                                          \
    _(uint8_t, STATE_U8, count, 0, 1, "how many wait",                        \
      STATE_IN(0, MESSAGES_MAX))

STATE_STRUCT(BusState, BUS_STATE);
static STATE_TABLE(bus_state, "virtio-serial", 1, BusState, BUS_STATE)

typedef struct VirtioPort VirtioPort;

typedef struct VirtioSerial {
    VirtioDevice v;
    BusState s;
    uint32_t max_ports;
    VirtioPort *port[PORTS_MAX];
} VirtioSerial;

typedef uint8_t PortInput[INPUT_BYTES];

#define PORT_STATE(_)                                                         \
    _(bool, STATE_BOOL, open, 0, 1, "the guest has opened it")                \
    _(PortInput, STATE_U8, input, 0, 1, "bytes received, a ring")             \
    _(uint16_t, STATE_U16, head, 0, 1, "the first of them",                   \
      STATE_IN(0, INPUT_BYTES - 1))                                           \
    _(uint16_t, STATE_U16, count, 0, 1, "how many there are",                 \
      STATE_IN(0, INPUT_BYTES))

STATE_STRUCT(PortState, PORT_STATE);
static STATE_TABLE(port_state, "virtio-port", 1, PortState, PORT_STATE)

struct VirtioPort {
    Device dev;
    PortState s;
    VirtioSerial *serial;
    Chardev *chr;
    NondetPort *input;
    char *name;
    uint32_t nr;
    bool console;
};

static unsigned queue_in(unsigned port)
{
    return port ? 2 * port + 2 : 0;
}

static bool has_ports(const VirtioSerial *d)
{
    return virtio_has(&d->v, F_MULTIPORT);
}

/* --- control messages to the driver ---------------------------------------------*/

/* The name goes with its message: the only one that is longer. */
static uint32_t put_message(VirtioSerial *d, const VirtioBuffer *b,
                            const uint8_t *message)
{
    uint32_t nr = bytes_ld_le32(message);
    uint32_t n = virtio_write(&d->v, b, 0, message, MESSAGE_BYTES);

    if (bytes_ld_le16(message + 4) == EVENT_PORT_NAME && nr < PORTS_MAX &&
        d->port[nr] && d->port[nr]->name) {
        const char *name = d->port[nr]->name;
        n += virtio_write(&d->v, b, MESSAGE_BYTES, name, strlen(name));
    }
    return n;
}

static void flush_messages(VirtioSerial *d)
{
    BusState *s = &d->s;
    VirtioBuffer b;

    while (s->count && virtio_pop(&d->v, QUEUE_CONTROL_IN, &b)) {
        uint32_t n = put_message(d, &b, s->messages + s->head * MESSAGE_BYTES);
        virtio_push(&d->v, QUEUE_CONTROL_IN, b.id, b.entries, n);
        s->head = (s->head + 1) % MESSAGES_MAX;
        s->count--;
    }
    virtio_interrupt(&d->v, QUEUE_CONTROL_IN);
}

static void tell(VirtioSerial *d, uint32_t nr, uint16_t event, uint16_t value)
{
    BusState *s = &d->s;

    if (s->count == MESSAGES_MAX) {
        guest_error("%s: control messages are not taken\n",
                    virtio_name(&d->v));
        return;
    }
    uint8_t *m = s->messages + (s->head + s->count) % MESSAGES_MAX *
                                   MESSAGE_BYTES;
    bytes_st_le32(m, nr);
    bytes_st_le16(m + 4, event);
    bytes_st_le16(m + 6, value);
    s->count++;
}

/* --- bytes to the guest -------------------------------------------------------------*/

static size_t take_input(VirtioPort *p, uint8_t *to, size_t max)
{
    PortState *s = &p->s;
    size_t n = 0;

    while (s->count && n < max) {
        to[n++] = s->input[s->head];
        s->head = (s->head + 1) % INPUT_BYTES;
        s->count--;
    }
    return n;
}

/* 5.3.5: a port that nobody has open gets nothing. */
static void feed(VirtioPort *p)
{
    VirtioSerial *d = p->serial;
    unsigned q = queue_in(p->nr);
    uint8_t chunk[CHUNK_BYTES];
    VirtioBuffer b;

    if (has_ports(d) && !p->s.open) {
        return;
    }
    while (p->s.count && virtio_pop(&d->v, q, &b)) {
        size_t n = take_input(p, chunk, MIN(b.in_bytes, sizeof chunk));
        virtio_write(&d->v, &b, 0, chunk, n);
        virtio_push(&d->v, q, b.id, b.entries, n);
    }
    virtio_interrupt(&d->v, q);
    if (p->chr) {
        chardev_kick(p->chr);
    }
}

static void port_input(void *opaque, const void *data, size_t len)
{
    VirtioPort *p = opaque;
    PortState *s = &p->s;
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len && s->count < INPUT_BYTES; i++) {
        s->input[(s->head + s->count++) % INPUT_BYTES] = bytes[i];
    }
    p->serial->v.busy = true;
    feed(p);
    p->serial->v.busy = false;
}

/* What is on its way to us has not been counted yet: no room until it has. */
static size_t port_room(void *opaque)
{
    const VirtioPort *p = opaque;
    return nondet_pending(p->dev.machine) ? 0 : INPUT_BYTES - p->s.count;
}

/* --- from the driver -------------------------------------------------------------------*/

static void port_output(VirtioSerial *d, unsigned nr)
{
    unsigned q = queue_in(nr) + 1;
    const VirtioPort *p = d->port[nr];
    uint8_t chunk[CHUNK_BYTES];
    VirtioBuffer b;

    for (unsigned n = 0; n < QUEUE_ENTRIES && virtio_pop(&d->v, q, &b); n++) {
        uint64_t end = MIN(b.out_bytes, 64 * KIB);
        for (uint64_t at = 0; p && p->chr && at < end; at += sizeof chunk) {
            size_t got = virtio_read(&d->v, &b, at, chunk,
                                     MIN(sizeof chunk, end - at));
            chardev_write(p->chr, chunk, got);
        }
        virtio_push(&d->v, q, b.id, b.entries, 0);
    }
    virtio_has_buffer(&d->v, q);
    virtio_interrupt(&d->v, q);
}

static void port_ready(VirtioSerial *d, uint32_t nr)
{
    const VirtioPort *p = d->port[nr];

    if (p->console) {
        tell(d, nr, EVENT_CONSOLE_PORT, 1);
    }
    if (p->name) {
        tell(d, nr, EVENT_PORT_NAME, 1);
    }
    tell(d, nr, EVENT_PORT_OPEN, p->chr != NULL);
}

static void add_ports(VirtioSerial *d)
{
    for (unsigned nr = 0; nr < d->max_ports; nr++) {
        if (d->port[nr]) {
            tell(d, nr, EVENT_PORT_ADD, 1);
        }
    }
}

static void take_message(VirtioSerial *d, const uint8_t *message)
{
    uint32_t nr = bytes_ld_le32(message);
    uint16_t event = bytes_ld_le16(message + 4);
    uint16_t value = bytes_ld_le16(message + 6);

    if (event == EVENT_DEVICE_READY) {
        if (value) {
            add_ports(d);
        }
    } else if (nr >= d->max_ports || !d->port[nr]) {
        guest_error("%s: a message for port %u\n", virtio_name(&d->v), nr);
    } else if (event == EVENT_PORT_READY && value) {
        port_ready(d, nr);
    } else if (event == EVENT_PORT_OPEN) {
        d->port[nr]->s.open = value;
        feed(d->port[nr]);
    }
}

static void control_output(VirtioSerial *d)
{
    uint8_t message[MESSAGE_BYTES];
    VirtioBuffer b;

    for (unsigned n = 0; n < QUEUE_ENTRIES; n++) {
        if (!virtio_pop(&d->v, QUEUE_CONTROL_OUT, &b)) {
            break;
        }
        if (virtio_read(&d->v, &b, 0, message, sizeof message) ==
            sizeof message) {
            take_message(d, message);
        }
        virtio_push(&d->v, QUEUE_CONTROL_OUT, b.id, b.entries, 0);
    }
    virtio_has_buffer(&d->v, QUEUE_CONTROL_OUT);
    virtio_interrupt(&d->v, QUEUE_CONTROL_OUT);
    flush_messages(d);
}

static void serial_queue(VirtioDevice *v, unsigned q)
{
    VirtioSerial *d = container_of(v, VirtioSerial, v);
    unsigned nr = q < QUEUE_CONTROL_IN ? 0 : q / 2 - 1;

    if (q == QUEUE_CONTROL_IN) {
        flush_messages(d);
    } else if (q == QUEUE_CONTROL_OUT) {
        control_output(d);
    } else if (q & 1) {
        port_output(d, nr);
    } else if (d->port[nr]) {
        feed(d->port[nr]);
    }
}

static uint64_t serial_features(VirtioDevice *v)
{
    return F_MULTIPORT;
}

static void serial_get_config(VirtioDevice *v, uint8_t *config)
{
    const VirtioSerial *d = container_of(v, VirtioSerial, v);
    bytes_st_le32(config + CONFIG_PORTS, d->max_ports);
}

/* The ports' rows are theirs; what the guest opened is closed. */
static void serial_reset(VirtioDevice *v)
{
    VirtioSerial *d = container_of(v, VirtioSerial, v);

    for (unsigned nr = 0; nr < PORTS_MAX; nr++) {
        if (d->port[nr]) {
            d->port[nr]->s.open = false;
        }
    }
}

static const VirtioInfo serial_info = {
    .type = 3,
    .config_bytes = CONFIG_BYTES,
    .features = serial_features,
    .get_config = serial_get_config,
    .queue = serial_queue,
    .reset = serial_reset,
};

/* --- life --------------------------------------------------------------------------------*/

static bool serial_realize(Device *dev, Error **errp)
{
    VirtioSerial *d = (VirtioSerial *)dev;

    if (!d->max_ports || d->max_ports > PORTS_MAX) {
        error_set(errp, "max_ports=%u must be from 1 to %u", d->max_ports,
                  PORTS_MAX);
        return false;
    }
    if (!virtio_realize(&d->v, &serial_info, 2 * (d->max_ports + 1),
                        QUEUE_ENTRIES, errp)) {
        return false;
    }
    g_autofree char *bus = g_strdup_printf("%s.0", virtio_name(&d->v));
    machine_add_bus(dev->machine, &(MachineBus){ .kind = "virtio-serial-bus",
                                                 .name = bus,
                                                 .bus = d });
    return true;
}

static const PropDef serial_props[] = {
    PROP(VirtioSerial, max_ports, "max_ports", PROP_U32, "31",
         "how many ports there may be"),
    VIRTIO_PROPS(VirtioSerial),
    PROP_END
};

extern const DeviceClass virtio_serial_class, virtio_serial_pci_class,
    virtconsole_class, virtserialport_class;

const DeviceClass virtio_serial_class = {
    .name = "virtio-serial-device",
    .desc = "virtio consoles and ports",
    .bus = "virtio-bus",
    .category = "Input",
    .user = true,
    .size = sizeof(VirtioSerial),
    .state_offset = offsetof(VirtioSerial, s),
    .state = bus_state,
    .props = serial_props,
    .realize = serial_realize,
    .reset = virtio_device_reset,
};

static unsigned serial_vectors(const VirtioDevice *v)
{
    return 2;
}

static const VirtioPciInfo serial_pci_info = {
    .type = 3,
    .class_code = 0x0780,
    .vectors = serial_vectors,
};

VIRTIO_PCI_CLASS(virtio_serial_pci_class, "virtio-serial-pci", "Input",
                 virtio_serial_class, serial_pci_info);

static bool choose_number(VirtioPort *p, Error **errp)
{
    VirtioSerial *d = p->serial;
    /* Port 0 is for a console, as the first drivers expected. */
    unsigned nr = p->console ? 0 : 1;

    if (p->nr == UINT32_MAX) {
        while (nr < d->max_ports && d->port[nr]) {
            nr++;
        }
        p->nr = nr;
    }
    if (p->nr >= d->max_ports || d->port[p->nr]) {
        error_set(errp, "nr=%u: %s", p->nr,
                  p->nr >= d->max_ports ? "there is no such port"
                                        : "in use");
        return false;
    }
    d->port[p->nr] = p;
    return true;
}

static bool port_realize(Device *dev, Error **errp)
{
    VirtioPort *p = (VirtioPort *)dev;

    p->serial = dev->bus;
    if (!choose_number(p, errp)) {
        return false;
    }
    dev->at = g_strdup_printf("%u", p->nr);
    p->input = nondet_port(dev->machine, NONDET_SERIAL,
                           dev->id ? dev->id : dev->path, port_input, p);
    if (p->chr) {
        chardev_bind_port(p->chr, p->input, port_room, p);
    }
    return true;
}

static bool console_realize(Device *dev, Error **errp)
{
    ((VirtioPort *)dev)->console = true;
    return port_realize(dev, errp);
}

static void port_unrealize(Device *dev)
{
    VirtioPort *p = (VirtioPort *)dev;
    if (p->serial && p->nr < PORTS_MAX && p->serial->port[p->nr] == p) {
        p->serial->port[p->nr] = NULL;
    }
}

static const PropDef port_props[] = {
    PROP(VirtioPort, chr, "chardev", PROP_CHARDEV, NULL, "its other end"),
    PROP(VirtioPort, nr, "nr", PROP_U32, "0xffffffff",
         "its number; a free one by default"),
    PROP(VirtioPort, name, "name", PROP_STRING, NULL,
         "what the guest calls it (/dev/virtio-ports)"),
    PROP_END
};

const DeviceClass virtconsole_class = {
    .name = "virtconsole",
    .desc = "console on a virtio-serial device",
    .bus = "virtio-serial-bus",
    .category = "Input",
    .user = true,
    .size = sizeof(VirtioPort),
    .state_offset = offsetof(VirtioPort, s),
    .state = port_state,
    .props = port_props,
    .realize = console_realize,
    .unrealize = port_unrealize,
};

const DeviceClass virtserialport_class = {
    .name = "virtserialport",
    .desc = "port on a virtio-serial device",
    .bus = "virtio-serial-bus",
    .category = "Input",
    .user = true,
    .size = sizeof(VirtioPort),
    .state_offset = offsetof(VirtioPort, s),
    .state = port_state,
    .props = port_props,
    .realize = port_realize,
    .unrealize = port_unrealize,
};

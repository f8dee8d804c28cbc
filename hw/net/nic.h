/*
 * What network adapters have in common: an address, a network, and the port at
 * which its frames come in.
 */
#ifndef HW_NET_NIC_H
#define HW_NET_NIC_H

#include "io/netdev.h"
#include "vm/device.h"
#include "vm/machine.h"

#define MAC_BYTES   6u
#define ETH_HEADER  14u
#define ETH_MIN     60u    /* without checksum */

typedef struct NicOps {
    /* A frame came in. */
    void (*receive)(Device *dev, const uint8_t *frame, size_t len);
    /* How many the adapter can take now: looks, and changes nothing. */
    unsigned (*room)(Device *dev);
} NicOps;

/* Part of an adapter's struct; all of it is wiring. */
typedef struct Nic {
    Device *dev;
    Device *owner;         /* whose id and path the user knows */
    const NicOps *ops;
    Netdev *peer;          /* property netdev; NULL: the cable is not plugged */
    char *mac_text;        /* property mac */
    uint8_t mac[MAC_BYTES];
    NondetPort *port;
    bool *down;            /* the adapter's row: its cable is pulled */
    bool pulled;           /* the same, which a reset leaves alone */
} Nic;

/* The row that every adapter has, since version 2 of its table. */
#define NIC_LINK_STATE(_)                                                     \
    _(bool, STATE_BOOL, link_down, 0, 2, "the cable is pulled")

#define NIC_PROPS(Type)                                                       \
    PROP(Type, nic.peer, "netdev", PROP_NETDEV, NULL,                         \
         "the network it is connected to"),                                   \
    PROP(Type, nic.mac_text, "mac", PROP_STRING, NULL,                        \
         "its address, as in 52:54:00:12:34:56")

/* From realize(), with `down` set: parses or makes up the address, creates the
 * port. owner: the
 * device that users know, which may be dev itself. */
bool nic_init(Nic *n, Device *dev, Device *owner, const NicOps *ops,
              Error **errp);
/* From reset() and rewire(). */
void nic_reset(Nic *n);
void nic_rewire(Nic *n);
/* From the hook set_link of the class's knobs. */
void nic_set_link(Nic *n, bool up);
/* The network's id, or NULL: for the hook `network`. */
const char *nic_network(const Nic *n);
void nic_send(Nic *n, const void *frame, size_t len);
/* There is more room than before. */
void nic_kick(Nic *n);
/* For the hook `info` of the class, with info_word "network". */
void nic_print(const Nic *n, const uint8_t *mac, GString *out);

static inline bool mac_is_multicast(const uint8_t *mac)
{
    return mac[0] & 1;
}

bool mac_is_broadcast(const uint8_t *mac);
/* The CRC of 802.3 over an address, bit by bit, the last remainder: adapters
 * take bits of it as a hash. */
uint32_t mac_crc(const uint8_t *mac);

#endif

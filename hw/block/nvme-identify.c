/*
 * Identify: what the controller and its namespace are. Section 5.15. See nvme.h.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "hw/scsi.h"
#include "nvme.h"

#define IDENTIFY_BYTES 4096u

/* CNS, 5.15.1. */
enum {
    CNS_NAMESPACE = 0x00,
    CNS_CONTROLLER = 0x01,
    CNS_LIST = 0x02,
    CNS_DESCRIPTORS = 0x03,
};

/* A number for the namespace that follows from its serial number: FNV-1a of 40
 * bits behind the prefix of machines that are not real. */
static uint64_t eui64(const Nvme *d)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *c = d->serial; *c; c++) {
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    }
    return UINT64_C(0x525400) << 40 | (hash & bits_mask(40));
}

/* --- the controller, 5.15.2.2 -------------------------------------------------------*/

/* A field of one to eight bytes. */
typedef struct IdentifyField {
    uint16_t at;
    uint8_t size;
    uint64_t value;
} IdentifyField;

static const IdentifyField controller_fields[] = {
    { 72, 1, 6 },          /* RAB */
    { 73, 3, 0x005452 },   /* IEEE, least significant byte first */
    { 80, 4, NVME_VERSION },
    { 111, 1, 1 },         /* CNTRLTYPE: for I/O */
    { 258, 1, 3 },         /* ACL */
    { 260, 1, 0x03 },      /* FRMW: one slot, read-only */
    { 261, 1, 0x06 },      /* LPA: effects, extended data */
    { 262, 1, NVME_ERRORS_MAX - 1 },
    { 266, 2, 0x157 },     /* WCTEMP */
    { 268, 2, 0x175 },     /* CCTEMP */
    { 512, 1, 0x66 },      /* SQES */
    { 513, 1, 0x44 },      /* CQES */
    { 516, 4, 1 },         /* NN */
    { 520, 2, 0x9d },      /* ONCS: compare, data sets, write zeroes, select,
                            * verify */
    { 536, 4, 0x00010001 }, /* SGLS: of any alignment, bit buckets */
    { 2048, 2, 2500 },     /* power state 0: 25 W */
    { 2052, 4, 16 },       /* entry latency, us */
    { 2056, 4, 4 },        /* exit latency */
};

static void fill_controller(const Nvme *d, uint8_t *out)
{
    g_autofree char *nqn =
        g_strdup_printf("nqn.2019-08.org.qemu:%s", d->serial);

    for (unsigned i = 0; i < G_N_ELEMENTS(controller_fields); i++) {
        const IdentifyField *f = &controller_fields[i];
        bytes_st_le(out + f->at, f->size, f->value);
    }
    bytes_st_le16(out, d->pci_info.vendor);
    bytes_st_le16(out + 2, d->pci_info.subsystem_vendor);
    scsi_put_text(out + 4, d->serial, 20);
    scsi_put_text(out + 24, "QEMU NVMe Ctrl", 40);
    scsi_put_text(out + 64, "1.0", 8);
    out[77] = d->mdts;
    out[259] = d->aerl;
    out[525] = d->write_cache;          /* VWC */
    memcpy(out + 768, nqn, MIN(strlen(nqn), 223));
}

/* --- the namespace, 5.15.2.1 ----------------------------------------------------------*/

static void fill_namespace(const Nvme *d, uint8_t *out)
{
    bytes_st_le64(out, d->blocks);      /* NSZE, NCAP, NUSE */
    bytes_st_le64(out + 8, d->blocks);
    bytes_st_le64(out + 16, d->blocks);
    out[33] = 0x09;                     /* DLFEAT: zeroes; write zeroes may */
    out[99] = blockdev_readonly(d->block);      /* NSATTR */
    bytes_st_be64(out + 120, eui64(d));
    out[130] = __builtin_ctz(d->block_bytes);   /* LBAF0 */
}

/* 5.15.2.4: type 1 is the EUI-64. */
static void fill_descriptors(const Nvme *d, uint8_t *out)
{
    out[0] = 1;
    out[1] = 8;
    bytes_st_be64(out + 4, eui64(d));
}

uint16_t nvme_identify(Nvme *d, NvmeCommand *c)
{
    uint8_t out[IDENTIFY_BYTES] = { 0 };
    unsigned cns = c->dw[10] & 0xff;
    bool is_ours = c->nsid == NVME_NSID;

    if ((cns == CNS_NAMESPACE || cns == CNS_DESCRIPTORS) && !is_ours) {
        return NVME_BAD_NAMESPACE;
    }
    switch (cns) {
    case CNS_NAMESPACE:
        fill_namespace(d, out);
        break;
    case CNS_CONTROLLER:
        fill_controller(d, out);
        break;
    case CNS_LIST:
        if (c->nsid >= NVME_NSID_ALL - 1) {
            return NVME_BAD_NAMESPACE;
        }
        bytes_st_le32(out, c->nsid < NVME_NSID ? NVME_NSID : 0);
        break;
    case CNS_DESCRIPTORS:
        fill_descriptors(d, out);
        break;
    default:
        return NVME_BAD_FIELD;
    }
    return nvme_answer(d, c, out, sizeof out);
}

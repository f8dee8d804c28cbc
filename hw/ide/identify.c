/*
 * What drives say about themselves: IDENTIFY DEVICE and IDENTIFY PACKET
 * DEVICE (ATA-7, 6.16 and 6.17), and SET FEATURES (6.45), whose choices show
 * up there.
 */
#include "base/bytes.h"
#include "drive.h"

void identify_word(uint8_t *words, unsigned word, uint16_t v)
{
    bytes_st_le16(words + 2 * word, v);
}

/* Texts are padded with spaces and have the bytes of each word swapped. */
void identify_text(uint8_t *words, unsigned word, unsigned count,
                   const char *text)
{
    for (unsigned i = 0; i < 2 * count; i++) {
        char c = *text ? *text++ : ' ';
        words[2 * word + (i ^ 1)] = c;
    }
}

static void identify_32(uint8_t *words, unsigned word, uint32_t v)
{
    bytes_st_le32(words + 2 * word, v);
}

void identify_modes(const IdeDrive *d, uint8_t *words)
{
    identify_word(words, 53, 7);        /* words 54-58, 64-70 and 88 valid */
    identify_word(words, 63, 0x07 | d->s.mdma_mode << 8);
    identify_word(words, 64, 0x03);     /* PIO 3 and 4 */
    for (unsigned word = 65; word <= 68; word++) {
        identify_word(words, word, 120);        /* ns a cycle */
    }
    identify_word(words, 88, 0x3f | d->s.udma_mode << 8);
}

typedef struct IdentifyWord {
    uint8_t word;
    uint16_t value;
} IdentifyWord;

static void identify_constants(uint8_t *words, const IdentifyWord *list,
                               unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        identify_word(words, list[i].word, list[i].value);
    }
}

static void identify_names(const IdeDrive *d, uint8_t *words)
{
    identify_text(words, 10, 10, d->serial);
    identify_text(words, 23, 4, d->version ? d->version : "");
    identify_text(words, 27, 20, d->model ? d->model : "");
}

static const IdentifyWord ata_words[] = {
    { 0, 0x0040 },         /* fixed disk */
    { 3, 16 },             /* default heads */
    { 6, 63 },             /* default sectors per track */
    { 47, 0x8000 | MULTIPLE_MAX },
    { 48, 1 },             /* dword I/O */
    { 49, 0x0b00 },        /* LBA, DMA, IORDY */
    { 51, 0x0200 },        /* PIO timing mode */
    { 52, 0x0200 },
    { 80, 0x00f0 },        /* ATA-4 to ATA-7 */
    { 81, 0x0016 },        /* ATA/ATAPI-5 */
    { 82, 0x0020 },        /* supported: write cache */
    { 83, 0x7400 },        /* FLUSH, FLUSH EXT, 48-bit */
    { 84, 0x4000 },
    { 86, 0x3400 },        /* enabled: the same */
    { 87, 0x4000 },
    { 93, 0x6001 },        /* reset result: passed, 80-wire cable */
};

static void ata_identify_sizes(const IdeDrive *d, uint8_t *words)
{
    const DriveState *s = &d->s;
    uint32_t lba28 = MIN(d->total_sectors, 0x0fffffff);
    uint32_t heads = MAX(s->heads, 1), sectors = MAX(s->sectors, 1);
    uint64_t all = d->total_sectors / (heads * sectors);
    uint32_t cylinders = MIN(all, 65535);

    identify_word(words, 1, d->cylinders);
    identify_word(words, 54, cylinders);
    identify_word(words, 55, heads);
    identify_word(words, 56, sectors);
    identify_32(words, 57, cylinders * heads * sectors);
    identify_32(words, 60, lba28);
    bytes_st_le64(words + 2 * 100, d->total_sectors);
}

static void identify_set(uint8_t *words, unsigned word, uint16_t bits)
{
    identify_word(words, word, bytes_ld_le16(words + 2 * word) | bits);
}

static void identify_wwn(const IdeDrive *d, uint8_t *words)
{
    if (!d->wwn) {
        return;
    }
    identify_set(words, 84, 0x0100);
    identify_set(words, 87, 0x0100);
    for (unsigned i = 0; i < 4; i++) {
        identify_word(words, 108 + i, d->wwn >> (48 - 16 * i));
    }
}

/* Words 69 (trimmed sectors read as zeroes), 105 and 169. */
static void ata_identify_trim(const IdeDrive *d, uint8_t *words)
{
    if (d->discard_bytes) {
        identify_set(words, 69, blockdev_discards(d->block) ? 0x4020 : 0);
        identify_word(words, 105, 1);
        identify_word(words, 169, 1);
    }
}

/* Behind a serial link: SATA 2.6, 13.2.1. */
static void identify_sata(const IdeDrive *d, uint8_t *words)
{
    if (!d->bus->registers) {
        return;
    }
    identify_word(words, 76, 0x0006);           /* generations 1 and 2 */
    identify_word(words, 80, 0x01f0);           /* ATA-4 to ATA8-ACS */
    identify_word(words, 93, 0);
    if (!d->kind->packet) {
        identify_word(words, 75, 31);           /* queue: 32 commands */
        identify_set(words, 76, 0x0100);
        identify_set(words, 84, 0x0060);        /* READ LOG EXT, FUA */
        identify_set(words, 87, 0x0060);
    }
}

void ata_identify(const IdeDrive *d, uint8_t *words)
{
    identify_constants(words, ata_words, G_N_ELEMENTS(ata_words));
    identify_names(d, words);
    identify_modes(d, words);
    ata_identify_sizes(d, words);
    identify_word(words, 59, d->s.multiple ? 0x100 | d->s.multiple : 0);
    identify_word(words, 85, d->s.write_cache ? 0x0020 : 0);
    identify_word(words, 217, d->rotation_rate);
    identify_wwn(d, words);
    ata_identify_trim(d, words);
    identify_sata(d, words);
}

static const IdentifyWord atapi_words[] = {
    { 0, 0x8580 },         /* ATAPI, CD-ROM, removable, DRQ in 50 us, 12 bytes */
    { 48, 1 },
    { 49, 0x0b00 },        /* DMA, LBA, IORDY */
    { 71, 30 },            /* ns PACKET to bus release, retired */
    { 72, 30 },
    { 80, 0x001e },        /* ATA-1 to ATA-4 */
    { 82, 0x0210 },        /* supported: DEVICE RESET, PACKET */
    { 83, 0x4000 },
    { 84, 0x4000 },
    { 85, 0x0210 },
    { 87, 0x4000 },
    { 93, 0x6001 },
};

void atapi_identify(const IdeDrive *d, uint8_t *words)
{
    identify_constants(words, atapi_words, G_N_ELEMENTS(atapi_words));
    identify_names(d, words);
    identify_modes(d, words);
    identify_wwn(d, words);
    identify_sata(d, words);
}

/* --- SET FEATURES ---------------------------------------------------------------*/

enum {
    FEATURE_WRITE_CACHE_ON = 0x02,
    FEATURE_TRANSFER_MODE = 0x03,
    FEATURE_WRITE_CACHE_OFF = 0x82,
};

/* Subcommand 03h: the sector count register is the mode (table 44), its
 * upper five bits the kind. */
static bool set_transfer_mode(IdeDrive *d)
{
    static const struct {
        uint8_t kind, max;
    } modes[] = {
        { 0, 1 },          /* PIO default */
        { 1, 4 },          /* PIO with flow control */
        { 4, 2 },          /* multiword DMA */
        { 8, 5 },          /* Ultra DMA */
    };
    unsigned kind = d->s.nsector >> 3, mode = d->s.nsector & 7;

    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (modes[i].kind == kind && mode <= modes[i].max) {
            d->s.pio_mode = kind <= 1 ? mode : d->s.pio_mode;
            d->s.mdma_mode = kind == 4 ? 1 << mode : 0;
            d->s.udma_mode = kind == 8 ? 1 << mode : 0;
            return true;
        }
    }
    return false;
}

static bool set_feature(IdeDrive *d)
{
    static const uint8_t ignored[] = {
        0x05, 0x85,        /* advanced power management */
        0x42, 0xc2,        /* acoustic management */
        0x55, 0xaa,        /* look-ahead */
        0x66, 0xcc,        /* power-on defaults after a reset */
        0x67,
    };

    switch (d->s.feature) {
    case FEATURE_TRANSFER_MODE:
        return set_transfer_mode(d);
    case FEATURE_WRITE_CACHE_ON:
    case FEATURE_WRITE_CACHE_OFF:
        d->s.write_cache = d->s.feature == FEATURE_WRITE_CACHE_ON;
        return true;
    default:
        return memchr(ignored, d->s.feature, sizeof ignored);
    }
}

void drive_set_features(IdeDrive *d)
{
    if (set_feature(d)) {
        drive_ok(d);
    } else {
        drive_abort(d);
    }
}

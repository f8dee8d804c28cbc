/*
 * Commands of QEMU's that are refused by name: a reason is more use than
 * "unknown". The tables are in the .def files.
 */
#include "monitor.h"

typedef struct Refused {
    const char *name, *reason;
} Refused;

static const Refused qmp[] = {
#define QMP_REFUSED(name, reason) { name, reason },
#include "qmp-refused.def"
#undef QMP_REFUSED
};

static const Refused hmp[] = {
#define HMP_REFUSED(name, reason) { name, reason },
#include "hmp-refused.def"
#undef HMP_REFUSED
};

static const Refused info[] = {
#define HMP_INFO_REFUSED(name, reason) { name, reason },
#include "hmp-info-refused.def"
#undef HMP_INFO_REFUSED
};

static const char *reason_in(const Refused *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (g_str_equal(rows[i].name, name)) {
            return rows[i].reason;
        }
    }
    return NULL;
}

const char *refused_qmp(const char *name)
{
    return reason_in(qmp, G_N_ELEMENTS(qmp), name);
}

const char *refused_hmp(const char *name)
{
    return reason_in(hmp, G_N_ELEMENTS(hmp), name);
}

const char *refused_info(const char *name)
{
    return reason_in(info, G_N_ELEMENTS(info), name);
}

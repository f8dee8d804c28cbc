/*
 * Where keys and pointer movements go: the keyboard and the pointer that
 * registered last. See io/input.h.
 *
 * The registry is wiring and hangs on the machine as a small board device
 * that the first registration creates; it has no state of its own, because
 * what a guest can see of a key is in its keyboard.
 */
#include "io/input.h"

#include "hw/pc-chips.h"
#include "keys.h"
#include "vm/machine.h"

/* ORDER input-key */
static const char *const key_words[] = {
#define KEY(word, name, set2, set3) word,
#include "keys.def"
#undef KEY
};

typedef struct InputHub {
    Device dev;
    InputKeyFn *key;
    void *key_opaque;
    InputPointerFn *pointer;
    void *pointer_opaque;
} InputHub;

static const DeviceClass input_hub_class = {
    .name = "input-hub",
    .desc = "routes keys and pointer movements",
    .category = "Input",
    .size = sizeof(InputHub),
    .state_offset = offsetof(InputHub, key),
    .state = state_none,
};

static InputHub *hub_find(const Machine *m)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls == &input_hub_class) {
            return (InputHub *)dev;
        }
    }
    return NULL;
}

static InputHub *hub_get(Machine *m)
{
    InputHub *hub = hub_find(m);
    return hub ? hub : (InputHub *)device_create(m, &input_hub_class);
}

void input_register_keyboard(Machine *m, InputKeyFn *fn, void *opaque)
{
    InputHub *hub = hub_get(m);
    hub->key = fn;
    hub->key_opaque = opaque;
}

void input_register_pointer(Machine *m, InputPointerFn *fn, void *opaque)
{
    InputHub *hub = hub_get(m);
    hub->pointer = fn;
    hub->pointer_opaque = opaque;
}

bool input_key_find(const char *word, InputKey *key)
{
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        if (g_str_equal(key_words[i], word)) {
            *key = i;
            return true;
        }
    }
    return false;
}

const char *input_key_word(InputKey key)
{
    return key < KEY_COUNT ? key_words[key] : key_words[KEY_UNMAPPED];
}

unsigned input_key_count(void)
{
    return KEY_COUNT;
}

void input_send_key(Machine *m, InputKey key, bool down)
{
    InputHub *hub = hub_find(m);
    if (hub && hub->key && key < KEY_COUNT) {
        hub->key(hub->key_opaque, key, down);
    }
}

void input_send_pointer(Machine *m, const InputPointer *p)
{
    InputHub *hub = hub_find(m);
    if (hub && hub->pointer) {
        hub->pointer(hub->pointer_opaque, p);
    }
}

bool input_has_keyboard(const Machine *m)
{
    const InputHub *hub = hub_find(m);
    return hub && hub->key;
}

bool input_has_pointer(const Machine *m)
{
    const InputHub *hub = hub_find(m);
    return hub && hub->pointer;
}

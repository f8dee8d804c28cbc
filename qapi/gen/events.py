"""Builders of events' data objects."""
from parse import c_name, members


def signature(e, types):
    args = [f'{types.c_type(m)}{m.c_name}' for m in members(e.data)]
    return (f'json_t *qapi_event_{c_name(e.name).lower()}'
            f'({", ".join(args) or "void"})')


def header(events, types):
    out = ['/* Generated from the schema in qapi/: {"event": …, "data": …} objects. */',
           '#ifndef QAPI_EVENTS_H', '#define QAPI_EVENTS_H', '',
           '#include "qapi-types.h"', '']
    out += [signature(e, types) + ';' for e in events]
    return '\n'.join(out) + '\n\n#endif\n'


def source(events, types):
    out = ['/* Generated from the schema in qapi/. */', '#include "qapi-events.h"', '']
    for e in events:
        out += [signature(e, types), '{', '    json_t *o = json_object();',
                f'    json_object_set_new(o, "event", json_string("{e.name}"));']
        if e.data:
            out.append('    json_t *data = json_object();')
            for m in members(e.data):
                if m.optional:     # never a scalar: see check.py
                    out.append(f'    if ({m.c_name})')
                out.append(f'    json_object_set_new(data, "{m.name}", '
                           f'{types.put(m, m.c_name)});')
            out.append('    json_object_set_new(o, "data", data);')
        out += ['    return o;', '}', '']
    return '\n'.join(out)

"""C enums and structs of the schema, and their way into JSON."""
from parse import c_name, members

SCALAR = {'int': 'int64_t', 'bool': 'bool'}


def enum_constant(enum, value):
    out = ''
    for i, c in enumerate(enum):
        if c.isupper() and i and not enum[i - 1].isupper():
            out += '_'
        out += c.upper()
    return f'{out}_{c_name(value).upper()}'


class Types:
    def __init__(self, entities):
        self.enums = {e.name: e for e in entities if e.kind == 'enum'}
        self.structs = {e.name: e for e in entities if e.kind == 'struct'}

    def c_type(self, m):
        """The C type of a member or argument; lists and 'any' are JSON."""
        if m.is_list or m.type == 'any':
            return 'json_t *'
        if m.type == 'str':
            return 'const char *'
        if m.type in SCALAR:
            return SCALAR[m.type] + ' '
        if m.type in self.enums:
            return m.type + ' '
        return f'const {m.type} *'

    def is_scalar(self, m):
        return not m.is_list and (m.type in SCALAR or m.type in self.enums)

    def return_type(self, returns):
        if returns is None:
            return 'void '
        if returns == 'str':
            return 'char *'
        return 'json_t *'

    def header(self):
        out = ['''/* Generated from the schema in qapi/: enums, structs, and structs as JSON. */
#ifndef QAPI_TYPES_H
#define QAPI_TYPES_H

#include <jansson.h>

#include "base/error.h"
#include "base/types.h"
''']
        for e in self.enums.values():
            out.append(f'typedef enum {e.name} {{')
            out += [f'    {enum_constant(e.name, v)},' for v in e.data]
            out.append(f'    {enum_constant(e.name, "_count")[:]}')
            out.append(f'}} {e.name};')
            out.append(f'extern const char *const qapi_{e.name}_words[];\n')
        for e in self.structs.values():
            out.append(f'typedef struct {e.name} {{')
            for m in members(e.data):
                if m.optional and self.is_scalar(m):
                    out.append(f'    bool has_{m.c_name};')
                out.append(f'    {self.c_type(m)}{m.c_name};')
            out.append(f'}} {e.name};')
            out.append('/* A new reference; JSON members are taken over. */')
            out.append(f'json_t *qapi_put_{e.name}(const {e.name} *v);\n')
        out.append('#endif')
        return '\n'.join(out) + '\n'

    def source(self):
        out = ['/* Generated from the schema in qapi/. */', '#include "qapi-types.h"',
               '']
        for e in self.enums.values():
            out.append(f'const char *const qapi_{e.name}_words[] = {{')
            out += [f'    "{v}",' for v in e.data] + ['    NULL,', '};', '']
        for e in self.structs.values():
            out += self.put_function(e)
        return '\n'.join(out) + '\n'

    def put_function(self, e):
        out = [f'json_t *qapi_put_{e.name}(const {e.name} *v)', '{',
               '    json_t *o = json_object();']
        for m in members(e.data):
            cond = ''
            if m.optional:
                cond = (f'v->has_{m.c_name}' if self.is_scalar(m)
                        else f'v->{m.c_name}')
            pad = '    '
            if cond:
                out.append(f'    if ({cond}) {{')
                pad = '        '
            out.append(f'{pad}json_object_set_new(o, "{m.name}", '
                       f'{self.put(m, "v->" + m.c_name)});')
            if cond:
                out.append('    }')
        return out + ['    return o;', '}', '']

    def put(self, m, value):
        """The C expression that makes JSON of a member's value."""
        if m.is_list or m.type == 'any':
            return value
        if m.type == 'str':
            return f'json_string({value})'
        if m.type == 'int':
            return f'json_integer({value})'
        if m.type == 'bool':
            return f'json_boolean({value})'
        if m.type in self.enums:
            return f'json_string(qapi_{m.type}_words[{value}])'
        return f'qapi_put_{m.type}({value})'

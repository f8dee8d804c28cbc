"""The command table: prototypes of the handlers, and the code that takes
arguments out of JSON, calls a handler and wraps what it returns."""
from parse import c_name, members


def prototype(e, types):
    args = ['QmpContext *ctx']
    for m in members(e.data):
        if m.optional and types.is_scalar(m):
            args.append(f'bool has_{m.c_name}')
        args.append(f'{types.c_type(m)}{m.c_name}')
    args.append('Error **errp')
    return (f'{types.return_type(e.returns)}qmp_{c_name(e.name)}'
            f'({", ".join(args)})')


def header(commands, types):
    out = ['''/* Generated from the schema in qapi/: the commands of QMP. */
#ifndef QAPI_COMMANDS_H
#define QAPI_COMMANDS_H

#include "qapi-types.h"

/* What a handler is told about the connection and the machine. */
typedef struct QmpContext {
    Machine *machine;
    struct Replay *replay; /* or NULL */
    void *session;         /* the monitor's own; NULL at delivery in replay */
    const Machine *before; /* a mutating command that is only checked: what it
                            * will change, to be looked at */
} QmpContext;

/* A row of the table. run(): the result (null without one), a new reference;
 * NULL with an error. */
typedef struct QmpCommand {
    const char *name;
    json_t *(*run)(QmpContext *ctx, const json_t *args, Error **errp);
    bool mutates;          /* changes the guest: posted through the boundary */
    bool negotiation;      /* allowed before qmp_capabilities only */
} QmpCommand;

extern const QmpCommand qmp_commands[]; /* ended by a NULL name */
/* What query-qmp-schema returns, as JSON text. */
extern const char qapi_schema_json[];
''']
    out += [prototype(e, types) + ';' for e in commands]
    return '\n'.join(out) + '\n\n#endif\n'


def getter(m, types):
    """The C call that fills the variable(s) of an argument."""
    has = f'&has_{m.c_name}' if m.optional and types.is_scalar(m) else 'NULL'
    need = 'false' if m.optional else 'true'
    head = f'args, "{m.name}", {need}'
    if m.is_list:
        return f'qapi_get_list({head}, &{m.c_name}, errp)'
    if m.type == 'any':
        return f'qapi_get_any({head}, &{m.c_name}, errp)'
    if m.type in types.enums:
        return (f'qapi_get_enum({head}, {has}, qapi_{m.type}_words, '
                f'(int *)&{m.c_name}, errp)')
    if m.type == 'str':
        return f'qapi_get_str({head}, &{m.c_name}, errp)'
    return f'qapi_get_{m.type}({head}, {has}, &{m.c_name}, errp)'


def declarations(m, types):
    out = []
    if m.optional and types.is_scalar(m):
        out.append(f'    bool has_{m.c_name} = false;')
    zero = '0' if types.is_scalar(m) else 'NULL'
    out.append(f'    {types.c_type(m)}{m.c_name} = {zero};')
    return out


def call(e, types):
    args = ['ctx']
    for m in members(e.data):
        if m.optional and types.is_scalar(m):
            args.append(f'has_{m.c_name}')
        args.append(m.c_name)
    invoke = f'qmp_{c_name(e.name)}({", ".join(args)}, &err)'
    if e.returns is None:
        body = [f'    {invoke};', '    json_t *ret = json_object();']
    elif e.returns == 'str':
        body = [f'    g_autofree char *text = {invoke};',
                '    json_t *ret = json_string(text ? text : "");']
    else:
        body = [f'    json_t *ret = {invoke};']
    return body


def marshal(e, types):
    ms = members(e.data)
    names = ', '.join([f'"{m.name}"' for m in ms] + ['NULL'])
    out = [f'static json_t *run_{c_name(e.name)}(QmpContext *ctx, '
           'const json_t *args,', '    Error **errp)', '{',
           f'    static const char *const known[] = {{ {names} }};']
    for m in ms:
        out += declarations(m, types)
    checks = ['qapi_check_members(args, known, errp)']
    checks += [getter(m, types) for m in ms]
    out += ['    Error *err = NULL;',
            '    if (!' + ' ||\n        !'.join(checks) + ') {',
            '        return NULL;', '    }']
    out += call(e, types)
    out += ['    if (err) {', '        json_decref(ret);',
            '        error_propagate(errp, err);', '        return NULL;',
            '    }', '    return ret;', '}', '']
    return out


def source(commands, types):
    out = ['/* Generated from the schema in qapi/. */', '#include "qapi-commands.h"',
           '#include "qapi/visit.h"', '']
    for e in commands:
        out += marshal(e, types)
    out.append('const QmpCommand qmp_commands[] = {')
    for e in commands:
        flag = {True: 'true', False: 'false'}
        out.append(f'    {{ "{e.name}", run_{c_name(e.name)}, '
                   f'{flag[e.mutates]}, {flag[e.negotiation]} }},')
    out += ['    { NULL },', '};', '']
    return '\n'.join(out)

"""Refuses a schema whose types do not exist, whose names are used twice, or
whose arguments are not documented."""
from parse import SchemaError, members

BUILTIN = {'str', 'int', 'bool', 'any'}


def check(entities):
    types = {e.name for e in entities if e.kind in ('enum', 'struct')}
    seen = set()
    for e in entities:
        if e.name in seen:
            raise SchemaError(f'{e.where}: {e.name} is defined twice')
        seen.add(e.name)
        if e.kind != 'enum':
            check_members(e, types)
        if e.returns is not None:
            check_type(e, e.returns, types)
        if e.kind == 'event':
            check_event(e)
        if e.kind in ('command', 'event'):
            check_doc(e)


def check_event(e):
    for m in members(e.data):
        if m.optional and not m.is_list and m.type in ('int', 'bool'):
            raise SchemaError(f'{e.where}: {e.name}: an optional member of an '
                              f'event is no number ({m.name})')


def check_type(e, typ, types):
    typ = typ[0] if isinstance(typ, list) else typ
    if typ not in BUILTIN and typ not in types:
        raise SchemaError(f'{e.where}: {e.name} uses unknown type {typ}')


def check_members(e, types):
    for m in members(e.data):
        check_type(e, m.type, types)


def check_doc(e):
    if not e.doc:
        raise SchemaError(f'{e.where}: {e.name} has no documentation')
    text = '\n'.join(e.doc)
    for m in members(e.data):
        if f'@{m.name}:' not in text:
            raise SchemaError(f'{e.where}: {e.name} does not document '
                              f'@{m.name}')

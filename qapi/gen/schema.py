"""The schema about itself: what `query-qmp-schema` returns, as JSON text in C.

The form is that of the QMP specification's introspection: a list of entities,
each with a name and a meta-type. Names of our own types are hidden behind
numbers, as clients must not depend on them."""
import json

from parse import members

BUILTIN = {'str': 'string', 'int': 'int', 'bool': 'boolean', 'any': 'value'}
EMPTY = '0'


class Introspection:
    def __init__(self, entities):
        self.entities = {e.name: e for e in entities}
        self.names, self.out = {}, []

    def type_name(self, typ):
        """The name of a type in the answer; it is added when it is new."""
        if isinstance(typ, list):
            element = self.type_name(typ[0])
            return self.add(f'[{element}]', {'meta-type': 'array',
                                             'element-type': element})
        if typ in BUILTIN:
            return self.add(typ, {'meta-type': 'builtin',
                                  'json-type': BUILTIN[typ]})
        if typ in self.names:
            return self.names[typ]
        name = self.names[typ] = str(len(self.names) + 1)
        e = self.entities[typ]
        return self.add(name, self.enum(e) if e.kind == 'enum'
                        else self.object(e.data))

    def add(self, name, entity):
        if all(o['name'] != name for o in self.out):
            self.out.append({'name': name, **entity})
        return name

    @staticmethod
    def enum(e):
        return {'meta-type': 'enum', 'values': list(e.data),
                'members': [{'name': v} for v in e.data]}

    def object(self, data):
        out = []
        for m in members(data):
            typ = self.type_name([m.type] if m.is_list else m.type)
            out.append({'name': m.name, 'type': typ,
                        **({'default': None} if m.optional else {})})
        return {'meta-type': 'object', 'members': out}

    def arguments(self, e):
        if not e.data:
            return self.add(EMPTY, {'meta-type': 'object', 'members': []})
        return self.add(f'{e.name}-arg', self.object(e.data))

    def command(self, e):
        ret = (self.add(EMPTY, {'meta-type': 'object', 'members': []})
               if e.returns is None else self.type_name(e.returns))
        self.add(e.name, {'meta-type': 'command', 'ret-type': ret,
                          'arg-type': self.arguments(e), 'allow-oob': False})


def source(entities):
    it = Introspection(entities)
    for e in entities:
        if e.kind == 'command':
            it.command(e)
        elif e.kind == 'event':
            it.add(e.name, {'meta-type': 'event',
                            'arg-type': it.arguments(e)})
    out = ['/* Generated from the schema in qapi/. */',
           '#include "qapi-commands.h"', '', 'const char qapi_schema_json[] =',
           '    "["']
    for n, o in enumerate(it.out):
        text = json.dumps(o, separators=(',', ':'))
        comma = ',' if n + 1 < len(it.out) else ''
        out.append('    ' + json.dumps(text + comma))
    return '\n'.join(out + ['    "]";', ''])

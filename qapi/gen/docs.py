"""The QMP reference: docs/qmp-reference.md in the build folder."""
from parse import members


def type_text(typ):
    return f'array of {typ[0]}' if isinstance(typ, list) else str(typ)


def entity(e):
    out = [f'### {e.name}', '']
    out += [ln for ln in e.doc if not ln.startswith(('@', '    '))]
    table = members(e.data) if e.kind != 'enum' else []
    if table:
        out += ['', '| member | type | meaning |', '|---|---|---|']
        out += [f'| {m.name} | {type_text([m.type] if m.is_list else m.type)}'
                f'{", optional" if m.optional else ""} | {meaning(e, m)} |'
                for m in table]
    if e.kind == 'enum':
        out.append('One of: ' + ', '.join(f'`{v}`' for v in e.data) + '.')
    if e.returns is not None:
        out += ['', f'Returns: {type_text(e.returns)}.']
    if e.mutates:
        out += ['', 'Changes the guest: it is an input of the recording, and '
                'refused in replay.']
    return out + ['']


def meaning(e, m):
    text, taking = [], False
    for ln in e.doc:
        if ln.startswith('@'):
            taking = ln.startswith(f'@{m.name}:')
            ln = ln.partition(':')[2]
        elif not ln.startswith('    '):
            taking = False
        if taking:
            text.append(ln.strip())
    return ' '.join(text)


def reference(files):
    out = ['# QMP reference', '', 'Generated from `the schema in qapi/`.', '']
    for title, entities in files:
        out += ['## ' + ' '.join(title), '']
        for e in entities:
            out += entity(e)
    return '\n'.join(out)

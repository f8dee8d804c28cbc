"""Reads schema files: a sequence of Python-literal objects, each with the
'##'-fenced comment before it as its documentation."""
import ast
import re


class SchemaError(Exception):
    pass


class Entity:
    def __init__(self, expr, doc, where):
        self.kind = next(k for k in ('enum', 'struct', 'command', 'event')
                         if k in expr)
        self.name = expr[self.kind]
        self.data = expr.get('data', [] if self.kind == 'enum' else {})
        self.returns = expr.get('returns')
        self.mutates = expr.get('mutates', False)
        self.negotiation = expr.get('negotiation', False)
        self.doc = doc
        self.where = where


class Member:
    """One member of a struct or one argument."""

    def __init__(self, key, typ):
        self.optional = key.startswith('*')
        self.name = key.lstrip('*')
        self.is_list = isinstance(typ, list)
        self.type = typ[0] if self.is_list else typ
        self.c_name = c_name(self.name)


# Words of C.
RESERVED = {'static', 'default', 'register', 'switch', 'case'}


def c_name(name):
    if name in RESERVED:
        return f'q_{name}'
    return re.sub(r'[^A-Za-z0-9_]', '_', name)


def members(data):
    return [Member(k, t) for k, t in data.items()]


def _balanced_end(text, start, where):
    depth = 0
    quoted = False
    for i in range(start, len(text)):
        c = text[i]
        if c == "'":
            quoted = not quoted
        elif not quoted and c in '{[':
            depth += 1
        elif not quoted and c in '}]':
            depth -= 1
            if depth == 0:
                return i + 1
    raise SchemaError(f'{where}: object is not closed')


def _literal(text, where):
    text = re.sub(r'\btrue\b', 'True', re.sub(r'\bfalse\b', 'False', text))
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError) as e:
        raise SchemaError(f'{where}: {e}') from e


def _doc(lines):
    return [re.sub(r'^# ?', '', ln) for ln in lines]


def parse_file(path):
    """Returns (title lines, entities)."""
    with open(path, encoding='utf-8') as f:
        text = f.read()
    entities, title, doc, fence = [], [], None, False
    pos = 0
    while pos < len(text):
        end = text.find('\n', pos)
        end = len(text) if end < 0 else end
        line = text[pos:end]
        where = f'{path}:{text.count(chr(10), 0, pos) + 1}'
        if line.startswith('##'):
            fence = not fence
            doc = [] if fence else doc
        elif line.startswith('#'):
            (doc if fence else title).append(line)
        elif line.startswith('{'):
            stop = _balanced_end(text, pos, where)
            entities.append(Entity(_literal(text[pos:stop], where),
                                   _doc(doc or []), where))
            doc = None
            pos = stop
            continue
        elif line.strip():
            raise SchemaError(f'{where}: cannot read {line!r}')
        pos = end + 1
    return _doc(title), entities

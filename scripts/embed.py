"""Writes a file's bytes as a C array: embed.py FILE NAME OUT.c

Defines `const uint8_t NAME[]` and `const size_t NAME_bytes`.
"""
import sys


def main():
    source, name, out = sys.argv[1:]
    with open(source, 'rb') as f:
        data = f.read()
    lines = [', '.join(f'0x{b:02x}' for b in data[i:i + 12])
             for i in range(0, len(data), 12)]
    with open(out, 'w', encoding='ascii') as f:
        f.write('#include <stddef.h>\n#include <stdint.h>\n\n'
                f'extern const uint8_t {name}[];\n'
                f'extern const size_t {name}_bytes;\n'
                f'const uint8_t {name}[] = {{\n    '
                + ',\n    '.join(lines)
                + f'\n}};\nconst size_t {name}_bytes = sizeof {name};\n')


if __name__ == '__main__':
    main()

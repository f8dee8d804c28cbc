"""Reads dumps of guest memory: ELF core files, and kdump-compressed files in
their flat form."""
import struct
import zlib

NT_PRSTATUS = 1
PT_LOAD, PT_NOTE = 1, 4


class Elf:
    """Segments and notes of a core file."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = f.read()
        assert self.data[:4] == b'\x7fELF', self.data[:16]
        self.bits = 64 if self.data[4] == 2 else 32
        self.machine, = struct.unpack_from('<H', self.data, 18)
        self.segments = list(self.read_segments())
        self.notes = [note for kind, offset, _, _, size in self.segments
                      if kind == PT_NOTE
                      for note in read_notes(self.data[offset:offset + size])]

    def read_segments(self):
        """(type, offset, virtual, physical address, bytes)"""
        if self.bits == 64:
            start, = struct.unpack_from('<Q', self.data, 32)
            size, count = struct.unpack_from('<HH', self.data, 54)
        else:
            start, = struct.unpack_from('<I', self.data, 28)
            size, count = struct.unpack_from('<HH', self.data, 42)
        for n in range(count):
            at = start + n * size
            if self.bits == 64:
                kind, _, *rest = struct.unpack_from('<IIQQQQQ', self.data, at)
            else:
                kind, *rest = struct.unpack_from('<IIIIII', self.data, at)
            yield (kind, *rest[:4])

    def memory(self, addr, size, physical=True):
        for kind, offset, va, pa, length in self.segments:
            start = pa if physical else va
            if kind == PT_LOAD and start <= addr and \
                    addr + size <= start + length:
                return self.data[offset + addr - start:][:size]
        raise AssertionError(f'{addr:#x} is not in the file')

    def programs_counters(self):
        """Of the processors, by NT_PRSTATUS."""
        at = (112 + 16 * 8, '<Q') if self.bits == 64 else (72 + 12 * 4, '<I')
        return [struct.unpack_from(at[1], content, at[0])[0]
                for name, kind, content in self.notes
                if (name, kind) == ('CORE', NT_PRSTATUS)]


def read_notes(data):
    """(name, type, content)"""
    at = 0
    while at < len(data):
        name, size, kind = struct.unpack_from('<III', data, at)
        at += 12
        text = data[at:at + name].rstrip(b'\0').decode()
        at += (name + 3) & ~3
        yield text, kind, data[at:at + size]
        at += (size + 3) & ~3


class Kdump:
    """A file that makedumpfile calls kdump-compressed, put together."""

    BLOCK = 4096

    def __init__(self, path):
        with open(path, 'rb') as f:
            flat = f.read()
        assert flat[:12] == b'makedumpfile', flat[:16]
        pieces, at = [], 4096
        while True:
            offset, size = struct.unpack_from('>qq', flat, at)
            if offset == -1:
                break
            pieces.append((offset, flat[at + 16:at + 16 + size]))
            at += 16 + size
        self.data = bytearray(max(o + len(d) for o, d in pieces))
        for offset, piece in pieces:
            self.data[offset:offset + len(piece)] = piece
        assert self.data[:8] == b'KDUMP   '
        self.version, = struct.unpack_from('<I', self.data, 8)
        self.wide = self.data[272:278] == b'x86_64'
        (self.status, self.block, self.sub_blocks, self.map_blocks,
         self.frames) = struct.unpack_from('<IIIII', self.data,
                                           424 if self.wide else 412)
        maps = (1 + self.sub_blocks) * self.BLOCK
        half = self.map_blocks // 2 * self.BLOCK
        self.bitmap = self.data[maps + half:maps + 2 * half]
        self.descs = maps + 2 * half
        self.before = [0]      # pages before each byte of the bitmap
        for byte in self.bitmap:
            self.before.append(self.before[-1] + bin(byte).count('1'))

    def notes(self):
        at = self.BLOCK + (48 if self.wide else 32)
        offset, size = struct.unpack_from('<QQ' if self.wide else '<QI',
                                          self.data, at)
        return list(read_notes(bytes(self.data[offset:offset + size])))

    def core_info(self):
        """phys_base, and what the guest's kernel tells."""
        at = self.BLOCK + (32 if self.wide else 20)
        offset, size = struct.unpack_from('<QQ' if self.wide else '<QI',
                                          self.data, at)
        base, = struct.unpack_from('<Q' if self.wide else '<I', self.data,
                                   self.BLOCK)
        return base, bytes(self.data[offset:offset + size])

    def page(self, frame):
        byte = self.bitmap[frame // 8]
        assert byte >> frame % 8 & 1, f'frame {frame:#x} is not there'
        n = self.before[frame // 8] + \
            bin(byte & (1 << frame % 8) - 1).count('1')
        offset, size, flags = struct.unpack_from('<QII', self.data,
                                                 self.descs + n * 24)
        content = bytes(self.data[offset:offset + size])
        return zlib.decompress(content) if flags & 1 else content

"""Reading the log of a recording, as docs/devel/log-format.md has it."""
import collections
import struct
import zlib

EVENTS, DIGEST, MARK = 1, 2, 3
HEADER_BYTES = 64

Chunk = collections.namedtuple('Chunk', 'kind last data stored_bytes')


def chunks(path):
    """The complete chunks of a log; data is inflated."""
    with open(path, 'rb') as f:
        log = f.read()
    at = 32 + struct.unpack_from('<I', log, 12)[0]
    # Where the recorder was killed there is a hole, and then a tail.
    while log[at:at + 4] == b'CHNK' and at + HEADER_BYTES <= len(log):
        kind, size = struct.unpack_from('<II', log, at + 4)
        last, = struct.unpack_from('<Q', log, at + 32)
        at += HEADER_BYTES
        if at + size > len(log):
            return
        yield Chunk(kind, last, zlib.decompress(log[at:at + size]), size)
        at += size


def guest_bytes(path):
    """As much of a log as does not depend on how fast the host was: a chunk of
    events is closed when it is a second old, and one without any says only that
    time has passed."""
    return sum(len(c.data) if c.kind == EVENTS
               else HEADER_BYTES + c.stored_bytes for c in chunks(path))

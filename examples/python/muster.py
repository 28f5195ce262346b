# SPDX-License-Identifier: GPL-2.0-only
"""Flights and semaphores of muster(7), by libmuster. The rest goes the same way."""
import contextlib, ctypes, errno, os
from ctypes import c_int32, c_size_t, c_uint32, c_uint64

class Join(ctypes.Structure):   # struct muster_flight_join, as in muster(4)
    _fields_ = [(name, type) for type, names in (
        (c_uint32, "size flags"), (c_uint64, "key"), (c_uint32, "key_len reserved"),
        (c_uint64, "deadline buf buf_len token result_len"), (c_uint32, "role outcome"),
        (c_int32, "status"), (c_uint32, "attempt shared pad"),
        (c_uint64, "age forget_after"), (c_int32, "fd"), (c_uint32, "pad2"),
    ) for name in names.split()]

lib = ctypes.CDLL("libmuster.so.0")
lib.muster_strerror.restype = ctypes.c_char_p
lib.muster_after_ns.restype = c_uint64

def call(name, *args):
    while (ret := getattr(lib, "muster_" + name)(*args)) < 0:
        if ret != -errno.EINTR:  # a signal, which Python has handled by now
            raise OSError(-ret, lib.muster_strerror(ret).decode())
    return ret

def deadline(seconds):
    return c_uint64(2**64 - 1 if seconds is None else
                    lib.muster_after_ns(c_uint64(int(seconds * 1e9))))

def flight(name, mode=0o600):
    return call("flight_open", name.encode(), os.O_CREAT, mode, 0, 0)

def sem(name, limit, mode=0o600):
    return call("sem_open", name.encode(), os.O_CREAT, mode, c_uint64(limit))

def do(fd, key, work, timeout=None, keep=0):
    """What work() returns, bytes: of all who ask at the same time one calls it."""
    join, buf, key = Join(), ctypes.create_string_buffer(4096), (key, c_size_t(len(key)))
    if call("flight_join", fd, *key, 0, deadline(timeout), buf, c_size_t(4096),
            ctypes.byref(join)) == 1:
        try:
            answer = work()
            call("flight_finish_keep", fd, *key, c_uint64(join.token), 0, answer,
                 c_size_t(len(answer)), c_uint64(int(keep * 1e9)), c_uint64(0), 0)
            return answer
        except BaseException:   # the next of those who wait tries
            lib.muster_flight_abandon(fd, *key, c_uint64(join.token))
            raise
    if join.outcome & 2:        # MUSTER_OUTCOME_TRUNCATED
        buf = ctypes.create_string_buffer(join.result_len)
        call("flight_fetch", fd, c_uint64(join.token), buf, c_size_t(len(buf)), None)
    return buf.raw[:join.result_len]

@contextlib.contextmanager
def permits(fd, number=1, timeout=None):
    call("sem_acquire", fd, c_uint64(number), deadline(timeout))
    try:
        yield
    finally:
        call("sem_release", fd, c_uint64(number))

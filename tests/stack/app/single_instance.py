# SPDX-License-Identifier: Apache-2.0
"""A lock and a note for a second instance as Qt makes them: a SysV semaphore and segment."""
import ctypes
import os

IPC_CREAT, IPC_RMID, SETVAL = 0o1000, 0, 16
# Qt makes it of a file's name by ftok(3), with 'Q'.
KEY = ord("Q") << 24 | os.stat(__file__).st_ino & 0xffff
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


class SemBuf(ctypes.Structure):
    _fields_ = [("num", ctypes.c_ushort), ("op", ctypes.c_short), ("flg", ctypes.c_short)]


def good(name, value):
    if value is None or value in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return value


sem = good("semget", libc.semget(KEY, 1, IPC_CREAT | 0o600))
good("semctl", libc.semctl(sem, 0, SETVAL, 1))
for step in (-1, 1):
    good("semtimedop", libc.semtimedop(sem, ctypes.byref(SemBuf(0, step, 0)), 1, None))
shm = good("shmget", libc.shmget(KEY, 4096, IPC_CREAT | 0o600))
at = good("shmat", libc.shmat(shm, None, 0))
ctypes.memmove(at, b"note", 4)
good("shmdt", libc.shmdt(ctypes.c_void_p(at)))
good("shmctl", libc.shmctl(shm, IPC_RMID, None))
good("semctl", libc.semctl(sem, 0, IPC_RMID))
print("good")

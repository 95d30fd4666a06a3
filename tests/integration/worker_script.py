"""A worker process for tests: it answers a job with the job reversed, unless the job tells it to do otherwise."""

import os
import sys
import time

from gateway.workers.serve import serve


def answer(job: bytes) -> bytes:
    """Do what the job says."""
    match job.split(b" ")[0]:
        case b"die":
            os._exit(3)
        case b"hang":
            time.sleep(600)
        case b"grow":
            kept = bytearray(b"x") * 400_000_000
            time.sleep(600)
            return b"%d" % len(kept)
        case b"slow":
            time.sleep(0.3)
        case b"pid":
            return b"%d" % os.getpid()
        case b"print":
            print("a word to whoever runs it")  # noqa: T201
        case _:
            pass
    return job[::-1]


if __name__ == "__main__":
    if "--broken" in sys.argv:
        sys.exit("it cannot start")
    serve(answer)

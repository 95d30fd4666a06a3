"""Random bytes."""

import os

rand_bytes = os.urandom

# mypy: ignore-errors
"""pydifact reading an interchange, for `edifact.py`: a process of its own, in its own environment.

The argument names the file. Every line of standard input is answered with the CPU seconds of reading all its segments and
messages once.
"""

import sys
import time
from pathlib import Path

from pydifact.segmentcollection import Interchange

text = Path(sys.argv[1]).read_text("iso8859-1")
for _ in sys.stdin:
    began = time.process_time()
    segments = sum(len(message.segments) for message in Interchange.from_str(text).get_messages())
    print(time.process_time() - began, segments, flush=True)

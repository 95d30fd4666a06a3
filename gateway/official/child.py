"""A worker process that runs official rules: started by the daemon or a command, never by hand.

Its arguments are stylesheets to compile before the first job, each as `words(sheet)` of `gateway.official.job` writes it.
"""

import sys

from gateway.official.job import sheet_of
from gateway.official.judge import Judge
from gateway.workers.serve import serve

if __name__ == "__main__":
    judge = Judge()
    judge.warm(sheet_of(each) for each in sys.argv[1:])
    serve(judge)

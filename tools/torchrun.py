"""Start the ranks of dist_train.sh and dist_test.sh, and give their exit code back.

``torchrun`` turns every failure into exit code 1 and a traceback of its own, below which the
message of the failed rank is hard to find. Arguments are those of ``torchrun``.
"""

import logging
import sys

import _environment  # noqa: F401
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main

if __name__ == '__main__':
    logging.getLogger('torch.distributed.elastic').setLevel(logging.CRITICAL)
    try:
        main()
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        code = failure.exitcode
        if code < 0:
            print(f'error: rank {rank} was ended by signal {-code}', file=sys.stderr)
        sys.exit(code if code > 0 else 128 - code)

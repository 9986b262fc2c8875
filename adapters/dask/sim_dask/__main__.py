"""`python -m sim_dask`."""

import sys

from sim_dask.cli import main

if __name__ == "__main__":
    sys.exit(main())

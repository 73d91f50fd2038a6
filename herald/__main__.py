"""`python -m herald` is the `herald` command."""

import sys

from herald.cli.main import main

sys.exit(main())

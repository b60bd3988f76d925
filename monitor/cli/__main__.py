"""`python -m monitor.cli` is `lightspeed-sync`."""

from monitor.cli import main

main()

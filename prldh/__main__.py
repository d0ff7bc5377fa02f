"""``python -m prldh``."""

from prldh.cli import main

main()

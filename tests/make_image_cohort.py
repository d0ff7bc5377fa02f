"""The example images, of as many patients as a test needs: ``python tests/make_image_cohort.py FOLDER [N]``."""

from __future__ import annotations

import sys
from pathlib import Path

from prldh.demo.images import write_images_study as write_cohort

if __name__ == "__main__":
    print(write_cohort(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60))

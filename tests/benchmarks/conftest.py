"""Makes the modules of the benchmarks importable, which are scripts in one folder.

At the end of the path: a script's name must hide no installed package.
"""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if str(BENCHMARKS) not in sys.path:
    sys.path.append(str(BENCHMARKS))

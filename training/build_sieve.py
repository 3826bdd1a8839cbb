"""Write the built-in packs' phrases as flat tables, so that no Scorer has to work them out.

To be run after any change of a pack, of the macros or of how phrases are compiled.

python training/build_sieve.py
"""

from __future__ import annotations

from pathlib import Path

from servicequal.cues import CueFinder
from servicequal.packs import builtin_packs
from servicequal.plan import FILE, save_plans

TARGET = Path(__file__).resolve().parents[1] / "src" / "servicequal" / "packs" / FILE

if __name__ == "__main__":
    save_plans(CueFinder(builtin_packs()).plans(), TARGET)
    print(f"{TARGET} {TARGET.stat().st_size:,} bytes")

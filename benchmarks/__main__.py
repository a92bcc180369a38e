"""`python -m benchmarks [NAME ...]`: run the named benchmarks, or list them."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Exit code of the first benchmark that failed, or 0. Each runs in a process of its own, so that peaks of memory are its own."""
    known = sorted(path.stem for path in HERE.glob("[!_]*.py"))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        print(f"usage: make bench ARGS='NAME ...'   (NAME: {', '.join(known)})")
        if unknown:
            print(f"no such benchmark: {', '.join(unknown)}", file=sys.stderr)
        return 2 if unknown else 0
    for name in names:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""age-keygen for machines without it: the keys are made by pyrage, the Rust implementation of age.

age_keygen.py             print a new key
age_keygen.py -o FILE     write a new key
age_keygen.py -y [FILE]   print the recipient of a key
"""

import sys
from pathlib import Path

from pyrage import x25519

if sys.argv[1:2] == ["-y"]:
    text = Path(sys.argv[2]).read_text(encoding="utf-8") if sys.argv[2:] else sys.stdin.read()
    key = next(line for line in text.splitlines() if not line.startswith("#"))
    print(x25519.Identity.from_str(key).to_public())
else:
    key = x25519.Identity.generate()
    text = f"# public key: {key.to_public()}\n{key}\n"
    if sys.argv[1:2] == ["-o"]:
        Path(sys.argv[2]).touch(mode=0o600)
        Path(sys.argv[2]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")

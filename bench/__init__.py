"""Benchmarks of Clusterloom against peers measured in the same run: `python -m bench --help`.

Not part of the wheel. A generator of realistic graphs at any size is not built yet, so every
figure is of the release at hand.
"""

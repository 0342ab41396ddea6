"""`python -m vrs_bench` is the `vrs-bench` command."""

from vrs_bench.cli import main

main()

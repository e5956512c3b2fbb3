"""What the end-to-end tests (and scripts/demo.py) share. Python's standard library only."""

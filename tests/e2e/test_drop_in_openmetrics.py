"""test_drop_in.py with pages of OpenMetrics. A process of its own: its timestamps begin when it does."""
import unittest

import test_drop_in
from harness.drop_in_openmetrics import OPENMETRICS


class DropInOpenMetrics(test_drop_in.DropIn):
    jobs = OPENMETRICS


if __name__ == "__main__":
    unittest.main()

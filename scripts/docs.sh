#!/bin/sh
# Writes the generated papers anew (docs/METRICS.md, docs/CONFIG.md, docs/gleaner.yml.5) from the tables in the code.
# usage: docs.sh [BUILD-DIRECTORY] (default build/dev, configured)
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/dev}
ninja -C "$build" test_agent_metrics_table test_agent_config_docs test_agent_config_man
GLEANER_WRITE_DOCS=docs "$build/tests/test_agent_metrics_table"
GLEANER_WRITE_DOCS=docs "$build/tests/test_agent_config_docs"
GLEANER_WRITE_DOCS=docs "$build/tests/test_agent_config_man"

/*
 * Any bytes as a YAML document: no crash, bounds kept, and what is written back parses again.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct buf text = BUF_INIT((size_t)64 << 20);
        struct yaml_tree t;
        struct err e = ERR_INIT;

        if (yaml_tree_parse(&t, (struct view){(const char *)data, n}, &e) == 0 && t.root != NULL &&
            yaml_node_emit(t.root, &text, &e) == 0 && text.len <= YAML_MAX_BYTES) {
                struct yaml_tree again;

                if (yaml_tree_parse(&again, buf_view(&text), &e) == ERR_PARSE)
                        abort();
                yaml_tree_release(&again);
        }
        yaml_tree_release(&t);
        buf_release(&text);
        return 0;
}

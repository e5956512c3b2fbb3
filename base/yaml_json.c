#include "base/yaml_json.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/yaml.h"

#include <inttypes.h>
#include <math.h>

static int
put_float(double d, struct buf *out, struct err *e)
{
        if (!isfinite(d))
                return err_set(e, ERR_REFUSED, "JSON has no word for an infinite number");
        return buf_printf(out, e, "%.17g", d);
}

static int
put_scalar(const struct yaml_node *node, struct buf *out, struct err *e)
{
        uint64_t u = 0;
        int64_t i = 0;
        double d = 0;
        bool b = false;

        if (node->scalar == YAML_BOOL && yaml_node_bool(node, &b))
                return buf_puts(out, b ? "true" : "false", e);
        if (node->scalar == YAML_INT && yaml_node_int(node, &i))
                return buf_printf(out, e, "%" PRId64, i);
        if (node->scalar == YAML_INT && yaml_node_uint(node, &u))
                return buf_printf(out, e, "%" PRIu64, u);
        if (node->scalar != YAML_STRING && yaml_node_float(node, &d))
                return put_float(d, out, e);
        return json_put_string(out, node->text, e);
}

static int
put_list(const struct yaml_node *node, struct buf *out, struct err *e)
{
        int rc = buf_putc(out, '[', e);

        for (size_t i = 0; rc == 0 && i < node->n_items; i++) {
                rc = i > 0 ? buf_putc(out, ',', e) : 0;
                if (rc == 0)
                        rc = yaml_node_json(node->items[i], out, e);
        }
        return rc == 0 ? buf_putc(out, ']', e) : rc;
}

static int
put_map(const struct yaml_node *node, struct buf *out, struct err *e)
{
        int rc = buf_putc(out, '{', e);
        bool first = true;

        for (size_t i = 0; rc == 0 && i < node->n_entries; i++) {
                const struct yaml_entry *entry = &node->entries[i];

                if (entry->replaced)
                        continue;
                rc = first ? 0 : buf_putc(out, ',', e);
                first = false;
                if (rc == 0)
                        rc = json_put_string(out, entry->key->text, e);
                if (rc == 0)
                        rc = buf_putc(out, ':', e);
                if (rc == 0)
                        rc = yaml_node_json(entry->value, out, e);
        }
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

/* Depth is bounded by the tree's (YAML_MAX_DEPTH). */
int
yaml_node_json(const struct yaml_node *node, struct buf *out, struct err *e)
{
        switch (node->kind) {
        case YAML_LIST:
                return put_list(node, out, e);
        case YAML_MAP:
                return put_map(node, out, e);
        case YAML_SCALAR:
                return put_scalar(node, out, e);
        case YAML_NULL:
                break;
        }
        return buf_puts(out, "null", e);
}

/*
 * A YAML tree back to text, through libyaml's emitter (see yaml.h).
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "base/yaml.h"

#include <yaml.h>

struct sink {
        struct buf *out;
        struct err *e;
        int rc;
};

static int
write_piece(void *data, unsigned char *p, size_t n)
{
        struct sink *sink = data;

        if (sink->rc == 0)
                sink->rc = buf_append(sink->out, p, n, sink->e);
        return sink->rc == 0;
}

static bool
is_utf8(struct view v)
{
        uint32_t c = 0;

        for (size_t i = 0; i < v.n;) {
                size_t n = utf8_decode(v.p + i, v.n - i, &c);

                if (n == 0)
                        return false;
                i += n;
        }
        return true;
}

static bool
emit_scalar(yaml_emitter_t *emitter, const struct yaml_node *node)
{
        struct view text = node->text;
        yaml_scalar_style_t style =
            node->quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
        yaml_event_t event;

        if (node->mask != NULL) {
                text = view_of(node->mask);
                style = YAML_ANY_SCALAR_STYLE;
        } else if (!is_utf8(text)) {
                text = VIEW_LIT("<binary>");
        } else if (node->kind == YAML_NULL) {
                text = VIEW_LIT("null");
                style = YAML_PLAIN_SCALAR_STYLE;
        } else if (view_is(text, "<<")) {
                style = YAML_DOUBLE_QUOTED_SCALAR_STYLE; /* merge keys are expanded: this is none */
        }
        return yaml_scalar_event_initialize(
                   &event, NULL, NULL, (const yaml_char_t *)text.p, (int)text.n, 1, 1, style) &&
            yaml_emitter_emit(emitter, &event);
}

static bool
emit_node(yaml_emitter_t *emitter, const struct yaml_node *node)
{
        yaml_event_t event;

        if (node->mask != NULL || node->kind == YAML_SCALAR || node->kind == YAML_NULL)
                return emit_scalar(emitter, node);
        if (node->kind == YAML_LIST) {
                if (!yaml_sequence_start_event_initialize(
                        &event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE) ||
                    !yaml_emitter_emit(emitter, &event))
                        return false;
                for (size_t i = 0; i < node->n_items; i++) {
                        if (!emit_node(emitter, node->items[i]))
                                return false;
                }
                return yaml_sequence_end_event_initialize(&event) &&
                    yaml_emitter_emit(emitter, &event);
        }
        if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) ||
            !yaml_emitter_emit(emitter, &event))
                return false;
        for (size_t i = 0; i < node->n_entries; i++) {
                if (node->entries[i].replaced)
                        continue;
                if (!emit_node(emitter, node->entries[i].key) ||
                    !emit_node(emitter, node->entries[i].value))
                        return false;
        }
        return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

int
yaml_node_emit(const struct yaml_node *node, struct buf *out, struct err *e)
{
        struct sink sink = {out, e, 0};
        yaml_emitter_t emitter;
        yaml_event_t event;
        bool good;

        if (!yaml_emitter_initialize(&emitter))
                return err_nomem(e, "a YAML document");
        yaml_emitter_set_output(&emitter, write_piece, &sink);
        yaml_emitter_set_unicode(&emitter, 1);
        yaml_emitter_set_width(&emitter, -1);
        good = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
            yaml_emitter_emit(&emitter, &event) &&
            yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
            yaml_emitter_emit(&emitter, &event) && emit_node(&emitter, node) &&
            yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&emitter, &event) &&
            yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event);
        yaml_emitter_delete(&emitter);
        if (sink.rc < 0)
                return sink.rc;
        return good ? 0 : err_nomem(e, "a YAML document");
}

#include "scrape/discovery/kubernetes/record.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/varint.h"

#include <inttypes.h>
#include <stdio.h>

enum { END = 0, TEXT = 1, LIST = 2, MAP = 3, LITERAL = 255 };

/* Frequent names, of fields and of labels. Their places are the bytes, counted from 1. */
static const char *const names[] = {"metadata", "name", "namespace", "uid", "labels", "annotations",
    "ownerReferences", "kind", "controller", "spec", "status", "nodeName", "containers",
    "initContainers", "image", "ports", "containerPort", "protocol", "podIP", "hostIP", "phase",
    "conditions", "type", "containerStatuses", "initContainerStatuses", "containerID", "clusterIP",
    "externalName", "loadBalancerIP", "loadBalancer", "ingress", "ip", "port", "ipFamilies",
    "ipFamilyPolicy", "subsets", "addresses", "notReadyAddresses", "hostname", "targetRef",
    "addressType", "endpoints", "ready", "serving", "terminating", "zone", "deprecatedTopology",
    "appProtocol", "providerID", "address", "daemonEndpoints", "kubeletEndpoint", "Port", "rules",
    "host", "http", "paths", "path", "tls", "hosts", "ingressClassName", "app",
    "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
    "app.kubernetes.io/part-of", "app.kubernetes.io/version", "app.kubernetes.io/managed-by",
    "helm.sh/chart", "pod-template-hash", "controller-revision-hash", "pod-template-generation",
    "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "k8s-app", "tier",
    "release", "version", "component", "batch.kubernetes.io/job-name", "job-name",
    "batch.kubernetes.io/controller-uid", "controller-uid", "kubernetes.io/service-name",
    "endpointslice.kubernetes.io/managed-by", "prometheus.io/scrape", "prometheus.io/port",
    "prometheus.io/path", "prometheus.io/scheme", "kubernetes.io/arch", "kubernetes.io/os",
    "kubernetes.io/hostname", "kubernetes.io/metadata.name", "kubectl.kubernetes.io/restartedAt",
    "cni.projectcalico.org/containerID", "cni.projectcalico.org/podIP",
    "cni.projectcalico.org/podIPs", "checksum/config"};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

_Static_assert((int)NAMES < (int)LITERAL, "the table's places are bytes");

/* ---- packing ---- */

static int
put_text(struct buf *out, struct view v, struct err *e)
{
        uint8_t length[VARINT_MAX];
        size_t n = varint_put(length, v.n);
        int rc = buf_append(out, length, n, e);

        return rc == 0 && v.n > 0 ? buf_append(out, v.p, v.n, e) : rc;
}

static int
put_key(struct buf *out, const char *key, struct err *e)
{
        int rc;

        for (size_t i = 0; i < NAMES; i++) {
                if (names[i][0] == key[0] && strcmp(names[i], key) == 0)
                        return buf_putc(out, (char)(i + 1), e);
        }
        rc = buf_putc(out, (char)LITERAL, e);
        return rc == 0 ? put_text(out, view_of(key), e) : rc;
}

/* The text of a scalar in room; false: it is none. */
static bool
scalar(const json_t *v, char room[32], struct view *out)
{
        if (json_is_string(v)) {
                *out = (struct view){json_string_value(v), json_string_length(v)};
                return true;
        }
        if (json_is_integer(v))
                (void)snprintf(room, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        else if (json_is_boolean(v))
                (void)snprintf(room, 32, "%s", json_is_true(v) ? "true" : "false");
        else
                return false;
        *out = view_of(room);
        return true;
}

static int
put_scalar(struct buf *out, const char *key, const json_t *v, struct err *e)
{
        char room[32];
        struct view text;
        int rc;

        if (!scalar(v, room, &text))
                return 0;
        rc = key != NULL ? put_key(out, key, e) : 0;
        if (rc == 0)
                rc = buf_putc(out, TEXT, e);
        return rc == 0 ? put_text(out, text, e) : rc;
}

/* A list or map of scalars. */
static int
put_plain(struct buf *out, const json_t *v, struct err *e)
{
        bool map = json_is_object(v);
        int rc = buf_putc(out, map ? MAP : LIST, e);
        json_t *object = (json_t *)(uintptr_t)v; /* iterating does not change it */

        for (size_t i = 0; !map && i < json_array_size(v) && rc == 0; i++)
                rc = put_scalar(out, NULL, json_array_get(v, i), e);
        for (void *it = map ? json_object_iter(object) : NULL; it != NULL && rc == 0;
             it = json_object_iter_next(object, it))
                rc = put_scalar(out, json_object_iter_key(it), json_object_iter_value(it), e);
        return rc == 0 ? buf_putc(out, END, e) : rc;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the table of fields */
static int
put_list(struct buf *out, const json_t *list, const struct kube_field *fields, struct err *e)
{
        int rc = buf_putc(out, LIST, e);

        for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
                const json_t *one = json_array_get(list, i);

                if (json_is_object(one))
                        rc = kube_pack(one, fields, out, e);
        }
        return rc == 0 ? buf_putc(out, END, e) : rc;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the table of fields */
static int
put_field(struct buf *out, const struct kube_field *f, const json_t *v, struct err *e)
{
        int rc;

        if (!json_is_object(v) && !json_is_array(v))
                return f->fields == NULL ? put_scalar(out, f->key, v, e) : 0;
        rc = put_key(out, f->key, e);
        if (rc < 0)
                return rc;
        if (f->fields == NULL)
                return put_plain(out, v, e);
        return json_is_array(v) ? put_list(out, v, f->fields, e) : kube_pack(v, f->fields, out, e);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the table of fields */
int
kube_pack(const json_t *object, const struct kube_field *fields, struct buf *out, struct err *e)
{
        int rc = buf_putc(out, MAP, e);

        for (const struct kube_field *f = fields; f->key != NULL && rc == 0; f++) {
                const json_t *v = json_object_get(object, f->key);

                if (v != NULL && !json_is_null(v))
                        rc = put_field(out, f, v, e);
        }
        return rc == 0 ? buf_putc(out, END, e) : rc;
}

/* ---- reading ---- */

static const uint8_t *
get_text(const uint8_t *p, struct view *out)
{
        uint64_t n = 0;

        p += varint_get(p, p + VARINT_MAX, &n);
        *out = (struct view){(const char *)p, (size_t)n};
        return p + n;
}

static const uint8_t *
get_key(const uint8_t *p, struct view *out)
{
        if (*p == LITERAL)
                return get_text(p + 1, out);
        *out = view_of(names[*p - 1]);
        return p + 1;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the table of fields */
static const uint8_t *
skip(const uint8_t *p)
{
        struct view v;
        uint8_t kind = *p++;

        if (kind == TEXT)
                return get_text(p, &v);
        while (*p != END) {
                if (kind == MAP)
                        p = get_key(p, &v);
                p = skip(p);
        }
        return p + 1;
}

struct kube_items
kube_items(struct kube_value v)
{
        struct kube_items i = {0};

        if (v.p != NULL && (*v.p == LIST || *v.p == MAP)) {
                i.map = *v.p == MAP;
                i.next = v.p + 1;
        }
        return i;
}

bool
kube_next(struct kube_items *i)
{
        if (i->next == NULL || *i->next == END)
                return false;
        if (i->map)
                i->next = get_key(i->next, &i->key);
        i->value.p = i->next;
        i->next = skip(i->next);
        return true;
}

struct kube_value
kube_get(struct kube_value v, const char *key)
{
        for (struct kube_items i = kube_items(v); kube_next(&i);) {
                if (i.map && view_is(i.key, key))
                        return i.value;
        }
        return (struct kube_value){NULL};
}

struct view
kube_text(struct kube_value v)
{
        struct view text = {"", 0};

        if (v.p != NULL && *v.p == TEXT)
                (void)get_text(v.p + 1, &text);
        return text;
}

struct view
kube_get_text(struct kube_value v, const char *key)
{
        return kube_text(kube_get(v, key));
}

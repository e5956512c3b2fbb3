#include "scrape/discovery/kubernetes/kinds.h"

typedef const struct kube_field fields[];

#define PLAIN(k) \
        { \
                (k), NULL \
        }
#define END \
        { \
                NULL, NULL \
        }

/* ---- what several have ---- */

static fields meta = {
    PLAIN("name"), PLAIN("namespace"), PLAIN("labels"), PLAIN("annotations"), END};
static fields owner = {PLAIN("kind"), PLAIN("name"), PLAIN("controller"), END};
static fields reference = {PLAIN("kind"), PLAIN("namespace"), PLAIN("name"), END};

/* ---- nodes ---- */

static fields typed = {PLAIN("type"), PLAIN("status"), END};
static fields node_address = {PLAIN("type"), PLAIN("address"), END};
static fields kubelet = {PLAIN("Port"), END};
static fields daemons = {{"kubeletEndpoint", kubelet}, END};
static fields node_spec = {PLAIN("providerID"), END};
static fields node_status = {
    {"conditions", typed}, {"addresses", node_address}, {"daemonEndpoints", daemons}, END};
static fields node = {{"metadata", meta}, {"spec", node_spec}, {"status", node_status}, END};

/* ---- pods ---- */

static fields pod_meta = {PLAIN("name"), PLAIN("namespace"), PLAIN("uid"), PLAIN("labels"),
    PLAIN("annotations"), {"ownerReferences", owner}, END};
static fields container_port = {PLAIN("name"), PLAIN("containerPort"), PLAIN("protocol"), END};
static fields container = {PLAIN("name"), PLAIN("image"), {"ports", container_port}, END};
static fields container_status = {PLAIN("name"), PLAIN("containerID"), END};
static fields pod_spec = {
    PLAIN("nodeName"), {"containers", container}, {"initContainers", container}, END};
static fields pod_status = {PLAIN("podIP"), PLAIN("hostIP"), PLAIN("phase"), {"conditions", typed},
    {"containerStatuses", container_status}, {"initContainerStatuses", container_status}, END};
static fields pod = {{"metadata", pod_meta}, {"spec", pod_spec}, {"status", pod_status}, END};

/* ---- services ---- */

static fields service_port = {PLAIN("name"), PLAIN("port"), PLAIN("protocol"), END};
static fields service_spec = {PLAIN("type"), PLAIN("clusterIP"), PLAIN("externalName"),
    PLAIN("loadBalancerIP"), PLAIN("ipFamilies"), PLAIN("ipFamilyPolicy"), {"ports", service_port},
    END};
static fields balancer_ingress = {PLAIN("ip"), END};
static fields balancer = {{"ingress", balancer_ingress}, END};
static fields service_status = {{"loadBalancer", balancer}, END};
static fields service = {
    {"metadata", meta}, {"spec", service_spec}, {"status", service_status}, END};

/* ---- endpoints ---- */

static fields endpoint_address = {
    PLAIN("ip"), PLAIN("hostname"), PLAIN("nodeName"), {"targetRef", reference}, END};
static fields endpoint_port = {PLAIN("name"), PLAIN("port"), PLAIN("protocol"), END};
static fields subset = {{"addresses", endpoint_address}, {"notReadyAddresses", endpoint_address},
    {"ports", endpoint_port}, END};
static fields endpoints = {{"metadata", meta}, {"subsets", subset}, END};

static fields slice_port = {
    PLAIN("name"), PLAIN("port"), PLAIN("protocol"), PLAIN("appProtocol"), END};
static fields slice_conditions = {PLAIN("ready"), PLAIN("serving"), PLAIN("terminating"), END};
static fields slice_endpoint = {PLAIN("addresses"), {"conditions", slice_conditions},
    PLAIN("hostname"), PLAIN("nodeName"), PLAIN("zone"), PLAIN("deprecatedTopology"),
    {"targetRef", reference}, END};
static fields slice = {{"metadata", meta}, PLAIN("addressType"), {"ports", slice_port},
    {"endpoints", slice_endpoint}, END};

/* ---- ingresses ---- */

static fields ingress_path = {PLAIN("path"), END};
static fields ingress_http = {{"paths", ingress_path}, END};
static fields ingress_rule = {PLAIN("host"), {"http", ingress_http}, END};
static fields ingress_tls = {PLAIN("hosts"), END};
static fields ingress_spec = {
    PLAIN("ingressClassName"), {"rules", ingress_rule}, {"tls", ingress_tls}, END};
static fields ingress = {{"metadata", meta}, {"spec", ingress_spec}, END};

/* ---- those that only others' labels need ---- */

static fields namespace = {{"metadata", meta}, END};
static fields owned_meta = {PLAIN("name"), PLAIN("namespace"), {"ownerReferences", owner}, END};
static fields owned = {{"metadata", owned_meta}, END};

const struct kube_kind_row kube_kinds[KUBE_KINDS] = {
    [KUBE_NODES] = {"/api/v1", "nodes", false, node},
    [KUBE_PODS] = {"/api/v1", "pods", true, pod},
    [KUBE_SERVICES] = {"/api/v1", "services", true, service},
    [KUBE_ENDPOINTS] = {"/api/v1", "endpoints", true, endpoints},
    [KUBE_SLICES] = {"/apis/discovery.k8s.io/v1", "endpointslices", true, slice},
    [KUBE_INGRESSES] = {"/apis/networking.k8s.io/v1", "ingresses", true, ingress},
    [KUBE_NAMESPACES] = {"/api/v1", "namespaces", false, namespace},
    [KUBE_REPLICASETS] = {"/apis/apps/v1", "replicasets", true, owned},
    [KUBE_JOBS] = {"/apis/batch/v1", "jobs", true, owned},
};

/** One behaviour that the founding documents describe. */
export interface Row {
  /** Which of the documents: S0 pods and load balancing, S1 types and proxy modes, S2 discovery and exposure, S3 questions, S4 a tour. */
  from: string;
  /** What holds, as the title of its test. */
  behaviour: string;
  /** Where a document is wrong: what it says, and what is right. */
  correction?: { says: string; really: string };
}

/** Rows 1 to 80, in this order. */
export const ROWS: readonly Row[] = [
  // 1
  { from: "S0", behaviour: "a pod has an IP of its own, its name for hostname, and lives in a namespace" },
  { from: "S0", behaviour: "containers of one pod reach each other at 127.0.0.1" },
  { from: "S0", behaviour: "this machine cannot connect to a pod's IP" },
  {
    from: "S0",
    behaviour: "a hostPort leads from the node's IP to the pod, and a second pod with it stays pending",
  },
  {
    from: "S0",
    behaviour: "nginx with a fixed list of pod IPs fails more and more as pods are replaced, a Service never",
  },
  { from: "S0", behaviour: "after a new version every pod has another name, hostname and IP" },
  {
    from: "S0",
    behaviour: "node IP, cluster IP and pod IP of one request are three, and one command shows them",
  },
  { from: "S0", behaviour: "a Service's address and port spread requests over all its identical replicas" },
  { from: "S0", behaviour: "a cluster IP answers pods and nodes, and not this machine" },
  { from: "S0", behaviour: "a node port leads from this machine through the Service to a pod, hop by hop" },
  // 11
  { from: "S0", behaviour: "packets are distributed in iptables mode or in ipvs mode, as chosen" },
  {
    from: "S0",
    behaviour: "two Services select app=x and app=y side by side and never reach each other's pods",
  },
  { from: "S0", behaviour: "Endpoints, EndpointSlices and describe list the same pod IPs" },
  { from: "S0", behaviour: "every node has a proxy table of its own, and one may lag behind the others" },
  {
    from: "S0",
    behaviour:
      "the controllers write endpoints: without them they freeze while proxies go on routing by them",
    correction: {
      says: "kube-proxy updates the endpoints in etcd",
      really: "the endpoints controllers write them through the API server; kube-proxy only watches",
    },
  },
  {
    from: "S0",
    behaviour: "added and removed pods change the routes while the Service object stays untouched",
  },
  { from: "S1", behaviour: "a killed pod never comes back: its Deployment makes another with another UID" },
  {
    from: "S1",
    behaviour: "a front end knows one Service name, whichever of three image-processing back ends answers",
  },
  {
    from: "S1",
    behaviour:
      "pods get SERVICE_HOST, SERVICE_PORT and docker-link variables of Services older than they are",
  },
  { from: "S1", behaviour: "DNS has a name for each Service as soon as there is one" },
  // 21
  {
    from: "S1",
    behaviour:
      "in userspace mode the proxy tries another pod when one fails, and pods see the proxy's address",
  },
  {
    from: "S1",
    behaviour: "iptables mode has a chain per Service and endpoint, keeps the client's IP and never retries",
  },
  {
    from: "S1",
    behaviour: "a look-up costs the same with 10 and 10,000 Services, where iptables rules to walk grow",
  },
  { from: "S1", behaviour: "ipvs-lc gives a connection to the pod that has the fewest open" },
  {
    from: "S1",
    behaviour: "ipvs-lblc and ipvs-lblcr send one address to one pod until it is overloaded",
  },
  { from: "S1", behaviour: "ipvs-wrr and ipvs-wlc share by weights that an annotation sets, 1 by default" },
  { from: "S1", behaviour: "session affinity in ipvs mode keeps a client on its pod until its timeout" },
  { from: "S1", behaviour: "service-python takes port 3000 to port 443 of pods labelled run: pod-python" },
  { from: "S1, S2, S3", behaviour: "a ClusterIP Service can be reached from inside the cluster only" },
  { from: "S1", behaviour: "node port 30080 answers on the address of every node" },
  // 31
  {
    from: "S1, S2, S3, S4",
    behaviour:
      "a node port outside 30000-32767 is refused, a duplicate is refused, an absent one is allocated",
  },
  { from: "S1", behaviour: "a LoadBalancer with a node port gets an external IP from the simulated cloud" },
  { from: "S1", behaviour: "annotations for a cloud stay on the Service, and the cloud reads them" },
  { from: "S1", behaviour: "an ExternalName Service has neither cluster IP nor endpoints" },
  {
    from: "S1",
    behaviour: "an ExternalName is answered with a CNAME",
    correction: {
      says: "ExternalName needs CoreDNS 1.7 or later",
      really: "kube-dns 1.7 or CoreDNS 0.0.8, so every CoreDNS of today; here it always works",
    },
  },
  {
    from: "S1",
    behaviour: "an ExternalName is an alias for a Service of another namespace, for an Ingress too",
  },
  { from: "S1", behaviour: "YAML that lost its indentation is refused with its line and the likely fix" },
  { from: "S2", behaviour: "a Deployment's ReplicaSet keeps the count: a killed pod is replaced" },
  { from: "S2", behaviour: "a recreated pod has another name, UID and IP, and may be on another node" },
  {
    from: "S2",
    behaviour: "a client of a pod's IP breaks when that pod is replaced, a client of the Service does not",
  },
  // 41
  { from: "S2", behaviour: "cluster IP and DNS name stay the same while all pods are replaced" },
  {
    from: "S2, S4",
    behaviour: "service-name.namespace.svc.cluster.local has an A record, the cluster IP",
  },
  { from: "S2", behaviour: "a pod that is not ready gets no traffic until it is" },
  { from: "S2", behaviour: "requests are even over the pods in every mode" },
  { from: "S2", behaviour: "a label put on takes a pod into the Service, taken off it takes it out" },
  {
    from: "S2",
    behaviour: "pods deleted and created under load change IPs, and no connection is routed wrongly",
  },
  { from: "S2, S3", behaviour: "a Service that names no type is a ClusterIP, and the four types are known" },
  { from: "S2", behaviour: "NodeIP:NodePort answers at each node, also one without a pod of the Service" },
  {
    from: "S2",
    behaviour: "a request from the internet has four hops: load balancer, node, Service, pod",
  },
  {
    from: "S3",
    behaviour: "Endpoints and EndpointSlices are objects of their own, and explain says who writes them",
  },
  // 51
  { from: "S3", behaviour: "one file brings Deployments and Services" },
  { from: "S3", behaviour: "a load balancer's traffic is spread over nodes and over pods" },
  {
    from: "S3",
    behaviour: "without a Service a pod's IP works inside the cluster, until the pod is replaced",
  },
  {
    from: "S3",
    behaviour: "port-forward opens a local port to a pod, Service or Deployment, and breaks with its pod",
  },
  { from: "S3, S4", behaviour: "an Ingress routes HTTP to Services by host and path" },
  { from: "S3", behaviour: "who can reach which type is as the access table says, found by trying" },
  { from: "S4", behaviour: "a Deployment keeps three pods with addresses out of 10.244.0.0/16" },
  { from: "S4", behaviour: "apply says created, then unchanged, then configured" },
  { from: "S4", behaviour: "get svc web prints kubectl's columns to the byte" },
  {
    from: "S4",
    behaviour: "cluster IPs come from 10.96.0.0/12 and stay until the Service is deleted, over restarts too",
  },
  // 61
  { from: "S4", behaviour: "describe svc web, piped through grep, shows selector and three endpoints" },
  { from: "S4", behaviour: "a pod is behind its Service less than a second after it was created" },
  { from: "S4", behaviour: "a watch shows the list of endpoints change as pods die and are born" },
  { from: "S4", behaviour: "kubectl run --rm -it is a shell on a terminal, and its pod goes with it" },
  { from: "S4", behaviour: "wget in a pod gets nginx's welcome page from http://web" },
  { from: "S4", behaviour: "nslookup in a pod prints the Service's name and address as busybox does" },
  { from: "S4", behaviour: "web is enough inside the namespace, web.NAMESPACE from another" },
  { from: "S4", behaviour: "get svc web-nodeport shows 80:30080/TCP" },
  {
    from: "S4",
    behaviour:
      "inside a node localhost:30080 answers in iptables and userspace mode, and not in ipvs and nftables",
  },
  { from: "S4", behaviour: "service web-nodeport --url prints a URL that this machine can open" },
  // 71
  { from: "S4", behaviour: "a LoadBalancer's external IP is <pending> without a provider" },
  { from: "S4", behaviour: "a tunnel gives a LoadBalancer an address, and frees it when it ends" },
  {
    from: "S4",
    behaviour: "userspace and ipvs-rr take pods in turn, iptables and nftables draw them",
    correction: {
      says: "a Service rotates over its pods",
      really: "userspace and IPVS round robin do; iptables and nftables choose at random",
    },
  },
  { from: "S4", behaviour: "what a Service adds to a request is measured against the pod's own address" },
  { from: "S4", behaviour: "each node has rules for the Service, shown as table, iptables, ipvs and nft" },
  { from: "S4", behaviour: "CoreDNS runs as pods in kube-system behind 10.96.0.10" },
  {
    from: "S4",
    behaviour: "a rolling update under load changes every IP under a stable cluster IP and loses no request",
  },
  { from: "S4", behaviour: "namespaces and selectors narrow: -n, -A, -l with equality and with sets" },
  {
    from: "the task",
    behaviour: "API server, controllers, kubelet, proxy and data plane are processes, each killed alone",
  },
  {
    from: "the task",
    behaviour: "npm test runs it all: routing without a kernel, life cycle, scripted chaos",
  },
];

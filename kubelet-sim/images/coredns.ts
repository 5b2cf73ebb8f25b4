import { RestClient } from "../../machinery/client/rest-client.js";
import { SharedInformers } from "../../machinery/client/shared-informers.js";
import { DnsServer } from "../../machinery/dns/dns-server.js";
import { informerView } from "../../machinery/dns/informer-view.js";
import { KubernetesZone } from "../../machinery/dns/kubernetes-zone.js";
import { type DnsReply, emptyReply } from "../../machinery/dns/reply.js";
import type { Http1Answer } from "../../machinery/network/http1-server.js";
import { Http1Server } from "../../machinery/network/http1-server.js";
import { type Corefile, parseCorefile } from "./corefile.js";
import { CorednsMetrics } from "./coredns-metrics.js";
import type { Image } from "./image.js";
import type { Process } from "./process.js";

export const coredns: Image = {
  repositories: [
    "registry.k8s.io/coredns/coredns",
    "docker.io/coredns/coredns",
    "k8s.gcr.io/coredns/coredns",
  ],
  sizeBytes: 20_939_036,
  entrypoint: ["/coredns"],
  cmd: [],
  env: (tag) => ({ COREDNS_VERSION: tag.replace(/^v/, "") }),
  programs: { "/coredns": runCoredns },
};

const SYNC_WAIT_MS = 5000;

async function runCoredns(process: Process): Promise<number> {
  const path = process.argv[process.argv.indexOf("-conf") + 1] ?? "/etc/coredns/Corefile";
  const absolute = process.path(process.argv.includes("-conf") ? path : "/etc/coredns/Corefile");
  const corefile = parseCorefile(process.files.stat(absolute) ? process.files.readText(absolute) : "");
  const transport = process.api();
  if (!transport) {
    await process.stderr.write(
      "plugin/kubernetes: unable to load in-cluster configuration: open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory\n",
    );
    return 1;
  }
  const { clock, rng, logger } = process;
  const client = new RestClient({ transport, clock, userAgent: "coredns" });
  const informers = new SharedInformers({ client, clock, rng: rng.fork("informers"), logger });
  const view = informerView(informers);
  process.background(() => informers.run(process.signal));
  await process.stdout.write("[INFO] plugin/kubernetes: waiting for Kubernetes API before starting server\n");
  process.background(() => informers.waitForSync(process.signal));
  const deadlineMs = clock.monotonicMs() + SYNC_WAIT_MS;
  while (!view.hasSynced() && clock.monotonicMs() < deadlineMs) await process.sleep(5);
  if (!view.hasSynced()) {
    await process.stdout.write("[WARNING] plugin/kubernetes: starting server with unsynced Kubernetes API\n");
  }
  return serve(process, corefile, view, new KubernetesZone(view, corefile));
}

async function serve(
  process: Process,
  corefile: Corefile,
  view: { hasSynced(): boolean },
  zone: KubernetesZone,
): Promise<number> {
  const metrics = new CorednsMetrics();
  const shuffle = process.rng.fork("loadbalance");
  const server = new DnsServer({
    network: process.network,
    port: corefile.port,
    logger: process.logger,
    answer: (question, from) => {
      const reply = view.hasSynced()
        ? zone.answer(question, Math.floor(process.clock.nowMs() / 1000))
        : emptyReply("SERVFAIL");
      metrics.count(question.type, reply.rcode);
      if (corefile.logsQueries) process.background(() => logQuery(process, question, from, reply));
      return corefile.loadbalance ? { ...reply, answers: shuffleAddresses(reply, shuffle) } : reply;
    },
  });
  process.background(() => server.run());
  serveText(process, corefile.readyPort, () =>
    view.hasSynced() ? { status: 200, text: "OK" } : { status: 503, text: "kubernetes" },
  );
  serveText(process, corefile.healthPort, () => ({ status: 200, text: "OK" }));
  serveText(process, corefile.metricsPort, () => ({ status: 200, text: metrics.text() }));
  const version = process.environment.get("COREDNS_VERSION") ?? "1.13.1";
  await process.stdout.write(`.:${corefile.port}\nCoreDNS-${version}\nlinux/amd64, go1.25.2, 1db4568\n`);
  await new Promise<void>((resolve) => {
    process.onSignal("SIGTERM", resolve);
    process.onSignal("SIGINT", resolve);
  });
  await process.stdout.write("[INFO] SIGTERM: Shutting down servers then terminating\n");
  if (corefile.lameduckMs > 0) {
    await process.stdout.write(
      `[INFO] plugin/health: Going into lameduck mode for ${corefile.lameduckMs / 1000}s\n`,
    );
    await process.sleep(corefile.lameduckMs);
  }
  server.stop();
  return 0;
}

/** The `loadbalance` plugin: address records in random order, aliases in front. */
function shuffleAddresses({ answers }: DnsReply, rng: Process["rng"]): DnsReply["answers"] {
  if (answers.length < 2) return answers;
  const addresses = rng.shuffle(answers.filter(({ type }) => type === "A"));
  return [...answers.filter(({ type }) => type !== "A"), ...addresses];
}

async function logQuery(
  process: Process,
  question: { name: string; type: string },
  from: { ip: string; port: number },
  reply: DnsReply,
): Promise<void> {
  await process.stdout.write(
    `[INFO] ${from.ip}:${from.port} - "${question.type} IN ${question.name}. udp" ${reply.rcode}\n`,
  );
}

function serveText(process: Process, port: number, answer: () => { status: number; text: string }): void {
  const server = new Http1Server((): Http1Answer => {
    const { status, text } = answer();
    return {
      status,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: Buffer.from(text, "utf8"),
    };
  });
  process.network.listen(port, (connection) => process.background(() => server.serve(connection)));
}

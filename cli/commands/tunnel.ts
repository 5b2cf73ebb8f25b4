import { services } from "../../machinery/api/core-v1.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { SharedInformers } from "../../machinery/client/shared-informers.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import type { CliCommand } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { localCluster } from "../live/live-cluster.js";
import { Tunnel } from "../live/tunnel.js";
import { adminFlags, clusterAdmin } from "../objects/cluster-admin.js";
import { UserError } from "../supervisor/cluster.js";

const flags = adminFlags satisfies FlagSpecs;

/** `kubesim tunnel`: while it runs, LoadBalancer Services have an address on this machine. */
export const tunnelCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    if (positionals.length > 0) throw new UserError(`unexpected argument "${positionals[0]}"`, 2);
    const admin = clusterAdmin(options);
    const { client } = connect({ kubeconfig: admin.kubeconfig }, context);
    const { clock, signal, stdout } = context;
    const tunnel = new Tunnel({
      client,
      admin,
      clock,
      loopbackIndex: localCluster(admin.kubeconfig).cluster.loopbackIndex,
      print: (line) => stdout.write(`${line}\n`),
    });
    const informers = new SharedInformers({ client, clock, rng: seededRng("tunnel"), logger: silentLogger });
    const informer = informers.for(services);
    const failed = new AbortController();
    const ended = AbortSignal.any([signal, failed.signal]);
    let failure: unknown;
    const fail = (err: unknown): void => {
      if (ended.aborted) return;
      failure = err;
      failed.abort();
    };
    const look = (): void => {
      if (!informer.hasSynced() || ended.aborted) return;
      tunnel.follow(informer.list() as Parameters<Tunnel["follow"]>[0]).catch(fail);
    };
    informer.onChange({ added: look, updated: look, deleted: look });
    const lease = admin.stream("supervisor", "/tunnel/lease", ended)[Symbol.asyncIterator]();
    await lease.next();
    lease.next().then(
      () => fail(new UserError("the cluster is no longer running")),
      (err: unknown) => fail(err),
    );
    stdout.write("LoadBalancer Services get an address on this machine until Ctrl-C:\n");
    const running = informers.run(ended);
    informer.synced.then(look, () => {});
    await running.catch(() => {});
    await tunnel.close();
    if (failure) throw failure;
    return 0;
  },
};

import type { CliCommand } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { bridgeAddress, ClusterDialer } from "../live/cluster-dialer.js";
import { startGateway } from "../live/gateway.js";
import { adminFlags } from "../objects/cluster-admin.js";
import { untilAborted } from "../objects/until-aborted.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  address: { kind: "string", default: "127.0.0.1", help: "Address to listen on." },
  port: { kind: "int", default: 1080, help: "Port to listen on; 0 takes a free one." },
  node: { kind: "string", help: "Whose pods' place to take. Default: the first node." },
} as const satisfies FlagSpecs;

/** `kubesim gateway`: a SOCKS5 and HTTP proxy whose connections enter the cluster's network as from a pod. */
export const gatewayCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    if (positionals.length > 0) throw new UserError(`unexpected argument "${positionals[0]}"`, 2);
    const dialer = new ClusterDialer(options);
    const { client } = connect({ kubeconfig: dialer.admin.kubeconfig }, context);
    const place = await bridgeAddress(client, options.node);
    const namespace = options.namespace ?? "default";
    const address = options.address ?? "127.0.0.1";
    const gateway = await startGateway({
      clock: context.clock,
      dial: dialer.from(place.ip, namespace),
      associate: dialer.associateFrom(place.ip, namespace),
      address,
      port: options.port ?? 1080,
    }).catch((err: unknown) => {
      throw new UserError(err instanceof Error ? err.message : String(err));
    });
    const at = `${address}:${gateway.port}`;
    context.stdout.write(
      `SOCKS5 and HTTP proxy into the cluster, as from a pod on ${place.node}: ${at}\n` +
        `  curl --socks5-hostname ${at} http://web.default\n` +
        `  curl --proxy http://${at} http://web.default\n` +
        "Ctrl-C ends it.\n",
    );
    await untilAborted(context.signal);
    gateway.close();
    dialer.close();
    return 0;
  },
};
